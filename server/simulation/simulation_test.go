package simulation_test

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seeds   = flag.Int("seeds", 40, "how many runs")
	first   = flag.Uint64("first", 1, "the seed of the first run")
	steps   = flag.Int("steps", 30, "actions in a run")
	forTime = flag.Duration("time", 0, "go on with seed after seed for so long, instead of -seeds")
	only    = flag.String("mix", "", "what may happen, separated by commas, instead of what each seed draws")
	enough  = flag.Int("enough", 20, "stop when so many runs have failed")
	stride  = flag.Int("stride", 211, "TestCrashAnywhere: how many places to go on each time; 1 is all of them")
	verbose = flag.Bool("trace", false, "print the trace of every run, with the worker's log")
)

// TestPromises tries seeds, several at a time. Each that fails prints what promise it broke and how it came to that.
func TestPromises(t *testing.T) {
	template(t)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // runs are short, and memory is plenty
	var next, failed atomic.Uint64
	began := time.Now()
	var runs sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		runs.Go(func() {
			for int(failed.Load()) < *enough {
				n := next.Add(1) - 1
				if *forTime == 0 && n >= uint64(*seeds) || *forTime > 0 && time.Since(began) >= *forTime {
					return
				}
				if seed := *first + n; !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { try(t, seed) }) {
					failed.Add(1)
				}
			}
		})
	}
	runs.Wait()
	tried := min(next.Load(), uint64(*seeds))
	if *forTime > 0 {
		tried = next.Load() - uint64(runtime.GOMAXPROCS(0))
	}
	t.Logf("seeds %d to %d, %d steps each, took %s; failed: %d", *first, *first+tried-1, *steps, time.Since(began).Round(time.Second), failed.Load())
}

// try is one seed.
func try(t *testing.T, seed uint64) {
	run(t, seed, func(w *world) {
		if len(w.broken) > 0 || *verbose {
			t.Logf("seed %d: %s\n%s", seed, w.describe(), strings.Join(w.trace, "\n"))
		}
		for _, text := range w.broken {
			t.Errorf("seed %d: broken: %s", seed, text)
		}
		if len(w.broken) > 0 {
			t.Errorf("replay: go test ./server/simulation -run TestPromises -first %d -seeds 1 -steps %d", seed, *steps)
		}
	})
}

// run lives through a seed in time of its own, which passes only while everybody waits.
func run(t *testing.T, seed uint64, look func(w *world), prepare ...func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		defer w.close()
		for _, do := range prepare {
			do(w)
		}
		w.live(*steps)
		look(w)
	})
}

// TestCrashAnywhere lets a worker crash once, at every place of a run in turn where nothing else goes wrong: before a call,
// and after it.
func TestCrashAnywhere(t *testing.T) {
	template(t)
	for at := uint64(1); ; at += uint64(*stride) {
		passed := 0
		t.Run(fmt.Sprintf("place=%d", at), func(t *testing.T) {
			run(t, 1, func(w *world) {
				passed = w.wires.passed
				for _, text := range w.broken {
					t.Errorf("a crash at place %d: broken: %s\n%s", at, text, strings.Join(w.trace, "\n"))
				}
			}, func(w *world) {
				w.mix = mix{"api": true, "blocks": true, "keyless": true, "keys": true, "small": true, "two": true}
				w.wires.crashAt, w.wires.crashAfter = int(at+1)/2, at%2 == 0
			})
		})
		if t.Failed() || int(at)/2 > passed {
			return
		}
	}
}

// A seed must replay exactly, or its trace is worth nothing.
func TestReplay(t *testing.T) {
	template(t)
	for seed := uint64(1); seed <= 4; seed++ {
		var traces []string
		again := func() bool { // whether the run is one of those before
			var trace string
			run(t, seed, func(w *world) { trace = strings.Join(w.trace, "\n") })
			known := slices.Contains(traces, trace)
			traces = append(traces, trace)
			return known
		}
		// Now and then a lease is renewed just as a transaction of the worker is under way, which is then repeated after a random pause.
		for !again() {
			if len(traces) == 3 {
				t.Fatalf("seed %d went three ways:\n%s", seed, strings.Join(traces, "\n\n"))
			}
		}
	}
}

// live is one run: actions and cycles in turn, then peace, then the promises.
func (w *world) live(steps int) {
	defer func() {
		if p := recover(); p != nil && p != errStop {
			w.fail("panic: %v\n%s", p, debug.Stack())
		}
	}()
	w.begin()
	for w.stepNumber = 1; w.stepNumber <= steps; w.stepNumber++ {
		for range 1 + w.r.IntN(2) {
			w.act()
		}
		w.armSomething()
		w.tick(w.pause())
		w.askDrive()
		w.work(w.pickWorker())
		w.lookAtWrites()
	}
	w.endInPeace()
	for _, pair := range w.pairs {
		pair.checkPromises()
	}
	w.checkQuota()
}
