package sheets

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
)

// The functions here are decode for the cells that are common and in order, without a text of their own for each. What they
// do not know is left to decode; what they know they decode as it does.

// sharedText returns the canonical text of a cell where it is one of a few.
func sharedText(kind cellKind, raw []byte, column *tandem.Column) (text string, ok bool) {
	switch {
	case column.Type.Kind == tandem.Bool && kind == cellTrue:
		return "true", true
	case column.Type.Kind == tandem.Bool && kind == cellFalse:
		return "false", true
	case column.Type.Kind == tandem.String && kind == cellText && !column.Type.JSON &&
		(column.Type.Length == 0 || len(raw) <= column.Type.Length):
		for _, value := range column.Type.Values {
			if value == string(raw) {
				return value, true
			}
		}
	}
	return "", false
}

// appendCanonical appends the canonical text of a cell to into.
func appendCanonical(into []byte, kind cellKind, raw []byte, column *tandem.Column) (text []byte, ok bool) {
	t := &column.Type
	switch {
	case kind == cellText && t.Kind == tandem.String:
		if t.JSON || len(t.Values) > 0 || t.Length > 0 && len(raw) > t.Length && utf8.RuneCount(raw) > t.Length {
			return into, false
		}
		return append(into, raw...), true
	case kind != cellNumber:
		return into, false
	}
	switch t.Kind {
	case tandem.Int:
		return appendInt(into, raw, t)
	case tandem.Decimal:
		return appendDecimal(into, raw, t)
	case tandem.Float:
		return appendFloat(into, raw, t)
	case tandem.Date, tandem.DateTime, tandem.Timestamp:
		return appendSerial(into, raw, column)
	}
	return into, false
}

// appendInt takes whole numbers of up to 15 digits, which a cell holds exactly.
func appendInt(into, raw []byte, t *tandem.Type) ([]byte, bool) {
	digits, negative := raw, false
	if digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	if len(digits) > exactDigits || negative && digits[0] == '0' {
		return into, false
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return into, false
		}
		n = n*10 + int64(c-'0')
	}
	bits := t.Bits
	if bits == 0 {
		bits = 64
	}
	switch {
	case t.Unsigned && (negative || uint64(n) > uint64(math.MaxUint64)>>(64-bits)):
		return into, false
	case !t.Unsigned && n > math.MaxInt64>>(64-bits):
		return into, false // the lowest number of a size, which has no positive twin, is left to decode
	}
	return append(into, raw...), true
}

// appendDecimal takes numbers of up to 15 digits without exponent: a float64 gives just these digits back.
func appendDecimal(into, raw []byte, t *tandem.Type) ([]byte, bool) {
	digits, negative := raw, false
	if digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	point := len(digits)
	for i, c := range digits {
		switch {
		case c == '.':
			point = i
		case c < '0' || c > '9':
			return into, false
		}
	}
	whole, fraction := digits[:point], digits[min(point+1, len(digits)):]
	if len(whole)+len(fraction) > exactDigits {
		return into, false
	}
	for len(whole) > 0 && whole[0] == '0' {
		whole = whole[1:]
	}
	for len(fraction) > 0 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if len(fraction) > t.Scale || len(whole) > t.Precision-t.Scale {
		return into, false
	}
	if negative && len(whole)+len(fraction) > 0 {
		into = append(into, '-')
	}
	if len(whole) == 0 {
		into = append(into, '0')
	}
	into = append(into, whole...)
	if t.Scale == 0 {
		return into, true
	}
	into = append(into, '.')
	into = append(into, fraction...)
	for range t.Scale - len(fraction) {
		into = append(into, '0')
	}
	return into, true
}

func appendFloat(into, raw []byte, t *tandem.Type) ([]byte, bool) {
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n == 0 || t.Bits == 32 {
		return into, false
	}
	return strconv.AppendFloat(into, n, 'g', -1, 64), true
}

// appendSerial takes days and moments that are as fine as the column's type.
func appendSerial(into, raw []byte, column *tandem.Column) ([]byte, bool) {
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n < minSerial || n >= maxSerial {
		return into, false
	}
	millis := epoch.UnixMilli() + int64(math.Round(n*dayMillis))
	wall := time.UnixMilli(millis).UTC()
	switch column.Type.Kind {
	case tandem.Date:
		if millis%dayMillis != 0 {
			return into, false
		}
		return wall.AppendFormat(into, time.DateOnly), true
	case tandem.Timestamp:
		at, ok := inZone(wall, zoneOf(column))
		if !ok {
			return into, false
		}
		if into, ok = appendMoment(into, at.UTC(), column.Type.Fraction); ok {
			into = append(into, 'Z')
		}
		return into, ok
	}
	return appendMoment(into, wall, column.Type.Fraction)
}

// appendMoment writes a moment that is a whole number of milliseconds with so many digits of a second's fraction.
func appendMoment(into []byte, at time.Time, digits int) ([]byte, bool) {
	if at.Year() < 1 || at.Year() > 9999 {
		return into, false
	}
	millis := at.Nanosecond() / 1e6
	if digits == 0 && millis > 0 || digits == 1 && millis%100 > 0 || digits == 2 && millis%10 > 0 {
		return into, false
	}
	into = at.AppendFormat(into, "2006-01-02T15:04:05")
	if digits == 0 {
		return into, true
	}
	fraction := [...]byte{byte('0' + millis/100), byte('0' + millis/10%10), byte('0' + millis%10), '0', '0', '0'}
	into = append(into, '.')
	return append(into, fraction[:min(digits, len(fraction))]...), true
}
