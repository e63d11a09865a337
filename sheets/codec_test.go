package sheets_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// contract is a column of every kind in the type contract, with the values at its edges.
func contract(zone *time.Location) (columns []tandem.Column, edges [][]string) {
	add := func(name string, typ tandem.Type, values ...string) {
		column := tandem.Column{Name: name, Type: typ, Nullable: true}
		if typ.Kind == tandem.Timestamp {
			column.Zone = zone
		}
		columns, edges = append(columns, column), append(edges, values)
	}
	add("tiny", tandem.Type{Kind: tandem.Int, Bits: 8}, "0", "-1", "127", "-128")
	add("big", tandem.Type{Kind: tandem.Int, Bits: 64}, "999999999999999", "1000000000000000", "-999999999999999", "-9223372036854775808", "9007199254740993")
	add("huge", tandem.Type{Kind: tandem.Int, Bits: 64, Unsigned: true}, "18446744073709551615", "0")
	add("price", tandem.Type{Kind: tandem.Decimal, Precision: 10, Scale: 2}, "0.00", "-0.01", "99999999.99", "8.50")
	add("exact", tandem.Type{Kind: tandem.Decimal, Precision: 15, Scale: 6}, "123456789.123456", "0.000001", "-999999999.999999")
	add("long", tandem.Type{Kind: tandem.Decimal, Precision: 38, Scale: 10}, "-1234567890123456789012345678.0123456789", "0.0000000001", "0.1000000000")
	add("real", tandem.Type{Kind: tandem.Float, Bits: 64}, "0.1", "1e+300", "-2.5e-300", "123456789012345")
	add("single", tandem.Type{Kind: tandem.Float, Bits: 32}, "0.1", "1.1754944e-38", "16777216")
	add("flag", tandem.Type{Kind: tandem.Bool}, "true", "false")
	add("words", tandem.Type{Kind: tandem.String}, "00123", "=1+1", "1e5", "TRUE", "'quoted", "emoji 🎌", "two\nlines", " spaces ", "+1", "1/2", "#N/A",
		"#REF!", "2026-11-21", "50%", "$5", "<b>&\"", "@", "-", "a\tb", strings.Repeat("x", 50000))
	add("json", tandem.Type{Kind: tandem.String, JSON: true}, `{"a": [1, "=2"]}`)
	add("kind", tandem.Type{Kind: tandem.String, Values: []string{"a", "1", "FALSE"}}, "1", "FALSE")
	add("day", tandem.Type{Kind: tandem.Date}, "1000-01-01", "1899-12-29", "1899-12-30", "1899-12-31", "1970-01-01", "9999-12-31", "2024-02-29")
	add("moment0", tandem.Type{Kind: tandem.DateTime}, "1000-01-01T00:00:00", "9999-12-31T23:59:59", "1899-12-29T18:00:00", "2026-11-21T07:00:00")
	add("moment3", tandem.Type{Kind: tandem.DateTime, Fraction: 3}, "2026-11-21T07:00:00.123", "9999-12-31T23:59:59.999", "1000-01-01T00:00:00.001")
	add("moment6", tandem.Type{Kind: tandem.DateTime, Fraction: 6}, "9999-12-31T23:59:59.999999", "2026-11-21T07:00:00.000000")
	add("instant0", tandem.Type{Kind: tandem.Timestamp}, "2026-11-21T07:00:00Z", "1970-01-01T00:00:01Z", "2038-01-19T03:14:07Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")
	add("instant6", tandem.Type{Kind: tandem.Timestamp, Fraction: 6}, "2026-10-25T00:30:00.000001Z", "2026-10-25T01:30:00.000001Z")
	add("span", tandem.Type{Kind: tandem.Time}, "-838:59:59", "00:00:00", "23:59:59", "838:59:59")
	add("span6", tandem.Type{Kind: tandem.Time, Fraction: 6}, "12:00:00.000001")
	add("year", tandem.Type{Kind: tandem.Year}, "0000", "1901", "2155")
	add("blob", tandem.Type{Kind: tandem.Bytes}, "AAE=", "MTIz")
	return columns, edges
}

// Every value of every type goes database -> sheet -> database unchanged, in a text key and beside one.
func TestEveryValueSurvives(t *testing.T) {
	columns, edges := contract(berlin(t))
	key := tandem.Column{Name: "key", Type: tandem.Type{Kind: tandem.String}, KeyPosition: 1}
	columns = append([]tandem.Column{key}, columns...)
	w := newWorld(t, nil, columns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var changes []tandem.Change
	for n := range 60 {
		id := fmt.Sprintf("%03d", n)
		row := []tandem.Value{tandem.Text(id)}
		for i := range edges {
			switch {
			case n < len(edges[i]):
				row = append(row, tandem.Text(edges[i][n]))
			case n == 30:
				row = append(row, tandem.Null)
			default:
				row = append(row, randomValue(t, random, columns[i+1].Type))
			}
		}
		changes = append(changes, tandem.Change{Kind: tandem.Insert, Key: tandem.Key(id), After: row})
	}
	w.writeAll(changes)
	w.wantRows(columns, changes)
	// The same values by way of updates, one row further.
	var updates []tandem.Change
	for n := range changes {
		after := append([]tandem.Value{{}}, changes[(n+1)%len(changes)].After[1:]...)
		updates = append(updates, tandem.Change{Kind: tandem.Update, Key: changes[n].Key, Before: changes[n].After, After: after})
	}
	w.writeAll(updates)
	for n := range updates {
		updates[n].After[0] = changes[n].After[0]
	}
	w.wantRows(columns, updates)
}

func (w *world) writeAll(changes []tandem.Change) {
	w.t.Helper()
	for len(changes) > 0 {
		n := w.tab.Fits(changes)
		batch, applied := w.prepare(changes[:n]...)
		for i := range applied {
			if applied[i].Outcome != tandem.Landed {
				w.t.Fatalf("change %q: %v %v", changes[i].Key, applied[i].Outcome, applied[i].Err)
			}
		}
		for _, a := range w.send(batch) {
			if a.Outcome != tandem.Landed {
				w.t.Fatalf("not landed: %+v", a)
			}
		}
		changes = changes[n:]
	}
}

func (w *world) wantRows(columns []tandem.Column, changes []tandem.Change) {
	w.t.Helper()
	scan := w.scan()
	if len(scan.Rows) != len(changes) || len(scan.Bad) != 0 {
		w.t.Fatalf("%d rows and %d bad ones, want %d", len(scan.Rows), len(scan.Bad), len(changes))
	}
	for n, row := range scan.Rows {
		for i := range columns {
			want := changes[n].After[i]
			if !columns[i].Equal(row.Values[i], want) {
				w.t.Errorf("row %s, %s: %.60q came back as %.60q (%s)", row.Key, columns[i].Name, want.Text(), row.Values[i].Text(), row.Problems[i])
			}
		}
	}
}

func randomValue(t *testing.T, r *rand.Rand, typ tandem.Type) tandem.Value {
	t.Helper()
	at := time.Unix(r.Int64N(253402300799+30000000000)-30000000000, r.Int64N(1e9)).UTC()
	var text string
	switch typ.Kind {
	case tandem.Int:
		bits := typ.Bits - r.IntN(typ.Bits-1)
		text = strconv.FormatUint(r.Uint64()>>(64-bits), 10)
		if !typ.Unsigned {
			text = strconv.FormatInt(int64(r.Uint64())>>(64-bits), 10)
		}
	case tandem.Decimal:
		digits := strconv.FormatUint(r.Uint64()>>(r.IntN(60)), 10)
		digits = digits[:min(len(digits), typ.Precision)]
		if len(digits) > typ.Scale {
			text = digits[:len(digits)-typ.Scale] + "." + digits[len(digits)-typ.Scale:]
		} else {
			text = "0." + strings.Repeat("0", typ.Scale-len(digits)) + digits
		}
	case tandem.Float:
		text = strconv.FormatFloat(r.NormFloat64()*1e5, 'g', -1, typ.Bits)
	case tandem.Bool:
		text = strconv.FormatBool(r.IntN(2) == 0)
	case tandem.String:
		if typ.JSON || len(typ.Values) > 0 {
			return tandem.Null
		}
		for range r.IntN(12) {
			letters := []rune("0123=+-'#/TRUEé🎌\n\t ,.\"")
			text += string(letters[r.IntN(len(letters))])
		}
	case tandem.Date:
		text = at.Format(time.DateOnly)
	case tandem.DateTime:
		text = at.Format("2006-01-02T15:04:05.000000000")[:len("2006-01-02T15:04:05.")+typ.Fraction]
		text = strings.TrimSuffix(text, ".")
	case tandem.Timestamp:
		at = time.Unix(r.Int64N(1<<31), 0).UTC()
		text = at.Format(time.RFC3339)
	case tandem.Time:
		text = fmt.Sprintf("%d:%02d:%02d", r.IntN(839), r.IntN(60), r.IntN(60))
	case tandem.Year:
		text = strconv.Itoa(1901 + r.IntN(255))
	case tandem.Bytes:
		return tandem.Null
	}
	if text == "" {
		return tandem.Null
	}
	value, err := typ.Parse(text)
	if err != nil {
		t.Fatalf("%v: %v", typ, err)
	}
	return value
}

// What people type is taken where it is meant, and refused in words where it is not.
func TestWhatPeopleType(t *testing.T) {
	zone := berlin(t)
	tests := []struct {
		name, input string
		typ         tandem.Type
		want        string // "" means invalid
	}{
		{"number", "12", tandem.Type{Kind: tandem.Int}, "12"},
		{"number with a fraction", "12.5", tandem.Type{Kind: tandem.Int}, ""},
		{"word", "abc", tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, ""},
		{"decimal", "8.5", tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, "8.50"},
		{"too many decimals", "8.555", tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, ""},
		{"sum of floats", "=0.1+0.2", tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, "0.30"},
		{"error", "=1/0", tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, ""},
		{"error in a text", "=1/0", tandem.Type{Kind: tandem.String}, ""},
		{"text that looks like an error", "'#N/A", tandem.Type{Kind: tandem.String}, "#N/A"},
		{"number in a text column", "12.50", tandem.Type{Kind: tandem.String}, "12.5"},
		{"boolean in a text column", "true", tandem.Type{Kind: tandem.String}, "TRUE"},
		{"boolean", "TRUE", tandem.Type{Kind: tandem.Bool}, "true"},
		{"1 for true", "1", tandem.Type{Kind: tandem.Bool}, "true"},
		{"2 for true", "2", tandem.Type{Kind: tandem.Bool}, ""},
		{"date as a person types it", "2026-11-21", tandem.Type{Kind: tandem.Date}, "2026-11-21"},
		{"date as text", "'2026-11-21", tandem.Type{Kind: tandem.Date}, "2026-11-21"},
		{"no date", "soon", tandem.Type{Kind: tandem.Date}, ""},
		{"date with a time", "2026-11-21 10:00:00", tandem.Type{Kind: tandem.Date}, ""},
		{"moment", "2026-11-21 10:00:00", tandem.Type{Kind: tandem.DateTime}, "2026-11-21T10:00:00"},
		{"moment in a zone", "2026-11-21 10:00:00", tandem.Type{Kind: tandem.Timestamp}, "2026-11-21T09:00:00Z"},
		{"hour that clocks skip", "2026-03-29 02:30:00", tandem.Type{Kind: tandem.Timestamp}, ""},
		{"half a second, as text", "'2026-11-21 10:00:00.5", tandem.Type{Kind: tandem.DateTime}, ""},
		{"long number", "12345678901234567", tandem.Type{Kind: tandem.Int, Bits: 64}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			column := tandem.Column{Name: "value", Type: test.typ, Zone: zone}
			w := newWorld(t, [][]any{{"id", "value"}, {1}}, []tandem.Column{idColumn, column})
			w.edit(setCell("B2", test.input))
			row := w.row("1")
			if row == nil {
				t.Fatal("the row is not there")
			}
			got, problem := row.Values[1], row.Problems[1]
			switch {
			case test.want == "" && (!got.IsInvalid() || !strings.HasPrefix(problem, "value ")):
				t.Errorf("%q was taken for %q (%s)", test.input, got.Text(), problem)
			case test.want != "" && got != tandem.Text(test.want):
				t.Errorf("%q was taken for %q (%s), want %q", test.input, got.Text(), problem, test.want)
			}
			t.Log(problem)
		})
	}
}
