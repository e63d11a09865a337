package sheets_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A column is inserted while a row that was deleted astray is put back, and somebody types into that row before it is put
// right: what was typed stays, and its other cells stand under their headers, the formula naming what it named.
func TestTypedIntoWhilePutBack(t *testing.T) {
	tests := []struct {
		name   string
		before string // the column
		cell   string
		want   []any
	}{
		{"in between", "C", "B4", []any{2.0, "Princess", "", "=A4*10", 8.75, 35623.0}},
		{"before the key", "A", "F4", []any{"", 2.0, "Mononoke", "=B4*10", 8.75, "Princess"}},
		{"into a cell that moves", "C", "D4", []any{2.0, "Mononoke", "", "Princess", 8.75, 35623.0}},
		{"into a cell that is not theirs", "C", "C4", []any{2.0, "Mononoke", "Princess", "=A4*10", 8.75, 35623.0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, got, writes := interrupted(t, anime(), animeColumns, "3",
				[]edit{insertRows(2, 1)}, []edit{insertColumn(test.before, "New")}, []edit{setCell(test.cell, "Princess")})
			if writes < 4 {
				t.Fatalf("only %d writes: nothing was typed in between", writes)
			}
			if diff := cmp.Diff(test.want, got[3]); diff != "" {
				t.Errorf("after %d writes the row is (-want +got):\n%s", writes, diff)
			}
		})
	}
}
