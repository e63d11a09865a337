package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// newWatchedPair is a pair whose tab is watched while *watched is set.
func newWatchedPair(t *testing.T, rows int, watched *bool) *pair {
	t.Helper()
	p := newPair(t, rows)
	p.worker = p.newWatchingWorker("watching", watched)
	p.settle()
	return p
}

func (p *pair) newWatchingWorker(holder string, watched *bool) *engine.Worker {
	options := p.options(holder)
	options.Watched = func(*tandem.Link) bool { return *watched }
	return engine.New(options)
}

// tell marks the whole tab, as whoever watches it does.
func (p *pair) tell() {
	p.t.Helper()
	if err := p.store.AddMarks(p.t.Context(), "items", []tandem.Mark{{Source: tandem.Sheet, Cause: tandem.CauseSheet}}); err != nil {
		p.t.Fatal(err)
	}
}

// calls counts what a stretch of time takes.
func (p *pair) calls(d, step time.Duration) (reads, writes int64) {
	p.t.Helper()
	before := p.google.Stats()
	for range d / step {
		p.step(step)
	}
	after := p.google.Stats()
	return after.Reads - before.Reads, after.Writes - before.Writes
}

func TestWatchedTabIsNotPolled(t *testing.T) {
	watched := true
	p := newWatchedPair(t, 5, &watched)
	if reads, writes := p.calls(10*time.Minute, time.Second); reads+writes != 0 {
		t.Errorf("%d reads and %d writes in ten quiet minutes", reads, writes)
	}
	p.edit(p.set("B2", "Paprika"))
	p.step(20 * time.Second)
	p.wantRow(p.table(), "1|Item 1|1|1.50")
	p.tell()
	p.step(time.Second)
	p.wantRow(p.table(), "1|Paprika|1|1.50")
	// The database's changes need nobody who watches.
	p.exec("UPDATE items SET title = 'Perfect Blue' WHERE id = 2")
	p.step(time.Second)
	p.wantSame()
	p.wantQuiet()
	// When nobody watches any more, it is read in its turn at once.
	p.edit(p.set("B2", "Akira"))
	watched = false
	p.step(5 * time.Second)
	p.wantRow(p.table(), "1|Akira|1|1.50")
	if hint := p.link().Status.LastHint; hint.Path != tandem.HintPoll || !hint.At.Equal(p.now) {
		t.Errorf("hint %+v", hint)
	}
}

func TestWatchedTabIsComparedNowAndThen(t *testing.T) {
	watched := true
	p := newWatchedPair(t, 5, &watched)
	p.edit(p.set("B2", "Paprika"))
	p.calls(16*time.Minute, 10*time.Second)
	p.wantRow(p.table(), "1|Paprika|1|1.50")
	if hint := p.link().Status.LastHint; hint.Path != tandem.HintCompare {
		t.Errorf("hint %+v", hint)
	}
	// A compare that finds what the database changed, or what somebody told of, is no hint of the sheet.
	before := p.link().Status.LastHint
	p.edit(p.set("B3", "Perfect Blue"))
	p.tell()
	p.exec("UPDATE items SET title = 'Akira' WHERE id = 3")
	p.calls(16*time.Minute, 10*time.Second)
	p.wantSame()
	if after := p.link().Status.LastHint; after != before {
		t.Errorf("hint %+v after %+v", after, before)
	}
}

// A row that is being typed is looked at until it rests, also by another process when the one that saw it is gone.
func TestWatchedTabTypedRow(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprint("crash ", crash), func(t *testing.T) {
			watched := true
			p := newWatchedPair(t, 3, &watched)
			other := p.newWatchingWorker("other", &watched)
			if _, err := other.Step(t.Context()); err != nil { // it compares everything once
				t.Fatal(err)
			}
			p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A5", Values: [][]string{{"9", "Tokyo Godfathers", "1", "2.5"}}}})
			p.tell()
			p.step(time.Second)
			if crash {
				p.worker = other
			}
			p.calls(12*time.Second, time.Second)
			p.wantRow(p.table(), "9|Tokyo Godfathers|1|2.50")
			if reads, _ := p.calls(time.Minute, time.Second); reads != 0 {
				t.Errorf("%d reads after the row was taken", reads)
			}
		})
	}
}

// What happened while a link did not flow is seen when it does again: nobody marks the tab meanwhile.
func TestWatchedTabAfterAPause(t *testing.T) {
	watched := true
	p := newWatchedPair(t, 5, &watched)
	if err := p.store.SetState(t.Context(), "items", nil, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	p.edit(p.set("B2", "Paprika"))
	p.calls(time.Minute, time.Second)
	if err := p.store.SetState(t.Context(), "items", nil, tandem.StateActive); err != nil {
		t.Fatal(err)
	}
	p.calls(6*time.Second, time.Second)
	p.wantRow(p.table(), "1|Paprika|1|1.50")
}

// Triggers that were lost are made again within a minute, and that reads no tab.
func TestWatchedTabKeepsItsTriggers(t *testing.T) {
	watched := true
	p := newWatchedPair(t, 5, &watched)
	p.exec("ALTER TABLE items RENAME TO old")
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER CHECK (qty < 1000), price DECIMAL(8,2))")
	p.exec("INSERT INTO items SELECT * FROM old")
	p.exec("DROP TABLE old")
	p.calls(65*time.Second, time.Second)
	p.exec("UPDATE items SET title = 'Perfect Blue' WHERE id = 2")
	p.step(time.Second)
	p.wantSame()
	p.wantRow(p.table(), "2|Perfect Blue|2|2.50")
}

// A row error is shown in a watched tab, and taken away, though nobody reads the tab in its turn.
func TestWatchedTabShowsRowErrors(t *testing.T) {
	watched := true
	p := newWatchedPair(t, 5, &watched)
	p.edit(p.set("C2", "5000"))
	p.tell()
	p.calls(10*time.Second, time.Second)
	if notes, _ := p.noted(); len(notes) != 1 {
		t.Errorf("notes %v, want one on the cell that the table refuses", notes)
	}
	p.edit(p.set("C2", "7"))
	p.tell()
	p.calls(10*time.Second, time.Second)
	if notes, _ := p.noted(); len(notes) != 0 {
		t.Errorf("the note stays: %v", notes)
	}
	if reads, writes := p.calls(5*time.Minute, time.Second); reads+writes != 0 {
		t.Errorf("%d reads and %d writes after that", reads, writes)
	}
}
