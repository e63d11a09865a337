package server_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/server"
)

// FuzzHint reads bodies of hints, signed and not: what is taken can be looked at, and what is not says what is wrong.
func FuzzHint(f *testing.F) {
	for _, body := range []string{"", "{}", `{"rows":[2,3],"at":"2026-11-21T07:00:00Z","user":"ann@example.com"}`, `{"rows":[0]}`, `{"rows":[-1]}`, `{"rows":[1e400]}`,
		`{"rows":[9223372036854775808]}`, `{"rows":null,"at":null}`, `{"at":"0001-01-01T00:00:00Z"}`, `{"at":"9999-12-31T23:59:59Z"}`, `{"at":"2026-11-21"}`, `[]`, `null`, `"x"`,
		`{"rows":[1],"rows":["a"]}`, `{"user":"\ud800"}`, "{\"user\":\"\xff\"}", `{"user":5}`, `{"ROWS":[1]}`, `{"rows":[[[[[[]]]]]]}`} {
		f.Add([]byte(body), "1795244400", "sha256=00")
	}
	now := time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte, stamp, signature string) {
		mark, err := server.ReadHint(body, now)
		switch {
		case err != nil && !errors.Is(err, tandem.ErrInvalid):
			t.Fatalf("%q: %v", body, err)
		case err == nil && (mark.Source != tandem.Sheet || mark.At.After(now)):
			t.Fatalf("%q: is the mark %+v", body, mark)
		}
		for _, row := range mark.Rows {
			if row < 1 && err == nil {
				t.Fatalf("%q: row %d", body, row)
			}
		}
		header := http.Header{"X-Tandem-Timestamp": {stamp}, "X-Tandem-Signature": {signature}}
		if _, err := server.SignatureOf(header, "secret", body, now); err == nil {
			seconds, failed := strconv.ParseInt(stamp, 10, 64)
			if failed != nil || sign("secret", stamp, string(body)) != signature && "sha256="+signature != sign("secret", stamp, string(body)) || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
				t.Fatalf("a hint with the timestamp %q and the signature %q is taken", stamp, signature)
			}
		}
		if _, err := server.SignatureOf(header, "", body, now); err == nil {
			t.Fatal("a link without a secret takes hints")
		}
	})
}
