package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// secrets gives the table a column that is not linked, to see which rows were kept and which made anew.
func (p *pair) secrets() {
	p.exec("ALTER TABLE items ADD COLUMN secret VARCHAR(20)")
	p.exec("UPDATE items SET secret = 's' || id")
	p.settle()
}

func (p *pair) one(query string) (value string) {
	p.t.Helper()
	if err := p.db.QueryRow(query).Scan(&value); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return value
}

// A key edited in the sheet renames the table's row, with what is not linked.
func TestKeyEdited(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.edit(p.set("A3", "77"))
	p.settle()
	if secret := p.one("SELECT secret FROM items WHERE id = 77"); secret != "s2" {
		t.Errorf("the row's other columns hold %q", secret)
	}
	p.wantRows(5)
	p.wantSame()
	p.wantQuiet()
	entries, err := p.store.Entries(t.Context(), "items", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	last := entries[len(entries)-1]
	if last.Kind != tandem.Update || last.Key != "77" || last.Before["id"].Text() != "2" || last.Removes {
		t.Errorf("history says %+v", last)
	}
}

// The key is edited together with a cell, while the database changes another one; later rows are sorted.
func TestKeyEditedMeanwhile(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.exec("UPDATE items SET qty = 99 WHERE id = 2")
	p.edit(p.set("A3", "77"), p.set("B3", "Other"))
	p.settle()
	p.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "Items", Column: "id", Descending: true}})
	p.settle()
	p.wantRow(p.table(), "77|Other|99|2.50")
	if secret := p.one("SELECT secret FROM items WHERE id = 77"); secret != "s2" {
		t.Errorf("the row's other columns hold %q", secret)
	}
	p.wantSame()
	p.wantQuiet()
}

// Two rows swap their keys, one step after the other.
func TestKeyEditedTwice(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.edit(p.set("A3", "77"))
	p.settle()
	p.edit(p.set("A4", "2"))
	p.settle()
	p.edit(p.set("A3", "3"))
	p.settle()
	if got := p.one("SELECT group_concat(id || secret) FROM items"); got != "1s1,2s3,3s2,4s4,5s5" {
		t.Errorf("rows are %s", got)
	}
	p.wantSame()
	p.wantQuiet()
}

// A key that another row has is not taken, and neither row is touched.
func TestKeyEditedTaken(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.edit(p.set("A3", "4"))
	p.settle()
	if got := p.one("SELECT group_concat(id || secret) FROM items"); got != "1s1,2s2,3s3,4s4,5s5" {
		t.Errorf("rows are %s", got)
	}
	p.edit(p.set("A3", "2"))
	p.settle()
	p.wantSame()
	p.wantQuiet()
}

// A new key that the table refuses, here because a child row references the old one, is an error; the row stays as it is.
func TestKeyEditedRefused(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.exec("CREATE TABLE parts (id INTEGER PRIMARY KEY, item INTEGER REFERENCES items (id))")
	p.exec("INSERT INTO parts VALUES (1, 2)")
	p.edit(p.set("A3", "77"))
	p.settle()
	p.wantRow(p.table(), "2|Item 2|2|2.50")
	p.wantRows(5)
	errs, _, err := p.store.RowErrors(t.Context(), "items", "", 10)
	if err != nil || len(errs) != 1 {
		t.Fatalf("row errors %+v, %v", errs, err)
	}
	p.exec("DELETE FROM parts")
	p.now = p.now.Add(60e9)
	p.settle()
	if secret := p.one("SELECT secret FROM items WHERE id = 77"); secret != "s2" {
		t.Errorf("the row's other columns hold %q", secret)
	}
	p.wantSame()
}

// A row is deleted and a new one typed that is not like it: no key was edited.
func TestKeyNotEdited(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 3, Count: 1}},
		emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A6", Values: [][]string{{"77", "Different", "8", "2.50"}}}})
	p.settle()
	if got := p.one("SELECT IFNULL(secret, 'new') FROM items WHERE id = 77"); got != "new" {
		t.Errorf("the new row holds the deleted one's %q", got)
	}
	p.wantRows(5)
	p.wantSame()
}

// newNamedPair links people whose names are keys that the database compares without case.
func newNamedPair(t *testing.T, sheet [][]any) *pair {
	p := startPair(t)
	p.exec("CREATE TABLE items (name VARCHAR(20) COLLATE NOCASE PRIMARY KEY, score INTEGER)")
	p.exec("INSERT INTO items VALUES ('Alice', 1), ('Bob', 2), ('Carol', 3)")
	p.join(append([][]any{{"name", "score", "mine"}}, sheet...), tandem.Link{Key: []string{"name"},
		Columns: []tandem.LinkColumn{{Column: "name", Header: "name"}, {Column: "score", Header: "score"}}})
	return p
}

func (p *pair) people() string {
	return p.one("SELECT group_concat(name || score, ' ') FROM (SELECT * FROM items ORDER BY name)")
}

func (p *pair) lines() string {
	var lines []string
	for _, row := range readCells(p.t, p.google, "Items")[1:] {
		line := make([]string, len(row))
		for i, cell := range row {
			line[i] = fmt.Sprint(cell)
		}
		lines = append(lines, strings.Join(line, ","))
	}
	return strings.Join(lines, " ")
}

// Keys that the database holds equal are one row, however the sheet spells them.
func TestFoldedKeys(t *testing.T) {
	p := newNamedPair(t, [][]any{{"alice", 1, "a"}, {"BOB", 2, "b"}, {"Dora", 4, "d"}})
	if got := p.people(); got != "Alice1 Bob2 Carol3 Dora4" {
		t.Errorf("the table holds %s", got)
	}
	if got := p.lines(); got != "alice,1,a BOB,2,b Dora,4,d Carol,3" {
		t.Errorf("the sheet holds %s", got)
	}
	p.wantQuiet()
	p.exec("UPDATE items SET score = 10 WHERE name = 'alice'")
	p.edit(p.set("B3", "20"))
	p.settle()
	if got := p.people(); got != "Alice10 Bob20 Carol3 Dora4" {
		t.Errorf("the table holds %s", got)
	}
	if got := p.lines(); got != "alice,10,a BOB,20,b Dora,4,d Carol,3" {
		t.Errorf("the sheet holds %s", got)
	}
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 1}})
	p.exec("DELETE FROM items WHERE name = 'bob'")
	p.settle()
	if got := p.people(); got != "Carol3 Dora4" {
		t.Errorf("the table holds %s", got)
	}
	if got := p.lines(); got != "Dora,4,d Carol,3" {
		t.Errorf("the sheet holds %s", got)
	}
	p.wantQuiet()
}

// Of two rows that are one for the database, none is applied until one of them goes.
func TestFoldedTwins(t *testing.T) {
	p := newNamedPair(t, [][]any{{"Alice", 1}, {"Bob", 2}, {"Carol", 3}})
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A5", Values: [][]string{{"ALICE", "7"}, {"dora", "8"}, {"Dora", "9"}}}})
	p.settle()
	if got := p.people(); got != "Alice1 Bob2 Carol3" {
		t.Errorf("the table holds %s", got)
	}
	if errs, _, _ := p.store.RowErrors(t.Context(), "items", "", 10); len(errs) < 3 {
		t.Errorf("row errors %+v", errs)
	}
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 5, Count: 2}})
	p.settle()
	if got := p.people(); got != "Alice1 Bob2 Carol3 Dora9" {
		t.Errorf("the table holds %s", got)
	}
	p.wantQuiet()
}
