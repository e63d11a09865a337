package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// sight is one whole read of the tab, by key.
type sight struct {
	scan    *tandem.Scan
	at      map[tandem.Key]int  // where each key stands in scan.Rows
	blocked map[tandem.Key]bool // keys that stand more than once
	visited []bool              // rows of scan.Rows that were recognised by their key
}

func newSight(scan *tandem.Scan) *sight {
	at, blocked := index(scan)
	return &sight{scan: scan, at: at, blocked: blocked, visited: make([]bool, len(scan.Rows))}
}

// values returns the sheet's row of key, nil when it has none.
func (s *sight) values(key tandem.Key) []tandem.Value {
	if at, ok := s.at[key]; ok {
		return s.scan.Rows[at].Values
	}
	return nil
}

// fresh returns the keys of rows that were not recognised, in the order of the sheet.
func (s *sight) fresh() []tandem.Key {
	var keys []tandem.Key
	for at := range s.scan.Rows {
		if key := s.scan.Rows[at].Key; !s.visited[at] {
			keys = append(keys, key)
		}
	}
	return keys
}

// respell finds rows that were not recognised because the sheet spells their key otherwise than the table does, where its
// collation holds both equal: each then stands for the table's row, or, when the table no longer has it, for the one of lost
// that both sides knew. Of several rows that are equal to the database none is applied.
func (c *cycle) respell(ctx context.Context, s *sight, lost []tandem.Key) error {
	fresh := s.fresh()
	if len(fresh) == 0 || !c.table.Folds() {
		return nil
	}
	canonical, err := c.table.Canonical(ctx, slices.Concat(lost, fresh)) // the first spelling stands for all
	if err != nil {
		return fmt.Errorf("ask table %q which keys are equal: %w", c.link.Table, err)
	}
	groups := map[tandem.Key][]int{}
	for _, key := range fresh {
		to := key
		if other, ok := canonical[key]; ok {
			to = other
		}
		groups[to] = append(groups[to], s.at[key])
	}
	for _, key := range fresh {
		to, ok := canonical[key]
		if !ok {
			to = key
		}
		places := groups[to]
		if at, there := s.at[to]; there && !slices.Contains(places, at) {
			places = append(places, at)
		}
		delete(groups, to)
		switch {
		case len(places) > 1:
			s.double(to, places)
		case len(places) == 1 && to != key:
			c.recognise(s, places[0], to)
		}
	}
	return nil
}

// respellAll is respell with every row that both sides knew and the sheet does not show.
func (c *cycle) respellAll(ctx context.Context, s *sight) error {
	if len(s.fresh()) == 0 {
		return nil
	}
	var lost []tandem.Key
	err := c.eachBaseline(ctx, func(base tandem.BaselineRow) {
		if _, ok := s.at[base.Key]; !ok {
			lost = append(lost, base.Key)
		}
	})
	if err != nil {
		return err
	}
	return c.respell(ctx, s, lost)
}

// recognise takes the row at a place for the table's row of key.
func (c *cycle) recognise(s *sight, at int, key tandem.Key) {
	row := &s.scan.Rows[at]
	c.spelled[key] = row.Key
	delete(s.at, row.Key)
	s.at[key] = at
	row.Values = c.withParts(row.Values, key)
	row.Key = key
}

// double leaves rows alone whose keys are equal for the database.
func (s *sight) double(key tandem.Key, places []int) {
	s.blocked[key] = true
	for _, at := range places {
		row := s.scan.Rows[at]
		delete(s.at, row.Key)
		s.visited[at], s.blocked[row.Key] = true, true
		s.scan.Bad = append(s.scan.Bad, tandem.BadRow{Row: row,
			Message: fmt.Sprintf("the key %q is equal to another row's for the database; only one of them can stay", row.Key)})
	}
}

// withParts returns values with the parts of key in the key columns.
func (c *cycle) withParts(values []tandem.Value, key tandem.Key) []tandem.Value {
	parts, err := key.Parts(len(c.link.Key))
	if err != nil {
		return values
	}
	spelled := slices.Clone(values)
	for i, column := range c.policy.Columns {
		if column.KeyPosition > 0 && !spelled[i].IsAbsent() {
			spelled[i] = tandem.Text(parts[column.KeyPosition-1])
		}
	}
	return spelled
}

// asSpelled gives changes the keys by which the sheet knows their rows.
func (c *cycle) asSpelled(changes []tandem.Change) []tandem.Change {
	if len(c.spelled) == 0 {
		return changes
	}
	changes = slices.Clone(changes)
	for i := range changes {
		if key, ok := c.spelled[changes[i].Key]; ok && changes[i].Kind != tandem.Insert {
			changes[i].Key = key
			changes[i].Before = c.withParts(changes[i].Before, key)
		}
	}
	return changes
}

// canonicalMarks has marks of rows name them as the table spells their key.
func (c *cycle) canonicalMarks(ctx context.Context) error {
	if !c.table.Folds() || len(c.marks) == 0 {
		return nil
	}
	keys := make([]tandem.Key, 0, len(c.marks))
	for key := range c.marks {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	canonical, err := c.table.Canonical(ctx, keys)
	if err != nil {
		return fmt.Errorf("ask table %q which keys are equal: %w", c.link.Table, err)
	}
	for _, key := range keys {
		to, ok := canonical[key]
		if !ok {
			continue
		}
		known := c.marks[to]
		if known.sheet.Key == "" {
			known.sheet = c.marks[key].sheet
		}
		if known.database.Key == "" {
			known.database = c.marks[key].database
		}
		c.marks[to] = known
		delete(c.marks, key)
	}
	return nil
}

// pairRenamed finds rows whose key was edited in the sheet. Such a row was lost since the last look, and a new one that is
// like it stands exactly where it stood then, counted from the rows above and below that are still the same. A row that was
// deleted and another one added elsewhere is no such pair: what the table keeps beside the link must not pass from one to
// the other. It returns the old key of each new one.
func (c *cycle) pairRenamed(ctx context.Context, lost, fresh []*reconcile.Row, scan *tandem.Scan) (map[tandem.Key]tandem.Key, error) {
	if len(lost) == 0 || len(fresh) == 0 || !c.keysMayChange() {
		return nil, nil
	}
	before, now := c.memo.order, c.order
	stoodAt, standsAt := placesIn(before, now)
	stood, stands := anchorsIn(before, standsAt), anchorsIn(now, stoodAt)
	gone := make(map[anchors]*reconcile.Row, len(lost))
	for _, row := range lost {
		if at, ok := stoodAt[row.Key]; ok && !c.approvedAny(row.Key) {
			gone[stood[at]] = row
		}
	}
	pairs := map[tandem.Key]tandem.Key{}
	for _, row := range fresh {
		place := stands[standsAt[row.Key]]
		old := gone[place]
		switch {
		case old == nil || !c.isLike(old.Base, row.Sheet):
		case place.below == "" && !c.distinctive(old.Base, row, scan):
			// At the end of the tab new rows are typed too.
		default:
			pairs[row.Key] = old.Key
		}
	}
	return pairs, c.pairAgain(ctx, lost, fresh, pairs)
}

// pairAgain keeps the pairs of an earlier look that wait: the table refused the new key, or the row is in conflict. The record
// of that tells them, in whatever process.
func (c *cycle) pairAgain(ctx context.Context, lost, fresh []*reconcile.Row, pairs map[tandem.Key]tandem.Key) error {
	var keys []tandem.Key
	waiting := map[tandem.Key]*reconcile.Row{}
	for _, old := range lost {
		if _, asked := c.asked[old.Key]; asked || c.inError[old.Key] {
			keys, waiting[old.Key] = append(keys, old.Key), old
		}
	}
	if len(keys) == 0 {
		return nil
	}
	errs, err := c.w.opt.Store.RowErrorsByKey(ctx, c.link.ID, keys)
	if err != nil {
		return fmt.Errorf("read row errors: %w", err)
	}
	for _, row := range fresh {
		if _, paired := pairs[row.Key]; paired {
			continue
		}
		at := slices.IndexFunc(keys, func(key tandem.Key) bool {
			old := waiting[key]
			return old != nil && c.isLike(old.Base, row.Sheet) && c.waitsAs(old, row, errs[key].Digest)
		})
		if at >= 0 {
			pairs[row.Key] = keys[at]
			waiting[keys[at]] = nil
		}
	}
	return nil
}

// waitsAs reports whether what is recorded of a lost row is about the new one: its error, or its conflict.
func (c *cycle) waitsAs(old, row *reconcile.Row, digest string) bool {
	if c.memo.renames[old.Key] == row.Key || digest == tandem.Digest(old.Database, row.Sheet) {
		return true
	}
	asked, ok := c.asked[old.Key]
	if !ok {
		return false
	}
	d := c.policy.Decide(reconcile.Row{Key: old.Key, Base: old.Base, Database: old.Database, Sheet: row.Sheet})
	return d.Conflict != nil && d.Conflict.Digest == asked.Digest
}

// anchors tell a place by the nearest rows above and below that both looks show, and how far off these are; "" is the edge.
type anchors struct {
	above, below tandem.Key
	up, down     int
}

// anchorsIn returns the anchors of each place of an order, by the keys that the other look shows too.
func anchorsIn(order []tandem.Key, known map[tandem.Key]int) []anchors {
	all := make([]anchors, len(order))
	last := -1
	for at, key := range order {
		if all[at].up = at - last; last >= 0 {
			all[at].above = order[last]
		}
		if _, ok := known[key]; ok {
			last = at
		}
	}
	last = len(order)
	for at := len(order) - 1; at >= 0; at-- {
		if all[at].down = last - at; last < len(order) {
			all[at].below = order[last]
		}
		if _, ok := known[order[at]]; ok {
			last = at
		}
	}
	return all
}

func placesIn(before, now []tandem.Key) (stoodAt, standsAt map[tandem.Key]int) {
	stoodAt, standsAt = make(map[tandem.Key]int, len(before)), make(map[tandem.Key]int, len(now))
	for i, key := range before {
		stoodAt[key] = i
	}
	for i, key := range now {
		standsAt[key] = i
	}
	return stoodAt, standsAt
}

// distinctive reports whether no other row of the sheet holds what the row does, and it holds all that the old one did.
func (c *cycle) distinctive(base []tandem.Value, row *reconcile.Row, scan *tandem.Scan) bool {
	if _, differ := c.likeness(base, row.Sheet); differ > 0 {
		return false
	}
	for i := range scan.Rows {
		if _, differ := c.likeness(base, scan.Rows[i].Values); differ == 0 && scan.Rows[i].Key != row.Key {
			return false
		}
	}
	return true
}

// keysMayChange reports whether an edit of a key cell in the sheet reaches the table.
func (c *cycle) keysMayChange() bool {
	others := false // a column beside the key that the sheet may change
	for i, column := range c.policy.Columns {
		setting := c.policy.Settings[i]
		sheetMay := setting.Owner != tandem.OwnerDatabase && setting.Owner != tandem.OwnerIgnored && setting.Paused == "" && !column.Generated
		if column.KeyPosition > 0 && !sheetMay {
			return false
		}
		others = others || column.KeyPosition == 0 && sheetMay
	}
	return others
}

// isLike reports whether two rows are the same beside their keys, in all cells or in all but one. Cells that are empty in
// both tell nothing.
func (c *cycle) isLike(a, b []tandem.Value) bool {
	same, differ := c.likeness(a, b)
	return differ == 0 && same > 0 || differ == 1 && same > 1
}

// likeness counts the cells beside the key that are the same in both rows, and different.
func (c *cycle) likeness(a, b []tandem.Value) (same, differ int) {
	for i := range c.policy.Columns {
		one, _ := a[i].Agreed()
		other, _ := b[i].Agreed()
		switch {
		case c.policy.Columns[i].KeyPosition > 0 || one.IsAbsent() || other.IsAbsent() || one.IsEmpty() && other.IsEmpty():
		case c.policy.Columns[i].Equal(one, other):
			same++
		default:
			differ++
		}
	}
	return same, differ
}

// approvedAny reports whether a person answered a halt for the row.
func (c *cycle) approvedAny(key tandem.Key) bool { return c.approval != nil && c.approval.Keys[key] }

// rename takes the sheet's row of a new key for the row that had the old one.
func (c *cycle) rename(row *reconcile.Row, to tandem.Key, values []tandem.Value) {
	row.Sheet = values
	c.renames[row.Key] = to
	known := c.marks[row.Key]
	if known.sheet.Key == "" {
		known.sheet = c.marks[to].sheet
		c.marks[row.Key] = known
	}
}
