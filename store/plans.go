package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// keepPlans is how long a stored plan can be applied.
const keepPlans = 24 * time.Hour

// SavePlan stores a plan with the rows that it writes, and removes plans that are too old to be applied.
func (s *Store) SavePlan(ctx context.Context, plan tandem.Plan, rows []tandem.PlanRow) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		number, err := linkNumber(tx, plan.Link)
		if err != nil {
			return err
		}
		if err := prunePlans(tx, s.moment().Add(-keepPlans)); err != nil {
			return err
		}
		created := plan.Created
		if created.IsZero() {
			created = s.moment()
		}
		err = tx.Exec("INSERT INTO tandem_plans (id, link_number, signature, created_at) VALUES (?,?,?,?)",
			plan.ID, number, plan.Signature, moment{created}).Error
		if err != nil {
			return err
		}
		stored, _, err := queryOne(tx, scanNumber, "SELECT number FROM tandem_plans WHERE id = ?", plan.ID)
		if err != nil {
			return err
		}
		values := make([][]any, 0, len(rows))
		for _, row := range rows {
			if row.Key != "" && len(row.Key) <= maxKeyBytes {
				values = append(values, []any{stored, string(row.Key), row.Digest})
			}
		}
		return insertRows(tx, "INSERT INTO tandem_plan_rows (plan_number, row_key, digest) VALUES", values, "")
	})
	return wrap(err, "save plan of link %s", plan.Link)
}

// Plan returns a stored plan, tandem.ErrNotFound when there is none or it is too old.
func (s *Store) Plan(ctx context.Context, id string) (*tandem.Plan, error) {
	plan, found, err := queryOne(s.db.WithContext(ctx), func(row scanner) (plan tandem.Plan, err error) {
		var created moment
		err = row.Scan(&plan.ID, &plan.Link, &plan.Signature, &created)
		plan.Created = created.Time
		return plan, err
	}, "SELECT p.id, l.id, p.signature, p.created_at FROM tandem_plans p JOIN tandem_links l ON l.number = p.link_number WHERE p.id = ?", id)
	if err != nil {
		return nil, wrap(err, "read plan %s", id)
	}
	if !found || plan.ID != id || plan.Created.Before(s.now().Add(-keepPlans)) {
		return nil, tandem.Errorf(tandem.CodeNotFound, "PLAN_NOT_FOUND", "there is no plan %q, or it is older than 24 hours; make a new one", id)
	}
	return &plan, nil
}

// PlanRows returns the digest of each row that a plan writes.
func (s *Store) PlanRows(ctx context.Context, id string) (map[tandem.Key]string, error) {
	rows, err := query(s.db.WithContext(ctx), func(row scanner) (r tandem.PlanRow, err error) {
		var key string
		err = row.Scan(&key, &r.Digest)
		r.Key = tandem.Key(key)
		return r, err
	}, "SELECT row_key, digest FROM tandem_plan_rows WHERE plan_number = (SELECT number FROM tandem_plans WHERE id = ?)", id)
	if err != nil {
		return nil, wrap(err, "read rows of plan %s", id)
	}
	digests := make(map[tandem.Key]string, len(rows))
	for _, row := range rows {
		digests[row.Key] = row.Digest
	}
	return digests, nil
}

// prunePlans removes plans made before a moment.
func prunePlans(tx *gorm.DB, before time.Time) error {
	old := moment{before}
	err := tx.Exec("DELETE FROM tandem_plan_rows WHERE plan_number IN (SELECT number FROM tandem_plans WHERE created_at < ?)", old).Error
	if err == nil {
		err = tx.Exec("DELETE FROM tandem_plans WHERE created_at < ?", old).Error
	}
	if err != nil {
		return fmt.Errorf("prune plans: %w", err)
	}
	return nil
}
