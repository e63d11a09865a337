package tandem_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		typ  tandem.Type
		in   string
		want string // "" means refused
	}{
		{"tinyint", tandem.Type{Kind: tandem.Int, Bits: 8}, "-128", "-128"},
		{"tinyint too large", tandem.Type{Kind: tandem.Int, Bits: 8}, "128", ""},
		{"mediumint", tandem.Type{Kind: tandem.Int, Bits: 24}, "8388607", "8388607"},
		{"unsigned bigint", tandem.Type{Kind: tandem.Int, Bits: 64, Unsigned: true}, "18446744073709551615", "18446744073709551615"},
		{"unsigned below zero", tandem.Type{Kind: tandem.Int, Bits: 32, Unsigned: true}, "-1", ""},
		{"integer with zeros", tandem.Type{Kind: tandem.Int}, "007", "7"},
		{"integer with a fraction", tandem.Type{Kind: tandem.Int}, "1.5", ""},
		{"decimal padded", tandem.Type{Kind: tandem.Decimal, Precision: 10, Scale: 2}, "8.5", "8.50"},
		{"decimal without fraction", tandem.Type{Kind: tandem.Decimal, Precision: 10, Scale: 2}, "-.5", "-0.50"},
		{"decimal too fine", tandem.Type{Kind: tandem.Decimal, Precision: 10, Scale: 2}, "8.555", ""},
		{"decimal too fine only by zeros", tandem.Type{Kind: tandem.Decimal, Precision: 10, Scale: 2}, "8.5500", "8.55"},
		{"decimal too large", tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, "100", ""},
		{"decimal minus zero", tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, "-0.00", "0.00"},
		{"decimal of 38", tandem.Type{Kind: tandem.Decimal, Precision: 38, Scale: 10}, "-1234567890123456789012345678.0123456789", "-1234567890123456789012345678.0123456789"},
		{"decimal, a word", tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, "ten", ""},
		{"float", tandem.Type{Kind: tandem.Float}, "1e21", "1e+21"},
		{"float minus zero", tandem.Type{Kind: tandem.Float}, "-0", "0"},
		{"float infinity", tandem.Type{Kind: tandem.Float}, "Inf", ""},
		{"boolean", tandem.Type{Kind: tandem.Bool}, "TRUE", "true"},
		{"boolean, a number", tandem.Type{Kind: tandem.Bool}, "2", ""},
		{"text stays", tandem.Type{Kind: tandem.String}, " 00123 ", " 00123 "},
		{"text too long", tandem.Type{Kind: tandem.String, Length: 3}, "äöüß", ""},
		{"text just fits", tandem.Type{Kind: tandem.String, Length: 4}, "äöüß", "äöüß"},
		{"enum", tandem.Type{Kind: tandem.String, Values: []string{"a", "b"}}, "c", ""},
		{"json", tandem.Type{Kind: tandem.String, JSON: true}, "{", ""},
		{"date", tandem.Type{Kind: tandem.Date}, "1000-01-01", "1000-01-01"},
		{"date that is none", tandem.Type{Kind: tandem.Date}, "2026-02-30", ""},
		{"datetime", tandem.Type{Kind: tandem.DateTime, Fraction: 3}, "2026-11-21 07:00:00.12", "2026-11-21T07:00:00.120"},
		{"datetime of microseconds", tandem.Type{Kind: tandem.DateTime, Fraction: 6}, "9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"},
		{"datetime too fine", tandem.Type{Kind: tandem.DateTime}, "2026-11-21T07:00:00.5", ""},
		{"timestamp", tandem.Type{Kind: tandem.Timestamp}, "2026-11-21T08:00:00+01:00", "2026-11-21T07:00:00Z"},
		{"timestamp without a zone", tandem.Type{Kind: tandem.Timestamp}, "2026-11-21T08:00:00", ""},
		{"time", tandem.Type{Kind: tandem.Time, Fraction: 1}, "-838:59:59.5", "-838:59:59.5"},
		{"time too large", tandem.Type{Kind: tandem.Time}, "839:00:00", ""},
		{"year", tandem.Type{Kind: tandem.Year}, "1900", ""},
		{"bytes", tandem.Type{Kind: tandem.Bytes, Length: 2}, "AAE=", "AAE="},
		{"bytes too long", tandem.Type{Kind: tandem.Bytes, Length: 1}, "AAE=", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.typ.Parse(test.in)
			if test.want == "" {
				if err == nil {
					t.Fatalf("Parse(%q) = %q, want an error", test.in, got.Text())
				}
				return
			}
			if err != nil || got.Text() != test.want {
				t.Fatalf("Parse(%q) = %q, %v, want %q", test.in, got.Text(), err, test.want)
			}
			if again, err := test.typ.Parse(got.Text()); err != nil || again != got {
				t.Errorf("the canonical text %q parses to %q, %v", got.Text(), again.Text(), err)
			}
		})
	}
}

// What Parse accepts is a fixed point: canonical text parses to itself, whatever the type.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"1", "-0.5", "2026-11-21T07:00:00.123Z", "12:00:00", "0x1p-2", "1e400", "+.5", "99:99"} {
		f.Add(seed, uint8(2), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, kind, fraction uint8) {
		typ := tandem.Type{Kind: tandem.Kind(kind % 12), Precision: 20, Scale: int(fraction % 10), Fraction: int(fraction % 7)}
		value, err := typ.Parse(text)
		if err != nil {
			return
		}
		again, err := typ.Parse(value.Text())
		if err != nil || again != value {
			t.Fatalf("%v: %q parses to %q, and that to %q, %v", typ, text, value.Text(), again.Text(), err)
		}
	})
}

func TestColumnEqual(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	text := tandem.Column{Type: tandem.Type{Kind: tandem.String}}
	float := tandem.Column{Type: tandem.Type{Kind: tandem.Float}}
	moment := tandem.Column{Type: tandem.Type{Kind: tandem.Timestamp}, Zone: berlin}
	tests := []struct {
		name   string
		column tandem.Column
		a, b   tandem.Value
		want   bool
	}{
		{"case differs", text, tandem.Text("abc"), tandem.Text("ABC"), false},
		{"trailing space", text, tandem.Text("a"), tandem.Text("a "), false},
		{"NULL and empty", text, tandem.Null, tandem.Text(""), true},
		{"absent and NULL", text, tandem.Absent, tandem.Null, false},
		{"invalid and the same text", text, tandem.Invalid("a"), tandem.Text("a"), false},
		{"16th digit of a float", float, tandem.Text("0.30000000000000004"), tandem.Text("0.3"), true},
		{"15th digit of a float", float, tandem.Text("0.300000000000001"), tandem.Text("0.3"), false},
		{"the hour that comes twice", moment, tandem.Text("2026-10-25T00:30:00Z"), tandem.Text("2026-10-25T01:30:00Z"), true},
		{"another hour", moment, tandem.Text("2026-10-25T03:30:00Z"), tandem.Text("2026-10-25T01:30:00Z"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.column.Equal(test.a, test.b); got != test.want {
				t.Errorf("Equal(%q, %q) = %v, want %v", test.a.Text(), test.b.Text(), got, test.want)
			}
		})
	}
}

func TestMessagesStayShort(t *testing.T) {
	_, err := (tandem.Type{Kind: tandem.Int}).Parse(strings.Repeat("x", 50000))
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}
