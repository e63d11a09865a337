package engine_test

import (
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// X1: rows in which nobody typed anything, only formulas that people filled down for later.
func TestFormulaRowsInvented(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50), qty INTEGER, price DECIMAL(8,2))")
	p.exec("INSERT INTO items VALUES (1, 'Item 1', 1, 2)")
	p.join([][]any{{"id", "title", "qty", "price"}, {1, "Item 1", 1, "=C2*2"}}, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty"}, {Column: "price", Header: "price"}}})
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "D3", Values: [][]string{{"=C3*2"}, {"=C4*2"}, {"=C5*2"}}}})
	p.ticks(time.Minute)
	t.Logf("table %v\ncells %v", p.one("SELECT group_concat(id || ':' || IFNULL(title,'-') || ':' || IFNULL(price,'-'), ' ') FROM items"), readCells(t, p.google, "Items"))
	if n := p.one("SELECT count(*) FROM items"); n != "1" {
		t.Errorf("%s rows, nobody typed any", n)
	}
}

// X2: the first sync of a sheet whose key column is still empty, its rows are in the table.
func TestFirstSyncTwins(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER, price DECIMAL(8,2))")
	cells := [][]any{{"id", "title", "qty", "price"}}
	for i, title := range []string{"Ann", "Bob", "Cyd"} {
		p.exec("INSERT INTO items VALUES (?, ?, ?, 1.5)", i+1, title, i)
		cells = append(cells, []any{"", title, i, 1.5})
	}
	report := p.join(cells, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty"}, {Column: "price", Header: "price"}}})
	t.Logf("%+v", report.Counts)
	p.settle()
	t.Logf("table %v", p.table())
	p.wantRows(3)
}

// X3: key cells cleared by accident (the link holds the rows, rightly), then the baseline is discarded.
func TestDiscardTwins(t *testing.T) {
	p := newPair(t, 15)
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A2:A16"}})
	p.settle()
	p.wantRows(15)
	if err := p.store.SetState(t.Context(), "items", []tandem.State{tandem.StateActive}, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	report := p.sync(tandem.SyncRequest{DiscardBaseline: true})
	t.Logf("%+v", report.Counts)
	p.settle()
	t.Logf("table %d rows, sheet %d", len(p.table()), len(p.sheet()))
	p.wantRows(15)
}

// X4: an initial sync that keeps the baseline, for comparison.
func TestSyncKeepsTwins(t *testing.T) {
	p := newPair(t, 15)
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A2:A16"}})
	p.settle()
	if err := p.store.SetState(t.Context(), "items", []tandem.State{tandem.StateActive}, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	report := p.sync(tandem.SyncRequest{})
	t.Logf("%+v", report.Counts)
	p.settle()
	p.wantRows(15)
}

// X5: two rows alike lose their key cells, one row keyless copy is left after the other is deleted: deletion of one of n twins.
func TestKeyClearedThenChanged(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A3"}})
	p.settle()
	p.edit(p.set("B3", "Other"), p.set("C3", "9"), p.set("D3", "9.25")) // "or change the row if it is a new one"
	p.settle()
	t.Logf("table %v, secrets %s", p.table(), p.one("SELECT group_concat(id || IFNULL(secret,'-')) FROM items"))
	p.wantRows(5)
	p.wantSame()
}

// X6: keyless twins of one row, one record: crash, then the person deletes one of them.
func TestCrashThenTwinDeleted(t *testing.T) {
	p := newPair(t, 3)
	p.typeRow(5, "New", "7", "1.25")
	p.typeRow(6, "New", "7", "1.25")
	func() {
		defer func() { _ = recover() }()
		p.beforeSend = func() { panic("dies") }
		p.settle()
	}()
	p.wantRows(5)
	p.worker = p.newWorker("second")
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 5, Count: 1}})
	p.now = p.now.Add(time.Minute)
	p.settle()
	p.settle()
	p.wantRows(4)
	p.wantSame()
	p.wantQuiet()
}

// X7: the crashed row's record, and the database deletes the row, or changes it, before the key is written.
func TestCrashThenDatabase(t *testing.T) {
	for _, sql := range []string{"DELETE FROM items WHERE id = 4", "UPDATE items SET qty = 70 WHERE id = 4", "UPDATE items SET id = 40 WHERE id = 4"} {
		p := newPair(t, 3)
		p.typeRow(5, "New", "7", "1.25")
		func() {
			defer func() { _ = recover() }()
			p.beforeSend = func() { panic("dies") }
			p.settle()
		}()
		p.wantRows(4)
		p.worker = p.newWorker("second")
		p.exec(sql)
		p.now = p.now.Add(time.Minute)
		p.settle()
		p.settle()
		t.Log(sql, p.table(), readCells(t, p.google, "Items")[4:])
		p.wantSame()
		p.wantQuiet()
	}
}
