package engine_test

import (
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A row that the API deleted and a person changed meanwhile waits for a decision. Whatever that is, and however long it takes,
// what the row held outside the link is not lost, unless somebody wrote the row in the table since.
func TestDecidedDeletionKeepsTheRest(t *testing.T) {
	type act func(p *pair)
	edit := func(p *pair) { p.edit(p.set("B3", "Once more")) }
	anew := func(p *pair) {
		p.exec("INSERT INTO items (id, title, secret) VALUES (2, 'anew', 'new')")
		p.exec("DELETE FROM items WHERE id = 2")
	}
	for name, test := range map[string]struct {
		meanwhile []act
		take      tandem.Source
		secret    string
	}{
		"sheet":                             {nil, tandem.Sheet, "s2"},
		"database":                          {nil, tandem.Database, "s2"},
		"sheet, after another edit":         {[]act{edit}, tandem.Sheet, "s2"},
		"database, after another edit":      {[]act{edit}, tandem.Database, "s2"},
		"sheet, after a row written anew":   {[]act{anew}, tandem.Sheet, ""},
		"database, after one and an edit":   {[]act{anew, edit}, tandem.Database, ""},
		"sheet, after an edit and one anew": {[]act{edit, anew}, tandem.Sheet, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newManualPair(t, nil)
			p.secrets()
			p.deleteAndEdit()
			for _, act := range test.meanwhile {
				p.conflict()
				act(p)
				p.settle()
			}
			p.resolve("2", tandem.Resolution{Digest: p.conflict().Digest, Take: test.take, Actor: "ann"})
			p.wantSame()
			if len(p.conflicts()) > 0 {
				t.Errorf("conflicts stay: %+v", p.conflicts())
			}
			if test.take == tandem.Sheet {
				if secret := p.one("SELECT IFNULL(secret, '') FROM items WHERE id = 2"); secret != test.secret {
					t.Errorf("the row came back with the secret %q, want %q", secret, test.secret)
				}
				return
			}
			entries, err := p.store.Entries(t.Context(), "items", 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			last := entries[len(entries)-1]
			if last.Kind != tandem.Delete || last.Before["secret"].Text() != test.secret {
				t.Errorf("history says %+v, want the secret %q", last, test.secret)
			}
		})
	}
}

// deleteAndEdit has the API delete row 2 and a person change it.
func (p *pair) deleteAndEdit() {
	p.t.Helper()
	link := p.link()
	table, err := p.store.OpenTable(p.t.Context(), &link)
	if err != nil {
		p.t.Fatal(err)
	}
	results, err := table.Mutate(p.t.Context(), []tandem.Mutation{{Kind: tandem.Delete, Key: "2", Actor: "token:ops"}}, false)
	if err != nil || results[0].Err != nil {
		p.t.Fatal(err, results)
	}
	p.edit(p.set("B3", "Changed"))
	p.settle()
}

// What was decided about a deletion, and the table refuses, is carried out when the table takes it, with what the row held outside
// the link: whether a person decided, or the link's policy.
func TestRefusedDecisionWaits(t *testing.T) {
	for _, by := range []string{"a person", "the policy"} {
		t.Run(by, func(t *testing.T) {
			p := newManualPair(t, nil)
			p.secrets()
			p.exec("CREATE TABLE block (title VARCHAR(50))")
			p.exec("INSERT INTO block VALUES ('Changed')")
			p.exec("CREATE TRIGGER nope BEFORE INSERT ON items WHEN EXISTS (SELECT 1 FROM block WHERE title = NEW.title) BEGIN SELECT RAISE(ABORT, 'blocked'); END")
			p.deleteAndEdit()
			if by == "a person" {
				p.resolve("2", tandem.Resolution{Digest: p.conflict().Digest, Take: tandem.Sheet, Actor: "ann"})
			} else {
				p.conflict()
				link := p.link()
				link.Policy = tandem.SheetWins
				if _, err := p.store.UpdateLink(t.Context(), link, link.Version); err != nil {
					t.Fatal(err)
				}
			}
			p.exec("UPDATE items SET qty = 8 WHERE id = 4")
			p.settle()
			p.edit(p.set("B5", "Else"))
			p.settle()
			if len(p.table()) != 4 {
				t.Fatalf("the table took the row: %v", p.table())
			}
			p.exec("DELETE FROM block")
			for range 100 {
				p.step(time.Minute)
			}
			p.wantSame()
			p.wantRows(5)
			if left := p.conflicts(); len(left) > 0 {
				t.Errorf("conflicts stay: %+v", left)
			}
			if secret := p.one("SELECT IFNULL(secret, '') FROM items WHERE id = 2"); secret != "s2" {
				t.Errorf("the row came back with the secret %q", secret)
			}
		})
	}
}

// A row that is left alone, since its key stands twice in the sheet, is written anew in the table and deleted there: what it held
// before does not come back.
func TestHeldRowForgetsTheRest(t *testing.T) {
	p := newManualPair(t, nil)
	p.secrets()
	p.deleteAndEdit()
	p.conflict()
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A7", Values: [][]string{{"2", "Twice", "7", "1.25"}}}})
	p.settle()
	p.exec("INSERT INTO items (id, title, secret) VALUES (2, 'anew', 'new')")
	p.exec("DELETE FROM items WHERE id = 2")
	p.settle()
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 7, Count: 1}})
	p.settle()
	p.resolve("2", tandem.Resolution{Digest: p.conflict().Digest, Take: tandem.Sheet, Actor: "ann"})
	p.wantSame()
	if secret := p.one("SELECT IFNULL(secret, '') FROM items WHERE id = 2"); secret != "" {
		t.Errorf("the row came back with the secret %q, want none", secret)
	}
}
