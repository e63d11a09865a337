package sheets

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// Scan and BadRow are what a read of a tab found; they belong to the words that all packages share.
type (
	Scan   = tandem.Scan
	BadRow = tandem.BadRow
)

// line is one row of the tab as it was read, from the first column on.
type line struct {
	at    int // counted from 0
	cells []any
}

// errTorn means that two reads of one tab do not fit together, since somebody moved rows in between.
var errTorn = errors.New("rows moved while they were read")

const readTries = 4

// Scan reads the whole tab in a single call, so that it shows one moment: a sort can tear what is read in pieces. Cells
// of text columns that hold a number, or what looks like a formula error, are looked at once more in a second call.
//
// It fails rather than return less than there is: a missing header row, a missing key column and an empty answer are
// errors.
func (t *Tab) Scan(ctx context.Context) (*Scan, error) {
	for try := 0; ; try++ {
		scan, err := t.scanOnce(ctx)
		if !errors.Is(err, errTorn) {
			return scan, err
		}
		if try == readTries {
			return nil, tandem.Errorf(tandem.CodeUnavailable, "ROWS_MOVING", "rows of tab %q keep moving while they are read", t.title())
		}
	}
}

func (t *Tab) scanOnce(ctx context.Context) (*Scan, error) {
	scan := &Scan{Began: t.client.opt.Now(), Whole: true}
	values, err := t.readWhole(ctx)
	if err != nil {
		return nil, err
	}
	scan.Ended = t.client.opt.Now()
	var header []any
	if t.header < len(values) {
		header = values[t.header]
	}
	l, err := t.layoutOf(header)
	if err != nil {
		return nil, err
	}
	lines := make([]line, 0, len(values))
	for at := t.header + 1; at < len(values); at++ {
		if l.linkedCells(values[at]) {
			lines = append(lines, line{at, values[at]})
		}
	}
	if err := t.resolve(ctx, l, lines); err != nil {
		return nil, err
	}
	scan.Missing, scan.Title = l.missing, t.title()
	found := t.sortOut(l, lines)
	scan.Rows, scan.Bad = found.rows, found.bad
	end := t.header + 1
	if len(lines) > 0 {
		end = lines[len(lines)-1].at + 1
	}
	t.remember(&reading{at: scan.Began, layout: l, places: found.places, doubled: found.doubled, end: end})
	return scan, nil
}

// readWhole reads every cell of the tab, unformatted, in one call.
func (t *Tab) readWhole(ctx context.Context) ([][]any, error) {
	var answer *api.ValueRange
	err := t.withTitle(ctx, func(title string) (err error) {
		answer, err = t.client.service.Spreadsheets.Values.Get(t.link.SpreadsheetID, quoteTitle(title)).
			ValueRenderOption("UNFORMATTED_VALUE").DateTimeRenderOption("SERIAL_NUMBER").Context(counting(ctx, &t.calls)).Do()
		return err
	})
	if err != nil {
		return nil, t.failed(err, "read tab %q", t.title())
	}
	return answer.Values, nil
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

// resolve looks once more at cells whose unformatted value does not tell what people see, all in one call, and puts what
// it finds in their places.
func (t *Tab) resolve(ctx context.Context, l *layout, lines []line) error {
	unclear := map[int][]int{} // rows by column of the tab
	for _, line := range lines {
		for i := range t.columns {
			if isAmbiguous(l.cell(line.cells, i), &t.columns[i]) {
				unclear[l.at[i]] = append(unclear[l.at[i]], line.at)
			}
		}
	}
	if len(unclear) == 0 {
		return nil
	}
	var areas []area
	for column, rows := range unclear {
		for _, run := range runs(rows, 20, max(1, rangeLimit/len(unclear))) {
			areas = append(areas, area{run, span{column, column + 1}})
		}
	}
	shown, err := t.readGrid(ctx, areas, "effectiveValue,formattedValue")
	if err != nil {
		return err
	}
	for _, line := range lines {
		for i := range t.columns {
			if !isAmbiguous(l.cell(line.cells, i), &t.columns[i]) {
				continue
			}
			clear, ok := clarified(line.cells[l.at[i]], shown.cell(line.at, l.at[i]))
			if !ok {
				return errTorn
			}
			line.cells[l.at[i]] = clear
		}
	}
	return nil
}

// clarified returns what a cell is by its second reading; ok is false when that is another cell than the first one.
func clarified(first any, second *api.CellData) (cell any, ok bool) {
	if second == nil || second.EffectiveValue == nil {
		return nil, false
	}
	v := second.EffectiveValue
	switch first := first.(type) {
	case string:
		if v.ErrorValue != nil {
			return errorCell(first), true
		}
		return first, v.StringValue != nil && *v.StringValue == first
	case float64:
		return shownCell{first, second.FormattedValue}, v.NumberValue != nil && sameNumber(*v.NumberValue, first)
	case bool:
		return shownCell{first, second.FormattedValue}, v.BoolValue != nil && *v.BoolValue == first
	}
	return nil, false
}

// sorted is a tab's rows, told apart by whether their keys can be used.
type sorted struct {
	rows    []tandem.Row
	bad     []BadRow
	places  map[tandem.Key]int
	doubled map[tandem.Key][]int
}

// sortOut makes rows of lines. Rows without a usable key are bad, and so are all rows of a key that stands twice. A row of
// nothing but unticked boxes is none: a column of checkboxes reaches down to the end of the grid.
func (t *Tab) sortOut(l *layout, lines []line) *sorted {
	s := &sorted{places: make(map[tandem.Key]int, len(lines)), doubled: map[tandem.Key][]int{}}
	rows := make([]tandem.Row, 0, len(lines))
	problems := map[int]string{} // of keys, by index into rows
	for _, line := range lines {
		row := t.row(l, line)
		if t.isKeyless(&row) && l.isUnticked(line.cells) {
			continue
		}
		var problem string
		if row.Key, problem = t.key(&row, l); problem != "" {
			problems[len(rows)] = problem
		} else if first, ok := s.places[row.Key]; ok {
			if s.doubled[row.Key] == nil {
				s.doubled[row.Key] = []int{first}
			}
			s.doubled[row.Key] = append(s.doubled[row.Key], line.at)
		} else {
			s.places[row.Key] = line.at
		}
		rows = append(rows, row)
	}
	for i, row := range rows {
		twice := s.doubled[row.Key]
		switch {
		case problems[i] != "":
			s.bad = append(s.bad, BadRow{Row: row, Message: problems[i], Keyless: t.isKeyless(&row)})
		case twice != nil:
			s.bad = append(s.bad, BadRow{Row: row, Message: fmt.Sprintf("the key %q stands more than once, in rows %s; remove all but one",
				row.Key, rowNumbers(twice))})
		default:
			s.rows = append(s.rows, row)
		}
	}
	for key := range s.doubled {
		delete(s.places, key)
	}
	return s
}

func rowNumbers(rows []int) string {
	var texts []string
	for i, row := range rows {
		if i == 10 {
			texts = append(texts, "…")
			break
		}
		texts = append(texts, strconv.Itoa(row+1))
	}
	return strings.Join(texts, ", ")
}

// row decodes the linked columns of a line.
func (t *Tab) row(l *layout, line line) tandem.Row {
	row := tandem.Row{Values: make([]tandem.Value, len(t.columns)), Position: line.at + 1}
	for i := range t.columns {
		if l.at[i] < 0 {
			continue
		}
		value, problem := decode(l.cell(line.cells, i), &t.columns[i], t.name(i))
		row.Values[i] = value
		if problem != "" {
			if row.Problems == nil {
				row.Problems = map[int]string{}
			}
			row.Problems[i] = problem
		}
	}
	return row
}

// isKeyless reports whether every key cell of a decoded row is empty.
func (t *Tab) isKeyless(row *tandem.Row) bool {
	for _, i := range t.keys {
		if !row.Values[i].IsEmpty() {
			return false
		}
	}
	return len(t.keys) > 0
}

// isUnticked reports whether the linked columns of a row hold nothing but unticked boxes.
func (l *layout) isUnticked(cells []any) bool {
	for _, at := range l.at {
		if at >= 0 && at < len(cells) && cells[at] != nil && cells[at] != "" && cells[at] != false {
			return false
		}
	}
	return true
}

// key returns the key of a decoded row, or why it has none.
func (t *Tab) key(row *tandem.Row, l *layout) (tandem.Key, string) {
	parts := make([]tandem.Value, len(t.keys))
	for n, i := range t.keys {
		parts[n] = row.Values[i]
		if problem, ok := row.Problems[i]; ok {
			return "", problem
		}
		if parts[n].IsEmpty() {
			return "", fmt.Sprintf("%s is empty in row %d; a row needs a value in every key column", t.name(i), row.Position)
		}
	}
	return tandem.MakeKey(parts...), ""
}
