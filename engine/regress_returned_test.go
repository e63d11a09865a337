package engine_test

import (
	"testing"
	"time"

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
