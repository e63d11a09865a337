package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// lookout is a database with links to emulated spreadsheets, and watchers that are stepped by hand in virtual time.
type lookout struct {
	*testing.T
	now    time.Time
	store  *store.Store
	google *emulator.Emulator
	client *sheets.Client
	logs   bytes.Buffer
	calls  []string
}

const lookoutInterval = 2 * time.Second

// newLookout makes a link for each spreadsheet named, called like it.
func newLookout(t *testing.T, spreadsheets ...string) *lookout {
	t.Helper()
	l := &lookout{T: t, now: time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return l.now }
	path := filepath.Join(t.TempDir(), "db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("CREATE TABLE t (id INTEGER PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	if l.store, err = store.Open(t.Context(), "sqlite:"+path, store.Options{Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.store.Close() })
	l.google = emulator.New(emulator.Options{Now: clock, Seed: 1, Sleep: func(context.Context, time.Duration) {}})
	t.Cleanup(l.google.Close)
	l.client = l.newClient()
	for _, id := range spreadsheets {
		if _, err := l.google.Create(emulator.Spreadsheet{ID: id, Title: id, Tabs: []emulator.Tab{{Title: "Data", Rows: [][]any{{"id"}}}}}); err != nil {
			t.Fatal(err)
		}
		_, err := l.store.CreateLink(t.Context(), tandem.Link{ID: id, Table: "t", SpreadsheetID: id, Tab: "Data", HeaderRow: 1, Key: []string{"id"},
			Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}}, State: tandem.StateActive})
		if err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func (l *lookout) newClient() *sheets.Client {
	l.Helper()
	client, err := sheets.New(l.Context(), sheets.Options{Endpoint: "http://emulator/", HTTPClient: &http.Client{Transport: l.google.Transport()},
		Now: func() time.Time { return l.now },
		OnCall: func(_ context.Context, call sheets.Call) {
			l.calls = append(l.calls, fmt.Sprint(call.Method, " ", call.Status))
		}})
	if err != nil {
		l.Fatal(err)
	}
	return client
}

func (l *lookout) watcher(holder string) server.Watcher {
	return server.NewWatcher(l.store, l.client, holder, lookoutInterval, func() time.Time { return l.now }, slog.New(slog.NewTextHandler(&l.logs, nil)))
}

// turns lets n intervals pass.
func (l *lookout) turns(n int, watchers ...server.Watcher) {
	for range n {
		l.now = l.now.Add(lookoutInterval)
		for _, w := range watchers {
			w.Turn(l.Context())
		}
	}
}

// edit is a person's edit of a spreadsheet.
func (l *lookout) edit(id string) {
	l.Helper()
	if err := l.google.Edit(id, emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Data", A1: "A2", Input: l.now.String()}}); err != nil {
		l.Fatal(err)
	}
}

// write is a write of ours, under the lease that all of them take.
func (l *lookout) write(id string) {
	l.Helper()
	lease, ok, err := l.store.Claim(l.Context(), "spreadsheets/"+id, "writer", time.Minute)
	if err != nil || !ok {
		l.Fatalf("claim: %v, %v", ok, err)
	}
	if err := l.client.TryWrite(l.Context(), id); err != nil {
		l.Fatal(err)
	}
	if err := l.store.Release(l.Context(), lease); err != nil {
		l.Fatal(err)
	}
}

// marked returns how many marks of the whole tab wait for a link.
func (l *lookout) marked(id string) int {
	l.Helper()
	marks, err := l.table(id).Marks(l.Context(), 100)
	if err != nil {
		l.Fatal(err)
	}
	return len(marks)
}

// look takes the marks of a link away, as a cycle does that has read the tab.
func (l *lookout) look(id string) int {
	l.Helper()
	lease, ok, err := l.store.Claim(l.Context(), "links/"+id, "worker", time.Minute)
	if err != nil || !ok {
		l.Fatalf("claim: %v, %v", ok, err)
	}
	commit := tandem.Commit{Link: id}
	table := l.table(id)
	marks, err := table.Marks(l.Context(), 100)
	if err != nil {
		l.Fatal(err)
	}
	for _, mark := range marks {
		if mark.Source != tandem.Sheet || mark.Key != "" || len(mark.Rows) > 0 || !mark.At.IsZero() {
			l.Errorf("mark %+v", mark)
		}
		commit.Marks = append(commit.Marks, mark.ID)
	}
	if _, err := table.Commit(l.Context(), lease, commit); err != nil {
		l.Fatal(err)
	}
	if err := l.store.Release(l.Context(), lease); err != nil {
		l.Fatal(err)
	}
	return len(marks)
}

func (l *lookout) table(id string) *store.Table {
	l.Helper()
	table, err := l.store.OpenTable(l.Context(), l.link(id))
	if err != nil {
		l.Fatal(err)
	}
	return table
}

func (l *lookout) link(id string) *tandem.Link {
	l.Helper()
	link, err := l.store.Link(l.Context(), id)
	if err != nil {
		l.Fatal(err)
	}
	return &link
}

func (l *lookout) wantWatched(w server.Watcher, id string, want bool, when string) {
	l.Helper()
	if got := w.Watched(l.link(id)); got != want {
		l.Errorf("%s: %s is watched %v, want %v\n%s", when, id, got, want, l.logs.String())
	}
}

func TestWatcherMarksWhatChanged(t *testing.T) {
	l := newLookout(t, "one", "two")
	w := l.watcher("w")
	l.turns(1, w)
	// Where no place in the list is known, every tab is looked at once.
	if a, b := l.look("one"), l.look("two"); a != 1 || b != 1 {
		t.Fatalf("marks at the start: %d, %d", a, b)
	}
	l.wantWatched(w, "one", false, "before it was ever listed")
	l.calls = nil
	l.turns(5, w)
	if got := fmt.Sprint(l.calls); got != "[drive.changes.list 200 drive.changes.list 200 drive.changes.list 200 drive.changes.list 200 drive.changes.list 200]" {
		t.Errorf("calls while nothing changes: %s", got)
	}
	l.edit("one")
	changed := l.now
	l.turns(1, w)
	if a, b := l.look("one"), l.look("two"); a != 1 || b != 0 {
		t.Errorf("marks after an edit of one: %d, %d", a, b)
	}
	l.wantWatched(w, "one", true, "once it was listed")
	l.wantWatched(w, "two", false, "never listed")
	if hint := l.link("one").Status.LastHint; hint.Path != tandem.HintDrive || !hint.At.Equal(l.now) || hint.Delay != l.now.Sub(changed) {
		t.Errorf("hint %+v, want a delay of %s", hint, l.now.Sub(changed))
	}
	// However long nobody looks, two marks wait at most.
	for range 20 {
		l.edit("one")
		l.turns(1, w)
	}
	if n := l.marked("one"); n != 2 {
		t.Errorf("%d marks wait", n)
	}
	// What is paused gets none: it is read when it is resumed.
	if err := l.store.SetState(t.Context(), "two", nil, tandem.StatePaused); err != nil {
		t.Fatal(err)
	}
	l.edit("two")
	l.turns(1, w)
	if n := l.marked("two"); n != 0 {
		t.Errorf("%d marks wait for a paused link", n)
	}
}

// A mark that a cycle has read, which then read the tab, does not stand for a change that came after.
func TestWatcherMarksAgainWhatIsBeingRead(t *testing.T) {
	l := newLookout(t, "one")
	w := l.watcher("w")
	l.turns(1, w)
	l.look("one")
	l.edit("one")
	l.turns(1, w)
	seen, err := l.table("one").Marks(t.Context(), 10)
	if err != nil || len(seen) != 1 {
		t.Fatalf("marks %v, %v", seen, err)
	}
	l.edit("one")
	l.turns(1, w)
	lease, _, err := l.store.Claim(t.Context(), "links/one", "worker", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.table("one").Commit(t.Context(), lease, tandem.Commit{Link: "one", Marks: []int64{seen[0].ID}}); err != nil {
		t.Fatal(err)
	}
	if n := l.marked("one"); n != 1 {
		t.Errorf("%d marks wait after the cycle, want the one of the second edit", n)
	}
}

// Our own writes are listed like all others. They cost a look, at most one in five seconds, and are no hint.
func TestWatcherHearsItsOwnEcho(t *testing.T) {
	l := newLookout(t, "one")
	w := l.watcher("w")
	l.edit("one")
	l.turns(1, w)
	l.edit("one")
	l.turns(1, w)
	l.look("one")
	before := l.link("one").Status.LastHint
	looks := 0
	for range 30 { // a minute of writes
		l.write("one")
		l.turns(1, w)
		looks += l.look("one")
	}
	l.turns(4, w)
	looks += l.look("one")
	if looks < 1 || looks > 13 {
		t.Errorf("%d looks in a minute of our own writes", looks)
	}
	if after := l.link("one").Status.LastHint; after != before {
		t.Errorf("the echo counts as a hint: %+v", after)
	}
	l.turns(5, w)
	if n := l.look("one"); n != 0 {
		t.Errorf("%d looks after the writes ended", n)
	}
	// A single write costs one look, and what a person did just before it is seen.
	l.edit("one")
	l.write("one")
	l.turns(5, w)
	if n := l.look("one"); n != 1 {
		t.Errorf("%d looks after one write", n)
	}
	// A person's edit does not wait for the pause of the echo.
	l.write("one")
	l.turns(1, w)
	l.look("one")
	l.write("one")
	l.edit("one")
	l.turns(1, w)
	if n := l.look("one"); n != 1 {
		t.Errorf("%d looks right after a person's edit", n)
	}
}

// While a look waits for the pause of the echo, a successor finds the change again.
func TestWatcherEchoOutlivesIt(t *testing.T) {
	l := newLookout(t, "one")
	w := l.watcher("w")
	l.turns(1, w)
	l.edit("one")
	l.turns(1, w)
	l.write("one")
	l.turns(1, w)
	l.look("one")
	if n := l.marked("one"); n != 0 {
		t.Fatalf("%d marks wait", n)
	}
	w.Stop(t.Context())
	l.turns(1, l.watcher("successor"))
	if n := l.look("one"); n != 1 {
		t.Errorf("%d looks at a write that was listed before the watcher ended", n)
	}
}

func TestWatcherTakesOver(t *testing.T) {
	l := newLookout(t, "one")
	a, b := l.watcher("a"), l.watcher("b")
	l.turns(1, a, b)
	l.edit("one")
	l.turns(1, a, b)
	l.look("one")
	l.calls = nil
	l.turns(3, a, b)
	if len(l.calls) != 3 {
		t.Errorf("two processes made %d calls in three intervals", len(l.calls))
	}
	l.wantWatched(b, "one", true, "by another process")
	// The first is killed: its lease stays until it runs out. Meanwhile nobody counts on the list.
	l.edit("one")
	l.turns(7, b)
	if n := l.look("one"); n != 1 {
		t.Errorf("%d looks at what was edited while nobody watched", n)
	}
	l.wantWatched(b, "one", true, "after the takeover")
	// It was only held up, and comes back: it may neither mark what was seen nor set the place back.
	place, _, err := l.store.Position(t.Context(), "drive/default")
	if err != nil {
		t.Fatal(err)
	}
	l.edit("one")
	l.turns(1, b)
	l.look("one")
	after, _, err := l.store.Position(t.Context(), "drive/default")
	if err != nil || after == place {
		t.Fatalf("place %q, %v", after, err)
	}
	l.turns(1, a)
	if now, _, _ := l.store.Position(t.Context(), "drive/default"); now != after {
		t.Errorf("the place went from %q to %q", after, now)
	}
	if strings.Contains(l.logs.String(), "WARN") {
		t.Errorf("logs:\n%s", l.logs.String())
	}
}

func TestWatchedEndsWithTheWatcher(t *testing.T) {
	l := newLookout(t, "one")
	a, b := l.watcher("a"), l.watcher("b")
	l.turns(1, a, b)
	l.edit("one")
	l.turns(1, a, b)
	l.wantWatched(b, "one", true, "while a watches")
	if err := l.google.AddFault(emulator.Fault{Method: "drive.changes.list", Kind: "before", Status: http.StatusServiceUnavailable, Count: 100}); err != nil {
		t.Fatal(err)
	}
	l.turns(10, a, b)
	l.wantWatched(b, "one", false, "while the list cannot be read")
	l.edit("one")
	l.look("one")
	l.google.ClearFaults()
	l.turns(40, a, b)
	if n := l.look("one"); n != 1 {
		t.Errorf("%d looks at what was edited meanwhile", n)
	}
	l.wantWatched(b, "one", true, "when the list can be read again")
}

func TestWatcherIsRefused(t *testing.T) {
	l := newLookout(t, "one")
	w := l.watcher("w")
	for _, method := range []string{"drive.changes.list", "drive.changes.getStartPageToken"} {
		if err := l.google.AddFault(emulator.Fault{Method: method, Kind: "before", Status: http.StatusForbidden, Count: 1000}); err != nil {
			t.Fatal(err)
		}
	}
	l.turns(290, w) // nearly ten minutes
	if len(l.calls) != 2 {
		t.Errorf("%d calls in ten minutes of refusals", len(l.calls))
	}
	if logs := l.logs.String(); strings.Count(logs, "not watched") != 1 || !strings.Contains(logs, "enable it, as was done for the Google Sheets API") {
		t.Errorf("logs:\n%s", logs)
	}
	l.wantWatched(w, "one", false, "while it is refused")
	l.google.ClearFaults()
	l.turns(160, w)
	l.edit("one")
	l.turns(1, w)
	l.wantWatched(w, "one", true, "once it is allowed")
	if !strings.Contains(l.logs.String(), "watched again") {
		t.Errorf("logs:\n%s", l.logs.String())
	}
}

func TestWatcherLosesItsPlace(t *testing.T) {
	l := newLookout(t, "one", "two")
	w := l.watcher("w")
	l.edit("one")
	l.turns(2, w)
	l.look("one")
	l.look("two")
	l.google.Configure(emulator.Settings{DriveLagMs: 60_000})
	l.edit("two")
	l.turns(1, w)
	if n := l.look("two"); n != 0 {
		t.Fatalf("%d looks before the change is listed", n)
	}
	l.google.Configure(emulator.Settings{})
	l.google.ForgetChanges()
	l.turns(2, w)
	if a, b := l.look("one"), l.look("two"); a != 1 || b != 1 {
		t.Errorf("looks after the place was lost: %d, %d", a, b)
	}
	if logs := l.logs.String(); strings.Count(logs, "starts anew") != 1 {
		t.Errorf("logs:\n%s", logs)
	}
	l.edit("two")
	l.turns(1, w)
	if n := l.look("two"); n != 1 {
		t.Errorf("%d looks after it went on", n)
	}
}

// A file that Drive leaves out is not taken for watched, however that shows.
func TestWatchedOnlyWhatDriveLists(t *testing.T) {
	l := newLookout(t, "one", "two")
	w := l.watcher("w")
	l.turns(1, w)
	for _, id := range []string{"one", "two"} {
		l.edit(id)
		l.turns(1, w)
		l.wantWatched(w, id, true, "once it was listed")
		l.google.HideFromDrive(id, true)
	}
	// A write of ours that is not listed.
	l.write("one")
	l.turns(50, w)
	l.wantWatched(w, "one", true, "when Drive is only slow")
	l.turns(20, w)
	l.wantWatched(w, "one", false, "when a write of ours was left out")
	l.wantWatched(w, "two", true, "which nobody wrote to")
	// A change that the full compare found.
	if err := l.store.SetHint(t.Context(), "two", tandem.Hint{Path: tandem.HintCompare, At: l.now}); err != nil {
		t.Fatal(err)
	}
	l.wantWatched(w, "two", false, "when the compare found a change")
	for _, id := range []string{"one", "two"} {
		l.google.HideFromDrive(id, false)
		l.edit(id)
		l.turns(1, w)
		l.wantWatched(w, id, true, "when it is listed again")
	}
}

func TestWatcherForgetsFilesThatAreLinkedNoMore(t *testing.T) {
	l := newLookout(t, "one", "two")
	w := l.watcher("w")
	l.edit("one")
	l.edit("two")
	l.turns(2, w)
	l.edit("one")
	l.edit("two")
	l.turns(1, w)
	if err := l.store.DeleteLink(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	for range 31 { // an hour; the list is read once a turn, so the virtual hour is walked in large steps
		l.now = l.now.Add(2 * time.Minute)
		l.turns(2, w)
	}
	positions, err := l.store.Positions(t.Context(), "drive/")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range positions {
		names = append(names, p.Name)
	}
	if got := fmt.Sprint(names); got != "[drive/default drive/default/one]" {
		t.Errorf("positions %s", got)
	}
}
