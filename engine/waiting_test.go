package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A sync finds out that both sides hold many new rows alike before it is done comparing. These must not make the rows that the
// sheet lost look like few: the guard measures them by what both sides had agreed on before.
func TestSyncGuardMeasuresByWhatWasAgreed(t *testing.T) {
	p := newPair(t, 50)
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 12}})
	var cells [][]string
	for id := 51; id <= 150; id++ {
		p.exec("INSERT INTO items VALUES (?, ?, 1, 2.5)", id, fmt.Sprintf("Item %d", id))
		cells = append(cells, []string{fmt.Sprint(id), fmt.Sprintf("Item %d", id), "1", "2.5"})
	}
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A40", Values: cells}})
	p.start(tandem.SyncRequest{Returns: tandem.StateActive})
	p.step(time.Second)
	if link := p.link(); link.State != tandem.StateHalted || link.Halt.RowCount != 12 {
		t.Fatalf("the link is %s: %+v", link.State, link.Halt)
	}
	if rows := len(p.table()); rows != 150 {
		t.Errorf("the halt left %d rows in the table, want 150", rows)
	}
	if n, err := p.store.CountBaselines(t.Context(), "items"); err != nil || n != 50 {
		t.Errorf("the halt left %d rows agreed on (%v), want 50", n, err)
	}
}

// linkAlone makes the sheet and links it with the table items, and leaves it at that.
func (p *pair) linkAlone(cells [][]any) {
	p.t.Helper()
	if _, err := p.google.Create(emulator.Spreadsheet{ID: book, Title: "Book", Tabs: []emulator.Tab{{Title: "Items", Rows: cells}}}); err != nil {
		p.t.Fatal(err)
	}
	info, err := p.client.Spreadsheet(p.t.Context(), book)
	if err != nil {
		p.t.Fatal(err)
	}
	link := tandem.Link{ID: "items", Table: "items", SpreadsheetID: book, Tab: "Items", SheetID: info.Tabs[0].SheetID, TimeZone: info.TimeZone, HeaderRow: 1,
		State: tandem.StateNew, HideStatus: true, Policy: tandem.LastWriteWins, PreferredSource: tandem.Database, Key: []string{"id"}}
	for _, name := range []string{"id", "title", "qty", "price"} {
		link.Columns = append(link.Columns, tandem.LinkColumn{Column: name, Header: name})
	}
	if _, err := p.store.CreateLink(p.t.Context(), link); err != nil {
		p.t.Fatal(err)
	}
}

// A first sync commits rows that are equal while it compares, inserts on both sides, and is neither cut short by a plan nor by a
// second run: each row is there once, and agreed on.
func TestSyncOfThousandsOfRows(t *testing.T) {
	for _, planned := range []bool{false, true} {
		p := startPair(t)
		p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER, price DECIMAL(8,2) DEFAULT 7.25)")
		cells := [][]any{{"id", "title", "qty", "price", "mine"}}
		for id := 1; id <= 5000; id++ {
			if id%4 != 1 {
				p.exec("INSERT INTO items VALUES (?, ?, ?, ?)", id, fmt.Sprintf("Item %d", id), id%10, 1.5)
			}
			switch id % 4 {
			case 0:
				cells = append(cells, []any{id, fmt.Sprintf("Item %d", id), id % 10, 1.5})
			case 1: // the price is left to the table, which makes one
				cells = append(cells, []any{id, fmt.Sprintf("Item %d", id), id % 10, nil})
			case 2:
				cells = append(cells, []any{id, fmt.Sprintf("Item %d (sheet)", id), id % 10, 1.5})
			}
		}
		p.linkAlone(cells)
		var request tandem.SyncRequest
		if planned {
			plan := p.sync(tandem.SyncRequest{ValidateOnly: true})
			request.Plan = plan.Plan
			if n, err := p.store.CountBaselines(t.Context(), "items"); err != nil || n != 0 {
				t.Fatalf("a plan alone left %d rows agreed on (%v)", n, err)
			}
		}
		report := p.sync(request)
		if c := report.Counts; c.Equal != 1250 || c.InsertDatabase != 1250 || c.InsertSheet != 1250 || c.UpdateSheet < 1250 || c.Refused+c.Skipped > 0 {
			t.Errorf("planned %v: %+v", planned, c)
		}
		p.settle()
		p.wantSame()
		p.wantRow(p.table(), "5|Item 5|5|7.25")
		if n, err := p.store.CountBaselines(t.Context(), "items"); err != nil || n != 5000 {
			t.Errorf("planned %v: %d rows are agreed on (%v), want 5000", planned, n, err)
		}
		p.wantQuiet()
	}
}
