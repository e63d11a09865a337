package sheets

import (
	"context"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
)

// Ledger counts the calls of every process that shares a budget, so that together they stay within it. See store/calls.go.
type Ledger interface {
	TakeCall(ctx context.Context, ask tandem.CallAsk) (tandem.CallGrant, error)
	CallRefused(ctx context.Context, ask tandem.CallAsk) error
	CallsUsed(ctx context.Context, ask tandem.CallAsk) (tandem.CallGrant, error)
}

// Google counts calls by the minute. A call counts here until a minute after its answer came: it may have been counted at any
// moment in between.
const minute = time.Minute

// share is what each kind of work may use of a limit. The rest is kept for those who hurry more, so that a person finds a
// call left in a minute in which an initial sync took all that it could get.
var share = map[tandem.Priority]float64{tandem.People: 1, tandem.FanOut: 0.9, tandem.Backfill: 0.8}

// atOnce is which part of its share each kind of work may use up in one go; the rest comes bit by bit.
var atOnce = map[tandem.Priority]float64{tandem.People: 0.5, tandem.FanOut: 0.4, tandem.Backfill: 0.25}

// floor is what each kind of work gets in a minute however many others hurry more, as a part of the limit.
var floor = map[tandem.Priority]float64{tandem.FanOut: 0.2, tandem.Backfill: 0.05}

// governor keeps the calls of a Client within Google's quota: one budget for reads and one for writes, shared by all links
// and, by the ledger, by all processes. Whoever makes a call waits for its turn in its own goroutine; there is no other.
type governor struct {
	opt           *Options
	reads, writes *queue
	pace          pace

	mu      sync.Mutex
	history []tandem.CallMinute // of the last hour, of this process
	mean    time.Duration       // of a call, lately
}

func newGovernor(opt *Options) *governor {
	g := &governor{opt: opt, pace: newPace()}
	g.reads = newQueue(opt, false, opt.ReadsPerMinute, opt.ProjectReadsPerMinute)
	g.writes = newQueue(opt, true, opt.WritesPerMinute, opt.ProjectWritesPerMinute)
	return g
}

func (g *governor) queue(write bool) *queue {
	if write {
		return g.writes
	}
	return g.reads
}

// unlimited reports whether no call ever waits.
func (g *governor) unlimited() bool { return !g.reads.limited() && !g.writes.limited() }

// made keeps the history of calls, which tells the last hour where no ledger does.
func (g *governor) made(call Call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	start := g.opt.Now().UTC().Truncate(time.Minute)
	if n := len(g.history); n == 0 || g.history[n-1].Start != start {
		g.history = append(g.history, tandem.CallMinute{Start: start})
	}
	if len(g.history) > 60 {
		g.history = g.history[len(g.history)-60:]
	}
	last := &g.history[len(g.history)-1]
	switch {
	case call.Write:
		last.Writes++
	default:
		last.Reads++
	}
	if call.Status == 429 {
		last.Rejected++
	}
	if g.mean == 0 {
		g.mean = call.Duration
	}
	g.mean += (call.Duration - g.mean) / 16
}

// Budget is what is left of one kind of calls.
type Budget struct {
	Limit   int // calls a minute, lower while Google turned calls down lately; 0 is none
	Left    int // calls that can be made now
	Waiting int // calls that wait in this process
}

// Quota is how a Client stands with Google's quota.
type Quota struct {
	Reads, Writes Budget
	// Minutes are calls of the last hour, of this process alone; CallDuration is how long one takes.
	Minutes      []tandem.CallMinute
	CallDuration time.Duration
}

// Quota returns how the budget stands now, and what was called. It asks the ledger, never Google.
func (c *Client) Quota(ctx context.Context) Quota {
	g := c.governor
	q := Quota{Reads: g.reads.budget(ctx), Writes: g.writes.budget(ctx)}
	g.mu.Lock()
	defer g.mu.Unlock()
	hourAgo := c.opt.Now().Add(-time.Hour)
	for _, m := range g.history {
		if m.Start.After(hourAgo) {
			q.Minutes = append(q.Minutes, m)
		}
	}
	q.CallDuration = g.mean
	return q
}

// Share has ledger count the calls of every process that shares the budget; process tells this one from the others. It comes
// before the first call.
func (c *Client) Share(ledger Ledger, process string) { c.opt.Ledger, c.opt.Process = ledger, process }

// Whose is the project and the credential whose budget the calls use up.
func (c *Client) Whose() (project, credential string) { return c.opt.Project, c.opt.Credential }
