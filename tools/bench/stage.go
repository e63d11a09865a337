package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

const spreadsheet = "bench-spreadsheet"

// host stands in for a test where mariadbtest asks for one; what a test would fail of is an error of the stage.
type host struct {
	testing.TB
	cleanups []func()
}

type failure struct{ message string }

func (h *host) Helper()           {}
func (h *host) Cleanup(do func()) { h.cleanups = append(h.cleanups, do) }
func (h *host) Fatal(args ...any) { panic(failure{fmt.Sprint(args...)}) }
func (h *host) Fatalf(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

// stage is a MariaDB database, an emulated spreadsheet with an empty tab "Data", and a `tandem serve` process between them.
type stage struct {
	host   host
	db     *sql.DB
	dbURL  string
	google *emulator.Emulator
	url    string // of the server

	mu    sync.Mutex
	wrote func(at time.Time) // told after every write to the spreadsheet that was answered
	ends  []func()
}

// newStage starts all of it. The emulator is in this process, so that its state can be read without a call.
func newStage(ctx context.Context, flags ...string) (s *stage, err error) {
	s = &stage{}
	defer func() {
		if f, ok := recover().(failure); ok {
			err = errors.New(f.message)
		}
		if err != nil {
			s.close()
		}
	}()
	s.dbURL = mariadbtest.Start(&s.host).CreateDatabase(&s.host)
	at, err := url.Parse(s.dbURL)
	if err != nil {
		return nil, err
	}
	if s.db, err = sql.Open("mysql", fmt.Sprintf("%s@tcp(%s)%s?multiStatements=true", at.User.Username(), at.Host, at.Path)); err != nil {
		return nil, err
	}
	s.ends = append(s.ends, func() { _ = s.db.Close() })
	s.google = emulator.New(emulator.Options{})
	if _, err := s.google.Create(emulator.Spreadsheet{ID: spreadsheet, Title: "Bench", Tabs: []emulator.Tab{{Title: "Data"}}}); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	google := &http.Server{Handler: http.HandlerFunc(s.answer), ReadHeaderTimeout: time.Minute}
	go func() { _ = google.Serve(listener) }()
	s.ends = append(s.ends, func() { s.google.Close(); _ = google.Close() })
	return s, s.serve(ctx, append([]string{"--sheets-endpoint", "http://" + listener.Addr().String() + "/"}, flags...))
}

// answer is the emulator, watched.
func (s *stage) answer(w http.ResponseWriter, r *http.Request) {
	s.google.ServeHTTP(w, r)
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/v4/") {
		return
	}
	s.mu.Lock()
	wrote := s.wrote
	s.mu.Unlock()
	if wrote != nil {
		wrote(time.Now())
	}
}

func (s *stage) watch(wrote func(at time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrote = wrote
}

// scratch is the folder of the built binary, to be removed at the end; "" when there is none.
var scratch string

// program is the built binary, made once.
var program = sync.OnceValues(func() (string, error) {
	if *built != "" {
		return *built, nil
	}
	folder, err := os.MkdirTemp("", "tandem-bench")
	if err != nil {
		return "", err
	}
	scratch = folder
	path := filepath.Join(folder, "tandem")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", path, "./cmd/tandem").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build tandem: %w\n%s", err, out)
	}
	return path, nil
})

// serve starts the server and waits until it says where it listens.
func (s *stage) serve(ctx context.Context, flags []string) error {
	path, err := program()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"serve", "--auth", "none", "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0",
		"--database-url", s.dbURL}, flags...)...)
	logs, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.ends = append(s.ends, func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	listens := make(chan string, 1)
	go func() {
		defer close(listens)
		lines := bufio.NewScanner(logs)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var line struct {
				HTTP string `json:"http_addr"`
			}
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.HTTP != "" {
				listens <- line.HTTP
			}
			if *report {
				_, _ = fmt.Fprintln(os.Stderr, "tandem:", lines.Text())
			}
		}
		_, _ = io.Copy(io.Discard, logs)
	}()
	addr, ok := <-listens
	if !ok {
		return errors.New("tandem serve ended before it listened; -v shows its log")
	}
	s.url = "http://" + addr
	return nil
}

func (s *stage) close() {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
	defer func() { _ = recover() }()
	for _, cleanup := range s.host.cleanups {
		cleanup()
	}
}

// call makes a REST call that must succeed.
func (s *stage) call(ctx context.Context, method, path string, body any) (map[string]any, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: status %d: %s", method, path, response.StatusCode, text)
	}
	return answer, json.Unmarshal(text, &answer)
}

// link links a table to the tab, brings both in step, and has the tab's edits told to the server.
func (s *stage) link(ctx context.Context, table string) error {
	if _, err := s.call(ctx, "POST", "/v1/links?link_id="+table, map[string]any{"table": table, "spreadsheetId": spreadsheet, "tab": "Data"}); err != nil {
		return err
	}
	operation, err := s.call(ctx, "POST", "/v1/links/"+table+":initialSync", map[string]any{})
	for err == nil && operation["done"] != true {
		operation, err = s.call(ctx, "POST", fmt.Sprintf("/v1/%v:wait", operation["name"]), map[string]any{"timeout": "60s"})
	}
	if err != nil {
		return err
	}
	if operation["error"] != nil {
		return fmt.Errorf("initial sync: %v", operation["error"])
	}
	hook, err := s.call(ctx, "POST", "/v1/links/"+table+":rotateHookSecret", map[string]any{})
	if err != nil {
		return err
	}
	secret, _ := hook["secret"].(string)
	return s.google.SetHook(spreadsheet, s.url+"/hooks/sheets/"+table, secret)
}

// column returns a column of the tab by row, as a person sees it, without a call that a quota counts.
func (s *stage) column(header string) ([]string, error) {
	request := httptest.NewRequest("GET", "/emulator/spreadsheets/"+spreadsheet+"?sheet=Data&count=5000", nil)
	recorder := httptest.NewRecorder()
	s.google.ServeHTTP(recorder, request)
	var view struct {
		Cells [][]struct {
			Text string `json:"t"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &view); err != nil {
		return nil, fmt.Errorf("look at the tab: %w", err)
	}
	var values []string
	at := -1
	for n, line := range view.Cells {
		if n == 0 {
			for i := range line {
				if line[i].Text == header {
					at = i
				}
			}
			if at < 0 {
				return nil, fmt.Errorf("the tab has no column %q", header)
			}
			continue
		}
		value := ""
		if at < len(line) {
			value = line[at].Text
		}
		values = append(values, value)
	}
	return values, nil
}

// calls returns what Google was asked for since the last reset.
func (s *stage) calls() string {
	stats := s.google.Stats()
	text := fmt.Sprintf("%d reads, %d writes, %d refused", stats.Reads, stats.Writes, stats.Rejected)
	for _, method := range slices.Sorted(maps.Keys(stats.Calls)) {
		text += fmt.Sprintf(", %s %d", method, stats.Calls[method])
	}
	return text
}
