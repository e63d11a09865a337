package sheets

import (
	"encoding/json"
	"strconv"
)

// cellKind is what an unformatted reading says that a cell is.
type cellKind uint8

const (
	cellEmpty cellKind = iota
	cellText
	cellNumber
	cellTrue
	cellFalse
	cellOther // nothing that Google sends
)

// cells is one row as it was read, from the first column on, without a value of its own for every cell. It holds until the
// next row is read.
type cells struct {
	kinds []cellKind
	texts [][]byte // what the texts say, and the numbers as they were written
}

func (c *cells) reset() { c.kinds, c.texts = c.kinds[:0], c.texts[:0] }

func (c *cells) add(kind cellKind, text []byte) {
	c.kinds = append(c.kinds, kind)
	c.texts = append(c.texts, text)
}

// at returns a cell; there is nothing in those beyond the last one, and in those outside the tab. The empty text is nothing.
func (c *cells) at(column int) (cellKind, []byte) {
	if uint(column) >= uint(len(c.kinds)) {
		return cellEmpty, nil
	}
	kind, text := c.kinds[column], c.texts[column]
	if kind == cellText && len(text) == 0 {
		return cellEmpty, nil
	}
	return kind, text
}

// value returns a cell as encoding/json does.
func (c *cells) value(column int) any {
	if column >= 0 && column < len(c.kinds) && c.kinds[column] == cellText {
		return string(c.texts[column])
	}
	switch kind, text := c.at(column); kind {
	case cellNumber:
		n, _ := strconv.ParseFloat(string(text), 64) // its range was looked at as it was read
		return n
	case cellTrue, cellFalse:
		return kind == cellTrue
	case cellOther:
		var value any
		_ = json.Unmarshal(text, &value)
		return value
	}
	return nil
}

// values returns the whole row as encoding/json does.
func (c *cells) values() []any {
	row := make([]any, len(c.kinds))
	for i := range row {
		row[i] = c.value(i)
	}
	return row
}
