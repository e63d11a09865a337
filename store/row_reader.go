package store

import (
	"database/sql"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
)

// rowReader reads many rows as Table.row does, and columns that follow their fields, with little garbage: the texts of a row
// share one string. It is for rows that are soon let go of. What it does not know to be canonical goes through
// dialect.decode as everything does elsewhere.
type rowReader struct {
	t    *Table
	raw  []any          // what the driver gave, of columns whose type matters
	text []sql.RawBytes // of the others; their memory is the driver's
	into []any
	line []byte
	ends []int          // where each field's text ends in line
	room []tandem.Value // for the values of the next rows
	many int            // rows that room is made for
}

// newReader reads so many columns after the fields, of about so many rows.
func (t *Table) newReader(extra, rows int) *rowReader {
	n := t.needed + extra
	r := &rowReader{t: t, many: max(1, min(rows, 100)), raw: make([]any, n), text: make([]sql.RawBytes, n), into: make([]any, n), ends: make([]int, t.needed)}
	for i := range r.into {
		if r.into[i] = &r.raw[i]; i >= t.needed || r.asText(i) {
			r.into[i] = &r.text[i]
		}
	}
	return r
}

// asText reports whether the text of a field tells all. SQLite's columns hold values of any type.
func (r *rowReader) asText(field int) bool {
	if r.t.store.dialect.scheme == "sqlite" {
		return false
	}
	switch r.t.fields[field].Type.Kind {
	case tandem.String, tandem.Int, tandem.Decimal, tandem.Bool, tandem.Date, tandem.DateTime, tandem.Timestamp:
		return r.t.exists(field)
	}
	return false
}

func (r *rowReader) scan(row scanner) error { return row.Scan(r.into...) }

// after is a column after the fields, from 0; nil for NULL.
func (r *rowReader) after(at int) []byte { return r.text[r.t.needed+at] }

// row returns what was scanned last.
func (r *rowReader) row() tandem.Row {
	t := r.t
	r.line = r.line[:0]
	for i := range r.ends {
		r.line = append(r.line, r.text[i]...)
		if n := len(r.text[i]); n > 10 {
			switch kind := t.fields[i].Type.Kind; kind {
			case tandem.Timestamp, tandem.DateTime:
				if at := len(r.line) - n + 10; r.line[at] == ' ' {
					r.line[at] = 'T'
				}
				if kind == tandem.Timestamp {
					r.line = append(r.line, 'Z')
				}
			}
		}
		r.ends[i] = len(r.line)
	}
	line, from := string(r.line), 0
	if len(r.room) < t.needed {
		r.room = make([]tandem.Value, t.needed*r.many)
	}
	values := r.room[:t.needed]
	r.room = r.room[t.needed:]
	for i, end := range r.ends {
		values[i] = r.value(i, line[from:end])
		from = end
	}
	row := tandem.Row{Values: values[:t.linked:t.linked]}
	for i := range row.Values {
		if row.Values[i].IsInvalid() {
			if row.Problems == nil {
				row.Problems = map[int]string{}
			}
			row.Problems[i] = why(&t.fields[i], row.Values[i])
		}
	}
	if len(t.key) == 1 {
		row.Key = tandem.MakeKey(values[t.key[0]])
	} else {
		parts := make([]tandem.Value, len(t.key))
		for i, field := range t.key {
			parts[i] = values[field]
		}
		row.Key = tandem.MakeKey(parts...)
	}
	if t.updated >= 0 {
		row.Updated = momentOf(values[t.updated].Text())
	}
	return row
}

// momentOf is tandem.ParseMoment for what is nearly always a date and time to the second or finer.
func momentOf(text string) time.Time {
	digits := func(from, to int) (n int) {
		for _, c := range []byte(text[from:to]) {
			n = n*10 + int(c-'0')
		}
		return n
	}
	plain := strings.TrimSuffix(text, "Z")
	if n := len(plain); n < 19 || !plainTime(&tandem.Type{}, plain[:19]) || n > 19 && (plain[19] != '.' || n < 21 || n > 29 || !allDigits(plain[20:])) {
		at, _ := tandem.ParseMoment(text)
		return at
	}
	nanos := 0
	if n := len(plain); n > 19 {
		for nanos = digits(20, n); n < 29; n++ {
			nanos *= 10
		}
	}
	return time.Date(digits(0, 4), time.Month(digits(5, 7)), digits(8, 10), digits(11, 13), digits(14, 16), digits(17, 19), nanos, time.UTC)
}

func (r *rowReader) value(field int, text string) tandem.Value {
	if n, ok := r.raw[field].(float64); ok && r.t.fields[field].Type.Kind == tandem.Float && r.t.fields[field].Type.Bits != 32 && r.t.exists(field) {
		return doubleOf(n)
	}
	switch {
	case !r.asText(field):
		return r.t.value(r.raw, field)
	case r.text[field] == nil:
		return tandem.Null
	}
	c := &r.t.fields[field]
	switch {
	case c.Type.Kind == tandem.Bool && text == "1":
		return tandem.Text("true")
	case c.Type.Kind == tandem.Bool && text == "0":
		return tandem.Text("false")
	case c.Type.Kind != tandem.Bool && canonical(&c.Type, text):
		return tandem.Text(text)
	}
	return r.t.store.dialect.decode(c, []byte(r.text[field]))
}

// doubleOf is the value of a DOUBLE, spelled as Type.Parse does.
func doubleOf(n float64) tandem.Value {
	if n == 0 {
		n = 0 // -0 and 0 are one value
	}
	text := strconv.FormatFloat(n, 'g', -1, 64)
	if math.IsInf(n, 0) || math.IsNaN(n) {
		return tandem.Invalid(text)
	}
	return tandem.Text(text)
}

// canonical reports whether text is what Type.Parse would return. It may say no where that is not plain to see.
func canonical(t *tandem.Type, text string) bool {
	switch t.Kind {
	case tandem.String:
		return utf8.ValidString(text)
	case tandem.Int:
		return canonicalInt(t, text)
	case tandem.Decimal:
		return canonicalDecimal(t, text)
	case tandem.Date:
		return len(text) == 10 && plainDate(text)
	case tandem.Timestamp:
		n := len(text)
		return n > 0 && text[n-1] == 'Z' && plainTime(t, text[:n-1])
	case tandem.DateTime:
		return plainTime(t, text)
	}
	return false
}

func canonicalInt(t *tandem.Type, text string) bool {
	if n := len(text); n == 0 || n > 18 || text[0] == '+' || text[0] == '0' && n > 1 || text[0] == '-' && n > 1 && text[1] == '0' {
		return false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return false
	case t.Bits == 0 || t.Bits == 64:
		return n >= 0 || !t.Unsigned
	case t.Unsigned:
		return n >= 0 && n < 1<<t.Bits
	}
	return n >= -1<<(t.Bits-1) && n < 1<<(t.Bits-1)
}

// canonicalDecimal does not look at negative numbers below one, of which "-0.00" is none.
func canonicalDecimal(t *tandem.Type, text string) bool {
	digits := text
	if len(digits) > 1 && digits[0] == '-' {
		if digits = digits[1:]; digits[0] == '0' {
			return false
		}
	}
	whole := len(digits)
	if t.Scale > 0 {
		if whole = len(digits) - t.Scale - 1; whole < 1 || digits[whole] != '.' || !allDigits(digits[whole+1:]) {
			return false
		}
	}
	if whole < 1 || !allDigits(digits[:whole]) || digits[0] == '0' && whole > 1 {
		return false
	}
	return whole <= t.Precision-t.Scale || digits[0] == '0'
}

func allDigits(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// plainDate reports whether text begins with a date. It says no to the 29th of February.
func plainDate(text string) bool {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' || !allDigits(text[:4]) || !allDigits(text[5:7]) || !allDigits(text[8:10]) {
		return false
	}
	last := "31"
	switch text[5:7] {
	case "02":
		last = "28"
	case "04", "06", "09", "11":
		last = "30"
	}
	return text[:4] != "0000" && text[5:7] >= "01" && text[5:7] <= "12" && text[8:10] >= "01" && text[8:10] <= last
}

func plainTime(t *tandem.Type, text string) bool {
	n := len("2006-01-02T15:04:05")
	switch {
	case len(text) < n || !plainDate(text):
		return false
	case t.Fraction == 0 && len(text) != n:
		return false
	case t.Fraction > 0 && (len(text) != n+1+t.Fraction || text[n] != '.' || !allDigits(text[n+1:])):
		return false
	case text[10] != 'T' || text[13] != ':' || text[16] != ':':
		return false
	case !allDigits(text[11:13]) || !allDigits(text[14:16]) || !allDigits(text[17:19]):
		return false
	}
	return text[11:13] <= "23" && text[14:16] <= "59" && text[17:19] <= "59"
}
