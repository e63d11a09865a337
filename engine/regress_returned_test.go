package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// As R8, with a cell that the sheet will not take back at once.
func TestReturnedColumnRefused(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Items", Column: "C"}})
	p.settle()
	p.edit(emulator.Edit{InsertColumn: &emulator.InsertColumn{Sheet: "Items", Before: "C", Header: "qty"}}, p.set("C4", `=""`))
	p.ticks(10 * time.Minute)
	t.Log(p.errs())
	p.wantRow(p.table(), "3|Item 3|3|3.50")
}

func TestReturnedColumnProtected(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Items", Column: "C"}})
	p.settle()
	p.edit(emulator.Edit{InsertColumn: &emulator.InsertColumn{Sheet: "Items", Before: "C", Header: "qty"}},
		emulator.Edit{Protect: &emulator.Protect{Sheet: "Items", A1: "C4:C4"}})
	p.ticks(10 * time.Minute)
	t.Log(p.errs())
	p.wantRow(p.table(), "3|Item 3|3|3.50")
}

// The column returns while the row waits for a person.
func TestReturnedColumnRowConflict(t *testing.T) {
	p := newManualPair(t, nil)
	p.exec("UPDATE items SET qty = 50 WHERE id = 2")
	p.edit(p.set("C3", "60"))
	p.settle()
	p.conflict()
	p.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Items", Column: "C"}})
	p.settle()
	p.edit(emulator.Edit{InsertColumn: &emulator.InsertColumn{Sheet: "Items", Before: "C", Header: "qty"}})
	p.settle()
	t.Log(p.table()[1], p.sheet()[1], len(p.conflicts()))
	p.wantRow(p.table(), "2|Item 2|50|2.50")
}

// A column that the sheet owns is put back in a row that the database inserts, without anything else having to happen.
func TestInsertedRowKeepsSheetOwnedColumn(t *testing.T) {
	p := newManualPair(t, func(link *tandem.Link) {
		link.Columns[slices.IndexFunc(link.Columns, func(c tandem.LinkColumn) bool { return c.Column == "price" })].Owner = tandem.OwnerSheet
	})
	p.settle()
	p.exec("INSERT INTO items (id, title, qty, price) VALUES (9, 'Nine', 9, 9.90)")
	p.settle()
	p.wantRow(p.sheet(), "9|Nine|9|")
	p.wantSame()
	p.wantQuiet()
}

// A row that the sheet lost is held while its column returns (its key was made one that stands twice). Deleted for good after
// that, it stays deleted; brought back, its cell is filled.
func TestReturnedColumnOfLostRow(t *testing.T) {
	for name, brought := range map[string]bool{"deleted": false, "brought back": true} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, 5)
			p.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Items", Column: "C"}})
			p.settle()
			p.edit(p.set("A4", "5")) // row 3 takes the key of row 5
			p.settle()
			p.edit(emulator.Edit{InsertColumn: &emulator.InsertColumn{Sheet: "Items", Before: "C", Header: "qty"}})
			p.settle()
			if brought {
				p.edit(p.set("A4", "3"))
			} else {
				p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 4, Count: 1}})
			}
			p.settle()
			p.wantSame()
			p.wantQuiet()
			if brought {
				p.wantRow(p.table(), "3|Item 3|3|3.50")
			} else if len(p.table()) != 4 {
				t.Errorf("row 3 came back: %v", p.table())
			}
		})
	}
}
