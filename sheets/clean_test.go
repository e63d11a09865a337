package sheets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
)

// state is all that could tell that Tandem was there, tabs and marks included.
func (w *world) state() any {
	w.t.Helper()
	var answer struct {
		DeveloperMetadata []struct{ MetadataKey, MetadataValue string }
		Sheets            []struct {
			Properties struct {
				SheetID int64
				Title   string
				Hidden  bool
			}
			DeveloperMetadata []struct{ MetadataKey, MetadataValue string }
		}
	}
	w.call("GET", "/v4/spreadsheets/"+spreadsheet+"?fields=developerMetadata,sheets(properties,developerMetadata)", nil, &answer)
	return answer
}

func (w *world) clean(link *tandem.Link, shown []tandem.Note) []string {
	w.t.Helper()
	removed, err := w.client.Clean(w.t.Context(), link, shown)
	if err != nil {
		w.t.Fatal(err)
	}
	return removed
}

func TestClean(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.decorate(3, 2, "", green)
	w.decorate(4, 2, "mine", accent)
	w.batchUpdate(map[string]any{"createDeveloperMetadata": map[string]any{"developerMetadata": map[string]any{"metadataKey": "theirs",
		"visibility": "DOCUMENT", "location": map[string]any{"sheetId": w.link.SheetID}}}})
	before, decorated, values := w.state(), w.look(), w.values("FORMULA")

	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.scan()
	shown := w.notes(nil, about("2", "title", "too long"), about("5", "score", "too much"), tandem.Note{Header: true, Text: "in step"})
	w.decorate(6, 3, ours("too much"), red) // copied out of the linked columns
	w.edit(sortBy("ID", true), setCell("B6", "AKIRA"))
	batch, _ := w.prepare(w.update("1", 1, text("Akira")))
	w.wantOutcomes(w.send(batch), tandem.Landed)
	w.edit(sortBy("ID", false))

	removed := w.clean(w.link, shown)
	if diff := cmp.Diff([]string{`4 notes in tab "Anime"`, `4 marks of tab "Anime"`, `the hidden tab "_tandem"`}, removed); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, w.state()); diff != "" {
		t.Errorf("tabs and marks are not as they were:\n%s", diff)
	}
	w.wantLook(decorated)
	if diff := cmp.Diff(values, w.values("FORMULA")); diff != "" {
		t.Errorf("values changed:\n%s", diff)
	}
	if again := w.clean(w.link, shown); len(again) > 0 {
		t.Errorf("removed a second time: %q", again)
	}
	// The link may go on all the same.
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.tab = w.client.Open(w.link, animeColumns)
	batch, _ = w.prepare(w.update("1", 1, text("Akira!")))
	w.wantOutcomes(w.send(batch), tandem.Landed)
}

// The hidden tab stays as long as another link of the spreadsheet uses it, and so do that link's marks.
func TestCleanBesideAnotherLink(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.edit(edit{"paste": {"sheet": "Other", "a1": "A1", "values": [][]string{{"id", "title"}, {"1", "x"}}}})
	info, err := w.client.Spreadsheet(t.Context(), spreadsheet)
	if err != nil {
		t.Fatal(err)
	}
	other := *w.link
	other.ID, other.SheetID, other.Tab, other.Columns = "other", info.Tabs[1].SheetID, "Other", other.Columns[:2]
	if err := w.client.Open(&other, animeColumns[:2]).Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := w.state()
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`1 mark of tab "Anime"`}, w.clean(w.link, nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, w.state()); diff != "" {
		t.Errorf("the other link's things are not as they were:\n%s", diff)
	}
	if diff := cmp.Diff([]string{`1 mark of tab "Other"`, `the hidden tab "_tandem"`}, w.clean(&other, nil)); diff != "" {
		t.Error(diff)
	}
}

func TestCleanWhatIsGone(t *testing.T) {
	t.Run("spreadsheet", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		link := *w.link
		link.SpreadsheetID = "1gone"
		if removed := w.clean(&link, []tandem.Note{about("1", "title", "x")}); len(removed) > 0 {
			t.Errorf("removed %q", removed)
		}
	})
	t.Run("tab", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		if err := w.tab.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.edit(edit{"deleteSheet": {"sheet": "Anime"}})
		if diff := cmp.Diff([]string{`the hidden tab "_tandem"`}, w.clean(w.link, nil)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("hidden tab", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.scan()
		shown := w.notes(nil, about("1", "title", "x"))
		w.edit(edit{"deleteSheet": {"sheet": "_tandem"}})
		w.clean(w.link, shown)
		w.wantLook(look{})
		if removed := w.clean(w.link, nil); len(removed) > 0 {
			t.Errorf("removed %q", removed)
		}
	})
	t.Run("a person's tab of the same title", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.batchUpdate(map[string]any{"addSheet": map[string]any{"properties": map[string]any{"title": "_tandem"}}})
		if removed := w.clean(w.link, nil); len(removed) > 0 {
			t.Errorf("removed %q", removed)
		}
	})
	t.Run("key column", func(t *testing.T) {
		w := newWorld(t, anime(), animeColumns)
		w.scan()
		shown := w.notes(nil, about("1", "title", "x"))
		w.edit(setCell("A1", "Number"))
		removed, err := w.client.Clean(t.Context(), w.link, shown)
		if err == nil || !strings.Contains(err.Error(), `"id"`) {
			t.Errorf("the notes cannot be taken away, but the error is %v", err)
		}
		if diff := cmp.Diff([]string{`1 mark of tab "Anime"`, `the hidden tab "_tandem"`}, removed); diff != "" {
			t.Error(diff)
		}
		w.edit(setCell("A1", "ID"))
		w.clean(w.link, shown)
		w.wantLook(look{})
	})
}

// A failure leaves nothing half done that a second call would not finish.
func TestCleanLostReply(t *testing.T) {
	for _, kind := range []string{"before", "after", "drop", "dropAfter"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, anime(), animeColumns)
			w.decorate(2, 2, "", green)
			before, decorated := w.state(), w.look()
			if err := w.tab.Setup(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.scan()
			shown := w.notes(nil, about("1", "title", "x"))
			failed := 0
			for tries := 0; tries < 5; tries++ {
				w.fault("spreadsheets.batchUpdate", kind, 503, 2)
				if _, err := w.client.Clean(t.Context(), w.link, shown); err != nil {
					failed++
				}
			}
			w.call("DELETE", "/emulator/faults", nil, nil)
			w.clean(w.link, shown)
			if failed == 0 {
				t.Error("nothing failed")
			}
			if diff := cmp.Diff(before, w.state()); diff != "" {
				t.Errorf("tabs and marks are not as they were:\n%s", diff)
			}
			w.wantLook(decorated)
		})
	}
}
