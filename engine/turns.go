package engine

import (
	"slices"

	"github.com/tandem-sync/tandem"
)

// priority is that of what a link does beside the writes that callers wait for: carrying changes over, or looking whether
// there are any.
func (j *job) priority() tandem.Priority {
	if j.due.Operations > 0 || j.due.Marks+j.due.Retries+j.due.Writes == 0 {
		return tandem.Backfill
	}
	return tandem.FanOut
}

// within is the priority of the calls of a cycle that began. A look at a tab waits for its turn before it begins; then it hurries
// like the changes that may have come meanwhile, and that wait for the same link.
func (j *job) within() tandem.Priority {
	if j.due.Operations > 0 {
		return tandem.Backfill
	}
	return tandem.FanOut
}

// ready reports whether a link may begin a cycle now. One that has to wait for Google's quota waits here, before it reads what
// is to be done: what comes meanwhile goes in the same calls. What callers wait for is carried out without waiting.
func (w *Worker) ready(j *job) bool {
	if w.opt.Ready == nil || j.tend && !j.poll && !j.compare && j.due.Marks+j.due.Retries+j.due.Writes+j.due.Operations == 0 {
		return true
	}
	if w.opt.Ready(j.link.ID, j.priority(), j.due.First) <= 0 {
		return true
	}
	j.late = true
	return j.due.Writes > 0
}

// callersFirst puts the links first for which callers of the API wait.
func callersFirst(jobs []job) []job {
	slices.SortStableFunc(jobs, func(a, b job) int { return min(b.due.Writes, 1) - min(a.due.Writes, 1) })
	return jobs
}

// enter takes a place for an initial sync, which may last long: they never take all places, so that there is one left for what
// hurries more. It returns what frees the place, nil when there is none now.
func (j *job) enter(syncs chan struct{}) (free func()) {
	if j.due.Operations == 0 {
		return func() {}
	}
	select {
	case syncs <- struct{}{}:
		return func() { <-syncs }
	default:
		return nil
	}
}

// withoutSync leaves the initial sync, which found no place, for later, and reports whether there is something else to do. Neither
// callers nor the changes of an active link wait for the initial syncs of other links.
func (j *job) withoutSync() bool {
	j.due.Operations = 0
	active := j.link.State == tandem.StateActive
	return j.due.Writes > 0 || active && (j.poll || j.compare || j.tend || j.due.Marks+j.due.Retries > 0)
}

// spare reports whether there are calls to spare for work of a priority.
func (w *Worker) spare(priority tandem.Priority) bool {
	return w.opt.Ready == nil || w.opt.Ready("", priority, 0) <= 0
}
