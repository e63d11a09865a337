package engine_test

import (
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// newManualPair is a pair whose conflicts are left to people.
func newManualPair(t *testing.T, change func(link *tandem.Link)) *pair {
	p := newPair(t, 5)
	link := p.link()
	link.Policy = tandem.Manual
	if change != nil {
		change(&link)
	}
	if _, err := p.store.UpdateLink(t.Context(), link, link.Version); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *pair) conflicts() []tandem.Conflict {
	p.t.Helper()
	conflicts, _, err := p.store.Conflicts(p.t.Context(), "items", "", 100)
	if err != nil {
		p.t.Fatal(err)
	}
	return conflicts
}

func (p *pair) conflict() tandem.Conflict {
	p.t.Helper()
	conflicts := p.conflicts()
	if len(conflicts) != 1 {
		p.t.Fatalf("%d conflicts: %+v", len(conflicts), conflicts)
	}
	return conflicts[0]
}

func (p *pair) resolve(key tandem.Key, r tandem.Resolution) {
	p.t.Helper()
	if _, err := p.store.Resolve(p.t.Context(), "items", key, r); err != nil {
		p.t.Fatal(err)
	}
	p.settle()
}

// fight has both sides change a cell of row 2, and each another cell.
func (p *pair) fight() {
	p.exec("UPDATE items SET title = 'Table', qty = 50 WHERE id = 2")
	p.edit(p.set("B3", "Sheet"), p.set("D3", "9.75"))
	p.settle()
}

// A cell that both sides changed waits for a person; all others flow.
func TestManual(t *testing.T) {
	p := newManualPair(t, nil)
	p.fight()
	p.wantRow(p.table(), "2|Table|50|9.75")
	p.wantRow(p.sheet(), "2|Sheet|50|9.75")
	p.wantQuiet()
	c := p.conflict()
	if len(c.Columns) != 1 || c.Columns[0] != "title" || c.Base["title"].Text() != "Item 2" || c.Database["title"].Text() != "Table" || c.Sheet["title"].Text() != "Sheet" {
		t.Errorf("the conflict is %+v", c)
	}
	p.exec("UPDATE items SET title = 'Other' WHERE id = 3")
	p.settle()
	p.wantRow(p.sheet(), "3|Other|3|3.50")
	p.resolve("2", tandem.Resolution{Digest: c.Digest, Take: tandem.Sheet, Actor: "ann"})
	p.wantRow(p.table(), "2|Sheet|50|9.75")
	p.wantSame()
	p.wantQuiet()
	if left := p.conflicts(); len(left) > 0 {
		t.Errorf("conflicts stay: %+v", left)
	}
	entries, err := p.store.Entries(t.Context(), "items", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	last := entries[len(entries)-1]
	if last.Cause != tandem.CauseConflict || last.Actor != "ann" || last.Conflict == nil || last.Conflict.Winner != tandem.Sheet {
		t.Errorf("history says %+v", last)
	}
}

// Every way to settle one cell.
func TestManualChoices(t *testing.T) {
	for name, test := range map[string]struct {
		r    tandem.Resolution
		want string
	}{
		"database": {tandem.Resolution{Take: tandem.Database}, "2|Table|50|9.75"},
		"sheet":    {tandem.Resolution{Take: tandem.Sheet}, "2|Sheet|50|9.75"},
		"by column": {tandem.Resolution{Take: tandem.Database,
			Columns: map[string]tandem.Choice{"title": {Take: tandem.Sheet}}}, "2|Sheet|50|9.75"},
		"another value": {tandem.Resolution{Columns: map[string]tandem.Choice{"title": {Value: tandem.Text("Both")}}}, "2|Both|50|9.75"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newManualPair(t, nil)
			p.fight()
			p.resolve("2", test.r)
			p.wantRow(p.table(), test.want)
			p.wantSame()
			p.wantQuiet()
			if left := p.conflicts(); len(left) > 0 {
				t.Errorf("conflicts stay: %+v", left)
			}
		})
	}
}

// A person decides about what stood there, not about what came since.
func TestManualOutdated(t *testing.T) {
	p := newManualPair(t, nil)
	p.fight()
	c := p.conflict()
	p.exec("UPDATE items SET title = 'Newer' WHERE id = 2")
	p.resolve("2", tandem.Resolution{Digest: c.Digest, Take: tandem.Sheet})
	p.wantRow(p.table(), "2|Newer|50|9.75")
	p.wantRow(p.sheet(), "2|Sheet|50|9.75")
	if c = p.conflict(); c.Database["title"].Text() != "Newer" || c.Resolution != nil {
		t.Errorf("the conflict is %+v", c)
	}
}

// A conflict ends by itself when both sides agree again, whoever made them.
func TestManualEnds(t *testing.T) {
	for name, act := range map[string]func(p *pair){
		"the table gives way":      func(p *pair) { p.exec("UPDATE items SET title = 'Sheet' WHERE id = 2") },
		"the sheet gives way":      func(p *pair) { p.edit(p.set("B3", "Table")) },
		"the table takes it back":  func(p *pair) { p.exec("UPDATE items SET title = 'Item 2' WHERE id = 2") },
		"the sheet takes it back":  func(p *pair) { p.edit(p.set("B3", "Item 2")) },
		"the row goes on one side": func(p *pair) { p.exec("DELETE FROM items WHERE id = 2"); p.edit(p.set("B3", "Item 2")) },
		"the row goes on both": func(p *pair) {
			p.exec("DELETE FROM items WHERE id = 2")
			p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 3, Count: 1}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newManualPair(t, nil)
			p.fight()
			p.conflict()
			act(p)
			p.settle()
			if name == "the row goes on one side" {
				// The price that the sheet changed was agreed on, so that only the deletion is left.
				p.wantRows(4)
			}
			if left := p.conflicts(); len(left) > 0 {
				t.Errorf("conflicts stay: %+v", left)
			}
			p.wantSame()
			p.wantQuiet()
		})
	}
}

// Deleted here, changed there: the whole row waits.
func TestManualDelete(t *testing.T) {
	for _, take := range []tandem.Source{tandem.Database, tandem.Sheet} {
		p := newManualPair(t, nil)
		p.exec("DELETE FROM items WHERE id = 2")
		p.edit(p.set("B3", "Changed"))
		p.settle()
		p.wantRows(4)
		p.wantRow(p.sheet(), "2|Changed|2|2.50")
		if c := p.conflict(); len(c.Columns) > 0 || c.Database != nil || c.Sheet == nil {
			t.Errorf("the conflict is %+v", c)
		}
		p.wantQuiet()
		p.resolve("2", tandem.Resolution{Take: take})
		if take == tandem.Sheet {
			p.wantRow(p.table(), "2|Changed|2|2.50")
		} else {
			p.wantRows(4)
		}
		p.wantSame()
		p.wantQuiet()
	}
}

// A column may have another policy than its link, and rules decide where they are asked.
func TestRulesDecide(t *testing.T) {
	p := newManualPair(t, func(link *tandem.Link) {
		link.Columns[2].Policy = tandem.ByRules
		link.Columns[3].Policy = tandem.SheetWins
		link.Rules = []tandem.Rule{{Column: "qty", Expression: "database > sheet ? database : sheet"}}
	})
	p.exec("UPDATE items SET title = 'Table', qty = 50, price = 1.25 WHERE id IN (2, 3)")
	p.edit(p.set("B3", "Sheet"), p.set("C3", "40"), p.set("D3", "9.75"), p.set("C4", "60"))
	p.settle()
	p.wantRow(p.table(), "2|Table|50|9.75")
	p.wantRow(p.sheet(), "2|Sheet|50|9.75")
	p.wantRow(p.table(), "3|Table|60|1.25")
	p.wantRow(p.sheet(), "3|Table|60|1.25")
	if c := p.conflict(); len(c.Columns) != 1 || c.Columns[0] != "title" {
		t.Errorf("the conflict is %+v", c)
	}
	p.wantQuiet()
}

// An initial sync under MANUAL leaves every cell that differs to people.
func TestManualInitialSync(t *testing.T) {
	p := newManualPair(t, nil)
	if err := p.store.SetState(t.Context(), "items", []tandem.State{tandem.StateActive}, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	p.exec("UPDATE items SET title = 'Table' WHERE id = 2")
	p.edit(p.set("B3", "Sheet"))
	if plan := p.sync(tandem.SyncRequest{ValidateOnly: true, DiscardBaseline: true}); plan.Counts.Conflicts != 1 {
		t.Errorf("the plan says %+v", plan.Counts)
	}
	if report := p.sync(tandem.SyncRequest{DiscardBaseline: true}); report.Counts.Conflicts != 1 {
		t.Errorf("the sync says %+v", report.Counts)
	}
	p.settle()
	p.wantRow(p.table(), "2|Table|2|2.50")
	p.wantRow(p.sheet(), "2|Sheet|2|2.50")
	p.conflict()
}
