package engine_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// pair is a SQLite table and an emulated tab, with a worker between them that is stepped by hand in virtual time.
type pair struct {
	t      *testing.T
	now    time.Time
	store  *store.Store
	db     *sql.DB
	google *emulator.Emulator
	client *sheets.Client
	worker *engine.Worker
	// beforeSend runs between the comparison and the write of a guarded write, once: what people do just then.
	beforeSend func()
	// beforeSettle runs before somebody finds out what became of a write, once.
	beforeSettle func()
}

const book = "book"

// newPair returns a pair with rows in the table and the same in the sheet, in step, linked as "items".
func newPair(t *testing.T, rows int) *pair {
	t.Helper()
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER CHECK (qty < 1000), price DECIMAL(8,2))")
	cells := [][]any{{"id", "title", "qty", "price", "mine"}}
	for id := 1; id <= rows; id++ {
		p.exec("INSERT INTO items VALUES (?, ?, ?, ?)", id, fmt.Sprintf("Item %d", id), id%10, float64(id)+0.5)
		cells = append(cells, []any{id, fmt.Sprintf("Item %d", id), id % 10, float64(id) + 0.5, fmt.Sprintf("note %d", id)})
	}
	report := p.join(cells, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty"}, {Column: "price", Header: "price"}}})
	if report.Counts.Equal != int64(rows) {
		t.Fatalf("the first sync found %+v, want %d equal rows", report.Counts, rows)
	}
	return p
}

// startPair returns an empty database, an emulator without spreadsheets, and a worker.
func startPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, now: time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)}
	path := filepath.Join(t.TempDir(), "tandem.db")
	clock := func() time.Time { return p.now }
	var err error
	if p.store, err = store.Open(t.Context(), "sqlite:"+path, store.Options{Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.store.Close() })
	if p.db, err = sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	p.google = emulator.New(emulator.Options{Now: clock, Seed: 1, Sleep: func(context.Context, time.Duration) {}})
	t.Cleanup(p.google.Close)
	p.client, err = sheets.New(t.Context(), sheets.Options{Endpoint: "http://emulator/", HTTPClient: &http.Client{Transport: p.google.Transport()},
		Now: clock, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	p.worker = p.newWorker("first")
	return p
}

// join makes the sheet, links it with the table items, and brings both in step. The link says of agreements nothing in the
// sheet, so that tests can count what is written.
func (p *pair) join(cells [][]any, link tandem.Link) *tandem.SyncReport {
	p.t.Helper()
	if _, err := p.google.Create(emulator.Spreadsheet{ID: book, Title: "Book", Tabs: []emulator.Tab{{Title: "Items", Rows: cells}}}); err != nil {
		p.t.Fatal(err)
	}
	info, err := p.client.Spreadsheet(p.t.Context(), book)
	if err != nil {
		p.t.Fatal(err)
	}
	link.ID, link.Table, link.SpreadsheetID, link.Tab, link.HeaderRow = "items", "items", book, "Items", 1
	link.SheetID, link.TimeZone = info.Tabs[0].SheetID, info.TimeZone
	link.State, link.HideStatus = tandem.StateNew, true
	if link.Policy == "" {
		link.Policy, link.PreferredSource = tandem.LastWriteWins, tandem.Database
	}
	if _, err := p.store.CreateLink(p.t.Context(), link); err != nil {
		p.t.Fatal(err)
	}
	report := p.sync(tandem.SyncRequest{})
	p.settle()
	return report
}

func (p *pair) newWorker(holder string) *engine.Worker { return engine.New(p.options(holder)) }

func (p *pair) options(holder string) engine.Options {
	var log *slog.Logger
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(testWriter{p.t}, nil))
	}
	return engine.Options{
		Store: p.store,
		OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
			return p.store.OpenTable(ctx, link)
		},
		OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
			return &watchedTab{Tab: p.client.Open(link, columns).Journaled(), p: p}
		},
		Now: func() time.Time { return p.now }, Holder: holder, Logger: log,
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(line []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

// watchedTab is a real tab that lets a test act between the comparison and the write.
type watchedTab struct {
	engine.Tab
	p *pair
}

func (t *watchedTab) Send(ctx context.Context, batch []byte) ([]tandem.Applied, error) {
	if act := t.p.beforeSend; act != nil {
		t.p.beforeSend = nil
		act()
	}
	return t.Tab.Send(ctx, batch)
}

func (t *watchedTab) Settle(ctx context.Context, batch []byte) ([]tandem.Applied, bool, error) {
	if act := t.p.beforeSettle; act != nil {
		t.p.beforeSettle = nil
		act()
	}
	return t.Tab.Settle(ctx, batch)
}

func (p *pair) exec(statement string, args ...any) {
	p.t.Helper()
	if _, err := p.db.Exec(statement, args...); err != nil {
		p.t.Fatalf("%s: %v", statement, err)
	}
}

func (p *pair) edit(edits ...emulator.Edit) {
	p.t.Helper()
	if err := p.google.Edit(book, edits...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) set(a1, input string) emulator.Edit {
	return emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Items", A1: a1, Input: input}}
}

// step lets time pass and runs what is due.
func (p *pair) step(d time.Duration) {
	p.t.Helper()
	p.now = p.now.Add(d)
	if _, err := p.worker.Step(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// settle steps until everything that could be carried over has been: three looks at the sheet without a change.
func (p *pair) settle() {
	p.t.Helper()
	for range 12 {
		p.step(3 * time.Second)
	}
}

func (p *pair) sync(request tandem.SyncRequest) *tandem.SyncReport {
	p.t.Helper()
	operation := p.start(request)
	for range 20 {
		p.step(time.Second)
		if operation, err := p.store.Operation(p.t.Context(), operation); err != nil {
			p.t.Fatal(err)
		} else if operation.Done {
			if operation.Error != nil {
				p.t.Fatal(operation.Error)
			}
			return operation.Report
		}
	}
	p.t.Fatal("the initial sync does not end")
	return nil
}

func (p *pair) start(request tandem.SyncRequest) string {
	p.t.Helper()
	id := fmt.Sprintf("op-%d", p.now.UnixNano())
	if err := p.store.CreateOperation(p.t.Context(), tandem.Operation{ID: id, Link: "items", Request: request, Created: p.now, Updated: p.now}); err != nil {
		p.t.Fatal(err)
	}
	return id
}

func (p *pair) link() tandem.Link {
	p.t.Helper()
	link, err := p.store.Link(p.t.Context(), "items")
	if err != nil {
		p.t.Fatal(err)
	}
	return link
}

// table returns the table's rows as "id|title|qty|price", by key.
func (p *pair) table() []string {
	p.t.Helper()
	rows, err := p.db.Query("SELECT id || '|' || title || '|' || IFNULL(qty, '') || '|' || CASE WHEN price IS NULL THEN '' ELSE printf('%.2f', price) END FROM items ORDER BY id")
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			p.t.Fatal(err)
		}
		all = append(all, text)
	}
	sort.Strings(all)
	return all
}

// sheet returns the tab's rows in the same form, and checks that what people keep beside the link is still with its row.
func (p *pair) sheet() []string {
	p.t.Helper()
	var all []string
	for _, row := range p.scan().Rows {
		texts := make([]string, len(row.Values))
		for i, value := range row.Values {
			texts[i] = value.Text()
		}
		all = append(all, strings.Join(texts, "|"))
	}
	sort.Strings(all)
	return all
}

func (p *pair) scan() *tandem.Scan {
	p.t.Helper()
	link := p.link()
	table, err := p.store.OpenTable(p.t.Context(), &link)
	if err != nil {
		p.t.Fatal(err)
	}
	scan, err := p.client.Open(&link, table.Columns()).Scan(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return scan
}

// wantSame checks that both sides hold the same rows.
func (p *pair) wantSame() {
	p.t.Helper()
	table, sheet := strings.Join(p.table(), "\n"), strings.Join(p.sheet(), "\n")
	if table != sheet {
		p.t.Fatalf("the sides differ\ntable:\n%s\nsheet:\n%s", table, sheet)
	}
}

// wantQuiet checks that a further look writes nothing to the sheet.
func (p *pair) wantQuiet() {
	p.t.Helper()
	before := p.google.Stats().Writes
	p.settle()
	if after := p.google.Stats().Writes; after != before {
		p.t.Errorf("%d writes although both sides are equal", after-before)
	}
}

func (p *pair) wantRow(side []string, row string) {
	p.t.Helper()
	for _, have := range side {
		if have == row {
			return
		}
	}
	p.t.Errorf("there is no row %s in\n%s", row, strings.Join(side, "\n"))
}

// readCells reads a tab through the Sheets API, as any client would.
func readCells(t *testing.T, google http.Handler, tab string) [][]any {
	t.Helper()
	recorder := httptest.NewRecorder()
	google.ServeHTTP(recorder, httptest.NewRequest("GET", "/v4/spreadsheets/"+book+"/values/"+tab+"?valueRenderOption=UNFORMATTED_VALUE", nil))
	var answer struct{ Values [][]any }
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Values
}
