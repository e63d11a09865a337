package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// dyingStore dies once, before an initial sync is stored as finished.
type dyingStore struct {
	engine.Store
	died *bool
}

func (d dyingStore) FinishOperation(ctx context.Context, lease tandem.Lease, operation tandem.Operation, state tandem.State) error {
	if !*d.died {
		*d.died = true
		panic("dies")
	}
	return d.Store.FinishOperation(ctx, lease, operation, state)
}

// dyingTable dies once, before a cycle's marks are taken away at its end.
type dyingTable struct {
	engine.Table
	died *bool
}

func (d dyingTable) Commit(ctx context.Context, lease tandem.Lease, commit tandem.Commit) ([]tandem.Applied, error) {
	if !commit.ScannedAt.IsZero() && !*d.died {
		*d.died = true
		panic("dies")
	}
	return d.Table.Commit(ctx, lease, commit)
}

// writtenAnew has the worker die in a sync that deletes row 3 on both sides, a person write that row anew, and another worker go on.
func (p *pair) writtenAnew(died *bool) {
	p.t.Helper()
	func() {
		defer func() { _ = recover() }()
		for range 10 {
			p.step(time.Second)
		}
	}()
	if !*died || len(p.sheet()) != 29 || len(p.table()) != 29 {
		p.t.Fatalf("died: %v; %d rows in the sheet and %d in the table, want row 3 deleted in both", *died, len(p.sheet()), len(p.table()))
	}
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A31", Values: [][]string{{"3", "Anew", "7", "1.25"}}}})
	p.worker = p.newWorker("second")
	p.now = p.now.Add(time.Minute)
	p.settle()
	p.settle()
	p.wantRow(p.table(), "3|Anew|7|1.25")
	p.wantRows(30)
	p.wantSame()
}

// A row that the database lost while a first sync read was deleted in the sheet; the sync died, and a person wrote the row anew: what
// told of the deletion does not speak against that one. The same where it was our own deletion that the table's triggers noted.
func TestWrittenAnewAfterASyncDied(t *testing.T) {
	for _, by := range []string{"the database", "a person"} {
		t.Run(by, func(t *testing.T) {
			p := newPair(t, 30)
			deleted, died := by != "the database", false
			options := p.options("dies")
			options.Store = dyingStore{options.Store, &died}
			options.OpenTable = func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
				table, err := p.store.OpenTable(ctx, link)
				return &hookTable{table, func() {
					if !deleted {
						deleted = true
						p.exec("DELETE FROM items WHERE id = 3")
					}
				}}, err
			}
			p.worker = engine.New(options)
			request := tandem.SyncRequest{DiscardBaseline: true}
			if by == "a person" {
				p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 4, Count: 1}})
				request = tandem.SyncRequest{Returns: tandem.StateNew}
			}
			p.start(request)
			p.writtenAnew(&died)
		})
	}
}

// A row was changed in the table and deleted on either side before a first sync read. The sync carried the deletion out and died before
// its end: what told of the change is not taken for the deletion of a row that a person writes anew.
func TestWrittenAnewAfterAChangedRowWent(t *testing.T) {
	for _, side := range []tandem.Source{tandem.Sheet, tandem.Database} {
		t.Run(string(side), func(t *testing.T) {
			p := newPair(t, 30)
			died := false
			options := p.options("dies")
			options.OpenTable = func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
				table, err := p.store.OpenTable(ctx, link)
				return dyingTable{table, &died}, err
			}
			p.worker = engine.New(options)
			p.exec("UPDATE items SET qty = 9 WHERE id = 3")
			p.exec("UPDATE items SET qty = 3 WHERE id = 3")
			if side == tandem.Sheet {
				p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 4, Count: 1}})
			} else {
				p.exec("DELETE FROM items WHERE id = 3")
			}
			p.start(tandem.SyncRequest{Returns: tandem.StateNew})
			p.writtenAnew(&died)
		})
	}
}

// An initial sync that begins anew forgets what both sides agreed on. Cancelled right after that, it leaves rows that only the table
// has, and that no look at the sheet shows: they do not wait for the next comparison.
func TestCancelledAfterTheBaselineWasDiscarded(t *testing.T) {
	p := newPair(t, 5)
	p.settle()
	id := p.start(tandem.SyncRequest{DiscardBaseline: true, Returns: tandem.StateActive})
	if err := p.store.CancelOperation(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	p.step(time.Second)
	if link := p.link(); link.State != tandem.StateActive {
		t.Fatalf("the link is %s", link.State)
	}
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 3, Count: 1}})
	p.settle()
	p.wantRows(5)
	p.wantSame()
}
