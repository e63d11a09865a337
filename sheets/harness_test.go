package sheets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// world is an emulated spreadsheet with one linked tab, reached over HTTP as Google is.
type world struct {
	t      *testing.T
	server *httptest.Server
	client *sheets.Client
	link   *tandem.Link
	tab    *sheets.Tab
	now    atomic.Int64
}

const spreadsheet = "1world"

var (
	idColumn    = tandem.Column{Name: "id", Type: tandem.Type{Kind: tandem.Int, Bits: 64}, KeyPosition: 1}
	titleColumn = tandem.Column{Name: "title", Type: tandem.Type{Kind: tandem.String, Length: 200}, Nullable: true}
	scoreColumn = tandem.Column{Name: "score", Type: tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}, Nullable: true}
	airedColumn = tandem.Column{Name: "aired", Type: tandem.Type{Kind: tandem.Date}, Nullable: true}

	animeColumns = []tandem.Column{idColumn, titleColumn, scoreColumn, airedColumn}
)

// anime is a small tab; "Notes" is nobody's business.
func anime() [][]any {
	return [][]any{
		{"ID", "Title", "Notes", "Score", "Aired"},
		{1, "Akira", "mine", 8.5, time.Date(1988, 7, 16, 0, 0, 0, 0, time.UTC)},
		{2, "Mononoke", emulator.Formula("=A3*10"), 8.75, time.Date(1997, 7, 12, 0, 0, 0, 0, time.UTC)},
		{3, "Paprika", nil, 7.5, nil},
		{4, "Totoro", "wow", 9, nil},
		{5, "Ponyo", nil, 7.25, nil},
	}
}

func newWorld(t *testing.T, rows [][]any, columns []tandem.Column) *world {
	t.Helper()
	w := &world{t: t}
	w.now.Store(time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC).UnixNano())
	now := func() time.Time { return time.Unix(0, w.now.Load()).UTC() }
	fake := emulator.New(emulator.Options{Now: now, Seed: 1})
	w.server = httptest.NewServer(fake)
	t.Cleanup(func() { fake.Close(); w.server.Close() })
	if _, err := fake.Create(emulator.Spreadsheet{ID: spreadsheet, Title: "World", TimeZone: "Europe/Berlin",
		Tabs: []emulator.Tab{{Title: "Anime", Rows: rows}, {Title: "Other", Rows: [][]any{{"x"}}}}}); err != nil {
		t.Fatal(err)
	}
	w.client = w.newClient()
	info, err := w.client.Spreadsheet(t.Context(), spreadsheet)
	if err != nil {
		t.Fatal(err)
	}
	w.link = &tandem.Link{ID: "anime", SpreadsheetID: spreadsheet, SheetID: info.Tabs[0].SheetID, Tab: "Anime", HeaderRow: 1, TimeZone: "Europe/Berlin"}
	for _, c := range columns {
		w.link.Columns = append(w.link.Columns, tandem.LinkColumn{Column: c.Name, Header: c.Name})
		if c.KeyPosition > 0 {
			w.link.Key = append(w.link.Key, c.Name)
		}
	}
	w.tab = w.client.Open(w.link, columns)
	return w
}

func (w *world) newClient() *sheets.Client {
	w.t.Helper()
	now := func() time.Time { return time.Unix(0, w.now.Load()).UTC() }
	sleep := func(ctx context.Context, d time.Duration) error { w.now.Add(int64(d)); return ctx.Err() }
	client, err := sheets.New(w.t.Context(), sheets.Options{Endpoint: w.server.URL, Now: now, Sleep: sleep})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// call calls the emulator as JSON and decodes its answer into answer, unless that is nil.
func (w *world) call(method, path string, body, answer any) {
	w.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, bytes.NewReader(data))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := w.server.Client().Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var out bytes.Buffer
	_, _ = out.ReadFrom(response.Body)
	if response.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %s: %s", method, path, response.Status, out.String())
	}
	if answer != nil {
		if err := json.Unmarshal(out.Bytes(), answer); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, out.String())
		}
	}
}

type edit map[string]map[string]any

// edit does what a person does by hand.
func (w *world) edit(edits ...edit) {
	w.t.Helper()
	w.call("POST", "/emulator/spreadsheets/"+spreadsheet+"/edits", map[string]any{"edits": edits}, nil)
}

func setCell(a1, input string) edit {
	return edit{"setCell": {"sheet": "Anime", "a1": a1, "input": input}}
}
func sortBy(column string, descending bool) edit {
	return edit{"sort": {"sheet": "Anime", "column": column, "descending": descending}}
}
func insertRows(start, count int) edit {
	return edit{"insertRows": {"sheet": "Anime", "start": start, "count": count}}
}
func deleteRows(start, count int) edit {
	return edit{"deleteRows": {"sheet": "Anime", "start": start, "count": count}}
}
func insertColumn(before, header string) edit {
	return edit{"insertColumn": {"sheet": "Anime", "before": before, "header": header}}
}

func (w *world) fault(method, kind string, status, count int) {
	w.t.Helper()
	w.call("POST", "/emulator/faults", map[string]any{"method": method, "kind": kind, "status": status, "count": count}, nil)
}

// values returns the tab as it is, formulas as such.
func (w *world) values(render string) [][]any {
	w.t.Helper()
	var answer struct{ Values [][]any }
	w.call("GET", "/v4/spreadsheets/"+spreadsheet+"/values/"+url.PathEscape("Anime")+"?valueRenderOption="+render, nil, &answer)
	return answer.Values
}

// want compares the whole tab, formulas as such, whatever the order of its rows.
func (w *world) want(rows ...[]any) {
	w.t.Helper()
	if diff := cmp.Diff(rows, w.values("FORMULA")); diff != "" {
		w.t.Errorf("the tab is not as expected (-want +got):\n%s", diff)
	}
}

func (w *world) scan() *sheets.Scan {
	w.t.Helper()
	scan, err := w.tab.Scan(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return scan
}

// row returns the row of a key in a fresh scan, nil when it is not there.
func (w *world) row(key tandem.Key) *tandem.Row {
	w.t.Helper()
	scan := w.scan()
	for i := range scan.Rows {
		if scan.Rows[i].Key == key {
			return &scan.Rows[i]
		}
	}
	return nil
}

// update is a change of one row, with what a fresh scan shows as what is expected.
func (w *world) update(key tandem.Key, column int, value tandem.Value) tandem.Change {
	w.t.Helper()
	row := w.row(key)
	if row == nil {
		w.t.Fatalf("no row %q", key)
	}
	after := make([]tandem.Value, len(row.Values))
	after[column] = value
	return tandem.Change{Kind: tandem.Update, Key: key, Before: row.Values, After: after}
}

func (w *world) remove(key tandem.Key) tandem.Change {
	w.t.Helper()
	return tandem.Change{Kind: tandem.Delete, Key: key, Before: w.row(key).Values}
}

func insert(key tandem.Key, values ...tandem.Value) tandem.Change {
	return tandem.Change{Kind: tandem.Insert, Key: key, After: values}
}

var batches atomic.Int64

func (w *world) prepare(changes ...tandem.Change) (*sheets.Batch, []tandem.Applied) {
	w.t.Helper()
	batch, applied, err := w.tab.Prepare(w.t.Context(), "batch-"+strconv.FormatInt(batches.Add(1), 10), changes)
	if err != nil {
		w.t.Fatal(err)
	}
	return batch, applied
}

func (w *world) send(batch *sheets.Batch) []tandem.Applied {
	w.t.Helper()
	applied, err := w.tab.Send(w.t.Context(), batch)
	if err != nil {
		w.t.Fatal(err)
	}
	return applied
}

func outcomes(applied []tandem.Applied) []tandem.Outcome {
	list := make([]tandem.Outcome, len(applied))
	for i := range applied {
		list[i] = applied[i].Outcome
	}
	return list
}

func (w *world) wantOutcomes(applied []tandem.Applied, want ...tandem.Outcome) {
	w.t.Helper()
	if diff := cmp.Diff(want, outcomes(applied)); diff != "" {
		for _, a := range applied {
			if a.Err != nil {
				w.t.Log(a.Err)
			}
		}
		w.t.Fatalf("outcomes (-want +got):\n%s", diff)
	}
}

// counted returns the calls that do makes, by the emulator's own count.
func (w *world) counted(do func()) (reads, writes int64) {
	w.t.Helper()
	var before, after struct{ Reads, Writes int64 }
	w.call("GET", "/emulator/stats", nil, &before)
	do()
	w.call("GET", "/emulator/stats", nil, &after)
	return after.Reads - before.Reads, after.Writes - before.Writes
}
