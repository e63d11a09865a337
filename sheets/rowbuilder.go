package sheets

import (
	"github.com/tandem-sync/tandem"
)

// blockRows is how many rows share an allocation. A row that is kept keeps the values of so many others.
const blockRows = 32

// rowBuilder makes rows of what is read. It allocates little: the values of a few rows share a block, and the texts of a row
// share one, but for its key, so that whoever keeps a key keeps nothing else.
type rowBuilder struct {
	t     *Tab
	l     *layout
	plain []bool // by linked column: whether its cells may be ambiguous
	key   []bool // by linked column
	block []tandem.Value
	text  []byte
	parts []part
}

// part is where the text of a value stands within the row's.
type part struct{ column, from, end int }

func newRowBuilder(t *Tab, l *layout) *rowBuilder {
	b := &rowBuilder{t: t, l: l, plain: make([]bool, len(t.columns)), key: make([]bool, len(t.columns))}
	for i := range t.columns {
		b.plain[i] = isPlain(&t.columns[i])
	}
	for _, i := range t.keys {
		b.key[i] = true
	}
	return b
}

// row decodes the linked columns of a row as Tab.row does. Ambiguous cells are left out: ambiguous is called for each.
func (b *rowBuilder) row(at int, c *cells, ambiguous func(column int)) tandem.Row {
	width := len(b.t.columns)
	if len(b.block) < width {
		b.block = make([]tandem.Value, blockRows*width)
	}
	row := tandem.Row{Values: b.block[:width:width], Position: at + 1}
	b.block = b.block[width:]
	b.text, b.parts = b.text[:0], b.parts[:0]
	for i := range row.Values {
		column := b.l.at[i]
		if column < 0 {
			continue
		}
		kind, raw := c.at(column)
		if b.plain[i] && ambiguousCell(kind, raw) {
			ambiguous(i)
			continue
		}
		b.value(&row, i, kind, raw, func() any { return c.value(column) })
	}
	if len(b.text) > 0 {
		text := string(b.text)
		for _, p := range b.parts {
			row.Values[p.column] = tandem.Text(text[p.from:p.end])
		}
	}
	return row
}

// value decodes a cell, by the short way where its kind and its column's type allow it.
func (b *rowBuilder) value(row *tandem.Row, i int, kind cellKind, raw []byte, cell func() any) {
	column := &b.t.columns[i]
	if kind == cellEmpty {
		row.Values[i] = tandem.Null
		return
	}
	if known, ok := sharedText(kind, raw, column); ok {
		row.Values[i] = tandem.Text(known)
		return
	}
	from := len(b.text)
	text, ok := appendCanonical(b.text, kind, raw, column)
	switch {
	case !ok:
		value, problem := decode(cell(), column, b.t.name(i))
		row.Values[i] = value
		if problem != "" {
			setProblem(row, i, problem)
		}
	case b.key[i]:
		row.Values[i] = tandem.Text(string(text[from:]))
	default:
		b.text = text
		b.parts = append(b.parts, part{i, from, len(text)})
	}
}

func setProblem(row *tandem.Row, column int, problem string) {
	if row.Problems == nil {
		row.Problems = map[int]string{}
	}
	row.Problems[column] = problem
}

// ambiguousCell is isAmbiguous for a cell of a text column.
func ambiguousCell(kind cellKind, raw []byte) bool {
	switch kind {
	case cellText:
		return raw[0] == '#' && errorTexts[string(raw)]
	case cellNumber, cellTrue, cellFalse:
		return true
	}
	return false
}
