package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// countedTable counts the rows that are read of a table, and how often.
type countedTable struct {
	engine.Table
	rows, queries int
}

func (t *countedTable) Scan(ctx context.Context, after tandem.Key, limit int) ([]tandem.Row, error) {
	rows, err := t.Table.Scan(ctx, after, limit)
	t.rows, t.queries = t.rows+len(rows), t.queries+1
	return rows, err
}

func (t *countedTable) Get(ctx context.Context, keys []tandem.Key) ([]tandem.Row, error) {
	rows, err := t.Table.Get(ctx, keys)
	t.rows, t.queries = t.rows+len(rows), t.queries+1
	return rows, err
}

// previewed is a table with more rows than the tab, and a sample of the tab.
func (p *pair) previewed(seed uint64, schema string, sampled int) (*tandem.Link, *countedTable, *tandem.Sample) {
	p.t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	p.exec(schema)
	cells := [][]any{{"id", "title", "qty"}}
	for id := 1; id <= 300; id++ {
		key := fmt.Sprintf("Key%03d", id)
		if random.IntN(6) > 0 {
			p.exec("INSERT INTO items VALUES (?, ?, ?)", key, "title", id%3)
		}
		if id > 120 || random.IntN(5) == 0 {
			continue
		}
		row := []any{key, "title", id % 3}
		switch random.IntN(12) {
		case 0:
			row[2] = 7
		case 1:
			row[2] = "none"
		case 2:
			row[0] = "Key001"
		case 3:
			row[0] = ""
		case 4:
			row[0] = "kEY" + key[3:]
		}
		cells = append(cells, row)
	}
	if _, err := p.google.Create(emulator.Spreadsheet{ID: book, Title: "Book", Tabs: []emulator.Tab{{Title: "Items", Rows: cells}}}); err != nil {
		p.t.Fatal(err)
	}
	begun, err := p.client.Sample(p.t.Context(), book, "Items", 1, sampled)
	if err != nil {
		p.t.Fatal(err)
	}
	link := &tandem.Link{Table: "items", SpreadsheetID: book, Tab: "Items", SheetID: begun.Spreadsheet.Tabs[0].SheetID, HeaderRow: 1,
		Key: []string{"id"}, Policy: tandem.DatabaseWins, State: tandem.StateNew,
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty", Policy: tandem.SheetWins}}}
	table, err := p.store.OpenTable(p.t.Context(), link)
	if err != nil {
		p.t.Fatal(err)
	}
	sample, err := begun.For(p.t.Context(), link, table.Columns())
	if err != nil {
		p.t.Fatal(err)
	}
	return link, &countedTable{Table: table}, sample
}

var previewSchemas = map[string]string{
	"plain":  "CREATE TABLE items (id VARCHAR(20) PRIMARY KEY, title VARCHAR(50), qty INTEGER)",
	"folded": "CREATE TABLE items (id VARCHAR(20) COLLATE NOCASE PRIMARY KEY, title VARCHAR(50), qty INTEGER)",
}

// Of a table that is too large only the rows are read whose keys the tab shows, and the counts are the same.
func TestPreviewOfLargeTable(t *testing.T) {
	for name, schema := range previewSchemas {
		for seed := range uint64(5) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				p := startPair(t)
				link, table, sample := p.previewed(seed, schema, 1000)
				again := *sample.Scan
				again.Rows, again.Bad = slices.Clone(sample.Scan.Rows), slices.Clone(sample.Scan.Bad)
				whole, err := p.worker.Preview(t.Context(), link, table, sample)
				if err != nil {
					t.Fatal(err)
				}
				if !whole.Complete || whole.Counts.Equal == 0 || whole.Counts.UpdateDatabase == 0 || whole.Counts.InsertSheet < 100 || whole.Counts.Refused == 0 {
					t.Fatalf("the counts are too poor to tell anything: %+v", whole)
				}
				*table = countedTable{Table: table.Table}
				sample.Scan = &again
				large, err := p.worker.PreviewOfLarge(t.Context(), link, table, sample)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(whole.Counts, large.Counts); diff != "" {
					t.Errorf("the counts (-read whole +by keys):\n%s", diff)
				}
				shown := map[string]int{}
				for _, example := range large.Examples {
					shown[example.Kind]++
				}
				if shown["INSERT_SHEET"] != 20 || shown["UPDATE_DATABASE"] == 0 {
					t.Errorf("the examples are %v", shown)
				}
				if table.queries > 4 {
					t.Errorf("%d queries for %d rows of the tab", table.queries, large.TabRows)
				}
			})
		}
	}
}

// Of a part of a tab nothing follows for rows of the table that this part does not show.
func TestPreviewOfPart(t *testing.T) {
	for name, schema := range previewSchemas {
		t.Run(name, func(t *testing.T) {
			p := startPair(t)
			link, table, sample := p.previewed(1, schema, 40)
			preview, err := p.worker.Preview(t.Context(), link, table, sample)
			if err != nil {
				t.Fatal(err)
			}
			if preview.Complete || preview.TabRows != 40 || preview.Counts.InsertSheet != 0 {
				t.Errorf("40 rows of the tab: %+v", preview)
			}
			if table.rows > 40 {
				t.Errorf("%d rows of the table were read", table.rows)
			}
			if total, err := table.Count(t.Context()); err != nil || preview.TableRows != total {
				t.Errorf("the table has %d rows, not %d, %v", total, preview.TableRows, err)
			}
		})
	}
}
