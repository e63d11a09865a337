package server_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// The benchmark of the API: GetRow, ListRows(50) and CreateRow over REST and gRPC, of a `tandem serve` process, against the
// program tools/bench/bare on the same database: net/http, database/sql and one query. Rounds alternate between the two,
// and the ratio is the median of the rounds' ratios, since a machine is never quiet. "cpu" is the ratio of processor time a
// call, of the two server processes alone, which what else runs on the machine hardly moves.
//
// CreateRow is measured twice: with the link paused, which is what a call costs, and with the link active, when the same two
// processors also bring every new row to the sheet, and run the sheet.
//
//	go test ./server -run '^$' -bench API -benchtime 1x

const (
	benchRows   = 10_000
	benchRounds = 7
	benchRound  = 400 * time.Millisecond
)

var benchSchemas = map[string]string{
	"mariadb": `CREATE TABLE bench (id INT AUTO_INCREMENT PRIMARY KEY, code VARCHAR(20) NOT NULL, title VARCHAR(200), notes TEXT, score INT,
		price DECIMAL(10,2), views BIGINT, active BOOLEAN, born DATE, seen_at DATETIME(3), ratio DOUBLE,
		updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))`,
	"sqlite": `CREATE TABLE bench (id INTEGER PRIMARY KEY AUTOINCREMENT, code VARCHAR(20) NOT NULL, title VARCHAR(200), notes TEXT, score INT,
		price DECIMAL(10,2), views BIGINT, active BOOLEAN, born DATE, seen_at DATETIME(3), ratio DOUBLE,
		updated_at DATETIME(6) NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')))`,
}

// rivals are the two servers on one database.
type rivals struct {
	b             *testing.B
	db            *sql.DB
	ours, bare    *exec.Cmd
	rest, bareURL string
	rows          tandemv1.RowServiceClient
	web           *http.Client
	tokens        []string // of every page
}

func newRivals(b *testing.B, database string) *rivals {
	dir := b.TempDir()
	r := &rivals{b: b, web: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}}
	url, driver, dsn := "sqlite:"+filepath.Join(dir, "bench.db"), "sqlite",
		"file:"+filepath.Join(dir, "bench.db")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_txlock=immediate"
	if database == "mariadb" {
		server := mariadbtest.Start(b)
		url = server.CreateDatabase(b)
		driver, dsn = "mysql", server.DSN(url[strings.LastIndex(url, "/")+1:])+"?interpolateParams=true"
	}
	var err error
	if r.db, err = sql.Open(driver, dsn); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.db.Close() })
	r.fill(benchSchemas[database])
	google := emulator.New(emulator.Options{})
	google.Create(emulator.Spreadsheet{ID: spreadsheet, Title: "Bench", Tabs: []emulator.Tab{{Title: "Data"}}})
	listener := httptest.NewServer(google)
	b.Cleanup(listener.Close)

	path, err := program()
	if err != nil {
		b.Fatal(err)
	}
	var at struct {
		HTTP string `json:"http_addr"`
		GRPC string `json:"grpc_addr"`
	}
	r.ours = r.run(exec.Command(path, "serve", "--auth", "none", "--log-level", "warn", "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0",
		"--database-url", url, "--sheets-endpoint", listener.URL+"/"), func(line string) bool {
		return json.Unmarshal([]byte(line), &at) == nil && at.HTTP != ""
	})
	bare := filepath.Join(dir, "bare")
	if out, err := exec.Command("go", "build", "-o", bare, "../tools/bench/bare").CombinedOutput(); err != nil {
		b.Fatalf("build the bare handler: %v\n%s", err, out)
	}
	r.bare = r.run(exec.Command(bare, "-driver", driver, "-dsn", dsn), func(line string) bool { r.bareURL = "http://" + line; return true })
	r.rest = "http://" + at.HTTP
	conn, err := grpc.NewClient(at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	r.rows = tandemv1.NewRowServiceClient(conn)
	return r
}

// run starts a server and waits for the line that says where it listens.
func (r *rivals) run(cmd *exec.Cmd, listening func(line string) bool) *exec.Cmd {
	out, in, err := os.Pipe()
	if err != nil {
		r.b.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		r.b.Fatal(err)
	}
	in.Close()
	r.b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if listening(lines.Text()) {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return cmd
		}
	}
	r.b.Fatalf("%s ended before it listened", cmd.Path)
	return nil
}

func (r *rivals) fill(schema string) {
	if _, err := r.db.Exec(schema); err != nil {
		r.b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for from := 0; from < benchRows; from += 500 {
		var args []any
		for i := from; i < from+500; i++ {
			notes := any(strings.Repeat("A line of notes, not very long. ", random.IntN(4)))
			if i%7 == 0 {
				notes = nil
			}
			args = append(args, fmt.Sprintf("C-%06d", i), fmt.Sprintf("Title of row \"%d\" & more", i), notes, random.IntN(100),
				fmt.Sprintf("%d.%02d", random.IntN(10000), random.IntN(100)), random.Int64N(1<<50), i%2, "2019-11-30", "2026-11-21 07:00:00.123", random.Float64())
		}
		sql := "INSERT INTO bench (code, title, notes, score, price, views, active, born, seen_at, ratio) VALUES (?,?,?,?,?,?,?,?,?,?)" +
			strings.Repeat(",(?,?,?,?,?,?,?,?,?,?)", 499)
		if _, err := r.db.Exec(sql, args...); err != nil {
			r.b.Fatal(err)
		}
	}
}

// post calls ours and returns the answer.
func (r *rivals) post(path, body string) map[string]any {
	answer := map[string]any{}
	data, err := r.call("POST", r.rest+path, body)
	if err == nil {
		err = json.Unmarshal(data, &answer)
	}
	if err != nil {
		r.b.Fatalf("%s: %v: %s", path, err, data)
	}
	return answer
}

// link makes the link and brings both sides in step, so that all rows have baselines.
func (r *rivals) link() {
	r.post("/v1/links?link_id=bench", `{"table":"bench","spreadsheetId":"`+spreadsheet+`","tab":"bench","createTab":true,"updateTimeColumn":"updated_at"}`)
	operation := r.post("/v1/links/bench:initialSync", "{}")
	for deadline := time.Now().Add(5 * time.Minute); operation["done"] != true || operation["error"] != nil; {
		switch {
		case time.Now().After(deadline):
			r.b.Fatalf("the initial sync does not end: %v", operation)
		case operation["done"] == true:
			r.b.Logf("the initial sync failed and is begun anew: %v", operation["error"])
			operation = r.post("/v1/links/bench:initialSync", "{}")
		default:
			operation = r.post("/v1/"+operation["name"].(string)+":wait", `{"timeout":"10s"}`)
		}
	}
	r.tokens = []string{""}
	for len(r.tokens) < benchRows/50 {
		var page struct {
			NextPageToken string
			Rows          []struct{ SyncState string }
		}
		data, err := r.call("GET", r.rest+"/v1/links/bench/sources/database/rows?page_size=50&page_token="+r.tokens[len(r.tokens)-1], "")
		if err != nil || json.Unmarshal(data, &page) != nil || len(page.Rows) != 50 || page.Rows[0].SyncState != "IN_SYNC" {
			r.b.Fatalf("a page of rows: %v: %.300s", err, data)
		}
		r.tokens = append(r.tokens, page.NextPageToken)
	}
}

func (r *rivals) call(method, url, body string) ([]byte, error) {
	var payload io.Reader
	if body != "" {
		payload = strings.NewReader(body)
	}
	request, err := http.NewRequest(method, url, payload)
	if err != nil {
		return nil, err
	}
	response, err := r.web.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var data bytes.Buffer
	if _, err := data.ReadFrom(response.Body); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return data.Bytes(), fmt.Errorf("status %d", response.StatusCode)
	}
	return data.Bytes(), nil
}

// benchCase is one method over one transport, and the same of the bare handler; n is random.
type benchCase struct {
	name       string
	ours, bare func(n int) error
}

func (r *rivals) cases() []benchCase {
	const parent = "links/bench/sources/database"
	ctx := context.Background()
	web := func(method, url, body string) error { _, err := r.call(method, url, body); return err }
	bareGet := func(n int) error { return web("GET", r.bareURL+"/rows/"+strconv.Itoa(n%benchRows+1), "") }
	bareList := func(n int) error {
		return web("GET", r.bareURL+"/rows?page_size=50&after="+strconv.Itoa(n%(benchRows/50)*50), "")
	}
	const values = `{"values":{"code":"C-1","title":"A \"new\" row & more","notes":"A line of notes, not very long.","score":7,"price":"12.50","views":"123456789",` +
		`"active":true,"born":"2019-11-30","seen_at":"2026-11-21 07:00:00.123","ratio":0.25}}`
	made, err := structpb.NewStruct(map[string]any{"code": "C-1", "title": `A "new" row & more`, "notes": "A line of notes, not very long.", "score": 7,
		"price": "12.50", "views": "123456789", "active": true, "born": "2019-11-30", "seen_at": "2026-11-21T07:00:00.123", "ratio": 0.25})
	if err != nil {
		r.b.Fatal(err)
	}
	bareCreate := func(int) error { return web("POST", r.bareURL+"/rows", values) }
	return []benchCase{
		{"REST/GetRow", func(n int) error { return web("GET", r.rest+"/v1/"+parent+"/rows/"+strconv.Itoa(n%benchRows+1), "") }, bareGet},
		{"REST/ListRows50", func(n int) error {
			return web("GET", r.rest+"/v1/"+parent+"/rows?page_size=50&page_token="+r.tokens[n%len(r.tokens)], "")
		}, bareList},
		{"gRPC/GetRow", func(n int) error {
			_, err := r.rows.GetRow(ctx, &tandemv1.GetRowRequest{Name: parent + "/rows/" + strconv.Itoa(n%benchRows+1)})
			return err
		}, bareGet},
		{"gRPC/ListRows50", func(n int) error {
			_, err := r.rows.ListRows(ctx, &tandemv1.ListRowsRequest{Parent: parent, PageSize: 50, PageToken: r.tokens[n%len(r.tokens)]})
			return err
		}, bareList},
		{"REST/CreateRow", func(int) error {
			return web("POST", r.rest+"/v1/"+parent+"/rows", strings.Replace(values, "21 07", "21T07", 1))
		}, bareCreate},
		{"gRPC/CreateRow", func(int) error {
			_, err := r.rows.CreateRow(ctx, &tandemv1.CreateRowRequest{Parent: parent, Row: &tandemv1.Row{Values: made}})
			return err
		}, bareCreate},
	}
}

// drive calls for a round from so many clients and returns calls a second, and the processor time a call of the server.
func (r *rivals) drive(clients int, server *exec.Cmd, call func(n int) error) (rate, cpu float64) {
	var calls atomic.Int64
	var failed atomic.Value
	before, began := processorTime(server), time.Now()
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(client), uint64(began.UnixNano())))
			for time.Since(began) < benchRound {
				if err := call(random.IntN(1 << 30)); err != nil {
					failed.Store(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		r.b.Fatal(err)
	}
	n := float64(calls.Load())
	return n / time.Since(began).Seconds(), float64(processorTime(server)-before) / n
}

// processorTime is what a process has used, in nanoseconds.
func processorTime(cmd *exec.Cmd) time.Duration {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", cmd.Process.Pid))
	var total time.Duration
	for _, task := range tasks {
		if data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", cmd.Process.Pid, task.Name())); err == nil {
			ns, _ := strconv.ParseInt(strings.Fields(string(data))[0], 10, 64)
			total += time.Duration(ns)
		}
	}
	return total
}

// resident is the memory that a process holds, in megabytes; peak is the most it ever held.
func resident(cmd *exec.Cmd) (now, peak float64) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) == 3 {
			kilobytes, _ := strconv.ParseFloat(fields[1], 64)
			switch fields[0] {
			case "VmRSS:":
				now = kilobytes / 1024
			case "VmHWM:":
				peak = kilobytes / 1024
			}
		}
	}
	return now, peak
}

func BenchmarkAPI(b *testing.B) {
	for _, database := range []string{"mariadb", "sqlite"} {
		b.Run(database, func(b *testing.B) {
			r := newRivals(b, database)
			r.link()
			r.settle()
			cases := r.cases()
			for _, c := range cases[:4] {
				r.each(b, c, "")
			}
			r.post("/v1/links/bench:pause", "{}")
			for _, c := range cases[4:] {
				r.each(b, c, "")
			}
			r.post("/v1/links/bench:resume", "{}")
			for _, c := range cases[4:] {
				r.each(b, c, "Synced")
			}
			now, peak := resident(r.ours)
			fmt.Printf("%s: resident %.0f MB after all, %.0f MB at most\n", database, now, peak)
		})
	}
}

// settle waits until the server has nothing left to do for the link.
func (r *rivals) settle() {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		before := processorTime(r.ours)
		time.Sleep(time.Second)
		if processorTime(r.ours)-before < 30*time.Millisecond {
			return
		}
	}
	r.b.Log("the server does not come to rest")
}

func (r *rivals) each(b *testing.B, c benchCase, suffix string) {
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("%s%s/%d", c.name, suffix, clients), func(b *testing.B) { r.compare(b, c, clients) })
	}
}

func (r *rivals) compare(b *testing.B, c benchCase, clients int) {
	r.b = b
	var ours, bare, ratios, cpus []float64
	for range benchRounds {
		theirs, theirTime := r.drive(clients, r.bare, c.bare)
		rate, time := r.drive(clients, r.ours, c.ours)
		bare, ours = append(bare, theirs), append(ours, rate)
		ratios, cpus = append(ratios, rate/theirs), append(cpus, theirTime/time)
	}
	b.ReportMetric(median(bare), "bare/s")
	b.ReportMetric(median(ours), "ours/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(cpus), "cpu")
	now, _ := resident(r.ours)
	b.ReportMetric(now, "MB")
	b.ReportMetric(0, "ns/op")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
