package sheets

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"slices"

	"github.com/tandem-sync/tandem"
)

// pass goes through the rows of a whole read once, as they arrive. It fingerprints them, and makes rows of them only when
// asked to.
type pass struct {
	t       *Tab
	build   bool
	layout  *layout // nil until the header row came
	builder *rowBuilder
	rows    []tandem.Row
	unclear []unclearCell
	end     int // the row after the last one with something in a linked column
	digest  rowDigest
}

// unclearCell is an ambiguous cell: what an unformatted reading shows of it does not tell its value.
type unclearCell struct {
	at, column int // row of the tab, and linked column
	row        int // index into the rows that were made
	first      any // as it was read
}

// begin forgets what was read so far: a read that failed is made once more.
func (p *pass) begin() {
	*p = pass{t: p.t, build: p.build}
	p.end = p.t.header + 1
}

func (p *pass) row(at int, c *cells) error {
	switch {
	case at < p.t.header:
		return nil
	case at == p.t.header:
		return p.start(c.values())
	case !p.layout.holdsAny(c):
		return nil
	}
	p.end = at + 1
	p.digest.row(at, c, p.layout)
	if !p.build {
		p.lookForUnclear(at, c)
		return nil
	}
	if p.layout.onlyUnticked(c, p.builder) && p.t.keysEmpty(c, p.layout) {
		return nil // a column of checkboxes reaches down to the end of the grid
	}
	first := len(p.unclear)
	row := p.builder.row(at, c, func(column int) {
		p.unclear = append(p.unclear, unclearCell{at: at, column: column, first: c.value(p.layout.at[column])})
	})
	for i := first; i < len(p.unclear); i++ {
		p.unclear[i].row = len(p.rows)
	}
	p.rows = append(p.rows, row)
	return nil
}

// start takes the header row. Without one, or without key columns in it, nothing is read on.
func (p *pass) start(header []any) (err error) {
	if p.layout, err = p.t.layoutOf(header); err != nil {
		return err
	}
	p.builder = newRowBuilder(p.t, p.layout)
	p.digest = newRowDigest(p.t, p.layout)
	if last := p.t.remembered(); p.build && last != nil {
		p.rows = make([]tandem.Row, 0, len(last.places)+len(last.places)/16)
	}
	return nil
}

// finish is called when the whole answer was read.
func (p *pass) finish() error {
	if p.layout == nil {
		return p.start(nil)
	}
	return nil
}

func (p *pass) lookForUnclear(at int, c *cells) {
	for i, column := range p.layout.at {
		if !p.builder.plain[i] {
			continue
		}
		if kind, raw := c.at(column); ambiguousCell(kind, raw) {
			p.unclear = append(p.unclear, unclearCell{at: at, column: i, first: c.value(column)})
		}
	}
}

// clear puts what the second look showed into the rows.
func (p *pass) clear(shown []any) {
	for i, u := range p.unclear {
		value, problem := decode(shown[i], &p.t.columns[u.column], p.t.name(u.column))
		row := &p.rows[u.row]
		row.Values[u.column] = value
		if problem != "" {
			setProblem(row, u.column, problem)
		}
	}
}

// holdsAny reports whether a linked column of the row holds anything.
func (l *layout) holdsAny(c *cells) bool {
	return slices.ContainsFunc(l.at, func(column int) bool {
		kind, _ := c.at(column)
		return kind != cellEmpty
	})
}

// onlyUnticked reports whether the linked columns of a row hold nothing but unticked boxes. The word FALSE in a text column
// is none.
func (l *layout) onlyUnticked(c *cells, b *rowBuilder) bool {
	for i, column := range l.at {
		if kind, _ := c.at(column); kind != cellEmpty && (kind != cellFalse || b.plain[i]) {
			return false
		}
	}
	return true
}

func (t *Tab) keysEmpty(c *cells, l *layout) bool {
	for _, i := range t.keys {
		if kind, _ := c.at(l.at[i]); kind != cellEmpty {
			return false
		}
	}
	return true
}

// rowDigest makes Scan.Digest: a SHA-256 over the linked columns and their types, every row that holds anything in them with
// its place, and what the second look at ambiguous cells showed. Which columns of the tab they stand in does not count.
type rowDigest struct {
	hash   hash.Hash
	record []byte
}

func newRowDigest(t *Tab, l *layout) rowDigest {
	d := rowDigest{hash: sha256.New()}
	about, _ := json.Marshal(t.columns) // zones are left out, but plain values cannot fail
	d.record = append(d.record, about...)
	d.record = fmt.Appendf(d.record, "\x00%q %d", t.link.Key, t.header)
	for i := range t.columns {
		d.record = fmt.Appendf(d.record, "\x00%q %t %s", t.name(i), l.at[i] >= 0, zoneOf(&t.columns[i]))
	}
	d.flush()
	return d
}

func (d *rowDigest) flush() {
	_, _ = d.hash.Write(d.record)
	d.record = d.record[:0]
}

// row takes one row. Every part says how long it is, so that no two contents are written alike.
func (d *rowDigest) row(at int, c *cells, l *layout) {
	d.record = append(d.record, 'r')
	d.record = binary.AppendUvarint(d.record, uint64(at))
	for _, column := range l.at {
		kind, raw := c.at(column)
		d.cell(byte(kind), raw)
	}
	if len(d.record) > 4<<10 {
		d.flush()
	}
}

func (d *rowDigest) cell(kind byte, raw []byte) {
	d.record = append(d.record, kind)
	d.record = binary.AppendUvarint(d.record, uint64(len(raw)))
	d.record = append(d.record, raw...)
}

// sum ends the digest with what the second look showed.
func (d *rowDigest) sum(unclear []unclearCell, shown []any) string {
	for i, u := range unclear {
		d.record = append(d.record, 'u')
		d.record = binary.AppendUvarint(d.record, uint64(u.at))
		d.record = binary.AppendUvarint(d.record, uint64(u.column))
		switch cell := shown[i].(type) {
		case errorCell:
			d.cell(1, []byte(cell))
		case shownCell:
			d.cell(2, []byte(cell.shown))
		default:
			d.cell(3, nil)
		}
	}
	d.flush()
	return base64.RawURLEncoding.EncodeToString(d.hash.Sum(nil))
}
