package server

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	gauges "runtime/metrics"
	"sync/atomic"
)

// A server that holds little lets its memory grow to modestMemory before it collects any, and never beyond: rarer than the
// runtime would by itself (a small heap is else collected many times a second), and without the doubling that follows one
// large batch. As soon as it holds more than modestLive, or with the stacks of its goroutines more than modestHeld, the runtime's own
// measure applies again, and memory follows what is held: a limit near what is held would have it collect without end. All are
// the memory of the runtime; the program's file comes to it.
const (
	modestMemory = 60 << 20
	modestLive   = 40 << 20
	modestHeld   = 50 << 20
)

// keepModest keeps the process's memory as above until stop is called. It does nothing where whoever runs the process has
// set a measure of their own, with GOGC or GOMEMLIMIT.
func keepModest() (stop func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(modestMemory)
	var stopped atomic.Bool
	modest := true
	var h held
	afterEachCollection(func() (again bool) {
		if stopped.Load() {
			debug.SetGCPercent(percent)
			debug.SetMemoryLimit(limit)
			return false
		}
		switch small := h.small(); {
		case small && !modest:
			debug.SetMemoryLimit(modestMemory)
			debug.SetGCPercent(-1)
			modest = true
		case !small && modest:
			debug.SetGCPercent(100)
			debug.SetMemoryLimit(math.MaxInt64)
			modest = false
		}
		return true
	})
	return func() {
		stopped.Store(true)
		runtime.GC()
	}
}

// held tells how much memory the process holds.
type held []gauges.Sample

// small reports whether it is little, stacks and the runtime's own books included, which collecting does not free.
func (h *held) small() bool {
	if *h == nil {
		*h = held{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
			{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	}
	gauges.Read(*h)
	live, beside := (*h)[0].Value.Uint64(), (*h)[1].Value.Uint64()
	for _, heap := range (*h)[2:] {
		beside -= heap.Value.Uint64()
	}
	return live <= modestLive && live+beside <= modestHeld
}

// afterEachCollection calls do after every collection, until it says that it is enough.
func afterEachCollection(do func() (again bool)) {
	type sentinel struct{ _ [16]byte } // too large to share its block with others
	var arm func()
	arm = func() {
		runtime.AddCleanup(&sentinel{}, func(int) {
			if do() {
				arm()
			}
		}, 0)
	}
	arm()
}
