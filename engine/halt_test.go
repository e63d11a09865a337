package engine_test

import (
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
	p.wantQuiet()
}
