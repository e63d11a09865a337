package server_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

var (
	soakFor  = flag.Duration("soak", 20*time.Second, "how long TestSoak writes and kills")
	soakSeed = flag.Uint64("soak-seed", 0, "seed of TestSoak; 0 picks one")
)

// settleWithin is how long both sides may take to become equal once all is well, on a machine that is busy with other things.
const settleWithin = 3 * time.Minute

// soak is two tandem processes on one MariaDB and one spreadsheet with two links, all of them being killed while API clients,
// programs of SQL and people write. Seeds make the same choices again; what they meet depends on the moment.
type soak struct {
	t      *testing.T
	seed   uint64
	pace   int // mean milliseconds between two acts of a writer
	ctx    context.Context
	end    context.CancelFunc
	maria  *mariadbtest.Private
	db     *sql.DB
	google *soakGoogle
	nodes  []*node
	links  []*soakLink
	ledger ledger

	mu         sync.Mutex
	dice       *rand.Rand
	violations []string
	events     []event
	halts      int

	counters struct {
		starts, failedStarts, kills, databaseKills, stops, pauses, sorts, astray, unknown atomic.Int64
	}
}

// event is something that happened to the processes.
type event struct {
	at   time.Time
	text string
}

// TestSoak kills and restarts everything while everybody writes; in the end both sides are equal and every acknowledged write
// is accounted for. `make soak` runs it for ten minutes.
func TestSoak(t *testing.T) {
	t.Parallel()
	s := newSoak(t)
	s.begin()
	s.rage(*soakFor)
	s.settle()
	for _, link := range s.links {
		s.judge(link)
	}
	s.quiet()
	s.report()
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, seed: *soakSeed, pace: 60, links: []*soakLink{{name: "numbered", key: "id", counts: true}, {name: "named", key: "name"}}}
	if s.seed == 0 {
		s.seed = uint64(time.Now().UnixNano() % 1e9)
	}
	t.Logf("seed %d", s.seed)
	s.dice = rand.New(rand.NewPCG(s.seed, 1))
	s.ctx, s.end = context.WithCancel(context.Background())
	t.Cleanup(s.end)
	s.maria = mariadbtest.StartPrivate(t)
	var err error
	if s.db, err = sql.Open("mysql", s.maria.DSN("")); err != nil {
		t.Fatal(err)
	}
	s.exec("CREATE DATABASE soak")
	_ = s.db.Close()
	if s.db, err = sql.Open("mysql", s.maria.DSN("soak")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close() })
	s.google = newSoakGoogle(s.seed)
	s.google.calm.Store(true)
	if _, err := s.google.emulator.Create(emulator.Spreadsheet{ID: soakSheet, Title: "Soak", TimeZone: "Etc/UTC", Tabs: []emulator.Tab{
		{Title: "numbered", Rows: [][]any{{"id", "by_api", "by_tab", "by_sql", "by_person", "shared", "mine"}}},
		{Title: "named", Rows: [][]any{{"name", "by_api", "by_tab", "by_sql", "by_person", "shared", "mine"}}}}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// begin makes tables and links, starts both processes, and brings the links in step.
func (s *soak) begin() {
	columns := ", by_api VARCHAR(40), by_tab VARCHAR(40), by_sql VARCHAR(40), by_person VARCHAR(40), shared VARCHAR(40))"
	s.exec("CREATE TABLE numbered (id INT AUTO_INCREMENT PRIMARY KEY" + columns + " AUTO_INCREMENT = 1000000")
	s.exec("CREATE TABLE named (name VARCHAR(40) PRIMARY KEY" + columns)
	for _, link := range s.links {
		for n := range 40 {
			key := fmt.Sprintf("row %02d", n+1)
			if link.counts {
				key = strconv.Itoa(n + 1)
			}
			list := &link.keep
			if n >= 32 {
				list = &link.fight
			}
			*list = append(*list, key)
			a := s.ledger.begin(act{link: link.name, side: "database", who: "seed", kind: "seed", key: key, values: map[string]string{"shared": s.ledger.value("seed")}})
			s.exec(fmt.Sprintf("INSERT INTO %s (%s, shared) VALUES (?, ?)", link.name, link.key), key, a.values["shared"])
			s.ledger.done(a)
		}
	}
	s.startNodes()
	for _, link := range s.links {
		// The first link stops itself now and then, and is told to go on.
		limit := map[bool]any{true: map[string]any{"count": 60, "percent": 40}, false: map[string]any{"count": 900, "percent": 100}}[link.counts]
		s.must("POST", "/v1/links?link_id="+link.name, map[string]any{"table": link.name, "spreadsheetId": soakSheet, "tab": link.name, "deleteLimit": limit,
			"columns": []any{map[string]any{"column": link.key}, map[string]any{"column": "by_api"}, map[string]any{"column": "by_tab"},
				map[string]any{"column": "by_sql"}, map[string]any{"column": "by_person"}, map[string]any{"column": "shared"}},
			"showStatusInSheet": link.counts && *soakFor >= time.Minute})
		s.must("POST", "/v1/links/"+link.name+":initialSync", map[string]any{})
		s.until(settleWithin, func() string { return s.inStep(s.ledger.last, link) })
	}
}

func (s *soak) startNodes() {
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	var running sync.WaitGroup
	for _, name := range []string{"one", "two"} {
		n := s.newNode(name)
		s.nodes = append(s.nodes, n)
		front := httptest.NewServer(&soakWire{soakGoogle: s.google, kill: n.kill})
		s.t.Cleanup(front.Close)
		args := []string{"serve", "--auth", "none", "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--database-url", s.maria.URL("soak"),
			"--sheets-endpoint", front.URL + "/", "--poll-interval", "1s"}
		running.Go(func() { n.keepUp(s.ctx, path, args) })
	}
	s.t.Cleanup(func() { s.end(); running.Wait(); s.google.late.Wait() })
}

// rage lets everybody write, and chaos reign, for d; then it waits until every call is answered.
func (s *soak) rage(d time.Duration) {
	s.google.calm.Store(false)
	ctx, cancel := context.WithTimeout(s.ctx, d)
	defer cancel()
	var writers, watchers sync.WaitGroup
	watching, stopWatching := context.WithCancel(s.ctx)
	for _, link := range s.links {
		for _, work := range s.writers(link) {
			writers.Go(func() { work(ctx) })
		}
		watchers.Go(func() { s.approve(watching, link) })
	}
	s.chaos(ctx)
	<-ctx.Done()
	s.google.calm.Store(true)
	s.log("calm")
	answered := make(chan struct{})
	go func() { writers.Wait(); close(answered) }()
	select {
	case <-answered:
	case <-time.After(settleWithin):
		s.t.Errorf("calls are not answered %s after all is well", settleWithin)
		s.violate("calls are not answered %s after all is well", settleWithin)
		s.report()
		s.end()
		<-answered
		s.t.FailNow()
	}
	s.google.late.Wait()
	stopWatching()
	watchers.Wait()
}

// writers are all who write a link. Calls for the sheet wait for its worker, so that more clients make them.
func (s *soak) writers(link *soakLink) (all []func(context.Context)) {
	name := func(kind string, n int) string {
		link.writers = append(link.writers, fmt.Sprintf("%s-%s%d", link.name, kind, n))
		return link.writers[len(link.writers)-1]
	}
	all = append(all, s.newClient(link, "database", name("api", 1), "by_api").work)
	for n := range 5 {
		all = append(all, s.newClient(link, "sheet", name("tab", n+1), "by_tab").work)
	}
	all = append(all, (&sqlWriter{s: s, r: s.random(), link: link, who: name("sql", 1)}).work)
	return append(all, (&person{s: s, r: s.random(), link: link, who: name("person", 1), marks: map[*act]string{}}).work)
}

// approve lets through what a link has halted for: all deletions here are meant.
func (s *soak) approve(ctx context.Context, link *soakLink) {
	for ; ctx.Err() == nil; wait(ctx, time.Second) {
		if status, answer := s.call("GET", "/v1/links/"+link.name, nil); status == http.StatusOK && answer["state"] == "HALTED" {
			if status, answer = s.call("POST", "/v1/links/"+link.name+":approve", map[string]any{}); status == http.StatusOK {
				s.mu.Lock()
				s.halts++
				s.mu.Unlock()
			} else {
				s.log("approval of %s: %d %v", link.name, status, answer)
			}
		}
	}
}

// settle waits until both links say that both sides were equal after the last write.
func (s *soak) settle() {
	last := time.Now()
	watching, stop := context.WithCancel(s.ctx)
	defer stop()
	for _, link := range s.links {
		go s.approve(watching, link)
	}
	s.until(settleWithin, func() string { return s.inStep(last, s.links...) })
	s.t.Logf("in step %s after the last write", time.Since(last).Round(time.Second/10))
}

// quiet waits for a time in which nothing is written to Google: a minute, or less in a short soak.
func (s *soak) quiet() {
	window := max(6*time.Second, min(time.Minute, *soakFor/10))
	writes, since := s.google.emulator.Stats().Writes, time.Now()
	s.until(settleWithin+window, func() string {
		if now := s.google.emulator.Stats().Writes; now != writes {
			writes, since = now, time.Now()
		}
		if time.Since(since) < window {
			return "Google is written to again and again although all is quiet"
		}
		return ""
	})
}

// report prints what was done, and what was violated.
func (s *soak) report() {
	s.ledger.mu.Lock()
	kinds, acknowledged, unknown, refused := s.ledger.counts()
	s.ledger.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	c, g := &s.counters, s.google.emulator.Stats()
	s.t.Logf("%d writes acknowledged, %d refused, %d of unknown outcome; %d tries of unknown outcome", acknowledged, refused, unknown, c.unknown.Load())
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		s.t.Logf("  %6d %s", kinds[kind], kind)
	}
	s.t.Logf("kill -9: %d of processes, %d of the database; %d SIGTERM, %d held; %d starts, %d of them without a database; %d halts approved; %d sorts; %d times a person's row was astray",
		c.kills.Load(), c.databaseKills.Load(), c.stops.Load(), c.pauses.Load(), c.starts.Load(), c.failedStarts.Load(), s.halts, c.sorts.Load(), c.astray.Load())
	s.t.Logf("Google: %d calls, %d reads, %d writes, %d faults", s.google.calls.Load(), g.Reads, g.Writes, s.google.faults.Load())
	if c.kills.Load() == 0 || c.databaseKills.Load() == 0 {
		s.t.Error("nothing was killed")
	}
	if len(s.violations) > 0 {
		_ = os.WriteFile(filepath.Join(s.t.ArtifactDir(), "violations.txt"), []byte(strings.Join(s.violations, "\n")), 0o600)
	}
	for i, violation := range s.violations {
		if i == 12 {
			s.t.Errorf("... and %d violations more, all of them in violations.txt (run with -artifacts to keep it)", len(s.violations)-i)
			break
		}
		s.t.Errorf("seed %d: %s", s.seed, violation)
	}
}
