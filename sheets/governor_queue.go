package sheets

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
)

// queue lets calls of one kind through within the budget: People before FanOut before Backfill, and within each the links
// in turn. Nobody starves: see floor.
//
// Each waiter waits by itself. The one that may go next goes, and wakes its successor; the heads of the three classes sleep
// until their class may go.
type queue struct {
	opt                 *Options
	write               bool
	perUser, perProject int

	mu       sync.Mutex
	classes  [tandem.Backfill + 1]class
	window   window
	throttle tandem.Throttle
	shared   shared
}

// class are the waiters of one priority: a ring of links, each with its own line.
type class struct {
	ring      []*lane
	waiting   int
	notBefore time.Time // as the ledger said
}

type lane struct {
	link    string
	waiters []*waiter
}

// waiter is a call that waits for its turn.
type waiter struct {
	link     string
	priority tandem.Priority
	since    time.Time
	wake     context.CancelFunc // ends its present sleep
}

func newQueue(opt *Options, write bool, perUser, perProject int) *queue {
	return &queue{opt: opt, write: write, perUser: perUser, perProject: perProject, shared: shared{processes: 1}}
}

func (q *queue) limited() bool { return q.perUser > 0 || q.perProject > 0 }

// take waits until a call may be made. The function it returns is called when the call has ended, whatever came of it.
func (q *queue) take(ctx context.Context) (ended func(), err error) {
	if !q.limited() {
		return func() {}, ctx.Err()
	}
	w := q.enter(ctx)
	for {
		sleep, cancel := context.WithCancel(ctx)
		s, wait, err := q.try(ctx, w, cancel)
		switch {
		case err != nil:
		case s != nil:
			cancel()
			return func() { q.ended(s) }, nil
		case wait > 0:
			_ = q.opt.Sleep(sleep, wait)
		default:
			<-sleep.Done()
		}
		cancel()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			q.leave(w)
			return nil, err
		}
	}
}

func (q *queue) enter(ctx context.Context) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &waiter{since: q.opt.Now()}
	w.link, w.priority = tandem.WorkOf(ctx)
	c := &q.classes[w.priority]
	c.waiting++
	for _, l := range c.ring {
		if l.link == w.link {
			l.waiters = append(l.waiters, w)
			return w
		}
	}
	c.ring = append(c.ring, &lane{link: w.link, waiters: []*waiter{w}})
	return w
}

// remove takes w out of its line. When its call was let through, the link goes to the end of the ring.
func (c *class) remove(w *waiter, served bool) {
	at := slices.IndexFunc(c.ring, func(l *lane) bool { return l.link == w.link })
	if at < 0 {
		return
	}
	l := c.ring[at]
	before := len(l.waiters)
	l.waiters = slices.DeleteFunc(l.waiters, func(other *waiter) bool { return other == w })
	c.waiting -= before - len(l.waiters)
	if served || len(l.waiters) == 0 {
		c.ring = slices.Delete(c.ring, at, at+1)
		if len(l.waiters) > 0 {
			c.ring = append(c.ring, l)
		}
	}
}

func (c *class) head() *waiter {
	if len(c.ring) == 0 {
		return nil
	}
	return c.ring[0].waiters[0]
}

// leave gives up waiting.
func (q *queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.classes[w.priority].remove(w, false)
	q.wakeHeads()
}

// wakeHeads has the first of each class look whether it may go.
func (q *queue) wakeHeads() {
	for i := range q.classes {
		if head := q.classes[i].head(); head != nil && head.wake != nil {
			head.wake()
		}
	}
}

// try lets w through when it is its turn. Otherwise it returns how long w sleeps before it tries again; 0: until it is woken.
func (q *queue) try(ctx context.Context, w *waiter, wake context.CancelFunc) (*slot, time.Duration, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.wake = wake
	now := q.opt.Now()
	q.window = q.window.kept(now)
	if err := q.inTime(ctx, w, now); err != nil {
		return nil, 0, err
	}
	if q.shared.asking || q.classes[w.priority].head() != w {
		return nil, 0, nil
	}
	as := q.as(w, now)
	if wait := q.wait(as, now); wait > 0 {
		return nil, wait, nil
	}
	if next := q.next(now); next != w {
		if next.wake != nil { // else it is about to try by itself
			next.wake()
		}
		return nil, 0, nil
	}
	alone := q.opt.Ledger != nil
	if alone && !now.Before(q.shared.restUntil) {
		wait := q.ask(ctx, as)
		now = q.opt.Now()
		if alone = q.shared.restUntil.After(now); alone {
			wait = max(wait, q.wait(as, now)) // now it goes by its own window
		}
		if wait > 0 || ctx.Err() != nil {
			q.wakeHeads()
			return nil, wait, ctx.Err()
		}
	}
	s := &slot{at: now, priority: w.priority, unrecorded: alone}
	q.window = append(q.window, s)
	q.classes[w.priority].remove(w, true)
	q.wakeHeads()
	return s, 0, nil
}

// next returns the waiter whose turn it is among the heads that may go now. There is one.
func (q *queue) next(now time.Time) (first *waiter) {
	for priority := tandem.People; priority <= tandem.Backfill; priority++ {
		head := q.classes[priority].head()
		if head == nil {
			continue
		}
		as := q.as(head, now)
		if q.wait(as, now) <= 0 && (first == nil || as != priority) {
			first = head
		}
	}
	return first
}

// as returns the priority that holds for w now. It is that of people when w waited for what its class is due in a minute, and
// the class did not get that: see floor.
func (q *queue) as(w *waiter, now time.Time) tandem.Priority {
	if w.priority == tandem.People {
		return w.priority
	}
	due := max(1, float64(min(tandem.Allowed(q.perUser, 1), tandem.Allowed(q.perProject, 1)))*floor[w.priority])
	if now.Sub(w.since) >= time.Duration(float64(minute)/due) && len(q.window.since(now.Add(-minute), w.priority)) < int(due) {
		return tandem.People
	}
	return w.priority
}

// wait returns how long a class has to wait, as far as this process knows.
func (q *queue) wait(priority tandem.Priority, now time.Time) time.Duration {
	allowed := q.allowed(priority, now)
	wait := max(q.window.wait(now, allowed-1), q.classes[priority].notBefore.Sub(now), q.spacing(priority, allowed, now))
	if priority == tandem.Backfill {
		wait = max(wait, q.window.burstWait(now, allowed))
	}
	return max(0, wait)
}

// spacing returns how long a class waits after the last call, so that the calls of a busy minute come one by one: then
// everybody who waits has its chance at each of them. It begins where atOnce says, and grows until the budget is used up.
func (q *queue) spacing(priority tandem.Priority, allowed int, now time.Time) time.Duration {
	if len(q.window) == 0 {
		return 0
	}
	from := atOnce[priority] * float64(allowed)
	part := min(1, (float64(len(q.window)+q.others(now))-from)/max(1, float64(allowed)-from))
	if part <= 0 {
		return 0
	}
	gap := time.Duration(part * float64(minute) / float64(allowed) * float64(q.sharers(now)))
	return q.window[len(q.window)-1].at.Add(gap).Sub(now)
}

// allowed returns how many calls of this process may count once one more of a class was made.
func (q *queue) allowed(priority tandem.Priority, now time.Time) int {
	part := q.throttle.Now(now) * share[priority]
	allowed := min(tandem.Allowed(q.perUser, part), tandem.Allowed(q.perProject, part))
	if q.alone(now) {
		allowed = min(allowed, q.shared.part(q.window, now, allowed))
	}
	return allowed
}

func (q *queue) ended(s *slot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.ended = q.opt.Now()
}

// budget returns how the queue stands.
func (q *queue) budget(ctx context.Context) Budget {
	q.mu.Lock()
	b := Budget{}
	for i := range q.classes {
		b.Waiting += q.classes[i].waiting
	}
	if !q.limited() {
		q.mu.Unlock()
		return b
	}
	now := q.opt.Now()
	q.window = q.window.kept(now)
	user, project, throttle := len(q.window), len(q.window), q.throttle
	q.mu.Unlock()
	if q.opt.Ledger != nil {
		if used, err := q.opt.Ledger.CallsUsed(ctx, q.question(tandem.People, 0)); err == nil {
			user, project, throttle = max(user, used.User), max(project, used.Project), used.Throttle
		}
	}
	part := throttle.Now(now)
	perUser, perProject := tandem.Allowed(q.perUser, part), tandem.Allowed(q.perProject, part)
	b.Limit = min(perUser, perProject)
	b.Left = max(0, min(perUser-user, perProject-project))
	return b
}
