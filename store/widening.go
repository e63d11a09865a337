package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
)

// narrowed says in words what a column can no longer hold, or holds otherwise, since it was of type was; "" when all that it
// could hold then it holds now, as it was.
func (d *dialect) narrowed(was, is tandem.Type) string {
	if was.Kind != is.Kind {
		return fmt.Sprintf("that is another kind of value, %s instead of %s", is.Kind, was.Kind)
	}
	a, b := parseNative(was.Native), parseNative(is.Native)
	switch was.Kind {
	case tandem.Int:
		return narrowedInt(was, is)
	case tandem.Decimal:
		if is.Scale < was.Scale {
			return "that has fewer decimals"
		}
		if is.Precision-is.Scale < was.Precision-was.Scale {
			return "that has fewer digits before the point"
		}
	case tandem.Float:
		if is.Bits < was.Bits {
			return "that holds fewer digits"
		}
	case tandem.DateTime, tandem.Timestamp, tandem.Time:
		if is.Fraction < was.Fraction {
			return "that has fewer digits of a second"
		}
	case tandem.String:
		return d.narrowedText(was, is, a, b)
	case tandem.Bytes:
		if d.scheme == "mysql" && b.word == "binary" && (a.word != "binary" || a.number(0, 1) != b.number(0, 1)) {
			return "that fills values up with zero bytes"
		}
		if shorter(was.Length, is.Length) {
			return "that is shorter"
		}
	}
	return ""
}

func narrowedInt(was, is tandem.Type) string {
	bits := was.Bits
	switch {
	case is.Unsigned && !was.Unsigned:
		return "that holds no negative numbers"
	case was.Unsigned && !is.Unsigned:
		bits++
	}
	if is.Bits < bits {
		return "that holds smaller numbers only"
	}
	return ""
}

// shorter compares lengths, of which 0 is none.
func shorter(was, is int) bool { return is != 0 && (was == 0 || is < was) }

// narrowedText compares columns that hold texts of whatever type.
func (d *dialect) narrowedText(was, is tandem.Type, a, b native) string {
	if is.JSON && !was.JSON {
		return "that holds JSON only"
	}
	listed, lists := a.word == "enum" || a.word == "set", b.word == "enum" || b.word == "set"
	switch {
	case lists && a.word == b.word:
		return narrowedValues(a, b)
	case lists:
		return "that holds listed values only"
	case (b.word == "uuid" || b.word == "inet4" || b.word == "inet6") && d.scheme == "mysql":
		if a.word != b.word {
			return "that holds values of one form only"
		}
	case b.word == "char" && (a.word == "varchar" || strings.HasSuffix(a.word, "text")) && d.scheme == "mysql":
		return "that drops spaces at the end"
	case listed:
		return narrowedLength(longest(a), is)
	case d.scheme == "mysql" && strings.HasSuffix(b.word, "text"):
		// Its length is in bytes; a character takes up to four of them.
		length := was.Length
		if !strings.HasSuffix(a.word, "text") {
			length *= 4
		}
		return narrowedLength(length, is)
	default:
		return narrowedLength(was.Length, is)
	}
	return ""
}

func narrowedLength(was int, is tandem.Type) string {
	if shorter(was, is.Length) {
		return "that is shorter"
	}
	return ""
}

// narrowedValues compares lists of values. Those of a SET must keep their order, in which it spells them.
func narrowedValues(a, b native) string {
	was, is := a.values(), b.values()
	var gone []string
	for _, value := range was {
		if !slices.Contains(is, value) {
			gone = append(gone, fmt.Sprintf("%q", value))
		}
	}
	if len(gone) > 0 {
		return "that lacks " + strings.Join(gone, ", ")
	}
	kept := slices.DeleteFunc(is, func(value string) bool { return !slices.Contains(was, value) })
	if a.word == "set" && !slices.Equal(was, kept) {
		return "that lists its values in another order"
	}
	return ""
}

// longest is how many characters a listed value can have; a SET may hold all of its values.
func longest(n native) int {
	one, all := 0, 0
	for _, value := range n.values() {
		length := len([]rune(value))
		one = max(one, length)
		all += length + 1
	}
	if n.word == "set" {
		return max(all-1, 0)
	}
	return one
}
