package engine_test

import (
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A deletion that the table refuses (children), a day later somebody types a new row like it.
func TestRefusedDeletionPaired(t *testing.T) {
	p := newPair(t, 5)
	p.secrets()
	p.exec("CREATE TABLE parts (id INTEGER PRIMARY KEY, item INTEGER REFERENCES items (id) ON UPDATE CASCADE)")
	p.exec("INSERT INTO parts VALUES (1, 2)")
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 3, Count: 1}})
	p.settle()
	t.Logf("errors %v", p.errs())
	p.now = p.now.Add(24 * time.Hour)
	p.settle()
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A6", Values: [][]string{{"77", "Item 2", "8", "2.50"}}}})
	p.settle()
	t.Logf("table %v; part 1 belongs to %s; secret of 77 is %s", p.table(), p.one("SELECT item FROM parts"), p.one("SELECT IFNULL(secret,'new') FROM items WHERE id = 77"))
	if got := p.one("SELECT item FROM parts"); got != "2" {
		t.Errorf("the part belongs to %s now", got)
	}
}

// Typed while the guard halts.
func TestTypedWhileHalted(t *testing.T) {
	for _, putBack := range []bool{false, true} {
		p := newPair(t, 100)
		p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 30}})
		p.typeRow(72, "New", "7", "1.25")
		p.settle()
		if p.link().State != tandem.StateHalted {
			t.Fatal(p.link().State)
		}
		p.wantRows(100)
		p.typeRow(73, "Newer", "7", "2.25")
		p.settle()
		if _, err := p.store.Approve(t.Context(), "items", putBack); err != nil {
			t.Fatal(err)
		}
		p.settle()
		p.wantRows(map[bool]int{false: 72, true: 102}[putBack])
		p.wantSame()
		p.wantQuiet()
	}
}

// An initial sync dies between insert and key.
func TestSyncDiesTyped(t *testing.T) {
	p := newPair(t, 3)
	if err := p.store.SetState(t.Context(), "items", []tandem.State{tandem.StateActive}, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	p.typeRow(5, "New", "7", "1.25")
	died := false
	p.beforeSend = func() { died = true; panic("dies") }
	func() {
		defer func() { _ = recover() }()
		p.sync(tandem.SyncRequest{DiscardBaseline: true})
	}()
	p.worker = p.newWorker("second")
	p.now = p.now.Add(time.Minute)
	p.settle()
	p.settle()
	t.Log(died, p.link().State)
	p.wantRows(4)
	p.wantSame()
	p.wantQuiet()
}

// The policy is changed while conflicts are open.
func TestPolicyChanged(t *testing.T) {
	p := newManualPair(t, nil)
	p.fight()
	p.conflict()
	link := p.link()
	link.Policy = tandem.SheetWins
	if _, err := p.store.UpdateLink(t.Context(), link, link.Version); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if n := len(p.conflicts()); n != 0 {
		t.Errorf("%d conflicts", n)
	}
	p.wantSame()
}

// The cell is edited just as the decision is written.
func TestResolutionRaced(t *testing.T) {
	p := newManualPair(t, nil)
	p.fight()
	c := p.conflict()
	p.beforeSend = func() { p.edit(p.set("B3", "Third")) }
	p.resolve("2", tandem.Resolution{Digest: c.Digest, Take: tandem.Database})
	p.settle()
	t.Logf("table %v sheet %v conflicts %v", p.table()[1], p.sheet()[1], len(p.conflicts()))
	p.wantRow(p.sheet(), "2|Third|50|9.75")
	p.wantRow(p.table(), "2|Table|50|9.75")
	p.conflict()
}

// Decided, then renamed in the same moment.
func TestResolutionRenamed(t *testing.T) {
	for _, take := range []tandem.Source{tandem.Database, tandem.Sheet} {
		p := newManualPair(t, nil)
		p.fight()
		c := p.conflict()
		p.edit(p.set("A3", "77"))
		p.resolve("2", tandem.Resolution{Digest: c.Digest, Take: take})
		p.settle()
		t.Logf("table %v conflicts %v", p.table(), len(p.conflicts()))
		p.wantSame()
		p.wantQuiet()
		if len(p.conflicts()) > 0 {
			t.Error("conflict stays")
		}
	}
}

// The row error retry of a row whose key is edited, and fresh rows in error.
func TestHotLoops(t *testing.T) {
	for name, act := range map[string]func(p *pair){
		"renamed": func(p *pair) { p.edit(p.set("A3", "77")) },
		"fresh in error, then its twin goes": func(p *pair) {
			p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A7", Values: [][]string{{"78", "Item 4", "5000", "4.5"}}}})
			p.settle()
			p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 5, Count: 1}})
		},
		"header gone": func(p *pair) { p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "C1"}}) },
		"error value": func(p *pair) { p.edit(p.set("A3", "=1/0")) },
		"deleted": func(p *pair) {
			p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 3, Count: 1}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, 5)
			p.edit(p.set("C3", "5000"))
			p.settle()
			act(p)
			p.ticks(3 * time.Minute)
			reads, writes := p.ticks(time.Minute)
			t.Logf("%d reads %d writes", reads, writes)
			if reads > 60 || writes > 0 {
				t.Errorf("%d reads, %d writes a minute", reads, writes)
			}
		})
	}
}
