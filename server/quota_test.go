package server_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// wholeQuota has the tests of the quota run at full size, which takes minutes:
// go test ./server -run Quota -quota -v
var wholeQuota = flag.Bool("quota", false, "test the quota with 50 links of 1,000 rows, and with 10,000 updates")

// googleFlags have a server keep to Google's limits although it calls the emulator.
var googleFlags = []string{"--quota-user-reads", "60", "--quota-user-writes", "60", "--quota-project-reads", "300", "--quota-project-writes", "300"}

// A burst of updates of one link goes in few writes, and nothing of it is turned down.
func TestQuotaOfABurst(t *testing.T) {
	rows := 1000
	if *wholeQuota {
		rows = 10_000
	}
	w := newWorld(t, append([]string{"--poll-interval", "1h"}, googleFlags...)...)
	w.exec("CREATE TABLE burst (id INT PRIMARY KEY, n BIGINT NOT NULL, title VARCHAR(100), score INT)")
	w.exec("INSERT INTO burst SELECT seq, 0, CONCAT('Title ', seq), seq % 100 FROM seq_1_to_" + strconv.Itoa(rows))
	w.start()
	w.do("POST", "/v1/links?link_id=burst", map[string]any{"table": "burst", "spreadsheetId": spreadsheet, "tab": "Data"})
	w.sync("burst", nil)
	w.emulator("PUT", "/emulator/settings", emulator.GoogleSettings(), nil)
	w.emulator("DELETE", "/emulator/stats", nil, nil)
	began := time.Now()
	for id := 1; id <= rows; id++ {
		w.exec("UPDATE burst SET n = 1 WHERE id = ?", id)
	}
	made := time.Since(began)
	w.eventually(4*time.Minute, func() string {
		if quota := w.do("GET", "/v1/quota", nil); len(quota["backlog"].([]any)) > 0 {
			return fmt.Sprint("waiting: ", quota["backlog"])
		}
		return ""
	})
	took := time.Since(began)
	var stats emulator.Stats
	w.emulator("GET", "/emulator/stats", nil, &stats)
	t.Logf("%d updates made in %s, in the sheet after %s: %d writes, %d reads", rows, made, took, stats.Writes, stats.Reads)
	if stats.Writes > 10 || stats.Rejected > 0 {
		t.Errorf("%d writes for a burst, %d calls turned down", stats.Writes, stats.Rejected)
	}
	w.emulator("PUT", "/emulator/settings", emulator.Settings{}, nil)
	cells := w.cells("Data")
	if len(cells) != rows+1 {
		t.Fatalf("%d rows in the sheet", len(cells)-1)
	}
	for _, row := range cells[1:] {
		if fmt.Sprint(row[1]) != "1" {
			t.Fatalf("row %v did not arrive", row)
		}
	}
}

// GetQuota tells of the budget, of the last hour, and of what waits; the limits are those of the flags.
func TestQuotaIsShown(t *testing.T) {
	w := newWorld(t, append([]string{"--poll-interval", "1h"}, googleFlags...)...)
	w.exec("CREATE TABLE shown (id INT PRIMARY KEY, title VARCHAR(100)); INSERT INTO shown VALUES (1, 'Akira')")
	w.start()
	w.do("POST", "/v1/links?link_id=shown", map[string]any{"table": "shown", "spreadsheetId": spreadsheet, "tab": "Data"})
	w.sync("shown", nil)
	number := func(value any) int { return int(value.(float64)) }
	quota := w.do("GET", "/v1/quota", nil)
	reads, writes := quota["reads"].(map[string]any), quota["writes"].(map[string]any)
	madeReads, madeWrites := 0, 0
	for _, m := range quota["minutes"].([]any) {
		madeReads += number(m.(map[string]any)["reads"])
		madeWrites += number(m.(map[string]any)["writes"])
	}
	if number(reads["limit"]) != 60 || number(reads["left"]) != 60-madeReads || number(writes["left"]) != 60-madeWrites || madeReads < 4 || madeWrites < 2 {
		t.Errorf("after %d reads and %d writes: %v", madeReads, madeWrites, quota)
	}
	// A link that is paused keeps its backlog.
	w.do("POST", "/v1/links/shown:pause", map[string]any{})
	w.exec("UPDATE shown SET title = 'Ponyo' WHERE id = 1")
	quota = w.do("GET", "/v1/quota", nil)
	backlog := quota["backlog"].([]any)
	if len(backlog) != 1 || backlog[0].(map[string]any)["link"] != "links/shown" || number(backlog[0].(map[string]any)["rows"]) != 1 || quota["timeToDrain"] != nil {
		t.Errorf("what waits: %v, to drain: %v", backlog, quota["timeToDrain"])
	}
	info := w.do("GET", "/v1/info", nil)
	if !strings.HasPrefix(info["database"].(string), "MariaDB 1") || info["capture"] != "triggers" || info["startTime"] == nil {
		t.Errorf("server: %v", info)
	}
}

// crowd is many links and two processes, in virtual time: each has a worker and a client of its own, and they share a database,
// and so a budget.
type crowd struct {
	*testing.T
	db     *sql.DB
	stores []*store.Store
	google *emulator.Emulator
	links  int
}

func newCrowd(t *testing.T, links, rows int) *crowd {
	t.Helper()
	c := &crowd{T: t, links: links, google: emulator.New(emulator.Options{Seed: 1})}
	t.Cleanup(c.google.Close)
	path := filepath.Join(t.TempDir(), "db")
	for range 2 {
		s, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		c.stores = append(c.stores, s)
	}
	var err error
	if c.db, err = sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)&_txlock=immediate"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.db.Close() })
	for n := range links {
		c.link(n, rows)
	}
	return c
}

func (c *crowd) exec(statement string, args ...any) {
	c.Helper()
	if _, err := c.db.ExecContext(c.Context(), statement, args...); err != nil {
		c.Fatalf("%s: %v", statement, err)
	}
}

// link makes a table, its tab in a spreadsheet of its own, and a link that is to be brought in step.
func (c *crowd) link(n, rows int) {
	c.Helper()
	id := fmt.Sprint("t", n)
	c.exec("CREATE TABLE " + id + " (id INTEGER PRIMARY KEY, at BIGINT NOT NULL, title TEXT)")
	c.exec(fmt.Sprintf("INSERT INTO %s WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i, 0, 'Title ' || i FROM n", id, rows))
	if _, err := c.google.Create(emulator.Spreadsheet{ID: id, TimeZone: "Etc/UTC", Tabs: []emulator.Tab{{Title: "Data"}}}); err != nil {
		c.Fatal(err)
	}
	_, err := c.stores[0].CreateLink(c.Context(), tandem.Link{ID: id, Table: id, SpreadsheetID: id, Tab: "Data", HeaderRow: 1, TimeZone: "Etc/UTC",
		Key: []string{"id"}, Policy: tandem.LastWriteWins, PreferredSource: tandem.Database, State: tandem.StateNew,
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "at", Header: "at"}, {Column: "title", Header: "title"}}})
	if err == nil {
		now := time.Now()
		err = c.stores[0].CreateOperation(c.Context(), tandem.Operation{ID: "op-" + id, Link: id, Created: now, Updated: now})
	}
	if err != nil {
		c.Fatal(err)
	}
}

// work runs both processes until ctx ends.
func (c *crowd) work(ctx context.Context, options sheets.Options) *sync.WaitGroup {
	c.Helper()
	var running sync.WaitGroup
	options.Endpoint, options.HTTPClient = "http://emulator/", &http.Client{Transport: c.google.Transport()}
	for n, s := range c.stores {
		client, err := sheets.New(ctx, options)
		if err != nil {
			c.Fatal(err)
		}
		client.Share(s, fmt.Sprint("process", n))
		worker := engine.New(engine.Options{Store: s, Holder: fmt.Sprint("process", n), Ready: client.Ready, Poll: 10 * time.Minute,
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
			OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
				return s.OpenTable(ctx, link)
			},
			OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
				return client.Open(link, columns).Journaled()
			}})
		running.Go(func() { worker.Run(ctx) })
	}
	return &running
}

// settled waits until nothing waits for any link.
func (c *crowd) settled(limit time.Duration) {
	c.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(time.Second) {
		waiting := 0
		all, err := c.stores[0].Backlogs(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		for _, b := range all {
			if b.Marks+b.Writes > 0 || b.State != tandem.StateActive {
				waiting++
			}
		}
		if waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.Fatalf("after %s something still waits for %d links", limit, waiting)
		}
	}
}

// waits returns, by link, how long each change waited that arrived since a moment: every update stores its own moment in the row.
func (c *crowd) waits(since time.Time) map[string][]time.Duration {
	c.Helper()
	waits := map[string][]time.Duration{}
	for n := range c.links {
		id := fmt.Sprint("t", n)
		entries, err := c.stores[0].Entries(c.Context(), id, 0, 1_000_000)
		if err != nil {
			c.Fatal(err)
		}
		for _, e := range entries {
			ms, err := strconv.ParseInt(e.After["at"].Text(), 10, 64)
			if made := time.UnixMilli(ms); err == nil && e.Source == tandem.Database && !made.Before(since) {
				waits[id] = append(waits[id], e.At.Sub(made))
			}
		}
	}
	return waits
}

// Links with steady writes share the budget evenly, and Google turns nothing down, although two processes work on them.
func TestQuotaIsSharedByManyLinks(t *testing.T) {
	links, rows, minutes := 12, 50, 6
	if *wholeQuota {
		links, rows, minutes = 50, 1000, 20
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, links, rows)
		ctx, stop := context.WithCancel(t.Context())
		setup := c.work(ctx, sheets.Options{})
		c.settled(time.Hour)
		stop()
		setup.Wait()
		time.Sleep(time.Minute) // what the setup called no longer counts
		c.google.Configure(emulator.GoogleSettings())
		c.google.ResetStats()

		ctx, stop = context.WithCancel(t.Context())
		running := c.work(ctx, sheets.Options{ReadsPerMinute: 60, WritesPerMinute: 60, ProjectReadsPerMinute: 300, ProjectWritesPerMinute: 300})
		began, step := time.Now(), 2*time.Second
		for n := 0; time.Since(began) < time.Duration(minutes)*time.Minute; n++ {
			for link := range links {
				c.exec(fmt.Sprintf("UPDATE t%d SET at = ? WHERE id = ?", link), time.Now().UnixMilli(), n%rows+1)
			}
			time.Sleep(step)
		}
		stats := c.google.Stats()
		c.settled(time.Hour)
		stop()
		running.Wait()
		c.judge(stats, c.waits(began.Add(2*time.Minute))) // the first minutes find a budget that nobody used
	})
}

func (c *crowd) judge(stats emulator.Stats, waits map[string][]time.Duration) {
	c.Helper()
	var means, longest []time.Duration
	for n := range c.links {
		of := waits[fmt.Sprint("t", n)]
		if len(of) < 20 {
			c.Fatalf("only %d changes of link t%d arrived", len(of), n)
		}
		sum := time.Duration(0)
		for _, d := range of {
			sum += d
		}
		means, longest = append(means, sum/time.Duration(len(of))), append(longest, slices.Max(of))
	}
	c.Logf("%d links: %d reads, %d writes, %d turned down; mean waits %s to %s, longest waits %s to %s", c.links, stats.Reads, stats.Writes,
		stats.Rejected, slices.Min(means), slices.Max(means), slices.Min(longest), slices.Max(longest))
	if rejected := c.google.Stats().Rejected; rejected > 0 {
		c.Errorf("Google turned %d calls down", rejected)
	}
	if slices.Max(means) > 2*slices.Min(means) {
		c.Errorf("a link waits %s on average, another one %s", slices.Max(means), slices.Min(means))
	}
	if slices.Max(longest) > 2*slices.Min(longest) {
		c.Errorf("the longest wait of a link is %s, of another one %s", slices.Max(longest), slices.Min(longest))
	}
}

// While the database is away, each process keeps to its part of the budget, and together they still stay within it.
func TestQuotaWhileTheDatabaseIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 20
		c := newCrowd(t, 0, 0)
		if _, err := c.google.Create(emulator.Spreadsheet{ID: spreadsheet, Tabs: []emulator.Tab{{Title: "Data"}}}); err != nil {
			t.Fatal(err)
		}
		c.google.Configure(emulator.Settings{ReadsPerMinutePerUser: limit, LatencyMs: 150})
		ctx, cancel := context.WithCancel(t.Context())
		var reading sync.WaitGroup
		for n, s := range c.stores {
			client, err := sheets.New(ctx, sheets.Options{Endpoint: "http://emulator/", HTTPClient: &http.Client{Transport: c.google.Transport()}, ReadsPerMinute: limit})
			if err != nil {
				t.Fatal(err)
			}
			client.Share(s, fmt.Sprint("process", n))
			for range 3 {
				reading.Go(func() {
					for ctx.Err() == nil {
						_, _ = client.SpreadsheetAt(ctx, spreadsheet, 1_000_000)
					}
				})
			}
		}
		time.Sleep(3*time.Minute + 30*time.Second)
		for _, s := range c.stores {
			s.Close()
		}
		before := c.google.Stats().Reads
		time.Sleep(10 * time.Minute)
		cancel()
		reading.Wait()
		after := c.google.Stats()
		if after.Rejected > 0 {
			t.Errorf("Google turned %d calls down", after.Rejected)
		}
		if made := after.Reads - before; made < 8*limit || before < 3*limit {
			t.Errorf("%d calls with the database, %d in ten minutes without", before, made)
		}
	})
}
