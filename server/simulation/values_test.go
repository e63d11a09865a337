package simulation_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tandem-sync/tandem"
)

// randomValues are values of the columns beside the key, as canonical texts; nil is NULL.
func (w *pair) randomValues() []*string {
	var all []*string
	for i := w.keys; i < len(w.names); i++ {
		all = append(all, w.randomValue(i))
	}
	return all
}

func (w *pair) randomValue(column int) *string {
	w.serial++
	var text string
	switch w.names[column] {
	case "title":
		text = []string{"v%d", "v%d", "v%d", "v%d", "=1+%d", "00%d", " %d ", "%d", "1e%d", "'%d", "é😀%d", "", "TRUE"}[w.r.IntN(13)]
		if strings.Contains(text, "%") {
			text = fmt.Sprintf(text, w.serial)
		}
	case "qty":
		text = fmt.Sprint(w.r.IntN(1000))
	case "price":
		text = fmt.Sprintf("%d.%02d", w.r.IntN(10000), w.r.IntN(100))
	case "done":
		text = []string{"true", "false"}[w.r.IntN(2)]
	case "seen":
		text = fmt.Sprintf("2026-%02d-%02dT%02d:00:%02d", 1+w.r.IntN(12), 1+w.r.IntN(28), w.r.IntN(24), w.r.IntN(60))
	case "ratio":
		text = w.randomFloat()
	}
	if w.names[column] != "title" && w.chance(8) {
		return nil
	}
	return &text
}

// randomFloat is a number of 17 digits, or, often, one of a few that differ only in the last of them.
func (w *pair) randomFloat() string {
	n := w.r.Float64() * 1000
	if w.chance(50) {
		n = []float64{0.1, 1.0 / 3, 123456789.123456}[w.r.IntN(3)]
		for range w.r.IntN(3) {
			n = math.Nextafter(n, math.Inf(1))
		}
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

// asCell is how another client of the Sheets API writes a value.
func (w *pair) asCell(column int, value *string) any {
	switch {
	case value == nil:
		return nil
	case w.names[column] == "done":
		return *value == "true"
	case w.names[column] == "seen" || w.names[column] == "title":
		return *value
	}
	var number float64
	_, _ = fmt.Sscan(*value, &number)
	return number
}

func (w *pair) asArg(column int, value *string) any {
	switch {
	case value == nil:
		return nil
	case w.names[column] == "done":
		return *value == "true"
	case w.names[column] == "seen":
		return strings.Replace(*value, "T", " ", 1)
	case w.names[column] == "ratio":
		n, _ := strconv.ParseFloat(*value, 64)
		return n
	}
	return *value
}

// sameDigits reports whether two numbers show the same digits in a sheet, which shows 15.
func sameDigits(a, b tandem.Value) bool {
	x, err1 := strconv.ParseFloat(a.Text(), 64)
	y, err2 := strconv.ParseFloat(b.Text(), 64)
	return err1 == nil && err2 == nil && strconv.FormatFloat(x, 'g', 15, 64) == strconv.FormatFloat(y, 'g', 15, 64)
}
