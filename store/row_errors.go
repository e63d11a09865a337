package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// errorPlace names the row that an error belongs to: "k" and its key, or "#" and its row number in the sheet where it has
// no usable key. A key too long to be stored is named by its beginning and a hash.
func errorPlace(key tandem.Key, position int) string {
	switch {
	case key == "":
		return fmt.Sprintf("#%09d", position)
	case len(key) > maxKeyBytes:
		sum := sha256.Sum256([]byte(key))
		return "k" + string(key[:2000]) + hex.EncodeToString(sum[:])
	}
	return "k" + string(key)
}

// placedError is a row error with its place.
type placedError struct {
	tandem.RowError
	place string
}

const selectErrors = `SELECT place, row_key, position, source, column_name, message, since, digest, retry_at, attempts
	FROM tandem_row_errors`

func scanRowError(row scanner) (e placedError, err error) {
	var (
		source       string
		key, message *string
		since, retry moment
	)
	err = row.Scan(&e.place, &key, &e.Position, &source, &e.Column, &message, &since, &e.Digest, &retry, &e.Attempts)
	if err != nil {
		return e, err
	}
	if key != nil {
		e.Key = tandem.Key(*key)
	}
	if message != nil {
		e.Message = *message
	}
	e.Source, e.Since, e.Retry = tandem.Source(source), since.Time, retry.Time
	return e, nil
}

// moveRowErrors stores errors and removes those at the places in clear, an error that is stored too excepted.
func (s *Store) moveRowErrors(tx *gorm.DB, link int64, errors map[string]tandem.RowError, clear map[string]bool) error {
	var gone []string
	for place := range clear {
		if _, stays := errors[place]; !stays {
			gone = append(gone, place)
		}
	}
	err := inBatches(gone, func(batch []string) error {
		return tx.Exec("DELETE FROM tandem_row_errors WHERE link_number = ? AND place IN (?)", link, batch).Error
	})
	if err != nil {
		return fmt.Errorf("clear row errors: %w", err)
	}
	rows := make([][]any, 0, len(errors))
	for place, e := range errors {
		since := e.Since
		if since.IsZero() {
			since = s.moment()
		}
		rows = append(rows, []any{link, place, string(e.Key), e.Position, string(e.Source), clip(e.Column), e.Message, moment{since},
			clip(e.Digest), moment{e.Retry}, e.Attempts})
	}
	columns := []string{"row_key", "position", "source", "column_name", "message", "since", "digest", "retry_at", "attempts"}
	err = insertRows(tx, "INSERT INTO tandem_row_errors (link_number, place, "+strings.Join(columns, ", ")+") VALUES", rows,
		s.dialect.upsert([]string{"link_number", "place"}, columns))
	if err != nil {
		return fmt.Errorf("store row errors: %w", err)
	}
	return nil
}

// RowErrors returns up to limit row errors of a link, the latest first, after a cursor that an earlier call gave ("" to
// begin). Next is "" after the last.
func (s *Store) RowErrors(ctx context.Context, link, after string, limit int) (errors []tandem.RowError, next string, err error) {
	sql, args := selectErrors+" WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)", []any{link}
	if after != "" {
		micros, place, _ := strings.Cut(after, ":")
		n, err := strconv.ParseInt(micros, 10, 64)
		if err != nil {
			return nil, "", tandem.InvalidField("page_token", "is not one that this server gave")
		}
		since := moment{time.UnixMicro(n)}
		sql += " AND (since < ? OR since = ? AND place > ?)"
		args = append(args, since, since, place)
	}
	rows, err := query(s.db.WithContext(ctx), scanRowError, sql+" ORDER BY since DESC, place LIMIT ?", append(args, limit+1)...)
	if err != nil {
		return nil, "", wrap(err, "read row errors of link %s", link)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		next = fmt.Sprintf("%d:%s", last.Since.UnixMicro(), last.place)
	}
	for _, row := range rows {
		errors = append(errors, row.RowError)
	}
	return errors, next, nil
}

// RowErrorsByKey returns the errors of the rows of keys that have one.
func (s *Store) RowErrorsByKey(ctx context.Context, link string, keys []tandem.Key) (map[tandem.Key]tandem.RowError, error) {
	tx := s.db.WithContext(ctx)
	number, err := linkNumber(tx, link)
	if err != nil {
		return nil, wrap(err, "read row errors of link %s", link)
	}
	found, err := rowErrorsByKey(tx, number, keys)
	return found, wrap(err, "read row errors of link %s", link)
}

func rowErrorsByKey(tx *gorm.DB, link int64, keys []tandem.Key) (map[tandem.Key]tandem.RowError, error) {
	found := map[tandem.Key]tandem.RowError{}
	err := inBatches(keys, func(batch []tandem.Key) error {
		places := make([]string, len(batch))
		for i, key := range batch {
			places[i] = errorPlace(key, 0)
		}
		rows, err := query(tx, scanRowError, selectErrors+" WHERE link_number = ? AND place IN (?)", link, places)
		for _, row := range rows {
			if row.Key != "" {
				found[row.Key] = row.RowError
			}
		}
		return err
	})
	return found, err
}

// RowErrorKeys returns the keys of all rows in error. Rows without a usable key are not among them.
func (s *Store) RowErrorKeys(ctx context.Context, link string) ([]tandem.Key, error) {
	return s.rowErrorKeys(ctx, link, "")
}

// RowErrorKeysDue returns the keys of rows whose time to try again has come.
func (s *Store) RowErrorKeysDue(ctx context.Context, link string, now time.Time) ([]tandem.Key, error) {
	return s.rowErrorKeys(ctx, link, " AND retry_at <= ?", moment{now})
}

func (s *Store) rowErrorKeys(ctx context.Context, link, and string, args ...any) ([]tandem.Key, error) {
	keys, err := query(s.db.WithContext(ctx), func(row scanner) (tandem.Key, error) {
		key, err := scanText(row)
		return tandem.Key(key), err
	}, `SELECT row_key FROM tandem_row_errors
		WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?) AND place >= 'k'`+and+" ORDER BY place", append([]any{link}, args...)...)
	return keys, wrap(err, "read keys of row errors of link %s", link)
}

// ReplaceSheetProblems replaces the errors of all rows without a usable key (blank, or standing twice) by problems, by
// their positions. A problem that was there already keeps the time since when it is.
func (s *Store) ReplaceSheetProblems(ctx context.Context, lease tandem.Lease, link string, problems []tandem.RowError) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		number, err := linkNumber(tx, link)
		if err != nil {
			return err
		}
		before, err := query(tx, scanRowError, selectErrors+" WHERE link_number = ? AND place >= '#' AND place < '$'", number)
		if err != nil {
			return err
		}
		wanted := make(map[string]tandem.RowError, len(problems))
		for _, problem := range problems {
			wanted[errorPlace("", problem.Position)] = problem
		}
		clear := make(map[string]bool, len(before))
		for _, old := range before {
			clear[old.place] = true
			if problem, ok := wanted[old.place]; ok && problem.Message == old.Message && problem.Key == old.Key {
				problem.Since = old.Since
				wanted[old.place] = problem
				if problem == old.RowError {
					delete(wanted, old.place)
					delete(clear, old.place)
				}
			}
		}
		if err := s.moveRowErrors(tx, number, wanted, clear); err != nil {
			return err
		}
		return s.addMarks(tx, link, released(before, problems))
	})
	return wrap(err, "replace sheet problems of link %s", link)
}

// released marks keys that stood twice and no longer do. What the database changed meanwhile was looked at and left alone,
// so nothing else is left of it; the cycle that sees the key released may still fail.
func released(before []placedError, problems []tandem.RowError) []tandem.Mark {
	seen := map[tandem.Key]bool{"": true}
	for _, problem := range problems {
		seen[problem.Key] = true
	}
	var marks []tandem.Mark
	for _, old := range before {
		if !seen[old.Key] {
			seen[old.Key] = true
			marks = append(marks, tandem.Mark{Source: tandem.Database, Key: old.Key, Cause: tandem.CauseAgain})
		}
	}
	return marks
}
