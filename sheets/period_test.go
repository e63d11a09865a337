package sheets_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/sheets"
)

// Whatever the time of day: metadata of a write that took effect is not taken for that of one that must never do so, and is
// kept for an hour. For ten minutes in six hours it once was, since the mark of the latter was a digit too.
func TestMetadataOfEveryPeriod(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for range 24 * 6 * 3 {
		value := sheets.MetadataValue(now)
		if strings.HasSuffix(value, sheets.Burnt) {
			t.Errorf("%s: the metadata %q of a write reads as that of one that was given up", now, value)
		}
		for _, v := range []string{value, value + sheets.Burnt} {
			if sheets.IsStale(v, now.Add(59*time.Minute)) {
				t.Errorf("%s: the metadata %q is removed within the hour", now, v)
			}
			if !sheets.IsStale(v, now.Add(71*time.Minute)) {
				t.Errorf("%s: the metadata %q is kept for ever", now, v)
			}
		}
		now = now.Add(10 * time.Minute)
	}
}
