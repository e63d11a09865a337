package server_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// program is the built binary, made once for all end-to-end tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tandem-e2e")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tandem")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/tandem").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build tandem: %w\n%s", err, out)
	}
	return path, nil
})

// world is a MariaDB database, an emulated spreadsheet, and a tandem process between them that tests drive from outside.
type world struct {
	t        *testing.T
	db       *sql.DB
	dbURL    string
	google   *httptest.Server
	flags    []string
	cmd      *exec.Cmd
	exited   chan error
	httpAddr string
	grpcAddr string
}

const spreadsheet = "e2e-spreadsheet"

// newWorld starts MariaDB (once for all tests) and an emulator that holds one empty tab "Data".
func newWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	w := &world{t: t, flags: flags}
	w.dbURL = mariadbtest.Start(t).CreateDatabase(t)
	parsed, err := url.Parse(w.dbURL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := parsed.User.Password()
	w.db, err = sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)%s?multiStatements=true&time_zone=%%27%%2B00%%3A00%%27", parsed.User.Username(), password, parsed.Host, parsed.Path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	fake := emulator.New(emulator.Options{})
	fake.Create(emulator.Spreadsheet{ID: spreadsheet, Title: "End to end", Tabs: []emulator.Tab{{Title: "Data"}}})
	w.google = httptest.NewServer(fake)
	t.Cleanup(w.google.Close)
	return w
}

// start runs tandem until the test ends, and waits until it says where it listens.
func (w *world) start() {
	w.t.Helper()
	path, err := program()
	if err != nil {
		w.t.Fatal(err)
	}
	args := append([]string{"serve", "--auth", "none", "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0",
		"--database-url", w.dbURL, "--sheets-endpoint", w.google.URL + "/"}, w.flags...)
	w.cmd = exec.Command(path, args...)
	w.exited = make(chan error, 1)
	logs, err := w.cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.cmd.Stdout = w.cmd.Stderr
	if err := w.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	listening := make(chan struct{})
	cmd, exited := w.cmd, w.exited
	go func() {
		lines, found := bufio.NewScanner(logs), false
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var line struct {
				HTTP string `json:"http_addr"`
				GRPC string `json:"grpc_addr"`
			}
			if !found && json.Unmarshal(lines.Bytes(), &line) == nil && line.HTTP != "" {
				w.httpAddr, w.grpcAddr, found = line.HTTP, line.GRPC, true
				close(listening)
			}
			if testing.Verbose() {
				fmt.Fprintln(os.Stderr, "tandem:", lines.Text())
			}
		}
		_, _ = io.Copy(io.Discard, logs)
		exited <- cmd.Wait()
	}()
	select {
	case <-listening:
	case err := <-exited:
		w.t.Fatalf("tandem ended before it listened: %v", err)
	case <-time.After(30 * time.Second):
		w.t.Fatal("tandem does not say where it listens")
	}
	w.t.Cleanup(w.kill)
}

// kill ends tandem at once, as a crash would.
func (w *world) kill() {
	if w.cmd == nil {
		return
	}
	_ = w.cmd.Process.Kill()
	<-w.exited
	w.cmd = nil
}

// call does a REST call and returns the status and the decoded body.
func (w *world) call(method, path string, body any) (int, map[string]any) {
	w.t.Helper()
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		payload = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, "http://"+w.httpAddr+path, payload)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	answer := map[string]any{}
	data, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(data, &answer); err != nil {
		w.t.Fatalf("%s %s: status %d, no JSON object: %s", method, path, response.StatusCode, data)
	}
	return response.StatusCode, answer
}

// do is call for what must succeed.
func (w *world) do(method, path string, body any) map[string]any {
	w.t.Helper()
	status, answer := w.call(method, path, body)
	if status != http.StatusOK {
		w.t.Fatalf("%s %s: status %d: %v", method, path, status, answer)
	}
	return answer
}

// sync runs an InitialSync to its end and returns its response.
func (w *world) sync(link string, request map[string]any) map[string]any {
	w.t.Helper()
	if request == nil {
		request = map[string]any{}
	}
	return w.await(w.do("POST", "/v1/links/"+link+":initialSync", request))
}

// await waits for an operation and returns its response.
func (w *world) await(operation map[string]any) map[string]any {
	w.t.Helper()
	name := operation["name"].(string)
	for deadline := time.Now().Add(2 * time.Minute); operation["done"] != true; {
		if time.Now().After(deadline) {
			w.t.Fatalf("operation is not done: %v", operation)
		}
		operation = w.do("POST", "/v1/"+name+":wait", map[string]any{"timeout": "10s"})
	}
	if operation["error"] != nil {
		w.t.Fatalf("operation failed: %v", operation["error"])
	}
	return operation["response"].(map[string]any)
}

// exec runs SQL as another program would.
func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(statement, args...); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// edit does what a person does by hand in the sheet.
func (w *world) edit(edits ...map[string]any) {
	w.t.Helper()
	w.emulator("POST", "/emulator/spreadsheets/"+spreadsheet+"/edits", map[string]any{"edits": edits}, nil)
}

// emulator calls the emulator, as Sheets API or under /emulator.
func (w *world) emulator(method, path string, body, into any) {
	w.t.Helper()
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		payload = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, w.google.URL+path, payload)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	data, _ := io.ReadAll(response.Body)
	if response.StatusCode >= 300 {
		w.t.Fatalf("%s %s: status %d: %s", method, path, response.StatusCode, data)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			w.t.Fatalf("%s %s: %v: %s", method, path, err, data)
		}
	}
}

// seed writes rows to the tab, header first, as another API client would: typed, nothing parsed.
func (w *world) seed(tab string, rows [][]any) {
	w.t.Helper()
	w.emulator("PUT", "/v4/spreadsheets/"+spreadsheet+"/values/"+url.PathEscape(tab+"!A1")+"?valueInputOption=RAW", map[string]any{"values": rows}, nil)
}

// cells returns the tab as the Sheets API shows it.
func (w *world) cells(tab string) [][]any {
	w.t.Helper()
	var answer struct{ Values [][]any }
	w.emulator("GET", "/v4/spreadsheets/"+spreadsheet+"/values/"+url.PathEscape(tab)+"?valueRenderOption=UNFORMATTED_VALUE", nil, &answer)
	return answer.Values
}

// stats returns how many reads and writes the emulator has seen.
func (w *world) stats() (reads, writes int) {
	w.t.Helper()
	var answer struct{ Reads, Writes int }
	w.emulator("GET", "/emulator/stats", nil, &answer)
	return answer.Reads, answer.Writes
}

// calls returns how many calls of a method Google was made.
func (w *world) calls(method string) int {
	w.t.Helper()
	var answer struct{ Calls map[string]int }
	w.emulator("GET", "/emulator/stats", nil, &answer)
	return answer.Calls[method]
}

// rows lists a source through the API, by row name.
func (w *world) rows(link, source string) map[string]map[string]any {
	w.t.Helper()
	rows, token := map[string]map[string]any{}, ""
	for {
		page := w.do("GET", fmt.Sprintf("/v1/links/%s/sources/%s/rows?page_size=1000&max_staleness=0s&page_token=%s", link, source, url.QueryEscape(token)), nil)
		list, _ := page["rows"].([]any)
		for _, item := range list {
			row := item.(map[string]any)
			name, _ := row["name"].(string)
			id := name[strings.LastIndex(name, "/")+1:]
			if id == "" {
				w.t.Fatalf("a row of %s has no name: %v", source, row)
			}
			if rows[id] != nil {
				w.t.Fatalf("row %s of %s is listed twice", id, source)
			}
			rows[id], _ = row["values"].(map[string]any)
		}
		if token, _ = page["nextPageToken"].(string); token == "" {
			return rows
		}
	}
}

// eventually waits until check returns "", at most for limit; what it returned last is the failure.
func (w *world) eventually(limit time.Duration, check func() string) {
	w.t.Helper()
	deadline, ticker := time.Now().Add(limit), time.NewTicker(50*time.Millisecond)
	defer ticker.Stop()
	for {
		problem := check()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("after %s: %s", limit, problem)
		}
		<-ticker.C
	}
}
