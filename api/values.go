package api

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxCell is how many characters a cell of Google Sheets holds.
const maxCell = 50_000

// form is how values of a column are written in JSON. It follows from the column's type, never from the value.
type form uint8

const (
	textForm   form = iota
	numberForm      // integers up to 32 bits, FLOAT, DOUBLE, YEAR
	exactForm       // BIGINT, DECIMAL: text, and a number where that is exact
	boolForm
)

var formNames = map[form]string{textForm: "text", numberForm: "a number", exactForm: "text that holds a number", boolForm: "true or false"}

func formOf(t tandem.Type) form {
	switch t.Kind {
	case tandem.Int:
		if 0 < t.Bits && t.Bits <= 32 {
			return numberForm
		}
		return exactForm
	case tandem.Decimal:
		return exactForm
	case tandem.Float, tandem.Year:
		return numberForm
	case tandem.Bool:
		return boolForm
	}
	return textForm
}

// encodeValues returns a row's values by column. Content that its column's type cannot hold is shown as the text that the
// sheet shows; absent values are left out.
func encodeValues(columns []tandem.Column, values []tandem.Value) *structpb.Struct {
	fields := make(map[string]*structpb.Value, len(columns))
	for i := range columns {
		if i < len(values) && !values[i].IsAbsent() {
			fields[columns[i].Name] = encodeValue(columns[i].Type, values[i])
		}
	}
	return &structpb.Struct{Fields: fields}
}

func encodeValue(t tandem.Type, value tandem.Value) *structpb.Value {
	switch {
	case value.IsNull() || value.IsAbsent():
		return structpb.NewNullValue()
	case value.IsInvalid():
		return structpb.NewStringValue(strings.ToValidUTF8(value.Text(), "\uFFFD"))
	}
	switch formOf(t) {
	case numberForm:
		if n, err := strconv.ParseFloat(value.Text(), 64); err == nil {
			return structpb.NewNumberValue(n)
		}
	case boolForm:
		return structpb.NewBoolValue(value.Text() == "true")
	}
	return structpb.NewStringValue(strings.ToValidUTF8(value.Text(), "\uFFFD"))
}

// rowInput reads the values of one written row.
type rowInput struct {
	columns []tandem.Column
	source  tandem.Source
	prefix  string // of field names: "row.values."
	bad     *violations
}

// decode returns the values in the order of the columns; columns that are not in the row are Absent. Every violation is
// recorded.
func (in rowInput) decode(values *structpb.Struct) []tandem.Value {
	decoded := make([]tandem.Value, len(in.columns))
	fields := values.GetFields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		i := slices.IndexFunc(in.columns, func(c tandem.Column) bool { return c.Name == name })
		if i < 0 {
			in.bad.add(in.prefix+name, "the link has no column %q; its columns are %s", name, columnList(in.columns))
			continue
		}
		value, err := in.value(&in.columns[i], fields[name])
		if err != nil {
			in.bad.add(in.prefix+name, "%v", err)
			continue
		}
		decoded[i] = value
	}
	return decoded
}

func (in rowInput) value(column *tandem.Column, given *structpb.Value) (tandem.Value, error) {
	if column.Generated {
		return tandem.Absent, fmt.Errorf("the database computes this column, it cannot be written")
	}
	value, err := decodeValue(column.Type, given)
	if err != nil {
		return tandem.Absent, err
	}
	if value.IsNull() && !column.Nullable && !column.AutoIncrement {
		return tandem.Absent, fmt.Errorf("it cannot be null")
	}
	if column.KeyPosition > 0 && value.IsEmpty() && !column.AutoIncrement {
		return tandem.Absent, fmt.Errorf("it belongs to the key and cannot be empty")
	}
	if in.source == tandem.Sheet && len(value.Text()) > maxCell {
		if n := utf8.RuneCountInString(value.Text()); n > maxCell {
			return tandem.Absent, fmt.Errorf("%d characters are more than the %d that fit into a cell", n, maxCell)
		}
	}
	return value, nil
}

// required records every column that a new row must have and does not.
func (in rowInput) required(values []tandem.Value) {
	for i, column := range in.columns {
		if !values[i].IsAbsent() && !(values[i].IsNull() && column.AutoIncrement) || column.Generated || column.AutoIncrement || column.HasDefault {
			continue
		}
		if slices.ContainsFunc(*in.bad, func(v tandem.FieldViolation) bool { return v.Field == in.prefix+column.Name }) {
			continue
		}
		switch {
		case column.KeyPosition > 0:
			in.bad.add(in.prefix+column.Name, "a new row needs its key")
		case !column.Nullable:
			in.bad.add(in.prefix+column.Name, "a new row needs a value here: the column has no default and cannot be null")
		}
	}
}

func decodeValue(t tandem.Type, given *structpb.Value) (tandem.Value, error) {
	want := formOf(t)
	var text string
	switch kind := given.GetKind().(type) {
	case *structpb.Value_NullValue:
		return tandem.Null, nil
	case *structpb.Value_StringValue:
		if want != textForm && want != exactForm {
			return tandem.Absent, fmt.Errorf("it must be %s, not text: the column is %s", formNames[want], t.Native)
		}
		text = kind.StringValue
	case *structpb.Value_NumberValue:
		if want != numberForm && want != exactForm {
			return tandem.Absent, fmt.Errorf("it must be %s, not a number: the column is %s", formNames[want], t.Native)
		}
		var err error
		if text, err = numberText(t, kind.NumberValue); err != nil {
			return tandem.Absent, err
		}
	case *structpb.Value_BoolValue:
		if want != boolForm {
			return tandem.Absent, fmt.Errorf("it must be %s, not true or false: the column is %s", formNames[want], t.Native)
		}
		text = strconv.FormatBool(kind.BoolValue)
	default:
		return tandem.Absent, fmt.Errorf("it must be %s, not a list or an object: the column is %s", formNames[want], t.Native)
	}
	return t.Parse(text)
}

// numberText returns the text of a JSON number. JSON numbers arrive as 64-bit floats, so one that may have been rounded on
// its way is refused where the column is exact.
func numberText(t tandem.Type, n float64) (string, error) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return "", fmt.Errorf("it is not a finite number")
	}
	if t.Kind == tandem.Float {
		return strconv.FormatFloat(n, 'g', -1, 64), nil
	}
	text := strconv.FormatFloat(n, 'f', -1, 64)
	digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(text), "0")
	inexact := math.Abs(n) >= 1<<53 || len(digits) > 15 && n != math.Trunc(n)
	if formOf(t) == exactForm && inexact {
		return "", fmt.Errorf("a number this long may be rounded on its way; send it as text")
	}
	return text, nil
}

func columnList(columns []tandem.Column) string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	return strings.Join(names, ", ")
}
