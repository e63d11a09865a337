package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// Two workers at rest, one refused keyless row.
func TestTwoWorkersRest(t *testing.T) {
	p := newPair(t, 3)
	p.typeRow(6, "Bad", "5000", "1.25")
	a, b := p.worker, p.newWorker("second")
	turn := func(n int) {
		for i := range n {
			if p.worker = a; i%2 == 1 {
				p.worker = b
			}
			p.step(500 * time.Millisecond)
		}
	}
	turn(240)
	before := p.google.Stats().Writes
	turn(1200)
	if n := p.google.Stats().Writes - before; n > 0 {
		t.Errorf("%d writes in ten minutes of rest", n)
	}
}

// 5,000 rows pasted without a key; the worker dies before their keys are written, and people sort.
func TestPasteMany(t *testing.T) {
	for _, n := range []int{1250, 2500, 5000} {
		p := newPair(t, 3)
		var cells [][]string
		for i := range n {
			cells = append(cells, []string{fmt.Sprintf("New %d", i), fmt.Sprint(i % 900), fmt.Sprint(float64(i) + 0.25)})
		}
		p.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "B5", Values: cells}})
		p.step(6 * time.Second)
		died := false
		p.beforeSend = func() { died = true; panic("dies") }
		start := time.Now()
		func() {
			defer func() { _ = recover() }()
			p.step(6 * time.Second)
		}()
		inserted := time.Since(start)
		p.worker = p.newWorker("second")
		p.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "Items", Column: "title", Descending: true}})
		p.now = p.now.Add(time.Minute)
		before := p.google.Stats()
		start = time.Now()
		p.step(6 * time.Second)
		match := time.Since(start)
		after := p.google.Stats()
		t.Logf("%d rows: died %v, insert %v, match and fill %v, %d reads %d writes", n, died, inserted, match, after.Reads-before.Reads, after.Writes-before.Writes)
		p.settle()
		p.wantRows(n + 3)
		p.wantSame()
	}
}

// A conflict ends while another cell of the row is refused.
func TestConflictEndsBesideRefused(t *testing.T) {
	p := newManualPair(t, nil)
	p.fight()
	p.conflict()
	p.edit(p.set("C3", "5000"), p.set("B3", "Table"))
	p.settle()
	p.ticks(5 * time.Minute)
	e := p.errs()
	t.Logf("%d conflicts; errors %+v", len(p.conflicts()), e)
	if len(p.conflicts()) != 0 {
		t.Error("the conflict stays although both sides agree")
	}
	if len(e) > 0 && e[0].Attempts > 10 {
		t.Errorf("%d attempts in 5 minutes", e[0].Attempts)
	}
}
