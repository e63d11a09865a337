package tandem

import (
	"context"
	"time"
)

// HintPath is a way by which a change of a tab becomes known.
type HintPath string

// Ways by which a change of a tab becomes known.
const (
	HintAppsScript HintPath = "APPS_SCRIPT"   // the spreadsheet's script called the hook
	HintDrive      HintPath = "DRIVE_CHANGES" // Drive listed the file among those that changed
	HintPoll       HintPath = "POLL"          // the tab was read in its turn
	HintCompare    HintPath = "COMPARE"       // the full compare found it
)

// Hint is how one change of a tab became known.
type Hint struct {
	Path  HintPath
	At    time.Time     // when it arrived; zero: there was none yet
	Delay time.Duration // after the change itself; 0 when the time of the change is not known
}

// Priority says whose Google calls go first when the budget is short.
type Priority int

// People who wait for an answer come before changes that are carried over, and those before initial syncs and full compares.
const (
	People Priority = iota + 1
	FanOut
	Backfill
)

type workKey struct{}

type work struct {
	link     string
	priority Priority
}

// WithWork says for which link the Google calls under ctx are made, and how much they hurry.
func WithWork(ctx context.Context, link string, priority Priority) context.Context {
	return context.WithValue(ctx, workKey{}, work{link, priority})
}

// WorkOf returns what WithWork said; without it, a person waits.
func WorkOf(ctx context.Context) (link string, priority Priority) {
	if w, ok := ctx.Value(workKey{}).(work); ok {
		return w.link, w.priority
	}
	return "", People
}
