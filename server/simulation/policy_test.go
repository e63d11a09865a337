package simulation_test

import (
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// checkPolicy: what the link's policy keeps on a side is not written over, and not deleted, before the other side has shown
// it: who did so there cannot have known it. Only what is hardly written twice is looked at.
func (w *verdict) checkPolicy(key tandem.Key) {
	if len(w.renames.earlier[key]) > 0 {
		return // what it held before stands under its former key
	}
	if w.discarded || w.mix["settings"] || w.mix["policies"] || w.decidedByPeople(w.history[key]) || w.madeByTable(w.history[key]) {
		return
	}
	for n, entry := range w.history[key] {
		if side := entry.Source.Other(); entry.Cause != tandem.CauseInitialSync && w.keeps(side, entry.Kind) && !w.deletedInSync(key, entry) {
			for i := w.keys; i < len(w.names); i++ {
				w.checkKept(key, i, entry, w.history[key][:n])
			}
		}
	}
}

// deletedInSync reports whether a row is deleted that the table lost while the first sync was under way: what is deleted meanwhile
// stays deleted, whatever the sheet's row was like.
func (w *verdict) deletedInSync(key tandem.Key, entry tandem.Entry) bool {
	return entry.Kind == tandem.Delete && entry.Source == tandem.Database && slices.ContainsFunc(w.model.events[key], func(e event) bool {
		return e.side == tandem.Database && e.kind == deleted && e.from.Before(w.synced)
	})
}

// checkKept checks one cell that was written over, on the side that the change did not come from.
func (w *verdict) checkKept(key tandem.Key, column int, entry tandem.Entry, earlier []tandem.Entry) {
	name, side := w.names[column], entry.Source.Other()
	before, after := entry.Before[name], entry.After[name]
	rare := name == "title" && isUnique(before.Text()) || name == "price" || name == "seen"
	if before.IsEmpty() || before.IsInvalid() || before == after || !rare || w.owners[column] != "" || w.model.lost[column] {
		return
	}
	wrote := func(side tandem.Source) bool {
		return slices.ContainsFunc(w.model.events[key], func(e event) bool {
			return e.side == side && e.kind == written && e.column == column && e.value == before && e.from.Before(entry.At.Add(time.Minute))
		})
	}
	shown := slices.ContainsFunc(earlier, func(e tandem.Entry) bool { return e.Source == side && e.After[name] == before })
	if wrote(side) && !wrote(side.Other()) && !shown {
		w.fail("policy %s: %s of row %s, %q, was written over in the %s at %s, before the other side had shown it", w.linked.Policy, name, key,
			before.Text(), side, entry.At.UTC().Format("15:04:05.000"))
	}
}

// keeps reports whether the policy lets a change of side stand whatever the other side did.
func (w *verdict) keeps(side tandem.Source, kind tandem.ChangeKind) bool {
	switch w.linked.Policy {
	case tandem.Manual:
		return true
	case tandem.DatabaseWins:
		return side == tandem.Database
	case tandem.SheetWins:
		return side == tandem.Sheet
	case tandem.LastWriteWins: // an update beats a deletion whose time is not known
		return side == tandem.Database && kind == tandem.Delete && !w.mix["hints"] && !w.mix["api"]
	}
	return false
}
