package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// As R7, and the row is looked at in the very cycle that sees the header again.
func TestRefillUndoesNullSeen(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "C1"}})
	p.settle()
	p.exec("UPDATE items SET qty = NULL WHERE id = 2")
	p.settle()
	p.edit(p.set("C1", "qty"), p.set("B3", "Edited"))
	p.settle()
	p.wantRow(p.table(), "2|Edited||2.50")
	p.wantSame()
}

// A trigger gives the new row another key.
func TestTriggerRenumbers(t *testing.T) {
	p := newPair(t, 3)
	p.exec("CREATE TRIGGER renumbers AFTER INSERT ON items WHEN NEW.id < 1000 BEGIN UPDATE items SET id = 1000 + (SELECT count(*) FROM items) WHERE id = NEW.id; END")
	p.typeRow(5, "New", "7", "1.25")
	p.ticks(2 * time.Minute)
	t.Logf("%d rows in the table, %d in the sheet", len(p.table()), len(p.sheet()))
	p.wantRows(4)
}

// Two keys are edited in one look, among rows that are alike: nobody deleted anything.
func TestRenameTwins(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (sku VARCHAR(40) PRIMARY KEY, status VARCHAR(10), secret VARCHAR(20))")
	cells := [][]any{{"sku", "status"}}
	for i := 1; i <= 6; i++ {
		p.exec("INSERT INTO items VALUES (?, 'open', ?)", fmt.Sprintf("A-%d", i), fmt.Sprintf("s%d", i))
		cells = append(cells, []any{fmt.Sprintf("A-%d", i), "open"})
	}
	p.join(cells, tandem.Link{Key: []string{"sku"}, Columns: []tandem.LinkColumn{{Column: "sku", Header: "sku"}, {Column: "status", Header: "status"}}})
	p.edit(p.set("A3", "B-2"), p.set("A4", "B-3"))
	p.settle()
	got := p.one("SELECT group_concat(sku || ':' || IFNULL(secret, '-'), ' ') FROM items ORDER BY sku")
	t.Log(got, p.link().State)
	if strings.Contains(got, ":-") {
		t.Errorf("columns outside the link are lost: %s", got)
	}
}

// A row deleted in the database and changed in the sheet waits for a person; then its key is edited.
func TestRowConflictRenamed(t *testing.T) {
	p := newManualPair(t, nil)
	p.exec("DELETE FROM items WHERE id = 2")
	p.edit(p.set("B3", "Changed"))
	p.settle()
	p.conflict()
	p.edit(p.set("A3", "77"))
	p.settle()
	t.Logf("conflicts %d, table %v", len(p.conflicts()), p.table())
	if len(p.conflicts()) == 0 && len(p.table()) == 5 {
		t.Errorf("the row is back, and nobody decided that")
	}
}

// A row deleted in the sheet and changed in the database waits for a person; then somebody types a new row like it.
func TestRowConflictPaired(t *testing.T) {
	p := newManualPair(t, nil)
	p.secrets()
	p.exec("UPDATE items SET title = 'Table' WHERE id = 2")
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 3, Count: 1}})
	p.settle()
	p.conflict()
	p.now = p.now.Add(24 * time.Hour)
	p.settle()
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A6", Values: [][]string{{"77", "Item 2", "8", "2.50"}}}})
	p.settle()
	t.Logf("conflicts %d, table %v, sheet %v, secret %s", len(p.conflicts()), p.table(), p.sheet(), p.one("SELECT IFNULL(secret,'new') FROM items WHERE id = 77"))
	if len(p.conflicts()) != 1 {
		t.Errorf("the conflict is gone, and nobody decided")
	}
	p.wantRow(p.table(), "77|Item 2|8|2.50")
}

// One key stands twice; of rows alike one is deleted.
func TestDeletionHeldByTwin(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER, price DECIMAL(8,2))")
	cells := [][]any{{"id", "title", "qty", "price"}}
	for i := 1; i <= 6; i++ {
		p.exec("INSERT INTO items VALUES (?, 'todo', 1, 1.5)", i)
		cells = append(cells, []any{i, "todo", 1, 1.5})
	}
	p.join(cells, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty"}, {Column: "price", Header: "price"}}})
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A8", Values: [][]string{{"1", "todo", "1", "1.5"}}}}, // a copy of row 1
		emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 6, Count: 2}}) // keys 5 and 6
	p.ticks(30 * time.Minute)
	for _, e := range p.errs() {
		t.Logf("%q %d %s", e.Key, e.Position, e.Message)
	}
	t.Logf("table %d rows, sheet %d rows; equal as of %v, now %v", len(p.table()), len(p.sheet()), p.link().Status.EqualAsOf, p.now)
	p.wantRows(4)
}

// Delete one, type another alike without key.
func TestNewTwinHeld(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER, price DECIMAL(8,2))")
	cells := [][]any{{"id", "title", "qty", "price"}}
	for i := 1; i <= 6; i++ {
		p.exec("INSERT INTO items VALUES (?, 'todo', 1, 1.5)", i)
		cells = append(cells, []any{i, "todo", 1, 1.5})
	}
	p.join(cells, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty"}, {Column: "price", Header: "price"}}})
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 3, Count: 3}}) // keys 2, 3, 4
	p.typeRow(5, "todo", "1", "1.5")
	p.ticks(30 * time.Minute)
	for _, e := range p.errs() {
		t.Logf("%q %d %s", e.Key, e.Position, e.Message)
	}
	t.Logf("table %v", p.table())
	p.wantRows(4)
}

// A decision is given while the column is paused.
func TestResolvedWhilePaused(t *testing.T) {
	p := newManualPair(t, nil)
	p.fight()
	c := p.conflict()
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "B1"}})
	p.resolve("2", tandem.Resolution{Digest: c.Digest, Take: tandem.Sheet, Actor: "ann"})
	t.Logf("paused: conflicts %d", len(p.conflicts()))
	p.edit(p.set("B1", "title"))
	p.settle()
	left := p.conflicts()
	t.Logf("after: %d conflicts, table %v", len(left), p.table()[1])
	p.wantRow(p.table(), "2|Sheet|50|9.75")
}

// Protected key column.
func TestKeyProtected(t *testing.T) {
	p := newPair(t, 3)
	p.typeRow(5, "New", "7", "1.25")
	p.edit(emulator.Edit{Protect: &emulator.Protect{Sheet: "Items", A1: "A2:A50"}})
	p.settle()
	reads, writes := p.ticks(5 * time.Minute)
	t.Logf("%d reads %d writes in 5 min; table %v; errors %v; last error %q; halted %v", reads, writes, p.table(), p.errs(), p.link().Status.LastError, p.link().State)
	p.exec("UPDATE items SET title = 'Later' WHERE id = 1")
	p.settle()
	p.wantRow(p.sheet(), "1|Later|1|1.50")
}

// Keys of the whole column shifted by one (fill-down): linked cells must agree in the end.
func TestFillDown(t *testing.T) {
	p := newPair(t, 8)
	p.secrets()
	var keys [][]string
	for i := 1; i <= 8; i++ {
		keys = append(keys, []string{fmt.Sprint(i + 1)})
	}
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A2", Values: keys}})
	p.settle()
	t.Log(p.link().State, p.one("SELECT group_concat(id || title || IFNULL(secret,'-'), ' ') FROM items"))
	p.wantSame()
	p.wantQuiet()
}

// Keys swapped in one edit, and a chain.
func TestSwapOneEdit(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A3", Values: [][]string{{"3"}, {"2"}}}})
	p.settle()
	p.wantSame()
	p.wantQuiet()
	t.Log(p.one("SELECT group_concat(id || title || IFNULL(secret,'-'), ' ') FROM items"))
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A5", Values: [][]string{{"77"}, {"4"}}}}) // 4 -> 77, 5 -> 4
	p.settle()
	p.wantSame()
	p.wantQuiet()
	t.Log(p.one("SELECT group_concat(id || title || IFNULL(secret,'-'), ' ') FROM items"))
}

// Two workers take turns at keyless rows and refused ones.
func TestTwoWorkersKeyless(t *testing.T) {
	p := newPair(t, 3)
	a, b := p.worker, p.newWorker("second")
	p.typeRow(5, "New", "7", "1.25")
	p.typeRow(7, "New", "7", "1.25")
	p.typeRow(8, "Bad", "5000", "1.25")
	for i := range 400 {
		p.worker = a
		if i%2 == 1 {
			p.worker = b
		}
		p.step(500 * time.Millisecond)
	}
	p.wantRows(5)
	before := p.google.Stats().Writes
	for i := range 300 {
		p.worker = a
		if i%2 == 1 {
			p.worker = b
		}
		p.step(300 * time.Millisecond)
	}
	t.Logf("%d writes later, errors %v", p.google.Stats().Writes-before, len(p.errs()))
}
