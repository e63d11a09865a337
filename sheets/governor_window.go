package sheets

import (
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// slot is one call that was let through.
type slot struct {
	at, ended  time.Time // ended is zero while it is under way
	priority   tandem.Priority
	unrecorded bool // the ledger does not know it yet
}

// free returns when the slot no longer counts, at the earliest.
func (s *slot) free(now time.Time) time.Time {
	if s.ended.IsZero() {
		return now.Add(minute)
	}
	return s.ended.Add(minute)
}

// window is what one process called within the last minute.
type window []*slot

// kept returns the slots that still count.
func (w window) kept(now time.Time) window {
	return slices.DeleteFunc(w, func(s *slot) bool { return !s.ended.IsZero() && !s.free(now).After(now) })
}

// wait returns how long until no more than used of the slots in w count; 0 when that is so now.
func (w window) wait(now time.Time, used int) time.Duration {
	over := len(w) - used
	if over <= 0 {
		return 0
	}
	frees := make([]time.Time, len(w))
	for i, s := range w {
		frees[i] = s.free(now)
	}
	slices.SortFunc(frees, time.Time.Compare)
	return frees[min(over, len(frees))-1].Sub(now)
}

// since returns the slots of one priority that were taken after a moment.
func (w window) since(at time.Time, priority tandem.Priority) window {
	var some window
	for _, s := range w {
		if s.priority == priority && s.at.After(at) {
			some = append(some, s)
		}
	}
	return some
}

const (
	// burstTime is over how long backfill is spread: it takes no more than its part of the minute at once, so that what hurries
	// more finds calls left in every part of it.
	burstTime = 15 * time.Second
	// ledgerPatience is how long the ledger may take to answer, ledgerRest how long it is left alone after it did not.
	ledgerPatience = 2 * time.Second
	ledgerRest     = 5 * time.Second
	// lookEvery is how often the ledger is asked, at most, what other processes called.
	lookEvery = time.Second
)

// burstWait returns how long backfill has to wait so that its calls are spread over the minute.
func (w window) burstWait(now time.Time, allowed int) time.Duration {
	recent := w.since(now.Add(-burstTime), tandem.Backfill)
	most := max(1, int(float64(allowed)*float64(burstTime)/float64(minute)))
	if len(recent) < most {
		return 0
	}
	return recent[len(recent)-most].at.Add(burstTime).Sub(now)
}
