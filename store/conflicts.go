package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

const selectConflicts = "SELECT row_key, data, digest, since, resolution FROM tandem_conflicts"

func scanConflict(row scanner) (conflict tandem.Conflict, err error) {
	var (
		key, digest      string
		data, resolution *string
		since            moment
	)
	if err = row.Scan(&key, &data, &digest, &since, &resolution); err != nil {
		return conflict, err
	}
	stored, err := fromJSON[tandem.Conflict](data)
	if err != nil {
		return conflict, fmt.Errorf("conflict of row %q: %w", key, err)
	}
	if stored != nil {
		conflict = *stored
	}
	conflict.Key, conflict.Digest, conflict.Since = tandem.Key(key), digest, since.Time
	conflict.Resolution, err = fromJSON[tandem.Resolution](resolution)
	return conflict, err
}

func scanKey(row scanner) (tandem.Key, error) {
	key, err := scanText(row)
	return tandem.Key(key), err
}

// readConflicts returns the open conflicts among rows. With lock, those stay as they are until tx ends.
func readConflicts(tx *gorm.DB, link int64, keys []tandem.Key, lock string) (map[tandem.Key]tandem.Conflict, error) {
	found := map[tandem.Key]tandem.Conflict{}
	err := inBatches(keys, func(batch []tandem.Key) error {
		conflicts, err := query(tx, scanConflict, selectConflicts+" WHERE link_number = ? AND row_key IN (?)"+lock, link, texts(batch))
		for _, conflict := range conflicts {
			found[conflict.Key] = conflict
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read conflicts: %w", err)
	}
	return found, nil
}

// ConflictKeys returns the keys of all open conflicts of a link.
func (s *Store) ConflictKeys(ctx context.Context, link string) ([]tandem.Key, error) {
	keys, err := query(s.db.WithContext(ctx), scanKey, `SELECT row_key FROM tandem_conflicts
		WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?) ORDER BY row_key`, link)
	return keys, wrap(err, "read keys of conflicts of link %s", link)
}

// ConflictsByKey returns the open conflicts among rows.
func (s *Store) ConflictsByKey(ctx context.Context, link string, keys []tandem.Key) (map[tandem.Key]tandem.Conflict, error) {
	tx := s.db.WithContext(ctx)
	number, err := linkNumber(tx, link)
	if err != nil {
		return nil, wrap(err, "read conflicts of link %s", link)
	}
	found, err := readConflicts(tx, number, keys, "")
	return found, wrap(err, "read conflicts of link %s", link)
}

// Conflicts returns up to limit open conflicts of a link, the oldest first, after a cursor that an earlier call gave ("" to
// begin). Next is "" after the last.
func (s *Store) Conflicts(ctx context.Context, link, after string, limit int) (conflicts []tandem.Conflict, next string, err error) {
	sql, args := selectConflicts+" WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)", []any{link}
	if after != "" {
		micros, key, _ := strings.Cut(after, ":")
		n, err := strconv.ParseInt(micros, 10, 64)
		if err != nil {
			return nil, "", tandem.InvalidField("page_token", "is not one that this server gave")
		}
		since := moment{time.UnixMicro(n)}
		sql += " AND (since > ? OR since = ? AND row_key > ?)"
		args = append(args, since, since, key)
	}
	conflicts, err = query(s.db.WithContext(ctx), scanConflict, sql+" ORDER BY since, row_key LIMIT ?", append(args, limit+1)...)
	if err != nil {
		return nil, "", wrap(err, "read conflicts of link %s", link)
	}
	if len(conflicts) > limit {
		conflicts = conflicts[:limit]
		last := &conflicts[limit-1]
		next = fmt.Sprintf("%d:%s", last.Since.UnixMicro(), last.Key)
	}
	return conflicts, next, nil
}

// Conflict returns the open conflict of a row.
func (s *Store) Conflict(ctx context.Context, link string, key tandem.Key) (tandem.Conflict, error) {
	conflict, err := findConflict(s.db.WithContext(ctx), link, key, "")
	return conflict, wrap(err, "read conflict of row %q of link %s", key, link)
}

func findConflict(tx *gorm.DB, link string, key tandem.Key, lock string) (tandem.Conflict, error) {
	number, err := linkNumber(tx, link)
	if err != nil {
		return tandem.Conflict{}, err
	}
	conflict, found, err := queryOne(tx, scanConflict, selectConflicts+" WHERE link_number = ? AND row_key = ?"+lock, number, string(key))
	if err == nil && !found {
		err = tandem.Errorf(tandem.CodeNotFound, "CONFLICT_NOT_FOUND",
			"the row %q of link %q is not in conflict; it may have been settled meanwhile", key, link)
	}
	return conflict, err
}

// SettledConflicts returns up to limit conflicts that were settled, the newest first, as history recorded them. Of one
// without a time of its own, Since is when it was settled.
func (s *Store) SettledConflicts(ctx context.Context, link string, limit int) ([]tandem.Conflict, error) {
	settled, err := query(s.db.WithContext(ctx), func(row scanner) (tandem.Conflict, error) {
		var key, data *string
		var at moment
		if err := row.Scan(&key, &data, &at); err != nil {
			return tandem.Conflict{}, err
		}
		conflict, err := fromJSON[tandem.Conflict](data)
		if err != nil {
			return tandem.Conflict{}, err
		}
		if conflict.Key == "" && key != nil {
			conflict.Key = tandem.Key(*key)
		}
		if conflict.Since.IsZero() {
			conflict.Since = at.Time
		}
		return *conflict, nil
	}, `SELECT row_key, conflict, applied_at FROM tandem_changes WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)
		AND conflict IS NOT NULL ORDER BY seq DESC LIMIT ?`, link, limit)
	return settled, wrap(err, "read settled conflicts of link %s", link)
}
