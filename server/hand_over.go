package server

import (
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"
)

// handOver gives a message from one end of the channel within the process to the other: the fields move, and what they refer
// to is shared instead of copied. That is safe because nobody touches a message once it was sent: callers make each request
// for one call, and services each answer.
func handOver(into, message any) error {
	_, from := message.(proto.Message)
	if _, to := into.(proto.Message); !from || !to || reflect.TypeOf(into) != reflect.TypeOf(message) {
		return fmt.Errorf("hand over %T as %T", message, into)
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(message).Elem())
	return nil
}
