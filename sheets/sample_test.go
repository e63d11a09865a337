package sheets_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
)

// sample reads the beginning of the world's tab, and counts the calls that it takes.
func (w *world) sample(columns []tandem.Column, rows int) *tandem.Sample {
	w.t.Helper()
	reads, writes := w.client.Calls()
	begun, err := w.client.Sample(w.t.Context(), spreadsheet, w.link.Tab, w.link.HeaderRow, rows)
	if err != nil {
		w.t.Fatal(err)
	}
	sample, err := begun.For(w.t.Context(), w.link, columns)
	if err != nil {
		w.t.Fatal(err)
	}
	nowReads, nowWrites := w.client.Calls()
	if nowReads-reads > 3 || nowWrites != writes {
		w.t.Errorf("a sample took %d calls that read and %d that write", nowReads-reads, nowWrites-writes)
	}
	return sample
}

// A sample has the rows that a scan of the whole tab has, on tabs of all kinds.
func TestSampleAsScan(t *testing.T) {
	columns := decodedColumns(t)
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		linked := make([]tandem.Column, 1+random.IntN(4))
		header := []any{}
		for i := range linked {
			linked[i] = columns[random.IntN(len(columns))]
			linked[i].Name = fmt.Sprint("c", i)
			if i < 1+random.IntN(2) {
				linked[i].KeyPosition = i + 1
			}
			header = append(header, linked[i].Name)
		}
		header = append(header, "Notes")
		random.Shuffle(len(header), func(i, j int) { header[i], header[j] = header[j], header[i] })
		rows := [][]any{header}
		for range random.IntN(60) {
			rows = append(rows, randomCells(random, len(header)+1))
		}
		w := newWorld(t, rows, linked)
		want, err := w.tab.Scan(t.Context())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got := w.sample(linked, 1000)
		if diff := cmp.Diff([]any{want.Rows, want.Bad, want.Missing, want.Title}, []any{got.Scan.Rows, got.Scan.Bad, got.Scan.Missing, got.Scan.Title}, values); diff != "" && len(want.Rows)+len(want.Bad)+len(got.Scan.Rows)+len(got.Scan.Bad) > 0 {
			t.Fatalf("seed %d (-scan +sample):\n%s", seed, diff)
		}
		if !got.Complete {
			t.Errorf("seed %d: all rows were read, and the sample is not complete", seed)
		}
		refused := 0
		for _, row := range want.Rows {
			refused += len(row.Problems)
		}
		for _, bad := range want.Bad {
			refused += len(bad.Row.Problems)
		}
		for _, check := range got.Checks {
			refused -= check.Refused
		}
		if refused != 0 {
			t.Errorf("seed %d: the checks of the columns and the problems of the rows differ by %d", seed, refused)
		}
	}
}

// Whether a sample is the whole tab is told by what stands below it.
func TestSampleComplete(t *testing.T) {
	rows := [][]any{{"id", "title", "box", "notes"}}
	for id := 1; id <= 10; id++ {
		rows = append(rows, []any{id, fmt.Sprint("Title ", id), nil, nil})
	}
	columns := []tandem.Column{idColumn, titleColumn, {Name: "box", Type: tandem.Type{Kind: tandem.Bool}, Nullable: true}}
	for _, c := range []struct {
		name     string
		a1       string // a cell that somebody fills; "" is none
		value    string
		sampled  int
		rows     int
		complete bool
	}{
		{"less than there is", "", "", 9, 9, false},
		{"just what there is", "", "", 10, 10, true},
		{"more than there is", "", "", 11, 10, true},
		{"more than the grid", "", "", 5000, 10, true},
		{"a row after many empty ones", "B900", "far below", 20, 10, false},
		{"a row after empty ones, within the sample", "B900", "far below", 899, 11, true},
		{"somebody's column after many empty rows", "D900", "theirs", 20, 10, true},
		{"a box that is not ticked", "C900", "FALSE", 20, 10, true},
		{"a box that is ticked", "C900", "TRUE", 20, 10, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, rows, columns)
			if c.a1 != "" {
				w.edit(setCell(c.a1, c.value))
			}
			sample := w.sample(columns, c.sampled)
			if n := len(sample.Scan.Rows) + len(sample.Scan.Bad); n != c.rows || sample.Complete != c.complete {
				t.Errorf("%d rows, complete %v; want %d, %v", n, sample.Complete, c.rows, c.complete)
			}
		})
	}
}

// Cells that do not fit are counted by column, and shown as people see them.
func TestSampleChecks(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.edit(setCell("D3", "8.125"), setCell("D4", "good"), setCell("D5", "=1/0"), setCell("E4", "2026-01-01 10:30"), setCell("E5", "once"), setCell("A6", "five"),
		edit{"setCell": {"sheet": "Anime", "a1": "D6", "input": "123"}})
	sample := w.sample(animeColumns, 1000)
	type shown struct{ at, key, value, message string }
	var got []shown
	for i, check := range sample.Checks {
		for _, e := range check.Examples {
			got = append(got, shown{fmt.Sprint(animeColumns[i].Name, " ", e.Row), string(e.Key), e.Shown, e.Message})
		}
	}
	want := []shown{
		{"id 6", "", "five", "is not a whole number"},
		{"score 3", "2", "8.125", "has more than 2 decimals"},
		{"score 4", "3", "good", "is not a number"},
		{"score 5", "4", "#DIV/0!", "is an error of its formula"},
		{"score 6", "", "123", "has more than 2 digits before the point"},
		{"aired 4", "3", "2026-01-01 10:30", "has a time of day"},
		{"aired 5", "4", "once", "is not a date like 2026-11-21"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(shown{})); diff != "" {
		t.Errorf("the cells that do not fit (-want +got):\n%s", diff)
	}
	if c := sample.Checks[2]; c.Checked != 5 || c.Refused != 4 {
		t.Errorf("the scores: %+v", c)
	}
}

// Of a tab that is not there, or is empty, there is nothing to sample.
func TestSampleOfNothing(t *testing.T) {
	w := newWorld(t, nil, animeColumns)
	if sample := w.sample(animeColumns, 10); !sample.Complete || len(sample.Scan.Rows)+len(sample.Scan.Bad) > 0 {
		t.Errorf("of an empty tab: %+v", sample)
	}
	w.link.Tab = "Nowhere"
	if sample := w.sample(animeColumns, 10); !sample.Complete || len(sample.Scan.Rows)+len(sample.Scan.Bad) > 0 {
		t.Errorf("of no tab: %+v", sample)
	}
}

// A sample stays small in a wide tab, and below a header row that stands far down.
func TestSampleStaysSmall(t *testing.T) {
	columns := []tandem.Column{idColumn, titleColumn}
	for name, c := range map[string]struct{ header, below, width, sampled, rows int }{
		"a wide tab":            {1, 400, 1000, 10_000, 200},
		"a header row far down": {20_000, 10, 10, 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var rows [][]any
			for at := range c.header + c.below {
				row := make([]any, c.width)
				for i := range row {
					row[i] = "theirs"
				}
				if row[0], row[1] = at, "a title"; at == c.header-1 {
					row[0], row[1] = "id", "title"
				}
				rows = append(rows, row)
			}
			w := newWorld(t, rows, columns)
			w.link.HeaderRow = c.header
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			sample := w.sample(columns, c.sampled)
			runtime.ReadMemStats(&after)
			if n := len(sample.Scan.Rows); n != c.rows || sample.Complete || len(sample.Scan.Bad) > 0 {
				t.Fatalf("%d rows, complete %v, %d of no use", n, sample.Complete, len(sample.Scan.Bad))
			}
			if first := sample.Scan.Rows[0]; first.Position != c.header+1 || first.Key != tandem.Key(fmt.Sprint(c.header)) {
				t.Errorf("the first row is %+v", first)
			}
			if c.header > 1 && after.TotalAlloc-before.TotalAlloc > 10<<20 {
				t.Errorf("%d rows took %d MB", c.rows, (after.TotalAlloc-before.TotalAlloc)>>20)
			}
		})
	}
}
