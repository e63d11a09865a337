package server

import (
	"sync"
	"time"
)

// wakeRest is how long wakings of a link are held back after one, so that a stream of writes does not have the worker look
// for work once for each.
const wakeRest = 25 * time.Millisecond

// wakes hands on that a link has something to do: at once, and after that once for all who ask within wakeRest.
type wakes struct {
	wake func(link string)

	mu      sync.Mutex
	resting map[string]bool // links that were woken just now, and whether they are to be woken again
}

func newWakes(wake func(link string)) *wakes {
	return &wakes{wake: wake, resting: map[string]bool{}}
}

// Wake wakes a link, now or soon.
func (w *wakes) Wake(link string) {
	w.mu.Lock()
	_, rests := w.resting[link]
	w.resting[link] = rests
	w.mu.Unlock()
	if rests {
		return
	}
	w.wake(link)
	time.AfterFunc(wakeRest, func() {
		w.mu.Lock()
		again := w.resting[link]
		delete(w.resting, link)
		w.mu.Unlock()
		if again {
			w.Wake(link)
		}
	})
}
