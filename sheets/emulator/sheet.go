package emulator

import "slices"

// sheet is one tab. Rows are shared between states of a book until written: see own.
type sheet struct {
	id         int
	title      string
	hidden     bool
	rows, cols int
	grid       object // gridProperties other than the counts
	props      object // tabColor, tabColorStyle, rightToLeft
	data       []*row // up to the last row ever used; nil is an empty row
	formulas   int
	spills     bool // some cells are filled by array formulas elsewhere

	merges    []bounds
	filter    object // basicFilter without its range
	filterAt  *bounds
	protected []object
	groups    [2][]group        // by dimension
	dims      [2]map[int]object // DimensionProperties where they are not the default
	epoch     uint64            // the change that owns data
}

type row struct {
	epoch    uint64 // the change that may write to it
	formulas int
	cells    []cell
}

// own returns row r ready to be written by the change under way, copying what earlier states share.
func (s *sheet) own(epoch uint64, r int) *row {
	s.ownData(epoch)
	for len(s.data) <= r {
		s.data = append(s.data, nil)
	}
	old := s.data[r]
	if old != nil && old.epoch == epoch {
		return old
	}
	fresh := &row{epoch: epoch}
	if old != nil {
		fresh.formulas = old.formulas
		fresh.cells = slices.Clone(old.cells)
	}
	s.data[r] = fresh
	return fresh
}

func (s *sheet) ownData(epoch uint64) {
	if s.epoch != epoch {
		s.data = slices.Clone(s.data)
		s.epoch = epoch
	}
}

var blankCell cell

// at returns a cell to read. It must not be written.
func (s *sheet) at(r, c int) *cell {
	if r < len(s.data) {
		if line := s.data[r]; line != nil && c < len(line.cells) {
			return &line.cells[c]
		}
	}
	return &blankCell
}

func (s *sheet) line(r int) []cell {
	if r < len(s.data) && s.data[r] != nil {
		return s.data[r].cells
	}
	return nil
}

// edit changes one cell and keeps the count of formulas right.
func (s *sheet) edit(epoch uint64, r, c int, change func(c *cell)) {
	line := s.own(epoch, r)
	if c >= len(line.cells) {
		probe := blankCell
		change(&probe)
		if probe.blank() {
			return
		}
		line.cells = slices.Grow(line.cells, c+1-len(line.cells))[:c+1]
	}
	target := &line.cells[c]
	had := target.formula() != nil
	change(target)
	has := target.formula() != nil
	switch {
	case has && !had:
		line.formulas++
		s.formulas++
	case had && !has:
		line.formulas--
		s.formulas--
	}
}

// setLine replaces the cells of a row, which the sheet then owns.
func (s *sheet) setLine(epoch uint64, r int, cells []cell) {
	line := s.own(epoch, r)
	s.formulas -= line.formulas
	line.cells, line.formulas = cells, 0
	for i := range cells {
		if cells[i].formula() != nil {
			line.formulas++
		}
	}
	s.formulas += line.formulas
}

// lastRow is one past the last row that holds a value.
func (s *sheet) lastRow() int {
	for r := len(s.data) - 1; r >= 0; r-- {
		if s.data[r] == nil {
			continue
		}
		for i := range s.data[r].cells {
			if s.data[r].cells[i].hasValue() {
				return r + 1
			}
		}
	}
	return 0
}

// trimmed is the number of cells of a line, from c0 and before c1, up to the last that satisfies keep.
func trimmed(line []cell, c0, c1 int, keep func(c *cell) bool) int {
	for c := min(c1, len(line)) - 1; c >= c0; c-- {
		if keep(&line[c]) {
			return c + 1 - c0
		}
	}
	return 0
}

func (s *sheet) all() bounds { return bounds{0, s.rows, 0, s.cols} }

func (s *sheet) count(d dimension) int {
	if d == rowsDimension {
		return s.rows
	}
	return s.cols
}

func (s *sheet) setCount(d dimension, n int) {
	if d == rowsDimension {
		s.rows = n
	} else {
		s.cols = n
	}
}

func (s *sheet) frozen(d dimension) int {
	if d == rowsDimension {
		return integerOr(s.grid, "frozenRowCount", 0)
	}
	return integerOr(s.grid, "frozenColumnCount", 0)
}

// truncate drops the cells beyond the grid after it became smaller.
func (s *sheet) truncate(epoch uint64) {
	s.ownData(epoch)
	for r := s.rows; r < len(s.data); r++ {
		if s.data[r] != nil {
			s.formulas -= s.data[r].formulas
		}
	}
	s.data = s.data[:min(len(s.data), s.rows)]
	for r, line := range s.data {
		if line != nil && len(line.cells) > s.cols {
			s.setLine(epoch, r, slices.Clone(line.cells[:s.cols]))
		}
	}
}

func (s *sheet) gridProperties() object {
	g := copyObject(s.grid)
	g["rowCount"], g["columnCount"] = s.rows, s.cols
	return g
}

func (s *sheet) properties(index int) object {
	p := copyObject(s.props)
	p["sheetId"], p["title"], p["index"] = s.id, s.title, index
	p["sheetType"], p["gridProperties"] = "GRID", s.gridProperties()
	if s.hidden {
		p["hidden"] = true
	}
	return p
}
