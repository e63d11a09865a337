package tandem_test

import (
	"testing"

	"github.com/tandem-sync/tandem"
)

func TestEtagFits(t *testing.T) {
	for _, c := range []struct {
		based, current string
		want           bool
	}{
		{"", "", true}, {"", "a", true}, {"*", "a", true}, {"*", "", false}, {"a", "a", true}, {"a", "b", false}, {"a", "", false},
		{"a,b", "b", true}, {"a,b", "a", true}, {"a,b", "c", false}, {"a,b", "", false}, {"a,", "", false}, {"ab", "a", false}, {"a.x", "a", true}, {"b,a.x", "a", true}, {".a", "a", false},
	} {
		if got := tandem.EtagFits(c.based, c.current); got != c.want {
			t.Errorf("EtagFits(%q, %q) = %v, want %v", c.based, c.current, got, c.want)
		}
	}
}
