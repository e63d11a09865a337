package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// driveInterval is how often Drive is asked in these tests.
const driveInterval = 100 * time.Millisecond

// newDriveStand is a stand on tables t0, t1, … with as many tabs of the same names, in spreadsheets that hold an equal number
// of them each. Tabs are polled once in poll.
func newDriveStand(t *testing.T, spreadsheets, tables int, poll time.Duration) *stand {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tandem.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	google := emulator.New(emulator.Options{})
	for book := range spreadsheets {
		var tabs []emulator.Tab
		for n := book; n < tables; n += spreadsheets {
			name := fmt.Sprint("t", n)
			tabs = append(tabs, emulator.Tab{Title: name, Rows: [][]any{{"id", "title"}}})
			if _, err := db.Exec("CREATE TABLE " + name + " (id INTEGER PRIMARY KEY, title TEXT); INSERT INTO " + name + " VALUES (1, 'Akira')"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := google.Create(emulator.Spreadsheet{ID: driveBook(book), TimeZone: "Etc/UTC", Tabs: tabs}); err != nil {
			t.Fatal(err)
		}
	}
	listener := httptest.NewServer(google)
	t.Cleanup(func() { google.Close(); listener.Close() })
	s := &stand{T: t, google: google, db: db}
	config := server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: "sqlite:" + path, SheetsEndpoint: listener.URL,
		Auth: server.AuthNone, PollInterval: poll, DriveInterval: driveInterval}
	running, err := server.New(t.Context(), config, slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- running.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	s.url = "http://" + running.HTTPAddr()
	for n := range tables {
		s.linkIn(driveBook(n%spreadsheets), fmt.Sprint("t", n))
	}
	return s
}

func driveBook(n int) string { return fmt.Sprint("drive-book-", n) }

// linkIn links a table with the tab of its name and brings it in step.
func (s *stand) linkIn(spreadsheet, table string) {
	s.Helper()
	s.must("POST", "/v1/links?link_id="+table, fmt.Sprintf(`{"table": %q, "spreadsheetId": %q, "tab": %q, "showStatusInSheet": false}`, table, spreadsheet, table))
	op := s.must("POST", "/v1/links/"+table+":initialSync", "{}")
	for op["done"] != true {
		op = s.must("POST", fmt.Sprintf("/v1/%s:wait", op["name"]), `{"timeout": "10s"}`)
	}
	if op["error"] != nil {
		s.Fatalf("initial sync of %s: %v", table, op["error"])
	}
}

// titleIs waits until row 1 of a table has a title.
func (s *stand) titleIs(table, want string) {
	s.Helper()
	s.eventually(func() string {
		var title string
		if err := s.db.QueryRow("SELECT title FROM " + table + " WHERE id = 1").Scan(&title); err != nil {
			return err.Error()
		}
		if title != want {
			return fmt.Sprintf("the title in %s is %q, want %q", table, title, want)
		}
		return ""
	})
}

// typeTitle is a person's edit of row 1.
func (s *stand) typeTitle(spreadsheet, tab, title string) {
	s.Helper()
	if err := s.google.Edit(spreadsheet, emulator.Edit{SetCell: &emulator.SetCell{Sheet: tab, A1: "B2", Input: title}}); err != nil {
		s.Fatal(err)
	}
}

func (s *stand) lastHint(link string) string {
	s.Helper()
	status, _ := s.must("GET", "/v1/links/"+link, "")["status"].(map[string]any)
	hint, _ := status["lastHint"].(map[string]any)
	return fmt.Sprint(hint["path"])
}

// Tabs that are read once an hour follow what people and other programs do with them within an interval of Drive.
func TestDriveTellsOfEdits(t *testing.T) {
	s := newDriveStand(t, 1, 1, time.Hour)
	s.typeTitle(driveBook(0), "t0", "Paprika")
	s.titleIs("t0", "Paprika")
	if path := s.lastHint("t0"); path != "DRIVE_CHANGES" {
		t.Errorf("the last hint came by %s", path)
	}
	// No script sees a write of another program.
	request := httptest.NewRequest("PUT", "/v4/spreadsheets/"+driveBook(0)+"/values/t0!B2?valueInputOption=RAW", strings.NewReader(`{"values": [["Perfect Blue"]]}`))
	s.google.ServeHTTP(httptest.NewRecorder(), request)
	s.titleIs("t0", "Perfect Blue")
	// A row that is typed rests for a while first, and is looked at again although nobody tells of it.
	err := s.google.Edit(driveBook(0), emulator.Edit{Paste: &emulator.Paste{Sheet: "t0", A1: "A3", Values: [][]string{{"2", "Tokyo Godfathers"}}}})
	if err != nil {
		t.Fatal(err)
	}
	s.eventually(func() string {
		var n int
		if err := s.db.QueryRow("SELECT COUNT(*) FROM t0").Scan(&n); err != nil || n != 2 {
			return fmt.Sprintf("%d rows, %v", n, err)
		}
		return ""
	})
}

// Where Drive refuses, each tab is read by itself, as without it.
func TestDriveRefuses(t *testing.T) {
	s := newStandWithFaults(t)
	s.typeTitle(driveBook(0), "t0", "Paprika")
	s.titleIs("t0", "Paprika")
	if path := s.lastHint("t0"); path != "POLL" {
		t.Errorf("the last hint came by %s", path)
	}
}

// The process that watches is killed; another goes on where it was.
func TestDriveWatcherIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts MariaDB and two processes")
	}
	first := newWorld(t, "--poll-interval", "1h", "--drive-interval", "200ms")
	first.exec("CREATE TABLE items (id INT PRIMARY KEY, title VARCHAR(50))")
	first.exec("INSERT INTO items VALUES (1, 'Akira')")
	second := *first
	first.start()
	second.start()
	first.do("POST", "/v1/links?link_id=items", map[string]any{"table": "items", "spreadsheetId": spreadsheet, "tab": "Data"})
	first.sync("items", nil)
	edit := func(title string) {
		first.edit(map[string]any{"setCell": map[string]any{"sheet": "Data", "a1": "B2", "input": title}})
		first.eventually(30*time.Second, func() string {
			var now string
			if err := first.db.QueryRow("SELECT title FROM items").Scan(&now); err != nil || now != title {
				return fmt.Sprintf("the title is %q, want %q; %v", now, title, err)
			}
			return ""
		})
	}
	edit("Paprika")
	watching := func() string {
		var holder string
		if err := first.db.QueryRow("SELECT holder FROM tandem_leases WHERE name = 'drive/default'").Scan(&holder); err != nil {
			t.Fatal(err)
		}
		return holder
	}
	killed := false
	before := watching()
	for _, w := range []*world{first, &second} {
		if strings.Contains(before, "/"+strconv.Itoa(w.cmd.Process.Pid)+"/") {
			killed = true
			if err := w.cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !killed {
		t.Fatalf("nobody watches: %q", before)
	}
	edit("Perfect Blue") // while nobody watches
	first.eventually(30*time.Second, func() string {
		if after := watching(); after == before || after == "" {
			return fmt.Sprintf("the watcher was %q and is %q", before, after)
		}
		return ""
	})
	edit("Millennium Actress")
}

// newStandWithFaults is a drive stand with a short poll at which Drive refuses everything.
func newStandWithFaults(t *testing.T) *stand {
	t.Helper()
	s := newDriveStand(t, 1, 1, 200*time.Millisecond)
	for _, method := range []string{"drive.changes.list", "drive.changes.getStartPageToken"} {
		if err := s.google.AddFault(emulator.Fault{Method: method, Kind: "before", Status: http.StatusForbidden, Count: 1_000_000}); err != nil {
			t.Fatal(err)
		}
	}
	before := s.google.Stats().Calls["drive.changes.list"]
	s.eventually(func() string {
		if s.google.Stats().Calls["drive.changes.list"] == before {
			return "Drive was not asked yet"
		}
		return ""
	})
	return s
}

func TestCheckTriesDrive(t *testing.T) {
	google := emulator.New(emulator.Options{})
	for _, id := range []string{"listed", "left-out"} {
		if _, err := google.Create(emulator.Spreadsheet{ID: id, Title: id}); err != nil {
			t.Fatal(err)
		}
	}
	google.HideFromDrive("left-out", true)
	listener := httptest.NewServer(google)
	defer listener.Close()
	config := server.Config{DatabaseURL: "sqlite:" + filepath.Join(t.TempDir(), "tandem.db"), SheetsEndpoint: listener.URL,
		PollInterval: 5 * time.Second, DriveInterval: driveInterval}
	check := func() string {
		t.Helper()
		var out strings.Builder
		options := server.CheckOptions{Spreadsheets: []string{"listed", "left-out"}, DrivePatience: 50 * time.Millisecond}
		if err := server.Check(t.Context(), config, options, &out); err != nil {
			t.Errorf("check fails for what serve works without: %v", err)
		}
		return out.String()
	}
	out := check()
	for _, want := range []string{"ok       spreadsheet listed: Google Drive lists its changes", "advice   spreadsheet left-out: Google Drive did not list a change",
		"Share it with the account that Tandem uses itself", "each linked tab is read every 5s, which takes 12 of Google's 60 reads"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	if err := google.AddFault(emulator.Fault{Method: "drive.changes.getStartPageToken", Kind: "before", Status: http.StatusForbidden}); err != nil {
		t.Fatal(err)
	}
	if out := check(); !strings.Contains(out, "advice   Google Drive: the Google Drive API is not enabled") || strings.Contains(out, "Drive lists") {
		t.Errorf("when Drive is not enabled:\n%s", out)
	}
	config.DriveInterval = 0
	if out := check(); !strings.Contains(out, "drive-interval is 0") {
		t.Errorf("when Drive is switched off:\n%s", out)
	}
}
