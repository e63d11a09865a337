package api

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/structpb"
)

// Field numbers of google.protobuf.Struct, of the entries of its map, and of google.protobuf.Value.
const (
	structFields protowire.Number = 1
	entryKey     protowire.Number = 1
	entryValue   protowire.Number = 2
	valueNull    protowire.Number = 1
	valueNumber  protowire.Number = 2
	valueText    protowire.Number = 3
	valueBool    protowire.Number = 4
)

// packValues returns what encodeValues does, of the columns in mask, as a message that holds nothing but its own encoding: a page of rows would
// else be thousands of small messages, made only to be encoded. Callers of gRPC see no difference, since that encoding is
// what they get. Within the process Fields is empty: PackedValues reads such a message.
func packValues(columns []tandem.Column, values []tandem.Value, mask *rowMask) *structpb.Struct {
	size := 0
	for i := range columns {
		if i < len(values) {
			size += len(columns[i].Name) + len(values[i].Text()) + 24
		}
	}
	packed := make([]byte, 0, size)
	for i := range columns {
		if i < len(values) && !values[i].IsAbsent() && mask.hasColumn(columns[i].Name) {
			packed = appendEntry(packed, columns[i].Name, columns[i].Type, values[i])
		}
	}
	message := &structpb.Struct{}
	message.ProtoReflect().SetUnknown(packed)
	return message
}

// appendEntry appends one entry of a Struct's map; it says of a value what encodeValue does.
func appendEntry(to []byte, name string, t tandem.Type, value tandem.Value) []byte {
	var text string
	var number float64
	var truth bool
	kind := valueText
	switch form := formOf(t); {
	case value.IsNull():
		kind = valueNull
	case value.IsInvalid():
		text = value.Text()
	case form == numberForm:
		if n, err := strconv.ParseFloat(value.Text(), 64); err == nil {
			kind, number = valueNumber, n
		} else {
			text = value.Text()
		}
	case form == boolForm:
		kind, truth = valueBool, value.Text() == "true"
	default:
		text = value.Text()
	}
	size := 2 // of the value: a tag and one byte
	switch kind {
	case valueNumber:
		size = 1 + 8
	case valueText:
		if !utf8.ValidString(text) {
			text = strings.ToValidUTF8(text, "\uFFFD")
		}
		size = 1 + protowire.SizeBytes(len(text))
	}
	to = protowire.AppendTag(to, structFields, protowire.BytesType)
	to = protowire.AppendVarint(to, uint64(1+protowire.SizeBytes(len(name))+1+protowire.SizeBytes(size)))
	to = protowire.AppendTag(to, entryKey, protowire.BytesType)
	to = protowire.AppendString(to, name)
	to = protowire.AppendTag(to, entryValue, protowire.BytesType)
	to = protowire.AppendVarint(to, uint64(size))
	switch kind {
	case valueNumber:
		to = protowire.AppendTag(to, kind, protowire.Fixed64Type)
		return binary.LittleEndian.AppendUint64(to, math.Float64bits(number))
	case valueText:
		to = protowire.AppendTag(to, kind, protowire.BytesType)
		return protowire.AppendString(to, text)
	}
	to = protowire.AppendTag(to, kind, protowire.VarintType)
	return protowire.AppendVarint(to, protowire.EncodeBool(truth))
}

// PackedValues visits the values of a message that packValues made, in the order of the columns. It returns false when the
// message is not such a one; then its Fields tell.
func PackedValues(message *structpb.Struct, visit func(name []byte, value PackedValue)) bool {
	packed := []byte(message.ProtoReflect().GetUnknown())
	if len(packed) == 0 {
		return false
	}
	for len(packed) > 0 {
		_, _, n := protowire.ConsumeTag(packed)
		entry, m := protowire.ConsumeBytes(packed[n:])
		packed = packed[n+m:]
		_, _, n = protowire.ConsumeTag(entry)
		name, m := protowire.ConsumeBytes(entry[n:])
		entry = entry[n+m:]
		_, _, n = protowire.ConsumeTag(entry)
		value, _ := protowire.ConsumeBytes(entry[n:])
		kind, _, n := protowire.ConsumeTag(value)
		visit(name, PackedValue{kind: kind, data: value[n:]})
	}
	return true
}

// PackedValue is one value of a packed message. Exactly one of Null, Text, Number and Bool tells what it is.
type PackedValue struct {
	kind protowire.Number
	data []byte
}

// Null reports whether it is null.
func (v PackedValue) Null() bool { return v.kind == valueNull }

// Text returns its text, valid UTF-8.
func (v PackedValue) Text() (text []byte, ok bool) {
	if v.kind != valueText {
		return nil, false
	}
	text, _ = protowire.ConsumeBytes(v.data)
	return text, true
}

// Number returns its number.
func (v PackedValue) Number() (n float64, ok bool) {
	if v.kind != valueNumber {
		return 0, false
	}
	bits, _ := protowire.ConsumeFixed64(v.data)
	return math.Float64frombits(bits), true
}

// Bool returns its truth value.
func (v PackedValue) Bool() (truth, ok bool) {
	if v.kind != valueBool {
		return false, false
	}
	n, _ := protowire.ConsumeVarint(v.data)
	return n != 0, true
}
