package server_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// serveOn runs a server until the test ends or stop is called, and returns where it answers.
func serveOn(t *testing.T, config server.Config) (address string, stop func()) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := server.New(t.Context(), config, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return "http://" + s.HTTPAddr(), stop
}

// post is an alert as it arrived.
type post struct {
	Path                         string
	Link, Event, Reason, Message string
	Time                         time.Time
}

// receiver is where alerts go. Its first answers can be chosen by path.
type receiver struct {
	*httptest.Server
	posts   chan post
	mu      sync.Mutex
	answers map[string][]http.HandlerFunc
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{posts: make(chan post, 100), answers: map[string][]http.HandlerFunc{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		got := post{Path: request.URL.Path}
		if err := json.NewDecoder(request.Body).Decode(&got); err != nil || request.Method != http.MethodPost {
			t.Errorf("%s %s: %v", request.Method, request.URL, err)
		}
		r.mu.Lock()
		var answer http.HandlerFunc
		if left := r.answers[got.Path]; len(left) > 0 {
			answer, r.answers[got.Path] = left[0], left[1:]
		}
		r.mu.Unlock()
		if answer != nil {
			answer(w, request)
		}
		r.posts <- got
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(path string, answers ...http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[path] = answers
}

// next returns the next alert that arrives.
func (r *receiver) next(t *testing.T) post {
	t.Helper()
	select {
	case got := <-r.posts:
		return got
	case <-time.After(20 * time.Second):
		t.Fatal("no alert arrived")
	}
	return post{}
}

func answer(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func redirect(code int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(code)
	}
}

const manyRows = 12

// alertStand is a table of manyRows rows on SQLite, linked to a tab as "goods", and the configuration to serve it.
func alertStand(t *testing.T) (server.Config, *sql.DB, *emulator.Emulator) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tandem.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec("CREATE TABLE goods (id INT NOT NULL PRIMARY KEY, title VARCHAR(50))"); err != nil {
		t.Fatal(err)
	}
	for i := range manyRows {
		if _, err := db.Exec("INSERT INTO goods VALUES (?, ?)", i+1, fmt.Sprintf("good %d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	google := emulator.New(emulator.Options{})
	if _, err := google.Create(emulator.Spreadsheet{ID: standSheet, Title: "Stand", TimeZone: "Etc/UTC", Tabs: []emulator.Tab{{Title: "Goods"}}}); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(google)
	t.Cleanup(func() { google.Close(); listener.Close() })
	return server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: "sqlite:" + path, SheetsEndpoint: listener.URL,
		Auth: server.AuthNone, PollInterval: time.Second}, db, google
}

// An alert is sent until it has arrived, by whichever process is there, and the ones of a link arrive in order.
func TestAlerts(t *testing.T) {
	t.Parallel()
	config, _, google := alertStand(t)
	elsewhere := newReceiver(t)
	to := newReceiver(t)
	config.AlertURL = to.URL + "/server"
	to.answer("/link", answer(http.StatusServiceUnavailable), redirect(http.StatusTemporaryRedirect, elsewhere.URL+"/link"),
		redirect(http.StatusTemporaryRedirect, to.URL+"/moved"))

	address, stop := serveOn(t, config)
	s := &stand{T: t, url: address}
	s.link("goods", "Goods")
	s.must("PATCH", "/v1/links/goods", fmt.Sprintf(`{"alertUrl": "%s/link"}`, to.URL))
	began := time.Now()
	if err := google.Edit(standSheet, emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Goods", Start: 2, Count: manyRows}}); err != nil {
		t.Fatal(err)
	}
	first := to.next(t)
	want := post{Path: "/link", Link: "links/goods", Event: "HALTED", Reason: "TOO_MANY_DELETES", Message: first.Message, Time: first.Time}
	if first != want || first.Message == "" || first.Time.Before(began.Add(-time.Second)) || first.Time.After(time.Now().Add(time.Second)) {
		t.Errorf("alert %+v, want %+v", first, want)
	}
	stop()
	address, _ = serveOn(t, config)
	s = &stand{T: t, url: address}
	for i, path := range []string{"/link", "/link", "/moved"} {
		if again := to.next(t); again.Path != path || again.Message != first.Message || !again.Time.Equal(first.Time) {
			t.Errorf("attempt %d: %+v, want the same as at first, at %s", i+2, again, path)
		}
	}
	s.must("PATCH", "/v1/links/goods", `{"alertUrl": ""}`)
	s.must("POST", "/v1/links/goods:approve", `{"putBack": true}`)
	if after := to.next(t); after.Path != "/server" || after.Event != "RECOVERED" || after.Link != "links/goods" {
		t.Errorf("after the answer to the halt: %+v", after)
	}
	select {
	case stray := <-elsewhere.posts:
		t.Errorf("an alert followed a redirect to another host: %+v", stray)
	default:
	}
}

func TestAlertURLIsChecked(t *testing.T) {
	if config, err := readConfig(t, "", nil, []string{"TANDEM_ALERT_URL=https://me:word@example.com/a"}); err != nil || config.AlertURL != "https://me:word@example.com/a" {
		t.Errorf("got %q, %v", config.AlertURL, err)
	}
	for _, address := range []string{"nowhere", "ftp://me:word@example.com", "http://"} {
		_, err := readConfig(t, "alert-url: "+address+"\n", nil, nil)
		if err == nil || !strings.Contains(err.Error(), "alert-url") || strings.Contains(err.Error(), "word") {
			t.Errorf("alert-url %q: %v", address, err)
		}
	}
}
