package sheets_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

const (
	noteEnd = "\n(Tandem wrote this note and takes it away by itself.)"
	red     = `{"rgbColor":{"blue":0.84313726,"green":0.8509804,"red":0.9843137}}`
	green   = `{"rgbColor":{"green":1}}`
	accent  = `{"themeColor":"ACCENT2"}`
	black   = `{"rgbColor":{}}`
)

func ours(message string) string { return "Tandem: " + message + noteEnd }

// look is what cells show beside their values: "ID of the row/header" or "header" -> note | colour.
type look map[string]string

// look returns all notes and colours of the tab, by the first column's cell and the header's text.
func (w *world) look() look {
	w.t.Helper()
	var answer struct {
		Sheets []struct {
			Data []struct {
				RowData []struct {
					Values []struct {
						FormattedValue    string
						Note              string
						UserEnteredFormat struct{ BackgroundColorStyle json.RawMessage }
					}
				}
			}
		}
	}
	w.call("GET", "/v4/spreadsheets/"+spreadsheet+"?ranges=Anime&fields="+
		url.QueryEscape("sheets.data.rowData.values(formattedValue,note,userEnteredFormat.backgroundColorStyle)"), nil, &answer)
	found := look{}
	rows := answer.Sheets[0].Data[0].RowData
	id := 0
	for i, cell := range rows[0].Values {
		if cell.FormattedValue == "ID" {
			id = i
		}
	}
	for r, row := range rows {
		for c, cell := range row.Values {
			name := fmt.Sprintf("column %d", c)
			if c < len(rows[0].Values) && rows[0].Values[c].FormattedValue != "" {
				name = rows[0].Values[c].FormattedValue
			}
			if r > 0 && id < len(row.Values) {
				name = row.Values[id].FormattedValue + "/" + name
			}
			for _, twice := found[name]; twice; _, twice = found[name] {
				name += "'"
			}
			if cell.Note != "" || cell.UserEnteredFormat.BackgroundColorStyle != nil {
				found[name] = cell.Note + " | " + string(cell.UserEnteredFormat.BackgroundColorStyle)
			}
		}
	}
	return found
}

func (w *world) wantLook(want look) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.look()); diff != "" {
		w.t.Errorf("notes and colours (-want +got):\n%s", diff)
	}
}

// decorate gives a cell a note and a colour as a person does.
func (w *world) decorate(row, column int, note, colour string) {
	w.t.Helper()
	cell := map[string]any{"note": note}
	if colour != "" {
		cell["userEnteredFormat"] = map[string]any{"backgroundColorStyle": json.RawMessage(colour)}
	}
	w.batchUpdate(map[string]any{"updateCells": map[string]any{
		"start":  map[string]any{"sheetId": w.link.SheetID, "rowIndex": row - 1, "columnIndex": column - 1},
		"fields": "note,userEnteredFormat.backgroundColorStyle", "rows": []any{map[string]any{"values": []any{cell}}}}})
}

func (w *world) batchUpdate(requests ...any) {
	w.t.Helper()
	w.call("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate", map[string]any{"requests": requests}, nil)
}

// notes makes the tab show want and returns what it shows then.
func (w *world) notes(shown []tandem.Note, want ...tandem.Note) []tandem.Note {
	w.t.Helper()
	batch, next := w.prepareNotes(shown, want...)
	w.sendNotes(batch)
	return next
}

func (w *world) prepareNotes(shown []tandem.Note, want ...tandem.Note) ([]byte, []tandem.Note) {
	w.t.Helper()
	batch, next, err := w.tab.PrepareNotes(w.t.Context(), shown, want)
	if err != nil {
		w.t.Fatal(err)
	}
	return batch, stored(w.t, next)
}

func (w *world) sendNotes(batch []byte) {
	w.t.Helper()
	if err := w.tab.SendNotes(w.t.Context(), batch); err != nil {
		w.t.Fatal(err)
	}
}

// stored takes notes through the form in which they are stored.
func stored(t *testing.T, notes []tandem.Note) []tandem.Note {
	t.Helper()
	data, err := json.Marshal(notes)
	if err != nil {
		t.Fatal(err)
	}
	var back []tandem.Note
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func about(key tandem.Key, column, message string) tandem.Note {
	return tandem.Note{Key: key, Column: column, Text: message}
}

// settled fails unless the tab is known to show shown without a write.
func (w *world) settled(shown []tandem.Note, want ...tandem.Note) {
	w.t.Helper()
	_, writes := w.counted(func() {
		if batch, _ := w.prepareNotes(shown, want...); batch != nil {
			w.t.Errorf("the tab does not show what it should: %s is left", batch)
		}
	})
	if writes > 0 {
		w.t.Errorf("%d writes although all is shown", writes)
	}
}

func TestNotes(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.scan()
	w.decorate(3, 2, "", green)
	w.decorate(4, 2, "", accent)
	w.decorate(5, 2, "", black)
	w.decorate(6, 4, "see the wiki", "")
	before, values := w.look(), w.values("FORMULA")

	want := []tandem.Note{about("1", "", "no key like that"), about("2", "title", "too long"), about("3", "title", "too short"),
		about("4", "title", "not nice"), about("4", "aired", "no date"), about("5", "score", "a person's note stands here")}
	shown := w.notes(nil, want...)
	w.wantLook(look{"1/ID": ours("no key like that") + " | " + red, "2/Title": ours("too long") + " | " + red,
		"3/Title": ours("too short") + " | " + red, "4/Title": ours("not nice") + " | " + red, "4/Aired": ours("no date") + " | " + red,
		"5/Score": "see the wiki | "})
	if len(shown) != 5 {
		t.Errorf("%d notes are said to be shown, not 5: %+v", len(shown), shown)
	}
	reads, _ := w.counted(func() { w.settled(shown, want...) })
	if reads > 2 { // one of them is this test's own count
		t.Errorf("%d reads to see that all is shown", reads)
	}

	// Another text, one less, and the rest as it was.
	want = []tandem.Note{about("2", "title", "still too long"), about("4", "title", "not nice"), about("4", "aired", "no date")}
	shown = w.notes(shown, want...)
	w.wantLook(look{"2/Title": ours("still too long") + " | " + red, "3/Title": " | " + accent,
		"4/Title": ours("not nice") + " | " + red, "4/Aired": ours("no date") + " | " + red, "5/Score": "see the wiki | "})
	w.settled(shown, want...)

	shown = w.notes(shown)
	w.wantLook(before)
	if shown = w.notes(shown); len(shown) != 0 {
		t.Errorf("still said to be shown: %+v", shown)
	}
	if diff := cmp.Diff(values, w.values("FORMULA")); diff != "" {
		t.Errorf("values changed:\n%s", diff)
	}
	if reads, writes := w.counted(func() { w.settled(nil) }); reads+writes > 0 {
		t.Errorf("%d reads and %d writes for nothing", reads, writes)
	}
}

// What a person changes about our notes and colours stays.
func TestNotesThatPeopleChange(t *testing.T) {
	start := func(t *testing.T) (*world, []tandem.Note) {
		w := newWorld(t, anime(), animeColumns)
		w.scan()
		w.decorate(3, 2, "", green)
		return w, w.notes(nil, about("2", "title", "too long"))
	}
	t.Run("another colour", func(t *testing.T) {
		w, shown := start(t)
		w.decorate(3, 2, ours("too long"), accent)
		w.settled(shown, about("2", "title", "too long"))
		shown = w.notes(shown, about("2", "title", "worse"))
		w.wantLook(look{"2/Title": ours("worse") + " | " + accent})
		w.notes(shown)
		w.wantLook(look{"2/Title": " | " + accent})
	})
	t.Run("another note", func(t *testing.T) {
		w, shown := start(t)
		w.decorate(3, 2, "I know", red)
		shown = w.notes(shown, about("2", "title", "too long"))
		w.wantLook(look{"2/Title": "I know | " + green})
		if shown = w.notes(shown, about("2", "title", "too long")); len(shown) > 0 {
			t.Errorf("%+v is not shown", shown)
		}
		w.settled(shown, about("2", "title", "too long"))
	})
	t.Run("a word added", func(t *testing.T) {
		w, shown := start(t)
		w.decorate(3, 2, ours("too long")+" Bob?", red)
		w.notes(shown)
		w.wantLook(look{"2/Title": ours("too long") + " Bob? | " + green})
	})
	t.Run("the note removed", func(t *testing.T) {
		w, shown := start(t)
		w.decorate(3, 2, "", red)
		w.notes(shown)
		w.wantLook(look{"2/Title": " | " + green})
	})
	t.Run("copied elsewhere", func(t *testing.T) {
		w, shown := start(t)
		w.decorate(6, 2, ours("too long"), red)
		w.decorate(5, 3, ours("too long"), accent)
		w.notes(shown)
		w.wantLook(look{"2/Title": " | " + green, "4/Notes": " | " + accent})
	})
	t.Run("moved with its row", func(t *testing.T) {
		w, shown := start(t)
		w.edit(sortBy("Title", true), insertColumn("A", "New"), insertRows(3, 2))
		w.settled(shown, about("2", "title", "too long"))
		w.notes(shown)
		w.wantLook(look{"2/Title": " | " + green})
	})
	t.Run("another key", func(t *testing.T) {
		w, shown := start(t)
		w.edit(setCell("A3", "12"), sortBy("ID", true))
		shown = w.notes(shown, about("12", "title", "too long"))
		w.wantLook(look{"12/Title": ours("too long") + " | " + red})
		w.notes(shown)
		w.wantLook(look{"12/Title": " | " + green})
	})
	t.Run("row deleted", func(t *testing.T) {
		w, shown := start(t)
		w.edit(deleteRows(3, 1))
		if shown = w.notes(shown, about("2", "title", "too long")); len(shown) > 0 {
			t.Errorf("the row is gone, but %+v is shown", shown)
		}
		w.wantLook(look{})
	})
	t.Run("column unlinked", func(t *testing.T) {
		w, shown := start(t)
		w.edit(setCell("B1", "Name"))
		shown = w.notes(shown, about("2", "title", "too long"))
		w.wantLook(look{"2/Name": " | " + green})
		if shown = w.notes(shown, about("2", "title", "too long")); len(shown) > 0 {
			t.Errorf("the column is gone, but %+v is shown", shown)
		}
	})
}

// A row whose key is blank or stands twice is told by its position; its note is found again wherever it goes.
func TestNotesOnRowsWithoutKey(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.decorate(3, 1, "", green)
	w.edit(setCell("A3", ""), setCell("A4", "5"))
	w.scan()
	want := []tandem.Note{{Position: 3, Text: "ID is empty"}, {Position: 4, Text: "5 stands twice"}, {Key: "5", Position: 6, Text: "5 stands twice here too"},
		{Position: 5, Text: "this row has a key"}}
	shown := w.notes(nil, want...)
	if len(shown) != 3 {
		t.Fatalf("shown: %+v", shown)
	}
	w.settled(shown, want...)
	w.edit(sortBy("Title", false))
	w.notes(shown)
	w.wantLook(look{"/ID": " | " + green})

	// Sorted between reading and writing, and told by nothing but what the row holds.
	w.scan()
	batch, next := w.prepareNotes(nil, tandem.Note{Position: w.positionOf("Mononoke"), Text: "ID is empty"})
	w.edit(sortBy("Score", false), setCell("A9", ""), setCell("B9", "Nameless"))
	w.sendNotes(batch)
	w.wantLook(look{"/ID": " | " + green})
	w.scan()
	shown = w.notes(next, tandem.Note{Position: w.positionOf("Mononoke"), Text: "ID is empty"})
	w.wantLook(look{"/ID": ours("ID is empty") + " | " + red})
	w.notes(shown)
	w.wantLook(look{"/ID": " | " + green})
}

func (w *world) positionOf(title string) int {
	for i, row := range w.values("FORMULA") {
		if len(row) > 1 && row[1] == title {
			return i + 1
		}
	}
	w.t.Fatalf("no row %q", title)
	return 0
}

// deaf hides the notes of copied cells, since nobody promises that copies carry notes.
type deaf struct{}

func (deaf) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || !strings.HasSuffix(request.URL.Path, ":batchUpdate") {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	withoutNotes(answer)
	if body, err = json.Marshal(answer); err != nil {
		return nil, err
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Del("Content-Length")
	return response, nil
}

func withoutNotes(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "note")
		for _, x := range v {
			withoutNotes(x)
		}
	case []any:
		for _, x := range v {
			withoutNotes(x)
		}
	}
}

// People move rows and columns between reading and writing; what is hit is put back exactly, and the next time the notes
// are where they belong.
func TestNotesAstray(t *testing.T) {
	rename := func(a1, header string) edit { return setCell(a1, header) }
	tests := []struct {
		name  string
		edits []edit
	}{
		{"nothing", nil},
		{"sort", []edit{sortBy("ID", true)}},
		{"insert above", []edit{insertRows(2, 1)}},
		{"insert in between", []edit{insertRows(4, 2)}},
		{"delete above", []edit{deleteRows(2, 1)}},
		{"delete many", []edit{deleteRows(2, 3)}},
		{"insert a column before", []edit{insertColumn("A", "New")}},
		{"insert a column in between", []edit{insertColumn("D", "New")}},
		{"insert a column and sort", []edit{insertColumn("B", "New"), sortBy("ID", true)}},
		{"rename a header", []edit{rename("E1", "Date")}},
		{"edit the cell", []edit{setCell("B3", "Princess")}},
		{"change a key", []edit{setCell("A4", "33")}},
		{"double a key", []edit{setCell("A4", "2")}},
	}
	for _, quiet := range []bool{false, true} {
		for _, test := range tests {
			name := test.name
			if quiet {
				name += ", copies without notes"
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, anime(), animeColumns)
				if quiet {
					client, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL, HTTPClient: &http.Client{Transport: deaf{}}})
					if err != nil {
						t.Fatal(err)
					}
					w.tab = client.Open(w.link, animeColumns)
				}
				w.scan()
				for row := 2; row <= 6; row++ {
					for column := 1; column <= 5; column++ {
						note, colour := fmt.Sprintf("note %d %d", row, column), []string{green, accent, black, ""}[(row+column)%4]
						if row == 3 && column != 3 || row == 6 && column == 5 {
							note = "" // where notes of ours come
						}
						if row == 4 && column == 4 {
							note, colour = ours("old"), red
						}
						w.decorate(row, column, note, colour)
					}
				}
				w.decorate(4, 4, "", accent)
				shown := w.notes(nil, about("3", "score", "old"))
				want := []tandem.Note{about("2", "title", "first"), about("2", "aired", "second"), about("5", "aired", "third")}
				batch, next := w.prepareNotes(shown, want...)
				w.edit(test.edits...)
				before := w.look()
				w.sendNotes(batch)
				sent := w.look()
				for cell, was := range before {
					if now := sent[cell]; now != was && cell != "2/Title" && cell != "2/Aired" && cell != "5/Aired" && cell != "3/Score" && cell != "2/Score" {
						t.Errorf("%s was %q, is %q", cell, was, now)
					}
				}
				for cell, now := range sent {
					if _, was := before[cell]; !was && cell != "2/Title" && cell != "2/Aired" && cell != "5/Aired" {
						t.Errorf("%s was nothing, is %q", cell, now)
					}
				}
				next = w.notes(next, want...)
				next = w.notes(next, want...)
				w.settled(next, want...)
				for _, n := range next {
					if got := w.look()[string(n.Key)+"/"+strings.ToUpper(n.Column[:1])+n.Column[1:]]; got != ours(n.Text)+" | "+red {
						t.Errorf("%s of %s shows %q", n.Column, n.Key, got)
					}
				}
				w.notes(next)
				for cell, was := range before {
					if strings.HasPrefix(was, ours("old")) {
						was = " | " + accent
					}
					if now := w.look()[cell]; now != was {
						t.Errorf("in the end %s is %q, was %q", cell, now, was)
					}
				}
				if len(w.look()) > len(before) {
					t.Errorf("in the end there is more than there was: %v", cmp.Diff(before, w.look()))
				}
			})
		}
	}
}

func TestNotesLostReply(t *testing.T) {
	for _, kind := range []string{"before", "after", "drop", "dropAfter"} {
		for _, raced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, raced %t", kind, raced), func(t *testing.T) {
				w := newWorld(t, anime(), animeColumns)
				w.scan()
				w.decorate(3, 2, "", green)
				w.decorate(5, 2, "mine", accent)
				before := w.look()
				want := []tandem.Note{about("2", "title", "too long")}
				batch, next := w.prepareNotes(nil, want...)
				if raced {
					w.edit(sortBy("ID", true))
				}
				w.fault("spreadsheets.batchUpdate", kind, 503, 1)
				err := w.tab.SendNotes(t.Context(), batch)
				if took := kind == "after" || kind == "dropAfter"; took != (err == nil) {
					t.Errorf("the batch took effect: %t, but the error is %v", took, err)
				}
				if raced {
					w.wantLook(before)
				}
				next = w.notes(next, want...)
				w.wantLook(look{"2/Title": ours("too long") + " | " + red, "4/Title": "mine | " + accent})
				w.notes(next)
				w.wantLook(before)
			})
		}
	}
}

// A process dies after it stored what will be shown: before it sent, or after.
func TestNotesCrash(t *testing.T) {
	for _, sent := range []bool{false, true} {
		t.Run(fmt.Sprintf("sent %t", sent), func(t *testing.T) {
			w := newWorld(t, anime(), animeColumns)
			w.scan()
			w.decorate(3, 2, "", green)
			want := []tandem.Note{about("2", "title", "too long"), {Header: true, Text: "in step"}}
			batch, next := w.prepareNotes(nil, want...)
			if sent {
				w.sendNotes(batch)
			}
			w.tab = w.newClient().Open(w.link, animeColumns)
			w.edit(sortBy("ID", true))
			next = w.notes(next, want...)
			w.wantLook(look{"ID": ours("in step") + " | ", "2/Title": ours("too long") + " | " + red})
			// The other way round: they are about to go.
			batch, next = w.prepareNotes(next)
			if sent {
				w.sendNotes(batch)
			}
			w.tab = w.newClient().Open(w.link, animeColumns)
			next = w.notes(next)
			if next = w.notes(next); len(next) > 0 {
				t.Errorf("%+v is still shown", next)
			}
			w.wantLook(look{"2/Title": " | " + green})
		})
	}
}

// The list of what is shown is lost: our notes go all the same, and a colour of ours becomes none.
func TestNotesLostList(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.scan()
	w.notes(nil, about("2", "title", "too long"), about("3", "title", "too short"), about("4", "title", "ugly"))
	w.decorate(5, 2, ours("ugly"), accent)
	w.tab = w.newClient().Open(w.link, animeColumns)
	shown := w.notes(nil, about("3", "title", "too short"))
	w.wantLook(look{"3/Title": ours("too short") + " | " + red, "4/Title": " | " + accent})
	w.notes(shown)
	w.wantLook(look{"4/Title": " | " + accent})
}

func TestHeaderNote(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.scan()
	w.decorate(1, 2, "a person's own", "")
	header := func(message string) tandem.Note { return tandem.Note{Header: true, Text: message} }
	shown := w.notes(nil, header("in step since 12:00"))
	w.wantLook(look{"ID": ours("in step since 12:00") + " | ", "Title": "a person's own | "})
	reads, writes := w.counted(func() { shown = w.notes(shown, header("in step since 12:01")) })
	if reads != 1 || writes != 1 {
		t.Errorf("%d reads and %d writes to change the header's note", reads, writes)
	}
	w.wantLook(look{"ID": ours("in step since 12:01") + " | ", "Title": "a person's own | "})

	// The column moves: the note is on the first linked one.
	w.batchUpdate(map[string]any{"moveDimension": map[string]any{"destinationIndex": 3,
		"source": map[string]any{"sheetId": w.link.SheetID, "dimension": "COLUMNS", "startIndex": 0, "endIndex": 1}}})
	if shown = w.notes(shown, header("in step since 12:02")); len(shown) > 0 {
		t.Errorf("the first linked header has a note of a person's, but %+v is shown", shown)
	}
	w.wantLook(look{"Title": "a person's own | "})
	w.edit(insertColumn("A", "New"))
	w.notes(shown, header("in step since 12:03"))
	w.wantLook(look{"Title": "a person's own | "})

	// Moved between reading and writing.
	w.decorate(1, 2, "", "")
	batch, next := w.prepareNotes(nil, header("in step"))
	w.edit(insertColumn("A", "Newer"))
	w.sendNotes(batch)
	w.wantLook(look{})
	w.notes(w.notes(next, header("in step")))
	w.wantLook(look{})
}

// A thousand rows in error: 500 are shown, in few calls and below 2 MB.
func TestNotesMany(t *testing.T) {
	rows := [][]any{{"ID", "Title", "Notes", "Score", "Aired"}}
	var want []tandem.Note
	for i := 1; i <= 4000; i++ {
		rows = append(rows, []any{i, "title", nil, 7.5, nil})
		if i%4 == 0 {
			want = append(want, about(tandem.Key(fmt.Sprint(i)), []string{"title", "score"}[i/4%2], strings.Repeat("a long message 'in words' ", 100)))
		}
	}
	w := newWorld(t, rows, animeColumns)
	w.scan()
	var batch []byte
	var shown []tandem.Note
	reads, writes := w.counted(func() {
		batch, shown = w.prepareNotes(nil, want...)
		w.sendNotes(batch)
	})
	if len(shown) != 500 || len(w.look()) != 500 {
		t.Errorf("%d of %d notes are shown, %d are said to be", len(w.look()), len(want), len(shown))
	}
	if reads > 12 || writes != 1 {
		t.Errorf("%d reads and %d writes", reads, writes)
	}
	if len(batch) > 2_000_000 {
		t.Errorf("the batch has %d bytes", len(batch))
	}
	w.settled(shown, want...)
	// The first half is put right: the others come in their places.
	next := w.notes(shown, want[250:]...)
	if len(w.look()) != 500 || next[0].Key != want[250].Key {
		t.Errorf("%d are shown from %s on", len(w.look()), next[0].Key)
	}
	reads, writes = w.counted(func() { next = w.notes(next) })
	if reads > 12 || writes != 1 {
		t.Errorf("%d reads and %d writes to take all away", reads, writes)
	}
	w.wantLook(look{})
}

// Protected cells are left alone, whether the protection is seen beforehand or Google refuses; the others are written.
func TestNotesProtected(t *testing.T) {
	protect := edit{"protect": {"sheet": "Anime", "a1": "B3:B4"}}
	want := []tandem.Note{about("1", "title", "one"), about("2", "title", "two"), about("3", "title", "three"), about("4", "title", "four")}
	t.Run("before", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.edit(protect)
		w.scan()
		var shown []tandem.Note
		_, writes := w.counted(func() { shown = w.notes(nil, want...) })
		w.wantLook(look{"1/Title": ours("one") + " | " + red, "4/Title": ours("four") + " | " + red})
		if writes != 1 || len(shown) != 2 {
			t.Errorf("%d writes, shown %+v", writes, shown)
		}
		w.settled(shown, want...)
	})
	t.Run("between", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.scan()
		batch, next := w.prepareNotes(nil, want...)
		w.edit(protect)
		w.sendNotes(batch)
		next = w.notes(next, want...)
		w.wantLook(look{"1/Title": ours("one") + " | " + red, "4/Title": ours("four") + " | " + red})
		next = w.notes(next, want...)
		w.settled(next, want...)
	})
	t.Run("afterwards", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.scan()
		w.decorate(3, 2, "", green)
		shown := w.notes(nil, want...)
		w.edit(protect)
		shown = w.notes(shown)
		w.wantLook(look{"2/Title": ours("two") + " | " + red, "3/Title": ours("three") + " | " + red})
		w.settled(shown)
		if removed, err := w.client.Clean(t.Context(), w.link, shown); err == nil || !strings.Contains(err.Error(), "2 notes") {
			t.Errorf("removed %q, error %v", removed, err)
		}
		w.edit(edit{"undo": {}})
		w.tab = w.client.Open(w.link, animeColumns)
		w.notes(shown)
		w.wantLook(look{"2/Title": " | " + green})
	})
}

// Neither a key that a formula makes nor one that shows an error keeps a note from its row.
func TestNotesBesideFormulas(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.edit(setCell("A3", "=A2+1"), setCell("A4", "=A3+1"), setCell("A5", "=1/0"), setCell("B5", "=A5"))
	w.scan()
	want := []tandem.Note{about("2", "title", "two"), about("3", "title", "three"), {Position: 5, Text: "ID shows the error"}}
	shown := w.notes(nil, want...)
	w.settled(shown, want...)
	want[0].Text = "2"
	batch, next := w.prepareNotes(shown, want...)
	w.edit(insertRows(2, 1))
	w.sendNotes(batch)
	w.notes(next)
	w.wantLook(look{})
}

// What people do while notes are taken back is not undone either.
func TestNotesTakenBackTwice(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	for row := 2; row <= 6; row++ {
		w.decorate(row, 2, fmt.Sprintf("note %d", row), green)
	}
	w.decorate(3, 2, "", accent)
	w.decorate(5, 2, "", black)
	sorts, descending := 0, true
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL, HTTPClient: &http.Client{Transport: meanwhile(func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ":batchUpdate") && sorts < 4 {
			w.edit(sortBy("ID", descending))
			sorts, descending = sorts+1, !descending
		}
	})}})
	if err != nil {
		t.Fatal(err)
	}
	w.tab = client.Open(w.link, animeColumns)
	w.scan()
	was := w.look()
	want := []tandem.Note{about("2", "title", "two"), about("4", "title", "four")}
	next := w.notes(nil, want...)
	w.wantLook(was)
	if sorts != 4 {
		t.Errorf("sorted %d times", sorts)
	}
	next = w.notes(next, want...)
	was["2/Title"], was["4/Title"] = ours("two")+" | "+red, ours("four")+" | "+red
	w.wantLook(was)
	w.settled(next, want...)
}

// A person colours the cell, or writes a note of their own there, between reading and writing.
func TestNotesOverAPersons(t *testing.T) {
	for _, theirs := range []struct{ note, colour string }{{"", accent}, {"mine", ""}, {"mine", green}} {
		t.Run(theirs.note+theirs.colour, func(t *testing.T) {
			w := newWorld(t, anime(), animeColumns)
			w.scan()
			want := []tandem.Note{about("2", "title", "too long")}
			batch, next := w.prepareNotes(nil, want...)
			w.decorate(3, 2, theirs.note, theirs.colour)
			decorated := w.look()
			w.sendNotes(batch)
			w.wantLook(decorated)
			next = w.notes(next, want...)
			if theirs.note == "" {
				w.wantLook(look{"2/Title": ours("too long") + " | " + red})
			} else {
				w.wantLook(decorated)
			}
			w.notes(next)
			w.wantLook(decorated)

			// And the same while the note goes.
			w.decorate(3, 2, "", "")
			shown := w.notes(nil, want...)
			batch, next = w.prepareNotes(shown)
			w.decorate(3, 2, "mine", accent)
			w.sendNotes(batch)
			w.notes(next)
			w.wantLook(look{"2/Title": "mine | " + accent})
		})
	}
}

// A row that is inserted beside one in error comes with its colour, and loses it with the error.
func TestNotesInheritedColour(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.scan()
	w.decorate(4, 2, "", green)
	shown := w.notes(nil, about("3", "title", "three"))
	w.edit(insertRows(5, 2), setCell("A5", "7"), setCell("A6", "8"))
	if w.look()["7/Title"] != " | "+red {
		t.Fatalf("the new row is not red: %v", w.look())
	}
	w.notes(shown)
	w.wantLook(look{"3/Title": " | " + green})
}
