package server

import (
	"math"
	"runtime"
	gauges "runtime/metrics"
	"sync"
	"testing"
	"time"
)

// A process that holds little is held to little memory; one that holds much is not, and is again once it has let go.
func TestMemoryFollowsWhatIsHeld(t *testing.T) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Setenv(name, "")
	}
	stop := keepModest()
	limit := []gauges.Sample{{Name: "/gc/gomemlimit:bytes"}}
	await := func(what string, want uint64) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; runtime.GC() {
			if gauges.Read(limit); limit[0].Value.Uint64() == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: the limit is %d, want %d", what, limit[0].Value.Uint64(), want)
			}
		}
	}
	await("holding little", modestMemory)
	held := make([][]byte, 100)
	for i := range held {
		held[i] = make([]byte, 1<<20)
	}
	await("holding much", math.MaxInt64)
	runtime.KeepAlive(held)
	held = nil
	await("having let go", modestMemory)
	end := make(chan struct{})
	var callers sync.WaitGroup
	for range 6000 {
		callers.Go(func() { onStack(10, end) })
	}
	await("with many callers", math.MaxInt64)
	close(end)
	callers.Wait()
	await("when they are gone", modestMemory)
	stop()
	await("at the end", math.MaxInt64)
}

// onStack holds some KB of its goroutine's stack until end.
func onStack(kilobytes int, end chan struct{}) byte {
	var frame [1024]byte
	if kilobytes == 0 {
		<-end
		return frame[0]
	}
	return onStack(kilobytes-1, end) + frame[kilobytes]
}
