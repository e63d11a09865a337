package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxValues is how many values the JSON of a request may hold: some columns of a thousand rows. Read, each takes a hundred bytes,
// fifty times its text.
const maxValues = 500_000

// manyValues says what is wrong with a request that holds more.
var manyValues = fmt.Sprintf("it holds more than %d values; send them with several requests", maxValues)

// valuesBody is the body of a request, which ends with an error when it is too large or holds too many values.
type valuesBody struct {
	io.ReadCloser
	values          int
	quoted, escaped bool
	limit           int64 // that it was larger than; 0 while it is not
}

// largerThanTaken says that the body of a request is larger than the server takes; nil when it is not. The gateway tells only
// that the body could not be read.
func largerThanTaken(r *http.Request) *status.Status {
	if body, ok := r.Body.(*valuesBody); ok && body.limit > 0 {
		return withReason(status.Newf(codes.ResourceExhausted, "the request is too large: this server takes up to %d bytes (--max-request-bytes); "+
			"send it in several parts", body.limit), "REQUEST_TOO_LARGE")
	}
	return nil
}

// Read reads. What may begin a value counts: it need not be good JSON.
func (b *valuesBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		b.limit = large.Limit
	}
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
		return 0, errors.New(manyValues)
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
	target, refusable := into.(*refusable)
	if refusable {
		into = target.message
	}
	if message, ok := into.(proto.Message); ok && data.Len() > fewValues {
		whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
		defer whole.Free()
		if left := maxValues; !spend(&left, whole.ReadOnlyData(), message.ProtoReflect().Descriptor(), 0) {
			if !refusable {
				return errors.New(manyValues)
			}
			target.refused = tandem.InvalidField("request", "%s", manyValues)
			return nil
		}
	}
	return c.CodecV2.Unmarshal(data, into)
}

// refusable is a request that is to be read, and why nothing of it was: whatever error a codec returns, gRPC says INTERNAL.
type refusable struct {
	message any
	refused error
}

// read reads a request by what gRPC gives for that.
func (r *refusable) read(by func(any) error) error {
	if err := by(r); err != nil || r.refused == nil {
		return err
	}
	return api.Status(r.refused).Err()
}

// saying registers services such that callers are told why their requests are refused, for a server with a valuesCodec. Streams
// have checkedStream for that.
type saying struct{ grpc.ServiceRegistrar }

// RegisterService registers a service.
func (s saying) RegisterService(desc *grpc.ServiceDesc, service any) {
	told := *desc
	told.Methods = slices.Clone(desc.Methods)
	for i := range told.Methods {
		handler := told.Methods[i].Handler
		told.Methods[i].Handler = func(service any, ctx context.Context, read func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			return handler(service, ctx, func(into any) error { return (&refusable{message: into}).read(read) }, interceptor)
		}
	}
	s.ServiceRegistrar.RegisterService(&told, service)
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
