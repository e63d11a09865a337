package sheets

import (
	"context"
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// current is the whole tab as it stands now.
type current struct {
	headers     []string
	header      int
	width, rows int
	cells       *gridCells
	byRow       map[int][]*api.GridData
	first, end  int // rows below the header
	keyed       map[*Batch]map[string][]int
}

func (t *Tab) current(ctx context.Context) (*current, error) {
	cells, err := t.readGrid(ctx, nil, "userEnteredValue,effectiveValue")
	if err != nil {
		return nil, err
	}
	size, _ := t.sizes()
	now := &current{header: t.header, width: size.columns, rows: size.rows, cells: cells, byRow: cells.index(), first: t.header + 1, end: cells.end(),
		keyed: map[*Batch]map[string][]int{}}
	for at := range size.columns {
		now.headers = append(now.headers, headerText(plainCell(cells.cell(t.header, at))))
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
		like := 2 * now.likeness(s, row, cells)
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
	want := make([]*api.ExtendedValue, len(s.batch.Keys))
	whole := len(want) == 0
	for n, at := range s.batch.Keys {
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
	if now.keyed[s.batch] == nil {
		byKey := map[string][]int{}
		for row := now.end - 1; row >= now.first; row-- {
			have := make([]*api.ExtendedValue, len(s.batch.Keys))
			for n, at := range s.batch.Keys {
				have[n] = shownValue(now.cell(row, now.column(s, at)))
			}
			byKey[signature(have)] = append(byKey[signature(have)], row)
		}
		now.keyed[s.batch] = byKey
	}
	return now.keyed[s.batch][signature(want)]
}

// holds reports whether a row has cells.
func (now *current) holds(s *stray, row int, cells map[int]*api.ExtendedValue, written map[int]bool) bool {
	for at, want := range cells {
		c := now.cell(row, now.column(s, at))
		have := shownValue(c)
		if written[at] {
			have = entered(c)
		}
		if !sameContent(have, want) {
			return false
		}
	}
	return true
}

// likeness counts the cells beside cells that a row has in common with the image.
func (now *current) likeness(s *stray, row int, cells map[int]*api.ExtendedValue) int {
	if s.what().Kind == tandem.Insert || s.what().Kind == restore {
		return 0
	}
	like := 0
	for at := range s.batch.Width {
		image := s.image(at)
		if _, known := cells[at]; known || image == nil || isFormula(image) {
			continue
		}
		if sameContent(shownValue(now.cell(row, now.column(s, at))), shownValue(image)) {
			like++
		}
	}
	return like
}
