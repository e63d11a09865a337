package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
)

// maxExamples is how many rows of each kind a report shows.
const maxExamples = 100

// lateMarks is how many marks of rows that changed while a sync was reading are looked at.
const lateMarks = 1_000_000

// progressEvery is how often, at most, progress is stored while rows are compared.
const progressEvery = 500 * time.Millisecond

// Phases of an initial sync, as its metadata shows them.
const (
	phaseWaiting   = "WAITING"
	phaseScanning  = "SCANNING"
	phaseComparing = "COMPARING"
	phaseWriting   = "WRITING"
)

// syncRun is an InitialSync under way. A crash loses nothing: what was committed is in the baselines, and the next worker
// starts over with less to do.
type syncRun struct {
	c         *cycle
	operation tandem.Operation
	request   tandem.SyncRequest
	report    tandem.SyncReport
	examples  map[string]int
	saved     time.Time
	waiting   waiting
	adopted   int64                  // rows that were found equal, and committed
	marks     map[tandem.Key][]int64 // what marked rows in the database until they were compared
	planned   map[tandem.Key]string  // the rows of the stored plan that is carried out
	planRows  []tandem.PlanRow       // rows of a plan to be stored that are equal on both sides
	// readsBefore and writesBefore were made by workers that crashed.
	readsBefore, writesBefore int64
}

// errCancelled ends an operation whose cancellation was asked for.
var errCancelled = &tandem.Error{Code: tandem.CodeCancelled, Reason: "CANCELLED",
	Message: "the initial sync was cancelled; what it had written stays, and running it again goes on from there"}

// initialSync runs the link's pending operation: the same cycle, over all keys.
func (c *cycle) initialSync(ctx context.Context) error {
	operation, err := c.w.opt.Store.PendingOperation(ctx, c.link.ID)
	if err != nil || operation == nil {
		return err
	}
	s := &syncRun{c: c, operation: *operation, request: operation.Request, examples: map[string]int{},
		readsBefore: operation.Progress.Reads, writesBefore: operation.Progress.Writes}
	if s.operation.Progress.Started.IsZero() {
		s.operation.Progress.Started = c.w.opt.Now()
	}
	c.sync = s
	if s.request.PreferredSource != "" {
		c.policy.Preferred = s.request.PreferredSource
	}
	before := c.link.State
	if err := s.run(ctx); err != nil && (c.link.State != tandem.StateHalted || before == tandem.StateHalted) {
		return err
	}
	return nil
}

func (s *syncRun) run(ctx context.Context) error {
	c := s.c
	if err := s.loadPlan(ctx); err != nil {
		return err
	}
	if err := s.discard(ctx); err != nil {
		return err
	}
	if err := s.noteFirst(ctx); err != nil {
		return err
	}
	if err := s.save(ctx, phaseScanning, 0); err != nil {
		return err
	}
	if !s.request.ValidateOnly {
		if err := s.begin(ctx); err != nil {
			return err
		}
	}
	marks, err := c.readMarks(ctx, compareLimit)
	if err != nil {
		return err
	}
	c.attribute(marks)
	s.rememberMarks(marks)
	total, err := c.table.Count(ctx)
	if err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	s.operation.Progress.RowsTotal = total
	scan, err := c.scanTab(tandem.WithReading(ctx, func(rows int) error { return s.read(ctx, phaseScanning, rows) }))
	if err != nil {
		return err
	}
	s.operation.Progress.RowsDone, s.operation.Progress.RowsTotal = 0, total
	if !s.request.ValidateOnly {
		if err := c.confirm(ctx); err != nil {
			return err
		}
		s.waiting.early = s.operation.Progress.First
	}
	if err := s.save(ctx, phaseComparing, 0); err != nil {
		return err
	}
	if err := c.gatherAll(ctx, scan); err != nil {
		return err
	}
	if err := s.deletedMeanwhile(ctx); err != nil {
		return err
	}
	scan.Rows = nil // what is still needed of them is in the decisions
	s.countBad(scan)
	if s.request.Plan != "" {
		s.keepPlanned()
	}
	if s.request.ValidateOnly {
		return s.finishPlan(ctx)
	}
	return s.carryOut(ctx, marks, scan)
}

// carryOut writes what was decided and makes the link active.
func (s *syncRun) carryOut(ctx context.Context, marks []tandem.Mark, scan *tandem.Scan) error {
	c := s.c
	s.operation.Progress.RowsDone, s.operation.Progress.RowsTotal = 0, int64(len(c.pending)+s.waiting.rows())
	if err := s.save(ctx, phaseWriting, 0); err != nil {
		return err
	}
	if err := c.saveObserved(ctx, false); err != nil {
		return err
	}
	if err := c.settle(ctx, scan); err != nil {
		return err
	}
	if c.link.State == tandem.StateHalted {
		return nil
	}
	if s.request.Plan != "" {
		// What the plan did not name was looked at but not carried over.
		if err := c.compareSoon(ctx); err != nil {
			return err
		}
		return s.finish(ctx, tandem.StateActive)
	}
	if err := c.finish(ctx, marks, scan); err != nil {
		return err
	}
	c.memo.nextPoll, c.memo.nextCompare = c.w.opt.Now().Add(c.w.opt.Poll), c.w.opt.Now().Add(c.w.opt.Compare)
	return s.finish(ctx, tandem.StateActive)
}

// countBad counts the rows of the sheet without a usable key: those that get one are inserted.
func (s *syncRun) countBad(scan *tandem.Scan) {
	for i := range scan.Bad {
		if !scan.Bad[i].Keyless || s.c.keyColumn() < 0 {
			s.report.Counts.Refused++
		}
	}
	s.report.Counts.InsertDatabase += s.keyless()
}

// keyless counts the rows without a key that a plan would insert. A stored plan does not name them; they are left to the
// link's cycles when it is applied.
func (s *syncRun) keyless() int64 {
	if s.request.Plan != "" {
		s.c.typed.inserts = nil
	}
	if !s.request.ValidateOnly {
		return 0
	}
	return int64(len(s.c.typed.inserts))
}

// begin makes the link ready to be written. Capture starts before the first scan, so that what is deleted meanwhile
// stays deleted.
func (s *syncRun) begin(ctx context.Context) error {
	c := s.c
	if c.link.State != tandem.StateInitialSync {
		if err := c.w.opt.Store.BeginSync(ctx, c.lease, c.link.ID); err != nil {
			return err
		}
		c.link.State = tandem.StateInitialSync
	}
	if err := c.w.opt.Store.Capture(ctx, &c.link); err != nil {
		return fmt.Errorf("make triggers: %w", err)
	}
	c.memo.captured = c.w.opt.Now()
	if err := c.withSpreadsheet(ctx, c.tab.Setup); err != nil {
		return fmt.Errorf("set up tab %q: %w", c.link.Tab, err)
	}
	return nil
}

// discard forgets what both sides agreed on, when that was asked for, and only before anything else was done: a sync that
// goes on after a crash keeps what it has settled.
func (s *syncRun) discard(ctx context.Context) error {
	begun := s.operation.Progress.Phase != "" && s.operation.Progress.Phase != phaseWaiting
	if !s.request.DiscardBaseline || s.request.ValidateOnly || begun {
		return nil
	}
	if err := s.c.w.opt.Store.DiscardBaselines(ctx, s.c.lease, s.c.link.ID); err != nil {
		return fmt.Errorf("discard baseline: %w", err)
	}
	return nil
}

// fromNothing reports whether rows are planned as if both sides had never agreed on anything.
func (s *syncRun) fromNothing() bool { return s.request.DiscardBaseline && s.request.ValidateOnly }

// finish ends the operation well.
func (s *syncRun) finish(ctx context.Context, state tandem.State) error {
	p := &s.operation.Progress
	reads, writes := s.c.tab.Calls()
	p.Phase, p.RowsDone, p.Reads, p.Writes = "DONE", p.RowsTotal, s.readsBefore+reads, s.writesBefore+writes
	s.report.Duration = s.c.w.opt.Now().Sub(p.Started)
	s.report.Reads, s.report.Writes = p.Reads, p.Writes
	s.operation.Done, s.operation.Report = true, &s.report
	s.c.log.Info("initial sync done", "validate_only", s.request.ValidateOnly, "equal", s.report.Counts.Equal, "reads", p.Reads, "writes", p.Writes,
		"duration", s.report.Duration)
	return s.c.w.opt.Store.FinishOperation(ctx, s.c.lease, s.operation, state)
}

// halt ends the operation because the guard stopped it, and halts the link with the rows concerned.
func (s *syncRun) halt(ctx context.Context, halt tandem.Halt, keys []tandem.Key) error {
	if !s.request.ValidateOnly {
		if err := s.c.halt(ctx, halt, keys); err != nil {
			return err
		}
	}
	s.operation.Done = true
	s.operation.Error = tandem.Errorf(tandem.CodePrecondition, halt.Reason, "%s", halt.Message)
	return s.c.w.opt.Store.FinishOperation(ctx, s.c.lease, s.operation, s.c.link.State)
}

// failOperation ends the link's operation with a failure that trying again does not help against, or with its
// cancellation. The link goes back to the state it was in before.
func (c *cycle) failOperation(ctx context.Context, problem *tandem.Error) error {
	operation, err := c.w.opt.Store.PendingOperation(ctx, c.link.ID)
	if err != nil || operation == nil {
		return errors.Join(problem, err)
	}
	if c.sync != nil {
		operation.Progress = c.sync.operation.Progress
	}
	state := c.link.State
	if state == tandem.StateInitialSync {
		state = operation.Request.Returns
	}
	if state == "" {
		state = tandem.StateNew
	}
	if state == tandem.StateHalted && c.link.State != state {
		state = tandem.StateActive // its halt was answered between the request and the beginning
	}
	if operation.Request.DiscardBaseline && !operation.Request.ValidateOnly {
		// Rows that only the table has, and that nothing is known of any more, are shown by no look at the sheet.
		if err := c.compareSoon(ctx); err != nil {
			return errors.Join(problem, err)
		}
	}
	operation.Done, operation.Error = true, problem
	c.log.Warn("initial sync ended", "error", problem)
	return c.w.opt.Store.FinishOperation(ctx, c.lease, *operation, state)
}
