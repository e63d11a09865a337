package engine_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
)

// A link that has to wait for the quota calls nobody, and does all that came meanwhile in one write; callers do not wait with it.
func TestALinkWaitsForItsTurn(t *testing.T) {
	p := newPair(t, 5)
	options := p.options("second")
	wait, asked := time.Second, int64(0)
	options.Ready = func(link string, priority tandem.Priority, first int64) time.Duration {
		if link == "items" && priority == tandem.FanOut {
			asked = first
		}
		return wait
	}
	p.worker = engine.New(options)
	for _, statement := range []string{"UPDATE items SET qty = 7 WHERE id = 1", "UPDATE items SET qty = 8 WHERE id = 2", "DELETE FROM items WHERE id = 3"} {
		p.exec(statement)
		p.step(10 * time.Second)
	}
	before := p.google.Stats()
	p.step(10 * time.Second)
	if after := p.google.Stats(); after.Reads != before.Reads || after.Writes != before.Writes {
		t.Errorf("a link that waits for its turn made calls: %+v, before %+v", after, before)
	}
	if asked == 0 {
		t.Error("nobody was told what waits longest")
	}

	link := p.link()
	answered := make(chan error, 1)
	go func() {
		_, err := p.store.SheetWriter(&link).Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Update, Key: "4", RequestID: "api",
			Values: []tandem.Value{{}, tandem.Text("Through the API"), {}, {}}}}, false)
		answered <- err
	}()
	for waiting := true; waiting; {
		select {
		case err := <-answered:
			if err != nil {
				t.Fatal(err)
			}
			waiting = false
		default:
			p.step(0)
			runtime.Gosched()
		}
	}
	p.wantRow(p.sheet(), "4|Through the API|4|4.50")
	p.wantRow(p.sheet(), "1|Item 1|1|1.50") // it still waits

	wait = 0
	before = p.google.Stats()
	p.settle()
	p.wantSame()
	if writes := p.google.Stats().Writes - before.Writes; writes != 1 {
		t.Errorf("%d writes for what came while the link waited", writes)
	}
}
