package sheets

import (
	"github.com/tandem-sync/tandem"
)

// keyReader takes key columns as they arrive and notes where each key stands. Of a single key column it keeps nothing but
// that.
type keyReader struct {
	t        *Tab
	expected *layout
	layout   *layout // nil until the header row came
	stopped  error   // why reading was stopped
	count    int     // rows of the longest column, the header row included
	text     []byte
	found    keyPlaces
	parts    [][]tandem.Value // of several key columns, by column, from the header row on
}

func newKeyReader(t *Tab, expected *layout) *keyReader {
	k := &keyReader{t: t, expected: expected}
	if last := t.remembered(); last != nil && len(t.keys) == 1 {
		k.found = make(keyPlaces, 0, len(last.places)+len(last.places)/16)
	}
	if len(t.keys) > 1 {
		k.parts = make([][]tandem.Value, len(t.keys))
	}
	return k
}

// row takes a row of the header, which is range 0, or of the n-th key column.
func (k *keyReader) row(n, at int, c *cells) error {
	if n > 0 {
		k.stopped = k.keyCell(n-1, at, c)
	} else if at == 0 {
		k.stopped = k.header(c)
	}
	return k.stopped
}

func (k *keyReader) header(c *cells) (err error) {
	if k.layout, err = k.t.layoutOf(c.values()); err == nil && !k.layout.same(k.expected) {
		err = errTorn
	}
	return err
}

// keyCell takes a key cell. Those that only their shown text tells are left to a Scan.
func (k *keyReader) keyCell(n, at int, c *cells) error {
	if k.count = max(k.count, at+1); at == 0 {
		return nil // its header
	}
	kind, raw := c.at(0)
	column := &k.t.columns[k.t.keys[n]]
	if isPlain(column) && ambiguousCell(kind, raw) {
		return errTorn
	}
	if k.parts == nil {
		k.single(at, kind, raw, c, column)
		return nil
	}
	for len(k.parts[n]) < at {
		k.parts[n] = append(k.parts[n], tandem.Null)
	}
	value, problem := decode(c.value(0), column, "")
	if problem != "" {
		value = tandem.Null
	}
	k.parts[n] = append(k.parts[n], value)
	return nil
}

// single notes the place of a key of one column.
func (k *keyReader) single(at int, kind cellKind, raw []byte, c *cells, column *tandem.Column) {
	if kind == cellEmpty {
		return
	}
	text, ok := appendCanonical(k.text[:0], kind, raw, column)
	k.text = text
	if ok && isOwnKey(text) {
		k.found = append(k.found, placed(markOf(text), k.t.header+at))
		return
	}
	value, problem := decode(c.value(0), column, "")
	if problem == "" && !value.IsEmpty() {
		k.found = append(k.found, placed(markOf(tandem.MakeKey(value)), k.t.header+at))
	}
}

// isOwnKey reports whether the key of a row is the text of its only key column as it is.
func isOwnKey(text []byte) bool {
	for _, c := range text {
		if c == '~' {
			return false
		}
	}
	return len(text) > 0
}

// places are the rows that have a usable key.
func (k *keyReader) places() keyPlaces {
	parts := make([]tandem.Value, len(k.parts))
	for at := 1; at < k.count && k.parts != nil; at++ {
		usable := true
		for n := range parts {
			parts[n] = tandem.Null
			if at < len(k.parts[n]) {
				parts[n] = k.parts[n][at]
			}
			usable = usable && !parts[n].IsEmpty()
		}
		if usable {
			k.found = append(k.found, placed(markOf(tandem.MakeKey(parts...)), k.t.header+at))
		}
	}
	return sortPlaces(k.found)
}
