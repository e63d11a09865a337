package server

import (
	"io"
	"log/slog"

	"buf.build/go/protovalidate"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// MarshalRows writes a message as the gateway does.
func MarshalRows(message proto.Message) ([]byte, error) {
	return rowMarshaler{&runtime.JSONPb{MarshalOptions: protojson.MarshalOptions{EmitDefaultValues: true}}}.Marshal(message)
}

// PlainlyValid is what is said of a request without the validator, and Validate what the validator says.
func PlainlyValid(request proto.Message) bool { return plainlyValid(request) }

// Validate asks the validator.
func Validate(request proto.Message) error { return protovalidate.Validate(request) }

// Wakes holds wakings back as the server does.
func Wakes(wake func(link string)) func(link string) { return newWakes(wake).Wake }

// LineLogger is a log whose lines wait for each other.
func LineLogger(out io.Writer) *slog.Logger {
	lines := &logLines{out: out}
	return slog.New(promptly{slog.NewJSONHandler(lines, nil), lines})
}
