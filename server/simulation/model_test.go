package simulation_test

import (
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// forever is the end of an event that may still take place.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// event is what somebody other than a worker did to a row of one side.
type event struct {
	side   tandem.Source
	key    tandem.Key
	column int // -1 when the whole row went, or one of several with its key did
	value  tandem.Value
	from   time.Time
	until  time.Time // later than from for writes that a worker carries out for a caller
	kind   eventKind
	// retyped is set when a person typed a number that was there already, to the digits that a sheet shows.
	retyped bool
	// request is the caller's, of writes to the sheet through the API.
	request string
}

type eventKind uint8

const (
	written eventKind = iota
	deleted           // the row went
	dropped           // one of several rows with the key went, or cannot be told from the others
)

// model is all that was written by others than workers, in order.
type model struct {
	events  map[tandem.Key][]event
	order   []tandem.Key
	notes   map[tandem.Key][]string // what people wrote beside each row of the sheet, the last one last
	own     map[tandem.Key][]string // what programs wrote into the table's column that is not linked, the last one last
	doubled map[tandem.Key]bool     // keys that people made stand twice
	keyless []keylessRow            // rows that people typed without a key
	lost    map[int]bool            // columns that people deleted from the sheet: they are filled again once they are back
}

// keylessRow is a row that was seen without a key.
type keylessRow struct {
	values []tandem.Value
	note   string
	gone   bool // somebody took it away again, or gave it a key, or wrote over it
}

func (m *model) init() {
	m.events, m.notes, m.doubled, m.own, m.lost = map[tandem.Key][]event{}, map[tandem.Key][]string{}, map[tandem.Key]bool{}, map[tandem.Key][]string{}, map[int]bool{}
}

func (m *model) add(e event) {
	if m.events[e.key] == nil {
		m.order = append(m.order, e.key)
	}
	if e.until.IsZero() {
		e.until = e.from
	}
	m.events[e.key] = append(m.events[e.key], e)
}

// answered ends the events of a request: they took place before now, or not at all.
func (m *model) answered(request string, done bool, now time.Time) {
	for _, key := range m.order {
		var kept []event
		for _, e := range m.events[key] {
			if e.request == request {
				e.until = now
			}
			if done || e.request != request {
				kept = append(kept, e)
			}
		}
		m.events[key] = kept
	}
}

func byKey(rows []seen) (map[tandem.Key][]seen, []tandem.Key) {
	all, order := map[tandem.Key][]seen{}, []tandem.Key{}
	for _, row := range rows {
		if row.key == "" {
			continue
		}
		if all[row.key] == nil {
			order = append(order, row.key)
		}
		all[row.key] = append(all[row.key], row)
	}
	return all, order
}

// learn notes what an act changed on both sides: the difference of two pictures.
func (w *pair) learn(before, after *picture) {
	for _, row := range slices.Concat(before.sheet, after.sheet) {
		for i, value := range row.values {
			w.model.lost[i] = w.model.lost[i] || value.IsAbsent()
		}
	}
	w.learnSide(tandem.Database, before.table, after.table)
	w.learnSide(tandem.Sheet, before.sheet, after.sheet)
	w.learnKeyless(before.sheet, after.sheet)
}

// learnKeyless notes rows that came without a key, and those that somebody took away or changed, be it after they were given one.
func (w *pair) learnKeyless(before, after []seen) {
	like := func(row seen, typed keylessRow) bool {
		return row.note == typed.note && slices.Equal(row.values[w.keys:], typed.values[w.keys:])
	}
	standing := func(rows []seen, typed keylessRow) bool {
		return slices.ContainsFunc(rows, func(row seen) bool { return like(row, typed) })
	}
	for i := range w.model.keyless {
		row := &w.model.keyless[i]
		row.gone = row.gone || standing(before, *row) && !standing(after, *row)
	}
	for _, row := range after {
		typed := keylessRow{values: row.values, note: row.note}
		if row.key == "" && !slices.ContainsFunc(before, func(row seen) bool { return row.key == "" && like(row, typed) }) {
			w.model.keyless = append(w.model.keyless, typed)
		}
	}
}

func (w *pair) learnSide(side tandem.Source, before, after []seen) {
	old, oldOrder := byKey(before)
	now, order := byKey(after)
	for _, key := range oldOrder {
		switch {
		case len(now[key]) == 0:
			w.model.add(event{side: side, key: key, column: -1, from: w.now(), kind: deleted})
		case len(old[key]) > 1 || len(now[key]) > 1:
			w.model.add(event{side: side, key: key, column: -1, from: w.now(), kind: dropped})
		}
	}
	for _, key := range order {
		if len(now[key]) > len(old[key]) && len(now[key]) > 1 {
			w.model.doubled[key] = true
		}
		for _, row := range now[key] {
			for i, value := range row.values {
				if value.IsEmpty() && holds(old[key], i, tandem.Absent) || value.IsAbsent() && holds(old[key], i, value) {
					continue // the column is still gone, or there again and empty: nobody wrote that
				}
				if value.IsAbsent() {
					value = tandem.Null // who takes a column away takes its values away
				}
				if len(old[key]) == 0 || !holds(old[key], i, value) {
					retyped := side == tandem.Sheet && w.names[i] == "ratio" && len(old[key]) == 1 && len(now[key]) == 1 && sameDigits(old[key][0].values[i], value)
					w.model.add(event{side: side, key: key, column: i, value: value, from: w.now(), retyped: retyped})
				}
			}
			if side == tandem.Database && (len(old[key]) == 0 || !holdsNote(old[key], row.note)) {
				w.model.own[key] = append(w.model.own[key], row.note)
			}
			if side == tandem.Sheet && (len(old[key]) == 0 || !holdsNote(old[key], row.note)) {
				w.model.notes[key] = append(w.model.notes[key], row.note)
			}
		}
	}
}

func holds(rows []seen, column int, value tandem.Value) bool {
	for _, row := range rows {
		if row.values[column] == value {
			return true
		}
	}
	return false
}

func holdsNote(rows []seen, note string) bool {
	for _, row := range rows {
		if row.note == note {
			return true
		}
	}
	return false
}
