package engine

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/tandem-sync/tandem"
)

// The kinds of a packed value.
const (
	packedAbsent byte = iota
	packedNull
	packedText
	packedInvalid
	packedLapsedInDatabase
	packedLapsedInSheet
)

// pack appends values in little room: rows that wait to be written are many, and each value takes 24 bytes and a text of its
// own otherwise.
func pack(into []byte, values []tandem.Value) []byte {
	for _, value := range values {
		kind := packedText
		agreed, lost := value.Agreed()
		switch {
		case value.IsAbsent():
			into = append(into, packedAbsent)
			continue
		case value.IsNull():
			into = append(into, packedNull)
			continue
		case value.IsInvalid():
			kind = packedInvalid
		case lost == tandem.Database:
			kind = packedLapsedInDatabase
		case lost == tandem.Sheet:
			kind = packedLapsedInSheet
		}
		into = append(into, kind)
		into = binary.AppendUvarint(into, uint64(len(agreed.Text())))
		into = append(into, agreed.Text()...)
	}
	return into
}

// unpack reads n values and returns what follows them. The values share the memory of data.
func unpack(data string, n int) (values []tandem.Value, rest string, err error) {
	values = make([]tandem.Value, n)
	for i := range values {
		if data == "" {
			return nil, "", fmt.Errorf("packed values end after %d of %d", i, n)
		}
		kind := data[0]
		if data = data[1:]; kind == packedAbsent {
			continue
		}
		if kind == packedNull {
			values[i] = tandem.Null
			continue
		}
		var text string
		if text, data, err = unpackText(data); err != nil {
			return nil, "", err
		}
		switch kind {
		case packedText:
			values[i] = tandem.Text(text)
		case packedInvalid:
			values[i] = tandem.Invalid(text)
		case packedLapsedInDatabase:
			values[i] = tandem.Text(text).Lapsed(tandem.Database)
		case packedLapsedInSheet:
			values[i] = tandem.Text(text).Lapsed(tandem.Sheet)
		default:
			return nil, "", fmt.Errorf("packed value of an unknown kind %d", kind)
		}
	}
	return values, data, nil
}

func packText(into []byte, text string) []byte {
	return append(binary.AppendUvarint(into, uint64(len(text))), text...)
}

func unpackText(data string) (text, rest string, err error) {
	n, read := uvarint(data)
	if read <= 0 || n > uint64(len(data)-read) {
		return "", "", fmt.Errorf("a packed text is cut off")
	}
	return data[read : read+int(n)], data[read+int(n):], nil
}

// uvarint is binary.Uvarint for a text.
func uvarint(data string) (uint64, int) {
	return binary.Uvarint([]byte(data[:min(len(data), binary.MaxVarintLen64)]))
}

// rowOrder are the keys of the rows of a tab from top to bottom, in little room: they are kept from one look to the next,
// and must not keep the rows that they were read with.
type rowOrder struct {
	text string
	ends []uint32
}

func newRowOrder(rows []tandem.Row) *rowOrder {
	size := 0
	for i := range rows {
		size += len(rows[i].Key)
	}
	var text strings.Builder
	text.Grow(size)
	o := &rowOrder{ends: make([]uint32, len(rows))}
	for i := range rows {
		text.WriteString(string(rows[i].Key))
		o.ends[i] = uint32(text.Len())
	}
	o.text = text.String()
	return o
}

// keys returns the order as keys, which share its memory.
func (o *rowOrder) keys() []tandem.Key {
	if o == nil {
		return nil
	}
	keys, from := make([]tandem.Key, len(o.ends)), uint32(0)
	for i, end := range o.ends {
		keys[i], from = tandem.Key(o.text[from:end]), end
	}
	return keys
}
