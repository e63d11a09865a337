package sheets_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

func decodedColumns(t testing.TB) []tandem.Column {
	column := func(kind tandem.Kind, change func(*tandem.Column)) tandem.Column {
		c := tandem.Column{Name: "c", Type: tandem.Type{Kind: kind, Native: "x", Precision: 6, Scale: 2}, Nullable: true}
		if change != nil {
			change(&c)
		}
		return c
	}
	var all []tandem.Column
	for _, bits := range []int{0, 8, 16, 24, 32, 64} {
		all = append(all, column(tandem.Int, func(c *tandem.Column) { c.Type.Bits = bits }),
			column(tandem.Int, func(c *tandem.Column) { c.Type.Bits, c.Type.Unsigned = bits, true }))
	}
	for _, p := range [][2]int{{1, 0}, {4, 4}, {15, 0}, {15, 2}, {20, 3}, {65, 30}} {
		all = append(all, column(tandem.Decimal, func(c *tandem.Column) { c.Type.Precision, c.Type.Scale = p[0], p[1] }))
	}
	for fraction := range 7 {
		all = append(all, column(tandem.DateTime, func(c *tandem.Column) { c.Type.Fraction = fraction }),
			column(tandem.Timestamp, func(c *tandem.Column) { c.Type.Fraction, c.Zone = fraction, berlin(t) }),
			column(tandem.Time, func(c *tandem.Column) { c.Type.Fraction = fraction }))
	}
	return append(all, column(tandem.Float, nil), column(tandem.Float, func(c *tandem.Column) { c.Type.Bits = 32 }),
		column(tandem.Bool, nil), column(tandem.Date, nil), column(tandem.Year, nil), column(tandem.Bytes, nil),
		column(tandem.String, nil), column(tandem.String, func(c *tandem.Column) { c.Type.Length = 5 }),
		column(tandem.String, func(c *tandem.Column) { c.Type.JSON = true }),
		column(tandem.String, func(c *tandem.Column) { c.Type.Values = []string{"TV", "Film", "größer"} }),
		column(tandem.String, func(c *tandem.Column) { c.Type.Values, c.Type.Length = []string{"TV", "Fimßer"}, 5 }))
}

func checkDecoded(t *testing.T, cell string, column *tandem.Column) {
	t.Helper()
	short, long, shortProblem, longProblem, ok, err := sheets.DecodeBoth(cell, column)
	if err != nil {
		t.Fatal(err)
	}
	if ok && (short != long || shortProblem != longProblem) {
		t.Errorf("%s in %+v: %#v %q by the short way, %#v %q by the long one", cell, column.Type, short, shortProblem, long, longProblem)
	}
}

// Cells are decoded alike by the way that makes few allocations and by the one that knows everything.
func TestDecodedAlike(t *testing.T) {
	cells := []string{`null`, `""`, `" "`, `"a"`, `"TV"`, `"größer"`, `"#N/A"`, `"#x"`, `"größe"`, `"größer als"`, `"{}"`, `"{"`, `true`, `false`, `0`, `-0`, `-0.0`, `0.0`,
		`1`, `-1`, `127`, `128`, `-128`, `-129`, `255`, `256`, `32767`, `-32768`, `65535`, `65536`, `16777215`, `2147483648`, `4294967295`, `999999999999999`, `1000000000000000`,
		`-999999999999999`, `9007199254740993`, `18446744073709551615`, `1e3`, `1E-3`, `1.5`, `1.50`, `100.10`, `0.1`, `0.30000000000000004`, `12.345`, `0.00000000000001`, `9999.99`, `99999.99`,
		`-693593`, `-693594`, `2958465`, `2958466`, `44000.5`, `44000.999999999`, `44000.00001157407`, `44000.1234567`, `44647.1`, `44647.09375`, `[1]`, `{"a":2}`,
		`"2026-11-21"`, `"2026-11-21 7:00:00"`, `"12:00:00"`, `"1e5"`, `" 17 "`, `" true"`, `1e300`, `1.7976931348623157e308`}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := random.Float64() * []float64{1, 100, 50000, 1e6, 1e9, 1e16}[random.IntN(6)]
		cells = append(cells, strconv.FormatFloat(n, 'f', random.IntN(12), 64), strconv.FormatFloat(-n, 'g', -1, 64), fmt.Sprint(int64(n)))
	}
	columns := decodedColumns(t)
	for _, cell := range cells {
		for i := range columns {
			checkDecoded(t, cell, &columns[i])
		}
	}
}

func FuzzDecodedAlike(f *testing.F) {
	columns := decodedColumns(f)
	f.Add("44000.5", byte(20))
	f.Add(`"text"`, byte(40))
	f.Fuzz(func(t *testing.T, cell string, which byte) {
		var value any
		if json.Unmarshal([]byte(cell), &value) == nil {
			checkDecoded(t, cell, &columns[int(which)%len(columns)])
		}
	})
}
