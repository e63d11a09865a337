package server

import (
	"context"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
)

const (
	// watchPrefix begins the names of what is stored of Drive's list of changes: watchPrefix and an account is where it was read
	// to; that, "/" and a spreadsheet's id is when that file was listed last.
	watchPrefix = "drive/"
	// unlistedLimit is how long Drive may take to list a file after we wrote to it, before it is taken to leave the file out.
	unlistedLimit = 2 * time.Minute
)

// sight is what is known of Drive's view of a spreadsheet.
type sight struct {
	read       time.Time // when somebody last read the whole list
	listed     time.Time // when the file was last in it
	unanswered time.Time // the first write of ours that it was not listed after; zero: none
}

// look refreshes what Watched goes by. When the database is away, what was seen last grows old by itself.
func (w *watcher) look(ctx context.Context) {
	positions, err := w.store.Positions(ctx, watchPrefix)
	if err != nil {
		if ctx.Err() == nil {
			w.log.Warn("positions not read", "error", err)
		}
		return
	}
	read := map[string]time.Time{} // by account
	for _, p := range positions {
		account, file, _ := strings.Cut(strings.TrimPrefix(p.Name, watchPrefix), "/")
		if file == "" {
			read[account] = p.ReachedAt
		}
	}
	before := w.sights.Load()
	sights := map[string]sight{}
	for _, p := range positions {
		account, file, _ := strings.Cut(strings.TrimPrefix(p.Name, watchPrefix), "/")
		if file == "" || read[account].Before(sights[file].read) {
			continue
		}
		s := sight{read: read[account], listed: p.ReachedAt}
		if wrote := w.client.LastWrite(file); wrote.After(s.listed) {
			s.unanswered = wrote
			if before != nil {
				if known := (*before)[file].unanswered; known.After(s.listed) {
					s.unanswered = known
				}
			}
		}
		sights[file] = s
	}
	w.sights.Store(&sights)
}

// Watched reports whether a change of a link's tab is noticed although nobody reads it in its turn: the list of changes is
// read by some process, and Drive was seen to list the file. That it did counts no more once it left a change out: one of
// ours, or one that a full compare found.
func (w *watcher) Watched(link *tandem.Link) bool {
	sights := w.sights.Load()
	if sights == nil {
		return false
	}
	s, known := (*sights)[link.SpreadsheetID]
	now, hint := w.now(), link.Status.LastHint
	switch {
	case !known || now.Sub(s.read).Abs() > w.life(): // what lies far ahead is another machine's clock that runs wrong
		return false
	case !s.unanswered.IsZero() && now.Sub(s.unanswered) > unlistedLimit:
		return false
	case hint.Path == tandem.HintCompare && hint.At.After(s.listed):
		return false
	}
	return true
}
