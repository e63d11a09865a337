package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// typeRow is a person who types a row without a key below the others.
func (p *pair) typeRow(row int, cells ...string) {
	p.t.Helper()
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: fmt.Sprintf("B%d", row), Values: [][]string{cells}}})
}

func (p *pair) wantRows(n int) {
	p.t.Helper()
	if rows := p.table(); len(rows) != n {
		p.t.Errorf("the table has %d rows, want %d:\n%s", len(rows), n, strings.Join(rows, "\n"))
	}
}

// A row typed without a key is inserted once it rests, and is given the key that the database made.
func TestTypedWithoutKey(t *testing.T) {
	p := newPair(t, 3)
	p.typeRow(5, "New", "7", "1.25", "mine too")
	p.step(6 * time.Second) // seen for the first time
	p.wantRows(3)
	p.settle()
	p.wantRow(p.table(), "4|New|7|1.25")
	p.wantSame()
	p.wantQuiet()
	if cells := readCells(t, p.google, "Items"); fmt.Sprint(cells[4]) != "[4 New 7 1.25 mine too]" {
		t.Errorf("the row typed is now %v", cells[4])
	}
	if errs, _, err := p.store.RowErrors(t.Context(), "items", "", 10); len(errs) > 0 || err != nil {
		t.Errorf("row errors %+v, %v", errs, err)
	}
}

// People move, edit or delete the row just as its key is written.
func TestTypedWithoutKeyMoved(t *testing.T) {
	for name, test := range map[string]struct {
		act  func(p *pair)
		rows int
	}{
		"rows are inserted above": {func(p *pair) {
			p.edit(emulator.Edit{InsertRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 2}})
		}, 4},
		"sorted":            {func(p *pair) { p.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "Items", Column: "title"}}) }, 4},
		"a cell is edited":  {func(p *pair) { p.edit(p.set("C5", "8")) }, 4},
		"all cells are new": {func(p *pair) { p.typeRow(5, "Other", "1", "2.00") }, 4},
		"deleted": {func(p *pair) {
			p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 5, Count: 1}})
		}, 3},
		"a key is typed":      {func(p *pair) { p.edit(p.set("A5", "90")) }, 4},
		"another row is like": {func(p *pair) { p.typeRow(6, "Anew", "7", "1.25") }, 5},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, 3)
			p.typeRow(5, "Anew", "7", "1.25")
			p.beforeSend = func() { test.act(p) }
			p.settle()
			if p.beforeSend != nil {
				t.Fatal("nothing was written")
			}
			p.settle()
			p.wantRows(test.rows)
			p.wantSame()
			p.wantQuiet()
		})
	}
}

// The worker dies after the insert, before the key is in the sheet: its successor inserts no second row.
func TestTypedWithoutKeyCrash(t *testing.T) {
	p := newPair(t, 3)
	p.typeRow(5, "New", "7", "1.25")
	p.typeRow(6, "New", "7", "1.25") // two that are alike
	died := false
	p.beforeSend = func() { died = true; panic("dies") }
	func() {
		defer func() { _ = recover() }()
		p.settle()
	}()
	if !died {
		t.Fatal("nothing was written")
	}
	p.wantRows(5)
	p.worker = p.newWorker("second")
	p.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "Items", Column: "price"}})
	p.now = p.now.Add(time.Minute)
	p.settle()
	p.wantRows(5)
	p.wantSame()
	p.wantQuiet()
}

// The key that the table made is typed into another row before it stands in its own: neither is taken for the other, the row
// is not inserted again, and both are right once the other one has a key of its own.
func TestTypedWithoutKeyTaken(t *testing.T) {
	for _, own := range []string{"4", "New|7|1.25", "New|8|1.25"} { // what stands in the row itself by then: its key, nothing new, an edit
		t.Run(own, func(t *testing.T) {
			p := newPair(t, 3)
			p.typeRow(5, "New", "7", "1.25")
			func() {
				defer func() { _ = recover() }()
				p.beforeSend = func() { panic("dies") }
				p.settle()
			}()
			p.wantRows(4)
			p.worker = p.newWorker("second")
			if own == "4" {
				p.edit(p.set("A5", "4"))
			} else {
				p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A6", Values: [][]string{{"4", "Stranger", "1", "9.00"}}}})
				p.typeRow(5, strings.Split(own, "|")...)
			}
			p.now = p.now.Add(time.Minute)
			p.settle()
			p.wantRows(4)
			p.wantRow(p.table(), "4|New|7|1.25")
			if own == "4" {
				p.wantSame()
				return
			}
			var said []string
			for _, problem := range p.errs() {
				said = append(said, problem.Message)
			}
			if all := strings.Join(said, "\n"); !strings.Contains(all, `the table gave this row the key "4"`) || !strings.Contains(all, "give this row another key") {
				t.Errorf("row errors:\n%s", all)
			}
			p.edit(p.set("A6", "50"))
			p.settle()
			p.settle()
			p.wantRow(p.table(), "4|"+own)
			p.wantRow(p.table(), "50|Stranger|1|9.00")
			p.wantRows(5)
			p.wantSame()
			p.wantQuiet()
		})
	}
}

// A row that the table refuses is an error at its place until it is put right.
func TestTypedWithoutKeyRefused(t *testing.T) {
	p := newPair(t, 3)
	p.typeRow(5, "New", "5000", "1.25")
	p.settle()
	errs, _, err := p.store.RowErrors(t.Context(), "items", "", 10)
	if err != nil || len(errs) != 1 || errs[0].Position != 5 {
		t.Fatalf("row errors %+v, %v", errs, err)
	}
	p.edit(p.set("C5", "500"))
	p.settle()
	p.wantRow(p.table(), "4|New|500|1.25")
	p.wantSame()
	if errs, _, _ := p.store.RowErrors(t.Context(), "items", "", 10); len(errs) > 0 {
		t.Errorf("row errors stay: %+v", errs)
	}
}

// A row whose key cell was emptied is no new one.
func TestTypedOrEmptied(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A3"}})
	p.settle()
	p.wantRows(5)
	p.wantRow(p.table(), "2|Item 2|2|2.50")
	p.edit(p.set("A3", "2"))
	p.settle()
	p.wantSame()
	p.wantQuiet()
}

// An initial sync inserts rows without a key too, and its plan says so.
func TestTypedInitialSync(t *testing.T) {
	p := newPair(t, 3)
	if err := p.store.SetState(t.Context(), "items", []tandem.State{tandem.StateActive}, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	p.typeRow(5, "New", "7", "1.25")
	if plan := p.sync(tandem.SyncRequest{ValidateOnly: true}); plan.Counts.InsertDatabase != 1 || plan.Counts.Refused != 0 {
		t.Errorf("the plan says %+v", plan.Counts)
	}
	if report := p.sync(tandem.SyncRequest{}); report.Counts.InsertDatabase != 1 {
		t.Errorf("the sync says %+v", report.Counts)
	}
	p.settle()
	p.wantRows(4)
	p.wantSame()
}
