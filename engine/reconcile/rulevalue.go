package reconcile

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tandem-sync/tandem"
)

// celValue is a value of the language of rules.
type celValue = ref.Val

// side is one of the language's own constants.
type side string

const (
	takeDatabase side = "DATABASE"
	takeSheet    side = "SHEET"
	leaveOpen    side = "MANUAL"
	lastWrite    side = "LAST_WRITE"
)

var sideType = cel.OpaqueType("tandem.Side")

func isSide(value celValue) bool {
	_, ok := value.(side)
	return ok
}

// ConvertToNative is refused: nothing outside this package asks for it.
func (s side) ConvertToNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s cannot become a %v", string(s), to)
}

// ConvertToType returns the type of the constants when asked for it.
func (s side) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return sideType
	}
	return types.NewErr("%s cannot become a %s", string(s), to.TypeName())
}

// Equal reports whether both are the same constant.
func (s side) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(s)) }

// Type returns the type of the constants.
func (s side) Type() ref.Type { return sideType }

// Value returns the constant's name.
func (s side) Value() any { return string(s) }

// celType returns the type that values of a column have in rules.
func celType(t tandem.Type) *cel.Type {
	switch t.Kind {
	case tandem.Int:
		if t.Unsigned && (t.Bits == 0 || t.Bits == 64) {
			return cel.UintType
		}
		return cel.IntType
	case tandem.Year:
		return cel.IntType
	case tandem.Decimal, tandem.Float:
		return cel.DoubleType
	case tandem.Bool:
		return cel.BoolType
	case tandem.Date, tandem.DateTime, tandem.Timestamp:
		return cel.TimestampType
	}
	return cel.StringType
}

// toCEL returns a column's value as rules see it, null where there is none.
func toCEL(column *tandem.Column, value tandem.Value) (celValue, error) {
	if value.IsAbsent() || value.IsNull() {
		return types.NullValue, nil
	}
	text := value.Text()
	var out celValue
	var err error
	switch kind := celType(column.Type); {
	case value.IsInvalid():
		err = strconv.ErrSyntax
	case kind == cel.IntType:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		out = types.Int(n)
	case kind == cel.UintType:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		out = types.Uint(n)
	case kind == cel.DoubleType:
		var n float64
		n, err = strconv.ParseFloat(text, 64)
		out = types.Double(n)
	case kind == cel.BoolType:
		var b bool
		b, err = strconv.ParseBool(text)
		out = types.Bool(b)
	case kind == cel.TimestampType:
		var at time.Time
		if column.Type.Kind == tandem.Date {
			at, err = time.Parse(time.DateOnly, text)
		} else {
			at, err = tandem.ParseMoment(text)
		}
		out = types.Timestamp{Time: at}
	default:
		out = types.String(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not a value of its type (%s)", text, column.Type.Kind)
	}
	return out, nil
}

// rowToCEL returns a row as a map from column to value, null when there is no row. What is no value of its column's type
// is left out, so that a rule that looks at it fails.
func (r *Rules) rowToCEL(row map[string]tandem.Value) celValue {
	if row == nil {
		return types.NullValue
	}
	values := make(map[string]any, len(row))
	for name, value := range row {
		if column := r.columns[name]; column != nil {
			if converted, err := toCEL(column, value); err == nil {
				values[name] = converted
			}
		}
	}
	return types.NewStringInterfaceMap(types.DefaultTypeAdapter, values)
}

func timeToCEL(at time.Time) celValue {
	if at.IsZero() {
		return types.NullValue
	}
	return types.Timestamp{Time: at.UTC()}
}

// valueRuling rules by a value that a rule gave: the side that holds it wins with exactly what it holds, however many
// digits the language saw of that; a value that neither side holds is given to both.
func valueRuling(column *tandem.Column, out celValue, held *facts, database, sheet tandem.Value) ruling {
	isDatabase, isSheet := sameCEL(out, held.database), sameCEL(out, held.sheet)
	switch {
	case isDatabase && isSheet:
		return ruling{reason: "its rule gave a number that both sides are, as far as rules see digits; let it give DATABASE or SHEET"}
	case isDatabase:
		return ruling{winner: tandem.Database}
	case isSheet:
		return ruling{winner: tandem.Sheet}
	}
	value, err := fromCEL(column, out)
	if err != nil {
		return ruling{reason: "the value that its rule gave cannot be stored: " + err.Error()}
	}
	return sideOf(column, value, database, sheet)
}

func sameCEL(a, b celValue) bool {
	return a.Type() == b.Type() && a.Equal(b) == types.True
}

// fromCEL returns a new value as column spells it, or an error in words when the column cannot hold exactly that.
func fromCEL(column *tandem.Column, out celValue) (tandem.Value, error) {
	if out == types.NullValue {
		return storable(column, tandem.Null)
	}
	if want := celType(column.Type); out.Type() != ref.Type(want) {
		return tandem.Absent, fmt.Errorf("it is a %s, but the column holds %s", out.Type().TypeName(), want.TypeName())
	}
	var text string
	switch v := out.(type) {
	case types.Int:
		text = strconv.FormatInt(int64(v), 10)
	case types.Uint:
		text = strconv.FormatUint(uint64(v), 10)
	case types.Double:
		format := byte('f')
		if column.Type.Kind == tandem.Float {
			format = 'g'
		}
		text = strconv.FormatFloat(float64(v), format, -1, 64)
	case types.Bool:
		text = strconv.FormatBool(bool(v))
	case types.String:
		text = string(v)
	case types.Timestamp:
		return timeFromCEL(column, v.Time.UTC())
	}
	return storable(column, tandem.Text(text))
}

func timeFromCEL(column *tandem.Column, at time.Time) (tandem.Value, error) {
	format := "2006-01-02T15:04:05.999999999"
	switch column.Type.Kind {
	case tandem.Timestamp:
		format += "Z"
	case tandem.Date:
		if midnight := at.Truncate(24 * time.Hour); !at.Equal(midnight) {
			return tandem.Absent, fmt.Errorf("%s is not a date without a time", at.Format(time.RFC3339Nano))
		}
		format = time.DateOnly
	}
	return storable(column, tandem.Text(at.Format(format)))
}
