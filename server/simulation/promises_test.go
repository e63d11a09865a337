package simulation_test

import (
	"slices"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
)

// verdict is what the promises are checked against, once everybody has stopped: both sides, and the link's history.
type verdict struct {
	*pair
	end     *picture
	history map[tandem.Key][]tandem.Entry
	renames renames
}

// checkPromises checks DESIGN, section 5.
func (w *pair) checkPromises() {
	v := &verdict{pair: w, end: w.look()}
	v.checkEqual()
	v.checkQuiet()
	v.history = w.readHistory()
	v.renames = w.findRenames(v.history)
	if *verbose {
		v.noteHistory()
	}
	for _, key := range w.model.order {
		v.checkWritten(key)
		v.checkRemovals(key)
		v.checkEchoes(key)
		v.checkPolicy(key)
	}
	v.checkInvented()
	v.checkDoubled()
	v.checkKeyless()
	v.checkBeside()
	v.checkOutside()
	v.checkGuard()
	for _, wanted := range w.wanted {
		if !wanted.done {
			w.fail("the API's write %s to the sheet was never answered", wanted.m.RequestID)
		}
	}
}

func (w *verdict) noteHistory() {
	for _, key := range sortedKeys(w.history) {
		for _, e := range w.history[key] {
			w.note("    history of %s: %s %s from the %s, %s, %v -> %v", key, e.At.UTC().Format("15:04:05.000"), e.Kind, e.Source, e.Cause, e.Before, e.After)
		}
	}
}

// checkQuota: what two workers call in a minute stays within what Google gives a project.
func (w *world) checkQuota() {
	for minute, calls := range w.wires.minutes {
		if calls > 240*len(w.pairs) {
			w.fail("%d calls of Google in the minute %s", calls, time.Unix(minute*60, 0).UTC().Format("15:04"))
		}
	}
}

// checkEqual: both sides hold the same rows, and no row error, conflict, halt or doubled key is left after people put all
// right.
func (w *verdict) checkEqual() {
	if link := w.current(); link.State != tandem.StateActive {
		w.fail("the link ends as %s: %+v, last error %q", link.State, link.Halt, link.Status.LastError)
		return
	}
	if errs, _, _ := w.store.RowErrors(w.t.Context(), w.id, "", 10); len(errs) > 0 {
		w.fail("row errors stay: %+v", errs[0])
	}
	if conflicts, _ := w.store.ConflictKeys(w.t.Context(), w.id); len(conflicts) > 0 {
		w.fail("conflicts stay: %v", conflicts)
	}
	if intents, _ := w.store.Intents(w.t.Context(), book); len(intents) > 0 {
		w.fail("%d intents stay open", len(intents))
	}
	table, _ := byKey(w.end.table)
	sheet, order := byKey(w.end.sheet)
	for _, row := range w.end.table {
		order = append(order, row.key)
	}
	slices.Sort(order)
	for _, key := range slices.Compact(order) {
		switch {
		case len(sheet[key]) > 1:
			w.fail("the sides differ: %s stands %d times in the sheet", key, len(sheet[key]))
		case len(sheet[key]) == 0:
			w.fail("the sides differ: %s is in the table only", rowText(table[key][0]))
		case len(table[key]) == 0:
			w.fail("the sides differ: %s is in the sheet only", rowText(sheet[key][0]))
		case !w.same(table[key][0].values, sheet[key][0].values):
			w.fail("the sides differ: table %s, sheet %s", rowText(table[key][0]), rowText(sheet[key][0]))
		}
	}
}

func (w *pair) same(a, b []tandem.Value) bool {
	for i := range a {
		if w.owners[i] != tandem.OwnerIgnored && !w.columns[i].Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// checkQuiet: further cycles, a comparison of everything among them, write nothing and call little.
func (w *verdict) checkQuiet() {
	writes, calls, entries := w.wires.writes, w.wires.calls, w.countHistory()
	w.rest(15) // a minute
	if n := w.wires.calls - calls; n > 40*len(w.pairs) {
		w.fail("%d calls of Google in a minute in which nothing happens", n)
	}
	w.tick(16 * time.Minute)
	w.rest(4)
	if n := w.wires.writes - writes; n > 0 {
		w.fail("%d writes to the sheet although all is quiet", n)
	}
	if n := w.countHistory() - entries; n > 0 {
		w.fail("%d changes carried over although all is quiet", n)
	}
	if now := w.look(); pictureText(now.table) != pictureText(w.end.table) || pictureText(now.sheet) != pictureText(w.end.sheet) {
		w.fail("rows change although all is quiet")
	}
}

func (w *pair) countHistory() int {
	n := 0
	for _, entries := range w.readHistory() {
		n += len(entries)
	}
	return n
}

// readHistory returns the link's history by key, oldest first.
func (w *pair) readHistory() map[tandem.Key][]tandem.Entry {
	all := map[tandem.Key][]tandem.Entry{}
	for after := int64(0); ; {
		entries, err := w.store.Entries(w.t.Context(), w.id, after, 1000)
		w.try(func() error { return err })
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			all[e.Key] = append(all[e.Key], e)
			after = e.Seq
		}
	}
}

func find(rows []seen, key tandem.Key) *seen {
	for i := range rows {
		if rows[i].key == key {
			return &rows[i]
		}
	}
	return nil
}

func (p *picture) side(side tandem.Source) []seen {
	if side == tandem.Database {
		return p.table
	}
	return p.sheet
}

// checkGuard: within an hour no more rows were removed without a person's consent than the link allows. What is allowed is
// rounded up, so that only a guard that sleeps is caught.
func (w *verdict) checkGuard() {
	limit := w.linked.DeleteLimit
	if limit.Count == 0 {
		limit = tandem.DeleteLimit{Count: 10, Percent: 20}
	}
	for _, side := range []tandem.Source{tandem.Database, tandem.Sheet} {
		removed := 0
		for _, key := range sortedKeys(w.history) {
			for _, entry := range w.history[key] {
				if entry.Kind == tandem.Delete && entry.Source == side && !w.approved[key] && entry.Cause != tandem.CauseConflict {
					removed++
				}
			}
		}
		if most := len(w.model.order) + len(w.model.keyless) + removed; removed > limit.Count && removed*100 > limit.Percent*most && !w.discarded {
			w.fail("%d rows were deleted because of the %s without anybody's consent; the limit is %+v", removed, side, limit)
		}
	}
}

// checkBeside: cells outside the link are as people left them, beside the same key. They may only go with their row.
func (w *verdict) checkBeside() {
	for _, row := range w.end.sheet {
		notes := w.model.notes[row.key]
		want := ""
		if len(notes) > 0 {
			want = notes[len(notes)-1]
		}
		if row.note == want || row.note == "" && w.wasGone(row.key) || w.model.doubled[row.key] && strings.Contains(strings.Join(notes, "\n"), row.note) {
			continue
		}
		if slices.ContainsFunc(w.model.keyless, func(typed keylessRow) bool { return typed.note == row.note }) {
			continue // the row got its key from the worker
		}
		w.fail("beside row %s stands %q, people left %q there", row.key, row.note, want)
	}
}

// wasGone reports whether the row was away from the sheet for a while, by anybody's deletion.
func (w *verdict) wasGone(key tandem.Key) bool {
	for _, e := range w.model.events[key] {
		if e.side == tandem.Sheet && e.kind != written {
			return true
		}
	}
	for _, entry := range w.history[key] {
		if entry.Source == tandem.Database && (entry.Kind == tandem.Delete) {
			return true
		}
	}
	return false
}

// checkOutside: the table's column that is not linked holds what programs wrote there. It goes with its row, and moves with
// it to another key.
func (w *verdict) checkOutside() {
	for _, row := range w.end.table {
		wrote := w.model.own[row.key]
		kept := row.note == "" && w.wasInserted(row.key) || len(wrote) > 0 && row.note == wrote[len(wrote)-1]
		for _, key := range all(row.key, w.renames.earlier)[1:] {
			kept = kept || slices.Contains(w.model.own[key], row.note)
		}
		if !kept && !w.cameBackAs(row.key, row.note) {
			w.fail("outside the link, row %s of the table holds %q, programs left %q there", row.key, row.note, wrote)
		}
	}
}

// cameBackAs reports whether the worker made the row in the table with what stood outside the link in one that a program had deleted
// there, and whose key had become this one in the sheet.
func (w *verdict) cameBackAs(key tandem.Key, note string) bool {
	did := func(key tandem.Key, side tandem.Source, write bool) bool {
		return slices.ContainsFunc(w.model.events[key], func(e event) bool { return e.side == side && (e.kind == written) == write })
	}
	if !w.wasInserted(key) || !did(key, tandem.Sheet, true) {
		return false
	}
	for former, wrote := range w.model.own {
		if slices.Contains(wrote, note) && did(former, tandem.Sheet, false) && did(former, tandem.Database, false) {
			return true
		}
	}
	return false
}

// wasInserted reports whether the worker made the row in the table.
func (w *verdict) wasInserted(key tandem.Key) bool {
	for _, key := range all(key, w.renames.earlier) {
		if slices.ContainsFunc(w.history[key], func(e tandem.Entry) bool { return e.Kind == tandem.Insert && e.Source == tandem.Sheet }) {
			return true
		}
	}
	return false
}
