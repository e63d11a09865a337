package store

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
)

// comparison is one comparison of a filter in SQL: true where it holds, else false or NULL.
func (t *Table) comparison(f *tandem.Filter) (string, []any, error) {
	c, d := &t.fields[f.Column], t.store.dialect
	if !t.exists(f.Column) { // paused: nothing stands there
		if f.Op == tandem.FilterEmpty {
			return "1=1", nil, nil
		}
		return "1=0", nil, nil
	}
	ref := d.quote(c.Name)
	switch {
	case f.Op == tandem.FilterEmpty:
		return d.empty(c, ref), nil, nil
	case f.Op == tandem.FilterContains:
		sql, arg := d.contains(d.exactText(c, ref), f.Value.Text())
		return sql, []any{arg}, nil
	}
	place, arg, err := d.comparand(c, f.Value.Text())
	if err != nil {
		return "", nil, tandem.InvalidField("filter", "%s: %v", c.Name, err)
	}
	operator := map[tandem.FilterOp]string{tandem.FilterEqual: " = ", tandem.FilterLess: " < ", tandem.FilterLessOrEqual: " <= ",
		tandem.FilterGreater: " > ", tandem.FilterGreaterOrEqual: " >= "}[f.Op]
	sql, args := d.comparable(c, ref)+operator+place, []any{arg}
	if f.Op == tandem.FilterEqual && c.Type.Kind == tandem.String && len(c.Type.Values) == 0 {
		// What is the same text is equal in every collation too: that is what an index finds.
		if near := d.near(c, ref, t.collations[c.Name]); near != "" {
			sql, args = near+" AND "+sql, []any{f.Value.Text(), arg}
		}
	}
	if guard := d.isValue(c, ref); guard != "" {
		sql += " AND " + guard
	}
	if f.Op != tandem.FilterEqual && (c.Type.Kind == tandem.String || c.Type.Kind == tandem.Bytes) {
		sql += " AND NOT " + d.empty(c, ref)
	}
	return sql, args, nil
}

// empty is whether a cell shows nothing. MySQL's collations would hold '  ' equal to it.
func (d *dialect) empty(c *tandem.Column, ref string) string {
	switch {
	case c.Type.Kind != tandem.String && c.Type.Kind != tandem.Bytes:
		return ref + " IS NULL"
	case d.scheme == "sqlite":
		return "(COALESCE(length(CAST(" + ref + " AS BLOB)), 0) = 0)"
	case len(c.Type.Values) > 0:
		return "(COALESCE(" + ref + ", '') = '')"
	}
	return "(COALESCE(LENGTH(" + ref + "), 0) = 0)"
}

// isValue leaves out what a database lets stand in a column although it is none of its values (a zero date, 7 in a BOOLEAN, a
// text in an INTEGER of SQLite), as far as SQL would compare it. "" where there is no such thing.
func (d *dialect) isValue(c *tandem.Column, ref string) string {
	switch c.Type.Kind {
	case tandem.Int, tandem.Decimal, tandem.Float, tandem.Year:
		if d.scheme == "sqlite" {
			return "typeof(" + ref + ") IN ('integer', 'real')"
		}
	case tandem.Bool:
		return d.comparable(c, ref) + " IN (0, 1)"
	case tandem.Date, tandem.DateTime, tandem.Timestamp:
		if d.scheme != "sqlite" {
			return ref + " <> 0 AND MONTH(" + ref + ") > 0 AND DAYOFMONTH(" + ref + ") > 0" // no zero date, nor one in part
		}
	case tandem.Bytes:
		if d.scheme == "sqlite" {
			return "typeof(" + ref + ") = 'blob'"
		}
	}
	return ""
}

// comparable is a column such that SQL orders it as tandem.Type.Compare does.
func (d *dialect) comparable(c *tandem.Column, ref string) string {
	switch {
	case len(c.Type.Values) > 0:
		return ref + "+0" // an ENUM's number
	case c.Type.Kind == tandem.String && d.scheme == "sqlite":
		return d.exactText(c, ref)
	case c.Type.Kind == tandem.String:
		return "CAST(" + d.exactText(c, ref) + " AS BINARY)"
	case d.scheme != "sqlite":
		return ref
	}
	switch c.Type.Kind {
	case tandem.Bool:
		return "(CASE WHEN typeof(" + ref + ") <> 'text' THEN " + ref + " WHEN lower(" + ref + ") = 'true' THEN 1 WHEN lower(" + ref + ") = 'false' THEN 0 END)"
	case tandem.Date:
		return "(CASE WHEN " + ref + " LIKE '____-%' THEN date(" + ref + ") END)"
	case tandem.DateTime:
		if c.Type.Fraction <= 3 {
			return "(CASE WHEN " + ref + " LIKE '____-%' THEN strftime('%Y-%m-%d %H:%M:%f', " + ref + ") END)"
		}
		return "(CASE WHEN " + ref + " LIKE '____-%' THEN substr(replace(" + ref + ", 'T', ' ') || CASE instr(" + ref + ", '.') WHEN 0 THEN '.' ELSE '' END || '000000', 1, 26) END)"
	case tandem.Time:
		return strings.ReplaceAll(sqliteTime, "{}", ref)
	}
	return ref
}

// sqliteTime is a TIME in microseconds, which as a text would sort -01:00:00 before -02:00:00 and 100:00:00 before 23:00:00.
const sqliteTime = `(CASE WHEN {} LIKE '-%' THEN -1 ELSE 1 END * (CAST(ltrim({}, '-') AS INTEGER) * 3600000000
	+ CAST(substr({}, instr({}, ':') + 1, 2) AS INTEGER) * 60000000 + CAST(round(CAST(substr({}, instr({}, ':') + 4) AS REAL) * 1000000) AS INTEGER)))`

// comparand is the place and the argument for a canonical text that is compared with what comparable returns.
func (d *dialect) comparand(c *tandem.Column, text string) (string, any, error) {
	switch {
	case len(c.Type.Values) > 0:
		return "?", int64(slices.Index(c.Type.Values, text) + 1), nil
	case c.Type.Kind == tandem.String && d.scheme == "sqlite":
		return "?", text, nil
	case c.Type.Kind == tandem.String:
		return "CAST(? AS BINARY)", text, nil
	case c.Type.Kind == tandem.DateTime && d.scheme == "sqlite":
		whole, fraction, _ := strings.Cut(strings.Replace(text, "T", " ", 1), ".")
		digits := 3
		if c.Type.Fraction > 3 {
			digits = 6
		}
		return "?", whole + "." + (fraction + "000000")[:digits], nil
	case c.Type.Kind == tandem.Time && d.scheme == "sqlite":
		return "?", microseconds(text), nil
	}
	arg, err := d.encode(c, tandem.Text(text))
	return d.place(c), arg, err
}

// near is a comparison of a text that uses the column's index and holds for the same text at least; "" where there is none.
// Its argument is the text.
func (d *dialect) near(c *tandem.Column, ref, collation string) string {
	switch {
	case d.scheme == "sqlite":
		return ref + " = ?"
	case collation == "":
		return ""
	}
	return ref + " = " + d.asked(c, collation)
}

// exactText is a column's text, NULL where it holds none, such that no collation changes what it equals.
func (d *dialect) exactText(c *tandem.Column, ref string) string {
	if d.scheme == "sqlite" {
		return "(CASE WHEN typeof(" + ref + ") <> 'blob' THEN CAST(" + ref + " AS TEXT) END)"
	}
	return d.shown(c, ref)
}

// contains is whether an exactText holds a text, whatever the case of its letters. It is spelled out letter by letter, since
// what lower() and LIKE make of letters beyond ASCII differs between databases, and between their versions.
func (d *dialect) contains(ref, sought string) (string, any) {
	if d.scheme == "sqlite" {
		return ref + " GLOB ?", "*" + spell(sought, "*?[", func(r rune) string { return "[" + string(r) + "]" }) + "*"
	}
	cased, plain := false, !strings.Contains(sought, "?")
	for _, r := range sought {
		cased = cased || len(tandem.FoldVariants(r)) > 1
		plain = plain && r < utf8.RuneSelf
	}
	like := "%" + strings.NewReplacer("|", "||", "%", "|%", "_", "|_").Replace(sought) + "%"
	switch {
	case !cased:
		return ref + " COLLATE utf8mb4_bin LIKE ? ESCAPE '|'", like
	case plain: // what is not ASCII becomes "?"
		return "CONVERT(" + ref + " USING ascii) COLLATE ascii_general_ci LIKE ? ESCAPE '|'", like
	}
	return ref + " COLLATE utf8mb4_bin REGEXP ?", spell(sought, `\^$.|?*+()[]{}-&#/`+"\"'", func(r rune) string { return `\` + string(r) })
}

// spell writes a text as a pattern: letters that have two cases as a choice of both, and special characters escaped.
func spell(text, special string, escape func(r rune) string) string {
	var pattern strings.Builder
	for _, r := range text {
		switch variants := tandem.FoldVariants(r); {
		case len(variants) > 1:
			pattern.WriteString("[" + string(variants) + "]")
		case strings.ContainsRune(special, r):
			pattern.WriteString(escape(r))
		default:
			pattern.WriteRune(r)
		}
	}
	return pattern.String()
}

// microseconds is the canonical text of a TIME as a number.
func microseconds(text string) int64 {
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	var seconds int64
	for _, part := range strings.Split(whole, ":") {
		n, _ := strconv.ParseInt(part, 10, 64)
		seconds = seconds*60 + n
	}
	micros, _ := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	if micros += seconds * 1_000_000; negative {
		return -micros
	}
	return micros
}
