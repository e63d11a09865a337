package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

func TestManyDeletionsHalt(t *testing.T) {
	removals := map[string]func(p *pair){
		"rows deleted in the sheet": func(p *pair) {
			p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 30}})
		},
		"cells emptied in the sheet": func(p *pair) { p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "C2:C31"}}) },
		"rows deleted in the table":  func(p *pair) { p.exec("DELETE FROM items WHERE id <= 30") },
	}
	for name, remove := range removals {
		for _, putBack := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, put back %v", name, putBack), func(t *testing.T) {
				p := newPair(t, 100)
				before := p.table()
				remove(p)
				p.settle()
				link := p.link()
				if link.State != tandem.StateHalted || link.Halt == nil || link.Halt.Reason != tandem.HaltTooManyDeletes {
					t.Fatalf("the link is %s, halt %+v", link.State, link.Halt)
				}
				if link.Halt.RowCount != 30 || !strings.Contains(link.Halt.Message, ":approve") {
					t.Errorf("halt %+v", link.Halt)
				}
				if table, sheet := p.table(), p.sheet(); len(table)+len(sheet) < 170 || strings.Join(table, "\n") == strings.Join(sheet, "\n") {
					t.Fatal("the removal was carried over before a person was asked")
				}
				if _, err := p.store.Approve(t.Context(), "items", putBack); err != nil {
					t.Fatal(err)
				}
				p.settle()
				p.wantSame()
				if restored := strings.Join(p.table(), "\n") == strings.Join(before, "\n"); restored != putBack {
					t.Errorf("restored = %v, want %v: %d rows", restored, putBack, len(p.table()))
				}
				if state := p.link().State; state != tandem.StateActive {
					t.Errorf("the link is %s", state)
				}
			})
		}
	}
}

func TestDeletionsAddUpOverAnHour(t *testing.T) {
	p := newPair(t, 50)
	for range 10 {
		p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 2}})
		p.settle()
	}
	if state := p.link().State; state != tandem.StateHalted {
		t.Errorf("the link is %s after 20 of 50 rows were deleted little by little", state)
	}
}

func TestFailedReadDeletesNothing(t *testing.T) {
	for _, status := range []int{401, 403, 404, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			p := newPair(t, 5)
			if err := p.google.AddFault(emulator.Fault{Method: "*", Kind: "before", Status: status, Count: 40}); err != nil {
				t.Fatal(err)
			}
			p.settle()
			if rows := p.table(); len(rows) != 5 {
				t.Fatalf("%d rows are left", len(rows))
			}
			p.google.ClearFaults()
			for range 8 {
				p.step(30 * time.Second)
			}
			if link := p.link(); link.State == tandem.StateHalted {
				if status != 404 || link.Halt.Reason != tandem.HaltTabGone {
					t.Fatalf("halted: %+v", link.Halt)
				}
				if _, err := p.store.Approve(t.Context(), "items", false); err != nil {
					t.Fatal(err)
				}
			}
			p.exec("UPDATE items SET title = 'after' WHERE id = 1")
			p.settle()
			p.wantSame()
		})
	}
}

func TestPeopleMoveRowsWhileTandemWrites(t *testing.T) {
	acts := map[string]emulator.Edit{
		"sort":   {Sort: &emulator.Sort{Sheet: "Items", Column: "id", Descending: true}},
		"insert": {InsertRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 3}},
		"delete": {DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 1}},
		"column": {InsertColumn: &emulator.InsertColumn{Sheet: "Items", Before: "B", Header: "Extra"}},
		"edit":   {SetCell: &emulator.SetCell{Sheet: "Items", A1: "C8", Input: "99"}},
	}
	writes := map[string]string{
		"update": "UPDATE items SET title = 'new ' || id WHERE id IN (3, 4, 9)",
		"delete": "DELETE FROM items WHERE id IN (3, 4, 9)",
		"insert": "INSERT INTO items (id, title) VALUES (100, 'a'), (101, 'b')",
	}
	for act, edit := range acts {
		for write, statement := range writes {
			t.Run(write+" while people "+act, func(t *testing.T) {
				p := newPair(t, 12)
				p.exec(statement)
				p.beforeSend = func() { p.edit(edit) }
				p.settle()
				if p.beforeSend != nil {
					t.Fatal("nothing was written")
				}
				p.wantSame()
				p.wantNotes()
				p.wantQuiet()
			})
		}
	}
}

// wantNotes checks that the column outside the link still stands beside its rows.
func (p *pair) wantNotes() {
	p.t.Helper()
	cells := p.cells()
	id, mine := -1, -1
	for i, header := range cells[0] {
		switch header {
		case "id":
			id = i
		case "mine":
			mine = i
		}
	}
	for _, row := range cells[1:] {
		if mine < len(row) && row[mine] != "" && row[mine] != fmt.Sprintf("note %v", row[id]) {
			p.t.Errorf("row %v has the note %v of another row", row[id], row[mine])
		}
	}
}

func TestLostReply(t *testing.T) {
	for _, kind := range []string{"before", "after", "drop", "dropAfter"} {
		t.Run(kind, func(t *testing.T) {
			p := newPair(t, 5)
			p.exec("INSERT INTO items (id, title) VALUES (100, 'a'), (101, 'b')")
			p.exec("UPDATE items SET qty = 77 WHERE id = 2")
			p.exec("DELETE FROM items WHERE id = 3")
			if err := p.google.AddFault(emulator.Fault{Method: "spreadsheets.batchUpdate", Kind: kind, Status: 503, Count: 1}); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				p.step(10 * time.Second)
			}
			p.wantSame()
			p.wantQuiet()
			if bad := p.scan().Bad; len(bad) > 0 {
				t.Errorf("rows are doubled: %+v", bad)
			}
		})
	}
}

func TestDuplicateKeyStopsThatKeyOnly(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A7", Values: [][]string{{"3", "Copy", "1"}}}}, p.set("B2", "Edited"))
	p.settle()
	table := p.table()
	p.wantRow(table, "3|Item 3|3|3.50")
	p.wantRow(table, "1|Edited|1|1.50")
	p.exec("UPDATE items SET title = 'From SQL' WHERE id = 3")
	p.settle()
	if errs := p.errors(); len(errs) == 0 || !strings.Contains(errs[0].Message, "once") {
		t.Errorf("row errors: %+v", errs)
	}
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 7, Count: 1}})
	p.settle()
	p.wantSame()
	p.wantRow(p.sheet(), "3|From SQL|3|3.50")
	if errs := p.errors(); len(errs) != 0 {
		t.Errorf("row errors stay: %+v", errs)
	}
}

func TestRowErrorHoldsUpNobody(t *testing.T) {
	tests := []struct{ name, cell, input, column string }{
		{"not a number", "C3", "many", "qty"},
		{"too fine", "D3", "1.555", "price"},
		{"refused by the table", "C3", "5000", "qty"},
		{"formula error", "C3", "=1/0", "qty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPair(t, 5)
			p.edit(p.set(test.cell, test.input), p.set("B4", "Other row"))
			p.settle()
			p.wantRow(p.table(), "3|Other row|3|3.50")
			p.wantRow(p.table(), "2|Item 2|2|2.50")
			errs := p.errors()
			if len(errs) != 1 || errs[0].Key != "2" {
				t.Fatalf("row errors: %+v", errs)
			}
			if !strings.Contains(errs[0].Message+errs[0].Column, test.column) {
				t.Errorf("the error does not name %s: %+v", test.column, errs[0])
			}
			p.wantQuiet()
			p.edit(p.set(test.cell, "2"))
			p.settle()
			p.wantSame()
			if errs := p.errors(); len(errs) != 0 {
				t.Errorf("the error stays: %+v", errs)
			}
		})
	}
}

func TestFormulaIsNotOverwritten(t *testing.T) {
	p := newPair(t, 5)
	p.edit(p.set("C3", "=1+2"))
	p.settle()
	p.wantRow(p.table(), "2|Item 2|3|2.50")
	p.exec("UPDATE items SET qty = 50, title = 'Both' WHERE id = 2")
	p.settle()
	p.wantRow(p.sheet(), "2|Both|3|2.50")
	if errs := p.errors(); len(errs) != 1 || errs[0].Column != "qty" {
		t.Errorf("row errors: %+v", errs)
	}
}

func TestTwoWorkers(t *testing.T) {
	p := newPair(t, 5)
	other := p.newWorker("second")
	for i := range 20 {
		p.exec("UPDATE items SET qty = ? WHERE id = ?", i, i%5+1)
		p.edit(p.set(fmt.Sprintf("B%d", i%5+2), fmt.Sprintf("Title %d", i)))
		p.step(time.Second)
		if _, err := other.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.settle()
	p.wantSame()
	p.wantQuiet()
}

func TestPlanIsAppliedRowByRow(t *testing.T) {
	p := newPair(t, 5)
	p.exec("INSERT INTO items (id, title) VALUES (10, 'ten'), (11, 'eleven')")
	if err := p.store.SetState(t.Context(), "items", []tandem.State{tandem.StateActive}, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	plan := p.sync(tandem.SyncRequest{ValidateOnly: true})
	if plan.Counts.InsertSheet != 2 || len(p.sheet()) != 5 {
		t.Fatalf("plan %+v, %d rows in the sheet", plan.Counts, len(p.sheet()))
	}
	p.exec("UPDATE items SET title = 'changed since' WHERE id = 11")
	p.exec("INSERT INTO items (id, title) VALUES (12, 'not planned')")
	report := p.sync(tandem.SyncRequest{Plan: plan.Plan})
	if report.Counts.InsertSheet != 1 || report.Counts.Skipped != 1 {
		t.Errorf("applied %+v, want one row in and one skipped", report.Counts)
	}
	p.settle()
	p.wantSame() // the link is active now, so what was left follows by itself
}

func TestHistory(t *testing.T) {
	p := newPair(t, 3)
	p.exec("UPDATE items SET qty = 5 WHERE id = 1")
	p.settle()
	p.edit(p.set("B3", "By hand"))
	p.settle()
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 4, Count: 1}})
	p.settle()
	entries, err := p.store.Entries(t.Context(), "items", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s %s %s %s %s>%s", e.Kind, e.Key, e.Source, e.Cause, e.Before["title"].Text()+e.Before["qty"].Text(), e.After["title"].Text()+e.After["qty"].Text()))
	}
	want := []string{"UPDATE 1 database SQL Item 11>Item 15", "UPDATE 2 sheet SHEET Item 22>By hand2", "DELETE 3 sheet SHEET Item 33>"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("history:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// errors returns the link's row errors.
func (p *pair) errors() []tandem.RowError {
	p.t.Helper()
	errs, _, err := p.store.RowErrors(p.t.Context(), "items", "", 100)
	if err != nil {
		p.t.Fatal(err)
	}
	return errs
}

// cells returns the tab as the Sheets API shows it.
func (p *pair) cells() [][]any {
	p.t.Helper()
	return readCells(p.t, p.google, "Items")
}
