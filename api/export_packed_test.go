package api

import (
	"github.com/tandem-sync/tandem"
	"google.golang.org/protobuf/types/known/structpb"
)

// Pack encodes the values of a row as answers hold them.
func Pack(columns []tandem.Column, values []tandem.Value) *structpb.Struct {
	return packValues(columns, values, everything)
}
