package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// standSheet is the id of a stand's spreadsheet.
const standSheet = "stand-spreadsheet"

// stand is a server in this process, on SQLite and the emulator.
type stand struct {
	*testing.T
	google *emulator.Emulator
	db     *sql.DB
	url    string
	conn   *grpc.ClientConn
}

// newStand runs schema on a new database and makes a spreadsheet with tabs.
func newStand(t *testing.T, schema string, tabs ...emulator.Tab) *stand {
	t.Helper()
	return newStandWith(t, func(*server.Config) {}, schema, tabs...)
}

// newStandWith is newStand with other settings.
func newStandWith(t *testing.T, set func(config *server.Config), schema string, tabs ...emulator.Tab) *stand {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tandem.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(schema); err != nil {
		t.Fatal(err)
	}
	google := emulator.New(emulator.Options{})
	if _, err := google.Create(emulator.Spreadsheet{ID: standSheet, Title: "Stand", TimeZone: "Etc/UTC", Tabs: tabs}); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(google)
	t.Cleanup(func() { google.Close(); listener.Close() })
	config := server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: "sqlite:" + path, SheetsEndpoint: listener.URL,
		Auth: server.AuthNone, PollInterval: time.Second}
	set(&config)
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := server.New(t.Context(), config, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	conn, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &stand{T: t, google: google, db: db, url: "http://" + s.HTTPAddr(), conn: conn}
}

// testWriter shows the log of a server with the test that it belongs to.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(line []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(line))
	return len(line), nil
}

// reply is an HTTP answer.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

// call makes an HTTP call. The body is JSON text; headers alternate between name and value.
func (s *stand) call(method, path, body string, headers ...string) reply {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	answer := reply{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &answer.body)
	return answer
}

// must is call for what has to succeed.
func (s *stand) must(method, path, body string, headers ...string) map[string]any {
	s.Helper()
	answer := s.call(method, path, body, headers...)
	if answer.status != http.StatusOK {
		s.Fatalf("%s %s: status %d: %s", method, path, answer.status, answer.text)
	}
	return answer.body
}

// refused is call for what has to fail with a status and, when field is not "", with a violation of it.
func (s *stand) refused(status int, field, method, path, body string, headers ...string) reply {
	s.Helper()
	answer := s.call(method, path, body, headers...)
	if answer.status != status {
		s.Errorf("%s %s: status %d, want %d: %s", method, path, answer.status, status, answer.text)
		return answer
	}
	if fields := answer.fields(); field != "" && fields[field] == "" {
		s.Errorf("%s %s: violations %v, want one of %q: %s", method, path, fields, field, answer.text)
	}
	return answer
}

// fields returns the violated fields of an error with what is wrong.
func (r reply) fields() map[string]string {
	fields := map[string]string{}
	details, _ := r.body["details"].([]any)
	for _, d := range details {
		detail, _ := d.(map[string]any)
		list, _ := detail["fieldViolations"].([]any)
		for _, v := range list {
			violation, _ := v.(map[string]any)
			fields[fmt.Sprint(violation["field"])] = fmt.Sprint(violation["description"])
		}
	}
	return fields
}

// link makes a link called like its table, and brings it in step.
func (s *stand) link(table, tab string) {
	s.Helper()
	s.must("POST", "/v1/links?link_id="+table, fmt.Sprintf(`{"table": %q, "spreadsheetId": %q, "tab": %q}`, table, standSheet, tab))
	op := s.must("POST", "/v1/links/"+table+":initialSync", "{}")
	for op["done"] != true {
		op = s.must("POST", fmt.Sprintf("/v1/%s:wait", op["name"]), `{"timeout": "10s"}`)
	}
	if op["error"] != nil {
		s.Fatalf("initial sync of %s: %v", table, op["error"])
	}
}

// eventually waits until look returns "".
func (s *stand) eventually(look func() string) {
	s.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	problem := ""
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-ticker.C {
		if problem = look(); problem == "" {
			return
		}
	}
	s.Fatal(problem)
}
