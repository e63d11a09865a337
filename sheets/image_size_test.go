package sheets_test

import (
	"fmt"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

// Processes, and links of one spreadsheet, know the size of the hidden tab from what they did themselves. One that knows less
// once made it smaller, so that the next write of another one found no room for its copies.
func TestHiddenTabIsNotMadeSmaller(t *testing.T) {
	w := newWorld(t, [][]any{{"ID", "Title", "Notes", "Score", "Aired"}}, animeColumns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := 0
	add := func(tab *sheets.Tab, rows int) {
		t.Helper()
		var changes []tandem.Change
		for range rows {
			next++
			key := fmt.Sprint(next)
			changes = append(changes, insert(tandem.Key(key), text(key), text("a title"), tandem.Null, tandem.Null))
		}
		batch, _, err := tab.Prepare(t.Context(), fmt.Sprint("op-", next), changes)
		if err != nil {
			t.Fatal(err)
		}
		applied, err := tab.Send(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		for i := range applied {
			if applied[i].Outcome != tandem.Landed {
				t.Fatalf("row %d of %d: %+v", i, rows, applied[i])
			}
		}
	}
	other := w.newClient().Open(w.link, animeColumns)
	add(w.tab, 1)
	add(other, 1)
	size := w.hiddenRows()
	for _, step := range []struct {
		tab  *sheets.Tab
		rows int
	}{{w.tab, 3000}, {other, 500}, {w.tab, 40}, {other, 2500}, {w.tab, 1500}, {other, 10}, {w.tab, 3000}} {
		add(step.tab, step.rows)
		now := w.hiddenRows()
		if now < size {
			t.Errorf("the hidden tab has %d rows instead of %d", now, size)
		}
		size = now
	}
}

func (w *world) hiddenRows() (rows int) {
	var answer struct {
		Sheets []struct {
			Properties struct {
				Title          string
				GridProperties struct{ RowCount int }
			}
		}
	}
	w.call("GET", "/v4/spreadsheets/"+spreadsheet, nil, &answer)
	for _, sheet := range answer.Sheets {
		if sheet.Properties.Title == "_tandem" {
			rows = sheet.Properties.GridProperties.RowCount
		}
	}
	return rows
}
