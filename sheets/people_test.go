package sheets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
)

func protect(a1 string) edit { return edit{"protect": {"sheet": "Anime", "a1": a1}} }
func merge(a1 string) edit   { return edit{"merge": {"sheet": "Anime", "a1": a1}} }

// Cells that people protect are errors of their own rows; the rest of a batch is written, at the cost of a read and a
// second write.
func TestProtectedByPeople(t *testing.T) {
	const landed, refused = tandem.Landed, tandem.Refused
	tests := []struct {
		name   string
		a1     string
		want   []tandem.Outcome // of updates of 1 and 2 (title) and 3 (score), a deletion of 4 and a new row
		column string           // of the first error
		says   string
	}{
		{"a cell", "B3", []tandem.Outcome{landed, refused, landed, landed, landed}, "title", `B3 in column "title" is protected`},
		{"a row", "A5:Z5", []tandem.Outcome{landed, landed, landed, refused, landed}, "id", "row 5 cannot be deleted"},
		{"a column of the rows that are there", "B2:B6", []tandem.Outcome{refused, refused, landed, refused, landed}, "title", "B2"},
		{"a whole column", "B:B", []tandem.Outcome{refused, refused, landed, refused, refused}, "title", "B2"},
		{"a foreign cell", "C2", []tandem.Outcome{landed, landed, landed, landed, landed}, "", ""},
		{"the whole tab", "", []tandem.Outcome{refused, refused, refused, refused, refused}, "title", "remove the protection"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, anime(), animeColumns)
			if err := w.tab.Setup(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.edit(protect(test.a1))
			batch, _ := w.prepare(w.update("1", 1, text("new 1")), w.update("2", 1, text("new 2")), w.update("3", 2, text("1.00")),
				w.remove("4"), insert("6", text("6"), text("Nausicaä"), tandem.Null, tandem.Null))
			var applied []tandem.Applied
			reads, writes := w.counted(func() { applied = w.send(batch) })
			w.wantOutcomes(applied, test.want...)
			if reads > 1 || writes > 2 {
				t.Errorf("%d reads and %d writes, want at most 1 and 2", reads, writes)
			}
			said := false
			for i := range applied {
				if applied[i].Outcome != refused {
					continue
				}
				if !said && (applied[i].Column != test.column || !strings.Contains(applied[i].Err.Message, test.says)) {
					t.Errorf("change %d: column %q, %v", i, applied[i].Column, applied[i].Err)
				}
				said = true
			}
			if got := w.row("1").Values[1].Text(); (got == "new 1") != (test.want[0] == landed) {
				t.Errorf("row 1 reads %q", got)
			}
			if gone := w.row("4") == nil; gone != (test.want[3] == landed) {
				t.Errorf("row 4 is gone: %t", gone)
			}
		})
	}
}

// A protected column does not keep a tab from being set up.
func TestSetupOfProtectedColumn(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.edit(protect("B:B"))
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, writes := w.counted(func() {
		if err := w.tab.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
	}); writes != 0 {
		t.Errorf("set up again: %d writes", writes)
	}
	batch, _ := w.prepare(w.update("1", 2, text("1.00")))
	w.wantOutcomes(w.send(batch), tandem.Landed)
}

// Merged cells stay merged: what could not be seen within them is an error of its row.
func TestMergedCells(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.edit(merge("B2:B3"), merge("C4:D4"))
	before := w.merges()
	batch, applied := w.prepare(w.update("1", 1, text("shown")), w.update("2", 1, text("hidden")), w.update("3", 2, text("9.00")),
		w.update("3", 1, text("beside")), w.update("4", 1, text("free")))
	w.wantOutcomes(applied, tandem.Landed, tandem.Refused, tandem.Refused, tandem.Landed, tandem.Landed)
	if applied[1].Column != "title" || !strings.Contains(applied[1].Err.Message, "B2:B3") {
		t.Errorf("column %q, %v", applied[1].Column, applied[1].Err)
	}
	w.wantOutcomes(w.send(batch), tandem.Landed, tandem.Landed, tandem.Landed)
	if diff := cmp.Diff(before, w.merges()); diff != "" {
		t.Errorf("merges (-want +got):\n%s", diff)
	}
	if row := w.row("1"); row.Values[1].Text() != "shown" {
		t.Errorf("row 1 reads %q", row.Values[1].Text())
	}
	_, applied = w.prepare(w.remove("1"))
	w.wantOutcomes(applied, tandem.Refused)
}

func (w *world) merges() any {
	var answer struct{ Sheets []struct{ Merges any } }
	w.call("GET", "/v4/spreadsheets/"+spreadsheet+"?fields=sheets(merges)", nil, &answer)
	return answer.Sheets[0].Merges
}

// Rows that a filter hides are read and written as others are, and the filter stays.
func TestFilteredRows(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.call("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate", map[string]any{"requests": []any{map[string]any{"setBasicFilter": map[string]any{
		"filter": map[string]any{"range": map[string]any{"sheetId": w.link.SheetID, "startRowIndex": 0, "endRowIndex": 6},
			"criteria": map[string]any{"1": map[string]any{"hiddenValues": []string{"Mononoke", "Totoro"}}}}}}}}, nil)
	filter := func() any {
		var answer struct {
			Sheets []struct{ BasicFilter map[string]any }
		}
		w.call("GET", "/v4/spreadsheets/"+spreadsheet+"?fields=sheets(basicFilter)", nil, &answer)
		return answer.Sheets[0].BasicFilter["criteria"]
	}
	before := filter()
	batch, _ := w.prepare(w.update("2", 1, text("Princess Mononoke")), w.remove("4"))
	w.wantOutcomes(w.send(batch), tandem.Landed, tandem.Landed)
	if before == nil || !cmp.Equal(before, filter()) {
		t.Errorf("the filter was %v, is %v", before, filter())
	}
	if row := w.row("2"); row == nil || row.Values[1].Text() != "Princess Mononoke" || w.row("4") != nil {
		t.Errorf("row 2 is %+v", row)
	}
}
