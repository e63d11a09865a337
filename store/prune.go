package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
)

// How long finished work is kept. A done write has been answered; its request keeps the answer.
const (
	keepOperations = 30 * 24 * time.Hour
	keepWrites     = time.Hour
)

// minHistory is how long history is kept at least: the guard counts the last hour's removals in it.
const minHistory = 2 * time.Hour

// pruneRows is how many rows of history one statement removes, so that none holds its locks for long.
const pruneRows = 1000

// Prune removes what is too old to be asked for: answers of requests, plans, done operations and done writes, alerts, signatures
// of hints, and marks that triggers left for links that were deleted.
func (s *Store) Prune(ctx context.Context) error {
	now := s.moment()
	steps := []func(tx *gorm.DB) error{
		func(tx *gorm.DB) error { return prunePlans(tx, now.Add(-keepPlans)) },
		func(tx *gorm.DB) error { return pruneOperations(tx, now.Add(-keepOperations)) },
		func(tx *gorm.DB) error {
			old := moment{now.Add(-keepWrites)}
			err := tx.Exec("DELETE FROM tandem_results WHERE write_id IN (SELECT id FROM tandem_writes WHERE done = 1 AND done_at < ?)", old).Error
			if err != nil {
				return err
			}
			return tx.Exec("DELETE FROM tandem_writes WHERE done = 1 AND done_at < ?", old).Error
		},
		func(tx *gorm.DB) error {
			return tx.Exec("DELETE FROM tandem_alerts WHERE created_at <= ?", moment{now.Add(-keepAlerts)}).Error
		},
		func(tx *gorm.DB) error {
			return tx.Exec("DELETE FROM tandem_signatures WHERE seen_at < ?", moment{now.Add(-keepSignatures)}).Error
		},
		func(tx *gorm.DB) error { return pruneCalls(tx, now.Add(-keepCalls)) },
		func(tx *gorm.DB) error {
			return tx.Exec("DELETE FROM tandem_marks WHERE link_number NOT IN (SELECT number FROM tandem_links)").Error
		},
	}
	for _, step := range steps {
		if err := s.transaction(ctx, step); err != nil {
			return wrap(err, "prune")
		}
	}
	return wrap(s.pruneRequests(ctx, now), "prune requests")
}

// PruneHistory removes changes that were applied longer than keep ago, some at a time; 0 keeps them for ever.
func (s *Store) PruneHistory(ctx context.Context, keep time.Duration) error {
	if keep <= 0 {
		return nil
	}
	before := moment{s.moment().Add(-max(keep, minHistory))}
	links, err := query(s.db.WithContext(ctx), scanNumber, "SELECT number FROM tandem_links")
	if err != nil {
		return wrap(err, "prune history")
	}
	for _, link := range links {
		for _, removes := range []int{0, 1} { // as the index has it
			if err := s.pruneChanges(ctx, link, removes, before); err != nil {
				return wrap(err, "prune history")
			}
		}
	}
	return nil
}

func (s *Store) pruneChanges(ctx context.Context, link int64, removes int, before moment) error {
	for {
		seqs, err := query(s.db.WithContext(ctx), scanNumber, `SELECT seq FROM tandem_changes WHERE link_number = ? AND removes = ? AND applied_at < ?
			ORDER BY applied_at LIMIT ?`, link, removes, before, pruneRows)
		if err != nil || len(seqs) == 0 {
			return err
		}
		err = s.transaction(ctx, func(tx *gorm.DB) error {
			if err := s.notePruned(tx, link, slices.Max(seqs)); err != nil {
				return err
			}
			return tx.Exec("DELETE FROM tandem_changes WHERE seq IN (?)", seqs).Error
		})
		if err != nil {
			return err
		}
	}
}
