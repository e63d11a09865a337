package api_test

import (
	"errors"
	"math"
	"testing"
	"unicode"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

func TestResumeTokens(t *testing.T) {
	for _, place := range []api.Place{
		{Link: "anime"},
		{Link: "a", Number: 1, Created: 1_700_000_000_000_000, Seq: 1},
		{Link: "the-longest-name-that-a-link-may-have-000", Number: math.MaxInt64, Created: math.MinInt64, Seq: math.MaxInt64},
	} {
		token := place.Token()
		if got, err := api.ParsePlace(place.Link, token); err != nil || got == nil || *got != place {
			t.Errorf("%+v became %+v, %v", place, got, err)
		}
		var refused *tandem.Error
		if _, err := api.ParsePlace("other", token); !errors.As(err, &refused) || refused.Code != tandem.CodeInvalid || refused.Fields[0].Field != "resume_token" {
			t.Errorf("for another link: %v", err)
		}
		for i := range token {
			mangled := []byte(token)
			mangled[i] ^= 1
			if got, err := api.ParsePlace(place.Link, string(mangled)); err == nil {
				t.Errorf("%q, with character %d changed, is taken for %+v", token, i, got)
			}
		}
	}
	if got, err := api.ParsePlace("anime", ""); got != nil || err != nil {
		t.Errorf("no token: %v, %v", got, err)
	}
}

func FuzzResumeToken(f *testing.F) {
	f.Add(api.Place{Link: "anime", Number: 7, Created: 1_700_000_000_000_000, Seq: 1000}.Token())
	f.Add("AQ")
	f.Add("AQAAAA==")
	f.Add("\x00\n")
	f.Fuzz(func(t *testing.T, token string) {
		place, err := api.ParsePlace("anime", token)
		if err != nil || place == nil {
			return
		}
		if place.Token() != token || place.Link != "anime" || place.Seq < 0 {
			t.Errorf("%q is taken for %+v", token, place)
		}
		for _, r := range token {
			if r > unicode.MaxASCII || unicode.IsControl(r) {
				t.Errorf("%q does not fit into a header", token)
			}
		}
	})
}
