package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// A hint names rows by their numbers, as they stood when somebody edited them. A number concludes nothing: it is a place to
// look. Rows may have moved since, so the key that stands there now says which row it is, and a wrong place costs one read.
//
//   - A key that stands once and that both sides know: the row is compared like any dirty one.
//   - Everything else is left to a whole scan, for only that can tell a row that was typed (which rests first), whose key
//     was edited, doubled or cleared, or that is gone.
//   - The hint's time and user are taken for the row's own only as long as they can be about what is seen there: see dateHinted.
//   - What a hint overlooks, since the rows moved or it got lost, is found by the next poll or compare.

// hintedLimit is how many rows hints may name before a whole scan is the better look.
const hintedLimit = 1000

// lookedLimit bounds what is remembered of rows looked at between two whole scans.
const lookedLimit = 10_000

// hint takes in a mark that names rows. Of hints for one row the newest edit counts.
func (c *cycle) hint(mark tandem.Mark) {
	if c.hinted == nil {
		c.hinted = map[int]tandem.Mark{}
	}
	for _, row := range mark.Rows {
		if known, ok := c.hinted[row]; !ok || known.At.Before(mark.At) {
			c.hinted[row] = mark
		}
	}
}

// tooManyHinted reports whether a whole scan is the better look at what hints name: there are many rows, or rows are just
// being typed, of which only a whole scan can tell more.
func (c *cycle) tooManyHinted() bool {
	return len(c.hinted) > hintedLimit || len(c.hinted) > 0 && c.memo.typing()
}

// look reads the rows of keys and those that hints name, and the whole key column with them.
func (c *cycle) look(ctx context.Context, keys []tandem.Key) (scan *tandem.Scan, err error) {
	if len(c.hinted) == 0 {
		scan, err = c.tab.Find(ctx, keys)
	} else {
		scan, err = c.tab.FindRows(ctx, slices.Sorted(maps.Keys(c.hinted)), keys)
	}
	if err != nil {
		return nil, fmt.Errorf("read rows of tab %q: %w", c.link.Tab, err)
	}
	c.observeSheet(scan)
	return scan, nil
}

// addHinted loads the rows that stand where hints say that somebody edited something, and returns their keys. It reports
// false when both sides do not know one of them: then only a whole scan tells what it is.
func (c *cycle) addHinted(ctx context.Context, scan *tandem.Scan, rows map[tandem.Key]*reconcile.Row) (keys []tandem.Key, known bool, err error) {
	var more []tandem.Key
	for i := range scan.Rows {
		if _, ok := c.hinted[scan.Rows[i].Position]; !ok {
			continue
		}
		key := scan.Rows[i].Key
		if keys = append(keys, key); rows[key] == nil {
			more = append(more, key)
		}
	}
	loaded, err := c.load(ctx, more, nil)
	if err != nil {
		return nil, false, err
	}
	maps.Copy(rows, loaded)
	for _, key := range keys {
		if rows[key].Base == nil {
			return nil, false, nil
		}
	}
	c.dateHinted(scan)
	return keys, true, nil
}

// dateHinted dates the rows that stand where hints name them by the hints, and notes who edited them.
//
// A hint may be late or come twice. Its time is that of what is seen now only when the row stood at its place ever since
// (no read showed a row elsewhere than before), and nobody looked at the row after that time: an edit that was seen was
// carried over, and what differs now is another one. Where that is not so, the span between two looks dates the row.
func (c *cycle) dateHinted(scan *tandem.Scan) {
	for key, mark := range c.memo.typists {
		c.dateRow(key, mark)
	}
	if len(c.hinted) == 0 {
		return
	}
	steady := c.tab.Steady()
	for i := range scan.Rows {
		row := &scan.Rows[i]
		mark, ok := c.hinted[row.Position]
		if !ok || steady.IsZero() || !mark.At.After(steady) || !mark.At.After(c.lastLook(row.Key)) {
			continue
		}
		c.dateRow(row.Key, mark)
	}
}

func (c *cycle) dateRow(key tandem.Key, mark tandem.Mark) {
	known := c.marks[key]
	if mark.At.Before(known.sheet.At) {
		return
	}
	mark.Key, mark.Rows = key, nil
	known.sheet = mark
	c.marks[key] = known
}

// lastLook is when the row was last read and taken into account.
func (c *cycle) lastLook(key tandem.Key) time.Time {
	looked := c.memo.looked[key]
	if scanned := c.link.Status.ScannedAt; scanned.After(looked) {
		return scanned
	}
	return looked
}

// rememberLooks notes which rows the cycle, which is about to end well, took into account, and who typed the rows that rest.
func (c *cycle) rememberLooks(scan *tandem.Scan) {
	switch {
	case scan == nil:
		return
	case !scan.Whole:
		if c.memo.looked == nil || len(c.memo.looked)+len(c.lookedAt) > lookedLimit {
			c.memo.looked = map[tandem.Key]time.Time{}
		}
		for _, key := range c.lookedAt {
			if !c.moved[key] {
				c.memo.looked[key] = scan.Began
			}
		}
		return
	case len(c.moved) == 0:
		c.memo.looked = nil // the scan itself is remembered with the link
	}
	c.memo.typists = map[tandem.Key]tandem.Mark{}
	for key := range c.memo.typed {
		if mark := c.marks[key].sheet; mark.Key != "" {
			c.memo.typists[key] = mark
		}
	}
}
