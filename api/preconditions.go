package api

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
	"google.golang.org/grpc/metadata"
)

// Headers that the gateway hands on, and gRPC callers may send.
const (
	headerIfMatch        = "if-match"
	headerIdempotencyKey = "idempotency-key"
)

// How long ids of requests may be, in bytes.
const (
	maxRequestID  = 200
	maxMutationID = 100
)

// requestID returns what makes a repetition of the call find the first answer: the field, or the header.
func requestID(ctx context.Context, field string) (string, error) {
	const name = "Idempotency-Key"
	headers := metadata.ValueFromIncomingContext(ctx, headerIdempotencyKey)
	switch {
	case len(headers) == 0 || len(headers) == 1 && headers[0] == "":
		return field, nil
	case len(headers) > 1:
		return "", tandem.InvalidField(name, "it stands %d times; send it once", len(headers))
	case field != "" && field != headers[0]:
		return "", tandem.InvalidField("request_id", "it differs from the header Idempotency-Key; send one of the two")
	}
	return headers[0], checkID(name, headers[0], maxRequestID)
}

// checkID refuses ids that a database might take for another one, or that nobody could find in a log.
func checkID(field, id string, longest int) error {
	switch {
	case len(id) > longest:
		return tandem.InvalidField(field, "it has %d bytes, and may have %d; a UUID does", len(id), longest)
	case !utf8.ValidString(id):
		return tandem.InvalidField(field, "it is not valid UTF-8; take a UUID")
	case strings.TrimSpace(id) != id:
		return tandem.InvalidField(field, "it begins or ends with a space; take that away")
	case strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsPrint(r) }):
		return tandem.InvalidField(field, "it holds a character that does not print; take a UUID")
	}
	return nil
}

// givenEtag returns what a write is based on, as tandem.EtagFits takes it: the field, or the header If-Match, which may name
// several etags, or "*" for whatever is there now.
func givenEtag(ctx context.Context, field, value string) (string, error) {
	var etags []string
	given := false
	for _, header := range metadata.ValueFromIncomingContext(ctx, headerIfMatch) {
		given = given || strings.TrimSpace(header) != ""
		for tag := range strings.SplitSeq(header, ",") {
			if tag = etagText(tag); tag != "" {
				etags = append(etags, tag)
			}
		}
	}
	switch {
	case len(etags) == 0 && given: // such as "", the etag of a row that was read without it: the caller counts on a condition
		return "", tandem.InvalidField("If-Match", "it holds no etag; send that of what was read, or * for whatever is there now")
	case len(etags) == 0:
		return value, nil
	case value != "" && !slices.Contains(etags, value) && !slices.Contains(etags, tandem.AnyEtag):
		return "", tandem.InvalidField(field, "it differs from the header If-Match; send one of the two")
	case value != "":
		return value, nil
	case slices.Contains(etags, tandem.AnyEtag):
		return tandem.AnyEtag, nil
	}
	return strings.Join(etags, ","), nil
}

// etagText returns an entity tag as messages hold it. Proxies that compress make strong tags weak; ours change with every
// value, so both are the same.
func etagText(tag string) string {
	tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
	if n := len(tag); n >= 2 && tag[0] == '"' && tag[n-1] == '"' {
		tag = tag[1 : n-1]
	}
	tag, _, _ = strings.Cut(tag, ".") // what follows tells answers apart, see server's conditional
	return tag
}
