package reconcile_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// benchPage is how many rows are there at a time, as in a cycle of the engine: they are decided just after they were read.
const benchPage = 2000

// BenchmarkRows decides every row of a table of ten columns: equal ones, and for one row in ten one cell that a side changed,
// a cell that both changed, a row that is new, or one that is gone. An operation is the whole table; rows/s and allocs/row are
// to be the same at every size.
//
//	go test ./engine/reconcile -run - -bench Rows -benchtime 3x
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
			work, passes := 0, 0
			var before, after runtime.MemStats
			var allocations uint64
			for b.Loop() {
				passes++
				for from := 0; from < rows; from += benchPage {
					b.StopTimer()
					page := someRows(from, min(benchPage, rows-from))
					runtime.ReadMemStats(&before)
					b.StartTimer()
					for i := range page {
						if d := p.Decide(page[i]); !d.Quiet() {
							work++
						}
					}
					b.StopTimer()
					runtime.ReadMemStats(&after)
					allocations += after.Mallocs - before.Mallocs
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(passes*rows)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(allocations)/float64(passes*rows), "allocs/row")
			if work < passes*rows/20 {
				b.Fatalf("%d of %d rows need something, want about a tenth", work, passes*rows)
			}
		})
	}
}

// someRows makes n rows from a place on, whose sides hold texts of their own, as they do when they were read.
func someRows(from, n int) []reconcile.Row {
	rows := make([]reconcile.Row, n)
	for at := range rows {
		i := from + at
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
		rows[at] = row
	}
	return rows
}
