package simulation_test

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
)

// checkWritten: what was written is there, or was written over by somebody on that side, or history holds it as what was
// there before a worker wrote over it.
func (w *verdict) checkWritten(key tandem.Key) {
	events := w.model.events[key]
	for n, e := range events {
		if e.kind != written || w.unsureIfMade(e) || w.isThere(e) || w.writtenOver(events, n) || w.keptInHistory(e) {
			continue
		}
		w.fail("lost: %s of row %s in the %s, written at %s as %q, is neither there nor in history", w.names[e.column], key, e.side,
			e.from.UTC().Format("15:04:05.000"), e.value.Text())
	}
}

// unsureIfMade reports whether a write was only recorded: its caller never learnt that it was made.
func (w *verdict) unsureIfMade(e event) bool { return e.until == forever }

// isThere reports whether a cell holds what was written, also under a later key of the row.
func (w *verdict) isThere(e event) bool {
	gone := true
	for _, key := range all(e.key, w.renames.later) {
		if row := find(w.end.side(e.side), key); row != nil {
			gone = false
			now := row.values[e.column]
			if key != e.key && e.column < w.keys || w.columns[e.column].Equal(now, e.value) || e.side == tandem.Sheet && shownOtherwise(e.value, now) {
				return true
			}
		}
	}
	return gone && e.value.IsEmpty()
}

func (w *verdict) writtenOver(events []event, n int) bool {
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

func (w *verdict) keptInHistory(e event) bool {
	// A row whose key was edited in the sheet and that is deleted for the other side stands in history under the old key.
	for _, key := range append(all(e.key, w.renames.later), w.namedInHistory(e.key)...) {
		for _, entry := range w.history[key] {
			if entry.Source == e.side || entry.At.Before(e.from.Add(-time.Minute)) {
				continue
			}
			before, ok := entry.Before[w.names[e.column]]
			same := w.columns[e.column].Equal(before, e.value) || before.IsInvalid() && e.value.IsInvalid() || e.side == tandem.Sheet && shownOtherwise(e.value, before)
			if ok && same {
				return true
			}
			apart := w.owners[e.column] == tandem.OwnerIgnored || w.model.lost[e.column]
			if key == e.key && entry.Kind == tandem.Delete && apart && e.side == tandem.Sheet {
				return true // cells outside the link, and of a column that was just away, go with their row
			}
		}
	}
	return false
}

// namedInHistory returns the other keys under which history holds a row that had this one.
func (w *verdict) namedInHistory(key tandem.Key) (others []tandem.Key) {
	for other, entries := range w.history {
		for _, entry := range entries {
			if other != key && entry.Kind == tandem.Delete && entry.Source == tandem.Database && w.keyIn(entry.Before) == key {
				others = append(others, other)
			}
		}
	}
	return others
}

// checkInvented: every cell holds what somebody wrote for that row.
func (w *verdict) checkInvented() {
	for _, side := range []tandem.Source{tandem.Database, tandem.Sheet} {
		for _, row := range w.end.side(side) {
			for i := w.keys; i < len(w.names); i++ {
				if !w.somebodyWrote(row.key, i, row.values[i], side) {
					w.fail("invented: %s of row %s in the %s is %q, which nobody wrote", w.names[i], row.key, side, row.values[i].Text())
				}
			}
		}
	}
}

func (w *verdict) somebodyWrote(key tandem.Key, column int, value tandem.Value, side tandem.Source) bool {
	if value.IsEmpty() {
		return true
	}
	equal := w.columns[column].Equal
	// The table's own digits stay, whatever of them the sheet shows.
	exactly := side == tandem.Database && w.names[column] == "ratio" && !w.wasInserted(key)
	for _, key := range all(key, w.renames.earlier) {
		for _, e := range w.model.events[key] {
			if exactly && (e.value != value || e.retyped && !w.broughtBySheet(key, column, value) && !w.putBack(key, column, value)) {
				continue
			}
			if e.kind == written && e.column == column && (equal(e.value, value) || e.side == tandem.Sheet && sameShown(e.value, value)) && (w.owners[column] != tandem.OwnerIgnored || e.side == side) {
				return true
			}
		}
	}
	return slices.ContainsFunc(w.model.keyless, func(row keylessRow) bool {
		return equal(row.values[column], value) || sameShown(row.values[column], value)
	})
}

// sameShown reports whether a text that was typed is a number that its cell shows otherwise: cells of text columns are numbers
// until the tab was set up.
func sameShown(typed, shown tandem.Value) bool {
	a, err := strconv.ParseFloat(typed.Text(), 64)
	b, failed := strconv.ParseFloat(shown.Text(), 64)
	return err == nil && failed == nil && a == b
}

// broughtBySheet reports whether somebody brought a number into the row of the sheet, to its digits, that was not there.
func (w *verdict) broughtBySheet(key tandem.Key, column int, value tandem.Value) bool {
	return slices.ContainsFunc(w.model.events[key], func(e event) bool {
		return e.side == tandem.Sheet && e.kind == written && e.column == column && !e.retyped && sameDigits(e.value, value)
	})
}

// putBack reports whether the row was put back from the sheet, with what its cells hold, to their digits.
func (w *verdict) putBack(key tandem.Key, column int, value tandem.Value) bool {
	return slices.ContainsFunc(w.history[key], func(e tandem.Entry) bool {
		return e.Cause == tandem.CausePutBack && e.Source == tandem.Sheet && e.After[w.names[column]] == value
	})
}

// checkDoubled: a row that was written once is there once. Titles with a number are written but once each.
func (w *verdict) checkDoubled() {
	holders := map[tandem.Value][]tandem.Key{}
	for _, row := range w.end.table {
		if title := row.values[w.keys]; isUnique(title.Text()) {
			holders[title] = append(holders[title], row.key)
		}
	}
	for _, row := range w.end.table {
		title := row.values[w.keys]
		keys := holders[title]
		if len(keys) < 2 || keys[0] != row.key {
			continue
		}
		writers := 0
		for _, key := range w.model.order {
			if slices.ContainsFunc(w.model.events[key], func(e event) bool { return e.kind == written && e.column == w.keys && e.value == title }) {
				writers++
			}
		}
		for _, typed := range w.model.keyless {
			if typed.values[w.keys] == title {
				writers++
			}
		}
		if len(keys) > writers {
			w.fail("doubled: the rows %v all are titled %q, which was written to %d", keys, title.Text(), writers)
		}
	}
}

// isUnique reports whether a title has a number that no other has.
func isUnique(title string) bool {
	return strings.HasPrefix(title, "v") || strings.HasPrefix(title, "é")
}

// checkKeyless: a row that a person typed without a key is in the table, unless somebody took it away again.
func (w *verdict) checkKeyless() {
	for _, typed := range w.model.keyless {
		title := typed.values[w.keys]
		if w.keyKind != 0 || typed.gone || !isUnique(title.Text()) {
			continue
		}
		has := func(row seen) bool { return row.values[w.keys] == title }
		kept := slices.ContainsFunc(w.end.table, has) || slices.ContainsFunc(w.end.sheet, has)
		for _, entries := range w.history {
			for _, entry := range entries {
				kept = kept || entry.Before[w.names[w.keys]] == title || entry.After[w.names[w.keys]] == title
			}
		}
		if !kept {
			w.fail("lost: a row typed without a key, titled %q, is nowhere", title.Text())
		}
	}
}
