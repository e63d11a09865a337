package api_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

var columns = []tandem.Column{
	{Name: "id", Type: tandem.Type{Kind: tandem.Int, Native: "int", Bits: 32}, KeyPosition: 1},
	{Name: "big", Type: tandem.Type{Kind: tandem.Int, Native: "bigint unsigned", Bits: 64, Unsigned: true}, Nullable: true},
	{Name: "price", Type: tandem.Type{Kind: tandem.Decimal, Native: "decimal(38,10)", Precision: 38, Scale: 10}, Nullable: true},
	{Name: "ratio", Type: tandem.Type{Kind: tandem.Float, Native: "double", Bits: 64}, Nullable: true},
	{Name: "ok", Type: tandem.Type{Kind: tandem.Bool, Native: "tinyint(1)"}, Nullable: true},
	{Name: "text", Type: tandem.Type{Kind: tandem.String, Native: "longtext"}},
	{Name: "json", Type: tandem.Type{Kind: tandem.String, Native: "json", JSON: true}, Nullable: true},
	{Name: "day", Type: tandem.Type{Kind: tandem.Date, Native: "date"}, Nullable: true},
	{Name: "seen", Type: tandem.Type{Kind: tandem.DateTime, Native: "datetime(3)", Fraction: 3}, Nullable: true},
	{Name: "at", Type: tandem.Type{Kind: tandem.Timestamp, Native: "timestamp(6)", Fraction: 6}, Nullable: true},
	{Name: "span", Type: tandem.Type{Kind: tandem.Time, Native: "time"}, Nullable: true},
	{Name: "year", Type: tandem.Type{Kind: tandem.Year, Native: "year"}, Nullable: true},
	{Name: "data", Type: tandem.Type{Kind: tandem.Bytes, Native: "blob"}, Nullable: true},
	{Name: "sum", Type: tandem.Type{Kind: tandem.Int, Native: "int", Bits: 32}, Nullable: true, Generated: true},
	{Name: "odd. name", Type: tandem.Type{Kind: tandem.String, Native: "text"}, Nullable: true},
}

func parseJSON(t *testing.T, text string) *structpb.Struct {
	t.Helper()
	values := &structpb.Struct{}
	if err := protojson.Unmarshal([]byte(text), values); err != nil {
		t.Fatal(err)
	}
	return values
}

// Every value goes in as JSON and comes out as the same JSON.
func TestValuesBothWays(t *testing.T) {
	for _, text := range []string{
		`{"id": -2147483648, "big": "18446744073709551615", "price": "1234567890123456789012345678.0123456789"}`,
		`{"ratio": 0.1, "ok": true, "text": "=1+1", "json": "{\"a\": [1, 2]}"}`,
		`{"day": "1000-01-01", "seen": "2026-11-21T07:00:00.123", "at": "2026-11-21T07:00:00.000001Z", "span": "-838:59:59", "year": 2026}`,
		`{"data": "AAECAw==", "text": "🐟\n00123", "ratio": 1e+300, "ok": false}`,
		`{"big": null, "price": null, "ratio": null, "ok": null, "json": null, "day": null, "data": null, "odd. name": ""}`,
	} {
		values, bad := api.Decode(columns, tandem.Database, parseJSON(t, text))
		if len(bad) > 0 {
			t.Errorf("%s: %v", text, bad)
		}
		if diff := cmp.Diff(parseJSON(t, text).AsMap(), api.Encode(columns, values).AsMap()); diff != "" {
			t.Errorf("%s came back differently (-want +got):\n%s", text, diff)
		}
	}
}

func TestValuesInOtherForms(t *testing.T) {
	for given, want := range map[string]string{
		`{"big": 12, "price": 8.5}`:           `{"big": "12", "price": "8.5000000000"}`,
		`{"at": "2026-11-21T09:00:00+02:00"}`: `{"at": "2026-11-21T07:00:00.000000Z"}`,
		`{"price": -0.1}`:                     `{"price": "-0.1000000000"}`,
	} {
		values, bad := api.Decode(columns, tandem.Database, parseJSON(t, given))
		if len(bad) > 0 {
			t.Errorf("%s: %v", given, bad)
		}
		if diff := cmp.Diff(parseJSON(t, want).AsMap(), api.Encode(columns, values).AsMap()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", given, diff)
		}
	}
}

func TestValuesRefused(t *testing.T) {
	for text, field := range map[string]string{
		`{"id": "1"}`:                          "id",
		`{"id": 1.5}`:                          "id",
		`{"id": 2147483648}`:                   "id",
		`{"id": null}`:                         "id",
		`{"big": -1}`:                          "big",
		`{"big": 9007199254740992}`:            "big",
		`{"big": true}`:                        "big",
		`{"price": 0.12345678901234567}`:       "price",
		`{"price": "1e3"}`:                     "price",
		`{"price": "0.00000000001"}`:           "price",
		`{"ratio": "0.1"}`:                     "ratio",
		`{"ok": 1}`:                            "ok",
		`{"text": 5}`:                          "text",
		`{"text": null}`:                       "text",
		`{"json": "{"}`:                        "json",
		`{"json": {"a": 1}}`:                   "json",
		`{"day": "2026-11-21T00:00:00"}`:       "day",
		`{"seen": "2026-11-21T07:00:00.1234"}`: "seen",
		`{"year": 1800}`:                       "year",
		`{"data": "***"}`:                      "data",
		`{"sum": 1}`:                           "sum",
		`{"nope": 1}`:                          "nope",
	} {
		_, bad := api.Decode(columns, tandem.Database, parseJSON(t, text))
		if len(bad) != 1 || bad[0].Field != "row.values."+field {
			t.Errorf("%s: violations %v, want one of %s", text, bad, field)
		}
	}
	_, bad := api.Decode(columns, tandem.Database, &structpb.Struct{Fields: map[string]*structpb.Value{
		"ratio": structpb.NewNumberValue(math.NaN()), "text": {}, "nope": structpb.NewNullValue()}})
	if len(bad) != 3 {
		t.Errorf("violations %v, want all three", bad)
	}
}

func TestTextThatFitsNoCell(t *testing.T) {
	for source, want := range map[tandem.Source]int{tandem.Database: 0, tandem.Sheet: 1} {
		values := &structpb.Struct{Fields: map[string]*structpb.Value{"text": structpb.NewStringValue(strings.Repeat("ü", 50_001))}}
		if _, bad := api.Decode(columns, source, values); len(bad) != want {
			t.Errorf("%s: violations %v, want %d", source, bad, want)
		}
	}
}

func TestUpdateMask(t *testing.T) {
	given := `{"id": 1, "text": "x", "odd. name": "y", "json": {"a": {"b": 1}}}`
	for name, c := range map[string]struct {
		paths []string
		want  string
		bad   int
	}{
		"none":             {nil, given, 0},
		"all values":       {[]string{"etag", "values"}, given, 0},
		"some":             {[]string{"values.text", "etag", "name", "syncState"}, `{"text": "x"}`, 0},
		"absent is null":   {[]string{"values.day"}, `{"day": null}`, 0},
		"odd name":         {[]string{"values.odd. name"}, `{"odd. name": "y"}`, 0},
		"quoted name":      {[]string{"values.`odd. name`"}, `{"odd. name": "y"}`, 0},
		"into an object":   {[]string{"values.json.a.b"}, `{"json": {"a": {"b": 1}}}`, 0},
		"unknown column":   {[]string{"values.nope"}, `{}`, 1},
		"unknown field":    {[]string{"nope"}, `{}`, 1},
		"only other field": {[]string{"etag"}, `{}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, bad := api.Masked(parseJSON(t, given), columns, c.paths)
			if diff := cmp.Diff(parseJSON(t, c.want).AsMap(), got.AsMap()); diff != "" || len(bad) != c.bad {
				t.Errorf("violations %v, want %d; values (-want +got):\n%s", bad, c.bad, diff)
			}
		})
	}
}
