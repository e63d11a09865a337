package tandem

import "encoding/json"

// Value is the content of one cell of one source in the canonical text of its column's Type (see Type.Parse), so that
// two values of a column can be compared, stored and shown without knowing where they came from.
//
// The zero Value is Absent: in a write, the column is left alone; in a read, the source has no such cell.
type Value struct {
	text  string
	state valueState
}

type valueState uint8

const (
	absent valueState = iota
	null
	present
	invalid
	lapsedInDatabase
	lapsedInSheet
)

// Absent is the zero Value: nothing is said about the column.
var Absent = Value{}

// Null is SQL NULL, or an empty cell.
var Null = Value{state: null}

// Text returns a Value that holds text, which must be canonical for its column's type.
func Text(text string) Value { return Value{text: text, state: present} }

// Invalid returns a Value for content that cannot be a value of its column: text typed into a number column, a formula
// error, a zero date. It is never written anywhere; shown is what the source holds, for messages.
func Invalid(shown string) Value { return Value{text: shown, state: invalid} }

// Lapsed returns v, which both sides agreed on, as the baseline keeps it of a cell that source lost with its column and that
// has yet to be filled in there: that it is empty on that side does not mean that somebody emptied it.
func (v Value) Lapsed(source Source) Value {
	agreed, _ := v.Agreed()
	switch {
	case agreed.state != present || agreed.text == "":
		return agreed
	case source == Database:
		return Value{text: v.text, state: lapsedInDatabase}
	}
	return Value{text: v.text, state: lapsedInSheet}
}

// Agreed returns what both sides agreed on, and the side that lost a Lapsed value; "" for every other value.
func (v Value) Agreed() (agreed Value, lost Source) {
	switch v.state {
	case lapsedInDatabase:
		return Text(v.text), Database
	case lapsedInSheet:
		return Text(v.text), Sheet
	}
	return v, ""
}

// IsAbsent reports whether nothing is said about the column.
func (v Value) IsAbsent() bool { return v.state == absent }

// IsNull reports whether the value is SQL NULL or an empty cell.
func (v Value) IsNull() bool { return v.state == null }

// IsInvalid reports whether the source holds something that its column's type cannot.
func (v Value) IsInvalid() bool { return v.state == invalid }

// IsEmpty reports whether the value shows as an empty cell: NULL, or the empty text.
func (v Value) IsEmpty() bool { return v.state == null || v.state == present && v.text == "" }

// Text returns the canonical text, or "" for Null and Absent.
func (v Value) Text() string { return v.text }

// MarshalJSON writes null or the canonical text as a string; an invalid value becomes {"invalid": text}, a lapsed one
// {"lapsed": text, "by": source}, and Absent {}.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.state {
	case present:
		return json.Marshal(v.text)
	case invalid:
		return json.Marshal(map[string]string{"invalid": v.text})
	case lapsedInDatabase, lapsedInSheet:
		_, lost := v.Agreed()
		return json.Marshal(map[string]string{"lapsed": v.text, "by": string(lost)})
	case absent:
		return []byte("{}"), nil
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*v = Null
		return nil
	}
	if len(data) > 0 && data[0] == '{' {
		var shown struct {
			Invalid, Lapsed *string
			By              Source
		}
		if err := json.Unmarshal(data, &shown); err != nil {
			return err
		}
		*v = Absent
		switch {
		case shown.Invalid != nil:
			*v = Invalid(*shown.Invalid)
		case shown.Lapsed != nil:
			*v = Text(*shown.Lapsed).Lapsed(shown.By)
		}
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	*v = Text(text)
	return nil
}
