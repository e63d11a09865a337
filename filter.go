package tandem

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// FilterOp is what one node of a Filter does.
type FilterOp uint8

// The operators. The first three join other filters, the rest compare a column with a value.
const (
	FilterAnd FilterOp = iota
	FilterOr
	FilterNot
	FilterEqual
	FilterNotEqual
	FilterLess
	FilterLessOrEqual
	FilterGreater
	FilterGreaterOrEqual
	FilterContains // a text holds another one, whatever the case of letters
	FilterEmpty
	FilterPresent // not empty
)

var filterOps = [...]string{"AND", "OR", "NOT", "=", "!=", "<", "<=", ">", ">=", ":", "= null", ":*"}

// Filter says which rows of a source are wanted. Both sources answer it alike:
//
//   - A comparison is true or false, never unknown: an empty cell (NULL and the empty text, see Column.Equal) and content
//     that its column's type cannot hold are equal to nothing, and neither less nor greater. So a != b is always NOT a = b.
//   - Values are compared by their type, see Type.Compare. Texts are equal when every character is; no collation is asked.
//   - FilterContains takes letters that differ in case only for the same, see FoldVariants.
type Filter struct {
	Op     FilterOp
	Parts  []*Filter // of FilterAnd and FilterOr, two or more; of FilterNot, one
	Column int       // index into the link's columns
	Value  Value     // present, and canonical unless it is searched for
}

// Matcher returns a function that reports whether a row's values, which stand in the order of columns, are wanted. Nil
// wants all.
func (f *Filter) Matcher(columns []Column) func(values []Value) bool {
	if f == nil {
		return func([]Value) bool { return true }
	}
	parts := make([]func([]Value) bool, len(f.Parts))
	for i, part := range f.Parts {
		parts[i] = part.Matcher(columns)
	}
	switch f.Op {
	case FilterAnd:
		return func(values []Value) bool {
			return !slices.ContainsFunc(parts, func(part func([]Value) bool) bool { return !part(values) })
		}
	case FilterOr:
		return func(values []Value) bool {
			return slices.ContainsFunc(parts, func(part func([]Value) bool) bool { return part(values) })
		}
	case FilterNot:
		return func(values []Value) bool { return !parts[0](values) }
	}
	at, test := f.Column, f.test(&columns[f.Column].Type)
	return func(values []Value) bool { return at < len(values) && test(values[at]) }
}

// test returns the comparison of one value.
func (f *Filter) test(t *Type) func(v Value) bool {
	empty := func(v Value) bool { return v.IsEmpty() || v.IsAbsent() }
	switch f.Op {
	case FilterEmpty:
		return empty
	case FilterPresent:
		return func(v Value) bool { return !empty(v) }
	case FilterContains:
		sought := foldText(f.Value.text)
		return func(v Value) bool { return v.state == present && strings.Contains(foldText(v.text), sought) }
	case FilterNotEqual:
		return func(v Value) bool { return v.state != present || v.text == "" || t.Compare(v.text, f.Value.text) != 0 }
	}
	holds := map[FilterOp]func(c int) bool{
		FilterEqual:          func(c int) bool { return c == 0 },
		FilterLess:           func(c int) bool { return c < 0 },
		FilterLessOrEqual:    func(c int) bool { return c <= 0 },
		FilterGreater:        func(c int) bool { return c > 0 },
		FilterGreaterOrEqual: func(c int) bool { return c >= 0 },
	}[f.Op]
	return func(v Value) bool {
		return v.state == present && v.text != "" && holds(t.Compare(v.text, f.Value.text))
	}
}

// Text writes the filter such that reading it again gives the same one.
func (f *Filter) Text(columns []Column) string {
	switch f.Op {
	case FilterAnd, FilterOr:
		texts := make([]string, len(f.Parts))
		for i, part := range f.Parts {
			if texts[i] = part.Text(columns); part.Op == FilterAnd || part.Op == FilterOr {
				texts[i] = "(" + texts[i] + ")"
			}
		}
		return strings.Join(texts, " "+filterOps[f.Op]+" ")
	case FilterNot:
		return "NOT (" + f.Parts[0].Text(columns) + ")"
	}
	name := "`" + strings.ReplaceAll(columns[f.Column].Name, "`", "``") + "`"
	switch f.Op {
	case FilterEmpty:
		return name + " = null"
	case FilterPresent:
		return name + ":*"
	}
	return name + " " + filterOps[f.Op] + ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(f.Value.text) + `"`
}

// Compare orders two canonical texts of the type: numbers, dates and times by value, an ENUM in the order in which its type
// names the values, everything else by its bytes.
func (t *Type) Compare(a, b string) int {
	switch t.Kind {
	case Int, Decimal, Year, Time:
		return compareExact(a, b)
	case Float:
		x, err := strconv.ParseFloat(a, 64)
		y, failed := strconv.ParseFloat(b, 64)
		switch {
		case err != nil || failed != nil:
			return strings.Compare(a, b)
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	case Bytes:
		x, err := base64.StdEncoding.DecodeString(a)
		y, failed := base64.StdEncoding.DecodeString(b)
		if err == nil && failed == nil {
			return strings.Compare(string(x), string(y))
		}
	case String:
		if len(t.Values) > 0 {
			return slices.Index(t.Values, a) - slices.Index(t.Values, b)
		}
	}
	return strings.Compare(a, b)
}

// compareExact compares canonical numbers or times of one type, which have the same number of decimals, however long they are.
func compareExact(a, b string) int {
	a, minusA := strings.CutPrefix(a, "-")
	b, minusB := strings.CutPrefix(b, "-")
	switch {
	case minusA && !minusB:
		return -1
	case minusB && !minusA:
		return 1
	case minusA:
		a, b = b, a
	}
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// Order is one column that rows are sorted by.
type Order struct {
	Column     int // index into the link's columns
	Descending bool
}

// OrderLength is how many characters of a text, or bytes of a binary column, count when rows are sorted by it. What sorts a
// page has to fit into the token of the next one; databases look no further either.
const OrderLength = 255

// Compare orders two values as lists do: empty cells first, then values, then what is no value of the column's type; the
// other way round when descending. Letters of texts count the same in both cases where they are ASCII, so that a page of
// names reads as people expect; a database goes by the collation of the column instead where it has one.
func (o Order) Compare(t *Type, a, b Value) int {
	c := orderRank(a) - orderRank(b)
	switch {
	case c != 0 || orderRank(a) == 0:
	case t.Kind == String && len(t.Values) == 0, a.IsInvalid():
		text := &Type{Kind: String}
		c = compareFolded(OrderText(text, a.text), OrderText(text, b.text))
	default:
		c = t.Compare(OrderText(t, a.text), OrderText(t, b.text))
	}
	if o.Descending {
		return -c
	}
	return c
}

func orderRank(v Value) int {
	switch {
	case v.IsEmpty() || v.IsAbsent():
		return 0
	case v.IsInvalid():
		return 2
	}
	return 1
}

// OrderText is as much of a canonical text as sorts it: see OrderLength.
func OrderText(t *Type, text string) string {
	switch {
	case t.Kind == Bytes:
		return text[:min(len(text), OrderLength/3*4)]
	case t.Kind != String || len(t.Values) > 0 || len(text) <= OrderLength:
		return text
	}
	n := 0
	for at := range text {
		if n++; n > OrderLength {
			return text[:at]
		}
	}
	return text
}

// compareFolded compares texts byte by byte, with A to Z as a to z.
func compareFolded(a, b string) int {
	small := func(c byte) int {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return int(c)
	}
	for i := 0; i < len(a) && i < len(b); i++ {
		if c := small(a[i]) - small(b[i]); c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

// foldText writes capital letters small.
func foldText(text string) string { return strings.Map(foldRune, text) }

// foldRune is the small letter of a capital one. No letter beyond ASCII folds to one of ASCII (the Kelvin sign to k), so
// that a search for plain letters means the same everywhere.
func foldRune(r rune) rune {
	if small := unicode.ToLower(r); small >= 0x80 || r < 0x80 {
		return small
	}
	return r
}

// FoldVariants returns every character that FilterContains takes for r, r among them.
func FoldVariants(r rune) []rune {
	variants := []rune{r}
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		if foldRune(other) == foldRune(r) {
			variants = append(variants, other)
		}
	}
	return variants
}
