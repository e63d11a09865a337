package tandem_test

import (
	"testing"

	"github.com/tandem-sync/tandem"
)

func TestKey(t *testing.T) {
	tests := []struct {
		name  string
		parts []string
		want  tandem.Key
	}{
		{"one part", []string{"42"}, "42"},
		{"two parts", []string{"de", "7"}, "de~7"},
		{"tilde inside", []string{"a~b"}, "a~0b"},
		{"tilde inside one of two", []string{"a~b", "c"}, "a~0b~c"},
		{"part that begins with 0", []string{"1", "0"}, "1~0"},
		{"three with zeros", []string{"0", "00", "01"}, "0~00~01"},
		{"tilde at the end before 0", []string{"a~", "0b"}, "a~0~~~0b"},
		{"0 and a tilde in the second", []string{"a", "0~b"}, "a~~~0~0b"},
		{"only tildes", []string{"~~", "~"}, "~0~0~~0"},
		{"empty part", []string{"a", ""}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := makeKey(test.parts)
			if got != test.want {
				t.Fatalf("key = %q, want %q", got, test.want)
			}
			if got == "" {
				return
			}
			parts, err := got.Parts(len(test.parts))
			if err != nil {
				t.Fatal(err)
			}
			for i := range parts {
				if parts[i] != test.parts[i] {
					t.Errorf("part %d = %q, want %q", i, parts[i], test.parts[i])
				}
			}
		})
	}
	if _, err := tandem.Key("1~2").Parts(1); err == nil {
		t.Error("a separator in a key of one part was accepted")
	}
}

func makeKey(parts []string) tandem.Key {
	values := make([]tandem.Value, len(parts))
	for i, part := range parts {
		values[i] = tandem.Text(part)
	}
	return tandem.MakeKey(values...)
}

// Two different rows never share a key, and a key gives back its parts.
func FuzzKey(f *testing.F) {
	f.Add("a~", "0b", "a", "0~b")
	f.Add("~0", "0", "~", "00")
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 string) {
		a, b := makeKey([]string{a1, a2}), makeKey([]string{b1, b2})
		if a == "" || b == "" {
			return
		}
		if (a == b) != (a1 == b1 && a2 == b2) {
			t.Fatalf("(%q, %q) and (%q, %q) have the keys %q and %q", a1, a2, b1, b2, a, b)
		}
		parts, err := a.Parts(2)
		if err != nil || parts[0] != a1 || parts[1] != a2 {
			t.Fatalf("key %q of (%q, %q) gives %q, %v", a, a1, a2, parts, err)
		}
	})
}
