package sheets_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

func text(s string) tandem.Value { return tandem.Text(s) }

// header and rows of anime() as FORMULA rendering shows them.
func shown() [][]any {
	return [][]any{
		{"ID", "Title", "Notes", "Score", "Aired"},
		{1.0, "Akira", "mine", 8.5, 32340.0},
		{2.0, "Mononoke", "=A3*10", 8.75, 35623.0},
		{3.0, "Paprika", "", 7.5},
		{4.0, "Totoro", "wow", 9.0},
		{5.0, "Ponyo", "", 7.25},
	}
}

func TestScan(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	scan := w.scan()
	if len(scan.Rows) != 5 || len(scan.Bad) != 0 || !scan.Whole {
		t.Fatalf("scan = %+v", scan)
	}
	want := tandem.Row{Key: "1", Position: 2, Values: []tandem.Value{text("1"), text("Akira"), text("8.50"), text("1988-07-16")}}
	if diff := cmp.Diff(want, scan.Rows[0], cmp.Comparer(func(a, b tandem.Value) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestWriteOnlyWhatChanged(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	batch, applied := w.prepare(
		w.update("2", 1, text("=1+1")),
		w.update("3", 3, text("2006-11-25")),
		w.remove("4"),
		insert("6", text("6"), text("Nausicaä"), text("8.00"), text("1984-03-11")),
	)
	w.wantOutcomes(applied, 0, 0, 0, 0)
	applied = w.send(batch)
	w.wantOutcomes(applied, 0, 0, 0, 0)
	rows := shown()
	rows[2][1] = "=1+1"
	rows[3] = append(rows[3], 39046.0)
	rows = append(append(rows[:4:4], rows[5]), []any{6.0, "Nausicaä", "", 8.0, 30752.0})
	w.want(rows...)
	if got := applied[3].Row.Position; got != 6 {
		t.Errorf("the new row is said to be in row %d, it is in 6", got)
	}
	if row := w.row("2"); row.Values[1].Text() != "=1+1" {
		t.Errorf("row 2 reads %q", row.Values[1].Text())
	}
	if again, applied := w.prepare(w.update("6", 1, text("Nausicaä of the Valley"))); again == nil || applied[0].Outcome != tandem.Landed {
		t.Error("the new row was not found again")
	}
}

func TestMovedAndRefused(t *testing.T) {
	rows := anime()
	rows[1][3] = nil
	w := newWorld(t, rows, animeColumns)
	stale := w.update("1", 1, text("AKIRA"))
	gone := w.remove("2")
	formula := w.update("3", 2, text("1.00"))
	long := w.update("4", 1, text(string(make([]byte, 60000))))
	w.edit(setCell("B2", "Akira!"), deleteRows(3, 1), setCell("D3", "=7+0.5"))
	batch, applied := w.prepare(stale, gone, formula, long, insert("5", text("5")))
	if batch != nil {
		t.Errorf("a batch is left: %+v", batch)
	}
	w.wantOutcomes(applied, tandem.Moved, tandem.Moved, tandem.Refused, tandem.Refused, tandem.Moved)
	if applied[0].Row == nil || applied[0].Row.Values[1].Text() != "Akira!" {
		t.Errorf("the row as it is now is not returned: %+v", applied[0].Row)
	}
	if applied[2].Column != "score" || applied[3].Column != "title" {
		t.Errorf("columns %q, %q", applied[2].Column, applied[3].Column)
	}
}

// What people do between Prepare and Send is seen in the answer, undone, and never taken for an edit.
func TestLandingAstray(t *testing.T) {
	const landed, moved = tandem.Landed, tandem.Moved
	tests := []struct {
		name  string
		edits []edit
		want  []tandem.Outcome // of an update of 2, a deletion of 4 and a new row 6
	}{
		{"sort", []edit{sortBy("ID", true)}, []tandem.Outcome{moved, moved, landed}},
		{"insert above", []edit{insertRows(2, 1)}, []tandem.Outcome{moved, moved, landed}},
		{"insert in between", []edit{insertRows(4, 1)}, []tandem.Outcome{landed, moved, landed}},
		{"delete above", []edit{deleteRows(2, 1)}, []tandem.Outcome{moved, moved, landed}},
		{"edit the cell", []edit{setCell("B3", "Princess")}, []tandem.Outcome{moved, landed, landed}},
		{"type a formula", []edit{setCell("B3", "=UPPER(\"x\")&A3")}, []tandem.Outcome{moved, landed, landed}},
		{"edit the row that goes", []edit{setCell("B5", "Tonari")}, []tandem.Outcome{landed, moved, landed}},
		{"insert a column before", []edit{insertColumn("A", "New")}, []tandem.Outcome{moved, moved, moved}},
		{"insert a column in between", []edit{insertColumn("D", "New")}, []tandem.Outcome{moved, moved, moved}},
		{"rename a header", []edit{setCell("B1", "Name")}, []tandem.Outcome{moved, moved, moved}},
		{"add the same key", []edit{setCell("A7", "6"), setCell("B7", "theirs")}, []tandem.Outcome{landed, landed, moved}},
		{"rename the tab", []edit{{"renameSheet": {"sheet": "Anime", "title": "Renamed"}}, {"renameSheet": {"sheet": "Renamed", "title": "Anime"}}},
			[]tandem.Outcome{landed, landed, landed}},
		{"nothing", nil, []tandem.Outcome{landed, landed, landed}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, anime(), animeColumns)
			if err := w.tab.Setup(t.Context()); err != nil {
				t.Fatal(err)
			}
			changes := []tandem.Change{w.update("2", 1, text("Princess Mononoke")), w.remove("4"), insert("6", text("6"), text("Nausicaä"), tandem.Null, tandem.Null)}
			batch, _ := w.prepare(changes...)
			if len(test.edits) > 0 {
				w.edit(test.edits...)
			}
			before := w.values("FORMULA")
			applied := w.send(batch)
			w.wantOutcomes(applied, test.want...)
			w.check(before, w.values("FORMULA"), applied)
		})
	}
}

// check compares the tab before and after a batch of an update of 2, a deletion of 4 and an insertion of 6: where an
// outcome is Moved, nothing may differ; where it is Landed, only what was wanted.
func (w *world) check(before, after [][]any, applied []tandem.Applied) {
	w.t.Helper()
	index := func(rows [][]any) map[any][]any {
		byKey := map[any][]any{}
		id := 0
		for i, header := range rows[0] {
			if header == "ID" {
				id = i
			}
		}
		for _, row := range rows[1:] {
			if len(row) > id && row[id] != "" {
				key := row[id]
				if _, twice := byKey[key]; twice {
					key = "twice"
				}
				byKey[key] = append(byKey[key], row...)
			}
		}
		return byKey
	}
	want, got := index(before), index(after)
	if applied[0].Outcome == tandem.Landed {
		for i, header := range before[0] {
			if header == "Title" {
				want[2.0][i] = "Princess Mononoke"
			}
		}
	}
	if applied[1].Outcome == tandem.Landed {
		delete(want, 4.0)
	}
	if applied[2].Outcome == tandem.Landed {
		if len(got[6.0]) == 0 {
			w.t.Error("the new row is not there")
		}
		delete(got, 6.0)
	}
	// Formulas name their own rows, which move.
	for _, rows := range []map[any][]any{want, got} {
		for _, row := range rows {
			for i := range row {
				if s, ok := row[i].(string); ok && len(s) > 3 && s[:2] == "=A" {
					row[i] = "=A?*10"
				}
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("outcomes %v, but (-want +got):\n%s", outcomes(applied), diff)
	}
}

func TestLostReply(t *testing.T) {
	tests := []struct {
		kind string
		took bool
	}{{"before", false}, {"after", true}, {"drop", false}, {"dropAfter", true}}
	for _, test := range tests {
		for _, raced := range []bool{false, true} {
			name := test.kind
			if raced {
				name += " and a sort"
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, anime(), animeColumns)
				if err := w.tab.Setup(t.Context()); err != nil {
					t.Fatal(err)
				}
				batch, _ := w.prepare(w.update("2", 1, text("Princess Mononoke")), w.remove("4"),
					insert("6", text("6"), text("Nausicaä"), tandem.Null, tandem.Null))
				if raced {
					w.edit(sortBy("Title", true))
				}
				before := w.values("FORMULA")
				w.fault("spreadsheets.batchUpdate", test.kind, 503, 1)
				if _, err := w.tab.Send(t.Context(), batch); err == nil {
					t.Fatal("a lost reply was not noticed")
				}
				// Another process settles.
				other := w.newClient().Open(w.link, animeColumns)
				applied, took, err := other.Settle(t.Context(), batch)
				if err != nil || took != test.took {
					t.Fatalf("took = %v, %v", took, err)
				}
				if !took {
					applied = []tandem.Applied{{Outcome: tandem.Moved}, {Outcome: tandem.Moved}, {Outcome: tandem.Moved}}
					if _, err := w.tab.Send(t.Context(), batch); err == nil {
						t.Error("the late original took effect")
					}
				}
				w.check(before, w.values("FORMULA"), applied)
				again, tookAgain, err := other.Settle(t.Context(), batch)
				if err != nil || tookAgain != took {
					t.Fatalf("settled again: took = %v, %v", tookAgain, err)
				}
				if took && !cmp.Equal(outcomes(again), outcomes(applied)) {
					t.Errorf("settled again: %v, then %v", outcomes(applied), outcomes(again))
				}
			})
		}
	}
}

func TestCallsOfAnInitialSync(t *testing.T) {
	rows := [][]any{{"ID", "Title", "Notes", "Score", "Aired"}}
	for i := range 9000 {
		rows = append(rows, []any{i, "Title", "note", 1.5, time.Date(2020, 1, 1+i%300, 0, 0, 0, 0, time.UTC)})
	}
	w := newWorld(t, rows, animeColumns)
	reads, writes := w.counted(func() {
		tab := w.newClient().Open(w.link, animeColumns)
		if err := tab.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		scan, err := tab.Scan(t.Context())
		if err != nil || len(scan.Rows) != 9000 {
			t.Fatal(err)
		}
		if err := tab.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
		var changes []tandem.Change
		for i := range 500 {
			row := scan.Rows[i*17]
			changes = append(changes, tandem.Change{Kind: tandem.Update, Key: row.Key, Before: row.Values,
				After: []tandem.Value{{}, text("changed"), text("2.00"), {}}})
		}
		for i := range 1000 {
			key := text(strconv.Itoa(100000 + i))
			changes = append(changes, insert(tandem.Key(key.Text()), key, text("new"), text("3.00"), text("2021-01-01")))
		}
		for len(changes) > 0 {
			n := tab.Fits(changes)
			batch, _, err := tab.Prepare(t.Context(), "sync", changes[:n])
			if err != nil {
				t.Fatal(err)
			}
			applied, err := tab.Send(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			for i := range applied {
				if applied[i].Outcome != tandem.Landed {
					t.Fatalf("change %d: %+v", i, applied[i])
				}
			}
			changes = changes[n:]
		}
	})
	t.Logf("%d reads, %d writes", reads, writes)
	if reads+writes > 12 {
		t.Errorf("an initial sync of 10,000 rows cost %d calls", reads+writes)
	}
}

// A sort under a large write is undone in a few calls, whatever the number of rows.
func TestSortUnderALargeWrite(t *testing.T) {
	rows := [][]any{{"ID", "Title", "Notes", "Score", "Aired"}}
	for i := range 4000 {
		rows = append(rows, []any{i, "Title " + strconv.Itoa(i), "note", 1.5, nil})
	}
	w := newWorld(t, rows, animeColumns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	scan := w.scan()
	var changes []tandem.Change
	for i := 0; i < 4000; i += 3 {
		changes = append(changes, tandem.Change{Kind: tandem.Update, Key: scan.Rows[i].Key, Before: scan.Rows[i].Values, After: []tandem.Value{{}, text("ours"), {}, {}}})
	}
	batch, _ := w.prepare(changes...)
	w.edit(sortBy("ID", true))
	before := w.values("FORMULA")
	reads, writes := w.counted(func() {
		for _, a := range w.send(batch) {
			if a.Outcome != tandem.Moved {
				t.Fatalf("outcome %v", a.Outcome)
			}
		}
	})
	if reads != 1 || writes != 2 {
		t.Errorf("%d reads and %d writes, want 1 and 2", reads, writes)
	}
	if diff := cmp.Diff(before, w.values("FORMULA")); diff != "" {
		t.Errorf("the tab differs (-want +got):\n%.2000s", diff)
	}
}

// before does edits just before the n-th write of a client arrives.
type before struct {
	edits map[int]func()
	n     int
}

func (b *before) RoundTrip(request *http.Request) (*http.Response, error) {
	if strings.HasSuffix(request.URL.Path, ":batchUpdate") {
		b.n++
		if do := b.edits[b.n]; do != nil {
			do()
		}
	}
	return http.DefaultTransport.RoundTrip(request)
}

// interrupted sends a deletion while people do edits before each write: the first lets it land astray, the others meet the
// repairs. It returns the tab before and after, and how many writes there were.
func interrupted(t *testing.T, rows [][]any, columns []tandem.Column, key tandem.Key, edits ...[]edit) (old, after [][]any, writes int) {
	t.Helper()
	w := newWorld(t, rows, columns)
	people := &before{}
	now := func() time.Time { return time.Unix(0, w.now.Load()).UTC() }
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL, HTTPClient: &http.Client{Transport: people}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	w.tab = client.Open(w.link, columns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	old = w.values("FORMULA")
	batch, _ := w.prepare(w.remove(key))
	people.n, people.edits = 0, map[int]func(){}
	for i, list := range edits {
		people.edits[i+1] = func() { w.edit(list...) }
	}
	w.wantOutcomes(w.send(batch), tandem.Moved)
	return old, w.values("FORMULA"), people.n
}

// Somebody inserts a column each time that a row which was deleted astray is put back: it stands there once, in its columns.
func TestColumnsInsertedUnderRepairs(t *testing.T) {
	want, rows, writes := interrupted(t, anime(), animeColumns, "2",
		[]edit{insertRows(2, 1)}, []edit{insertColumn("A", "New 1")}, []edit{insertColumn("B", "New 2")})
	if writes < 4 {
		t.Fatalf("only %d writes: nothing was put back twice", writes)
	}
	var got [][]any
	for _, row := range rows {
		if len(row) > 2 {
			got = append(got, slices.Delete(row, 0, 2)) // the new columns
		}
	}
	want[2][2] = "=C4*10" // a row further down
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tab differs (-want +got):\n%s", diff)
	}
}

// A column inserted before the formulas of a row that is put back, and before nothing else of it, moves them astray.
func TestFormulaPutBackUnderItsHeader(t *testing.T) {
	_, got, _ := interrupted(t, [][]any{{"ID", "Title", "Twice"}, {1, "Akira", emulator.Formula("=$A2*2")}, {2, "Mononoke", emulator.Formula("=$A3*2")}},
		[]tandem.Column{idColumn, titleColumn}, "2", []edit{insertRows(2, 1)}, []edit{insertColumn("C", "New")})
	want := [][]any{{"ID", "Title", "New", "Twice"}, {}, {1.0, "Akira", "", "=$A3*2"}, {2.0, "Mononoke", "", "=$A4*2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tab differs (-want +got):\n%s", diff)
	}
}

// A row that was put back with cells in the wrong columns, and that a person deletes then, does not come back.
func TestDeletedWhilePutBack(t *testing.T) {
	_, got, writes := interrupted(t, anime(), animeColumns, "2",
		[]edit{insertRows(2, 1)}, []edit{insertColumn("C", "New")}, []edit{deleteRows(3, 1)})
	for _, row := range got {
		if len(row) > 0 && row[0] == 1.0 {
			t.Errorf("after %d writes the row is there: %v", writes, row)
		}
	}
}

// A row that is asked for whole is refused where the tab lacks a column that it has a value for; one that is not goes in
// without it, and so does one that has nothing to put there. Where the column goes away before the batch is sent, nothing is written.
func TestInsertOfAWholeRow(t *testing.T) {
	row := func(key string, score tandem.Value, whole bool) tandem.Change {
		change := insert(tandem.Key(key), text(key), text("New "+key), score, tandem.Null)
		change.Whole = whole
		return change
	}
	rows := []tandem.Change{row("11", text("7.25"), true), row("12", tandem.Null, true), row("13", text("7.25"), false)}
	w := newWorld(t, anime(), animeColumns)
	w.scan()
	early, _ := w.prepare(rows...)
	w.edit(setCell("D1", "Renamed"))
	w.wantOutcomes(w.send(early), tandem.Moved, tandem.Moved, tandem.Moved)
	batch, applied := w.prepare(rows...)
	w.wantOutcomes(applied, tandem.Refused, tandem.Landed, tandem.Landed)
	if e := applied[0].Err; applied[0].Column != "score" || e == nil || !strings.Contains(e.Message, `has no column "score"`) {
		t.Errorf("refused for column %q: %v", applied[0].Column, e)
	}
	w.wantOutcomes(w.send(batch), tandem.Landed, tandem.Landed)
	want := [][]any{{12.0, "New 12"}, {13.0, "New 13"}}
	if diff := cmp.Diff(want, w.values("FORMULA")[6:]); diff != "" {
		t.Errorf("the new rows (-want +got):\n%s", diff)
	}
}
