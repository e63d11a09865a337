package engine_test

import (
	"testing"

	"github.com/tandem-sync/tandem"
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
			link := p.link()
			table, err := p.store.OpenTable(t.Context(), &link)
			if err != nil {
				t.Fatal(err)
			}
			results, err := table.Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Delete, Key: "2", Actor: "token:ops"}}, false)
			if err != nil || results[0].Err != nil {
				t.Fatal(err, results)
			}
			p.edit(p.set("B3", "Changed"))
			p.settle()
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
