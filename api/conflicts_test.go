package api_test

import (
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

// A conflict is named by its row's key as the row is, whatever stands in the key.
func TestConflictNames(t *testing.T) {
	columns := []tandem.Column{{Name: "a", Type: tandem.Type{Kind: tandem.String}}, {Name: "b", Type: tandem.Type{Kind: tandem.String}}}
	for _, parts := range [][2]string{{"1", "2"}, {"a/b", "c:resolve"}, {"~", "0~"}, {"..", "."}, {"%2F", "ü ?#"}, {"conflicts", "/conflicts/"}} {
		key := tandem.MakeKey(tandem.Text(parts[0]), tandem.Text(parts[1]))
		name := api.ConflictName("anime", key)
		link, row, err := api.ParseConflict("name", name)
		if err != nil || link != "anime" {
			t.Errorf("%q: link %q, %v", name, link, err)
			continue
		}
		if got, err := api.ParseKey("name", row, []string{"a", "b"}, columns); err != nil || got != key {
			t.Errorf("%q: key %q (%v), want %q", name, got, err, key)
		}
		if want := api.EncodeName("anime", tandem.Sheet, key); want != "links/anime/sources/sheet/rows/"+row {
			t.Errorf("the conflict is called %q, and its row %q", name, want)
		}
	}
	for _, name := range []string{"", "links/anime", "links/anime/conflicts/", "links//conflicts/7", "links/a/b/conflicts/7", "links/a/conflicts/7/8", "conflicts/7",
		"links/anime/sources/sheet/rows/7"} {
		if link, row, err := api.ParseConflict("name", name); err == nil {
			t.Errorf("%q is taken for %q of %q", name, row, link)
		}
	}
}
