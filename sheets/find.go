package sheets

import (
	"context"
	"errors"
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// findLimit is the share of a tab's rows, as 1/n, above which a whole Scan is cheaper than looking for rows.
const findLimit = 4

// Find reads the whole key columns, so that a key that is not among the rows is certainly not in the tab, and in the same call
// the rows where keys stood last; those that stand elsewhere by now take a second call. It is a whole Scan where that costs no
// more, and where what was read does not fit together.
func (t *Tab) Find(ctx context.Context, keys []tandem.Key) (*Scan, error) {
	before := t.remembered()
	if before == nil || len(keys) > 20 && len(keys) > len(before.places)/findLimit {
		return t.Scan(ctx)
	}
	scan, err := t.find(ctx, keys, before)
	if errors.Is(err, errTorn) {
		return t.Scan(ctx)
	}
	return scan, err
}

func (t *Tab) find(ctx context.Context, keys []tandem.Key, before *reading) (*Scan, error) {
	scan := &Scan{Began: t.client.opt.Now()}
	found, lines, err := t.readKeysAnd(ctx, before.layout, before.places.rowsOf(keys))
	if err != nil {
		return nil, err
	}
	scan.Missing, scan.Title = found.layout.missing, t.title()
	t.remember(found)
	return scan, t.complete(ctx, scan, found, lines, found.places.rowsOf(keys))
}

// complete fills scan with the rows that are wanted. They are among the lines that were read with the keys when they stand where
// they were expected; else it takes one more call.
func (t *Tab) complete(ctx context.Context, scan *Scan, found *reading, lines []line, wanted []int) (err error) {
	if scan.Ended = t.client.opt.Now(); len(wanted) == 0 {
		return nil
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	lines = slices.DeleteFunc(lines, func(l line) bool { return !has(wanted, l.at) })
	if len(lines) < len(wanted) {
		if lines, err = t.readRows(ctx, found.layout, wanted); err != nil {
			return err
		}
	}
	if err := t.resolve(ctx, found.layout, lines); err != nil {
		return err
	}
	scan.Ended = t.client.opt.Now()
	return t.pick(scan, found, lines)
}

// rowsOf returns where keys stand.
func (p keyPlaces) rowsOf(keys []tandem.Key) []int {
	var rows []int
	for _, key := range keys {
		if key != "" {
			rows = append(rows, p.of(markOf(key)).rows()...)
		}
	}
	return rows
}

// pick sorts the rows that were asked for into scan. Rows that are not what the key columns said are torn.
func (t *Tab) pick(scan *Scan, found *reading, lines []line) error {
	s := t.sortOut(found.layout, lines)
	if len(s.places) == 0 || len(s.rows)+len(s.bad) != len(lines) {
		return errTorn
	}
	for _, bad := range s.bad {
		if bad.Row.Key == "" {
			return errTorn
		}
	}
	for n := 0; n < len(s.places); {
		same := s.places.of(s.places[n].mark())
		if !slices.Equal(found.places.of(same[0].mark()), same) {
			return errTorn
		}
		n += len(same)
	}
	scan.Rows, scan.Bad = s.rows, s.bad
	return nil
}

// readKeys reads the header row and every key cell of the tab in one call.
func (t *Tab) readKeys(ctx context.Context, expected *layout) (*reading, error) {
	found, _, err := t.readKeysAnd(ctx, expected, nil)
	return found, err
}

// readKeysAnd is readKeys with the rows that stand at some places, in the same call. Of a place below the last row there is no line.
func (t *Tab) readKeysAnd(ctx context.Context, expected *layout, rows []int) (*reading, []line, error) {
	began := t.client.opt.Now()
	slices.Sort(rows)
	blocks := runs(rows, 3, rangeLimit-1-len(t.keys))
	var k *keyReader
	var lines []line
	err := t.withTitle(ctx, func(title string) (err error) {
		ranges := []string{rowsOf(title, span{t.header, t.header + 1})}
		for _, i := range t.keys {
			ranges = append(ranges, area{span{t.header, endless}, span{expected.at[i], expected.at[i] + 1}}.in(title))
		}
		for _, block := range blocks {
			ranges = append(ranges, area{block, span{0, expected.linked.end}}.in(title))
		}
		k, lines = newKeyReader(t, expected), nil
		return t.readRanges(ctx, ranges, func(n, at int, c *cells) error {
			if n <= len(t.keys) {
				return k.row(n, at, c)
			}
			if at += blocks[n-1-len(t.keys)].first; has(rows, at) {
				lines = append(lines, line{at, c.values()})
			}
			return nil
		})
	})
	switch {
	case k.stopped != nil:
		return nil, nil, k.stopped
	case isUnknownRange(err), errors.Is(err, errTorn):
		return nil, nil, errTorn // a key column, or a row, is beyond the grid now
	case err != nil:
		return nil, nil, t.failed(err, "read the key column of tab %q", t.title())
	case k.layout == nil:
		return nil, nil, errTorn
	}
	return &reading{at: began, layout: k.layout, places: k.places(), end: t.header + max(k.count, 1)}, lines, nil
}

// readRows reads rows, and the header row once more, in one call.
func (t *Tab) readRows(ctx context.Context, l *layout, wanted []int) ([]line, error) {
	blocks := runs(wanted, 3, rangeLimit)
	var answer *api.BatchGetValuesResponse
	err := t.withTitle(ctx, func(title string) (err error) {
		ranges := []string{rowsOf(title, span{t.header, t.header + 1})}
		for _, block := range blocks {
			ranges = append(ranges, area{block, span{0, l.linked.end}}.in(title))
		}
		answer, err = t.batchGet(ctx, ranges)
		return err
	})
	if err != nil {
		if isUnknownRange(err) {
			return nil, errTorn
		}
		return nil, t.failed(err, "read rows of tab %q", t.title())
	}
	if len(answer.ValueRanges) != len(blocks)+1 || len(answer.ValueRanges[0].Values) == 0 {
		return nil, errTorn
	}
	if now, err := t.layoutOf(answer.ValueRanges[0].Values[0]); err != nil || !now.same(l) {
		return nil, errTorn
	}
	slices.Sort(wanted)
	var lines []line
	for b, block := range blocks {
		values := answer.ValueRanges[b+1].Values
		for n, cells := range values {
			if at := block.first + n; has(wanted, at) {
				lines = append(lines, line{at, cells})
			}
		}
	}
	if len(lines) < len(slices.Compact(wanted)) {
		return nil, errTorn
	}
	return lines, nil
}

func has(sortedRows []int, row int) bool {
	_, ok := slices.BinarySearch(sortedRows, row)
	return ok
}

// rowsOf names whole rows of a tab.
func rowsOf(title string, rows span) string {
	return area{rows, span{0, 1}}.wholeRows(title)
}

func (t *Tab) batchGet(ctx context.Context, ranges []string) (*api.BatchGetValuesResponse, error) {
	return t.client.service.Spreadsheets.Values.BatchGet(t.link.SpreadsheetID).Ranges(ranges...).
		ValueRenderOption("UNFORMATTED_VALUE").DateTimeRenderOption("SERIAL_NUMBER").Context(counting(ctx, &t.calls)).Do()
}
