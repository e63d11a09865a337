package sheets_test

import (
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

// A read that shows rows elsewhere than the read before it, and as one before that, does not end their steadiness.
func TestSteadyAfterSortedBack(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	digest := w.scan().Digest
	key := w.scan().Rows[0].Key
	w.now.Add(int64(5 * time.Second))
	w.edit(sortBy("ID", true))
	if _, err := w.tab.Find(t.Context(), []tandem.Key{key}); err != nil {
		t.Fatal(err)
	}
	first := w.tab.Steady()
	w.edit(sortBy("ID", false))
	w.now.Add(int64(5 * time.Second))
	scan, err := w.tab.ScanUnless(t.Context(), digest)
	if err != nil || !scan.Same {
		t.Fatal(scan, err)
	}
	if got := w.tab.Steady(); !got.After(first) {
		t.Errorf("steady since %s, although the read at %s showed all rows elsewhere than that at %s", got, scan.Began, first)
	}
}
