package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

// watchLimits bound what those who watch cost.
type watchLimits struct {
	poll  time.Duration // how often changes that other processes made are looked for
	rest  time.Duration // between two looks, however much this process commits
	stall time.Duration // how long a caller may take over what it was given at once
	// behind is how long a caller that once had everything may be further behind than what is kept.
	behind time.Duration
	keep   int // newest changes of a link that are kept in memory
	bytes  int // about how long their encodings may be together; as much again for older pages
	// heartbeat is how long a stream says nothing at most; 0 is what the service thinks right.
	heartbeat time.Duration
	page      int // changes that are read, and given to a caller, at once
	pages     int // older pages of a link that are kept for callers that catch up, at most
}

var usualWatchLimits = watchLimits{poll: 200 * time.Millisecond, rest: 10 * time.Millisecond, stall: 10 * time.Second, behind: 30 * time.Second,
	keep: 4096, bytes: 4 << 20, page: 256, pages: 16}

// history is where the changes stand.
type history interface {
	BareLink(ctx context.Context, id string) (tandem.Link, error)
	TableColumns(ctx context.Context, name string) ([]tandem.Column, error)
	HistoryEnds(ctx context.Context, links []int64) (map[int64]tandem.HistoryEnd, error)
	EntriesAfter(ctx context.Context, link, after int64, limit int) ([]tandem.Entry, error)
	HistoryAdded() <-chan struct{}
}

// hub follows the histories of the links that somebody watches. One goroutine reads them, once for all who watch; each
// change is made into an answer once, and callers take it from there, each at its own pace, so that none waits for another.
//
// A commit of this process has it look at once, and it looks now and then for what other processes committed.
type hub struct {
	history history
	limits  watchLimits
	log     *slog.Logger
	slow    prometheus.Counter

	mu      sync.Mutex
	feeds   map[int64]*feed // by the link's number
	stopped bool
	joined  chan struct{} // wakes run when the first feed comes
}

func newHub(from history, limits watchLimits, m *metrics, log *slog.Logger) *hub {
	h := &hub{history: from, limits: limits, log: log, feeds: map[int64]*feed{}, joined: make(chan struct{}, 1)}
	h.slow = prometheus.NewCounter(prometheus.CounterOpts{Name: "tandem_watch_slow_readers_total",
		Help: "Streams of WatchChanges that were ended because they were not read fast enough."})
	m.registry.MustRegister(h.slow, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tandem_watch_streams",
		Help: "Streams of WatchChanges that are open in this process."}, func() float64 { return float64(h.watching()) }))
	return h
}

// errHubStopped ends the streams of a process that ends.
func errHubStopped() error {
	return &tandem.Error{Code: tandem.CodeUnavailable, Reason: "SERVER_STOPPING", RetryAfter: time.Second,
		Message: "this server is stopping; nothing is lost: call WatchChanges again with the last resume_token that was received, and another server goes on"}
}

func deleted(link string) error {
	return tandem.Errorf(tandem.CodeNotFound, "LINK_NOT_FOUND", "the link %q was deleted", link)
}

// Watch follows a link's history from a place on.
func (h *hub) Watch(ctx context.Context, id string, from *api.Place) (api.Watch, error) {
	link, err := h.history.BareLink(ctx, id)
	if err != nil {
		return nil, err
	}
	ends, err := h.history.HistoryEnds(ctx, []int64{link.Number})
	if err != nil {
		return nil, err
	}
	end, there := ends[link.Number]
	if !there {
		return nil, deleted(id)
	}
	place := api.PlaceIn(&link, end.Newest)
	if from != nil {
		// A place beyond the end is in a history that was lost: the database was set back to a backup.
		if from.Number != place.Number || from.Created != place.Created || from.Seq > end.Newest || from.Seq < end.Pruned {
			return nil, tandem.ErrPruned
		}
		place = *from
	}
	f, err := h.join(link, end.Newest)
	if err != nil {
		return nil, err
	}
	return &watch{hub: h, feed: f, place: place}, nil
}

// join counts a further caller in the feed of a link.
func (h *hub) join(link tandem.Link, newest int64) (*feed, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return nil, errHubStopped()
	}
	f := h.feeds[link.Number]
	if f == nil {
		f = newFeed(h, link, newest)
		h.feeds[link.Number] = f
		select {
		case h.joined <- struct{}{}:
		default:
		}
	}
	f.callers++
	return f, nil
}

// leave counts a caller out. A feed that nobody watches is dropped.
func (h *hub) leave(f *feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.callers--; f.callers == 0 && h.feeds[f.link.Number] == f {
		delete(h.feeds, f.link.Number)
	}
}

// end ends a feed and all who watch it; the next caller finds a new one.
func (h *hub) end(f *feed, err error) {
	h.mu.Lock()
	if h.feeds[f.link.Number] == f {
		delete(h.feeds, f.link.Number)
	}
	h.mu.Unlock()
	f.end(err)
}

// stop ends every stream, and lets none begin.
func (h *hub) stop() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	for _, f := range h.open() {
		h.end(f, errHubStopped())
	}
}

// ended counts a stream that ended.
func (h *hub) ended(err error) {
	if reason(api.Status(err)) == api.ReasonSlowReader {
		h.slow.Inc()
	}
}

func (h *hub) open() []*feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	feeds := make([]*feed, 0, len(h.feeds))
	for _, f := range h.feeds {
		feeds = append(feeds, f)
	}
	return feeds
}

func (h *hub) watching() (callers int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.feeds {
		callers += f.callers
	}
	return callers
}

// run follows the histories until ctx ends.
func (h *hub) run(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		added := h.history.HistoryAdded()
		feeds := h.open()
		if len(feeds) == 0 {
			select {
			case <-h.joined:
				continue
			case <-ctx.Done():
				return
			}
		}
		err := h.look(ctx, feeds)
		if err != nil && !failing && ctx.Err() == nil {
			h.log.Warn("history not read for those who watch it; it is tried again", "error", err)
		}
		failing = err != nil
		rest(ctx, nil, h.limits.rest)
		rest(ctx, added, h.limits.poll-h.limits.rest)
	}
}

// rest waits until wake is closed, at most for a time.
func rest(ctx context.Context, wake <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// look brings feeds up to date, a page of each in turn, so that a link with a long burst holds up no other, and neither does
// one whose history cannot be read.
func (h *hub) look(ctx context.Context, feeds []*feed) error {
	numbers := make([]int64, len(feeds))
	for i, f := range feeds {
		numbers[i] = f.link.Number
	}
	ends, err := h.history.HistoryEnds(ctx, numbers)
	if err != nil {
		return err
	}
	var failed error
	for len(feeds) > 0 {
		feeds = slices.DeleteFunc(feeds, func(f *feed) bool {
			end, there := ends[f.link.Number]
			if !there {
				h.end(f, deleted(f.link.ID))
				return true
			}
			grew, err := false, error(nil)
			if end.Newest > f.reached() {
				grew, err = f.read(ctx)
			}
			if errors.Is(err, tandem.ErrPruned) {
				h.end(f, err) // this process was held up for as long as history is kept
			} else if err != nil {
				failed = errors.Join(failed, fmt.Errorf("link %s: %w", f.link.ID, err))
			}
			return !grew || f.reached() >= end.Newest
		})
	}
	return failed
}
