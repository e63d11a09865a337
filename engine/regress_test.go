package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// What a review or the simulation once broke. Each test says how data was lost, doubled or left behind.

// A person takes a write of ours back before the next look at the sheet: the sheet is then as it was seen before that write.
func TestSeenUndo(t *testing.T) {
	p := newPair(t, 5)
	p.exec("UPDATE items SET title = 'fromdb' WHERE id = 2")
	p.step(200 * time.Millisecond) // carried over by the mark
	p.wantRow(p.sheet(), "2|fromdb|2|2.50")
	p.edit(p.set("B3", "Item 2")) // a person takes it back before the next poll
	for range 60 {                // a minute
		p.step(time.Second)
	}
	p.wantSame()
}

// A row in error, due to be tried again, whose key then stands twice, must not be looked at without a pause.
func TestHotLoopBlockedRetry(t *testing.T) {
	p := newPair(t, 5)
	p.edit(p.set("C3", "5000")) // refused by CHECK, retry_at set
	p.step(6 * time.Second)
	p.step(6 * time.Second)
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A7", Values: [][]string{{"2", "Copy", "1"}}}})
	p.step(61 * time.Second)
	before := p.google.Stats().Reads
	n := 0
	for range 100 { // no time passes at all
		due, err := p.worker.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if due {
			n++
		}
	}
	if n > 3 {
		t.Errorf("%d of 100 steps were due with no time passing, %d reads", n, p.google.Stats().Reads-before)
	}
}

// A key cell that was emptied, or shows an error, is no deletion of its row.
func TestUnusableKeyCellDeletes(t *testing.T) {
	for _, input := range []string{"", "=1/0", "abc", "=NA()"} {
		p := newPair(t, 5)
		p.exec("ALTER TABLE items ADD COLUMN secret VARCHAR(20)")
		p.exec("UPDATE items SET secret='s' || id")
		p.settle()
		if input == "" {
			p.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A3"}})
		} else {
			p.edit(p.set("A3", input))
		}
		p.settle()
		if len(p.table()) != 5 {
			t.Errorf("key cell %q: %d rows left in the table", input, len(p.table()))
		}
	}
}

// Rows that a person put back, and that are refused for now, are not deleted when they are tried again.
func TestPutBackRefused(t *testing.T) {
	p := newPair(t, 40)
	p.exec("CREATE TABLE gate (id INTEGER PRIMARY KEY)")
	p.exec("CREATE TRIGGER guard_items BEFORE INSERT ON items WHEN NEW.id IN (1,2,3) AND NOT EXISTS (SELECT 1 FROM gate) BEGIN SELECT RAISE(ABORT, 'parent is not there yet'); END")
	p.exec("DELETE FROM items WHERE id <= 15")
	p.settle()
	if p.link().State != tandem.StateHalted {
		t.Fatal(p.link().State)
	}
	if _, err := p.store.Approve(t.Context(), "items", true); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		p.step(time.Second)
	}
	p.settle()
	if n := len(p.sheet()); n != 40 {
		t.Errorf("put back was asked for, but %d rows are left in the sheet and %d in the table", n, len(p.table()))
	}
}

// A row deleted while the first InitialSync reads stays deleted.
type hookTable struct {
	engine.Table
	count func()
}

func (h *hookTable) Count(ctx context.Context) (int64, error) {
	if h.count != nil {
		h.count()
	}
	return h.Table.Count(ctx)
}

func TestInitialSyncResurrects(t *testing.T) {
	p := newPair(t, 5)
	done := false
	w := engine.New(engine.Options{Store: p.store,
		OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
			table, err := p.store.OpenTable(ctx, link)
			return &hookTable{table, func() {
				if !done {
					done = true
					p.exec("DELETE FROM items WHERE id = 3") // after capture started, before the table is scanned
				}
			}}, err
		},
		OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
			return p.client.Open(link, columns).Journaled()
		},
		Now: func() time.Time { return p.now }, Holder: "hook"})
	p.worker = w
	p.sync(tandem.SyncRequest{DiscardBaseline: true})
	p.settle()
	if n := len(p.table()); n != 4 || !done {
		t.Errorf("the deleted row came back: %d rows", n)
	}
}

// A sync that discards the baseline, and goes on after a failure, keeps what it settled.
func TestDiscardResume(t *testing.T) {
	p := newPair(t, 5)
	p.exec("UPDATE items SET title='x' WHERE id=5")
	p.start(tandem.SyncRequest{DiscardBaseline: true})
	// the write to the sheet fails once after the baselines of equal rows were committed
	p.beforeSend = func() {
		p.google.AddFault(emulator.Fault{Method: "*", Kind: "before", Status: 503, Count: 30})
	}
	p.step(time.Second)
	p.google.ClearFaults()
	p.exec("DELETE FROM items WHERE id = 3")
	for range 20 {
		p.step(2 * time.Second)
	}
	p.settle()
	if n := len(p.table()); n != 4 {
		t.Errorf("the deleted row came back: %d rows, state %s", n, p.link().State)
	}
}

// A change of the database that came while the key stood twice is carried over when it no longer does.
func TestBlockedMarkConsumed(t *testing.T) {
	p := newPair(t, 5)
	p.step(5 * time.Second)
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A7", Values: [][]string{{"3", "Copy", "1"}}}})
	p.exec("UPDATE items SET title = 'From SQL' WHERE id = 3")
	p.step(200 * time.Millisecond)
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 7, Count: 1}})
	for range 60 {
		p.step(time.Second)
	}
	p.wantSame()
}

// A row that is looked at again does not count as changed just then.
func TestMovedDatesSheetNow(t *testing.T) {
	for _, race := range []bool{false, true} {
		p := newPair(t, 5)
		p.step(6 * time.Second)
		// the sheet is edited first, the database later
		p.edit(p.set("B3", "sheet first"))
		p.now = p.now.Add(6 * time.Second)
		if race {
			// the poll sees the edit; while it is carried over the row changes in the database
			done := false
			p.worker = engine.New(engine.Options{Store: p.store,
				OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
					table, err := p.store.OpenTable(ctx, link)
					return &commitTable{table, func() {
						if !done {
							done = true
							p.now = p.now.Add(time.Second)
							mutate(t, p, "2", "db later")
							p.now = p.now.Add(time.Second)
						}
					}}, err
				},
				OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
					return p.client.Open(link, columns).Journaled()
				},
				Now: func() time.Time { return p.now }, Holder: "hook"})
			p.settle()
			if !done {
				t.Fatal("no race")
			}
			if got := p.table()[1]; !strings.Contains(got, "db later") {
				t.Errorf("race: the later write lost: %s", got)
			}
		}
	}
}

type commitTable struct {
	engine.Table
	before func()
}

func (h *commitTable) Commit(ctx context.Context, lease tandem.Lease, c tandem.Commit) ([]tandem.Applied, error) {
	for _, s := range c.Settlements {
		if s.Write != nil {
			h.before()
		}
	}
	return h.Table.Commit(ctx, lease, c)
}

func mutate(t *testing.T, p *pair, key, title string) {
	link := p.link()
	table, err := p.store.OpenTable(t.Context(), &link)
	if err != nil {
		t.Fatal(err)
	}
	res, err := table.Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Update, Key: tandem.Key(key), Values: []tandem.Value{{}, tandem.Text(title), {}, {}}}}, false)
	if err != nil || res[0].Err != nil {
		t.Fatal(err, res)
	}
}

// The full compare leaves half-typed rows alone too.
func TestCompareTakesHalfTyped(t *testing.T) {
	p := newPair(t, 5)
	p.now = p.now.Add(15*time.Minute - 100*time.Millisecond)
	p.step(0)
	p.edit(p.set("A7", "6"), p.set("B7", "ha"))
	p.step(100 * time.Millisecond)
	p.step(15 * time.Minute)
	if n := len(p.table()); n != 5 {
		t.Errorf("half typed row taken at once: %v", p.table())
	}
}

// Removals that a person approved do not count against the next one.
func TestApprovedCountAgain(t *testing.T) {
	p := newPair(t, 100)
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 50}})
	p.settle()
	if _, err := p.store.Approve(t.Context(), "items", false); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if len(p.table()) != 50 {
		t.Fatal(len(p.table()))
	}
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 1}})
	p.settle()
	if p.link().State == tandem.StateHalted {
		t.Errorf("halted again by one deletion: %s", p.link().Halt.Message)
	}
}

func (p *pair) second() {
	p.t.Helper()
	p.exec("CREATE TABLE others (id INTEGER PRIMARY KEY, title VARCHAR(50))")
	for id := 1; id <= 12; id++ {
		p.exec("INSERT INTO others VALUES (?, 'o')", id)
	}
	tab, err := p.client.AddTab(p.t.Context(), book, "Others")
	if err != nil {
		p.t.Fatal(err)
	}
	link := tandem.Link{ID: "others", Table: "others", SpreadsheetID: book, SheetID: tab.SheetID, Tab: "Others", HeaderRow: 1, TimeZone: p.link().TimeZone, Key: []string{"id"},
		Policy: tandem.LastWriteWins, PreferredSource: tandem.Database, State: tandem.StateNew,
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}}}
	if _, err := p.store.CreateLink(p.t.Context(), link); err != nil {
		p.t.Fatal(err)
	}
	if err := p.store.CreateOperation(p.t.Context(), tandem.Operation{ID: "op-others", Link: "others", Created: p.now, Updated: p.now}); err != nil {
		p.t.Fatal(err)
	}
	p.settle()
}
