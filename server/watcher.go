package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/store"
)

const (
	// refusedPause is how long Drive is left alone that refuses to list changes: a person has to do something first.
	refusedPause = 5 * time.Minute
	// failedPause is how long it is left alone at most when it just fails.
	failedPause = time.Minute
	// anewPause is how long the list of changes is not started anew again: each time every linked tab is read.
	anewPause = time.Minute
	// tidyEvery is how often positions of files that are linked no more are removed.
	tidyEvery = time.Hour
)

// watcher asks Drive which files changed, once for all links, and has the tabs of those that are linked looked at. All
// processes have one; that which holds the lease asks.
//
// Where it stands in Drive's list is stored once the marks of what it read are. Whoever goes on there, after a crash or a
// pause, reads a part again and misses nothing.
type watcher struct {
	store    *store.Store
	client   *sheets.Client
	holder   string
	interval time.Duration
	now      func() time.Time
	log      *slog.Logger

	name   string // of the lease and of the position; those of files begin with it
	sights atomic.Pointer[map[string]sight]

	// Only used by run.
	leading   bool
	lease     tandem.Lease
	token     string             // where the next look at the list begins; "" when it is not known
	waiting   map[string]listing // by spreadsheet, what was listed and is not marked yet
	marked    map[string]time.Time
	marks     map[string][]int64 // by link, the marks that were added last
	fences    map[string]int64   // by spreadsheet, of its lease when it was listed last
	anew      time.Time
	tidied    time.Time
	notBefore time.Time // Drive is left alone until then
	failures  int
	told      string // the failure that was logged last
}

func newWatcher(st *store.Store, client *sheets.Client, holder string, interval time.Duration, log *slog.Logger) *watcher {
	account := client.Account()
	if account == "" {
		account = "default"
	}
	return &watcher{store: st, client: client, holder: holder, interval: interval, now: time.Now, log: log, name: watchPrefix + account}
}

// run watches until ctx ends.
func (w *watcher) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			w.handOver(ctx)
			return
		case <-timer.C:
		}
		w.turn(ctx)
		timer.Reset(w.interval)
	}
}

// turn is what comes once an interval.
func (w *watcher) turn(ctx context.Context) {
	if !w.now().Before(w.notBefore) {
		w.settle(ctx, w.step(ctx))
	}
	w.look(ctx)
}

// life is how long the lease lasts, and for how long the list counts as read after somebody read it.
func (w *watcher) life() time.Duration { return 4*w.interval + 2*time.Second }

// step reads the list once, if it is this process's turn.
func (w *watcher) step(ctx context.Context) error {
	if w.leading && w.lease.Expires.Sub(w.now()) < w.life()/2 {
		lease, err := w.store.Renew(ctx, w.lease, w.life())
		if err != nil {
			return err
		}
		w.lease = lease
	}
	if !w.leading {
		lease, ok, err := w.store.Claim(ctx, w.name, w.holder, w.life())
		if err != nil || !ok {
			return err
		}
		w.leading, w.lease, w.tidied, w.anew = true, lease, time.Time{}, time.Time{}
		w.waiting, w.marked = map[string]listing{}, map[string]time.Time{}
		w.marks, w.fences = map[string][]int64{}, map[string]int64{}
		if w.token, _, err = w.store.Position(ctx, w.name); err != nil {
			return err
		}
	}
	if w.token == "" {
		return w.startAnew(ctx)
	}
	return w.read(ctx)
}

// settle decides what follows after a step. A failure is logged once for as long as it stays the same.
func (w *watcher) settle(ctx context.Context, err error) {
	if err == nil {
		if w.told != "" && w.leading {
			w.log.Info("drive is watched again")
			w.told = ""
		}
		w.failures = 0
		return
	}
	if ctx.Err() != nil {
		return
	}
	if errors.Is(err, tandem.ErrFenced) {
		w.leading = false
		return
	}
	wait := min(w.interval<<min(w.failures, 10), failedPause)
	w.failures++
	var problem *tandem.Error
	if errors.As(err, &problem) {
		switch problem.Code {
		case tandem.CodePermission, tandem.CodePrecondition, tandem.CodeUnauthenticated:
			wait = refusedPause
		}
	}
	w.notBefore = w.now().Add(wait)
	if text := err.Error(); text != w.told {
		w.told = text
		w.log.Warn("drive is not watched; each linked tab is read by itself", "error", err, "retry_in", wait)
	}
	// Another process may fare better, or begins from what is stored.
	w.handOver(ctx)
}

// handOver gives the lease back, so that another process need not wait until it runs out.
func (w *watcher) handOver(ctx context.Context) {
	if !w.leading {
		return
	}
	w.leading = false
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := w.store.Release(ctx, w.lease); err != nil && !errors.Is(err, tandem.ErrFenced) {
		w.log.Warn("lease not released", "lease", w.name, "error", err)
	}
}

// read takes in what Drive listed since the last look.
func (w *watcher) read(ctx context.Context) error {
	changes, next, err := w.client.Changes(ctx, w.token)
	if errors.Is(err, sheets.ErrStartAnew) {
		if w.now().Sub(w.anew) < anewPause {
			return fmt.Errorf("drive's list of changes cannot be read, even from its end: %w", err)
		}
		w.log.Warn("drive's list of changes starts anew, every linked tab is compared", "error", err)
		return w.startAnew(ctx)
	}
	if err != nil {
		return err
	}
	positions := map[string]string{}
	if len(changes)+len(w.waiting) > 0 {
		linked, err := w.linked(ctx)
		if err != nil {
			return err
		}
		if err := w.take(ctx, changes, linked, positions); err != nil {
			return err
		}
		if err := w.deliver(ctx, linked); err != nil {
			return err
		}
	}
	w.token = next
	return w.remember(ctx, positions)
}

// startAnew begins at the end of the list. What came before it is seen by a look at every tab, which begins after the end
// was taken down: nothing falls between the two.
func (w *watcher) startAnew(ctx context.Context) error {
	token, err := w.client.ChangesStart(ctx)
	if err != nil {
		return err
	}
	linked, err := w.linked(ctx)
	if err != nil {
		return err
	}
	var all []string
	for _, links := range linked {
		for i := range links {
			all = append(all, links[i].ID)
		}
	}
	if err := w.mark(ctx, all); err != nil {
		return err
	}
	w.token, w.anew = token, w.now()
	clear(w.waiting)
	return w.remember(ctx, map[string]string{})
}

// linked returns the links by their spreadsheet.
func (w *watcher) linked(ctx context.Context) (map[string][]tandem.Link, error) {
	links, err := w.store.BareLinks(ctx)
	if err != nil {
		return nil, err
	}
	linked := map[string][]tandem.Link{}
	for _, link := range links {
		linked[link.SpreadsheetID] = append(linked[link.SpreadsheetID], link)
	}
	return linked, nil
}

// remember stores where the list was read to, and when files were listed. That this is stored is also the sign of life by which
// all processes know that the list is read.
func (w *watcher) remember(ctx context.Context, positions map[string]string) error {
	positions[w.name] = w.resume()
	if err := w.store.SetPositions(ctx, w.lease, positions); err != nil {
		return err
	}
	if w.now().Sub(w.tidied) < tidyEvery {
		return nil
	}
	w.tidied = w.now()
	return w.tidy(ctx)
}

// resume is where a successor has to begin: before the oldest change that is not marked yet.
func (w *watcher) resume() string {
	token, oldest := w.token, time.Time{}
	for _, l := range w.waiting {
		if oldest.IsZero() || l.since.Before(oldest) {
			token, oldest = l.token, l.since
		}
	}
	return token
}

// tidy removes the positions of files that are linked no more.
func (w *watcher) tidy(ctx context.Context) error {
	linked, err := w.linked(ctx)
	if err != nil {
		return err
	}
	known, err := w.store.Positions(ctx, w.name+"/")
	if err != nil {
		return err
	}
	var gone []string
	for _, p := range known {
		if linked[p.Name[len(w.name)+1:]] == nil {
			gone = append(gone, p.Name)
		}
	}
	return w.store.DropPositions(ctx, w.lease, gone)
}
