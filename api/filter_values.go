package api

import (
	"strings"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
)

var filterOperators = map[string]tandem.FilterOp{"=": tandem.FilterEqual, "!=": tandem.FilterNotEqual, "<": tandem.FilterLess,
	"<=": tandem.FilterLessOrEqual, ">": tandem.FilterGreater, ">=": tandem.FilterGreaterOrEqual, ":": tandem.FilterContains}

// compare makes one comparison of a column with what stands at the right of an operator.
func compare(columns []tandem.Column, column int, operator string, value word) (*tandem.Filter, error) {
	c, op := &columns[column], filterOperators[operator]
	switch {
	case value.is(signWord, "("):
		return nil, wrongAt(value.at, "several values in parentheses are not supported; write each as a comparison, with OR between them")
	case value.kind == nameWord:
		return nil, wrongAt(value.at, "a column is compared with a value, not with another column; texts stand in double quotes")
	case value.kind != bareWord && value.kind != quotedWord:
		return nil, wrongAt(value.at, "a value for %s is expected after %q, not %s", c.Name, operator, value.shown())
	case value.is(bareWord, "null"):
		return compareNull(column, operator, value)
	case value.is(bareWord, "*") && op == tandem.FilterContains:
		return &tandem.Filter{Op: tandem.FilterPresent, Column: column}, nil
	case value.kind == bareWord && strings.Contains(value.text, "*"):
		return nil, wrongAt(value.at, "there are no wildcards: %s:text finds a text anywhere, %s:* any value; put %s in quotes to mean the star itself", c.Name, c.Name, value.shown())
	case op == tandem.FilterContains && c.Type.Kind == tandem.String:
		return &tandem.Filter{Op: op, Column: column, Value: tandem.Text(value.text)}, checkSought(value)
	case op == tandem.FilterContains:
		op = tandem.FilterEqual
	case value.text == "" && (op == tandem.FilterEqual || op == tandem.FilterNotEqual) && (c.Type.Kind == tandem.String || c.Type.Kind == tandem.Bytes):
		return compareNull(column, operator, value)
	}
	if c.Type.Kind == tandem.Bool && op != tandem.FilterEqual && op != tandem.FilterNotEqual {
		return nil, wrongAt(value.at, "%s is true or false: compare it by = or !=", c.Name)
	}
	parsed, err := literal(c.Type, value)
	if err != nil {
		return nil, wrongAt(value.at, "%s: %v", c.Name, err)
	}
	if parsed.IsEmpty() {
		return nil, wrongAt(value.at, "%s %s nothing: only = and != make sense of an empty value", c.Name, operator)
	}
	return &tandem.Filter{Op: op, Column: column, Value: parsed}, nil
}

// compareNull asks for empty cells. A sheet cannot tell NULL from the empty text, so that both mean the same.
func compareNull(column int, operator string, value word) (*tandem.Filter, error) {
	switch operator {
	case "=":
		return &tandem.Filter{Op: tandem.FilterEmpty, Column: column}, nil
	case "!=":
		return &tandem.Filter{Op: tandem.FilterPresent, Column: column}, nil
	}
	return nil, wrongAt(value.at, "null is compared by = or !=, not by %q", operator)
}

// literal reads a value by the column's type, as a row's JSON is read. Since the column tells the type, quotes do not matter.
func literal(t tandem.Type, value word) (tandem.Value, error) {
	text := value.text
	switch t.Kind {
	case tandem.Bool:
		if text == "1" || text == "0" {
			text = `"` + text + `"` // a number in JSON, which is no boolean either
		}
	case tandem.Int, tandem.Year: // 8.0 is the number 8 in JSON
		if whole, fraction, found := strings.Cut(text, "."); found && fraction != "" && strings.Trim(fraction, "0") == "" {
			text = whole
		}
	}
	return t.Parse(text)
}

// checkSought says what is wrong with a text that is searched for.
func checkSought(sought word) error {
	switch n := utf8.RuneCountInString(sought.text); {
	case sought.text == "":
		return wrongAt(sought.at, "there is no text to search for; column:* finds rows that have a value")
	case n > maxSought:
		return wrongAt(sought.at, "%d characters are more than the %d that can be searched for", n, maxSought)
	case strings.ContainsRune(sought.text, 0):
		return wrongAt(sought.at, "the character NUL cannot be searched for")
	}
	return nil
}
