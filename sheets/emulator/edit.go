package emulator

import (
	"strings"
)

// Edit is one thing that a person does by hand. Exactly one field is set.
type Edit struct {
	SetCell      *SetCell      `json:"setCell,omitempty"`
	Paste        *Paste        `json:"paste,omitempty"`
	Clear        *Clear        `json:"clear,omitempty"`
	InsertRows   *RowSpan      `json:"insertRows,omitempty"`
	DeleteRows   *RowSpan      `json:"deleteRows,omitempty"`
	MoveRows     *MoveRows     `json:"moveRows,omitempty"`
	Sort         *Sort         `json:"sort,omitempty"`
	InsertColumn *InsertColumn `json:"insertColumn,omitempty"`
	DeleteColumn *DeleteColumn `json:"deleteColumn,omitempty"`
	RenameSheet  *RenameSheet  `json:"renameSheet,omitempty"`
	DeleteSheet  *DeleteSheet  `json:"deleteSheet,omitempty"`
	Protect      *Protect      `json:"protect,omitempty"`
	Merge        *Merge        `json:"merge,omitempty"`
	Undo         *Undo         `json:"undo,omitempty"`
}

// SetCell types into a cell. Input is parsed as Google parses what is typed.
type SetCell struct {
	Sheet string `json:"sheet"`
	A1    string `json:"a1"`
	Input string `json:"input"`
}

// Paste types a block of cells, its corner at A1. The grid grows when it must.
type Paste struct {
	Sheet  string     `json:"sheet"`
	A1     string     `json:"a1"`
	Values [][]string `json:"values"`
}

// Clear presses Delete on a range: values go, formats stay.
type Clear struct {
	Sheet string `json:"sheet"`
	A1    string `json:"a1"`
}

// RowSpan is Count rows from row Start, which counts from 1.
type RowSpan struct {
	Sheet string `json:"sheet"`
	Start int    `json:"start"`
	Count int    `json:"count"`
}

// MoveRows drags rows in front of row Before.
type MoveRows struct {
	Sheet  string `json:"sheet"`
	Start  int    `json:"start"`
	Count  int    `json:"count"`
	Before int    `json:"before"`
}

// Sort sorts all rows below the header by a column, named by its header's text or its letter.
type Sort struct {
	Sheet      string `json:"sheet"`
	Column     string `json:"column"`
	Descending bool   `json:"descending"`
}

// InsertColumn puts a column in front of the one named, with a header.
type InsertColumn struct {
	Sheet  string `json:"sheet"`
	Before string `json:"before"`
	Header string `json:"header"`
}

// DeleteColumn deletes a column, named by its header's text or its letter.
type DeleteColumn struct {
	Sheet  string `json:"sheet"`
	Column string `json:"column"`
}

// RenameSheet gives a tab another title.
type RenameSheet struct {
	Sheet string `json:"sheet"`
	Title string `json:"title"`
}

// DeleteSheet deletes a tab.
type DeleteSheet struct {
	Sheet string `json:"sheet"`
}

// Undo takes back the person's last edit that was not yet taken back. What others wrote since stays.
type Undo struct{}

// Edit does the edits in order, each as one action that fires the hook. It stops at the first that cannot be
// done; the ones before it stay done.
func (e *Emulator) Edit(spreadsheetID string, edits ...Edit) error {
	d := e.document(spreadsheetID)
	if d == nil {
		return notFound()
	}
	for i, x := range edits {
		rows, err := d.edit(x)
		if err != nil {
			return prefixed(err, "Invalid edits[%d]: ", i)
		}
		d.mu.Lock()
		h := d.hook
		d.mu.Unlock()
		e.fire(h, rows)
	}
	return nil
}

// edit does one edit and remembers how to undo it.
func (d *document) edit(x Edit) (rows []int, err error) {
	do, ok := x.action()
	if !ok {
		return nil, invalid("exactly one kind of edit must be given")
	}
	d.mu.Lock()
	before := d.state()
	var taken undo
	var restored *book
	b, err := d.changeLocked(func(b *book) error {
		if x.Undo != nil {
			var err error
			restored, err = d.undoLast(b)
			return err
		}
		var err error
		rows, taken, err = do(b)
		return err
	})
	switch {
	case err == nil && x.Undo == nil:
		d.undoable(taken, before, b)
	case err == nil:
		d.undone(restored, b)
	}
	d.mu.Unlock()
	if err == nil {
		d.emulator.touched(d.id, text(b.props, "title"), b.now, true)
	}
	return rows, err
}

// action is the one thing that the edit asks for.
func (x Edit) action() (do func(b *book) ([]int, undo, error), ok bool) {
	n := 0
	set := func(given bool, f func(b *book) ([]int, undo, error)) {
		if given {
			n++
			do = f
		}
	}
	set(x.SetCell != nil, func(b *book) ([]int, undo, error) { return x.SetCell.do(b) })
	set(x.Paste != nil, func(b *book) ([]int, undo, error) { return x.Paste.do(b) })
	set(x.Clear != nil, func(b *book) ([]int, undo, error) { return x.Clear.do(b) })
	set(x.InsertRows != nil, func(b *book) ([]int, undo, error) { return x.InsertRows.insert(b) })
	set(x.DeleteRows != nil, func(b *book) ([]int, undo, error) { return x.DeleteRows.delete(b) })
	set(x.MoveRows != nil, func(b *book) ([]int, undo, error) { return x.MoveRows.do(b) })
	set(x.Sort != nil, func(b *book) ([]int, undo, error) { return x.Sort.do(b) })
	set(x.InsertColumn != nil, func(b *book) ([]int, undo, error) { return x.InsertColumn.do(b) })
	set(x.DeleteColumn != nil, func(b *book) ([]int, undo, error) { return x.DeleteColumn.do(b) })
	set(x.RenameSheet != nil, func(b *book) ([]int, undo, error) { return x.RenameSheet.do(b) })
	set(x.DeleteSheet != nil, func(b *book) ([]int, undo, error) { return x.DeleteSheet.do(b) })
	set(x.Protect != nil, func(b *book) ([]int, undo, error) { return x.Protect.do(b) })
	set(x.Merge != nil, func(b *book) ([]int, undo, error) { return x.Merge.do(b) })
	set(x.Undo != nil, func(*book) ([]int, undo, error) { return nil, undo{}, nil })
	return do, n == 1
}

func (b *book) tab(title string) (*sheet, error) {
	if s := b.exactTitle(title); s != nil {
		return s, nil
	}
	return nil, invalid("There is no sheet titled %q.", title)
}

func (b *book) place(title, a1 string) (*sheet, bounds, error) {
	s, err := b.tab(title)
	if err != nil {
		return nil, bounds{}, err
	}
	at, ok := parseCorners(a1, false)
	if !ok {
		return nil, bounds{}, invalid("Unable to parse range: %s", a1)
	}
	start := at.closed(s)
	if start.r0 >= s.rows || start.c0 >= s.cols {
		return nil, bounds{}, exceedsGrid(s, at)
	}
	return s, at.clipped(s), nil
}

func rowNumbers(from, to int) []int {
	var out []int
	for r := from; r < to; r++ {
		out = append(out, r+1)
	}
	return out
}

func (x *SetCell) do(b *book) ([]int, undo, error) {
	p := Paste{Sheet: x.Sheet, A1: x.A1, Values: [][]string{{x.Input}}}
	return p.do(b)
}

func (x *Paste) do(b *book) ([]int, undo, error) {
	s, at, err := b.place(x.Sheet, x.A1)
	if err != nil {
		return nil, undo{}, err
	}
	width := 0
	for _, line := range x.Values {
		width = max(width, len(line))
	}
	at = bounds{at.r0, at.r0 + len(x.Values), at.c0, at.c0 + width}
	if err := b.growTo(s, at.r1, at.c1); err != nil {
		return nil, undo{}, err
	}
	taken := b.remember(s, at)
	for i, line := range x.Values {
		for j, v := range line {
			if err := b.enter(s, at.r0+i, at.c0+j, v, true); err != nil {
				return nil, undo{}, err
			}
		}
	}
	return rowNumbers(at.r0, at.r1), taken, nil
}

func (x *Clear) do(b *book) ([]int, undo, error) {
	s, at, err := b.place(x.Sheet, x.A1)
	if err != nil {
		return nil, undo{}, err
	}
	at.r1 = max(at.r0, min(at.r1, len(s.data)))
	taken := b.remember(s, at)
	b.clearValues(s, at)
	return rowNumbers(at.r0, at.r1), taken, nil
}

func (x *RenameSheet) do(b *book) ([]int, undo, error) {
	s, err := b.tab(x.Sheet)
	if err != nil {
		return nil, undo{}, err
	}
	old := s.title
	return nil, undo{sheet: s.id, apply: func(b *book, s *sheet, _ placer) error { return b.retitle(s, old) }}, b.retitle(s, x.Title)
}

func (x *DeleteSheet) do(b *book) ([]int, undo, error) {
	s, err := b.tab(x.Sheet)
	if err != nil {
		return nil, undo{}, err
	}
	_, err = deleteSheet(b, object{"sheetId": s.id})
	return nil, undo{sheet: open, apply: func(b *book, _ *sheet, _ placer) error {
		b.sheets = append(b.sheets, s)
		return nil
	}}, err
}

// column finds a column by the text of its header, in row 1, else by its letter.
func (s *sheet) column(b *book, name string) (int, error) {
	for c := range s.line(0) {
		if header := b.display(s.at(0, c)); header != "" && header == name {
			return c, nil
		}
	}
	if c := columnIndex(strings.TrimSpace(name)); c >= 0 && c < s.cols {
		return c, nil
	}
	return 0, invalid("There is no column %q in sheet %q.", name, s.title)
}
