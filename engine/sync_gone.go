package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// deletedMeanwhile finds rows that the database lost after capture began and before they were read: the sheet's row is
// then no new one, but to be deleted too. They are adopted as rows that both sides had, and their marks go: should the sync die
// after the deletion, and somebody write the row anew, then nothing speaks against it.
//
// Where the baseline is kept it tells that by itself, and a mark tells nothing: it may be that of a deletion long carried
// out, and the row was written anew since. The same goes for a row that a caller of the API wrote to the sheet.
func (s *syncRun) deletedMeanwhile(ctx context.Context) error {
	if r := s.request.Returns; !s.request.DiscardBaseline && r != "" && r != tandem.StateNew {
		return nil
	}
	marks, err := s.c.table.Marks(ctx, lateMarks)
	if err != nil {
		return fmt.Errorf("read marks: %w", err)
	}
	if err := s.rememberLate(ctx, marks); err != nil {
		return err
	}
	gone := map[tandem.Key]bool{}
	for _, mark := range marks {
		gone[mark.Key] = gone[mark.Key] || mark.Source == tandem.Database && mark.Cause != tandem.CauseAgain // which is our own note
	}
	adopted := map[tandem.Key][]tandem.Value{}
	isGone := func(row *reconcile.Row) bool {
		if !gone[row.Key] || s.c.marks[row.Key].sheet.Cause == tandem.CauseAPI {
			return false
		}
		row.Base, adopted[row.Key] = row.Sheet, row.Sheet
		return true
	}
	for i := range s.c.pending {
		if row := s.c.pending[i].Row; row.Base == nil && row.Database == nil && isGone(&row) {
			s.c.pending[i] = s.c.policy.Decide(row)
		}
	}
	s.recall(isGone)
	return s.adoptGone(ctx, adopted, marks)
}

// adoptGone commits rows that the database lost as rows that both sides had.
func (s *syncRun) adoptGone(ctx context.Context, adopted map[tandem.Key][]tandem.Value, marks []tandem.Mark) error {
	if len(adopted) == 0 || s.request.ValidateOnly {
		return nil
	}
	commit := tandem.Commit{Link: s.c.link.ID}
	for _, mark := range marks {
		if mark.Source == tandem.Database && adopted[mark.Key] != nil {
			commit.Marks = append(commit.Marks, mark.ID)
		}
	}
	// One of the marks may tell of a row that was written anew since it was read.
	if err := s.c.lookAgain(ctx, slices.Sorted(maps.Keys(adopted))); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(adopted)) {
		commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: key, Baseline: adopted[key]})
	}
	if _, err := s.c.table.Commit(ctx, s.c.lease, commit); err != nil {
		return fmt.Errorf("commit rows that the database lost: %w", err)
	}
	return nil
}

// rememberMarks keeps what marked rows in the database.
func (s *syncRun) rememberMarks(marks []tandem.Mark) {
	s.marks = map[tandem.Key][]int64{}
	for _, mark := range marks {
		if mark.Source == tandem.Database && mark.Key != "" {
			s.marks[mark.Key] = append(s.marks[mark.Key], mark.ID)
		}
	}
}

// outlived returns the marks that a row leaves behind which is settled as gone from both sides. They go with it: should the
// sync die before its end, and somebody write the row anew, then the next one took them for its deletion.
func (c *cycle) outlived(s tandem.Settlement) []int64 {
	if c.sync == nil || !s.Forget {
		return nil
	}
	return c.sync.marks[s.Key]
}

// rememberLate also keeps what marked rows while they were read. One of these marks may tell of a row that was written anew since:
// rows that are to go are looked at once more.
func (s *syncRun) rememberLate(ctx context.Context, marks []tandem.Mark) error {
	if s.request.ValidateOnly {
		return nil
	}
	s.rememberMarks(marks)
	var keys []tandem.Key
	for i := range s.c.pending {
		d := &s.c.pending[i]
		goes := d.Forget || d.Database != nil && d.Database.Kind == tandem.Delete || d.Sheet != nil && d.Sheet.Kind == tandem.Delete
		if goes && s.marks[d.Row.Key] != nil {
			keys = append(keys, d.Row.Key)
		}
	}
	return s.c.lookAgain(ctx, keys)
}
