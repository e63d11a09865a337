package api_test

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

// typed are columns of every family of types, at its edges.
var typed = []tandem.Column{
	{Name: "tiny", Type: tandem.Type{Kind: tandem.Int, Native: "tinyint unsigned", Bits: 8, Unsigned: true}, Nullable: true},
	{Name: "int", Type: tandem.Type{Kind: tandem.Int, Native: "int", Bits: 32}, Nullable: true},
	{Name: "big", Type: tandem.Type{Kind: tandem.Int, Native: "bigint", Bits: 64}, Nullable: true},
	{Name: "unsigned", Type: tandem.Type{Kind: tandem.Int, Native: "bigint unsigned", Bits: 64, Unsigned: true}, Nullable: true},
	{Name: "price", Type: tandem.Type{Kind: tandem.Decimal, Native: "decimal(10,2)", Precision: 10, Scale: 2}, Nullable: true},
	{Name: "long", Type: tandem.Type{Kind: tandem.Decimal, Native: "decimal(65,30)", Precision: 65, Scale: 30}, Nullable: true},
	{Name: "float", Type: tandem.Type{Kind: tandem.Float, Native: "float", Bits: 32}, Nullable: true},
	{Name: "double", Type: tandem.Type{Kind: tandem.Float, Native: "double", Bits: 64}, Nullable: true},
	{Name: "ok", Type: tandem.Type{Kind: tandem.Bool, Native: "tinyint(1)"}, Nullable: true},
	{Name: "text", Type: tandem.Type{Kind: tandem.String, Native: "longtext"}, Nullable: true},
	{Name: "short", Type: tandem.Type{Kind: tandem.String, Native: "varchar(5)", Length: 5}, Nullable: true},
	{Name: "colour", Type: tandem.Type{Kind: tandem.String, Native: "enum('red','green')", Values: []string{"red", "green"}}, Nullable: true},
	{Name: "json", Type: tandem.Type{Kind: tandem.String, Native: "json", JSON: true}, Nullable: true},
	{Name: "day", Type: tandem.Type{Kind: tandem.Date, Native: "date"}, Nullable: true},
	{Name: "seen", Type: tandem.Type{Kind: tandem.DateTime, Native: "datetime(3)", Fraction: 3}, Nullable: true},
	{Name: "at", Type: tandem.Type{Kind: tandem.Timestamp, Native: "timestamp(6)", Fraction: 6}, Nullable: true},
	{Name: "span", Type: tandem.Type{Kind: tandem.Time, Native: "time(6)", Fraction: 6}, Nullable: true},
	{Name: "year", Type: tandem.Type{Kind: tandem.Year, Native: "year"}, Nullable: true},
	{Name: "data", Type: tandem.Type{Kind: tandem.Bytes, Native: "blob"}, Nullable: true},
}

// oddValues are JSON values that somebody may send, or that broke other programs.
var oddValues = []string{
	"null", "true", "false", "0", "-0", "-0.0", "1", "-1", "255", "256", "2147483647", "-2147483648", "2147483648", "9007199254740991", "9007199254740993",
	"0.1", "8.5", "1e2", "1E+2", "12.345", "123456789012345678901234567890", "1e400", "-1e400", "1e-400", "1e308", "5e-324", "1e99999999999999999999",
	`""`, `" "`, `"0"`, `"-0"`, `"007"`, `"+1"`, `"1e3"`, `"0x10"`, `" 1"`, `"1 "`, `"1_000"`, `"1,5"`, `"NaN"`, `"Infinity"`, `"-Infinity"`, `"9223372036854775807"`,
	`"9223372036854775808"`, `"18446744073709551615"`, `"18446744073709551616"`, `"-1"`, `"99999999.99"`, `"99999999.999"`, `"100000000"`, `"true"`, `"TRUE"`,
	`"2026-11-21"`, `"2026-02-30"`, `"0000-00-00"`, `"2026-11-21T07:00:00.123"`, `"2026-11-21T07:00:00.1234567Z"`, `"2026-11-21T24:00:00Z"`, `"2026-11-21T07:00:60Z"`,
	`"2026-11-21T09:00:00+02:00"`, `"9999-12-31T23:59:59.999999Z"`, `"10000-01-01"`, `"-838:59:59"`, `"838:59:59.000001"`, `"12:00"`, `"AAECAw=="`, `"AAECAw"`, `"____"`, `"***"`,
	`"red"`, `"Red"`, `"=1+1"`, `"🐟"`, `"\u0000"`, `"\ud83d\udc1f"`, `"\ud83d"`, `"ünïcode"`, `"{"`, `"{\"a\": [1, 2], \"a\": 3}"`, `"1e400"`, `[]`, `{}`, `[1]`, `{"a": {"b": 1}}`, `{"a": 1, "a": 2}`,
	strings.Repeat("[", 200) + strings.Repeat("]", 200), strings.Repeat("[", 20000) + strings.Repeat("]", 20000), `"` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `"`,
	`"` + strings.Repeat("x", 10000) + `"`,
}

// FuzzValue sends a JSON value to a column of every type. It is either refused, naming the column, or taken: then what is read
// back is what was meant, in the column's own form, and writing that changes nothing any more.
func FuzzValue(f *testing.F) {
	for column := range typed {
		for _, value := range oddValues {
			f.Add(uint8(column), value)
		}
	}
	f.Fuzz(func(t *testing.T, at uint8, text string) {
		column := typed[int(at)%len(typed)]
		given := &structpb.Value{}
		if err := protojson.Unmarshal([]byte(text), given); err != nil {
			t.Skip()
		}
		values, bad := api.Decode([]tandem.Column{column}, tandem.Database, &structpb.Struct{Fields: map[string]*structpb.Value{column.Name: given}})
		if len(bad) > 0 {
			if bad[0].Field != "row.values."+column.Name || bad[0].Description == "" || !utf8.ValidString(bad[0].Description) {
				t.Fatalf("%s %s: the violation is %+v", column.Name, text, bad[0])
			}
			return
		}
		shown := api.Encode([]tandem.Column{column}, values).Fields[column.Name]
		if n, ok := shown.GetKind().(*structpb.Value_NumberValue); ok && (math.IsInf(n.NumberValue, 0) || math.IsNaN(n.NumberValue)) {
			t.Fatalf("%s %s: is shown as %v, which JSON does not have", column.Name, text, n.NumberValue)
		}
		meant(t, &column, given, shown)
		again, bad := api.Decode([]tandem.Column{column}, tandem.Database, &structpb.Struct{Fields: map[string]*structpb.Value{column.Name: shown}})
		if len(bad) > 0 || again[0] != values[0] {
			t.Fatalf("%s %s: is stored as %q, shown as %v, and that is stored as %q, %v", column.Name, text, values[0].Text(), shown, again[0].Text(), bad)
		}
		encoded, err := proto.Marshal(api.Pack([]tandem.Column{column}, values))
		packed := &structpb.Struct{}
		if err == nil {
			err = proto.Unmarshal(encoded, packed)
		}
		if err != nil || !proto.Equal(packed.Fields[column.Name], shown) {
			t.Fatalf("%s %s: alone it is %v, on a page %v, %v", column.Name, text, shown, packed.Fields[column.Name], err)
		}
	})
}

// meant checks that nothing was rounded, cut or re-typed on the way in.
func meant(t *testing.T, column *tandem.Column, given, shown *structpb.Value) {
	t.Helper()
	switch kind := given.GetKind().(type) {
	case *structpb.Value_NullValue:
		if _, ok := shown.GetKind().(*structpb.Value_NullValue); !ok {
			t.Fatalf("%s: null became %v", column.Name, shown)
		}
	case *structpb.Value_BoolValue:
		if shown.GetBoolValue() != kind.BoolValue || column.Type.Kind != tandem.Bool {
			t.Fatalf("%s: %v became %v", column.Name, kind.BoolValue, shown)
		}
	case *structpb.Value_NumberValue:
		if n, ok := shown.GetKind().(*structpb.Value_NumberValue); ok && n.NumberValue != kind.NumberValue && column.Type.Bits != 32 {
			t.Fatalf("%s: %v became %v", column.Name, kind.NumberValue, n.NumberValue)
		}
	case *structpb.Value_StringValue:
		if column.Type.Kind == tandem.String && !column.Type.JSON && len(column.Type.Values) == 0 && shown.GetStringValue() != kind.StringValue {
			t.Fatalf("%s: %q became %q", column.Name, kind.StringValue, shown.GetStringValue())
		}
	default:
		t.Fatalf("%s: took %v", column.Name, given)
	}
}

// FuzzMask checks that an update_mask names columns, and nothing else, whatever is in it.
func FuzzMask(f *testing.F) {
	for _, path := range []string{"", "values", "*", "values.text", "values.`text`", "values.`te``xt`", "values.", "values.text.a", "values.nope", "etag", "syncState", "values..", "name,values.text",
		"values.\x00", "VALUES.text", "`", "``", "values.``", strings.Repeat("a.", 5000)} {
		f.Add(path, "etag")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		given := &structpb.Struct{Fields: map[string]*structpb.Value{"text": structpb.NewStringValue("x"), "int": structpb.NewNumberValue(1)}}
		got, bad := api.Masked(given, typed, []string{one, two})
		for _, violation := range bad {
			if violation.Field != "update_mask" {
				t.Fatalf("%q, %q: violation of %q", one, two, violation.Field)
			}
		}
		for name, value := range got.GetFields() {
			known := false
			for i := range typed {
				known = known || typed[i].Name == name
			}
			if !known {
				t.Fatalf("%q, %q: name the column %q, which is not there", one, two, name)
			}
			if want := given.Fields[name]; want != nil && !proto.Equal(want, value) {
				t.Fatalf("%q, %q: %s becomes %v", one, two, name, value)
			}
		}
	})
}
