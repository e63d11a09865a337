package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

func with(headers ...string) context.Context {
	return metadata.NewIncomingContext(context.Background(), metadata.Pairs(headers...))
}

func TestIfMatch(t *testing.T) {
	for header, want := range map[string]string{`"abc"`: "abc", `W/"abc"`: "abc", "abc": "abc", "*": "*", "": "",
		`"a", W/"b" ,"c"`: "a,b,c", `"a", *`: "*", `"abc.digest"`: "abc", `W/"abc.digest", "b"`: "abc,b", `"abc`: `"abc`} {
		if got, err := api.GivenEtag(with("if-match", header), "etag", ""); err != nil || got != want {
			t.Errorf("If-Match: %s: got %q, %v; want %q", header, got, err, want)
		}
	}
	// Whoever writes with the etag of a row that was read without one must not write over what others wrote.
	for _, header := range []string{`""`, `W/""`, " , ", `"", ""`, `".digest"`} {
		for _, field := range []string{"", "abc"} {
			if got, err := api.GivenEtag(with("if-match", header), "etag", field); !errors.Is(err, tandem.ErrInvalid) {
				t.Errorf("If-Match: %s: got %q, %v; want it to be refused", header, got, err)
			}
		}
	}
	if got, err := api.GivenEtag(with("if-match", `"a"`, "if-match", `"b"`), "etag", ""); err != nil || got != "a,b" {
		t.Errorf("the header twice: got %q, %v", got, err)
	}
	for _, header := range []string{`"b", "abc"`, "*", `"abc"`, ""} {
		if got, err := api.GivenEtag(with("if-match", header), "etag", "abc"); err != nil || got != "abc" {
			t.Errorf("If-Match: %s with the field: got %q, %v", header, got, err)
		}
	}
	if _, err := api.GivenEtag(with("if-match", `"abc"`), "etag", "other"); !errors.Is(err, tandem.ErrInvalid) {
		t.Errorf("two different etags: %v", err)
	}
}

func TestRequestID(t *testing.T) {
	for _, good := range []string{"", "6f1ed002-ab5f-4c5a-9c3c-1f3a3b9b8a11", "a b", "ключ-1", strings.Repeat("x", 200)} {
		if got, err := api.RequestID(with("idempotency-key", good), ""); err != nil || got != good {
			t.Errorf("%q: got %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{" a", "a ", "a\tb", "a\x00", "\xff", "\u00a0", strings.Repeat("x", 201), "a\u200b"} {
		if got, err := api.RequestID(with("idempotency-key", bad), ""); !errors.Is(err, tandem.ErrInvalid) {
			t.Errorf("%q: got %q, %v; want it to be refused", bad, got, err)
		}
	}
	if _, err := api.RequestID(with("idempotency-key", "a", "idempotency-key", "b"), ""); !errors.Is(err, tandem.ErrInvalid) {
		t.Errorf("the header twice: %v", err)
	}
	if _, err := api.RequestID(with("idempotency-key", "a"), "b"); !errors.Is(err, tandem.ErrInvalid) {
		t.Errorf("header and field differ: %v", err)
	}
	if got, err := api.RequestID(context.Background(), "b"); err != nil || got != "b" {
		t.Errorf("the field alone: %q, %v", got, err)
	}
}
