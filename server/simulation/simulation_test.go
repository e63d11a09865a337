package simulation_test

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
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
	verbose = flag.Bool("trace", false, "print the trace of every run, with the worker's log")
)

// TestPromises tries seeds, several at a time. Each that fails prints what promise it broke and how it came to that.
func TestPromises(t *testing.T) {
	template(t)
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
func run(t *testing.T, seed uint64, look func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		defer w.close()
		w.live(*steps)
		look(w)
	})
}

// A seed must replay exactly, or its trace is worth nothing.
func TestReplay(t *testing.T) {
	template(t)
	for seed := uint64(1); seed <= 4; seed++ {
		var traces [2]string
		for i := range traces {
			run(t, seed, func(w *world) { traces[i] = strings.Join(w.trace, "\n") })
		}
		if traces[0] != traces[1] {
			t.Errorf("seed %d went two ways:\n%s\n\n%s", seed, traces[0], traces[1])
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
		w.work(w.pickWorker())
		w.lookAtWrites()
	}
	w.endInPeace()
	for _, pair := range w.pairs {
		pair.checkPromises()
	}
	w.checkQuota()
}
