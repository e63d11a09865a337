package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// tick is how often the worker looks for marks that no wake-up announced, such as those of other programs' SQL.
const tick = 100 * time.Millisecond

// Run works until ctx ends, then waits for the cycles under way to hand their links back.
func (w *Worker) Run(ctx context.Context) {
	slots, syncs := make(chan struct{}, w.opt.Parallel), make(chan struct{}, max(1, w.opt.Parallel/2))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-timer.C:
			timer.Reset(tick)
		}
		links, err := w.due(ctx)
		if err != nil {
			if ctx.Err() == nil {
				w.opt.Logger.Error("worker cannot read links", "error", err)
				sleep(ctx, time.Second)
			}
			continue
		}
		for _, job := range callersFirst(links) {
			if !w.begin(job.link.ID) {
				continue
			}
			free := job.enter(syncs)
			if free == nil {
				if !job.withoutSync() {
					w.end(job.link.ID)
					continue
				}
				free = func() {}
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				free()
				w.end(job.link.ID)
				continue
			}
			go func() {
				defer func() { w.end(job.link.ID); free(); <-slots }()
				if w.work(ctx, job) {
					w.Wake(job.link.ID)
				}
			}()
		}
	}
	for range cap(slots) {
		slots <- struct{}{}
	}
}

// Step runs one cycle for every link that is due, one after the other, and reports whether there was any. It is the
// whole of the worker without goroutines, for simulations and tests.
func (w *Worker) Step(ctx context.Context) (bool, error) {
	jobs, err := w.due(ctx)
	if err != nil {
		return false, err
	}
	for _, job := range jobs {
		if w.begin(job.link.ID) {
			w.work(ctx, job)
			w.end(job.link.ID)
		}
	}
	return len(jobs) > 0, ctx.Err()
}

// job is a link and why it is due.
type job struct {
	link    tandem.Link
	due     tandem.Due
	poll    bool // read the tab
	compare bool // read both sides whole
	late    bool // only carry out what callers wait for; there is no budget for the rest now
	tend    bool // look after the triggers, and after writes that another process left open; reads no tab
}

// due returns the links that have something to do now.
func (w *Worker) due(ctx context.Context) ([]job, error) {
	now := w.opt.Now()
	waiting, err := w.opt.Store.Due(ctx, now)
	if err != nil {
		return nil, err
	}
	links, err := w.opt.Store.BareLinks(ctx)
	if err != nil {
		return nil, err
	}
	byLink := make(map[string]tandem.Due, len(waiting))
	for _, d := range waiting {
		byLink[d.Link] = d
	}
	var jobs []job
	for _, link := range links {
		if w.isBusy(link.ID) {
			continue
		}
		j := job{link: link, due: byLink[link.ID]}
		memo := w.memory(link.ID)
		if now.Before(memo.retryAfter) {
			continue
		}
		active := link.State == tandem.StateActive
		j.poll = active && w.pollDue(&link, memo, now)
		j.compare = active && !now.Before(memo.nextCompare)
		j.tend = active && now.Sub(memo.captured) > captureEvery
		if j.poll || j.compare || j.tend || j.due.Writes > 0 || j.due.Operations > 0 || active && j.due.Marks+j.due.Retries > 0 {
			if w.ready(&j) {
				jobs = append(jobs, j)
			}
		}
	}
	w.parentsFirst(ctx, jobs)
	return jobs, nil
}

// pollDue reports whether an active link's tab is to be read although no mark says so.
func (w *Worker) pollDue(link *tandem.Link, memo *memory, now time.Time) bool {
	if now.Before(memo.nextPoll) {
		return false
	}
	if memo.typing() {
		return true
	}
	if w.settled(link) && w.opt.Watched != nil && w.opt.Watched(link) {
		return memo.retrying(now) || memo.showing(now, link.HideStatus)
	}
	return !now.Before(link.Status.ScannedAt.Add(w.opt.Poll))
}

// settled reports whether the last look at the tab left nothing to look at again. It goes by what is stored, so that nothing
// is left behind by a process that ends: rows still being typed, or what happened while the link did not flow and nobody marked.
func (w *Worker) settled(link *tandem.Link) bool {
	seen := link.Status.ScannedAt
	return !seen.IsZero() && !seen.Before(link.Updated) && !seen.After(link.Status.EqualAsOf)
}

// orderEvery is how often the order of links is read anew: tables are given foreign keys rarely.
const orderEvery = time.Minute

// parentsFirst sorts jobs so that rows which others reference are written before those. It only saves row errors, which
// are tried again.
func (w *Worker) parentsFirst(ctx context.Context, jobs []job) {
	if len(jobs) < 2 {
		return
	}
	if now := w.opt.Now(); now.Sub(w.ordered) >= orderEvery {
		order, err := w.opt.Store.LinkOrder(ctx)
		if err != nil {
			w.opt.Logger.Warn("order of links not read", "error", err)
			return
		}
		w.order, w.ordered = order, now
	}
	slices.SortStableFunc(jobs, func(a, b job) int { return w.order[a.link.ID] - w.order[b.link.ID] })
}

// work claims the link, runs one cycle, and records how it ended. It reports whether there was a cycle that went well.
func (w *Worker) work(ctx context.Context, j job) bool {
	id := j.link.ID
	log := w.opt.Logger.With("link", id)
	lease, ok, err := w.opt.Store.Claim(ctx, "links/"+id, w.opt.Holder, w.opt.Lease)
	memo := w.memory(id)
	if err != nil || !ok {
		// Another process is at it, or the database is away.
		memo.retryAfter = w.opt.Now().Add(tick)
		if err != nil && ctx.Err() == nil {
			memo.retryAfter = w.opt.Now().Add(time.Second)
			log.Error("claim failed", "error", err)
		}
		return false
	}
	held := w.hold(ctx, lease)
	// The link is read again under the lease: its settings may have changed while another process held it.
	if j.link, err = w.opt.Store.Link(held.ctx, id); err == nil {
		err = w.cycle(tandem.WithWork(held.ctx, id, j.within()), j, lease)
	}
	held.stop()
	// A cycle that was cut off by a shutdown still hands its lease back, so that a successor need not wait for it.
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	switch {
	case errors.Is(err, tandem.ErrNotFound):
		log.Info("link is gone")
	case err == nil:
		if memo.failures > 0 || j.link.Status.LastError != "" {
			_ = w.opt.Store.SetLastError(release, id, "")
		}
		memo.failures = 0
	case ctx.Err() != nil || errors.Is(err, tandem.ErrFenced):
		log.Info("cycle handed over", "error", err)
	default:
		memo.failures++
		memo.seen = ""
		wait := min(time.Second<<min(memo.failures-1, 6), time.Minute)
		memo.retryAfter = w.opt.Now().Add(wait)
		log.Warn("cycle failed", "error", err, "retry_in", wait)
		_ = w.opt.Store.SetLastError(release, id, err.Error())
	}
	if err := w.opt.Store.Release(release, lease); err != nil && !errors.Is(err, tandem.ErrFenced) {
		log.Warn("lease not released", "error", err)
	}
	return err == nil
}

// held is a lease that is kept alive; its context ends when the lease is lost.
type held struct {
	ctx  context.Context
	stop func()
}

// hold renews lease until stop is called. Fencing alone keeps commits safe; this keeps slow calls from losing the lease.
func (w *Worker) hold(ctx context.Context, lease tandem.Lease) held {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(w.opt.Lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if _, err := w.opt.Store.Renew(ctx, lease, w.opt.Lease); errors.Is(err, tandem.ErrFenced) {
					cancel(err)
					return
				}
			}
		}
	}()
	return held{ctx: ctx, stop: func() { cancel(nil); <-done }}
}

func (w *Worker) begin(link string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[link] {
		return false
	}
	w.busy[link] = true
	return true
}

func (w *Worker) isBusy(link string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy[link]
}

func (w *Worker) end(link string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, link)
}

// memory returns what is remembered of a link. Only the cycle that holds the link writes to it.
func (w *Worker) memory(link string) *memory {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.memo[link] == nil {
		w.memo[link] = &memory{typed: map[tandem.Key]typedRow{}}
	}
	return w.memo[link]
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
