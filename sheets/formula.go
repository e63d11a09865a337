package sheets

import (
	"regexp"
	"strconv"
	"strings"
)

// reference finds what may be a reference to cells in a formula, and what may only look like one: texts, and names that
// stand before an exclamation mark or a bracket.
var reference = regexp.MustCompile(`"(?:[^"]|"")*"|'(?:[^']|'')*'!|[\pL_.][\pL\pN_.]*[!(]|(\$?[A-Za-z]{1,3}\$?[0-9]+|\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3}\b|\$?[0-9]+:\$?[0-9]+)|[\pL_.][\pL\pN_.]*|[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?`)

var nameGoesOn = regexp.MustCompile(`^[\pL\pN_.]`)

var cellReference = regexp.MustCompile(`^(\$?)([A-Za-z]{1,3})?(\$?)([0-9]+)?$`)

// referring is a formula that is written in another place: references to columns of its own tab follow these, those to
// other tabs keep their columns; rows without a "$" keep their distance, as they do when a formula is copied.
type referring struct {
	column func(at int) int // where a column of the formula's own tab stands now
	own    string           // the tab's title
	down   int
}

// rewrite returns the formula's text in its new place.
func (r referring) rewrite(formula string) string {
	var out strings.Builder
	last, foreign := 0, false
	for _, m := range reference.FindAllStringSubmatchIndex(formula, -1) {
		between := formula[last:m[0]]
		out.WriteString(between)
		token := formula[m[0]:m[1]]
		last = m[1]
		if between != ":" && between != "" {
			foreign = false
		}
		switch {
		case strings.HasSuffix(token, "!"):
			name := strings.TrimSuffix(token, "!")
			foreign = name != r.own && name != quoteTitle(r.own)
			out.WriteString(token)
			continue
		case m[2] >= 0 && nameGoesOn.MatchString(formula[last:]):
			// a name that begins like a cell, such as AB1_total
		case m[2] >= 0:
			parts := strings.Split(token, ":")
			for i := range parts {
				parts[i] = r.move(parts[i], foreign)
			}
			token = strings.Join(parts, ":")
		case between == ":":
			token = r.move(token, foreign) // the column alone that ends A2:A
		}
		out.WriteString(token)
	}
	out.WriteString(formula[last:])
	return out.String()
}

// move rewrites one cell, column or row; what is none of them stays.
func (r referring) move(name string, foreign bool) string {
	m := cellReference.FindStringSubmatch(name)
	if m == nil || m[2] == "" && m[4] == "" {
		return name
	}
	if m[2] == "" { // "$3" is a row whose dollar the first group took
		m[1], m[3] = "", m[1]+m[3]
	}
	column, row := m[2], m[4]
	if column != "" && !foreign {
		column = columnLetters(r.column(columnNumber(column)))
	}
	if n, err := strconv.Atoi(row); err == nil && m[3] == "" {
		row = strconv.Itoa(max(n+r.down, 1))
	}
	return m[1] + column + m[3] + row
}

// columnNumber is the column, counted from 0, that letters name.
func columnNumber(letters string) int {
	n := 0
	for _, letter := range strings.ToUpper(letters) {
		n = n*26 + int(letter-'A') + 1
	}
	return n - 1
}

// formulaFor returns the text of a formula of the image for its place in a row now, "" when no column moved, so that it
// may be pasted as it is.
func (now *current) formulaFor(s *stray, at, row int) string {
	c := s.image(at)
	if c == nil || c.UserEnteredValue == nil || c.UserEnteredValue.FormulaValue == nil {
		return ""
	}
	moved := false
	for column := range s.headers {
		moved = moved || now.column(s, column) != column
	}
	if !moved {
		return ""
	}
	here := referring{own: now.title, down: row - s.what().Row - s.batch.Offset, column: func(at int) int { return now.column(s, at) }}
	return here.rewrite(*c.UserEnteredValue.FormulaValue)
}
