package sheets_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
)

func TestHeaders(t *testing.T) {
	tests := []struct {
		name    string
		edits   []edit
		missing []string
		halt    string
	}{
		{"as they were", nil, nil, ""},
		{"spelt otherwise", []edit{setCell("B1", " TI_tle ")}, nil, ""},
		{"column inserted", []edit{insertColumn("A", "New"), insertColumn("C", "Newer")}, nil, ""},
		{"renamed", []edit{setCell("B1", "Name")}, []string{"title"}, ""},
		{"twice", []edit{setCell("C1", "TITLE"), setCell("B1", "title_")}, []string{"title"}, ""},
		{"twice, one as it is linked", []edit{setCell("C1", "title")}, []string{"title"}, ""},
		{"key renamed", []edit{setCell("A1", "Nr")}, nil, tandem.HaltKeyColumnGone},
		{"key twice", []edit{setCell("C1", "Id")}, nil, tandem.HaltKeyColumnGone},
		{"header row cleared", []edit{{"clear": {"sheet": "Anime", "a1": "A1:E1"}}}, nil, tandem.HaltKeyColumnGone},
		{"everything cleared", []edit{{"clear": {"sheet": "Anime", "a1": "A1:Z100"}}}, nil, tandem.HaltKeyColumnGone},
		{"header row deleted", []edit{deleteRows(1, 1)}, nil, tandem.HaltKeyColumnGone},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, anime(), animeColumns)
			w.scan()
			w.edit(test.edits...)
			for name, read := range map[string]func() (*tandem.Scan, error){
				"Scan": func() (*tandem.Scan, error) { return w.tab.Scan(t.Context()) },
				"Find": func() (*tandem.Scan, error) { return w.tab.Find(t.Context(), []tandem.Key{"3"}) },
			} {
				scan, err := read()
				var problem *tandem.Error
				if test.halt != "" {
					if !errors.As(err, &problem) || problem.Reason != test.halt || problem.Code != tandem.CodePrecondition {
						t.Errorf("%s: %v, want %s", name, err, test.halt)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if !slices.Equal(scan.Missing, test.missing) {
					t.Errorf("%s: missing %q, want %q", name, scan.Missing, test.missing)
				}
				at := slices.IndexFunc(scan.Rows, func(r tandem.Row) bool { return r.Key == "3" })
				if at < 0 {
					t.Fatalf("%s: row 3 is not there", name)
				}
				want := []tandem.Value{text("3"), text("Paprika"), text("7.50"), tandem.Null}
				if test.missing != nil {
					want[1] = tandem.Absent
				}
				if !slices.Equal(scan.Rows[at].Values, want) {
					t.Errorf("%s: row 3 = %+v", name, scan.Rows[at].Values)
				}
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	reason := func(err error) string {
		var problem *tandem.Error
		if errors.As(err, &problem) {
			return problem.Reason
		}
		return ""
	}
	rename := func(from, to string) edit { return edit{"renameSheet": {"sheet": from, "title": to}} }
	t.Run("renamed", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.scan()
		w.edit(rename("Anime", "Films & 'more'"))
		if scan := w.scan(); len(scan.Rows) != 5 {
			t.Errorf("%d rows", len(scan.Rows))
		}
		if err := w.tab.Confirm(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("another tab has the title", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.scan()
		w.edit(rename("Anime", "Old"), rename("Other", "Anime"))
		_, _ = w.tab.Scan(t.Context()) // reads the wrong tab, and cannot know
		if err := w.tab.Confirm(t.Context()); reason(err) != "TAB_RENAMED" {
			t.Errorf("Confirm: %v", err)
		}
		if scan := w.scan(); len(scan.Rows) != 5 {
			t.Errorf("%d rows", len(scan.Rows))
		}
		if err := w.tab.Confirm(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.scan()
		w.edit(edit{"deleteSheet": {"sheet": "Anime"}})
		if _, err := w.tab.Scan(t.Context()); reason(err) != tandem.HaltTabGone {
			t.Errorf("Scan: %v", err)
		}
		if err := w.tab.Confirm(t.Context()); reason(err) != tandem.HaltTabGone {
			t.Errorf("Confirm: %v", err)
		}
	})
	t.Run("time zone", func(t *testing.T) {
		column := tandem.Column{Name: "at", Type: tandem.Type{Kind: tandem.Timestamp}, Zone: berlin(t)}
		w := newWorld(t, [][]any{{"id", "at"}}, []tandem.Column{idColumn, column})
		w.call("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate", map[string]any{"requests": []any{map[string]any{
			"updateSpreadsheetProperties": map[string]any{"properties": map[string]any{"timeZone": "Asia/Tokyo"}, "fields": "timeZone"}}}}, nil)
		if err := w.tab.Confirm(t.Context()); reason(err) != tandem.HaltTimeZone {
			t.Errorf("Confirm: %v", err)
		}
	})
}

func TestUnusableRows(t *testing.T) {
	w := newWorld(t, [][]any{
		{"ID", "Title", "Notes", "Score", "Aired"},
		{1, "a"}, {nil, "no key"}, {2, "b"}, {}, {nil, nil, "only a note"}, {1, "again"}, {"x", "bad key"}, {3.5}, {"4", "as text"},
	}, animeColumns)
	scan := w.scan()
	var keys, bad []string
	for _, row := range scan.Rows {
		keys = append(keys, string(row.Key))
	}
	for _, row := range scan.Bad {
		bad = append(bad, string(row.Row.Key)+": "+row.Message)
	}
	if diff := cmp.Diff([]string{"2", "4"}, keys); diff != "" {
		t.Error(diff)
	}
	if len(bad) != 5 || !strings.HasPrefix(bad[0], `1: the key "1" stands more than once, in rows 2, 7`) {
		t.Errorf("bad rows: %q", bad)
	}
	found, err := w.tab.Find(t.Context(), []tandem.Key{"1", "2", "9"})
	if err != nil || len(found.Rows) != 1 || len(found.Bad) != 2 || found.Whole {
		t.Errorf("Find = %+v, %v", found, err)
	}
}

func TestCallsPerOperation(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.tab = w.newClient().Open(w.link, animeColumns)
	change := tandem.Change{Kind: tandem.Update, Key: "3", After: []tandem.Value{{}, text("x"), {}, {}}}
	steps := []struct {
		name          string
		do            func() error
		reads, writes int64
	}{
		{"first Setup", func() error { return w.tab.Setup(t.Context()) }, 2, 1},
		{"Setup again", func() error { return w.tab.Setup(t.Context()) }, 1, 0},
		{"Scan", func() error { _, err := w.tab.Scan(t.Context()); return err }, 1, 0},
		{"Find", func() error { _, err := w.tab.Find(t.Context(), []tandem.Key{"2", "5"}); return err }, 1, 0},
		{"Find what is not there", func() error { _, err := w.tab.Find(t.Context(), []tandem.Key{"77"}); return err }, 1, 0},
		{"Confirm", func() error { return w.tab.Confirm(t.Context()) }, 1, 0},
		{"update", func() error {
			b, _, err := w.tab.Prepare(t.Context(), "u", []tandem.Change{change})
			if err == nil {
				_, err = w.tab.Send(t.Context(), b)
			}
			return err
		}, 1, 1},
		{"insert", func() error {
			b, _, err := w.tab.Prepare(t.Context(), "i", []tandem.Change{insert("8", text("8"), text("x"), tandem.Null, tandem.Null)})
			if err == nil {
				_, err = w.tab.Send(t.Context(), b)
			}
			return err
		}, 0, 1},
	}
	for _, step := range steps {
		var err error
		reads, writes := w.counted(func() { err = step.do() })
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if reads != step.reads || writes != step.writes {
			t.Errorf("%s made %d reads and %d writes, want %d and %d", step.name, reads, writes, step.reads, step.writes)
		}
	}
	reads, writes := w.tab.Calls()
	if reads != 8 || writes != 3 {
		t.Errorf("the tab counts %d reads and %d writes", reads, writes)
	}
}

// Setup gives an empty tab its headers, and keeps what people see in text columns.
func TestSetup(t *testing.T) {
	w := newWorld(t, nil, animeColumns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want([]any{"id", "title", "score", "aired"})
	w.edit(setCell("A2", "1"), setCell("B2", "00123"))
	if row := w.row("1"); row == nil || row.Values[1].Text() != "00123" {
		t.Errorf("typed text came as %+v", row)
	}
	info, err := w.client.Spreadsheet(t.Context(), spreadsheet)
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, tab := range info.Tabs {
		titles = append(titles, tab.Title+":"+strings.Join(tab.Headers, ","))
	}
	if diff := cmp.Diff([]string{"Anime:id,title,score,aired", "Other:x"}, titles); diff != "" {
		t.Error(diff)
	}
}

// Notes, colours and formats of people, and the columns between the linked ones, stay as they are.
func TestForeignCellsStay(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	format := func(row, column int, cell map[string]any, fields string) map[string]any {
		return map[string]any{"repeatCell": map[string]any{"range": map[string]any{"sheetId": w.link.SheetID, "startRowIndex": row, "endRowIndex": row + 1,
			"startColumnIndex": column, "endColumnIndex": column + 1}, "cell": cell, "fields": fields}}
	}
	red := map[string]any{"userEnteredFormat": map[string]any{"backgroundColor": map[string]any{"red": 1.0}, "textFormat": map[string]any{"bold": true}}}
	date := map[string]any{"userEnteredFormat": map[string]any{"numberFormat": map[string]any{"type": "DATE", "pattern": "dd/mm/yyyy"}}}
	w.call("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate", map[string]any{"requests": []any{
		format(2, 1, red, "userEnteredFormat"), format(2, 1, map[string]any{"note": "mine"}, "note"), format(1, 4, date, "userEnteredFormat.numberFormat"),
		format(6, 2, date, "userEnteredFormat.numberFormat"),
	}}, nil)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.writeAll([]tandem.Change{w.update("2", 1, text("Princess")), w.update("1", 3, text("1988-07-17")),
		insert("6", text("6"), text("Nausicaä"), tandem.Null, tandem.Null)})
	var answer struct {
		Sheets []struct {
			Data []struct {
				RowData []struct{ Values []map[string]any }
			}
		}
	}
	w.call("GET", "/v4/spreadsheets/"+spreadsheet+"?ranges=Anime!A1:E7&fields=sheets.data.rowData.values(note,userEnteredFormat,formattedValue)", nil, &answer)
	rows := answer.Sheets[0].Data[0].RowData
	title := rows[2].Values[1]
	if title["formattedValue"] != "Princess" || title["note"] != "mine" {
		t.Errorf("title cell: %v", title)
	}
	if f, ok := title["userEnteredFormat"].(map[string]any); !ok || f["backgroundColor"] == nil || f["textFormat"] == nil {
		t.Errorf("the colour is gone: %v", title)
	}
	if got := rows[1].Values[4]["formattedValue"]; got != "17/07/1988" {
		t.Errorf("the date is shown as %v", got)
	}
	if got := rows[6].Values[2]["userEnteredFormat"]; got == nil {
		t.Error("the format of an empty cell between linked columns is gone")
	}
}

func TestRetries(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.fault("spreadsheets.values.get", "before", 503, 2)
	w.fault("spreadsheets.values.get", "before", 429, 2)
	if scan := w.scan(); len(scan.Rows) != 5 {
		t.Errorf("%d rows", len(scan.Rows))
	}
	batch, _ := w.prepare(w.update("1", 1, text("AKIRA")))
	w.fault("spreadsheets.batchUpdate", "before", 429, 2)
	w.wantOutcomes(w.send(batch), tandem.Landed)
	w.fault("spreadsheets.values.get", "before", 503, 100)
	_, err := w.tab.Scan(t.Context())
	if !errors.Is(err, tandem.ErrUnavailable) {
		t.Errorf("Scan: %v", err)
	}
}

// Metadata of old operations goes away by itself, since a tab holds only so much of it.
func TestOldOperationsAreForgotten(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	count := func() int {
		var answer struct {
			Sheets []struct{ DeveloperMetadata []map[string]any }
		}
		w.call("GET", "/v4/spreadsheets/"+spreadsheet+"?fields=sheets.developerMetadata", nil, &answer)
		return len(answer.Sheets[0].DeveloperMetadata)
	}
	for i := range 5 {
		batch, _ := w.prepare(w.update("1", 1, text(strings.Repeat("x", i+1))))
		w.wantOutcomes(w.send(batch), tandem.Landed)
	}
	if n := count(); n != 5 {
		t.Errorf("%d pieces of metadata, want 5", n)
	}
	w.now.Add(int64(90 * time.Minute))
	if err := w.tab.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	batch, _ := w.prepare(w.update("1", 1, text("y")))
	w.wantOutcomes(w.send(batch), tandem.Landed)
	if n := count(); n != 1 {
		t.Errorf("%d pieces of metadata, want 1", n)
	}
}
