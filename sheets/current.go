package sheets

import (
	"context"
	"fmt"
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// current is the whole tab as it stands now.
type current struct {
	title       string
	headers     []string
	header      int
	width, rows int
	cells       *gridCells
	byRow       map[int][]*api.GridData
	first, end  int   // rows below the header
	keys        []int // the link's key columns; nil when the headers do not tell
	keyed       map[keyedBy]map[string][]int
}

// keyedBy names an index of rows by what stands in the key columns of a batch's strays.
type keyedBy struct {
	batch *Batch
	keys  string
}

func (t *Tab) current(ctx context.Context) (*current, error) {
	cells, err := t.readGrid(ctx, nil, "userEnteredValue,effectiveValue")
	if err != nil {
		return nil, err
	}
	size, _ := t.sizes()
	now := &current{title: t.title(), header: t.header, width: size.columns, rows: size.rows, cells: cells, byRow: cells.index(), first: t.header + 1, end: cells.end(),
		keyed: map[keyedBy]map[string][]int{}}
	var header []any
	for at := range size.columns {
		header = append(header, plainCell(cells.cell(t.header, at)))
		now.headers = append(now.headers, headerText(header[at]))
	}
	if l, err := t.layoutOf(header); err == nil {
		for _, i := range t.keys {
			now.keys = append(now.keys, l.at[i])
		}
	}
	return now, nil
}

func (now *current) cell(row, column int) *api.CellData {
	return (&gridCells{parts: now.byRow[row]}).cell(row, column)
}

// column returns where a column stands now that had a header at the moment of the accident. One that cannot be told by its
// header stands as far from its left neighbour as it did.
func (now *current) column(s *stray, at int) int {
	for left := at; left >= 0; left-- {
		if left >= len(s.headers) || s.headers[left] == "" {
			continue
		}
		if to := headed(now.headers, s.headers[left], left); to >= 0 {
			return to + at - left
		}
	}
	return at
}

// headed returns the column that has a header: hint when it does, else the only one that does, else -1.
func headed(headers []string, header string, hint int) int {
	if hint < len(headers) && headers[hint] == header {
		return hint
	}
	first := slices.Index(headers, header)
	if first >= 0 && slices.Contains(headers[first+1:], header) {
		return -1
	}
	return first
}

// find returns the row that holds cells now (by column at the moment of the accident), -1 when none does. Where several do,
// it is the one that is most like the image in its other cells, then the one at hint, then the last.
func (now *current) find(s *stray, cells map[int]*api.ExtendedValue, written map[int]bool, hint int, taken claims) int {
	best, most := -1, -1
	for _, row := range now.candidates(s, cells, written) {
		if taken.has(now, s, row) || !now.holds(s, row, cells, written) {
			continue
		}
		like, of := now.likeness(s, row, cells)
		if s.rekeyed(written) && 2*like < of {
			continue // a key tells nothing where repairs wrote keys: each may stand on another row for a while
		}
		like *= 2
		if row == hint {
			like++
		}
		if like > most {
			best, most = row, like
		}
	}
	return best
}

// candidates returns the rows that may hold cells, the last one first: those with the same key cells, where none of these was
// written; else all.
func (now *current) candidates(s *stray, cells map[int]*api.ExtendedValue, written map[int]bool) []int {
	keys := s.keys()
	want := make([]*api.ExtendedValue, len(keys))
	whole := len(want) == 0
	for n, at := range keys {
		want[n] = cells[at]
		whole = whole || cells[at] == nil || written[at]
	}
	if whole {
		rows := make([]int, 0, max(now.end-now.first, 0))
		for row := now.end - 1; row >= now.first; row-- {
			rows = append(rows, row)
		}
		return rows
	}
	by := keyedBy{s.batch, fmt.Sprint(keys)}
	if now.keyed[by] == nil {
		byKey := map[string][]int{}
		for row := now.end - 1; row >= now.first; row-- {
			have := make([]*api.ExtendedValue, len(keys))
			for n, at := range keys {
				have[n] = shownValue(now.cell(row, now.column(s, at)))
			}
			byKey[signature(have)] = append(byKey[signature(have)], row)
		}
		now.keyed[by] = byKey
	}
	return now.keyed[by][signature(want)]
}

// holds reports whether a row has cells.
func (now *current) holds(s *stray, row int, cells map[int]*api.ExtendedValue, written map[int]bool) bool {
	for at, want := range cells {
		c := now.cell(row, now.column(s, at))
		have := shownValue(c)
		if written[at] {
			have = entered(c)
		}
		if !sameContent(have, want) && !(written[at] && bothFormulas(have, want)) {
			return false
		}
	}
	return true
}

// likeness counts the cells beside cells that a row has in common with the image, and those that it could have.
func (now *current) likeness(s *stray, row int, cells map[int]*api.ExtendedValue) (like, of int) {
	if s.what().Kind == tandem.Insert || s.what().Kind == restore {
		return 0, 0
	}
	for at := range s.batch.Width {
		image := s.image(at)
		_, known := cells[at]
		if known || isFormula(image) {
			continue
		}
		if image == nil {
			// Repairs copy whole rows, so an empty cell tells something there, too.
			if c := now.cell(row, now.column(s, at)); s.batch.Offset > 0 && entered(c) != nil && !isFormula(c) {
				of++
			}
			continue
		}
		of++
		if sameContent(shownValue(now.cell(row, now.column(s, at))), shownValue(image)) {
			like++
		}
	}
	return like, of
}

// rekeyed reports whether a repair wrote a key cell.
func (s *stray) rekeyed(written map[int]bool) bool {
	return s.batch.Offset > 0 && slices.ContainsFunc(s.keys(), func(at int) bool { return written[at] })
}
