package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
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

// approvedAny reports whether a person answered a halt for the row.
func (c *cycle) approvedAny(key tandem.Key) bool { return c.approval != nil && c.approval.Keys[key] }
