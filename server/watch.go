package server

import (
	"context"
	"time"

	"github.com/tandem-sync/tandem/api"
)

// watch is one caller's way along a feed.
type watch struct {
	hub   *hub
	feed  *feed
	place api.Place
	// current is when the caller last had everything; zero while it still catches up with what was before it came.
	current time.Time
}

// Place is where the caller stands.
func (w *watch) Place() api.Place { return w.place }

// Close counts the caller out.
func (w *watch) Close() { w.hub.leave(w.feed) }

// Next returns what follows.
func (w *watch) Next(ctx context.Context, wait time.Duration) ([]*api.Answer, error) {
	patience := time.NewTimer(wait)
	defer patience.Stop()
	for {
		answers, grown, old, err := w.feed.after(w.place.Seq)
		switch {
		case err != nil:
			return nil, err
		case old && w.tooSlow():
			return nil, api.SlowReader()
		case old:
			answers, err = w.feed.older(ctx, w.place.Seq)
			if err != nil {
				return nil, err
			}
		case len(answers) == 0:
			w.current = time.Now()
		}
		if len(answers) > 0 {
			w.place.Seq = answers[len(answers)-1].Seq
			return answers, nil
		}
		select {
		case <-grown:
		case <-patience.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tooSlow reports of a caller that is further behind than what is kept whether it reads too slowly. A burst of changes may
// put anyone that far behind for a moment; and who has only just come may be as far behind as it likes.
func (w *watch) tooSlow() bool {
	return !w.current.IsZero() && time.Since(w.current) > w.hub.limits.behind
}
