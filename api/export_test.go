package api

import (
	"github.com/tandem-sync/tandem"
	"google.golang.org/protobuf/types/known/structpb"
)

// What the tests look at directly; the rest is tried through the server.

// Decode reads the values of a written row.
func Decode(columns []tandem.Column, source tandem.Source, values *structpb.Struct) ([]tandem.Value, []tandem.FieldViolation) {
	var bad violations
	decoded := rowInput{columns: columns, source: source, prefix: "row.values.", bad: &bad}.decode(values)
	return decoded, bad
}

// Masked returns what an update_mask leaves of values.
func Masked(values *structpb.Struct, columns []tandem.Column, paths []string) (*structpb.Struct, []tandem.FieldViolation) {
	var bad violations
	return masked(values, columns, paths, "", &bad), bad
}

// Names and values as messages have them.
var (
	Encode     = encodeValues
	EncodeName = rowName

	ConflictName  = conflictName
	ParseConflict = parseConflict

	ParseKey  = parseKey
	ParseRow  = parseRow
	GivenEtag = givenEtag
	RequestID = requestID
)

// EncodePage and ParsePage are the tokens of a list called scope.
func EncodePage(scope, after string, position int) string {
	return pageToken{Scope: scope, After: after, Position: position}.encode()
}

// ParsePage returns where a page begins.
func ParsePage(scope, token string) (after string, position int, err error) {
	page, err := parsePage(scope, token)
	return page.After, page.Position, err
}
