package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// waiting are rows of an initial sync of which little has to be remembered until everything was compared, and there may be
// millions of them. Neither side is written before the guard has seen all that would be removed.
type waiting struct {
	equal      []waitingRow // rows that are equal on both sides, and were not agreed on
	toSheet    []waitingRow // rows that only the table has
	toDatabase []waitingRow // rows that only the sheet has
	// early has equal rows agreed on as they are found, and not kept. It is not set where both sides agreed on rows before: the
	// guard measures what is removed by those.
	early bool
}

// waitingRow is a row that only one side has, or both alike. What is to be done for it is decided again when it is its turn,
// from the same.
type waitingRow struct {
	key    tandem.Key
	packed string         // what the table holds, or both are to agree on, or
	sheet  []tandem.Value // what the sheet holds
}

func (w *waiting) rows() int { return len(w.equal) + len(w.toSheet) + len(w.toDatabase) }

// row is the row as it was when it was decided.
func (w *waitingRow) row(columns int) reconcile.Row {
	row := reconcile.Row{Key: w.key, Sheet: w.sheet}
	if w.sheet == nil {
		row.Database, _, _ = unpack(w.packed, columns) // of pack's own making, so it never fails
	}
	return row
}

func (c *cycle) decideWaiting(rows []waitingRow) []reconcile.Decision {
	decided := make([]reconcile.Decision, len(rows))
	for i := range rows {
		decided[i] = c.policy.Decide(rows[i].row(len(c.policy.Columns)))
	}
	return decided
}

// keepWaiting takes a decision over when it is one of those that wait, and reports that.
func (s *syncRun) keepWaiting(d *reconcile.Decision) bool {
	c := s.c
	_, asked := c.asked[d.Row.Key]
	if asked || c.inError[d.Row.Key] || len(c.returned) > 0 || d.Forget || d.Problem != nil || d.Conflict != nil || d.Row.Winner != "" {
		return false
	}
	switch {
	case d.Database == nil && d.Sheet == nil && d.Agreed != nil:
		if s.request.ValidateOnly {
			s.planRows = append(s.planRows, tandem.PlanRow{Key: d.Row.Key, Digest: planDigest(&d.Row)})
		} else if s.isPlanned(&d.Row) {
			s.waiting.equal = append(s.waiting.equal, waitingRow{key: d.Row.Key, packed: string(pack(nil, d.Agreed))})
		}
		return true
	case d.Row.Base != nil || d.Agreed != nil:
		return false
	case d.Row.Sheet == nil && d.Sheet != nil && d.Database == nil:
		s.waiting.toSheet = append(s.waiting.toSheet, waitingRow{key: d.Row.Key, packed: string(pack(nil, d.Row.Database))})
		return true
	case d.Row.Database == nil && d.Database != nil && d.Sheet == nil:
		s.waiting.toDatabase = append(s.waiting.toDatabase, waitingRow{key: d.Row.Key, sheet: d.Row.Sheet})
		return true
	}
	return false
}

// adoptEarly commits the equal rows that a page left, where they need not wait.
func (s *syncRun) adoptEarly(ctx context.Context) error {
	w := &s.waiting
	if !w.early || len(w.equal) == 0 {
		return nil
	}
	for rows := range slices.Chunk(w.equal, databaseChunk) {
		if err := s.adopt(ctx, rows); err != nil {
			return err
		}
	}
	w.equal = w.equal[:0]
	return nil
}

// adopt commits what both sides turned out to agree on.
func (s *syncRun) adopt(ctx context.Context, rows []waitingRow) error {
	commit := tandem.Commit{Link: s.c.link.ID}
	for i := range rows {
		agreed, _, _ := unpack(rows[i].packed, len(s.c.policy.Columns)) // of pack's own making, so it never fails
		commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: rows[i].key, Baseline: agreed})
	}
	if _, err := s.c.table.Commit(ctx, s.c.lease, commit); err != nil {
		return fmt.Errorf("commit rows that are equal: %w", err)
	}
	s.adopted += int64(len(rows))
	return nil
}

// recall decides the waiting rows anew that isGone finds: the database lost them, so that they are no new ones.
func (s *syncRun) recall(isGone func(row *reconcile.Row) bool) {
	c, kept := s.c, s.waiting.toDatabase[:0]
	for _, w := range s.waiting.toDatabase {
		if row := w.row(len(c.policy.Columns)); isGone(&row) {
			c.pending = append(c.pending, c.policy.Decide(row))
			continue
		}
		kept = append(kept, w)
	}
	s.waiting.toDatabase = kept
}

// eachWaiting visits the decisions about the rows that wait.
func (s *syncRun) eachWaiting(visit func(d *reconcile.Decision)) {
	for _, rows := range [][]waitingRow{s.waiting.toDatabase, s.waiting.toSheet} {
		for i := range rows {
			d := s.c.policy.Decide(rows[i].row(len(s.c.policy.Columns)))
			visit(&d)
		}
	}
}

// writeWaiting adopts the equal rows, and inserts those that wait into the table. It returns those decisions that the sheet has yet to take something
// of, since the database made something else of the row.
func (c *cycle) writeWaiting(ctx context.Context, errs map[tandem.Key]tandem.RowError) ([]reconcile.Decision, error) {
	var follow []reconcile.Decision
	if c.sync == nil {
		return nil, nil
	}
	w := &c.sync.waiting
	for rows := range slices.Chunk(w.equal, databaseChunk) {
		if err := c.sync.adopt(ctx, rows); err != nil {
			return nil, err
		}
		if err := c.chunkDone(ctx, len(rows)); err != nil {
			return nil, err
		}
	}
	for rows := range slices.Chunk(w.toDatabase, databaseChunk) {
		chunk := c.decideWaiting(rows)
		if err := c.writeDatabaseChunk(ctx, chunk, errs); err != nil {
			return nil, err
		}
		for i := range chunk {
			if chunk[i].Sheet != nil {
				follow = append(follow, chunk[i])
			}
		}
	}
	w.equal, w.toDatabase = nil, nil
	return follow, nil
}

// forSheet hands out what the sheet has to be given, a few thousand rows at a time.
type forSheet struct {
	c     *cycle
	ready [][]reconcile.Decision
	rest  []waitingRow
}

func (c *cycle) forSheet(follow []reconcile.Decision) *forSheet {
	f := &forSheet{c: c, ready: [][]reconcile.Decision{c.pending, follow}}
	if c.sync != nil {
		f.rest, c.sync.waiting.toSheet = c.sync.waiting.toSheet, nil
	}
	return f
}

// fill appends rows to todo until it holds so many, or there are no more.
func (f *forSheet) fill(todo []*reconcile.Decision, enough int) []*reconcile.Decision {
	for len(todo) < enough {
		if len(f.ready) > 0 && len(f.ready[0]) > 0 {
			switch d := &f.ready[0][0]; {
			case d.Sheet == nil:
			case f.c.typed.made[d.Row.Key]:
				f.c.move(d) // the table lost the row that was decided about, and gave its key to another one
			default:
				todo = append(todo, d)
			}
			f.ready[0] = f.ready[0][1:]
			continue
		}
		if len(f.ready) > 0 {
			f.ready = f.ready[1:]
			continue
		}
		if len(f.rest) == 0 {
			break
		}
		n := min(len(f.rest), enough-len(todo))
		f.ready, f.rest = append(f.ready, f.c.decideWaiting(f.rest[:n])), f.rest[n:]
	}
	return todo
}
