package engine_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// Removals of both sides once waited for each other for ever: what was approved for one was not carried out, since the
// other halted the link again, and the answer to that replaced the first.
func TestTwoHaltsAreAnsweredOneByOne(t *testing.T) {
	for _, putBack := range []bool{false, true} {
		p := newPair(t, 100)
		p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 30}})
		p.settle()
		p.exec("DELETE FROM items WHERE id > 65")
		for range 2 {
			if state := p.link().State; state != tandem.StateHalted {
				t.Fatalf("the link is %s", state)
			}
			if _, err := p.store.Approve(t.Context(), "items", putBack); err != nil {
				t.Fatal(err)
			}
			p.settle()
		}
		if link := p.link(); link.State != tandem.StateActive {
			t.Errorf("put back %v: after two answers the link is %s: %+v", putBack, link.State, link.Halt)
		}
		p.wantSame()
		if rows, want := len(p.table()), map[bool]int{false: 35, true: 100}[putBack]; rows != want {
			t.Errorf("put back %v: %d rows, want %d", putBack, rows, want)
		}
	}
}

// That a key stood twice was once remembered by the worker alone: when the cycle that saw it stand once again failed, what
// the database had changed meanwhile waited for the next comparison of everything.
func TestFailedCycleForgetsNoReleasedKey(t *testing.T) {
	p := newPair(t, 5)
	p.step(5 * time.Second)
	p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A7", Values: [][]string{{"3", "Copy", "1"}}}})
	p.exec("UPDATE items SET title = 'From SQL' WHERE id = 3")
	p.settle()
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 7, Count: 1}})
	if err := p.google.AddFault(emulator.Fault{Method: "spreadsheets.get", Kind: "before", Status: 403, Count: 1}); err != nil {
		t.Fatal(err)
	}
	p.settle()
	p.wantSame()
	p.ticks(time.Minute) // the note of the header says so when the tab is read next
	p.wantQuiet()
}

// A row that was deleted and then written anew through the API was once deleted again by an initial sync, which took the
// first deletion's mark for a deletion during the sync.
func TestInitialSyncKeepsRowWrittenAnew(t *testing.T) {
	p := newPair(t, 5)
	p.exec("DELETE FROM items WHERE id = 3")
	p.settle()
	link := p.link()
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := make(chan struct{})
	go func() {
		defer close(cancelled)
		_, _ = p.store.SheetWriter(&link).Mutate(ctx, []tandem.Mutation{{Kind: tandem.Insert, RequestID: "anew",
			Values: []tandem.Value{tandem.Text("3"), tandem.Text("Anew"), tandem.Text("1"), tandem.Text("1.00")}}}, false)
	}()
	for {
		if writes, err := p.store.WantedWrites(t.Context(), "items", 10); err != nil || len(writes) > 0 {
			break
		}
		runtime.Gosched()
	}
	cancel()
	<-cancelled
	p.exec("INSERT INTO items (id, title) VALUES (3, 'short')")
	p.exec("DELETE FROM items WHERE id = 3")
	if err := p.store.CreateOperation(t.Context(), tandem.Operation{ID: "again", Link: "items", Created: p.now, Updated: p.now,
		Request: tandem.SyncRequest{Returns: tandem.StateActive}}); err != nil {
		t.Fatal(err)
	}
	p.settle()
	p.wantSame()
	p.wantRow(p.table(), "3|Anew|1|1.00")
}

// An initial sync that was asked for while the link was halted once waited in silence for the answer to the halt; and when that
// came first and the sync failed then, it left the link halted without a halt that could be answered.
func TestSyncOfAHaltedLink(t *testing.T) {
	for name, answered := range map[string]bool{"waits for nobody": false, "answered before it began": true} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, 100)
			p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 30}})
			p.settle()
			id := p.start(tandem.SyncRequest{Returns: tandem.StateHalted})
			if answered {
				if _, err := p.store.Approve(t.Context(), "items", true); err != nil {
					t.Fatal(err)
				}
				if err := p.google.AddFault(emulator.Fault{Method: "spreadsheets.values.get", Kind: "before", Status: 403, Count: 1}); err != nil {
					t.Fatal(err)
				}
			}
			p.settle()
			operation, err := p.store.Operation(t.Context(), id)
			if err != nil || !operation.Done || operation.Error == nil {
				t.Fatalf("the initial sync did not fail: %+v, %v", operation, err)
			}
			if link := p.link(); (link.State == tandem.StateHalted) != (link.Halt != nil) {
				t.Errorf("the link is %s, with halt %+v", link.State, link.Halt)
			}
			if !answered {
				if _, err := p.store.Approve(t.Context(), "items", true); err != nil {
					t.Fatal(err)
				}
			}
			p.settle()
			p.wantSame()
		})
	}
}
