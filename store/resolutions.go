package store

import (
	"context"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Resolve records a person's decision about a row's conflict, which the next cycle carries out, and returns the conflict
// with it. A digest says what the person saw: when the sides hold something else by now, the error has the reason
// ETAG_MISMATCH. A decision that was not carried out yet is replaced.
func (s *Store) Resolve(ctx context.Context, link string, key tandem.Key, r tandem.Resolution) (tandem.Conflict, error) {
	var conflict tandem.Conflict
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		var err error
		if conflict, err = findConflict(tx, link, key, s.dialect.forUpdate); err != nil {
			return err
		}
		if r.Digest != "" && r.Digest != conflict.Digest {
			return tandem.Errorf(tandem.CodeAborted, "ETAG_MISMATCH",
				"the conflict of row %q is another one since it was read; look at what both sides hold now, and decide again", key)
		}
		if err := checkResolution(&conflict, &r); err != nil {
			return err
		}
		decided := r
		decided.Digest, decided.At = conflict.Digest, s.moment()
		conflict.Resolution = &decided
		text, err := toJSON(&decided)
		if err != nil {
			return err
		}
		err = tx.Exec(`UPDATE tandem_conflicts SET resolution = ? WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)
			AND row_key = ?`, text, link, string(key)).Error
		if err != nil {
			return err
		}
		return s.addMarks(tx, link, again([]tandem.Key{key}))
	})
	if err != nil {
		return tandem.Conflict{}, wrap(err, "resolve conflict of row %q of link %s", key, link)
	}
	s.wake(link)
	return conflict, nil
}

// again marks rows for another look.
func again(keys []tandem.Key) []tandem.Mark {
	marks := make([]tandem.Mark, len(keys))
	for i, key := range keys {
		marks[i] = tandem.Mark{Source: tandem.Database, Key: key, Cause: tandem.CauseAgain}
	}
	return marks
}

// checkResolution refuses decisions that would settle nothing, or something else than what is in conflict.
func checkResolution(conflict *tandem.Conflict, r *tandem.Resolution) error {
	switch r.Take {
	case tandem.Database, tandem.Sheet:
	case "":
		if len(r.Columns) == 0 {
			return tandem.InvalidField("take", "the decision takes neither side and names no column; take the database or the sheet, or say so for single columns")
		}
		if len(conflict.Columns) == 0 {
			return tandem.InvalidField("take", "the row was deleted on one side and changed on the other; take the database's side or the sheet's")
		}
	default:
		return tandem.InvalidField("take", "%q is neither the database nor the sheet", r.Take)
	}
	for column, choice := range r.Columns {
		if !slices.Contains(conflict.Columns, column) {
			return tandem.InvalidField("columns", "the column %q of row %q is not in conflict", column, conflict.Key)
		}
		taken := choice.Take == tandem.Database || choice.Take == tandem.Sheet
		if !taken && (choice.Take != "" || choice.Value.IsAbsent() || choice.Value.IsInvalid()) {
			return tandem.InvalidField("columns", "for the column %q, take the database or the sheet, or give a value", column)
		}
	}
	return nil
}

// undecided is a conflict that somebody has yet to decide about, wholly or in some of its cells.
type undecided struct {
	key        tandem.Key
	digest     string
	resolution *tandem.Resolution
}

// ResolveAll takes one side in every cell, and for every row, in conflict that nobody has decided about yet, and returns in
// how many rows that was. Decisions that wait to be carried out stay.
func (s *Store) ResolveAll(ctx context.Context, link string, take tandem.Source, actor string) (int, error) {
	if take != tandem.Database && take != tandem.Sheet {
		return 0, tandem.InvalidField("take", "%q is neither the database nor the sheet", take)
	}
	decided := 0
	for after, more := tandem.Key(""), true; more; {
		var next tandem.Key
		n := 0
		err := s.transaction(ctx, func(tx *gorm.DB) (err error) {
			next, n, more, err = s.resolveSome(tx, link, after, take, actor)
			return err
		})
		if err != nil {
			return decided, wrap(err, "resolve conflicts of link %s", link)
		}
		if after = next; n > 0 {
			decided += n
			s.wake(link)
		}
	}
	return decided, nil
}

// resolveSome decides about one batch of conflicts after a key. It returns the last key it saw, about how many rows it
// decided, and whether there may be more.
func (s *Store) resolveSome(tx *gorm.DB, link string, after tandem.Key, take tandem.Source, actor string) (last tandem.Key, n int, more bool, err error) {
	number, err := linkNumber(tx, link)
	if err != nil {
		return "", 0, false, err
	}
	open, err := query(tx, func(row scanner) (u undecided, err error) {
		var key string
		var resolution *string
		if err = row.Scan(&key, &u.digest, &resolution); err != nil {
			return u, err
		}
		u.key = tandem.Key(key)
		u.resolution, err = fromJSON[tandem.Resolution](resolution)
		return u, err
	}, "SELECT row_key, digest, resolution FROM tandem_conflicts WHERE link_number = ? AND row_key > ? ORDER BY row_key LIMIT ?"+s.dialect.forUpdate,
		number, string(after), maxStatementRows)
	if err != nil || len(open) == 0 {
		return after, 0, false, err
	}
	var rows [][]any
	var keys []tandem.Key
	for _, u := range open {
		r := tandem.Resolution{Actor: actor}
		if u.resolution != nil {
			r = *u.resolution
		}
		if r.Take != "" {
			continue
		}
		r.Take, r.Digest, r.At = take, u.digest, s.moment()
		text, err := toJSON(&r)
		if err != nil {
			return "", 0, false, err
		}
		rows = append(rows, []any{number, string(u.key), u.digest, text})
		keys = append(keys, u.key)
	}
	if len(rows) > 0 {
		// The rows are there, and locked: nothing is inserted.
		err = insertRows(tx, "INSERT INTO tandem_conflicts (link_number, row_key, digest, resolution) VALUES", rows,
			s.dialect.upsert([]string{"link_number", "row_key"}, []string{"resolution"}))
		if err == nil {
			err = s.addMarks(tx, link, again(keys))
		}
	}
	return open[len(open)-1].key, len(rows), len(open) == maxStatementRows, err
}
