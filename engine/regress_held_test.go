package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// ticks runs the worker as it runs in production for d: a look every 100 ms.
func (p *pair) ticks(d time.Duration) (reads, writes int64) {
	p.t.Helper()
	before := p.google.Stats()
	for end := p.now.Add(d); p.now.Before(end); {
		p.step(100 * time.Millisecond)
	}
	after := p.google.Stats()
	return int64(after.Reads - before.Reads), int64(after.Writes - before.Writes)
}

func (p *pair) errs() []tandem.RowError {
	p.t.Helper()
	errs, _, err := p.store.RowErrors(p.t.Context(), "items", "", 10000)
	if err != nil {
		p.t.Fatal(err)
	}
	return errs
}

// A row error with a time to try again, whose row is then held as a lookalike.
func TestHotLoopLookalike(t *testing.T) {
	p := newPair(t, 5)
	p.edit(p.set("C3", "5000"))
	p.settle()
	quiet, _ := p.ticks(30 * time.Second)
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A3"}})
	p.ticks(2 * time.Minute)
	reads, writes := p.ticks(time.Minute)
	t.Logf("a quiet half minute before: %d reads; a minute later: %d reads, %d writes", quiet, reads, writes)
	if reads > 60 {
		t.Errorf("%d reads a minute while nobody does anything", reads)
	}
}

// The database changes a row while its key cell is empty; then the key is put back.
func TestLookalikeMarkConsumed(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A3"}})
	p.settle()
	p.exec("UPDATE items SET qty = 50 WHERE id = 2")
	p.settle()
	p.edit(p.set("A3", "2"))
	p.ticks(5 * time.Minute)
	link := p.link()
	t.Logf("equal as of %v, now %v", link.Status.EqualAsOf, p.now)
	p.wantSame()
}

// One refused keyless row, everybody at rest.
func TestRefusedKeylessFlaps(t *testing.T) {
	p := newPair(t, 5)
	p.typeRow(7, "New", "5000", "1.25")
	p.settle()
	first := p.errs()
	_, writes := p.ticks(time.Hour)
	t.Logf("%d writes in an hour of rest; since %v then %v", writes, first[0].Since, p.errs())
	if writes > 0 {
		t.Errorf("%d writes in an hour although nobody did anything", writes)
	}
}

// Many refused keyless rows.
func TestManyRefusedKeyless(t *testing.T) {
	p := newPair(t, 5)
	var cells [][]string
	for i := range 1500 {
		cells = append(cells, []string{fmt.Sprintf("New %d", i), "5000", "1.25"})
	}
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "B7", Values: cells}})
	p.settle()
	var counts []int
	before := p.google.Stats()
	for range 12 {
		p.step(5 * time.Second)
		counts = append(counts, len(p.errs()))
	}
	after := p.google.Stats()
	t.Logf("errors shown, every 5 s: %v; %d reads and %d writes in that minute", counts, after.Reads-before.Reads, after.Writes-before.Writes)
	for _, n := range counts {
		if n != 1500 {
			t.Fatalf("%d rows in error, want 1500", n)
		}
	}
}

// A keyless row whose parent comes later.
func TestKeylessParentLater(t *testing.T) {
	p := newPair(t, 3)
	p.exec("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
	p.exec("CREATE TRIGGER needs BEFORE INSERT ON items WHEN NEW.qty = 77 AND NOT EXISTS (SELECT 1 FROM parents) BEGIN SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed'); END")
	p.typeRow(5, "New", "77", "1.25")
	p.settle()
	p.wantRows(3)
	p.exec("INSERT INTO parents VALUES (1)")
	p.ticks(5 * time.Minute)
	p.wantRows(4)
}

// The key cell of the typed row holds a formula that shows nothing.
func TestKeyCellFormula(t *testing.T) {
	p := newPair(t, 3)
	p.typeRow(5, "New", "7", "1.25")
	p.edit(p.set("A5", `=""`))
	p.settle()
	t.Logf("table %v", p.table())
	before := len(p.errs())
	p.exec("UPDATE items SET qty = 99 WHERE id = 4")
	p.edit(p.set("D5", "8.25"))
	reads, writes := p.ticks(5 * time.Minute)
	t.Logf("%d errors before, %v after; %d reads %d writes in 5 min; table %v, cells %v; equal as of %v now %v", before, p.errs(), reads, writes, p.table(), readCells(t, p.google, "Items")[4], p.link().Status.EqualAsOf, p.now)
	if len(p.errs()) == 0 {
		t.Errorf("the row is stuck and nobody is told")
	}
}

// A header is cleared and typed again while the database empties a cell of that column.
func TestRefillUndoesNull(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "C1"}})
	p.settle()
	t.Logf("paused: %q", p.paused("qty"))
	p.exec("UPDATE items SET qty = NULL WHERE id = 2")
	p.settle()
	p.edit(p.set("C1", "qty"))
	p.settle()
	p.wantRow(p.table(), "2|Item 2||2.50")
	p.wantSame()
}

// Column deleted and inserted again while one key stands twice; the copy is removed later.
func TestReturnedColumnBlockedRow(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A7", Values: [][]string{{"3", "Copy", "1", "1"}}}})
	p.settle()
	p.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Items", Column: "C"}})
	p.settle()
	p.edit(emulator.Edit{InsertColumn: &emulator.InsertColumn{Sheet: "Items", Before: "C", Header: "qty"}})
	p.settle()
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 7, Count: 1}})
	p.settle()
	p.wantRow(p.table(), "3|Item 3|3|3.50")
	p.wantSame()
}

// The same with a key cell emptied.
func TestReturnedColumnLookalike(t *testing.T) {
	p := newPair(t, 5)
	p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A4"}})
	p.settle()
	p.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Items", Column: "C"}})
	p.settle()
	p.edit(emulator.Edit{InsertColumn: &emulator.InsertColumn{Sheet: "Items", Before: "C", Header: "qty"}})
	p.settle()
	p.edit(p.set("A4", "3"))
	p.settle()
	p.wantRow(p.table(), "3|Item 3|3|3.50")
	p.wantSame()
}

// A trigger of the database takes the row away (moves it to another table).
func TestTriggerTakesRow(t *testing.T) {
	p := newPair(t, 3)
	p.exec("CREATE TABLE archive (title TEXT)")
	p.exec("CREATE TRIGGER moves AFTER INSERT ON items WHEN NEW.qty = 77 BEGIN INSERT INTO archive VALUES (NEW.title); DELETE FROM items WHERE id = NEW.id; END")
	p.typeRow(5, "New", "77", "1.25")
	p.ticks(5 * time.Minute)
	n := p.one("SELECT count(*) FROM archive")
	t.Logf("archive %s, errors %v, table %v, link %+v", n, p.errs(), p.table(), p.link().Status.LastError)
	if n != "1" {
		t.Errorf("one typed row was inserted %s times", n)
	}
}

// The database ignores the insert.
func TestTriggerIgnoresRow(t *testing.T) {
	p := newPair(t, 3)
	p.exec("CREATE TRIGGER ignores BEFORE INSERT ON items WHEN NEW.qty = 77 BEGIN SELECT RAISE(IGNORE); END")
	p.typeRow(5, "New", "77", "1.25")
	p.ticks(time.Minute)
	p.exec("UPDATE items SET title = 'Later' WHERE id = 1")
	p.edit(p.set("B3", "Edited"))
	p.ticks(5 * time.Minute)
	t.Logf("last error %q, errors %v", p.link().Status.LastError, p.errs())
	p.wantRow(p.table(), "2|Edited|2|2.50")
	p.wantRow(p.sheet(), "1|Later|1|1.50")
}

// A conflict in a row another cell of which the table refuses.
func TestConflictBesideRefused(t *testing.T) {
	p := newManualPair(t, nil)
	p.exec("UPDATE items SET title = 'Table' WHERE id = 2")
	p.edit(p.set("B3", "Sheet"), p.set("C3", "5000"))
	p.settle()
	p.ticks(time.Minute)
	errs := p.errs()
	reads, writes := p.ticks(5 * time.Minute)
	t.Logf("conflicts %v; errors then %+v\nnow %+v; %d reads %d writes in 5 min", p.conflicts(), errs, p.errs(), reads, writes)
	if len(p.conflicts()) != 1 {
		t.Errorf("%d conflicts, want 1", len(p.conflicts()))
	}
	if e := p.errs(); len(e) > 0 && e[0].Attempts > 8 {
		t.Errorf("%d attempts in 6 minutes", e[0].Attempts)
	}
}

// A resolution that the table refuses.
func TestResolutionRefused(t *testing.T) {
	p := newManualPair(t, nil)
	p.exec("UPDATE items SET qty = 50 WHERE id = 2")
	p.edit(p.set("C3", "60"))
	p.settle()
	c := p.conflict()
	p.resolve("2", tandem.Resolution{Digest: c.Digest, Columns: map[string]tandem.Choice{"qty": {Value: tandem.Text("5000")}}})
	p.ticks(time.Minute)
	a := p.errs()
	reads, writes := p.ticks(5 * time.Minute)
	b := p.errs()
	t.Logf("errors %+v then %+v; %d reads %d writes", a, b, reads, writes)
	if len(b) > 0 && b[0].Attempts > 10 {
		t.Errorf("%d attempts in 6 minutes", b[0].Attempts)
	}
}

// A resolution that the sheet refuses (formula).
func TestResolutionFormula(t *testing.T) {
	p := newManualPair(t, nil)
	p.exec("UPDATE items SET qty = 50 WHERE id = 2")
	p.edit(p.set("C3", "=30+30"))
	p.settle()
	c := p.conflict()
	p.resolve("2", tandem.Resolution{Digest: c.Digest, Take: tandem.Database})
	p.ticks(time.Minute)
	a := p.errs()
	reads, writes := p.ticks(5 * time.Minute)
	b := p.errs()
	t.Logf("conflicts %+v errors %+v then %+v; %d reads %d writes", p.conflicts(), a, b, reads, writes)
	if len(b) > 0 && b[0].Attempts > 10 {
		t.Errorf("%d attempts in 6 minutes", b[0].Attempts)
	}
}

// Delete one row and add an unrelated one in a table with little in it.
func TestRenameUnrelated(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (email VARCHAR(40) PRIMARY KEY, plan VARCHAR(10), secret VARCHAR(20))")
	p.exec("INSERT INTO items VALUES ('ann@x', 'free', 'pw-ann'), ('bob@x', 'gold', 'pw-bob'), ('cyd@x', 'silver', 'pw-cyd')")
	p.join([][]any{{"email", "plan"}, {"ann@x", "free"}, {"bob@x", "gold"}, {"cyd@x", "silver"}}, tandem.Link{Key: []string{"email"},
		Columns: []tandem.LinkColumn{{Column: "email", Header: "email"}, {Column: "plan", Header: "plan"}}})
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 1}},
		emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A5", Values: [][]string{{"mallory@x", "free"}}}})
	p.settle()
	got := p.one("SELECT group_concat(email || ':' || IFNULL(secret, '-')) FROM items WHERE email = 'mallory@x'")
	t.Log(got)
	if strings.Contains(got, "pw-ann") {
		t.Errorf("the new person has the deleted one's secret: %s", got)
	}
}

// Deleted in the database, renamed in the sheet, the database wins.
func TestRenameOfDeleted(t *testing.T) {
	p := newManualPair(t, func(l *tandem.Link) { l.Policy = tandem.DatabaseWins })
	p.settle()
	p.exec("DELETE FROM items WHERE id = 2")
	p.edit(p.set("A3", "77"))
	p.settle()
	t.Logf("table %v", p.table())
	p.wantRows(4)
}
