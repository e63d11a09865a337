package sheets

import (
	"context"
	"errors"
	"time"

	"github.com/tandem-sync/tandem"
)

// shared is what a queue knows of the other processes, and how it stands with the ledger.
type shared struct {
	asking    bool      // one asks, the others wait
	restUntil time.Time // the ledger did not answer: until then this process goes by its own window

	answered  time.Time // when the ledger answered last
	looked    time.Time // when it was last asked what the others called
	used      int       // of the budget then, by all processes
	left      int
	processes int
}

func (q *queue) question(priority tandem.Priority, unrecorded int) tandem.CallAsk {
	return tandem.CallAsk{Project: q.opt.Project, Credential: q.opt.Credential, Process: q.opt.Process, Write: q.write,
		PerUser: q.perUser, PerProject: q.perProject, Share: share[priority], Unrecorded: unrecorded}
}

// ask asks the ledger for a call, which is then counted when no wait comes back. q.mu is held, and let go while the ledger is
// asked. When the ledger does not answer, this process goes by what it knows.
func (q *queue) ask(ctx context.Context, priority tandem.Priority) time.Duration {
	var unrecorded window
	for _, s := range q.window {
		if s.unrecorded {
			unrecorded = append(unrecorded, s)
		}
	}
	q.shared.asking = true
	q.mu.Unlock()
	asking, cancel := context.WithTimeout(ctx, ledgerPatience)
	grant, err := q.opt.Ledger.TakeCall(asking, q.question(priority, len(unrecorded)))
	cancel()
	q.mu.Lock()
	q.shared.asking = false
	now := q.opt.Now()
	if err != nil {
		if ctx.Err() == nil {
			q.shared.restUntil = now.Add(ledgerRest)
			q.opt.Logger.Warn("calls are counted by this process alone", "error", err)
		}
		return 0
	}
	for _, s := range unrecorded {
		s.unrecorded = false
	}
	q.learn(grant, now)
	if grant.Wait > 0 {
		// What hurries less may use less, so it waits at least as long.
		for ; priority <= tandem.Backfill; priority++ {
			q.classes[priority].notBefore = now.Add(grant.Wait)
		}
	}
	return grant.Wait
}

// learn takes over what the ledger says of all processes.
func (q *queue) learn(grant tandem.CallGrant, now time.Time) {
	q.throttle = grant.Throttle
	part := grant.Throttle.Now(now)
	perUser, perProject := tandem.Allowed(q.perUser, part), tandem.Allowed(q.perProject, part)
	left := max(0, min(perUser-grant.User, perProject-grant.Project))
	q.shared.answered, q.shared.processes, q.shared.left, q.shared.used = now, max(1, grant.Processes), left, min(perUser, perProject)-left
}

// look asks the ledger what the other processes called, when it was not asked lately.
func (q *queue) look() {
	if q.opt.Ledger == nil || !q.limited() {
		return
	}
	q.mu.Lock()
	now := q.opt.Now()
	lately := now.Sub(q.shared.answered) < lookEvery || now.Sub(q.shared.looked) < lookEvery || q.shared.asking || now.Before(q.shared.restUntil)
	if !lately {
		q.shared.looked = now
	}
	q.mu.Unlock()
	if lately {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), ledgerPatience)
	defer cancel()
	grant, err := q.opt.Ledger.CallsUsed(ctx, q.question(tandem.People, 0))
	if err != nil {
		return // whoever makes the next call says so
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.learn(grant, q.opt.Now())
}

// alone reports whether this process goes by its own window, which is then a part of the budget.
func (q *queue) alone(now time.Time) bool {
	return q.opt.Ledger != nil && q.shared.restUntil.After(now)
}

// sharers is among how many processes the budget that this one goes by is shared.
func (q *queue) sharers(now time.Time) int {
	if q.alone(now) {
		return 1
	}
	return q.shared.processes
}

// others is how many calls of other processes count, as far as it is known.
func (q *queue) others(now time.Time) int {
	if q.alone(now) || now.Sub(q.shared.answered) >= minute {
		return 0
	}
	return max(0, q.shared.used-len(q.window))
}

// part returns how many of the calls of a process may count while the ledger is away: its part of the limit, and, while the
// calls of the others that it last knew of may still count, no more than its part of what was left then.
func (s *shared) part(w window, now time.Time, allowed int) int {
	mine := max(1, allowed/s.processes)
	if s.answered.IsZero() || now.Sub(s.answered) >= minute {
		return mine
	}
	since := 0
	for _, one := range w {
		if one.at.After(s.answered) {
			since++
		}
	}
	return min(mine, len(w)+max(0, s.left/s.processes-since))
}

// inTime fails when a person's call cannot be made before its deadline, rather than let the person wait for nothing.
func (q *queue) inTime(ctx context.Context, w *waiter, now time.Time) error {
	deadline, limited := ctx.Deadline()
	if !limited || w.priority != tandem.People {
		return nil
	}
	ahead := 0
	for _, l := range q.classes[tandem.People].ring {
		for _, other := range l.waiters {
			if other != w && other.since.Before(w.since) {
				ahead++
			}
		}
	}
	allowed := q.allowed(tandem.People, now)
	wait := q.window.wait(now, allowed-1-ahead%allowed) + time.Duration(ahead/allowed)*minute
	wait = max(wait, q.classes[tandem.People].notBefore.Sub(now))
	if wait <= 0 || now.Add(wait).Before(deadline) {
		return nil
	}
	return q.exhausted(wait)
}

// reasonQuota is the reason of calls that were not made because the budget is used up.
const reasonQuota = "QUOTA"

func (q *queue) exhausted(wait time.Duration) error {
	what := "reads"
	if q.write {
		what = "writes"
	}
	wait = wait.Round(time.Second) + time.Second
	e := tandem.Errorf(tandem.CodeExhausted, reasonQuota,
		"the budget of %s of Google Sheets is used up, and the call would come too late; there is budget again in %s (at %s)",
		what, wait, q.opt.Now().Add(wait).UTC().Format("15:04:05 MST"))
	e.RetryAfter = wait
	return e
}

// isOutOfBudget reports whether a call was not made for want of budget.
func isOutOfBudget(err error) bool {
	var known *tandem.Error
	return errors.As(err, &known) && known.Reason == reasonQuota
}

// refused takes note that Google turned a call down: the limit is lowered for a while, for all processes.
func (q *queue) refused(ctx context.Context) {
	q.mu.Lock()
	q.throttle = q.throttle.Lower(q.opt.Now())
	q.mu.Unlock()
	if q.opt.Ledger == nil || !q.limited() {
		return
	}
	asking, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	if err := q.opt.Ledger.CallRefused(asking, q.question(tandem.People, 0)); err != nil && ctx.Err() == nil {
		q.opt.Logger.Warn("a call that Google turned down is not recorded", "error", err)
	}
}
