package server

import (
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
