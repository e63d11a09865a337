package reconcile

import "github.com/tandem-sync/tandem"

// writes collects what is written to the cells of a row that both sides have.
type writes struct {
	policy            *Policy
	decision          *Decision
	toDatabase, toTab []tandem.Value
}

// take gives the other side winner's cell.
func (w *writes) take(i int, winner tandem.Source) {
	w.put(i, w.decision.values(winner)[i], winner.Other())
}

func (w *writes) put(i int, value tandem.Value, target tandem.Source) {
	into := &w.toTab
	if target == tandem.Database {
		into = &w.toDatabase
	}
	if *into == nil {
		*into = make([]tandem.Value, len(w.policy.Columns))
	}
	(*into)[i] = w.policy.forTarget(i, value, target)
}

// settled carries out what was decided for a cell that both sides changed differently.
func (w *writes) settled(i int, r ruling, manual bool) {
	d := w.decision
	d.contest(w.policy, Contest{Column: i, Winner: r.winner, Manual: manual})
	if r.winner == "" {
		w.put(i, r.value, tandem.Database)
		w.put(i, r.value, tandem.Sheet)
		return
	}
	w.take(i, r.winner)
	if manual && r.winner == tandem.Database {
		d.agreed(i, d.Row.Sheet[i])
	}
}

func (w *writes) close() {
	d := w.decision
	if w.toDatabase != nil {
		d.Database = &tandem.Change{Kind: tandem.Update, Key: w.policy.keyOf(d.Row.Database, d.Row.Key), Before: d.Row.Database, After: w.toDatabase}
	}
	if w.toTab != nil {
		d.Sheet = &tandem.Change{Kind: tandem.Update, Key: w.policy.keyOf(d.Row.Sheet, d.Row.Key), Before: d.Row.Sheet, After: w.toTab}
	}
}
