package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A write that landed astray without a reply is put back although another link of the spreadsheet writes next.
func TestOtherLinkWipesImages(t *testing.T) {
	for _, other := range []bool{false, true} {
		p := newPair(t, 12)
		p.second()
		p.exec("UPDATE items SET title = 'new 3' WHERE id = 3")
		p.beforeSend = func() {
			p.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "Items", Column: "id", Descending: true}})
			p.google.AddFault(emulator.Fault{Method: "spreadsheets.batchUpdate", Kind: "after", Status: 503, Count: 1})
			p.google.AddFault(emulator.Fault{Method: "*", Kind: "before", Status: 503, Count: 100})
		}
		p.step(200 * time.Millisecond)
		p.google.ClearFaults()
		if other {
			p.exec("UPDATE others SET title = 'x'")
			p.step(200 * time.Millisecond)
		}
		p.settle()
		p.wantSame()
		for _, row := range p.table() {
			id, rest, _ := strings.Cut(row, "|")
			if id != "3" && !strings.HasPrefix(rest, "Item "+id) {
				t.Errorf("other link wrote %v: row %s was overwritten by a write meant for row 3, on both sides: %s", other, id, row)
			}
		}
	}
}

// An intent is settled by column names, although the link was given another order of columns since.
func TestIntentAfterColumnEdit(t *testing.T) {
	p := newPair(t, 5)
	p.exec("UPDATE items SET title = '77' WHERE id = 3")
	p.beforeSend = func() {
		p.google.AddFault(emulator.Fault{Method: "spreadsheets.batchUpdate", Kind: "after", Status: 503, Count: 1})
		p.google.AddFault(emulator.Fault{Method: "*", Kind: "before", Status: 503, Count: 100})
	}
	p.step(200 * time.Millisecond)
	p.google.ClearFaults()
	link := p.link()
	link.Columns[1], link.Columns[2] = link.Columns[2], link.Columns[1]
	if _, err := p.store.UpdateLink(t.Context(), link, 0); err != nil {
		t.Fatal(err)
	}
	// deleted meanwhile: with a right baseline that is a deletion, with a wrong one the row comes back
	p.exec("DELETE FROM items WHERE id = 3")
	p.settle()
	if n := len(p.table()); n != 4 {
		t.Errorf("%d rows: %v", n, p.table())
	}
}

// A row inserted while a header is missing keeps its value in that column.
func TestInsertWhileHeaderMissing(t *testing.T) {
	p := newPair(t, 5)
	p.edit(p.set("B1", "titel")) // a typo in a header
	p.settle()
	p.exec("INSERT INTO items (id,title,qty) VALUES (9,'nine',9)")
	p.settle()
	p.edit(p.set("B1", "title"))
	p.settle()
	p.wantRow(p.table(), "9|nine|9|")
}

// A change made while a header is missing is carried over when it is back.
func TestUpdateWhileHeaderMissing(t *testing.T) {
	p := newPair(t, 5)
	p.edit(p.set("B1", "titel"))
	p.settle()
	p.exec("UPDATE items SET title='new' WHERE id = 3")
	p.settle()
	p.edit(p.set("B1", "title"))
	for range 60 {
		p.step(time.Second)
	}
	p.wantSame()
}

// Rows whose key cannot stand in a cell are not left out in silence.
func TestRowsWithUnusableKeyAreReported(t *testing.T) {
	p := newPair(t, 2)
	p.exec("CREATE TABLE codes (code VARCHAR(10) PRIMARY KEY, title VARCHAR(50))")
	p.exec("INSERT INTO codes VALUES ('', 'empty'), ('a', 'A')")
	if _, err := p.google.Create(emulator.Spreadsheet{ID: "codes", Title: "Codes", Tabs: []emulator.Tab{{Title: "Codes", Rows: [][]any{{"code", "title"}}}}}); err != nil {
		t.Fatal(err)
	}
	info, err := p.client.Spreadsheet(t.Context(), "codes")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.store.CreateLink(t.Context(), tandem.Link{ID: "codes", Table: "codes", SpreadsheetID: "codes", SheetID: info.Tabs[0].SheetID, Tab: "Codes",
		HeaderRow: 1, TimeZone: info.TimeZone, Key: []string{"code"}, State: tandem.StateNew, PreferredSource: tandem.Database,
		Columns: []tandem.LinkColumn{{Column: "code", Header: "code"}, {Column: "title", Header: "title"}}}); err != nil {
		t.Fatal(err)
	}
	if err := p.store.CreateOperation(t.Context(), tandem.Operation{ID: "codes", Link: "codes", Created: p.now, Updated: p.now}); err != nil {
		t.Fatal(err)
	}
	p.settle()
	errs, _, err := p.store.RowErrors(t.Context(), "codes", "", 10)
	if err != nil || len(errs) != 1 || errs[0].Source != tandem.Database || !strings.Contains(errs[0].Message, "left out: 1") {
		t.Errorf("row errors %+v, %v", errs, err)
	}
	operation, err := p.store.Operation(t.Context(), "codes")
	if err != nil || operation.Report == nil || operation.Report.Counts.Refused != 1 || operation.Report.Counts.InsertSheet != 1 {
		t.Errorf("operation %+v, %v", operation, err)
	}
}

// A column that was deleted and whose header is there again is filled from the database: nobody emptied its cells.
func TestColumnThatIsThereAgainIsFilled(t *testing.T) {
	p := newPair(t, 5)
	before := p.table()
	p.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Items", Column: "title"}})
	p.settle()
	p.exec("UPDATE items SET title = 'meanwhile' WHERE id = 2")
	p.settle()
	p.edit(p.set("F1", "title"))
	p.settle()
	p.wantSame()
	before[1] = "2|meanwhile|2|2.50"
	if diff := cmp.Diff(before, p.table()); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}

// A write lands on a wrong row, its reply is lost, and a person edits another cell of that row before anybody looks: what
// went astray is taken back all the same, and never read as an edit.
func TestStrayBesideEdit(t *testing.T) {
	p := newPair(t, 5)
	p.exec("UPDATE items SET title = 'Table', price = 9.75 WHERE id = 2")
	p.beforeSend = func() {
		p.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "Items", Column: "id", Descending: true}})
		if err := p.google.AddFault(emulator.Fault{Method: "spreadsheets.batchUpdate", Kind: "dropAfter", Count: 1}); err != nil {
			t.Error(err)
		}
	}
	p.beforeSettle = func() { p.edit(p.set("D3", "7.25")) } // row 4, where row 2 stood
	p.settle()
	if p.beforeSettle != nil {
		t.Fatal("nothing was lost")
	}
	p.wantRow(p.table(), "4|Item 4|4|7.25")
	p.wantRow(p.table(), "2|Table|2|9.75")
	p.wantSame()
	p.wantQuiet()
}

// A process that was held up just before it writes has lost its lease by then: it writes nothing more.
func TestHeldUpBeforeWrite(t *testing.T) {
	p := newPair(t, 5)
	p.exec("UPDATE items SET title = 'Table' WHERE id = 2")
	var other tandem.Lease
	before := p.google.Stats().Writes
	p.beforeSend = func() {
		p.now = p.now.Add(time.Minute)
		lease, ok, err := p.store.Claim(t.Context(), "spreadsheets/"+book, "other", time.Minute)
		if err != nil || !ok {
			t.Errorf("the lease is not free: %v", err)
		}
		other = lease
	}
	p.step(time.Second)
	if p.beforeSend != nil || p.google.Stats().Writes != before {
		t.Errorf("%d writes without a lease", p.google.Stats().Writes-before)
	}
	if err := p.store.Release(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	p.settle()
	p.wantRow(p.sheet(), "2|Table|2|2.50")
	p.wantSame()
	p.wantQuiet()
}
