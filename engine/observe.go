package engine

import (
	"context"
	"time"

	"github.com/tandem-sync/tandem"
)

// CycleReport is what one cycle of a link did.
type CycleReport struct {
	Link     string
	Err      error // nil when it went well
	Duration time.Duration
	// Written counts the rows that landed, by the side they were written to; Refused those that were recorded as row errors,
	// tries again included, Conflicts those that became conflicts, Moved those that were left to the next cycle.
	Written                   map[tandem.Source]int
	Refused, Conflicts, Moved int
	// Lags are the times from a change to its arrival on the other side, by the side that it was made on; of changes whose time is
	// known. Of a row that changed several times meanwhile it is the last change that counts.
	Lags map[tandem.Source][]time.Duration
	// Halted is the reason for which the link was halted in this cycle; "" when it was not.
	Halted string
}

// observe follows the cycle from here on; the function it returns ends that and tells OnCycle.
func (c *cycle) observe(ctx context.Context) (context.Context, func(error)) {
	began := c.w.opt.Now()
	c.report = CycleReport{Link: c.link.ID, Written: map[tandem.Source]int{}, Lags: map[tandem.Source][]time.Duration{}}
	inner, end := tandem.Step(ctx, "cycle")
	return inner, func(err error) {
		end(err)
		if c.w.opt.OnCycle == nil {
			return
		}
		c.report.Err, c.report.Duration, c.report.Moved = err, c.w.opt.Now().Sub(began), len(c.moved)
		c.w.opt.OnCycle(ctx, c.report)
	}
}

// observedTable counts what a cycle commits. Everything that a cycle settles passes through Commit, whatever decided it.
type observedTable struct {
	Table
	c *cycle
}

// Commit commits and counts what landed.
func (t observedTable) Commit(ctx context.Context, lease tandem.Lease, commit tandem.Commit) ([]tandem.Applied, error) {
	ctx, end := tandem.Step(ctx, "database commit")
	applied, err := t.Table.Commit(ctx, lease, commit)
	if end(err); err != nil {
		return applied, err
	}
	now := t.c.w.opt.Now()
	for i := range commit.Settlements {
		s := &commit.Settlements[i]
		switch {
		case commit.Intent != "":
			t.c.landed(s.Key, tandem.Sheet, now)
		case s.Write != nil && i < len(applied) && applied[i].Outcome == tandem.Landed:
			t.c.landed(s.Key, tandem.Database, now)
		}
		if s.Error != nil {
			t.c.report.Refused++
		}
		if s.Conflict != nil && t.c.asked[s.Key].Digest != s.Conflict.Digest {
			t.c.report.Conflicts++
		}
	}
	return applied, nil
}

// landed counts a row that was written to target. An initial sync carries no single changes over, so it has no lag.
func (c *cycle) landed(key tandem.Key, target tandem.Source, now time.Time) {
	c.report.Written[target]++
	source, mark := tandem.Sheet, c.marks[key].sheet
	if target == tandem.Sheet {
		source, mark = tandem.Database, c.marks[key].database
	}
	if c.sync == nil && !mark.At.IsZero() {
		c.report.Lags[source] = append(c.report.Lags[source], max(0, now.Sub(mark.At)))
	}
}

// observedTab shows the calls of a cycle to its tab as steps.
type observedTab struct{ Tab }

// ScanUnless reads the whole tab.
func (t observedTab) ScanUnless(ctx context.Context, digest string) (*tandem.Scan, error) {
	ctx, end := tandem.Step(ctx, "scan")
	scan, err := t.Tab.ScanUnless(ctx, digest)
	end(err)
	return scan, err
}

// Find reads the rows of keys.
func (t observedTab) Find(ctx context.Context, keys []tandem.Key) (*tandem.Scan, error) {
	ctx, end := tandem.Step(ctx, "scan")
	scan, err := t.Tab.Find(ctx, keys)
	end(err)
	return scan, err
}

// FindRows reads the rows that hints name, and those of keys.
func (t observedTab) FindRows(ctx context.Context, places []int, keys []tandem.Key) (*tandem.Scan, error) {
	ctx, end := tandem.Step(ctx, "scan")
	scan, err := t.Tab.FindRows(ctx, places, keys)
	end(err)
	return scan, err
}

// Send writes a batch.
func (t observedTab) Send(ctx context.Context, batch []byte) ([]tandem.Applied, error) {
	ctx, end := tandem.Step(ctx, "sheet write")
	applied, err := t.Tab.Send(ctx, batch)
	end(err)
	return applied, err
}

// causesOf are the steps that asked for writes.
func causesOf(writes []tandem.WantedWrite) []string {
	var causes []string
	for i := range writes {
		if trace := writes[i].Mutation.Trace; trace != "" {
			causes = append(causes, trace)
		}
	}
	return causes
}
