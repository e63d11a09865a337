package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
)

// decide compares a row as it is with what its selected changes left there. It returns the write that is left to do, none
// when the row stands already where it stood before them.
func (r *reverting) decide(u *undo, now *held) (*write, *tandem.Error) {
	force := r.request.Force
	switch {
	case !u.changed:
		return nil, tandem.Errorf(tandem.CodePrecondition, "NOT_REVERTIBLE", "the row %q was left as it is: the change only put something back, or copied a row that the other side had; "+
			"to change or remove the row, write to it", u.key)
	case !u.existed:
		if now == nil {
			return nil, nil
		}
		if !u.exists && !force {
			return nil, r.newer(u, &now.row, "it had been removed, and was added again")
		}
		if changed := r.differing(u.row, now); len(changed) > 0 && !force {
			return nil, r.newer(u, &now.row, "somebody changed it since it was added ("+list(changed)+")")
		}
		return r.remove(u, now)
	case now == nil && u.exists && !force:
		return nil, r.newer(u, nil, "it is no longer there, since it was removed or got another key")
	case now == nil:
		return r.restore(u)
	case !u.exists:
		goal := r.restored(u)
		changed := r.differing(goal, now)
		if len(changed) > 0 && !force {
			return nil, r.newer(u, &now.row, "it had been removed, and a row with its key was added since")
		}
		return r.update(u, now, changed, goal)
	}
	return r.putBack(u, now)
}

// putBack gives the changed cells of a row that was and is there what they held before.
func (r *reverting) putBack(u *undo, now *held) (*write, *tandem.Error) {
	var todo, changed []string
	for _, name := range slices.Sorted(maps.Keys(u.goal)) {
		is := r.current(now, name)
		if r.equal(name, is, u.goal[name]) {
			continue
		}
		todo = append(todo, name)
		if !is.IsAbsent() && !r.equal(name, is, u.left[name]) || slices.Contains(u.mixed, name) {
			changed = append(changed, name)
		}
	}
	if len(changed) > 0 && !r.request.Force {
		return nil, r.newer(u, &now.row, "somebody else changed "+list(changed)+" as well")
	}
	if i := slices.IndexFunc(todo, func(name string) bool { return slices.Contains(u.unsure, name) }); i >= 0 && !r.request.Force {
		return nil, tandem.Errorf(tandem.CodePrecondition, "NOT_REVERTIBLE", "the row %q was left as it is: only the database may change %q, and history does not tell "+
			"whether it did, or put an edit in the sheet back; with force the cell gets what the sheet held before the change", u.key, todo[i])
	}
	return r.update(u, now, todo, u.goal)
}

// update writes cells of a row that is there.
func (r *reverting) update(u *undo, now *held, columns []string, values map[string]tandem.Value) (*write, *tandem.Error) {
	if len(columns) == 0 {
		return nil, nil
	}
	change := &tandem.Change{Kind: tandem.Update, Key: now.row.Key, After: make([]tandem.Value, r.t.linked)}
	var refused *tandem.Error
	written := 0
	for _, name := range columns {
		i := r.linked(name)
		if err := r.unwritable(u, name); err != nil {
			refused = err
			continue
		}
		change.After[i] = r.spelled(i, values[name])
		written++
	}
	if refused != nil && (!r.request.Force || written == 0) {
		refused.Row = &now.row
		return nil, refused
	}
	return r.t.write(change, now.row.Key, now, true), nil
}

// remove deletes a row that the changes added.
func (r *reverting) remove(u *undo, now *held) (*write, *tandem.Error) {
	if r.t.rowsOwnedBy() == tandem.OwnerSheet {
		return nil, r.rowsOwned(u)
	}
	return r.t.write(&tandem.Change{Kind: tandem.Delete, Key: now.row.Key}, now.row.Key, now, true), nil
}

// restored is the row as it was before the changes, as far as history knows it.
func (r *reverting) restored(u *undo) map[string]tandem.Value {
	row := maps.Clone(u.row)
	if row == nil {
		row = map[string]tandem.Value{}
	}
	maps.Copy(row, u.goal)
	return row
}

// restore inserts a row again that the changes removed. Computed columns, and cells that held no value of their column, are
// left to the table.
func (r *reverting) restore(u *undo) (*write, *tandem.Error) {
	if r.t.rowsOwnedBy() == tandem.OwnerSheet {
		return nil, r.rowsOwned(u)
	}
	row := r.restored(u)
	change := &tandem.Change{Kind: tandem.Insert, After: make([]tandem.Value, r.t.linked)}
	for i := range change.After {
		c := &r.t.fields[i]
		value := row[c.Name]
		if value.IsInvalid() || c.Generated {
			continue
		}
		if r.owner(c.Name) == tandem.OwnerSheet && !r.t.isKey(i) && !value.IsEmpty() && !value.IsAbsent() {
			if !r.request.Force {
				return nil, r.unwritable(u, c.Name)
			}
			continue
		}
		change.After[i] = r.spelled(i, value)
	}
	key := r.t.target(change)
	if key == "" {
		return nil, tandem.Errorf(tandem.CodePrecondition, "KEY_NOT_KNOWN", "the row %q cannot be restored: history does not hold its key", u.key)
	}
	w := r.t.write(change, key, nil, true)
	return w, r.addRest(u, w, row)
}

// addRest adds to an insert the columns outside the link, which nothing but history remembers.
func (r *reverting) addRest(u *undo, w *write, row map[string]tandem.Value) *tandem.Error {
	for i := r.t.linked; i < len(r.t.fields); i++ {
		c := &r.t.fields[i]
		value := row[c.Name]
		if value.IsAbsent() || value.IsInvalid() || c.Generated || c.Type.Kind == tandem.Unknown || !r.t.exists(i) {
			continue
		}
		arg, err := r.t.store.dialect.encode(c, value)
		if err != nil && !r.request.Force {
			return tandem.Errorf(tandem.CodePrecondition, "COLUMN_CHANGED", "the row %q was left as it is: its column %q outside the link can no longer hold what it held (%v); "+
				"with force the row is restored without it", u.key, c.Name, err)
		}
		if err != nil || arg == nil && !c.Nullable {
			continue
		}
		w.fields, w.args = append(w.fields, i), append(w.args, arg)
	}
	return nil
}

// differing returns the columns in which a row of the table is not what history says of it. Columns that do not flow are
// nobody's business.
func (r *reverting) differing(row map[string]tandem.Value, now *held) []string {
	var names []string
	for i := range r.t.fields[:r.t.linked] {
		name := r.t.fields[i].Name
		value := row[name]
		if value.IsAbsent() || value.IsInvalid() || r.skip[name] || r.unflowing(name) || now.row.Values[i].IsAbsent() {
			continue
		}
		if !r.t.fields[i].Equal(value, now.row.Values[i]) {
			names = append(names, name)
		}
	}
	return names
}

// current returns a linked cell of a row, Absent for other columns.
func (r *reverting) current(now *held, name string) tandem.Value {
	if i := r.linked(name); i >= 0 {
		return now.row.Values[i]
	}
	return tandem.Absent
}

func (r *reverting) equal(name string, a, b tandem.Value) bool {
	i := r.linked(name)
	return i >= 0 && r.t.fields[i].Equal(a, b)
}

// linked returns where a linked column stands, -1 for others.
func (r *reverting) linked(name string) int {
	return slices.IndexFunc(r.t.link.Columns, func(c tandem.LinkColumn) bool { return c.Column == name })
}

// spelled returns a value as the table holds it: an empty cell of a text that may not be NULL was the empty text.
func (r *reverting) spelled(i int, value tandem.Value) tandem.Value {
	c := &r.t.fields[i]
	if value.IsNull() && !c.Nullable && c.Type.Kind == tandem.String && emptyOf(c) != nil {
		return tandem.Text("")
	}
	return value
}

func (r *reverting) owner(name string) tandem.Owner {
	if i := r.linked(name); i >= 0 {
		return r.t.link.Columns[i].Owner
	}
	return ""
}

func (r *reverting) unflowing(name string) bool {
	i := r.linked(name)
	return i < 0 || r.t.link.Columns[i].Owner == tandem.OwnerIgnored || r.t.link.Columns[i].Paused != ""
}

// unwritable says why a cell cannot be reverted in the database; nil when it can.
func (r *reverting) unwritable(u *undo, name string) *tandem.Error {
	refuse := func(reason, format string, args ...any) *tandem.Error {
		err := tandem.Errorf(tandem.CodePrecondition, reason, "the row %q was left as it is: its column %q %s; with force the other cells are reverted without it",
			u.key, name, fmt.Sprintf(format, args...))
		err.Fields = []tandem.FieldViolation{{Field: "row.values." + name, Description: err.Message}}
		return err
	}
	i := r.linked(name)
	switch {
	case i < 0, r.t.link.Columns[i].Owner == tandem.OwnerIgnored:
		return refuse("COLUMN_NOT_LINKED", "is not linked any more")
	case r.t.link.Columns[i].Paused != "":
		return refuse("COLUMN_PAUSED", "is paused (%s)", r.t.link.Columns[i].Paused)
	case r.t.link.Columns[i].Owner == tandem.OwnerSheet && !r.t.isKey(i):
		return refuse("SHEET_OWNED", "belongs to the sheet, which would put its own value back: change it there")
	}
	return nil
}

// rowsOwnedBy returns the owner of every column beside the key, who so decides which rows there are: the sync takes a row
// back that the other side adds or removes. It is empty where both sides decide.
func (t *Table) rowsOwnedBy() tandem.Owner {
	var owner tandem.Owner
	for i, column := range t.link.Columns {
		of := column.Owner
		if t.fields[i].Generated {
			of = tandem.OwnerDatabase
		}
		switch {
		case t.isKey(i) || column.Owner == tandem.OwnerIgnored || column.Paused != "":
		case of != tandem.OwnerDatabase && of != tandem.OwnerSheet || owner != "" && owner != of:
			return ""
		default:
			owner = of
		}
	}
	return owner
}

func (r *reverting) rowsOwned(u *undo) *tandem.Error {
	return tandem.Errorf(tandem.CodePrecondition, "SHEET_OWNED", "the row %q was left as it is: the sheet owns all columns of this link and so decides which rows there are; "+
		"add or remove the row there", u.key)
}

// list names columns in words.
func list(names []string) string { return strings.Join(names, ", ") }
