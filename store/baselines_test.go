package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// TestStoredBaselines reads baselines of every spelling into the columns that a link has now: as they are written, as earlier
// versions wrote them (sorted by name, with escapes), and of columns that came, went or moved since.
func TestStoredBaselines(t *testing.T) {
	absent, null, text := tandem.Absent, tandem.Null, tandem.Text
	for _, c := range []struct {
		stored  string
		columns []string
		want    []tandem.Value
	}{
		{`{}`, []string{"a"}, []tandem.Value{absent}},
		{`{"a":"1","b":null}`, []string{"a", "b"}, []tandem.Value{text("1"), null}},
		{`{"a":"1","b":null}`, []string{"b", "c", "a"}, []tandem.Value{null, absent, text("1")}},
		{`{"a":"1","gone":"x","b":"2"}`, []string{"a", "b"}, []tandem.Value{text("1"), text("2")}},
		{`{"gone":null,"a":""}`, []string{"a"}, []tandem.Value{text("")}},
		{`{"a":"\u003cb\u003e \"q\" \\ \n"}`, []string{"a"}, []tandem.Value{text("<b> \"q\" \\ \n")}},
		{`{"a":"日本","é":"ü"}`, []string{"é", "a"}, []tandem.Value{text("ü"), text("日本")}},
		{`{"a":{"invalid":"#N/A"},"b":"2"}`, []string{"a", "b"}, []tandem.Value{tandem.Invalid("#N/A"), text("2")}},
		{`{"b":{"lapsed":"x","by":"sheet"}}`, []string{"a", "b"}, []tandem.Value{absent, text("x").Lapsed(tandem.Sheet)}},
		{`{ "a": "spaced" }`, []string{"a"}, []tandem.Value{text("spaced")}},
		{`{"a\"b":"1","a":"2"}`, []string{"a", `a"b`}, []tandem.Value{text("2"), text("1")}},
		{`{"x:y":"1","x":"\"x:y\":"}`, []string{"x", "x:y"}, []tandem.Value{text(`"x:y":`), text("1")}},
		{`{"a":","}`, []string{"a", ","}, []tandem.Value{text(","), absent}},
		{`{"a":"}"}`, []string{"a"}, []tandem.Value{text("}")}},
	} {
		got, err := store.DecodeBaseline(c.stored, c.columns)
		if err != nil || !cmp.Equal(got, c.want, cmp.Comparer(func(a, b tandem.Value) bool { return a == b })) {
			t.Errorf("%s as %q: %v, %v, want %v", c.stored, c.columns, got, err, c.want)
		}
	}
	for _, broken := range []string{``, `{`, `{"a"}`, `{"a":}`, `{"a":"1"`, `{"a":"1",}`, `{"a":"1"}}`, `[]`, `{"a":1}`, `{"a":"1""b":"2"}`, `{"a:"1"}`} {
		if got, err := store.DecodeBaseline(broken, []string{"a"}); err == nil {
			t.Errorf("%q is read as %v", broken, got)
		}
	}
}

// FuzzBaseline has any values come back as they were stored, and any text read as encoding/json reads it.
func FuzzBaseline(f *testing.F) {
	f.Add("1", "title \"x\"", "日本\n<>&", `{"a":"1","b":null}`)
	f.Add("\x00", "\\", "\u2028", `{"a":"1","x":"y","a":"2"}`)
	f.Add("\xff", "", "", `{"a":"1\xff"}`)
	columns := []string{"a", "b", "c \"quoted\"", "d", "e"}
	f.Fuzz(func(t *testing.T, one, two, three, stored string) {
		values := []tandem.Value{tandem.Text(one), tandem.Null, tandem.Text(two), tandem.Absent, tandem.Invalid(three)}
		for _, data := range []string{store.EncodeBaseline(values, columns), stored} {
			want, wrong := store.BaselineByName(data, columns)
			got, err := store.DecodeBaseline(data, columns)
			if (err == nil) != (wrong == nil) {
				t.Fatalf("%s: %v, by way of a map %v", data, err, wrong)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s: column %d is read as %v, by way of a map %v", data, i, got[i], want[i])
				}
			}
		}
	})
}
