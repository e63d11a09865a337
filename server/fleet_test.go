package server_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// fleet is many links with one worker and one watcher, all in virtual time.
type fleet struct {
	*testing.T
	now     time.Time
	turned  time.Time
	db      *sql.DB
	store   *store.Store
	google  *emulator.Emulator
	worker  *engine.Worker
	watcher server.Watcher
}

// newFleet links tables t0, t1, … with tabs of the same names in books b0, b1, … and brings them in step.
func newFleet(t *testing.T, books, tables int) *fleet {
	t.Helper()
	f := &fleet{T: t, now: time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return f.now }
	path := filepath.Join(t.TempDir(), "db")
	var err error
	if f.db, err = sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.db.Close() })
	if f.store, err = store.Open(t.Context(), "sqlite:"+path, store.Options{Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.store.Close() })
	f.google = emulator.New(emulator.Options{Now: clock, Seed: 1, Sleep: func(context.Context, time.Duration) {}})
	t.Cleanup(f.google.Close)
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: "http://emulator/", HTTPClient: &http.Client{Transport: f.google.Transport()},
		Now: clock, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	options := engine.Options{Store: f.store, Now: clock, Holder: "worker", Logger: log,
		OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
			return f.store.OpenTable(ctx, link)
		},
		OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
			return client.Open(link, columns).Journaled()
		}}
	f.watcher = server.NewWatcher(f.store, client, "watcher", lookoutInterval, clock, log)
	options.Watched = f.watcher.Watched
	f.worker = engine.New(options)
	f.link(client, books, tables)
	return f
}

func (f *fleet) link(client *sheets.Client, books, tables int) {
	f.Helper()
	for book := range books {
		var tabs []emulator.Tab
		for n := book; n < tables; n += books {
			name := fmt.Sprint("t", n)
			f.exec("CREATE TABLE " + name + " (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT)")
			f.exec("INSERT INTO " + name + " VALUES (1, 'Akira')")
			tabs = append(tabs, emulator.Tab{Title: name, Rows: [][]any{{"id", "title"}}})
		}
		id := fmt.Sprint("b", book)
		if _, err := f.google.Create(emulator.Spreadsheet{ID: id, TimeZone: "Etc/UTC", Tabs: tabs}); err != nil {
			f.Fatal(err)
		}
		info, err := client.Spreadsheet(f.Context(), id)
		if err != nil {
			f.Fatal(err)
		}
		for _, tab := range info.Tabs {
			_, err := f.store.CreateLink(f.Context(), tandem.Link{ID: tab.Title, Table: tab.Title, SpreadsheetID: id, SheetID: tab.SheetID, Tab: tab.Title,
				HeaderRow: 1, TimeZone: "Etc/UTC", Key: []string{"id"}, Policy: tandem.LastWriteWins, PreferredSource: tandem.Database,
				Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}}, State: tandem.StateNew, HideStatus: true})
			if err != nil {
				f.Fatal(err)
			}
			err = f.store.CreateOperation(f.Context(), tandem.Operation{ID: "op-" + tab.Title, Link: tab.Title, Created: f.now, Updated: f.now})
			if err != nil {
				f.Fatal(err)
			}
		}
	}
	f.pass(30 * time.Second)
}

// pass lets time pass.
func (f *fleet) pass(d time.Duration) {
	f.Helper()
	for end := f.now.Add(d); f.now.Before(end); {
		f.now = f.now.Add(500 * time.Millisecond)
		if f.now.Sub(f.turned) >= lookoutInterval {
			f.turned = f.now
			f.watcher.Turn(f.Context())
		}
		if _, err := f.worker.Step(f.Context()); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fleet) exec(statement string) {
	f.Helper()
	if _, err := f.db.Exec(statement); err != nil {
		f.Fatalf("%s: %v", statement, err)
	}
}

func (f *fleet) edit(book int, edit emulator.Edit) {
	f.Helper()
	if err := f.google.Edit(fmt.Sprint("b", book), edit); err != nil {
		f.Fatal(err)
	}
}

func (f *fleet) title(table string) (title string) {
	f.Helper()
	if err := f.db.QueryRow("SELECT title FROM " + table + " WHERE id = 1").Scan(&title); err != nil {
		f.Fatal(err)
	}
	return title
}

// While nothing changes, twenty links cost one call of Drive an interval, and nothing of what Sheets allows.
func TestDriveOneCallForAllLinks(t *testing.T) {
	f := newFleet(t, 5, 20)
	before := f.google.Stats()
	const minutes = 10 // a full compare comes after fifteen
	f.pass(minutes * time.Minute)
	after := f.google.Stats()
	for method, n := range after.Calls {
		n -= before.Calls[method]
		if want := int64(minutes * time.Minute / lookoutInterval); method == "drive.changes.list" && n != want {
			t.Errorf("%d calls of Drive in %d minutes, want %d", n, minutes, want)
		} else if method != "drive.changes.list" && n != 0 {
			t.Errorf("%d calls of %s while nothing changed", n, method)
		}
	}
	f.edit(2, emulator.Edit{SetCell: &emulator.SetCell{Sheet: "t7", A1: "B2", Input: "Paprika"}})
	f.pass(3 * time.Second)
	if title := f.title("t7"); title != "Paprika" {
		t.Errorf("after three seconds the title is %q", title)
	}
	// All that moved is read: the four tabs of that spreadsheet, and what the row is confirmed by.
	if reads := f.google.Stats().Reads - after.Reads; reads > 6 {
		t.Errorf("%d reads for one edit", reads)
	}
}

// A change in the table costs one more read than it would if Drive did not list it: a look at its echo.
func TestDriveEchoOfOurWrites(t *testing.T) {
	f := newFleet(t, 1, 1)
	cost := func(title string) int64 {
		before := f.google.Stats()
		f.exec("UPDATE t0 SET title = '" + title + "' WHERE id = 1")
		f.pass(time.Minute)
		after := f.google.Stats()
		if after.Writes-before.Writes != 1 {
			t.Errorf("%d writes for one change", after.Writes-before.Writes)
		}
		return after.Reads - before.Reads
	}
	f.google.HideFromDrive("b0", true)
	alone := cost("Paprika")
	f.google.HideFromDrive("b0", false)
	echoed := cost("Perfect Blue")
	t.Logf("a write takes %d reads, with its echo %d", alone, echoed)
	if echoed > alone+1 {
		t.Errorf("a write takes %d reads, with its echo %d", alone, echoed)
	}
}

// What is not settled in a watched tab is looked at again although nobody tells of it.
func TestDriveLooksAgainAtWhatRests(t *testing.T) {
	f := newFleet(t, 1, 1)
	// A row is taken once nothing in it changed for two seconds.
	f.edit(0, emulator.Edit{Paste: &emulator.Paste{Sheet: "t0", A1: "B3", Values: [][]string{{"Tokyo Godfathers"}}}})
	f.pass(15 * time.Second)
	var n int
	if err := f.db.QueryRow("SELECT COUNT(*) FROM t0").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
	// What happened while the link was paused is read when it is resumed, however little moves then.
	if err := f.store.SetState(t.Context(), "t0", nil, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	f.edit(0, emulator.Edit{SetCell: &emulator.SetCell{Sheet: "t0", A1: "B2", Input: "Paprika"}})
	f.pass(time.Minute)
	if err := f.store.SetState(t.Context(), "t0", nil, tandem.StateActive); err != nil {
		t.Fatal(err)
	}
	f.pass(10 * time.Second)
	if title := f.title("t0"); title != "Paprika" {
		t.Errorf("after it was resumed the title is %q", title)
	}
	// Triggers that are lost are restored although no tab is read.
	f.exec("DROP TABLE t0")
	f.exec("CREATE TABLE t0 (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT)")
	f.exec("INSERT INTO t0 VALUES (1, 'Paprika'), (2, 'Tokyo Godfathers')")
	f.pass(90 * time.Second)
	f.exec("UPDATE t0 SET title = 'Millennium Actress' WHERE id = 1")
	f.pass(10 * time.Second)
	if got := f.cell("B2"); got != "Millennium Actress" {
		t.Errorf("the sheet shows %q after the table was made anew", got)
	}
}

// cell shows a cell of t0 as the grid of Sheets does.
func (f *fleet) cell(a1 string) string {
	f.Helper()
	response, err := (&http.Client{Transport: f.google.Transport()}).Get("http://emulator/v4/spreadsheets/b0/values/t0!" + a1)
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ Values [][]string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Values) == 0 {
		return fmt.Sprint(answer.Values, err)
	}
	return answer.Values[0][0]
}
