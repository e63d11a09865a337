package sheets

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tandem-sync/tandem"
)

// cellExamples is how many cells that do not fit are shown of each column.
const cellExamples = 5

// wholeNumber is one of any size.
var wholeNumber = regexp.MustCompile(`^[+-]?[0-9]+$`)

// check counts, column by column, the cells that hold something and those that are no value of the column's type. Rows of nothing
// but unticked boxes are none.
func (s *Sample) check(t *Tab, l *layout, sample *tandem.Sample) {
	rows, bad := sample.Scan.Rows, sample.Scan.Bad
	for len(rows)+len(bad) > 0 { // both stand in the order of the tab
		var row *tandem.Row
		if len(bad) == 0 || len(rows) > 0 && rows[0].Position < bad[0].Row.Position {
			row, rows = &rows[0], rows[1:]
		} else {
			row, bad = &bad[0].Row, bad[1:]
		}
		for i := range t.columns {
			if l.at[i] < 0 || row.Values[i].IsEmpty() {
				continue
			}
			check := &sample.Checks[i]
			if check.Checked++; !row.Values[i].IsInvalid() {
				continue
			}
			if check.Refused++; check.Refused <= cellExamples {
				cell := s.row(row.Position - 1)[l.at[i]]
				check.Examples = append(check.Examples, tandem.CellExample{Row: row.Position, Key: row.Key, Shown: cell.FormattedValue,
					Message: unfit(row.Values[i].Text(), plainCell(cell), &t.columns[i])})
			}
		}
	}
}

// unfit says why a cell is no value of a column's type, in words that follow what the cell shows.
func unfit(text string, cell any, column *tandem.Column) string {
	reason := ""
	switch cell := cell.(type) {
	case errorCell:
		return "is an error of its formula"
	case float64:
		_, reason = decodeNumber(cell, column)
	}
	if reason == "" {
		_, err := column.Type.Parse(text)
		if err == nil {
			return "is not a value of the type " + column.Type.Kind.String()
		}
		if reason = err.Error(); column.Type.Kind == tandem.Int && !wholeNumber.MatchString(text) {
			return "is not a whole number"
		}
	}
	if quoted, err := strconv.QuotedPrefix(reason); err == nil {
		return strings.TrimPrefix(reason, quoted+" ")
	}
	if strings.HasPrefix(reason, "the text ") {
		return strings.TrimPrefix(reason, "the text ")
	}
	if before, rest, found := strings.Cut(reason, " are more than the "); found { // "21 characters are more than the 20 that fit"
		return "has " + before + ", which are more than the " + rest
	}
	return reason
}
