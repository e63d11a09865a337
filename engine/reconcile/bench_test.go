package reconcile_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// BenchmarkRows decides every row of a table of ten columns: equal ones, and for one row in ten one cell that a side changed,
// a cell that both changed, a row that is new, or one that is gone. An operation is one row, so that ns/op and allocs/op are to
// be the same at every size.
//
//	go test ./engine/reconcile -run - -bench Rows -benchmem
func BenchmarkRows(b *testing.B) {
	p := &reconcile.Policy{Default: tandem.LastWriteWins, Preferred: tandem.Database}
	for i, kind := range []tandem.Kind{tandem.Int, tandem.String, tandem.String, tandem.Int, tandem.Decimal, tandem.Float, tandem.Bool,
		tandem.Date, tandem.DateTime, tandem.String} {
		c := tandem.Column{Name: fmt.Sprintf("c%d", i), Type: tandem.Type{Kind: kind}, Nullable: i > 0}
		if i == 0 {
			c.KeyPosition = 1
		}
		p.Columns = append(p.Columns, c)
		p.Settings = append(p.Settings, tandem.LinkColumn{Column: c.Name})
	}
	for _, rows := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(rows), func(b *testing.B) {
			all := someRows(rows)
			b.ReportAllocs()
			b.ResetTimer()
			work := 0
			for i := 0; b.Loop(); i++ {
				if d := p.Decide(all[i%rows]); !d.Quiet() {
					work++
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			if b.N >= rows && work < b.N/20 {
				b.Fatalf("%d of %d rows need something, want about a tenth", work, b.N)
			}
		})
	}
}

// someRows makes rows whose sides hold texts of their own, as they do when they were read.
func someRows(n int) []reconcile.Row {
	rows := make([]reconcile.Row, n)
	for i := range rows {
		side := func() []tandem.Value {
			id := strconv.Itoa(i)
			return values(id, "sku "+id, "title of "+id, strconv.Itoa(i%7), id+".50", id+".125", "true", "2026-11-21", "2026-11-21T12:00:00.000", "note "+id)
		}
		row := reconcile.Row{Key: tandem.Key(strconv.Itoa(i)), Base: side(), Database: side(), Sheet: side(), DatabaseTime: noon, SheetFrom: noon, SheetTo: noon}
		switch i % 100 {
		case 3, 23, 43:
			row.Database[2] = tandem.Text("by SQL")
		case 7, 27, 47:
			row.Sheet[3] = tandem.Text("9")
		case 11, 51:
			row.Database[9], row.Sheet[9] = tandem.Text("one"), tandem.Text("other")
		case 13:
			row.Base, row.Sheet = nil, nil
		case 17:
			row.Database = nil
		}
		rows[i] = row
	}
	return rows
}
