package server

import (
	"fmt"
	"io"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxValues is how many values the JSON of a request may hold: some columns of a thousand rows. Read, each takes a hundred bytes,
// fifty times its text.
const maxValues = 500_000

// valuesBody is the body of a request, which ends with an error when it holds too many values.
type valuesBody struct {
	io.ReadCloser
	values          int
	quoted, escaped bool
}

// Read reads. What may begin a value counts: it need not be good JSON.
func (b *valuesBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	for _, c := range into[:n] {
		switch {
		case b.escaped:
			b.escaped = false
		case c == '"':
			b.quoted = !b.quoted
		case b.quoted:
			b.escaped = c == '\\'
		case c == ',' || c == '[' || c == '{':
			b.values++
		}
	}
	if b.values > maxValues {
		return 0, fmt.Errorf("it holds more than %d values; send them with several requests", maxValues)
	}
	return n, err
}

// fewValues is the size up to which no message can hold too many values to matter.
const fewValues = 1 << 20

// valuesCodec reads requests of gRPC, but for those that hold too many values. Without interceptors, since a request is read
// before they are asked.
type valuesCodec struct{ encoding.CodecV2 }

// Unmarshal reads a message.
func (c valuesCodec) Unmarshal(data mem.BufferSlice, into any) error {
	if message, ok := into.(proto.Message); ok && data.Len() > fewValues {
		whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
		defer whole.Free()
		if left := maxValues; !spend(&left, whole.ReadOnlyData(), message.ProtoReflect().Descriptor(), 0) {
			return fmt.Errorf("it holds more than %d values; send them with several requests", maxValues)
		}
	}
	return c.CodecV2.Unmarshal(data, into)
}

// spend takes from left one for each message within an encoded one, and reports whether enough was left. What is malformed, or
// too deep to be read, is for those to say who read it.
func spend(left *int, data []byte, in protoreflect.MessageDescriptor, depth int) bool {
	for len(data) > 0 && depth < protowire.DefaultRecursionLimit {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return true
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return true
		}
		value := data[n : n+size]
		data = data[n+size:]
		field := in.Fields().ByNumber(number)
		if field == nil || field.Message() == nil || kind != protowire.BytesType {
			continue
		}
		if *left--; *left < 0 {
			return false
		}
		inner, _ := protowire.ConsumeBytes(value)
		if !spend(left, inner, field.Message(), depth+1) {
			return false
		}
	}
	return true
}
