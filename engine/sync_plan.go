package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// fromScratch stands in the signature of a plan that leaves the baseline out.
const fromScratch = "+scratch"

// signature fingerprints what a plan depends on beside the rows; it begins with what the plan was asked for: the source
// that it prefers, and fromScratch when it leaves the baseline out.
func (s *syncRun) signature(asked string) string {
	link := &s.c.link
	settings, _ := json.Marshal([]any{link.Table, link.SpreadsheetID, link.SheetID, link.Columns, link.Key, link.Policy, link.UpdateTimeColumn})
	return asked + "/" + tandem.Digest([]tandem.Value{tandem.Text(string(settings))})
}

// loadPlan reads the stored plan that the request names, and takes over the source that it prefers.
func (s *syncRun) loadPlan(ctx context.Context) error {
	if s.request.Plan == "" {
		return nil
	}
	plan, err := s.c.w.opt.Store.Plan(ctx, s.request.Plan)
	if err != nil {
		return err
	}
	asked, _, _ := strings.Cut(plan.Signature, "/")
	if plan.Link != s.c.link.ID || plan.Signature != s.signature(asked) {
		return tandem.Errorf(tandem.CodeAborted, "PLAN_OUTDATED",
			"the link's columns, key or policy changed since plan %s was made; make a new plan with validateOnly", plan.ID)
	}
	preferred, scratch := strings.CutSuffix(asked, fromScratch)
	s.c.policy.Preferred, s.request.DiscardBaseline = tandem.Source(preferred), scratch
	s.planned, err = s.c.w.opt.Store.PlanRows(ctx, plan.ID)
	return err
}

func planDigest(row *reconcile.Row) string { return tandem.Digest(row.Base, row.Database, row.Sheet) }

// isPlanned reports whether a row may be carried over: without a stored plan each may, else those that it named and that did
// not move since. A planned row is taken off the plan.
func (s *syncRun) isPlanned(row *reconcile.Row) bool {
	if s.request.Plan == "" {
		return true
	}
	if s.planned[row.Key] != planDigest(row) {
		return false
	}
	delete(s.planned, row.Key)
	return true
}

// keepPlanned leaves only rows that the stored plan named and that did not move since.
func (s *syncRun) keepPlanned() {
	moved := func(d reconcile.Decision) bool { return !s.isPlanned(&d.Row) }
	s.c.pending = slices.DeleteFunc(s.c.pending, moved)
	for _, rows := range []*[]waitingRow{&s.waiting.toDatabase, &s.waiting.toSheet} {
		*rows = slices.DeleteFunc(*rows, func(w waitingRow) bool {
			row := w.row(len(s.c.policy.Columns))
			return !s.isPlanned(&row)
		})
	}
	for _, key := range slices.Sorted(maps.Keys(s.planned)) {
		s.skip(key)
	}
}

// finishPlan stores the plan and ends the operation; the link and both sources are as they were.
func (s *syncRun) finishPlan(ctx context.Context) error {
	asked := string(s.c.policy.Preferred)
	if s.fromNothing() {
		asked += fromScratch
	}
	plan := tandem.Plan{ID: rand.Text(), Link: s.c.link.ID, Signature: s.signature(asked), Created: s.c.w.opt.Now()}
	rows := s.planRows
	s.eachPlanned(func(d *reconcile.Decision) {
		rows = append(rows, tandem.PlanRow{Key: d.Row.Key, Digest: planDigest(&d.Row)})
		s.count(d)
	})
	if err := s.c.w.opt.Store.SavePlan(ctx, plan, rows); err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	s.report.Plan = plan.ID
	return s.finish(ctx, s.c.link.State)
}

// eachPlanned visits the decisions about the rows that are not equal.
func (s *syncRun) eachPlanned(visit func(d *reconcile.Decision)) {
	for i := range s.c.pending {
		visit(&s.c.pending[i])
	}
	s.eachWaiting(visit)
}

// save stores progress and fails with errCancelled when cancellation was asked for.
func (s *syncRun) save(ctx context.Context, phase string, done int64) error {
	p := &s.operation.Progress
	p.Phase = phase
	p.RowsDone += done
	reads, writes := s.c.tab.Calls()
	p.Reads, p.Writes = s.readsBefore+reads, s.writesBefore+writes
	s.saved = s.c.w.opt.Now()
	cancelled, err := s.c.w.opt.Store.SaveProgress(ctx, s.c.lease, s.operation.ID, *p)
	if err != nil {
		return fmt.Errorf("store progress: %w", err)
	}
	if cancelled {
		return errCancelled
	}
	if phase == phaseScanning {
		return nil
	}
	// Callers of the API do not wait until a long sync is over.
	if err := s.c.carryOutWrites(ctx); err != nil {
		return fmt.Errorf("carry out writes to the sheet: %w", err)
	}
	return nil
}

// read counts rows that were read in a phase so far. There may turn out to be more of them than were expected.
func (s *syncRun) read(ctx context.Context, phase string, rows int) error {
	p := &s.operation.Progress
	p.RowsDone, p.RowsTotal = int64(rows), max(p.RowsTotal, int64(rows))
	if s.operation.ID == "" {
		return ctx.Err() // a preview: nobody follows it
	}
	if s.c.w.opt.Now().Sub(s.saved) < progressEvery {
		return ctx.Err()
	}
	return s.save(ctx, phase, 0)
}

func (s *syncRun) compared(ctx context.Context, rows int) error {
	return s.read(ctx, phaseComparing, int(s.operation.Progress.RowsDone)+rows)
}

// wrote counts rows that a chunk went through. A row that is written on both sides is counted twice, so the total may be
// exceeded by what the report then shows in full.
func (s *syncRun) wrote(ctx context.Context, rows int) error {
	p := &s.operation.Progress
	if p.RowsDone+int64(rows) > p.RowsTotal {
		rows = int(p.RowsTotal - p.RowsDone)
	}
	return s.save(ctx, phaseWriting, int64(rows))
}

// noteFirst notes, when the sync begins, whether both sides had agreed on anything before; a run after a crash keeps that.
func (s *syncRun) noteFirst(ctx context.Context) error {
	p := &s.operation.Progress
	if p.Phase != "" && p.Phase != phaseWaiting {
		return nil
	}
	known, err := s.c.w.opt.Store.CountBaselines(ctx, s.c.link.ID)
	if err != nil {
		return fmt.Errorf("count baselines: %w", err)
	}
	p.First = known == 0
	return nil
}
