package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// row is one line of the table.
type row struct {
	name   string
	figure string
	floor  string // the floor or rival, with what it is
	ratio  string // of the figure to it; "" where they are no two of a kind
}

// printTable prints rows below each other, each column as wide as its widest cell.
func printTable(out io.Writer, rows []row) {
	lines := [][]string{{"what", "figure", "floor or rival", "ratio"}}
	for _, r := range rows {
		lines = append(lines, []string{r.name, r.figure, r.floor, r.ratio})
	}
	var widths [4]int
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			b.WriteString("| " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		_, _ = fmt.Fprintln(out, b.String()+"|")
		if n == 0 {
			for _, width := range widths {
				_, _ = fmt.Fprint(out, "|"+strings.Repeat("-", width+2))
			}
			_, _ = fmt.Fprintln(out, "|")
		}
	}
}

// ratio shows how many times the floor a figure is.
func ratio(figure, floor float64) string {
	if floor <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", figure/floor)
}
