package tandem_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/tandem-sync/tandem"
)

// A search finds exactly the variants of each letter: databases are asked for these one by one.
func TestFoldVariantsAreWhatASearchFinds(t *testing.T) {
	columns := []tandem.Column{{Name: "t", Type: tandem.Type{Kind: tandem.String}}}
	finds := func(sought, in rune) bool {
		f := &tandem.Filter{Op: tandem.FilterContains, Value: tandem.Text(string(sought))}
		return f.Matcher(columns)([]tandem.Value{tandem.Text("-" + string(in) + "-")})
	}
	small := map[rune][]rune{}
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if r >= 0xD800 && r < 0xE000 || unicode.SimpleFold(r) == r && unicode.ToLower(r) == r {
			continue
		}
		small[unicode.ToLower(r)] = append(small[unicode.ToLower(r)], r)
	}
	if len(small) < 1000 {
		t.Fatalf("only %d letters have two cases", len(small))
	}
	for _, letters := range small {
		for _, a := range letters {
			variants := tandem.FoldVariants(a)
			for _, b := range letters {
				if finds(a, b) != slices.Contains(variants, b) {
					t.Errorf("%q finds %q: %v, and its variants are %q", a, b, finds(a, b), string(variants))
				}
			}
			for _, b := range variants {
				if !finds(a, b) || a != b && (a < 0x80) != (b < 0x80) {
					t.Errorf("%q has the variant %q", a, b)
				}
			}
		}
	}
}

func TestTypesCompare(t *testing.T) {
	for name, c := range map[string]struct {
		columnType tandem.Type
		ascending  string
	}{
		"integer":   {tandem.Type{Kind: tandem.Int}, "-9223372036854775808 -10 -9 -1 0 5 9 10 18446744073709551615"},
		"decimal":   {tandem.Type{Kind: tandem.Decimal, Precision: 6, Scale: 2}, "-10.00 -9.50 -0.01 0.00 8.05 8.50 10.00"},
		"float":     {tandem.Type{Kind: tandem.Float}, "-1e+21 -2.5 -1e-300 0 0.1 3 20 1e+21"},
		"boolean":   {tandem.Type{Kind: tandem.Bool}, "false true"},
		"date":      {tandem.Type{Kind: tandem.Date}, "0001-01-01 1999-12-31 2026-02-28 2026-11-21"},
		"timestamp": {tandem.Type{Kind: tandem.Timestamp, Fraction: 1}, "1999-12-31T23:59:59.0Z 2026-11-21T07:00:00.0Z 2026-11-21T07:00:00.1Z"},
		"time":      {tandem.Type{Kind: tandem.Time, Fraction: 1}, "-838:59:59.0 -02:00:00.0 -01:00:00.5 00:00:00.0 23:59:59.0 100:00:00.0"},
		"year":      {tandem.Type{Kind: tandem.Year}, "0000 1901 2155"},
		"enum":      {tandem.Type{Kind: tandem.String, Values: []string{"low", "mid", "high"}}, "low mid high"},
		"bytes":     {tandem.Type{Kind: tandem.Bytes}, "AA== AAE= YWJj /w=="},
		"text":      {tandem.Type{Kind: tandem.String}, "A B a é 漢 😀"},
	} {
		values := strings.Fields(c.ascending)
		for i, a := range values {
			for j, b := range values {
				if got := c.columnType.Compare(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
					t.Errorf("%s: %s and %s: %d", name, a, b, got)
				}
			}
		}
	}
}

func TestOrderOfValues(t *testing.T) {
	text := &tandem.Type{Kind: tandem.String}
	long := strings.Repeat("é", tandem.OrderLength)
	ascending := [][]tandem.Value{{tandem.Null, tandem.Absent, tandem.Text("")}, {tandem.Text("a"), tandem.Text("A")}, {tandem.Text("B"), tandem.Text("b")},
		{tandem.Text(long), tandem.Text(long + "x"), tandem.Text(tandem.OrderText(text, long+"y"))}, {tandem.Invalid("#N/A")}}
	for i, as := range ascending {
		for j, bs := range ascending {
			for _, a := range as {
				for _, b := range bs {
					up, down := tandem.Order{}.Compare(text, a, b), tandem.Order{Descending: true}.Compare(text, a, b)
					if (up < 0) != (i < j) || (up > 0) != (i > j) || up != -down {
						t.Errorf("%v and %v: %d, descending %d", a, b, up, down)
					}
				}
			}
		}
	}
}
