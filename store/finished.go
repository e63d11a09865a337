package store

import (
	"context"
	"sync"
	"time"
)

// finished wakes callers of this process that wait for writes or operations. Losing a signal, or finishing in another
// process, costs a caller one turn of polling.
type finished struct {
	mu   sync.Mutex
	open chan struct{}
}

// next returns a channel that is closed at the next announcement. Take it before looking at the state that is waited for.
func (f *finished) next() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open = make(chan struct{})
	}
	return f.open
}

func (f *finished) announce() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open != nil {
		close(f.open)
		f.open = nil
	}
}

// await returns when changed is closed, poll has passed or ctx ends.
func await(ctx context.Context, changed <-chan struct{}, poll time.Duration) {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
}
