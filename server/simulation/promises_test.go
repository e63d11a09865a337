package simulation_test

import (
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
)

// checkPromises checks DESIGN, section 5, once everybody has stopped.
func (w *world) checkPromises() {
	p := w.look()
	w.checkEqual(p)
	w.checkQuiet(p)
	history := w.history()
	for _, key := range w.model.order {
		w.checkWritten(key, p, history[key])
		w.checkRemovals(key, p, history[key])
		w.checkEchoes(key, history[key])
	}
	w.checkInvented(p)
	w.checkBeside(p, history)
	for _, wanted := range w.wanted {
		if !wanted.done {
			w.fail("the API's write %s to the sheet was never answered", wanted.m.RequestID)
		}
	}
	for minute, calls := range w.wires.minutes {
		if calls > 240 {
			w.fail("%d calls of Google in the minute %s", calls, time.Unix(minute*60, 0).UTC().Format("15:04"))
		}
	}
}

// checkEqual: both sides hold the same rows, and no row error, halt or doubled key is left after people put all right.
func (w *world) checkEqual(p *picture) {
	if link := w.link(); link.State != tandem.StateActive {
		w.fail("the link ends as %s: %+v, last error %q", link.State, link.Halt, link.Status.LastError)
		return
	}
	if errs, _, _ := w.store.RowErrors(w.t.Context(), linkID, "", 10); len(errs) > 0 {
		w.fail("row errors stay: %+v", errs[0])
	}
	if intents, _ := w.store.Intents(w.t.Context(), book); len(intents) > 0 {
		w.fail("%d intents stay open", len(intents))
	}
	table, _ := byKey(p.table)
	sheet, order := byKey(p.sheet)
	for _, row := range p.table {
		order = append(order, row.key)
	}
	done := map[tandem.Key]bool{}
	for _, key := range order {
		if done[key] {
			continue
		}
		done[key] = true
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

func (w *world) same(a, b []tandem.Value) bool {
	for i := range a {
		if !w.columns[i].Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// checkQuiet: further cycles, a comparison of everything among them, write nothing and call little.
func (w *world) checkQuiet(p *picture) {
	writes, calls, entries := w.google.Stats().Writes, w.wires.calls, w.countHistory()
	w.rest(15) // a minute
	if n := w.wires.calls - calls; n > 40 {
		w.fail("%d calls of Google in a minute in which nothing happens", n)
	}
	w.tick(16 * time.Minute)
	w.rest(4)
	if n := w.google.Stats().Writes - writes; n > 0 {
		w.fail("%d writes to the sheet although all is quiet", n)
	}
	if n := w.countHistory() - entries; n > 0 {
		w.fail("%d changes carried over although all is quiet", n)
	}
	if now := w.look(); pictureText(now.table) != pictureText(p.table) || pictureText(now.sheet) != pictureText(p.sheet) {
		w.fail("rows change although all is quiet")
	}
}

func (w *world) countHistory() int {
	n := 0
	for _, entries := range w.history() {
		n += len(entries)
	}
	return n
}

// history returns the link's history by key, oldest first.
func (w *world) history() map[tandem.Key][]tandem.Entry {
	all := map[tandem.Key][]tandem.Entry{}
	for after := int64(0); ; {
		entries, err := w.store.Entries(w.t.Context(), linkID, after, 1000)
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

// checkWritten: what was written is there, or was written over by somebody on that side, or history holds it as what was
// there before a worker wrote over it.
func (w *world) checkWritten(key tandem.Key, p *picture, history []tandem.Entry) {
	events := w.model.events[key]
	for n, e := range events {
		if e.kind != written || w.unsureIfMade(e) {
			continue
		}
		equal := w.columns[e.column].Equal
		if row := find(p.side(e.side), key); row != nil && equal(row.values[e.column], e.value) {
			continue
		}
		if row := find(p.side(e.side), key); row == nil && e.value.IsEmpty() {
			continue
		}
		if w.writtenOver(events, n) || w.keptInHistory(e, history) {
			continue
		}
		w.fail("lost: %s of row %s in the %s, written at %s as %q, is neither there nor in history", w.names[e.column], key, e.side,
			e.from.Format("15:04:05.000"), e.value.Text())
	}
}

// unsureIfMade reports whether a write was only recorded: its caller never learnt that it was made.
func (w *world) unsureIfMade(e event) bool { return e.until == forever }

func (w *world) writtenOver(events []event, n int) bool {
	e := events[n]
	for m, later := range events {
		if m == n || later.side != e.side || later.until.Before(e.from) || m < n && later.until == later.from {
			continue
		}
		if later.kind != written || later.column == e.column && later.value != e.value {
			return true
		}
	}
	return false
}

func (w *world) keptInHistory(e event, history []tandem.Entry) bool {
	for _, entry := range history {
		if entry.Source == e.side || entry.At.Before(e.from.Add(-time.Minute)) {
			continue
		}
		before, ok := entry.Before[w.names[e.column]]
		if ok && (w.columns[e.column].Equal(before, e.value) || before.IsInvalid() && e.value.IsInvalid()) {
			return true
		}
	}
	return false
}

// checkInvented: every cell holds what somebody wrote for that row.
func (w *world) checkInvented(p *picture) {
	for _, side := range []tandem.Source{tandem.Database, tandem.Sheet} {
		for _, row := range p.side(side) {
			for i := w.keys; i < len(w.names); i++ {
				if !w.somebodyWrote(row.key, i, row.values[i]) {
					w.fail("invented: %s of row %s in the %s is %q, which nobody wrote", w.names[i], row.key, side, row.values[i].Text())
				}
			}
		}
	}
}

func (w *world) somebodyWrote(key tandem.Key, column int, value tandem.Value) bool {
	if value.IsEmpty() {
		return true
	}
	for _, e := range w.model.events[key] {
		if e.kind == written && e.column == column && w.columns[column].Equal(e.value, value) {
			return true
		}
	}
	return false
}

// checkBeside: cells outside the link are as people left them, beside the same key. They may only go with their row.
func (w *world) checkBeside(p *picture, history map[tandem.Key][]tandem.Entry) {
	for _, row := range p.sheet {
		notes := w.model.notes[row.key]
		want := ""
		if len(notes) > 0 {
			want = notes[len(notes)-1]
		}
		if row.note == want || row.note == "" && w.wasGone(row.key, history[row.key]) || w.model.doubled[row.key] && strings.Contains(strings.Join(notes, "\n"), row.note) {
			continue
		}
		w.fail("beside row %s stands %q, people left %q there", row.key, row.note, want)
	}
}

// wasGone reports whether the row was away from the sheet for a while, by anybody's deletion.
func (w *world) wasGone(key tandem.Key, history []tandem.Entry) bool {
	for _, e := range w.model.events[key] {
		if e.side == tandem.Sheet && e.kind != written {
			return true
		}
	}
	for _, entry := range history {
		if entry.Source == tandem.Database && (entry.Kind == tandem.Delete) {
			return true
		}
	}
	return false
}
