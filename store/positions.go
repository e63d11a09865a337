package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Position says up to where something was read, and when that was last said.
type Position struct {
	Name      string
	Position  string
	ReachedAt time.Time
}

const selectPositions = "SELECT name, position, reached_at FROM tandem_positions"

func scanPosition(row scanner) (p Position, err error) {
	var (
		position *string
		reached  moment
	)
	if err = row.Scan(&p.Name, &position, &reached); err == nil && position != nil {
		p.Position = *position
	}
	p.ReachedAt = reached.Time
	return p, err
}

// Position returns up to where something was read, and when that was stored; "" and the zero time when it never was.
func (s *Store) Position(ctx context.Context, name string) (position string, reachedAt time.Time, err error) {
	p, _, err := queryOne(s.db.WithContext(ctx), scanPosition, selectPositions+" WHERE name = ?", name)
	return p.Position, p.ReachedAt, wrap(err, "read the position of %s", name)
}

// Positions returns the positions whose names begin with prefix, by name.
func (s *Store) Positions(ctx context.Context, prefix string) ([]Position, error) {
	// A range, not LIKE: a name may hold what LIKE takes for a wildcard. No name goes on with the last character of all.
	all, err := query(s.db.WithContext(ctx), scanPosition, selectPositions+" WHERE name >= ? AND name < ? ORDER BY name", prefix, prefix+"\U0010FFFF")
	return all, wrap(err, "read the positions of %s", prefix)
}

// SetPosition stores up to where something was read, and that it was read until now. It fails with tandem.ErrFenced when
// somebody else has the lease by now, so that a reader that was held up cannot set its successor back.
func (s *Store) SetPosition(ctx context.Context, lease tandem.Lease, name, position string) error {
	return s.SetPositions(ctx, lease, map[string]string{name: position})
}

// SetPositions is SetPosition for several, in one transaction.
func (s *Store) SetPositions(ctx context.Context, lease tandem.Lease, positions map[string]string) error {
	if len(positions) == 0 {
		return nil
	}
	now := moment{s.moment()}
	var rows [][]any
	for _, name := range slices.Sorted(maps.Keys(positions)) {
		rows = append(rows, []any{name, positions[name], now})
	}
	err := s.beside(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		return insertRows(tx, "INSERT INTO tandem_positions (name, position, reached_at) VALUES", rows,
			s.dialect.upsert([]string{"name"}, []string{"position", "reached_at"}))
	})
	return wrap(err, "store positions")
}

// DropPositions forgets positions that nobody asks for any more.
func (s *Store) DropPositions(ctx context.Context, lease tandem.Lease, names []string) error {
	if len(names) == 0 {
		return nil
	}
	err := s.beside(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM tandem_positions WHERE name IN (?)", names).Error
	})
	return wrap(err, "forget positions")
}

// Fences returns how often each lease has been claimed so far. Of a spreadsheet's lease it bounds how often we wrote there:
// while it stays, we did not.
func (s *Store) Fences(ctx context.Context, names []string) (map[string]int64, error) {
	if len(names) == 0 {
		return nil, nil
	}
	leases, err := query(s.db.WithContext(ctx), scanLease, "SELECT name, holder, fence, expires_at FROM tandem_leases WHERE name IN (?)", names)
	fences := make(map[string]int64, len(leases))
	for _, lease := range leases {
		fences[lease.Name] = lease.Fence
	}
	return fences, wrap(err, "read leases")
}
