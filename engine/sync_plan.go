package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
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
func (s *syncRun) loadPlan(ctx context.Context) (map[tandem.Key]string, error) {
	if s.request.Plan == "" {
		return nil, nil
	}
	plan, err := s.c.w.opt.Store.Plan(ctx, s.request.Plan)
	if err != nil {
		return nil, err
	}
	asked, _, _ := strings.Cut(plan.Signature, "/")
	if plan.Link != s.c.link.ID || plan.Signature != s.signature(asked) {
		return nil, tandem.Errorf(tandem.CodeAborted, "PLAN_OUTDATED",
			"the link's columns, key or policy changed since plan %s was made; make a new plan with validateOnly", plan.ID)
	}
	preferred, scratch := strings.CutSuffix(asked, fromScratch)
	s.c.policy.Preferred, s.request.DiscardBaseline = tandem.Source(preferred), scratch
	return s.c.w.opt.Store.PlanRows(ctx, plan.ID)
}

func planDigest(row *reconcile.Row) string { return tandem.Digest(row.Base, row.Database, row.Sheet) }

// keepPlanned leaves only rows that the stored plan named and that did not move since.
func (s *syncRun) keepPlanned(planned map[tandem.Key]string) {
	kept := s.c.pending[:0]
	for _, d := range s.c.pending {
		if planned[d.Row.Key] == planDigest(&d.Row) {
			kept = append(kept, d)
			delete(planned, d.Row.Key)
		}
	}
	s.c.pending = kept
	for key := range planned {
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
	rows := make([]tandem.PlanRow, 0, len(s.c.pending))
	for i := range s.c.pending {
		d := &s.c.pending[i]
		rows = append(rows, tandem.PlanRow{Key: d.Row.Key, Digest: planDigest(&d.Row)})
		s.planned(d)
	}
	if err := s.c.w.opt.Store.SavePlan(ctx, plan, rows); err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	s.report.Plan = plan.ID
	return s.finish(ctx, s.c.link.State)
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

func (s *syncRun) compared(ctx context.Context, done int64) error {
	s.operation.Progress.RowsDone = done
	if s.c.w.opt.Now().Sub(s.saved) < progressEvery {
		return ctx.Err()
	}
	return s.save(ctx, phaseComparing, 0)
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
