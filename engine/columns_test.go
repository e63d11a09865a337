package engine_test

import (
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

func (p *pair) paused(column string) string {
	p.t.Helper()
	for _, c := range p.link().Columns {
		if c.Column == column {
			return c.Paused
		}
	}
	p.t.Fatalf("no column %s", column)
	return ""
}

func (p *pair) wantActive() {
	p.t.Helper()
	if link := p.link(); link.State != tandem.StateActive || link.Status.LastError != "" {
		p.t.Fatalf("the link is %s, last error %q", link.State, link.Status.LastError)
	}
}

// A column that is dropped from the table is paused, all others flow; when it is there again, the sheet fills it.
func TestColumnDropped(t *testing.T) {
	p := newPair(t, 4)
	p.exec("ALTER TABLE items DROP COLUMN price")
	p.exec("UPDATE items SET title = 'From table' WHERE id = 1")
	p.edit(p.set("C3", "77"), p.set("D3", "9.75"))
	p.settle()
	p.wantActive()
	if got := p.one("SELECT title || qty FROM items WHERE id = 2"); got != "Item 277" {
		t.Errorf("the row is %s", got)
	}
	if cells := readCells(t, p.google, "Items"); cells[1][1] != "From table" || cells[2][3] != 9.75 {
		t.Errorf("the sheet holds %v", cells)
	}
	if paused := p.paused("price"); !strings.Contains(paused, "price") {
		t.Errorf("the column says %q", paused)
	}
	p.wantQuiet()
	p.exec("ALTER TABLE items ADD COLUMN price DECIMAL(8,2)")
	p.settle()
	p.wantActive()
	if paused := p.paused("price"); paused != "" {
		t.Errorf("the column says %q", paused)
	}
	p.wantRow(p.table(), "2|Item 2|77|9.75")
	p.wantRow(p.table(), "4|Item 4|4|4.50")
	p.wantSame()
	p.wantQuiet()
}

// A header that is gone pauses its column, for workers that never saw it too; retyped, its cells are filled, not emptied.
func TestHeaderGoneAcrossRestart(t *testing.T) {
	p := newPair(t, 4)
	p.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Items", Column: "C"}})
	p.settle()
	p.wantActive()
	if paused := p.paused("qty"); !strings.Contains(paused, "qty") {
		t.Errorf("the column says %q", paused)
	}
	p.exec("UPDATE items SET qty = 50 WHERE id = 1")
	p.worker = p.newWorker("second")
	p.settle()
	p.worker = p.newWorker("third")
	p.edit(emulator.Edit{InsertColumn: &emulator.InsertColumn{Sheet: "Items", Before: "C", Header: "qty"}})
	p.settle()
	if paused := p.paused("qty"); paused != "" {
		t.Errorf("the column says %q", paused)
	}
	p.wantRow(p.sheet(), "1|Item 1|50|1.50")
	p.wantRow(p.sheet(), "3|Item 3|3|3.50")
	p.wantSame()
	p.wantQuiet()
}

// A column that has another type now is paused until it is linked anew.
func TestColumnRetyped(t *testing.T) {
	p := newPair(t, 4)
	p.exec("ALTER TABLE items DROP COLUMN price")
	p.exec("ALTER TABLE items ADD COLUMN price DATE")
	p.settle()
	p.wantActive()
	if paused := p.paused("price"); paused == "" {
		t.Error("the column flows although its type changed")
	}
	p.wantRow(p.table(), "2|Item 2|2|")
}

// A renamed tab is followed, and the link says its name.
func TestTabRenamed(t *testing.T) {
	p := newPair(t, 4)
	p.edit(emulator.Edit{RenameSheet: &emulator.RenameSheet{Sheet: "Items", Title: "Things"}})
	p.exec("UPDATE items SET qty = 50 WHERE id = 1")
	p.settle()
	p.wantActive()
	p.wantSame()
	if tab := p.link().Tab; tab != "Things" {
		t.Errorf("the link's tab is %q", tab)
	}
}
