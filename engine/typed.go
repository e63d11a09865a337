package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// typedRows are the rows of the sheet that were typed without a key, of a table that makes its keys itself.
//
// Such a row is inserted, and its values, its place and the key that the table made are recorded in the same transaction.
// Then the key is written into the row's key cell, which takes the record away. After a crash in between, rows without a
// key are matched one to one against the records, so that none is inserted twice. A row of the table whose record stands
// is no new row of the database: its key is on its way into the sheet.
type typedRows struct {
	records map[tandem.Key]tandem.Typed // rows whose key does not stand in the sheet yet
	claimed map[int]tandem.Key          // rows (by index in Scan.Bad) that look like one whose key cell was emptied
	taken   map[int]bool                // rows (by index in Scan.Bad) of records
	fills   []fill                      // keys to write into rows
	inserts []tandem.BadRow             // rows to insert, nothing having changed in them for the settle time
	closed  []tandem.Typed              // records of rows that are gone from the sheet, or have their key
	made    map[tandem.Key]bool         // keys that the table made in this cycle
	still   map[string]refusal          // refusals that are remembered on
	refused map[int]string              // why the table refuses a row, by its position
}

// fill is a key on its way into the key cell of a row.
type fill struct {
	record tandem.Typed
	row    tandem.Row // as last read
}

// refusal remembers why a row without a key was refused, or the key of one, and when to try again; zero for never.
type refusal struct {
	message string
	again   time.Time
	pause   time.Duration
}

func (r *refusal) waits(now time.Time) bool { return r.again.IsZero() || now.Before(r.again) }

// keyColumn returns the index of the key column whose values the table makes, -1 when it makes none.
func (c *cycle) keyColumn() int {
	if len(c.link.Key) != 1 {
		return -1
	}
	for i, column := range c.policy.Columns {
		if column.KeyPosition == 1 && column.AutoIncrement {
			return i
		}
	}
	return -1
}

// readTyped reads the records of rows whose key is on its way.
func (c *cycle) readTyped(ctx context.Context) error {
	c.typed = typedRows{records: map[tandem.Key]tandem.Typed{}, claimed: map[int]tandem.Key{}, taken: map[int]bool{}, still: map[string]refusal{}, refused: map[int]string{}, made: map[tandem.Key]bool{}}
	if c.keyColumn() < 0 {
		return nil
	}
	records, err := c.w.opt.Store.TypedRows(ctx, &c.link)
	if err != nil {
		return fmt.Errorf("read typed rows: %w", err)
	}
	for _, record := range records {
		c.typed.records[record.Key] = record
	}
	return nil
}

// gatherTyped decides what becomes of the rows without a key that belong to no record, once all others were looked at.
func (c *cycle) gatherTyped(scan *tandem.Scan) {
	if c.keyColumn() < 0 {
		return
	}
	resting, refused := c.memo.keyless, c.memo.refused
	c.memo.keyless, c.memo.refused = map[string]time.Time{}, c.typed.still
	for i, bad := range scan.Bad {
		if !bad.Keyless || c.typed.claimed[i] != "" || c.typed.taken[i] {
			continue
		}
		digest := tandem.Digest(bad.Row.Values)
		if known, ok := refused[digest]; ok {
			c.memo.refused[digest] = known
			c.typed.refused[bad.Row.Position] = known.message
			if !known.waits(scan.Began) {
				c.typed.inserts = append(c.typed.inserts, bad)
			}
			continue
		}
		since, seen := resting[digest]
		if !seen {
			since = scan.Began
		}
		c.memo.keyless[digest] = since
		if c.sync == nil && scan.Began.Sub(since) < c.w.opt.Settle {
			c.unsettled = true
			continue
		}
		c.typed.inserts = append(c.typed.inserts, bad)
	}
}

// refusalDue reports whether a row that was refused is to be tried again although nothing in it changed.
func (c *cycle) refusalDue() bool { return c.memo.retrying(c.w.opt.Now()) }

// matchTyped finds the rows of records: equal values first, then the same place, then whatever is alike. A record without a
// row, or whose key stands in the sheet, is done. It comes before any other look at rows without a key.
func (c *cycle) matchTyped(scan *tandem.Scan) {
	if len(c.typed.records) == 0 {
		return
	}
	var rows []int
	for i := range scan.Bad {
		if scan.Bad[i].Keyless {
			rows = append(rows, i)
		}
	}
	standing, _ := index(scan)
	open := slices.SortedFunc(maps.Values(c.typed.records), func(a, b tandem.Typed) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Key, b.Key))
	})
	fits := []func(record *tandem.Typed, row *tandem.Row) bool{
		func(record *tandem.Typed, row *tandem.Row) bool {
			return record.Position == row.Position && c.alike(record, row, 0)
		},
		func(record *tandem.Typed, row *tandem.Row) bool { return c.alike(record, row, 0) },
		func(record *tandem.Typed, row *tandem.Row) bool { return record.Position == row.Position },
		func(record *tandem.Typed, row *tandem.Row) bool { return c.alike(record, row, len(row.Values)) },
	}
	strangers := map[int]bool{}
	for _, fit := range fits {
		open = slices.DeleteFunc(open, func(record tandem.Typed) bool {
			stands, named := standing[record.Key]
			at := slices.IndexFunc(rows, func(i int) bool {
				row := &scan.Bad[i].Row
				return fit(&record, row) && (!named || c.liker(&record, row, &scan.Rows[stands]))
			})
			if at < 0 {
				return false
			}
			c.typed.taken[rows[at]] = true
			if row := scan.Bad[rows[at]].Row; named {
				strangers[stands] = true
				c.typed.refused[row.Position] = fmt.Sprintf("the table gave this row the key %q, which was typed into row %d meanwhile; give that one another key",
					record.Key, scan.Rows[stands].Position)
			} else {
				c.giveKey(record, row, scan.Began)
			}
			rows = slices.Delete(rows, at, at+1)
			return true
		})
	}
	c.typed.closed = append(c.typed.closed, open...)
	setAside(scan, strangers)
}

// setAside takes rows out of a scan that hold a key that the table made for another row, so that they are not taken for it.
func setAside(scan *tandem.Scan, strangers map[int]bool) {
	if len(strangers) == 0 {
		return
	}
	kept := make([]tandem.Row, 0, len(scan.Rows)-len(strangers))
	for i, row := range scan.Rows {
		if !strangers[i] {
			kept = append(kept, row)
			continue
		}
		scan.Bad = append(scan.Bad, tandem.BadRow{Row: row,
			Message: fmt.Sprintf("the table made the key %q for another row, which was typed without one; give this row another key", row.Key)})
	}
	scan.Rows = kept
}

// liker reports whether a row is more like what was typed than another one.
func (c *cycle) liker(record *tandem.Typed, row, than *tandem.Row) bool {
	_, differ := c.likeness(record.Values, row.Values)
	_, worse := c.likeness(record.Values, than.Values)
	return differ < worse
}

// giveKey has a row given its key, unless that was refused of late.
func (c *cycle) giveKey(record tandem.Typed, row tandem.Row, now time.Time) {
	name := fillName(record.Key)
	if known, ok := c.memo.refused[name]; ok {
		c.typed.still[name] = known
		c.typed.refused[row.Position] = known.message
		if known.waits(now) {
			return
		}
	}
	c.typed.fills = append(c.typed.fills, fill{record, row})
}

// fillName is what a refusal of a key is remembered by.
func fillName(key tandem.Key) string { return "key " + string(key) }

// alike reports whether a row holds what was typed, in all cells but so many; at least one cell must be the same.
func (c *cycle) alike(record *tandem.Typed, row *tandem.Row, but int) bool {
	same, differ := c.likeness(record.Values, row.Values)
	return same > 0 && differ <= but
}

// onItsWay reports whether a row's key is still on its way into the sheet.
func (c *cycle) onItsWay(key tandem.Key) bool {
	_, ok := c.typed.records[key]
	return ok
}

// hasTyped reports whether something has to be done for rows without a key.
func (c *cycle) hasTyped() bool {
	return len(c.typed.fills)+len(c.typed.inserts)+len(c.typed.closed) > 0
}

// writeTyped inserts rows without a key and gives those that the table holds theirs.
func (c *cycle) writeTyped(ctx context.Context, scan *tandem.Scan) error {
	if err := c.closeTyped(ctx); err != nil {
		return err
	}
	if err := c.insertTyped(ctx); err != nil {
		return fmt.Errorf("insert typed rows: %w", err)
	}
	if err := c.fillKeys(ctx); err != nil {
		return err
	}
	if len(c.typed.refused) > 0 {
		return c.recordBad(ctx, scan)
	}
	return nil
}

// closeTyped ends records whose rows have their key, or are gone: what was typed is then what both sides agreed on, so that
// the row's deletion in the sheet is seen as one.
func (c *cycle) closeTyped(ctx context.Context) error {
	if len(c.typed.closed) == 0 {
		return nil
	}
	commit := tandem.Commit{Link: c.link.ID}
	var marks []tandem.Mark
	for _, record := range c.typed.closed {
		commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: record.Key, Baseline: c.agreedTyped(record), CloseTyped: true})
		marks = append(marks, tandem.Mark{Source: tandem.Sheet, Key: record.Key, Cause: tandem.CauseAgain})
	}
	if err := c.markAgain(ctx, marks); err != nil {
		return err
	}
	if _, err := c.table.Commit(ctx, c.lease, commit); err != nil {
		return fmt.Errorf("close typed rows: %w", err)
	}
	return nil
}

// agreedTyped is the baseline of a typed row: what was typed, and the key.
func (c *cycle) agreedTyped(record tandem.Typed) []tandem.Value {
	return c.withKey(record.Values, record.Key)
}
