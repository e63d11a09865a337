package simulation_test

import (
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// checkPolicy: where one side always wins, no title that was written there is written over before the other side has shown it:
// who wrote over it cannot have known it.
func (w *verdict) checkPolicy(key tandem.Key) {
	winner := map[tandem.Policy]tandem.Source{tandem.DatabaseWins: tandem.Database, tandem.SheetWins: tandem.Sheet}[w.linked.Policy]
	if winner == "" || w.discarded || w.mix["settings"] || w.mix["policies"] || w.decidedByPeople(w.history[key]) {
		return
	}
	title := w.names[w.keys]
	for n, entry := range w.history[key] {
		before, after := entry.Before[title], entry.After[title]
		if entry.Source == winner || entry.Kind != tandem.Update || entry.Cause == tandem.CauseInitialSync || before == after || !isUnique(before.Text()) {
			continue
		}
		wrote := func(side tandem.Source) bool {
			return slices.ContainsFunc(w.model.events[key], func(e event) bool {
				return e.side == side && e.kind == written && e.column == w.keys && e.value == before && e.from.Before(entry.At.Add(time.Minute))
			})
		}
		shown := slices.ContainsFunc(w.history[key][:n], func(e tandem.Entry) bool { return e.Source == winner && e.After[title] == before })
		if wrote(winner) && !wrote(winner.Other()) && !shown {
			w.fail("policy %s: the title %q of row %s was written over at %s, before the other side had shown it", w.linked.Policy, before.Text(), key,
				entry.At.UTC().Format("15:04:05.000"))
		}
	}
}
