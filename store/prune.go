package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// How long finished work is kept. A done write has been answered; its request keeps the answer.
const (
	keepOperations = 30 * 24 * time.Hour
	keepWrites     = time.Hour
)

// Prune removes what is too old to be asked for: answers of requests, plans, done operations and done writes, and marks
// that triggers left for links that were deleted.
func (s *Store) Prune(ctx context.Context) error {
	now := s.moment()
	steps := []func(tx *gorm.DB) error{
		func(tx *gorm.DB) error { return prunePlans(tx, now.Add(-keepPlans)) },
		func(tx *gorm.DB) error { return pruneOperations(tx, now.Add(-keepOperations)) },
		func(tx *gorm.DB) error {
			// A request that still waits for its write stays, however old it is.
			return tx.Exec("DELETE FROM tandem_requests WHERE created_at < ? AND (write_id = '' OR result IS NOT NULL)", moment{now.Add(-keepRequests)}).Error
		},
		func(tx *gorm.DB) error {
			old := moment{now.Add(-keepWrites)}
			err := tx.Exec("DELETE FROM tandem_results WHERE write_id IN (SELECT id FROM tandem_writes WHERE done = 1 AND done_at < ?)", old).Error
			if err != nil {
				return err
			}
			return tx.Exec("DELETE FROM tandem_writes WHERE done = 1 AND done_at < ?", old).Error
		},
		func(tx *gorm.DB) error {
			return tx.Exec("DELETE FROM tandem_marks WHERE link_number NOT IN (SELECT number FROM tandem_links)").Error
		},
	}
	for _, step := range steps {
		if err := s.transaction(ctx, step); err != nil {
			return wrap(err, "prune")
		}
	}
	return nil
}
