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

// Find reads the whole key columns in one call, so that a key that is not among the rows is certainly not in the tab, and
// then the rows of keys. It is a whole Scan where that costs no more, and where the two calls do not fit together.
func (t *Tab) Find(ctx context.Context, keys []tandem.Key) (*Scan, error) {
	before := t.remembered()
	if before == nil || len(keys) > 20 && len(keys) > len(before.places)/findLimit {
		return t.Scan(ctx)
	}
	scan, err := t.find(ctx, keys, before.layout)
	if errors.Is(err, errTorn) {
		return t.Scan(ctx)
	}
	return scan, err
}

func (t *Tab) find(ctx context.Context, keys []tandem.Key, expected *layout) (*Scan, error) {
	scan := &Scan{Began: t.client.opt.Now()}
	found, err := t.readKeys(ctx, expected)
	if err != nil {
		return nil, err
	}
	scan.Ended = t.client.opt.Now()
	var wanted []int
	for _, key := range keys {
		if key != "" {
			wanted = append(wanted, found.places.of(markOf(key)).rows()...)
		}
	}
	scan.Missing, scan.Title = found.layout.missing, t.title()
	t.remember(found)
	if len(wanted) == 0 {
		return scan, nil
	}
	lines, err := t.readRows(ctx, found.layout, wanted)
	if err != nil {
		return nil, err
	}
	if err := t.resolve(ctx, found.layout, lines); err != nil {
		return nil, err
	}
	scan.Ended = t.client.opt.Now()
	return scan, t.pick(scan, found, lines)
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
	began := t.client.opt.Now()
	var k *keyReader
	err := t.withTitle(ctx, func(title string) (err error) {
		ranges := []string{rowsOf(title, span{t.header, t.header + 1})}
		for _, i := range t.keys {
			ranges = append(ranges, area{span{t.header, endless}, span{expected.at[i], expected.at[i] + 1}}.in(title))
		}
		k = newKeyReader(t, expected)
		return t.readRanges(ctx, ranges, k.row)
	})
	switch {
	case k.stopped != nil:
		return nil, k.stopped
	case isUnknownRange(err), errors.Is(err, errTorn):
		return nil, errTorn // a key column is beyond the grid now
	case err != nil:
		return nil, t.failed(err, "read the key column of tab %q", t.title())
	case k.layout == nil:
		return nil, errTorn
	}
	return &reading{at: began, layout: k.layout, places: k.places(), end: t.header + max(k.count, 1)}, nil
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
