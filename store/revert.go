package store

import (
	"context"
	"errors"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// revertsAtOnce is how many rows share a transaction.
const revertsAtOnce = 200

// Revert undoes the selected changes of a link in its table, and says for each row what became of them, the row that was
// changed last first. Every cell that they changed gets back what it held before the first of them; a row that they added is
// deleted, and one that they removed is inserted again, with the columns outside the link that history knows.
//
// A row is left alone, with the reason NEWER_CHANGE and the row as it is, where something would be lost that was not
// selected: a cell no longer holds what the newest selected change left there, another change of it stands between selected
// ones, or the row was added or removed since. Force undoes it all the same, and leaves out cells that cannot be written in
// the table because the sheet owns them or they no longer flow.
//
// Rows are locked, compared and written some hundred to a transaction, with marks of the cause REVERT and the actor in it:
// the worker carries them to the sheet as any change of the table, and that is what history shows. A cell that holds already
// what it should counts as done, so that a call that failed halfway is simply repeated.
func (s *Store) Revert(ctx context.Context, link *tandem.Link, request tandem.RevertRequest) ([]tandem.RevertResult, error) {
	table, err := s.OpenTable(ctx, link)
	if err != nil {
		return nil, err
	}
	skip, err := table.selfMade(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := table.selected(ctx, request.Filter, skip)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	r := &reverting{t: table, request: request, skip: skip, results: make(map[*undo]tandem.RevertResult, len(rows))}
	if request.ValidateOnly {
		// All in one transaction, since rows may need others that come before them.
		err = s.transaction(ctx, func(tx *gorm.DB) error {
			if err := r.passes(rows, func(part []*undo) (map[*undo]bool, error) { return r.revert(tx, part) }); err != nil {
				return err
			}
			return errRollBack
		})
		if errors.Is(err, errRollBack) {
			err = nil
		}
	} else {
		err = r.passes(rows, func(part []*undo) (map[*undo]bool, error) { return r.commit(ctx, part) })
	}
	if err != nil {
		return nil, wrap(err, "revert changes of link %s", link.ID)
	}
	results := make([]tandem.RevertResult, len(rows))
	for i, u := range rows {
		results[i] = r.results[u]
	}
	return results, nil
}

// reverting is one call of Revert.
type reverting struct {
	t       *Table
	request tandem.RevertRequest
	skip    map[string]bool
	results map[*undo]tandem.RevertResult
	marks   []tandem.Mark // of the transaction under way
}

// passes reverts rows in parts of some hundred. Rows that were refused for what other rows hold are tried again as long as
// others land: a parent may have come back meanwhile, or a key come free.
func (r *reverting) passes(rows []*undo, do func(part []*undo) (later map[*undo]bool, err error)) error {
	for len(rows) > 0 {
		var again []*undo
		progress := false
		for len(rows) > 0 {
			n := distinct(rows, revertsAtOnce)
			later, err := do(rows[:n])
			if err != nil {
				return err
			}
			for _, u := range rows[:n] {
				if later[u] {
					again = append(again, u)
				}
				progress = progress || r.results[u].Kind != ""
			}
			rows = rows[n:]
		}
		if !progress {
			return nil
		}
		rows = again
	}
	return nil
}

// distinct returns how many of the first rows, up to limit, stand under different keys.
func distinct(rows []*undo, limit int) int {
	seen := map[tandem.Key]bool{}
	for n, u := range rows {
		if n == limit || seen[u.key] {
			return n
		}
		seen[u.key] = true
	}
	return len(rows)
}

// commit reverts a part in a transaction of its own. Results leave it only when that has ended.
func (r *reverting) commit(ctx context.Context, part []*undo) (later map[*undo]bool, err error) {
	err = r.t.store.transaction(ctx, func(tx *gorm.DB) error {
		r.marks = nil
		if later, err = r.revert(tx, part); err != nil || len(r.marks) == 0 {
			return err
		}
		return r.t.store.addMarks(tx, r.t.link.ID, r.marks)
	})
	if err == nil && len(r.marks) > 0 {
		r.t.store.wake(r.t.link.ID)
	}
	return later, err
}

// revert locks the rows of a part, decides what is left to do, and does it. It returns the rows that may be taken later.
func (r *reverting) revert(tx *gorm.DB, part []*undo) (later map[*undo]bool, err error) {
	keys := make([]tandem.Key, len(part))
	for i, u := range part {
		keys[i] = u.key
	}
	there, err := r.t.lock(tx, keys)
	if err != nil {
		return nil, err
	}
	later = map[*undo]bool{}
	var writes []*write
	var of []*undo
	for _, u := range part {
		now := there[u.key]
		result := tandem.RevertResult{Key: u.key, Seqs: u.seqs}
		if now != nil {
			result.Key, result.Row = now.row.Key, &now.row
		}
		var w *write
		if w, result.Err = r.decide(u, now); result.Err != nil {
			later[u] = now != nil && u.existed && !u.exists // the key may come free
		} else if w != nil {
			w.contained = !r.request.Force
			writes, of = append(writes, w), append(of, u)
		}
		r.results[u] = result
	}
	if err := r.t.carryOut(tx, writes); err != nil {
		return nil, err
	}
	for i, w := range writes {
		later[of[i]] = r.finish(of[i], w)
	}
	return later, nil
}

// finish turns what became of a write into the row's result and marks the row. It reports whether the row may be taken
// later.
func (r *reverting) finish(u *undo, w *write) (later bool) {
	result, applied := r.results[u], w.applied
	switch applied.Outcome {
	case tandem.Refused:
		result.Err = applied.Err
		later = w.refusal != nil && w.refusal.later
	case tandem.Moved: // somebody else inserted it since it was looked for
		result.Row = applied.Row
		result.Err = r.newer(u, applied.Row, "a row with this key was added since")
		later = true
	default:
		result.Kind, result.Row = w.kind, applied.Row
		if w.kind != tandem.Delete && applied.Row == nil {
			result.Kind = ""
			result.Err = tandem.Errorf(tandem.CodeInternal, "ROW_LOST", "the row was written, but a trigger of the table %q took it away", r.t.info.Name)
		}
	}
	if result.Err == nil {
		if w.now != nil {
			r.mark(w.now.row.Key, r.t.rest(w))
		}
		if applied.Row != nil && (w.now == nil || w.now.row.Key != applied.Row.Key) {
			r.mark(applied.Row.Key, nil)
		}
	}
	if result.Row != nil {
		result.Key = result.Row.Key
	}
	r.results[u] = result
	return later
}

// mark says that the row was reverted, and by whom. On SQLite a trigger marks it as well, before this one, which counts.
func (r *reverting) mark(key tandem.Key, rest map[string]tandem.Value) {
	if !slices.ContainsFunc(r.marks, func(m tandem.Mark) bool { return m.Key == key }) {
		r.marks = append(r.marks, tandem.Mark{Source: tandem.Database, Key: key, At: r.t.store.moment(), Cause: tandem.CauseRevert, Actor: r.request.Actor, Rest: rest})
	}
}

// newer refuses a row because reverting it would lose what was not selected.
func (r *reverting) newer(u *undo, row *tandem.Row, what string) *tandem.Error {
	err := tandem.Errorf(tandem.CodeAborted, "NEWER_CHANGE", "the row %q was left as it is: %s. To undo that too, revert it together with this; "+
		"to lose it, repeat with force", u.key, what)
	err.Row = row
	return err
}
