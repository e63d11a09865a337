package store_test

import (
	"encoding/json"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// A text that is taken for canonical at a glance is what parsing it gives, and the moment in it the moment.
func FuzzCanonical(f *testing.F) {
	for _, text := range []string{"", "0", "-0", "00", "+1", "-12", "007", "255", "256", "-129", "99999999999999999999", "1.50", "-0.50", "-1.50", "01.50", "1.5", ".50", "123456789.00",
		"2026-11-21", "2026-02-29", "2020-02-29", "2026-04-31", "0000-01-01", "2026-00-01", "2026-11-21T07:00:00", "2026-11-21T24:00:00", "2026-11-21T07:00:00.123",
		"2026-11-21T07:00:00.123456Z", "2026-11-21T07:00:60Z", "2026-11-21 07:00:00", "2026-11-21T07:00:00.1234567891Z", "a\xffb", "text"} {
		f.Add(text)
	}
	types := []tandem.Type{{Kind: tandem.String}, {Kind: tandem.Int, Bits: 8}, {Kind: tandem.Int, Bits: 8, Unsigned: true}, {Kind: tandem.Int, Bits: 32}, {Kind: tandem.Int, Bits: 64},
		{Kind: tandem.Int, Bits: 64, Unsigned: true}, {Kind: tandem.Int}, {Kind: tandem.Decimal, Precision: 10, Scale: 2}, {Kind: tandem.Decimal, Precision: 2, Scale: 2}, {Kind: tandem.Decimal, Precision: 5},
		{Kind: tandem.Date}, {Kind: tandem.DateTime}, {Kind: tandem.DateTime, Fraction: 3}, {Kind: tandem.Timestamp, Fraction: 6}, {Kind: tandem.Timestamp}}
	f.Fuzz(func(t *testing.T, text string) {
		for i := range types {
			if !store.Canonical(&types[i], text) {
				continue
			}
			if value, err := types[i].Parse(text); err != nil || value != tandem.Text(text) {
				t.Errorf("%q is taken for a canonical %+v; it is %v, %v", text, types[i], value, err)
			}
		}
		want, _ := tandem.ParseMoment(text)
		if got := store.MomentOf(text); !got.Equal(want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	})
}

// A baseline that is read at a glance is read as JSON is.
func FuzzPlainBaseline(f *testing.F) {
	for _, data := range []string{`{}`, `{"a":"b"}`, `{"a":null,"b":"\"\\\/\b\f\n\r\t\u00e9\u0026"}`, `{"a":"\ud83d\ude00"}`, `{"a":{"invalid":"x"}}`, `{"a":"b",}`, `{"a":"b"} `, `{"a"}`, `{"a":"\x"}`,
		`{"a":"b","a":"c"}`, "{\"a\":\"\xff\"}", "{\"a\":\"\n\"}", `{"\u0061":"b"}`} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		got := map[string]*string{}
		if !store.PlainBaseline(data, func(name, text string, null bool) {
			got[name] = nil
			if !null {
				got[name] = &text
			}
		}) {
			return
		}
		want := map[string]*string{}
		if !json.Valid([]byte(data)) {
			return // nothing that was ever stored
		}
		if err := json.Unmarshal([]byte(data), &want); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		same(t, data, got, want)
	})
}
