package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// linkLease is the name of the lease for working on a link.
func linkLease(link string) string { return "links/" + link }

const selectLease = "SELECT name, holder, fence, expires_at FROM tandem_leases WHERE name = ?"

func scanLease(row scanner) (lease tandem.Lease, err error) {
	var expires moment
	err = row.Scan(&lease.Name, &lease.Holder, &lease.Fence, &expires)
	lease.Expires = expires.Time
	return lease, err
}

// Claim takes the lease called name for holder unless somebody, holder included, has it already. Each claim has a higher
// fence than all before it. A held lease is refused without waiting for those that are using it.
func (s *Store) Claim(ctx context.Context, name, holder string, ttl time.Duration) (tandem.Lease, bool, error) {
	current, found, err := queryOne(s.db.WithContext(ctx), scanLease, selectLease, name)
	now := s.moment()
	if err != nil || current.Expires.After(now) {
		return tandem.Lease{}, false, wrap(err, "claim %s", name)
	}
	lease := tandem.Lease{Name: name, Holder: holder, Fence: current.Fence + 1, Expires: now.Add(ttl).Truncate(time.Microsecond)}
	claimed := false
	err = s.beside(ctx, func(tx *gorm.DB) error {
		if !found {
			// Nothing is dropped when another claim inserted the name meanwhile: the update decides who has it.
			err := tx.Exec("INSERT INTO tandem_leases (name, holder, fence) VALUES (?,'',0)"+s.dialect.upsert([]string{"name"}, nil), name).Error
			if err != nil {
				return err
			}
		}
		result := tx.Exec("UPDATE tandem_leases SET holder = ?, fence = ?, expires_at = ? WHERE name = ? AND fence = ? AND (expires_at IS NULL OR expires_at <= ?)",
			holder, lease.Fence, moment{lease.Expires}, name, current.Fence, moment{now})
		claimed = result.RowsAffected == 1
		return result.Error
	})
	if err != nil || !claimed {
		return tandem.Lease{}, false, wrap(err, "claim %s", name)
	}
	return lease, true, nil
}

// Renew keeps a lease for another ttl. It fails with tandem.ErrFenced when the lease was taken over; one that ran out
// and was not taken is still the holder's.
func (s *Store) Renew(ctx context.Context, lease tandem.Lease, ttl time.Duration) (tandem.Lease, error) {
	lease.Expires = s.moment().Add(ttl).Truncate(time.Microsecond)
	err := s.updateLease(ctx, "UPDATE tandem_leases SET expires_at = ? WHERE name = ? AND fence = ? AND holder = ?",
		moment{lease.Expires}, lease.Name, lease.Fence, lease.Holder)
	return lease, wrap(err, "renew %s", lease.Name)
}

// Release gives a lease back, so that the next claim need not wait until it runs out.
func (s *Store) Release(ctx context.Context, lease tandem.Lease) error {
	err := s.updateLease(ctx, "UPDATE tandem_leases SET holder = '', expires_at = NULL WHERE name = ? AND fence = ? AND holder = ?",
		lease.Name, lease.Fence, lease.Holder)
	return wrap(err, "release %s", lease.Name)
}

func (s *Store) updateLease(ctx context.Context, sql string, args ...any) error {
	return s.beside(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(sql, args...)
		if result.Error == nil && result.RowsAffected == 0 {
			return tandem.ErrFenced
		}
		return result.Error
	})
}

// checkLease fails with tandem.ErrFenced unless lease is still held, and keeps it from being taken over until tx ends. It
// comes first in every transaction that it guards.
func (s *Store) checkLease(tx *gorm.DB, lease tandem.Lease) error {
	current, found, err := queryOne(tx, scanLease, selectLease+s.dialect.forUpdate, lease.Name)
	if err != nil {
		return fmt.Errorf("check lease %s: %w", lease.Name, err)
	}
	if !found || current.Fence != lease.Fence || current.Holder != lease.Holder {
		return tandem.ErrFenced
	}
	return nil
}

// revoke takes a lease from whoever has it and frees it for the next claim.
func revoke(tx *gorm.DB, name string) error {
	return tx.Exec("UPDATE tandem_leases SET fence = fence + 1, holder = '', expires_at = NULL WHERE name = ?", name).Error
}
