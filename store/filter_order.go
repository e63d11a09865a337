package store

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
)

// sorting is what a query's rows are sorted by: its order, then the key, in the direction of the last column, as an index of
// that column has its rows. A page goes on after what the last row was sorted by, as SQL itself gave it, so that rows that
// come and go between two pages move nothing.
type sorting struct {
	parts []sortPart
	from  bool // there is a row to go on after
}

// sortPart is one expression that rows are sorted by.
type sortPart struct {
	ref        string // what is sorted by, and compared
	read       string // the same, read so that no digit is lost
	place      string
	kind       tandem.Kind
	descending bool
	nullable   bool // NULL comes before everything
	key        bool // a key column, which is read anyway
	blobs      bool // the driver gives bytes for blobs alone, not for texts
	after      any
}

// sorting prepares a query's order and where it goes on.
func (t *Table) sorting(query RowQuery) (*sorting, error) {
	s, descending := &sorting{from: query.After != "" || len(query.Marks) > 0}, false
	for _, order := range query.Order {
		descending = order.Descending
		if !t.exists(order.Column) { // paused: alike in all rows
			s.parts = append(s.parts, sortPart{ref: "NULL", read: "NULL", place: "?", descending: descending, nullable: true})
			continue
		}
		part := t.sortPart(order.Column)
		part.descending = descending
		s.parts = append(s.parts, part)
	}
	for _, field := range t.key {
		part := sortPart{ref: t.orderBy(field), place: t.store.dialect.place(&t.fields[field]), descending: descending, key: true}
		if c := &t.fields[field]; severalLevels(t.collations[c.Name]) && len(c.Type.Values) == 0 {
			part.ref, part.place = t.store.dialect.comparable(c, t.store.dialect.quote(c.Name)), "CAST(? AS BINARY)"
		}
		s.parts = append(s.parts, part)
	}
	if !s.from {
		return s, nil
	}
	key, err := t.keyArgs(query.After)
	if err == nil && len(query.Marks) != len(query.Order) {
		err = errors.New("it does not say what its row was sorted by")
	}
	for i := range query.Marks {
		if err == nil {
			s.parts[i].after, err = readMark(query.Marks[i])
		}
	}
	if err != nil {
		return nil, tandem.InvalidField("page_token", "the list has changed, %v; begin again with the first page", err)
	}
	s.setKey(t, key)
	return s, nil
}

func (s *sorting) setKey(t *Table, key []any) {
	at := len(s.parts) - len(key)
	for i, arg := range key {
		s.parts[at+i].after = t.orderArg(t.key[i], arg)
	}
}

// sortPart is a column as it is sorted by: such that its index is of use where it has one, and else as the sheet does. ORDER BY
// itself goes by an ENUM's number and would go by a SET's.
func (t *Table) sortPart(field int) sortPart {
	c, d := &t.fields[field], t.store.dialect
	ref := d.quote(c.Name)
	part := sortPart{ref: ref, place: d.place(c), kind: c.Type.Kind, nullable: c.Nullable || d.scheme == "sqlite",
		blobs: c.Type.Kind == tandem.Bytes || d.scheme == "sqlite"}
	long := c.Type.Length == 0 || c.Type.Length > tandem.OrderLength
	switch {
	case len(c.Type.Values) > 0:
		part.ref, part.nullable = "NULLIF("+ref+"+0, 0)", true
	case c.Type.Kind == tandem.String && d.scheme == "sqlite":
		part.ref = fmt.Sprintf("NULLIF(substr(%s, 1, %d), '') COLLATE NOCASE", d.exactText(c, ref), tandem.OrderLength)
	case c.Type.Kind == tandem.String && (t.collations[c.Name] == "" || parseNative(c.Type.Native).word == "set"):
		part.ref, part.nullable = fmt.Sprintf("NULLIF(LEFT(%s, %d), '')", d.exactText(c, ref), tandem.OrderLength), true
	case c.Type.Kind == tandem.String && severalLevels(t.collations[c.Name]):
		part.ref, part.nullable = fmt.Sprintf("NULLIF(CAST(LEFT(%s, %d) AS BINARY), '')", d.exactText(c, ref), tandem.OrderLength), true
		part.place = "CAST(? AS BINARY)"
	case c.Type.Kind == tandem.String && long:
		part.ref = fmt.Sprintf("LEFT(%s, %d)", ref, tandem.OrderLength)
	case c.Type.Kind == tandem.Bytes:
		part.ref, part.nullable = fmt.Sprintf("NULLIF(substr(%s, 1, %d), %s)", ref, tandem.OrderLength, map[bool]string{true: "x''", false: "''"}[d.scheme == "sqlite"]), true
	case c.Type.Kind != tandem.String && d.scheme == "sqlite":
		part.ref = d.comparable(c, ref)
	}
	if part.read = part.ref; part.ref == ref {
		part.read = d.exact(c, ref)
	}
	return part
}

// goOn makes the next page begin after a raw row.
func (s *sorting) goOn(t *Table, raw []any) {
	s.from = true
	for i, n := 0, t.needed; i < len(s.parts); i++ {
		if !s.parts[i].key {
			s.parts[i].after = s.parts[i].arg(raw[n])
			n++
		}
	}
	s.setKey(t, t.rawKey(raw))
}

// arg is what the driver read of a part, such that it can be an argument.
func (p *sortPart) arg(raw any) any {
	data, ok := raw.([]byte)
	switch {
	case !ok || p.blobs:
		return raw
	case p.kind == tandem.Int || p.kind == tandem.Year || p.kind == tandem.Bool: // as a text it would be compared as a float
		if n, err := strconv.ParseInt(string(data), 10, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseUint(string(data), 10, 64); err == nil {
			return n
		}
	case p.kind == tandem.Float:
		if n, err := strconv.ParseFloat(string(data), 64); err == nil {
			return n
		}
	}
	return string(data)
}

// beyond is the condition for rows after the last one. It begins with what an index can use: see Table.beyond.
func (s *sorting) beyond() (string, []any) {
	where, args := "", []any(nil)
	for i := len(s.parts) - 1; i >= 0; i-- {
		p := &s.parts[i]
		later, laterArgs := p.later()
		if where == "" {
			where, args = later, laterArgs
			continue
		}
		same, sameArgs := p.same()
		where = later + " OR " + same + " AND (" + where + ")"
		args = slices.Concat(laterArgs, sameArgs, args)
	}
	if from, fromArgs := s.parts[0].notBefore(); from != "" {
		where, args = from+" AND ("+where+")", slices.Concat(fromArgs, args)
	} else {
		where = "(" + where + ")"
	}
	return where, args
}

// later is what comes after the part's value.
func (p *sortPart) later() (string, []any) {
	switch {
	case p.after == nil && p.descending:
		return "1=0", nil
	case p.after == nil:
		return p.ref + " IS NOT NULL", nil
	case p.descending && p.nullable:
		return "(" + p.ref + " < " + p.place + " OR " + p.ref + " IS NULL)", []any{p.after}
	case p.descending:
		return p.ref + " < " + p.place, []any{p.after}
	}
	return p.ref + " > " + p.place, []any{p.after}
}

func (p *sortPart) same() (string, []any) {
	if p.after == nil {
		return p.ref + " IS NULL", nil
	}
	return p.ref + " = " + p.place, []any{p.after}
}

// notBefore is what the part's value comes to and all after it; "" for everything.
func (p *sortPart) notBefore() (string, []any) {
	switch {
	case p.after == nil && p.descending:
		return p.ref + " IS NULL", nil
	case p.after == nil:
		return "", nil
	case p.descending && p.nullable:
		return "(" + p.ref + " <= " + p.place + " OR " + p.ref + " IS NULL)", []any{p.after}
	case p.descending:
		return p.ref + " <= " + p.place, []any{p.after}
	}
	return p.ref + " >= " + p.place, []any{p.after}
}

// marks are what a row was sorted by, as text: a letter for the type, then the value.
func (s *sorting) marks(raw []any) []string {
	var marks []string
	for i := range s.parts {
		if s.parts[i].key {
			break
		}
		switch v := s.parts[i].arg(raw[i]).(type) {
		case nil:
			marks = append(marks, "n")
		case int64:
			marks = append(marks, "i"+strconv.FormatInt(v, 10))
		case uint64:
			marks = append(marks, "u"+strconv.FormatUint(v, 10))
		case float64:
			marks = append(marks, "f"+strconv.FormatFloat(v, 'g', -1, 64))
		case []byte:
			marks = append(marks, "b"+base64.RawStdEncoding.EncodeToString(v))
		default:
			mark := "s" + rawText(v)
			if !utf8.ValidString(mark) { // as it is: what is left out of it would be another place
				mark = "t" + base64.RawStdEncoding.EncodeToString([]byte(mark[1:]))
			}
			marks = append(marks, mark)
		}
	}
	return marks
}

func readMark(mark string) (any, error) {
	kind, text := "", ""
	if mark != "" {
		kind, text = mark[:1], mark[1:]
	}
	switch kind {
	case "n":
		return nil, nil
	case "i":
		return strconv.ParseInt(text, 10, 64)
	case "u":
		return strconv.ParseUint(text, 10, 64)
	case "f":
		return strconv.ParseFloat(text, 64)
	case "b":
		return base64.RawStdEncoding.DecodeString(text)
	case "s":
		return text, nil
	case "t":
		data, err := base64.RawStdEncoding.DecodeString(text)
		return string(data), err
	}
	return nil, errors.New("what its row was sorted by cannot be read")
}

// severalLevels is whether a collation of MySQL looks at accents or case only where letters alone decide nothing. What it makes
// of a text is then so long that ORDER BY, which goes by the beginning of it, sorts otherwise than the collation compares, and
// rows would be lost between two pages: such columns are sorted by code points.
func severalLevels(collation string) bool {
	return strings.Contains(collation, "_as_") || strings.HasSuffix(collation, "_cs")
}

// selectSorted begins a SELECT that sorts. MySQL goes by the first 1024 bytes of what a collation makes of a text; 255 characters
// may take more where some count as several letters. A key may be longer than that.
func (d *dialect) selectSorted() string {
	switch {
	case d.scheme != "mysql":
		return "SELECT "
	case strings.Contains(d.server, "MariaDB"):
		return "SET STATEMENT max_sort_length = 4096 FOR SELECT "
	}
	return "SELECT /*+ SET_VAR(max_sort_length = 4096) */ "
}
