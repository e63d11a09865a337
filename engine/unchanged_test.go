package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// countedTab counts the whole reads of a tab, by whether rows were made of them.
type countedTab struct {
	engine.Tab
	same, whole *int
}

func (c countedTab) ScanUnless(ctx context.Context, digest string) (*tandem.Scan, error) {
	scan, err := c.Tab.ScanUnless(ctx, digest)
	switch {
	case err != nil:
	case scan.Same:
		*c.same++
	default:
		*c.whole++
	}
	return scan, err
}

// A poll that finds nothing new makes no rows; whatever makes a row due does, also where the sheet stays as it is.
func TestUnchangedTabIsNotGoneThrough(t *testing.T) {
	p := newPair(t, 20)
	same, whole := 0, 0
	options := p.options("counting")
	open := options.OpenTab
	options.OpenTab = func(link *tandem.Link, columns []tandem.Column) engine.Tab {
		return countedTab{open(link, columns), &same, &whole}
	}
	p.worker = engine.New(options)
	p.step(6 * time.Second) // compares both sides
	p.step(6 * time.Second) // nothing was seen to be in order yet, so this look has to
	quiet := func(name string, polls int) {
		t.Helper()
		same, whole = 0, 0
		for range polls {
			p.step(6 * time.Second)
		}
		if same != polls || whole != 0 {
			t.Errorf("%s: %d polls found nothing new, %d made rows; want %d and 0", name, same, whole, polls)
		}
	}
	quiet("in step", 5)

	p.edit(p.set("B3", "edited"))
	p.step(6 * time.Second)
	p.wantSame()
	p.step(6 * time.Second)
	quiet("after an edit", 3)

	p.edit(p.set("C4", "5000"), p.set("A30", "30"), p.set("B30", "typed")) // the table refuses the first, and takes the second
	for range 4 {
		p.step(6 * time.Second)
	}
	if n := len(p.table()); n != 21 {
		t.Fatalf("%d rows", n)
	}
	p.exec("UPDATE items SET qty = 7 WHERE id = 3")
	p.step(6 * time.Second)
	p.edit(p.set("C4", "7"))
	p.settle()
	p.wantSame()
	p.step(6 * time.Second)
	quiet("after an error", 3)

	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 6, Count: 1}})
	p.exec("DELETE FROM items WHERE id = 9")
	p.settle()
	p.wantSame()
	if n := len(p.table()); n != 19 {
		t.Errorf("%d rows", n)
	}
}
