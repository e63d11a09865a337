package sheets

import (
	"fmt"
	"slices"
	"strings"
)

// columnLetters names a column, counted from 0, as people see it: A, B, …, Z, AA.
func columnLetters(column int) string {
	var letters []byte
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		letters = append(letters, byte('A'+(n-1)%26))
	}
	slices.Reverse(letters)
	return string(letters)
}

// cellName names a cell, row and column counted from 0, as people see it: B5.
func cellName(row, column int) string { return fmt.Sprintf("%s%d", columnLetters(column), row+1) }

func quoteTitle(title string) string { return "'" + strings.ReplaceAll(title, "'", "''") + "'" }

// span is a run of rows, or of columns: from first, counted from 0, to before end.
type span struct{ first, end int }

// area is a block of cells.
type area struct{ rows, columns span }

// in names the block within a tab. A block without an end goes on to the end of the grid.
func (a area) in(title string) string {
	from := cellName(a.rows.first, a.columns.first)
	if a.rows.end == endless {
		return fmt.Sprintf("%s!%s:%s", quoteTitle(title), from, columnLetters(a.columns.end-1))
	}
	return fmt.Sprintf("%s!%s:%s", quoteTitle(title), from, cellName(a.rows.end-1, a.columns.end-1))
}

// wholeRows names the block's rows from the first column to the last.
func (a area) wholeRows(title string) string {
	return fmt.Sprintf("%s!%d:%d", quoteTitle(title), a.rows.first+1, a.rows.end)
}

// endless is the end of a run that goes on to the end of the grid.
const endless = 1 << 30

// runs merges row numbers into runs. Rows up to gap apart share a run; the gap grows until there are at most limit runs,
// since a call names its ranges in its address, which must stay short.
func runs(rows []int, gap, limit int) []span {
	rows = slices.Clone(rows)
	slices.Sort(rows)
	for {
		var out []span
		for _, row := range rows {
			if n := len(out); n > 0 && row <= out[n-1].end+gap {
				out[n-1].end = max(out[n-1].end, row+1)
				continue
			}
			out = append(out, span{row, row + 1})
		}
		if len(out) <= limit {
			return out
		}
		gap = gap*2 + 1
	}
}
