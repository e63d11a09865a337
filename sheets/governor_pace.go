package sheets

import (
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
)

// Calls that a cycle is taken to cost before the link's last one tells: it finds the rows, confirms the tab, compares before it
// writes, and writes.
const (
	cycleReads  = 4
	cycleWrites = 1
	mostReads   = 10
)

const (
	// turnKept is how long a link that no longer asks keeps its place among those that wait; after turnPassed the others go
	// before it meanwhile.
	turnKept   = 5 * time.Minute
	turnPassed = 3 * time.Second
	// promiseKept is how long calls are kept for a cycle that makes none, promiseTaken for one that made none yet: another
	// process may have the link.
	promiseKept  = 2 * time.Second
	promiseTaken = 500 * time.Millisecond
	// backfillPatience is how long backfill waits for fan-out to have nothing to do before it takes its turn.
	backfillPatience = 20 * time.Second
	// burstBytes is how much a write carries for whose size the next one waits burstGap: what comes meanwhile goes with it.
	burstBytes = 500_000
	burstGap   = time.Second
	longestGap = 2 * time.Second
)

// pace spreads the cycles of all links over the budget. A cycle that has to wait does so before it reads what is to be done:
// then it does all that came meanwhile in the same few calls.
type pace struct {
	mu      sync.Mutex
	waiting map[string]*turn
	cycles  map[string]*promise
}

// turn is a link that wants to begin a cycle.
type turn struct {
	priority     tandem.Priority
	first        int64 // change that waits
	since, asked time.Time
}

// promise is what is kept for a cycle that began, and what is known of it afterwards.
type promise struct {
	began, last   time.Time // last is of its last call
	reads, writes int
	pending       int   // calls that wait or are under way
	made, cost    int   // reads made, and reads that the cycle before made; 0 when there was none
	bytes         int64 // of its last write
}

func newPace() pace { return pace{waiting: map[string]*turn{}, cycles: map[string]*promise{}} }

// Ready returns 0 when a link may begin a cycle, and else how long to wait before asking again. Links take turns: the one with
// the lowest number of its first change comes first, and those without one in the order in which they asked; without a link it is no turn, but a question whether there are calls to spare. What people wait for begins at once, and so does everything when there is no limit.
func (c *Client) Ready(link string, priority tandem.Priority, first int64) time.Duration {
	if priority == tandem.People || c.governor.unlimited() {
		return 0
	}
	if link == "" {
		return c.governor.spare(priority)
	}
	return c.governor.ready(link, priority, first)
}

// spare returns how long until there is budget for a small write that nothing else waits for.
func (g *governor) spare(priority tandem.Priority) time.Duration {
	now := g.opt.Now()
	return max(g.reads.until(priority, 2, now), g.writes.until(priority, 1, now))
}

func (g *governor) ready(link string, priority tandem.Priority, first int64) time.Duration {
	g.reads.look()
	g.writes.look()
	now := g.opt.Now()
	p := &g.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tidy(now)
	if cycle := p.cycles[link]; cycle != nil {
		cycle.end() // a link that asks has ended its cycle
	}
	mine := p.waiting[link]
	if mine == nil {
		mine = &turn{since: now}
		p.waiting[link] = mine
	}
	mine.priority, mine.first, mine.asked = priority, first, now
	gap := max(g.reads.gap(priority, cycleReads, now), g.writes.gap(priority, cycleWrites, now))
	if rest := p.rest(link, gap, now); rest > 0 {
		return rest
	}
	reads, writes := p.promised()
	for other, t := range p.waiting {
		if other != link && now.Sub(t.asked) <= turnPassed && t.before(mine, now) && p.rest(other, gap, now) <= 0 {
			cost := p.cost(other, t.priority)
			reads, writes = reads+cost.reads, writes+cost.writes
		}
	}
	cost := p.cost(link, priority)
	wait := max(g.reads.until(priority, reads+cost.reads, now), g.writes.until(priority, writes+cost.writes, now))
	if wait > 0 {
		return max(wait, 10*time.Millisecond)
	}
	delete(p.waiting, link)
	p.cycles[link] = &promise{began: now, last: now, reads: cost.reads, writes: cost.writes, cost: p.known(link)}
	return 0
}

// before reports whether a turn comes before another one.
func (t *turn) before(other *turn, now time.Time) bool {
	late, otherLate := t.late(now), other.late(now)
	if late != otherLate {
		return late > otherLate
	}
	if t.first > 0 && other.first > 0 {
		return t.first < other.first
	}
	return t.since.Before(other.since)
}

// late is how long a turn waits, as turns are compared: backfill counts from when its patience ends.
func (t *turn) late(now time.Time) int {
	if t.priority == tandem.Backfill && now.Sub(t.since) < backfillPatience {
		return 0
	}
	return 1
}

type cost struct{ reads, writes int }

// cost is what a link's cycle is taken to use. Backfill is the look at a tab that nothing said had changed; an initial sync,
// too, begins with one, and then waits for each of its calls.
func (p *pace) cost(link string, priority tandem.Priority) cost {
	if priority == tandem.Backfill {
		return cost{1, 0}
	}
	if known := p.known(link); known > 0 {
		return cost{known, cycleWrites}
	}
	return cost{cycleReads, cycleWrites}
}

// known is what the link's last cycle that wrote read; 0 when there was none lately.
func (p *pace) known(link string) int {
	if cycle := p.cycles[link]; cycle != nil {
		return cycle.cost
	}
	return 0
}

// end takes note of what a cycle cost, and keeps no more calls for it.
func (c *promise) end() {
	if c.made > 0 && c.bytes > 0 {
		c.cost = min(c.made, mostReads)
	}
	c.reads, c.writes, c.made = 0, 0, 0
}

// rest is how long a link rests after its last cycle: for the gap that the budget asks for, and for the size of its last
// write, since many rows at once are a burst, of which more is coming.
func (p *pace) rest(link string, gap time.Duration, now time.Time) time.Duration {
	last := p.cycles[link]
	if last == nil {
		return 0
	}
	burst := min(longestGap, time.Duration(float64(last.bytes)/burstBytes*float64(burstGap)))
	return max(last.began.Add(gap).Sub(now), last.last.Add(burst).Sub(now))
}

// gap is how far apart the cycles of one link are to be. It grows with what is used of the budget and becomes what spreads
// the rest of it until there is more: so a lone link neither waits while there is enough, nor spends a minute's calls in the
// first half of it.
func (q *queue) gap(priority tandem.Priority, calls int, now time.Time) time.Duration {
	if !q.limited() {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.window = q.window.kept(now)
	allowed := q.allowed(priority, now)
	used := min(allowed, len(q.window)+q.others(now))
	busy := float64(used) / float64(allowed)
	cycles := max(1, float64(allowed-used)/float64(calls))
	return time.Duration(busy / cycles * float64(q.window.wait(now, max(0, len(q.window)-calls))))
}

func (p *pace) promised() (reads, writes int) {
	for _, cycle := range p.cycles {
		reads, writes = reads+cycle.reads, writes+cycle.writes
	}
	return reads, writes
}

// tidy forgets who no longer asks, and what was kept for cycles that ended.
func (p *pace) tidy(now time.Time) {
	for link, t := range p.waiting {
		if now.Sub(t.asked) > turnKept {
			delete(p.waiting, link)
		}
	}
	for link, cycle := range p.cycles {
		idle := now.Sub(cycle.last)
		if cycle.pending > 0 {
			continue
		}
		if idle > promiseKept || idle > promiseTaken && cycle.last == cycle.began {
			cycle.end()
		}
		if idle > minute {
			delete(p.cycles, link)
		}
	}
}

// calling takes note of a call for a link: it is no longer kept for its cycle. The function that it returns is called at the
// end of the call.
func (p *pace) calling(link string, write bool, bytes int64, now func() time.Time) (ended func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cycle := p.cycles[link]
	if cycle == nil {
		return func() {}
	}
	cycle.pending, cycle.last = cycle.pending+1, now()
	if write {
		cycle.writes, cycle.bytes = max(0, cycle.writes-1), bytes
	} else {
		cycle.reads, cycle.made = max(0, cycle.reads-1), cycle.made+1
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		cycle.pending, cycle.last = cycle.pending-1, now()
	}
}

// until returns how long until so many calls of a class fit into the budget.
func (q *queue) until(priority tandem.Priority, calls int, now time.Time) time.Duration {
	if !q.limited() || calls == 0 {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.window = q.window.kept(now)
	allowed := q.allowed(priority, now)
	// The other processes keep as many for cycles of theirs, as far as anybody can tell.
	calls = min((calls+q.ahead(priority))*q.sharers(now)+q.others(now), allowed)
	return max(q.window.wait(now, allowed-calls), q.classes[priority].notBefore.Sub(now))
}

// ahead is how many calls wait that go before new ones of a class.
func (q *queue) ahead(priority tandem.Priority) int {
	n := 0
	for i := range priority + 1 {
		n += q.classes[i].waiting
	}
	return n
}
