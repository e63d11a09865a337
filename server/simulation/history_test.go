package simulation_test

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
)

// checkRemovals: a row that a worker deleted was deleted by somebody on the other side, and one that somebody deleted comes
// back only when somebody wrote it again, or changed it on the other side in the meantime.
func (w *verdict) checkRemovals(key tandem.Key) {
	history := w.history[key]
	if w.discarded || w.decidedByPeople(history) || w.madeByTable(history) {
		return
	}
	events := w.model.events[key]
	for n, entry := range history {
		if entry.Kind != tandem.Delete || hasDeletion(events, entry.Source, w.lastPut(history[:n], entry.Source.Other()), entry.At) {
			continue
		}
		w.fail("row %s was deleted for the %s at %s although nobody had deleted it there", key, entry.Source, entry.At.Format("15:04:05.000"))
	}
	if len(events) == 0 || find(w.end.table, key) == nil {
		return
	}
	last := events[len(events)-1]
	if last.kind == deleted && last.until == last.from && !w.changedMeanwhile(events[:len(events)-1], last, history) {
		w.fail("row %s came back: the last that anybody did to it was to delete it in the %s at %s", key, last.side, last.from.Format("15:04:05.000"))
	}
}

// changedMeanwhile reports whether the other side held something that had not been carried over yet when a row was deleted:
// an update beats a deletion whose time is not known.
func (w *verdict) changedMeanwhile(events []event, deletion event, history []tandem.Entry) bool {
	var put tandem.Entry // what a worker last carried over from there
	for _, entry := range history {
		at := entry.At
		if landed, ok := w.landings[landing{entry.Key, entry.At.UnixNano()}]; ok && entry.Source == tandem.Sheet {
			at = landed
		}
		if entry.Source == deletion.side.Other() && at.Before(deletion.from) {
			put = entry
		}
	}
	for _, former := range w.renames.earlier[deletion.key] {
		for _, e := range w.model.events[former] {
			if e.side != deletion.side && e.kind == written && !e.until.Before(put.At) {
				return true
			}
		}
	}
	newest := map[int]tandem.Value{}
	for _, e := range events {
		if e.until.After(deletion.from) {
			return true // carried out later than it was asked for
		}
		if e.side != deletion.side && e.kind == written {
			newest[e.column] = e.value
			if !e.until.Before(put.At) {
				return true
			}
		}
	}
	for column, value := range newest { // what came while the worker was at it
		after, ok := put.After[w.names[column]]
		if ok && !w.columns[column].Equal(after, value) || !ok && w.model.lost[column] {
			return true
		}
	}
	return false
}

// decidedByPeople reports whether a person decided about the row, by an answer to a halt or to a conflict.
func (w *verdict) decidedByPeople(history []tandem.Entry) bool {
	for _, entry := range history {
		if entry.Cause == tandem.CausePutBack || entry.Cause == tandem.CauseConflict {
			return true
		}
	}
	return false
}

// madeByTable reports whether the table made this key for a row that was typed without one. It may make one once more that
// it made before, when the row that had it is gone.
func (w *verdict) madeByTable(history []tandem.Entry) bool {
	for _, entry := range history {
		if entry.Kind != tandem.Insert || entry.Source != tandem.Sheet {
			continue
		}
		for _, typed := range w.model.keyless {
			if w.columns[w.keys].Equal(typed.values[w.keys], entry.After[w.names[w.keys]]) {
				return true
			}
		}
	}
	return false
}

// lastPut is when a worker last inserted the row on the other side of from.
func (w *verdict) lastPut(history []tandem.Entry, from tandem.Source) time.Time {
	var at time.Time
	for _, entry := range history {
		if entry.Kind == tandem.Insert && entry.Source == from {
			at = entry.At
		}
	}
	return at
}

func hasDeletion(events []event, side tandem.Source, after, before time.Time) bool {
	for _, e := range events {
		if e.side == side && e.kind != written && !e.until.Before(after) && !e.from.After(before) {
			return true
		}
	}
	return false
}

// checkEchoes: a cell that a worker carried from a side had been written there by somebody, and not by the worker itself.
func (w *verdict) checkEchoes(key tandem.Key) {
	history := w.history[key]
	if w.discarded || w.decidedByPeople(history) || w.madeByTable(history) {
		return
	}
	for n, entry := range history {
		if entry.Kind != tandem.Update {
			continue
		}
		for i := w.keys; i < len(w.names); i++ {
			value, ok := entry.After[w.names[i]]
			if !ok || w.model.lost[i] || owns(entry.Source, w.owners[i]) || w.columns[i].Equal(value, entry.Before[w.names[i]]) || w.writtenThere(key, i, value, entry, history[:n]) {
				continue
			}
			w.fail("echo: %s of row %s was carried from the %s at %s as %q, which a worker had put there", w.names[i], key, entry.Source,
				entry.At.Format("15:04:05.000"), value.Text())
		}
	}
}

func (w *verdict) writtenThere(key tandem.Key, column int, value tandem.Value, entry tandem.Entry, earlier []tandem.Entry) bool {
	var put time.Time // when a worker last put something there
	for _, e := range earlier {
		if e.Source != entry.Source && (e.Kind == tandem.Insert || !w.columns[column].Equal(e.After[w.names[column]], e.Before[w.names[column]])) {
			put = e.At
		}
	}
	var events []event
	for _, key := range all(key, w.renames.earlier) {
		events = append(events, w.model.events[key]...)
	}
	for _, e := range events {
		// A row that a caller of the API adds to the sheet has empty cells where the caller says nothing.
		if e.side == entry.Source && (e.kind == dropped || value.IsEmpty() && e.until.After(e.from) && !e.until.Before(put)) {
			return true
		}
		same := w.columns[column].Equal(e.value, value) || shownOtherwise(e.value, value)
		if e.side == entry.Source && e.kind == written && e.column == column && same && !e.until.Before(put) {
			return true
		}
	}
	// Before it got its key from the worker, the row was one without.
	return entry.Source == tandem.Sheet && slices.ContainsFunc(w.model.keyless, func(typed keylessRow) bool { return w.columns[column].Equal(typed.values[column], value) })
}

// shownOtherwise reports whether a number that was typed before its column was given a text format is shown as another text since:
// 1.00E+114 and then 1E+114.
func shownOtherwise(before, after tandem.Value) bool {
	one, err := strconv.ParseFloat(before.Text(), 64)
	other, alsoErr := strconv.ParseFloat(after.Text(), 64)
	return err == nil && alsoErr == nil && one == other && strings.Contains(after.Text(), "E+")
}

// owns reports whether a column belongs to a side, which then has it put back again and again.
func owns(side tandem.Source, owner tandem.Owner) bool {
	return side == tandem.Database && owner == tandem.OwnerDatabase || side == tandem.Sheet && owner == tandem.OwnerSheet
}
