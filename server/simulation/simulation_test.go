package simulation_test

import (
	"flag"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
)

var (
	seeds   = flag.Int("seeds", 50, "how many runs")
	first   = flag.Uint64("first", 1, "the seed of the first run")
	steps   = flag.Int("steps", 30, "actions in a run")
	verbose = flag.Bool("trace", false, "print the trace of every run, with the worker's log")
)

// TestPromises runs seeds one after the other. Each failing one prints what promise it broke and how it came to that.
func TestPromises(t *testing.T) {
	failed := 0
	for n := range *seeds {
		seed := *first + uint64(n)
		ok := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWorld(t, seed)
			defer w.close()
			w.live(*steps)
			if len(w.broken) > 0 || *verbose {
				t.Logf("seed %d: %s\n%s", seed, w.describe(), strings.Join(w.trace, "\n"))
			}
			for _, text := range w.broken {
				t.Errorf("seed %d: %s", seed, text)
			}
		})
		if !ok {
			failed++
		}
		if failed >= 20 {
			t.Fatalf("stopped at seed %d: enough is broken", seed)
		}
	}
}

// A seed must replay exactly, or its trace is worth nothing.
func TestReplay(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		var traces [2]string
		for i := range traces {
			w := newWorld(t, seed)
			w.live(30)
			traces[i] = strings.Join(w.trace, "\n")
			w.close()
		}
		if traces[0] != traces[1] {
			t.Errorf("seed %d went two ways:\n%s\n\n%s", seed, traces[0], traces[1])
		}
	}
}

// live is one run: actions and cycles in turn, then peace, then the promises.
func (w *world) live(steps int) {
	defer func() {
		if p := recover(); p != nil {
			if p != errStop {
				w.fail("panic: %v\n%s", p, debug.Stack())
			}
		}
	}()
	w.begin()
	for w.stepNumber = 1; w.stepNumber <= steps; w.stepNumber++ {
		for range 1 + w.r.IntN(2) {
			w.act()
		}
		w.armSomething()
		w.tick(w.pause())
		w.work(w.pickWorker())
		w.lookAtWrites()
	}
	w.endInPeace()
	w.checkPromises()
}
