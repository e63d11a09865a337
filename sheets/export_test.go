package sheets

import (
	"context"
	"fmt"
	"io"
	"strings"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// ReadFormulas reads a tab as a bystander does, formulas as such.
func ReadFormulas(ctx context.Context, c *Client, spreadsheet, title string) ([][]any, error) {
	answer, err := c.service.Spreadsheets.Values.Get(spreadsheet, quoteTitle(title)).ValueRenderOption("FORMULA").Context(ctx).Do()
	if err != nil {
		return nil, err
	}
	return answer.Values, nil
}

// EncodeDecode takes a value through a cell: as typed content, and as an unformatted reading gives that back.
func EncodeDecode(value tandem.Value, column *tandem.Column) (tandem.Value, string, error) {
	content, _, err := encode(value, column)
	if err != nil {
		return tandem.Absent, "", err
	}
	back, problem := decode(plainCell(&api.CellData{EffectiveValue: content}), column, column.Name)
	return back, problem, nil
}

// Decode reads a cell.
func Decode(cell any, column *tandem.Column) (tandem.Value, string) {
	return decode(cell, column, column.Name)
}

// Rewrite moves a formula of the tab "Anime" rows down, where a column was inserted before the one at.
func Rewrite(formula string, at, down int) string {
	return referring{own: "Anime", down: down, column: func(column int) int {
		if column >= at {
			column++
		}
		return column
	}}.rewrite(formula)
}

// ScanRows reads the answer of values.get as a tab is read.
func ScanRows(from io.Reader) (rows [][]any, err error) {
	err = scanValues(from, func(_ int, row *cells) error {
		rows = append(rows, row.values())
		return nil
	})
	return rows, err
}

// ScanRangeRows reads the answer of values.batchGet.
func ScanRangeRows(from io.Reader) ([][][]any, error) {
	var rows [][][]any
	ranges, err := scanRanges(from, func(n, _ int, row *cells) error {
		for len(rows) <= n {
			rows = append(rows, nil)
		}
		rows[n] = append(rows[n], row.values())
		return nil
	})
	for len(rows) < ranges {
		rows = append(rows, nil)
	}
	return rows, err
}

// DecodeBoth reads a cell, as JSON writes it, in the two ways that there are; ok is false where it is left to a second look.
func DecodeBoth(cell string, column *tandem.Column) (short, long tandem.Value, shortProblem, longProblem string, ok bool, err error) {
	t := &Tab{columns: []tandem.Column{*column}}
	err = scanValues(strings.NewReader(`{"values":[[`+cell+`]]}`), func(at int, row *cells) error {
		ok = true
		made := newRowBuilder(t, &layout{at: []int{0}}).row(at, row, func(int) { ok = false })
		short, shortProblem = made.Values[0], made.Problems[0]
		long, longProblem = decode(row.value(0), column, column.Name)
		if ok == isAmbiguous(row.value(0), column) {
			return fmt.Errorf("%s is ambiguous in one way only", cell)
		}
		return nil
	})
	return short, long, shortProblem, longProblem, ok, err
}

// linkedCells reports whether a linked column of the row holds anything.
func (l *layout) linkedCells(cells []any) bool {
	for _, at := range l.at {
		if at >= 0 && at < len(cells) && cells[at] != nil && cells[at] != "" {
			return true
		}
	}
	return false
}

// StockScan is Scan through Google's own client and a decoder that builds every cell.
func (t *Tab) StockScan(ctx context.Context) (rows []tandem.Row, bad []BadRow, err error) {
	answer, err := t.client.service.Spreadsheets.Values.Get(t.link.SpreadsheetID, quoteTitle(t.title())).
		ValueRenderOption("UNFORMATTED_VALUE").DateTimeRenderOption("SERIAL_NUMBER").Context(ctx).Do()
	if err != nil {
		return nil, nil, err
	}
	var header []any
	if t.header < len(answer.Values) {
		header = answer.Values[t.header]
	}
	l, err := t.layoutOf(header)
	if err != nil {
		return nil, nil, err
	}
	var lines []line
	for at := t.header + 1; at < len(answer.Values); at++ {
		if l.linkedCells(answer.Values[at]) {
			lines = append(lines, line{at, answer.Values[at]})
		}
	}
	if err := t.resolve(ctx, l, lines); err != nil {
		return nil, nil, err
	}
	s := t.sortOut(l, lines)
	return s.rows, s.bad, nil
}

// StockValues reads a tab through Google's own client, and drops what it read.
func (t *Tab) StockValues(ctx context.Context) (int, error) {
	answer, err := t.client.service.Spreadsheets.Values.Get(t.link.SpreadsheetID, quoteTitle(t.title())).
		ValueRenderOption("UNFORMATTED_VALUE").DateTimeRenderOption("SERIAL_NUMBER").Context(ctx).Do()
	if err != nil {
		return 0, err
	}
	return len(answer.Values), nil
}

// Known returns where the keys stand that are remembered, by rows counted from 1, and the row after the last one.
func (t *Tab) Known(keys ...tandem.Key) (places map[tandem.Key][]int, count, end int) {
	r := t.remembered()
	if r == nil {
		return nil, 0, 0
	}
	places = map[tandem.Key][]int{}
	for _, key := range keys {
		for _, row := range r.places.of(markOf(key)).rows() {
			places[key] = append(places[key], row+1)
		}
	}
	return places, len(r.places), r.end
}

// ReadKeys reads the key columns alone and returns how many keys there are.
func (t *Tab) ReadKeys(ctx context.Context) (int, error) {
	r, err := t.freshReading(ctx)
	if err != nil {
		return 0, err
	}
	return len(r.places), nil
}

// What operation metadata says.
var (
	MetadataValue = metadataValue
	IsStale       = isStale
)

const Burnt = burnt
