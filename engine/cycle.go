package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// Sizes of one step. Each chunk is committed by itself, so a crash loses at most the work of one.
const (
	markLimit     = 2000
	compareLimit  = 100_000 // marks that are read where all rows are looked at
	pageRows      = 2000
	databaseChunk = 1000
	wantedLimit   = 1000
)

// captureEvery is how often an active link's triggers are looked at and restored.
const captureEvery = time.Minute

// cycle is one pass for one link, under its lease.
type cycle struct {
	w      *Worker
	link   tandem.Link
	lease  tandem.Lease
	table  Table
	tab    Tab
	policy reconcile.Policy
	memo   *memory
	log    *slog.Logger
	report CycleReport

	marks    map[tandem.Key]attribution // by key, what the marks say of who and when
	hinted   map[int]tandem.Mark        // by number of a row of the sheet, what hints say of who and when
	lookedAt []tandem.Key               // rows that were compared without a whole scan
	approval *tandem.Approval
	sync     *syncRun // set during an InitialSync

	inError map[tandem.Key]bool                // rows that have a row error
	asked   map[tandem.Key]tandem.OpenConflict // rows that wait for a person, or for what a person decided
	spelled map[tandem.Key]tandem.Key          // how the sheet spells keys, where the table spells them otherwise
	renames map[tandem.Key]tandem.Key          // keys that were edited in the sheet: the new one by the old one
	bad     *likes                             // the rows of the sheet without a usable key, once they were asked for
	typed   typedRows                          // rows of the sheet without a key
	held    map[tandem.Key]string              // rows left alone until the sheet changes, and why
	doubled map[tandem.Key][]tandem.Value      // what both sides agreed on for rows whose key stands more than once
	passed  map[tandem.Key]bool                // rows left out in a cycle in which a column flows again
	order   *rowOrder                          // the rows of the sheet as this cycle saw them
	// observed are the link's columns with what this cycle found out about them, returned (by index) those that flow again,
	// title is that of the tab.
	observed []tandem.LinkColumn
	returned map[int]tandem.Source
	title    string
	scanned  string // digest of the whole scan of this cycle; "" without one
	// confirmed is set once what was scanned is known to be the linked tab.
	confirmed bool
	// unsettled is set when rows were left out that the next look has to see again.
	unsettled bool
	// approvalStays is set when a part of what a person approved could not be carried out yet.
	approvalStays bool
	pending       []reconcile.Decision // rows that need something
	closes        map[tandem.Key]bool  // rows that are in conflict no more once their decision is carried out
	moved         map[tandem.Key]bool  // rows that were not as scanned when they were to be written: the next cycle's
}

// attribution is what marks tell of a change, by the side it was made on.
type attribution struct {
	database, sheet tandem.Mark
}

func (w *Worker) newCycle(link tandem.Link, lease tandem.Lease, memo *memory) *cycle {
	return &cycle{w: w, link: link, lease: lease, memo: memo, log: w.opt.Logger.With("link", link.ID),
		marks: map[tandem.Key]attribution{}, moved: map[tandem.Key]bool{}, inError: map[tandem.Key]bool{},
		held: map[tandem.Key]string{}, passed: map[tandem.Key]bool{}, doubled: map[tandem.Key][]tandem.Value{}, closes: map[tandem.Key]bool{}, spelled: map[tandem.Key]tandem.Key{}, renames: map[tandem.Key]tandem.Key{}}
}

// cycle does what is due for a link, in the order that safety asks for: what is unknown about earlier writes is settled
// before anything is read.
func (w *Worker) cycle(ctx context.Context, j job, lease tandem.Lease) (err error) {
	c := w.newCycle(j.link, lease, w.memory(j.link.ID))
	ctx, told := c.observe(ctx)
	defer func() { told(err) }()
	if lease.Fence != c.memo.fence+1 {
		c.memo.distrust() // somebody else worked on the link meanwhile
	}
	c.memo.fence = lease.Fence
	err = c.run(ctx, j)
	if len(c.moved) > 0 && err == nil {
		c.memo.retryAfter = w.opt.Now().Add(tick << min(c.memo.restless, 8))
		c.memo.restless++
	} else {
		c.memo.restless = 0
	}
	return c.endBadly(ctx, j, err)
}

func (c *cycle) run(ctx context.Context, j job) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	if err := c.settleIntents(ctx); err != nil {
		return fmt.Errorf("settle earlier writes: %w", err)
	}
	if err := c.readTyped(ctx); err != nil {
		return err
	}
	if j.due.Writes > 0 {
		if err := c.carryOutWrites(ctx); err != nil {
			return fmt.Errorf("carry out writes to the sheet: %w", err)
		}
	}
	if j.late {
		return nil
	}
	if j.due.Operations > 0 {
		return c.initialSync(ctx)
	}
	if c.link.State == tandem.StateActive {
		return c.keepUp(ctx, j)
	}
	return nil
}

func (c *cycle) open(ctx context.Context) error {
	table, err := c.w.opt.OpenTable(ctx, &c.link)
	if err != nil {
		return fmt.Errorf("open table %q: %w", c.link.Table, err)
	}
	if err := c.readConflicts(ctx); err != nil {
		return err
	}
	inError, err := c.w.opt.Store.RowErrorKeys(ctx, c.link.ID)
	if err != nil {
		return fmt.Errorf("read row errors: %w", err)
	}
	for _, key := range inError {
		c.inError[key] = true
	}
	c.tab = observedTab{c.w.opt.OpenTab(&c.link, table.Columns())}
	return c.openTable(table)
}

// openTable takes over a link's table, and what its settings mean for the merge.
func (c *cycle) openTable(table Table) (err error) {
	c.table = observedTable{table, c}
	c.policy = reconcile.Policy{Columns: table.Columns(), Settings: c.link.Columns, Default: c.link.Policy, Preferred: c.link.PreferredSource}
	if c.policy.Preferred == "" {
		c.policy.Preferred = tandem.Database
	}
	if len(c.link.Rules) > 0 {
		// A rule that no longer fits the table leaves its conflicts to people; it was checked when it was saved.
		if c.policy.Rules, err = reconcile.SavedRules(table.Columns(), c.link.Rules); err != nil {
			return fmt.Errorf("read rules of link %s: %w", c.link.ID, err)
		}
	}
	c.observeTable()
	return nil
}

// haltReasons are failures that a person must look at before anything flows again.
var haltReasons = map[string]bool{
	tandem.HaltTabGone: true, tandem.HaltKeyColumnGone: true, tandem.HaltTableChanged: true, tandem.HaltTimeZone: true,
}

// endBadly turns an error that no retry helps against into a halt of the link, or into the failure of its operation.
func (c *cycle) endBadly(ctx context.Context, j job, err error) error {
	problem := asError(err)
	if problem == nil {
		return err
	}
	switch problem.Code {
	case tandem.CodeUnavailable, tandem.CodeExhausted, tandem.CodeInternal:
		return err
	}
	if j.due.Operations > 0 {
		return c.failOperation(ctx, problem)
	}
	if haltReasons[problem.Reason] && c.link.State == tandem.StateActive && c.memo.failures >= haltTries-1 {
		return c.halt(ctx, tandem.Halt{Reason: problem.Reason, Message: problem.Message + ". " + c.approveHint(), Source: tandem.Sheet}, nil)
	}
	return err
}

// asError returns the tandem.Error that err wraps, or nil.
func asError(err error) *tandem.Error {
	var problem *tandem.Error
	errors.As(err, &problem)
	return problem
}

// haltTries is how many cycles in a row must fail alike before the link halts: one strange answer of Google's, or a header
// that a person is just retyping, is not worth a person's attention.
const haltTries = 3

func (c *cycle) approveHint() string {
	return fmt.Sprintf("When it is in order again, continue with POST /v1/links/%s:approve", c.link.ID)
}

func (c *cycle) halt(ctx context.Context, halt tandem.Halt, keys []tandem.Key) error {
	halt.At = c.w.opt.Now()
	c.log.Warn("link halted", "reason", halt.Reason, "rows", halt.RowCount)
	c.link.State, c.report.Halted = tandem.StateHalted, halt.Reason
	return c.w.opt.Store.SetHalt(ctx, c.lease, c.link.ID, halt, keys)
}

func (c *cycle) readConflicts(ctx context.Context) (err error) {
	if c.asked, err = c.w.opt.Store.OpenConflicts(ctx, c.link.ID); err != nil {
		return fmt.Errorf("read conflicts: %w", err)
	}
	return nil
}

// readMarks returns the marks that this cycle will do away with. What people decided is read once more after them: a mark may
// tell of a decision that came since the cycle began, and that would be forgotten with it.
func (c *cycle) readMarks(ctx context.Context, limit int) ([]tandem.Mark, error) {
	marks, err := c.table.Marks(ctx, limit)
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", err)
	}
	if len(marks) == 0 {
		return nil, nil
	}
	return marks, c.readConflicts(ctx)
}

// keepUp is the cycle of an active link: looks at what the marks name, or at a whole side, and carries changes over.
func (c *cycle) keepUp(ctx context.Context, j job) error {
	now := c.w.opt.Now()
	if now.Sub(c.memo.captured) > captureEvery {
		if err := c.w.opt.Store.Capture(ctx, &c.link); err != nil {
			return fmt.Errorf("look after triggers: %w", err)
		}
		c.memo.captured = now
	}
	marks, err := c.readMarks(ctx, markLimit)
	if err != nil {
		return err
	}
	if c.approval, err = c.w.opt.Store.Approval(ctx, c.link.ID); err != nil {
		return fmt.Errorf("read approval: %w", err)
	}
	wholeSheet, wholeDatabase := c.attribute(marks)
	if len(marks) == markLimit && (wholeDatabase || j.compare || c.approval != nil) {
		// What is decided about all rows needs all marks: they say who did it, and what a deleted row held outside the link.
		if marks, err = c.readMarks(ctx, compareLimit); err != nil {
			return err
		}
		c.marks, c.hinted = map[tandem.Key]attribution{}, nil
		wholeSheet, wholeDatabase = c.attribute(marks)
	}
	if err := c.canonicalMarks(ctx); err != nil {
		return err
	}
	looking, looked := tandem.Step(ctx, "reconcile")
	scan, err := c.gather(looking, wholeSheet || j.poll, wholeDatabase || j.compare || c.approval != nil)
	if looked(err); err != nil {
		return err
	}
	c.noticed(ctx, j, wholeSheet)
	if err := c.saveObserved(ctx, false); err != nil {
		return err
	}
	if err := c.settle(ctx, scan); err != nil || c.link.State == tandem.StateHalted {
		return err
	}
	if err := c.finish(ctx, marks, scan); err != nil {
		return err
	}
	if scan != nil && scan.Whole {
		c.memo.nextPoll = now.Add(c.w.opt.Poll)
		if rest := c.w.opt.Now().Add(c.w.opt.Settle); c.memo.typing() && rest.Before(c.memo.nextPoll) {
			c.memo.nextPoll = rest
		}
	}
	if j.compare {
		c.memo.nextCompare = now.Add(c.w.opt.Compare)
	}
	c.showNotes(ctx, scan)
	return nil
}
