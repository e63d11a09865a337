package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
)

// Limits of one revert.
const (
	maxRevertRows = 10_000
	revertPage    = 1000
)

// undo is one row with the selected changes of it, folded into what they did in all: where it stood before the first of
// them, and where the last of them left it. Changes of the row that were not selected are not in it.
type undo struct {
	key    tandem.Key // that the newest of the changes left it
	seqs   []int64    // ascending
	former []tandem.Key

	existed, exists bool // before the oldest change, and after the newest
	// goal is what each changed cell held before the oldest change of it, left what the newest one made of it. Both are for
	// rows that existed; span tells which changes those were.
	goal, left map[string]tandem.Value
	span       map[string][2]int64
	// row is the row as the newest change that knows it whole left it; for a deleted one, as it was deleted.
	row map[string]tandem.Value
	// mixed names columns that somebody else changed in between, and whose value reverting would lose.
	mixed []string
	// changed is unset while the changes only brought the other side back in step; see restores. unsure names columns of
	// which nobody can tell that.
	changed bool
	unsure  []string
}

// selecting folds entries into undos.
type selecting struct {
	t      *Table
	skip   map[string]bool // columns that take no part: computed, or set by the database itself
	owned  map[string]bool // columns that only the database may change
	fields map[string]int  // where each column stands in t.fields
	live   map[tandem.Key]*undo
	all    []*undo
}

// selected returns the rows whose changes are selected, the one that was changed last first. That is the order to undo
// them in: what a row refers to was added before it, and removed after it.
func (t *Table) selected(ctx context.Context, filter tandem.ChangeFilter, skip map[string]bool) ([]*undo, error) {
	p := &selecting{t: t, skip: skip, owned: map[string]bool{}, fields: map[string]int{}, live: map[tandem.Key]*undo{}}
	for _, column := range t.link.Columns {
		p.owned[column.Column] = column.Owner == tandem.OwnerDatabase
	}
	for i := range t.fields {
		p.fields[t.fields[i].Name] = i
	}
	found, err := p.read(ctx, filter)
	if err != nil {
		return nil, err
	}
	if err := missing(filter, found); err != nil {
		return nil, err
	}
	if len(filter.Seqs) > 0 || filter.Actor != "" || filter.Cause != "" || filter.Source != "" {
		if err := p.findMixed(ctx); err != nil {
			return nil, err
		}
	}
	if err := p.follow(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(p.all, func(a, b *undo) int { return cmp.Compare(b.seqs[len(b.seqs)-1], a.seqs[len(a.seqs)-1]) })
	return p.all, nil
}

// read folds the selected entries, oldest first, and returns which there are.
func (p *selecting) read(ctx context.Context, filter tandem.ChangeFilter) (map[int64]bool, error) {
	found := map[int64]bool{}
	where, args := selection(p.t.link.ID, filter)
	for after, more := int64(0), true; more; {
		page, err := query(p.t.store.db.WithContext(ctx), scanEntry, selectEntries+where+" AND seq > ? ORDER BY seq LIMIT ?",
			append(slices.Clone(args), after, revertPage)...)
		if err != nil {
			return nil, wrap(err, "read history of link %s", p.t.link.ID)
		}
		for i := range page {
			p.fold(&page[i])
			after = page[i].Seq
			found[after] = true
		}
		if len(p.all) > maxRevertRows {
			return nil, tandem.Errorf(tandem.CodeInvalid, "TOO_MANY_ROWS", "these are changes of more than %d rows, which is as many as one call reverts; "+
				"choose fewer, by a later moment or by actor, and repeat", maxRevertRows)
		}
		more = len(page) == revertPage
	}
	return found, nil
}

// missing refuses changes that were asked for by number and are not there, unless something else was asked of them too.
func missing(filter tandem.ChangeFilter, found map[int64]bool) error {
	if filter.Key != "" || !filter.Since.IsZero() || !filter.Until.IsZero() || filter.Actor != "" || filter.Cause != "" || filter.Source != "" {
		return nil
	}
	for _, seq := range filter.Seqs {
		if !found[seq] {
			return tandem.Errorf(tandem.CodeNotFound, "CHANGE_NOT_FOUND", "change %d is not in the history of this link (any more); nothing was reverted", seq)
		}
	}
	return nil
}

// fold adds one change to what is known of its row.
func (p *selecting) fold(e *tandem.Entry) {
	from := e.Key
	if e.Kind == tandem.Update {
		if was, is := p.keyIn(e.Before), p.keyIn(e.After); was != "" && is != "" && was != is {
			from = was
		}
	}
	before, after := e.Before, e.After
	if c := e.Conflict; e.Kind == tandem.Insert && c != nil && len(c.Columns) == 0 && c.Base != nil {
		before = c.Base // the row was there: one side had removed it, and the other one's changes counted
	}
	u := p.live[from]
	if u == nil {
		there := before != nil || e.Kind != tandem.Insert || p.restores(e)
		u = &undo{existed: there, exists: there, goal: map[string]tandem.Value{}, left: map[string]tandem.Value{}, span: map[string][2]int64{}}
		p.all = append(p.all, u)
	}
	u.seqs = append(u.seqs, e.Seq)
	if from != e.Key {
		delete(p.live, from)
		u.former = append(u.former, from)
	}
	p.live[e.Key], u.key = u, e.Key
	if e.Kind == tandem.Delete {
		u.exists, u.changed, u.row = false, true, p.own(e)
		return
	}
	if !u.exists { // added again after another selected change removed it
		before = u.row
	}
	if removed := u.existed && !u.exists; removed || !p.restores(e) {
		u.changed = true
		if u.existed {
			p.compare(u, before, e)
		}
	}
	u.exists, u.row = true, maps.Clone(before)
	if u.row == nil {
		u.row = map[string]tandem.Value{}
	}
	maps.Copy(u.row, after)
}

// restores reports whether a change only brought one side back in step with what the other one had all along: it put
// something back, or an initial sync copied a row. There is nothing in it to undo: what it overwrote was never agreed on,
// and removing such a row would take it from the side that always had it.
func (p *selecting) restores(e *tandem.Entry) bool {
	switch {
	case e.Cause == tandem.CausePutBack:
		return true
	case e.Kind != tandem.Insert:
		return false
	case e.Cause == tandem.CauseInitialSync:
		return true
	}
	// A row that the sheet lost comes back by itself where the database decides which rows there are.
	return e.Source == tandem.Database && p.t.rowsOwnedBy() == tandem.OwnerDatabase
}

// compare notes the cells in which after differs from before.
func (p *selecting) compare(u *undo, before map[string]tandem.Value, e *tandem.Entry) {
	for name, is := range e.After {
		was, known := before[name]
		if !known || p.skip[name] || p.equal(name, was, is) || was.IsEmpty() && slices.Contains(p.t.info.Key, name) {
			continue // a row that was typed without a key cannot lose the one that it got
		}
		if _, earlier := u.goal[name]; !earlier {
			u.goal[name], u.span[name] = was, [2]int64{e.Seq, e.Seq}
		}
		u.left[name], u.span[name] = is, [2]int64{u.span[name][0], e.Seq}
		if p.owned[name] && e.Source == tandem.Database && e.Cause == tandem.CauseSQL && e.Actor == "" {
			// Either the table changed, or an edit in the sheet was put back: then before is what the person had typed.
			u.unsure = append(u.unsure, name)
		}
	}
}

// own returns the row that a deletion removed, as far as it is the table's. What came from the database removed the
// sheet's row, whose cells in columns that do not flow are its own.
func (p *selecting) own(e *tandem.Entry) map[string]tandem.Value {
	row := maps.Clone(e.Before)
	if row == nil {
		row = map[string]tandem.Value{}
	}
	for _, column := range p.t.link.Columns {
		if e.Source == tandem.Database && (column.Owner == tandem.OwnerIgnored || column.Paused != "") {
			delete(row, column.Column)
		}
	}
	return row
}

// equal compares two values of a column.
func (p *selecting) equal(name string, a, b tandem.Value) bool {
	if i, known := p.fields[name]; known {
		return p.t.fields[i].Equal(a, b)
	}
	return a == b
}

// keyIn returns the key that a row of history holds, "" when it does not tell.
func (p *selecting) keyIn(row map[string]tandem.Value) tandem.Key {
	parts := make([]tandem.Value, len(p.t.info.Key))
	for i, name := range p.t.info.Key {
		parts[i] = row[name]
	}
	return tandem.MakeKey(parts...)
}

// selfMade returns the columns that take no part: those that the database computes, and those that date a row's last
// change, which a revert is.
func (t *Table) selfMade(ctx context.Context) (map[string]bool, error) {
	names := map[string]bool{}
	for i := range t.fields {
		if t.fields[i].Generated || t.fields[i].Name == t.link.UpdateTimeColumn {
			names[t.fields[i].Name] = true
		}
	}
	if t.store.dialect.scheme != "mysql" {
		return names, nil
	}
	dated, err := query(t.store.db.WithContext(ctx), scanText, `SELECT COLUMN_NAME FROM information_schema.COLUMNS
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND EXTRA LIKE '%on update%'`, t.info.Name)
	if err != nil {
		return nil, wrap(err, "read the columns of table %q", t.info.Name)
	}
	for _, name := range dated {
		names[name] = true
	}
	return names, nil
}
