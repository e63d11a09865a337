package server

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

// columnsFor is how long the columns of a link's table, once read, tell how its values are shown.
const columnsFor = time.Second

// feed is the newest part of a link's history, which all who watch the link share, and a few older pages for those who
// catch up.
type feed struct {
	hub     *hub
	link    tandem.Link
	callers int // guarded by the hub's mu

	mu     sync.Mutex
	newest int64 // all up to here was read
	from   int64 // recent holds all that follows this seq
	recent []*api.Answer
	bytes  int
	grown  chan struct{} // closed when there is something new, or err
	err    error         // ends all who watch

	shown struct { // see columns
		sync.Mutex
		at      time.Time
		columns []tandem.Column
	}
	turn  chan struct{} // held by who reads an older page
	pages []*page       // the one that was used last comes last; guarded by turn
}

// page is a part of a link's history: all that follows the seq after, up to its last answer.
type page struct {
	after   int64
	answers []*api.Answer
}

func newFeed(h *hub, link tandem.Link, newest int64) *feed {
	return &feed{hub: h, link: link, newest: newest, from: newest, grown: make(chan struct{}), turn: make(chan struct{}, 1)}
}

// reached is the seq up to which the feed was read.
func (f *feed) reached() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest
}

// read reads the page that follows, and reports whether there was something. Only the hub's goroutine calls it.
func (f *feed) read(ctx context.Context) (grew bool, err error) {
	answers, err := f.answers(ctx, f.reached())
	if err != nil || len(answers) == 0 {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return false, nil
	}
	f.recent = append(f.recent, answers...)
	for _, answer := range answers {
		f.bytes += len(answer.Encoded())
	}
	drop := 0
	for ; drop < len(f.recent) && (len(f.recent)-drop > f.hub.limits.keep || f.bytes > f.hub.limits.bytes); drop++ {
		f.bytes -= len(f.recent[drop].Encoded())
		f.from = f.recent[drop].Seq
	}
	// Callers may hold parts of the old slice; it is never written to where they look.
	f.recent = f.recent[drop:]
	f.newest = answers[len(answers)-1].Seq
	close(f.grown)
	f.grown = make(chan struct{})
	return true, nil
}

// end ends all who watch.
func (f *feed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		close(f.grown)
	}
}

// after returns what follows a seq, up to a page of it; grown is closed once there is more. Old says that what follows is no
// longer in memory.
func (f *feed) after(seq int64) (answers []*api.Answer, grown <-chan struct{}, old bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return nil, nil, false, f.err
	case seq >= f.newest:
		return nil, f.grown, false, nil
	case seq < f.from:
		return nil, f.grown, true, nil
	}
	i := sort.Search(len(f.recent), func(i int) bool { return f.recent[i].Seq > seq })
	end := min(len(f.recent), i+f.hub.limits.page)
	return f.recent[i:end:end], f.grown, false, nil
}

// older returns what follows a seq of which after said that it is old. Callers take turns, so that many who come back at the
// same time read each page once.
func (f *feed) older(ctx context.Context, seq int64) ([]*api.Answer, error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for i, p := range f.pages {
		if last := p.answers[len(p.answers)-1].Seq; p.after <= seq && seq < last {
			f.pages = append(append(f.pages[:i:i], f.pages[i+1:]...), p)
			at := sort.Search(len(p.answers), func(i int) bool { return p.answers[i].Seq > seq })
			return p.answers[at:], nil
		}
	}
	answers, err := f.answers(ctx, seq)
	if err != nil || len(answers) == 0 {
		return nil, err
	}
	f.pages = append(f.pages, &page{after: seq, answers: answers})
	f.forget()
	return answers, nil
}

// forget drops the older pages that were not used for longest, as long as there are too many or they are too long; never the
// last one.
func (f *feed) forget() {
	from, bytes := len(f.pages), 0
	for from > 0 && len(f.pages)-from < f.hub.limits.pages {
		for _, answer := range f.pages[from-1].answers {
			bytes += len(answer.Encoded())
		}
		if bytes > f.hub.limits.bytes && from < len(f.pages) {
			break
		}
		from--
	}
	f.pages = append([]*page(nil), f.pages[from:]...)
}

// answers reads a page of history.
func (f *feed) answers(ctx context.Context, after int64) ([]*api.Answer, error) {
	entries, err := f.hub.history.EntriesAfter(ctx, f.link.Number, after, f.hub.limits.page)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	columns, err := f.columns(ctx)
	if err != nil {
		return nil, err
	}
	answers, err := api.Answers(&f.link, columns, entries)
	if err != nil {
		return nil, fmt.Errorf("encode history of link %s: %w", f.link.ID, err)
	}
	return answers, nil
}

// columns returns the columns of the link's table; none when it is gone. A link may be moved to another table meanwhile.
func (f *feed) columns(ctx context.Context) ([]tandem.Column, error) {
	f.shown.Lock()
	defer f.shown.Unlock()
	if !f.shown.at.IsZero() && time.Since(f.shown.at) < columnsFor {
		return f.shown.columns, nil
	}
	at := time.Now()
	link, err := f.hub.history.BareLink(ctx, f.link.ID)
	if err != nil {
		return nil, err
	}
	columns, err := f.hub.history.TableColumns(ctx, link.Table)
	if err != nil && !errors.Is(err, tandem.ErrNotFound) {
		return nil, err
	}
	f.shown.at, f.shown.columns = at, columns
	return columns, nil
}
