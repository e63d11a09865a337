package sheets

import (
	"context"
	"errors"
	"time"

	"github.com/tandem-sync/tandem"
)

// FindRows is Find for the rows at some places, too, numbered as people number them. The whole key column is read with them, as
// it says which keys stand there now; what stood there when somebody wrote the places down may be elsewhere.
//
// It is a whole Scan when that costs no more, and whenever one of the places does not hold a key that stands once and was
// in the tab at the last read: the row was typed, cleared or deleted, or its key was edited, and nothing less tells which.
func (t *Tab) FindRows(ctx context.Context, rows []int, keys []tandem.Key) (*Scan, error) {
	before := t.remembered()
	if n := len(rows) + len(keys); before == nil || n > 20 && n > len(before.places)/findLimit {
		return t.Scan(ctx)
	}
	scan, err := t.findRows(ctx, rows, keys, before)
	if errors.Is(err, errTorn) {
		return t.Scan(ctx)
	}
	return scan, err
}

func (t *Tab) findRows(ctx context.Context, rows []int, keys []tandem.Key, before *reading) (*Scan, error) {
	scan := &Scan{Began: t.client.opt.Now()}
	expected := before.places.rowsOf(keys)
	for _, row := range rows {
		expected = append(expected, min(row, maxRow)-1)
	}
	found, lines, err := t.readKeysAnd(ctx, before.layout, expected)
	if err != nil {
		return nil, err
	}
	scan.Missing, scan.Title = found.layout.missing, t.title()
	t.remember(found)
	wanted, known := found.knownAt(rows, before)
	if !known {
		return nil, errTorn
	}
	return scan, t.complete(ctx, scan, found, lines, append(wanted, found.places.rowsOf(keys)...))
}

// knownAt returns rows, counted from 0, when every one of them has a key that stands once and that the reading before knew.
func (r *reading) knownAt(rows []int, before *reading) (places []int, known bool) {
	missing := make(map[int32]bool, len(rows))
	for _, row := range rows {
		missing[int32(min(row, maxRow))-1] = true
	}
	for _, place := range r.places {
		if !missing[place.row] {
			continue
		}
		if len(r.places.of(place.mark())) > 1 || len(before.places.of(place.mark())) == 0 {
			return nil, false
		}
		delete(missing, place.row)
		places = append(places, int(place.row))
	}
	return places, len(missing) == 0
}

// maxRow is beyond what any tab can have.
const maxRow = 1 << 30

// Steady is the moment since which no read showed a row elsewhere than the read before it; zero when that is not known.
// Rows that were added or went do not count as long as the others stay where they are. Whether rows were moved and moved
// back between two reads nobody can tell.
func (t *Tab) Steady() time.Time {
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	return t.known.steady
}

// Stood reports whether each of keys stood in the tab exactly once at the last read of all key cells, and that began after a
// moment. It makes no call.
func (t *Tab) Stood(keys []tandem.Key, after time.Time) bool {
	last := t.remembered()
	if last == nil || !last.at.After(after) {
		return false
	}
	for _, key := range keys {
		if _, once := last.place(key); !once {
			return false
		}
	}
	return true
}

// steadyAfter returns since when rows are steady once r is remembered.
func (m *memory) steadyAfter(r *reading, now time.Time) time.Time {
	switch {
	case r == nil:
		return time.Time{}
	case m.last == nil, m.last.places.movedIn(r.places):
		return now
	}
	return m.steady
}

// movedIn reports whether a key that is in both stands elsewhere in next.
func (p keyPlaces) movedIn(next keyPlaces) bool {
	if len(p) > 0 && len(p) == len(next) && &p[0] == &next[0] {
		return false // the very same list
	}
	for i, j := 0, 0; i < len(p) && j < len(next); {
		switch order := p[i].mark().compare(next[j].mark()); {
		case order < 0:
			i++
		case order > 0:
			j++
		case p[i].row != next[j].row:
			return true
		default:
			i, j = i+1, j+1
		}
	}
	return false
}
