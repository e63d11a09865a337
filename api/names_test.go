package api_test

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

var pair = []tandem.Column{
	{Name: "a", Type: tandem.Type{Kind: tandem.String}, KeyPosition: 1},
	{Name: "b", Type: tandem.Type{Kind: tandem.Int, Bits: 32}, KeyPosition: 2},
}

// FuzzRowName checks that a row is found again by the name that it is given, whatever its key is.
func FuzzRowName(f *testing.F) {
	for _, text := range []string{"a/b", "%2F", "~", "~0", "a~b", " ", "🐟", ".", "..", "a:b", "+", "?", "\x00", "\n"} {
		f.Add(text, int32(7))
	}
	f.Fuzz(func(t *testing.T, text string, number int32) {
		n, err := pair[1].Type.Parse(strconv.Itoa(int(number)))
		if err != nil || text == "" || strings.ToValidUTF8(text, "") != text {
			t.Skip()
		}
		key := tandem.MakeKey(tandem.Text(text), n)
		name := api.EncodeName("films", tandem.Sheet, key)
		link, source, row, err := api.ParseRow("name", name)
		if err != nil || link != "films" || source != tandem.Sheet {
			t.Fatalf("%q: %q, %q, %v", name, link, source, err)
		}
		if u, err := url.Parse("http://host/v1/" + name); err != nil || u.EscapedPath() != "/v1/"+name {
			t.Errorf("%q is not the same as a path: %v", name, err)
		}
		got, err := api.ParseKey("name", row, []string{"a", "b"}, pair)
		if err != nil || got != key {
			t.Errorf("%q: got key %q, %v; want %q", name, got, err, key)
		}
	})
}

func TestParseKey(t *testing.T) {
	number := []tandem.Column{{Name: "id", Type: tandem.Type{Kind: tandem.Int, Bits: 32}, KeyPosition: 1}}
	for row, want := range map[string]tandem.Key{"7": "7", "007": "7", "-0": "0", "%37": "7"} {
		if got, err := api.ParseKey("name", row, []string{"id"}, number); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", row, got, err, want)
		}
	}
	for _, row := range []string{"x", "7~8", "%", "%zz", "99999999999", "~0"} {
		if got, err := api.ParseKey("name", row, []string{"id"}, number); !errors.Is(err, tandem.ErrInvalid) {
			t.Errorf("%q: got %q, %v; want it to be refused", row, got, err)
		}
	}
}

// FuzzPageToken checks that only tokens that were given out are taken.
func FuzzPageToken(f *testing.F) {
	f.Add("a~b", 3, "")
	f.Add("", 0, "eyJzIjoibGlua3MifQ")
	f.Fuzz(func(t *testing.T, after string, position int, forged string) {
		if strings.ToValidUTF8(after, "") != after {
			t.Skip()
		}
		token := api.EncodePage("links", after, position)
		if got, at, err := api.ParsePage("links", token); err != nil || got != after || at != position {
			t.Errorf("got %q, %d, %v", got, at, err)
		}
		if _, _, err := api.ParsePage("tables", token); !errors.Is(err, tandem.ErrInvalid) {
			t.Errorf("a token of another list: %v", err)
		}
		if _, _, err := api.ParsePage("links", forged); err != nil && !errors.Is(err, tandem.ErrInvalid) {
			t.Errorf("%q: %v", forged, err)
		}
	})
}

func TestStatus(t *testing.T) {
	secret := errors.New("Error 1054: Unknown column 'salary' in 'SELECT'")
	for _, c := range []struct {
		err  error
		want codes.Code
	}{
		{secret, codes.Internal},
		{tandem.Errorf(tandem.CodeInternal, "X", "%v", secret), codes.Internal},
		{context.Canceled, codes.Canceled},
		{context.DeadlineExceeded, codes.DeadlineExceeded},
		{tandem.ErrFenced, codes.Aborted},
		{tandem.InvalidField("a", "b"), codes.InvalidArgument},
		{tandem.Errorf(tandem.CodeExhausted, "GOOGLE_QUOTA", "wait"), codes.ResourceExhausted},
		{tandem.Errorf(tandem.CodeUnauthenticated, "GOOGLE_CREDENTIALS", "bad key"), codes.FailedPrecondition},
		{nil, codes.OK},
	} {
		got := api.Status(c.err)
		if got.Code() != c.want || strings.Contains(got.Message(), "salary") {
			t.Errorf("%v: %v %q, want %v", c.err, got.Code(), got.Message(), c.want)
		}
	}
}
