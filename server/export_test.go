package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/store"
)

// Watcher is a watcher that is stepped by hand.
type Watcher struct{ *watcher }

// NewWatcher returns a watcher with a clock of its own.
func NewWatcher(st *store.Store, client *sheets.Client, holder string, interval time.Duration, now func() time.Time, log *slog.Logger) Watcher {
	w := newWatcher(st, client, holder, interval, log)
	w.now = now
	return Watcher{w}
}

// Turn is what a watcher does once an interval.
func (w Watcher) Turn(ctx context.Context) { w.turn(ctx) }

// Stop ends it as the end of its process does.
func (w Watcher) Stop(ctx context.Context) { w.handOver(ctx) }
