package simulation_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

const (
	book   = "book"
	linkID = "items"
)

// errStop ends a run whose world cannot go on.
var errStop = errors.New("the run was stopped")

// world is one run: a table, a tab, two workers that may crash, and all that happened so far.
type world struct {
	t      *testing.T
	r      *rand.Rand
	now    time.Time
	store  *store.Store
	db     *sql.DB
	google *emulator.Emulator
	eyes   *sheets.Client // looks at the sheet without faults and without being counted

	keyKind int // 0 whole number, 1 text, 2 two columns
	names   []string
	columns []tandem.Column
	keys    int // how many of the first columns are the key

	workers    [2]*process
	wires      wires
	stepNumber int
	serial     int
	hot        [4]int // keys that were used last
	trace      []string
	broken     []string
	model      model
	wanted     []*wantedWrite
	plan       string
	discarded  bool // a baseline was thrown away: older agreements count no more
	peace      bool
	onWake     func()
}

// process is one worker with its own memory; a crash replaces it.
type process struct {
	name   string
	worker *engine.Worker
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 42)), now: time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)}
	w.model.init()
	w.wires.w = w
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", w.now.UnixNano()))
	w.try(func() (err error) {
		w.store, err = store.Open(t.Context(), "sqlite:"+path, store.Options{Now: w.clock, Wake: func(string) {
			if w.onWake != nil {
				w.onWake()
			}
		}})
		return err
	})
	w.try(func() (err error) {
		w.db, err = sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(0)")
		return err
	})
	w.google = emulator.New(emulator.Options{Now: w.clock, Seed: seed + 1, Sleep: func(context.Context, time.Duration) {}})
	w.eyes = w.newClient(w.google.Transport())
	for i := range w.workers {
		w.workers[i] = w.newProcess(fmt.Sprintf("worker%d", i))
	}
	return w
}

func (w *world) close() {
	w.google.Close()
	w.store.Close()
	w.db.Close()
}

func (w *world) clock() time.Time { return w.now }

func (w *world) tick(d time.Duration) { w.now = w.now.Add(d) }

// newClient makes a client whose pauses pass in virtual time. They are all alike, since a jittered one would not replay.
func (w *world) newClient(transport http.RoundTripper) *sheets.Client {
	client, err := sheets.New(w.t.Context(), sheets.Options{Endpoint: "http://emulator/", HTTPClient: &http.Client{Transport: transport},
		Now: w.clock, Sleep: func(ctx context.Context, _ time.Duration) error { w.tick(time.Second); return ctx.Err() }})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

func (w *world) newProcess(name string) *process {
	w.serial++
	client := w.newClient(&wire{w})
	var log *slog.Logger
	if *verbose {
		log = slog.New(slog.NewTextHandler(traceWriter{w}, nil))
	}
	return &process{name, engine.New(engine.Options{
		Store: &watchedStore{w.store, w},
		OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
			table, err := w.store.OpenTable(ctx, link)
			if err != nil {
				return nil, err
			}
			return &watchedTable{table, w}, nil
		},
		OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
			return client.Open(link, columns).Journaled()
		},
		Now: w.clock, Holder: fmt.Sprintf("%s-%d", name, w.serial), Logger: log,
	})}
}

type traceWriter struct{ w *world }

func (t traceWriter) Write(line []byte) (int, error) {
	_, text, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	t.w.note("    | %s", text)
	return len(line), nil
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%3d %s ", w.stepNumber, w.now.Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

// fail records a promise that was broken.
func (w *world) fail(format string, args ...any) {
	if len(w.broken) < 12 {
		w.broken = append(w.broken, fmt.Sprintf(format, args...))
	}
}

// try does what cannot fail in a sound world.
func (w *world) try(do func() error) {
	w.t.Helper()
	if err := do(); err != nil {
		w.fail("unexpected: %v", err)
		panic(errStop)
	}
}

func (w *world) chance(percent int) bool { return w.r.IntN(100) < percent }

func (w *world) describe() string {
	return fmt.Sprintf("key %v, columns %v", w.names[:w.keys], w.names[w.keys:])
}

// pause is how long nothing happens between two actions.
func (w *world) pause() time.Duration {
	return []time.Duration{100 * time.Millisecond, time.Second, 3 * time.Second, 3 * time.Second, 6 * time.Second, 20 * time.Second}[w.r.IntN(6)]
}

func (w *world) pickWorker() int {
	if w.chance(20) {
		return 1
	}
	return 0
}

// work steps one worker, which may crash in it: then its memory is gone, and its leases stay until they run out.
func (w *world) work(which int) {
	p := w.workers[which]
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	outer := w.wires.cancel
	w.wires.cancel = cancel
	defer func() {
		w.wires.cancel = outer
		if crash := recover(); crash != nil {
			if _, ok := crash.(crashed); !ok {
				panic(crash)
			}
			w.note("  %s crashed", p.name)
			w.workers[which] = w.newProcess(p.name)
		}
	}()
	_, _ = p.worker.Step(ctx)
}

func (w *world) link() tandem.Link {
	var link tandem.Link
	w.try(func() (err error) { link, err = w.store.Link(w.t.Context(), linkID); return err })
	return link
}

func (w *world) table() *store.Table {
	link := w.link()
	var table *store.Table
	w.try(func() (err error) { table, err = w.store.OpenTable(w.t.Context(), &link); return err })
	return table
}
