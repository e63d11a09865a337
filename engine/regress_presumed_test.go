package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A row that stands twice, which nobody has seen yet, is deleted in the table.
func TestPresumedDeletedRowWithTwinComesBack(t *testing.T) {
	p := newPair(t, 12)
	p.step(6 * time.Second)
	// a person copies row 5 (id 4) below the last row
	p.edit(p.set("A14", "4"), p.set("B14", "Item 4"), p.set("C14", "4"), p.set("D14", "4.5"))
	p.exec("DELETE FROM items WHERE id = 4")
	p.step(200 * time.Millisecond) // marks only, no poll due
	t.Log("sheet", p.sheet())
	p.settle()
	t.Log("table", p.table(), "errors", p.errors())
	for _, row := range p.table() {
		if strings.HasPrefix(row, "4|") {
			t.Errorf("deleted row is back: %s", row)
		}
	}
	if n := len(p.table()); n != 11 {
		t.Errorf("%d rows in the table, want 11", n)
	}
}

// zoneTab answers Confirm as a tab with timestamps does whose spreadsheet was given another time zone.
type zoneTab struct {
	engine.Tab
	changed *bool
}

func (z zoneTab) Confirm(ctx context.Context) error {
	if *z.changed {
		return tandem.Errorf(tandem.CodePrecondition, tandem.HaltTimeZone, "the time zone changed")
	}
	return z.Tab.Confirm(ctx)
}

// The spreadsheet's time zone changed; only the table changes.
func TestPresumedZoneChangedIsNotNoticed(t *testing.T) {
	p := newPair(t, 12)
	changed := false
	options := p.options("zone")
	open := options.OpenTab
	options.OpenTab = func(link *tandem.Link, columns []tandem.Column) engine.Tab {
		return zoneTab{open(link, columns), &changed}
	}
	options.Watched = func(*tandem.Link) bool { return true }
	p.worker = engine.New(options)
	p.settle()
	changed = true
	for n := range 200 {
		p.exec("UPDATE items SET title = ? WHERE id = 1", fmt.Sprint("title ", n))
		p.step(200 * time.Millisecond)
		p.step(30 * time.Second)
	}
	if p.link().State != tandem.StateHalted {
		t.Errorf("after %d changes in 100 minutes: state %s; row %v", 200, p.link().State, p.cells()[1])
	}
}

// The linked tab was renamed, and its copy carries its title now. The table's change goes by a comparison with the copy.
func TestPresumedSwappedTab(t *testing.T) {
	p := newPair(t, 3)
	p.settle()
	sheetID := p.link().SheetID
	batch(t, p.google, fmt.Sprintf(`{"requests":[
		{"duplicateSheet":{"sourceSheetId":%d,"newSheetId":777,"newSheetName":"Copy"}},
		{"updateSheetProperties":{"properties":{"sheetId":%d,"title":"Original"},"fields":"title"}},
		{"updateSheetProperties":{"properties":{"sheetId":777,"title":"Items"},"fields":"title"}}]}`, sheetID, sheetID))
	// a person edits the linked tab, by its new name
	p.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Original", A1: "B2", Input: "By hand"}})
	p.exec("UPDATE items SET qty = 7 WHERE id = 1")
	p.exec("UPDATE items SET title = 'By SQL' WHERE id = 2")
	p.step(200 * time.Millisecond)
	t.Log(readCells(t, p.google, "Original"), readCells(t, p.google, "Items"), p.link().Tab)
	p.settle()
	t.Log(p.table(), readCells(t, p.google, "Original"), readCells(t, p.google, "Items"), p.link().Tab)
	p.wantSame()
	if got := p.table()[0]; got != "1|By hand|7|1.50" {
		t.Errorf("row %s", got)
	}
}

// The same, and the person edits the very cell that the table changes.
func TestPresumedSwappedTabSameCell(t *testing.T) {
	p := newPair(t, 3)
	p.settle()
	sheetID := p.link().SheetID
	batch(t, p.google, fmt.Sprintf(`{"requests":[
		{"duplicateSheet":{"sourceSheetId":%d,"newSheetId":777,"newSheetName":"Copy"}},
		{"updateSheetProperties":{"properties":{"sheetId":%d,"title":"Original"},"fields":"title"}},
		{"updateSheetProperties":{"properties":{"sheetId":777,"title":"Items"},"fields":"title"}}]}`, sheetID, sheetID))
	p.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Original", A1: "B2", Input: "By hand"}})
	p.exec("UPDATE items SET title = 'By SQL' WHERE id = 1")
	p.exec("DELETE FROM items WHERE id = 3")
	p.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Original", A1: "B4", Input: "Three by hand"}})
	p.step(200 * time.Millisecond)
	t.Log(readCells(t, p.google, "Original"), readCells(t, p.google, "Items"), p.link().Tab)
	p.settle()
	t.Log(p.table(), readCells(t, p.google, "Original"), p.link().Tab)
	entries, _ := p.store.Entries(t.Context(), "items", 0, 100)
	for _, e := range entries {
		t.Log(e.Kind, e.Key, e.Source, e.Before["title"].Text(), e.After["title"].Text(), e.Conflict)
	}
}

// A header is gone, and only the table changes.
func TestPresumedHeaderGone(t *testing.T) {
	p := newPair(t, 3)
	p.settle()
	p.edit(p.set("B1", ""))
	p.exec("UPDATE items SET title = 'By SQL', qty = 9 WHERE id = 2")
	p.step(200 * time.Millisecond)
	t.Log(p.errors(), p.cells())
	p.settle()
	t.Log(p.errors(), p.cells(), p.link().Columns)
	p.edit(p.set("B1", "title"))
	p.settle()
	p.wantSame()
	if len(p.errors()) > 0 {
		t.Error(p.errors())
	}
	p.wantQuiet()
}

// What stands in a column that is left out is in the history of a deletion.
func TestPresumedHistoryKeepsIgnored(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER, price DECIMAL(8,2))")
	p.exec("INSERT INTO items VALUES (1, 'a', 1, 1), (2, 'b', 2, 2)")
	p.join([][]any{{"id", "title", "qty", "price"}, {1, "a", 1, 1}, {2, "b", 2, 2}}, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty", Owner: tandem.OwnerIgnored}}})
	p.edit(p.set("C2", "777"))
	p.settle()
	p.exec("DELETE FROM items WHERE id = 1")
	p.step(200 * time.Millisecond)
	entries, _ := p.store.Entries(t.Context(), "items", 0, 100)
	last := entries[len(entries)-1]
	for _, e := range entries {
		if e.Kind == tandem.Delete {
			last = e
		}
	}
	t.Log(last, p.cells())
	if last.Before["qty"].Text() != "777" {
		t.Errorf("history of the deletion has %v", last.Before)
	}
}

// Two processes: one knows that a key stands twice, the other does not.
func TestPresumedTwinTwoProcesses(t *testing.T) {
	p := newPair(t, 12)
	a := p.worker
	client := p.client
	options := p.options("second")
	other, err := sheets.New(t.Context(), sheets.Options{Endpoint: "http://emulator/", HTTPClient: &http.Client{Transport: p.google.Transport()},
		Now: func() time.Time { return p.now }, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	options.OpenTab = func(link *tandem.Link, columns []tandem.Column) engine.Tab {
		return &watchedTab{Tab: other.Open(link, columns).Journaled(), p: p}
	}
	b := engine.New(options)
	p.worker = b
	p.settle()
	p.worker = a
	p.settle()
	p.edit(p.set("A14", "4"), p.set("B14", "Item 4"), p.set("C14", "4"), p.set("D14", "4.5"))
	for range 20 {
		p.step(6 * time.Second)
	}
	t.Log("errors known", len(p.errors()))
	p.exec("DELETE FROM items WHERE id = 4")
	p.worker = b
	p.step(200 * time.Millisecond)
	t.Log(p.cells())
	p.settle()
	_ = client
	for _, row := range p.table() {
		if strings.HasPrefix(row, "4|") {
			t.Errorf("deleted row is back: %s", row)
		}
	}
}

func batch(t *testing.T, google http.Handler, body string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest("POST", "/v4/spreadsheets/"+book+":batchUpdate", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	google.ServeHTTP(recorder, request)
	if recorder.Code != 200 {
		t.Fatal(recorder.Body.String())
	}
}

var _ = engine.New
