package simulation_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite"

	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

const book = "book"

// errStop ends a run whose world cannot go on.
var errStop = errors.New("the run was stopped")

// world is one run: links with their tables and tabs, two workers that may crash, and all that happened so far.
type world struct {
	t      *testing.T
	r      *rand.Rand
	mix    mix
	store  *store.Store
	db     *sql.DB
	google *emulator.Emulator
	eyes   *sheets.Client // looks at the sheet without faults and without being counted

	pairs      []*pair
	workers    [2]*process
	wires      wires
	rowsInCall int // how many rows fit into one call
	stepNumber int
	serial     int
	trace      []string
	broken     []string
	peace      bool
	onDuty     []int // which workers there are in peace
	onWake     func()
	drive      drive
	lastTold   notice       // what the spreadsheet's script said last
	notices    []lateNotice // what it said, and has yet to arrive
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	// Each seed begins at a time of day of its own.
	time.Sleep(time.Until(time.Date(2026, 11, 21, 0, int(seed*37%1440), 0, 0, time.UTC)))
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 43))}
	w.mix = drawMix(w.r)
	w.newDrive(seed)
	w.wires.w = w
	w.rowsInCall = 5000
	if w.mix["split"] {
		w.rowsInCall = 1 + w.r.IntN(3)
	}
	path := filepath.Join(fastDir(t), "db")
	w.try(func() error { return os.WriteFile(path, template(t), 0o600) })
	w.try(func() (err error) {
		w.store, err = store.Open(t.Context(), "sqlite:"+path, store.Options{Wake: func(string) {
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
	w.google = emulator.New(emulator.Options{Seed: seed + 1, Sleep: func(context.Context, time.Duration) {}, Deliver: w.told})
	w.eyes = w.newClient(w.google.Transport())
	for i := range w.workers {
		w.workers[i] = w.newProcess(fmt.Sprintf("worker%d", i))
	}
	return w
}

// template is a database with nothing but our own tables, made once: every run begins with a copy.
var template = func() func(t *testing.T) []byte {
	var once sync.Once
	var data []byte
	return func(t *testing.T) []byte {
		once.Do(func() {
			path := filepath.Join(fastDir(t), "template")
			s, err := store.Open(context.Background(), "sqlite:"+path, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if data, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		})
		return data
	}
}()

// fastDir is a directory for one run: in memory, where the machine has such a place, since every commit is synced.
func fastDir(t *testing.T) string {
	if dir, err := os.MkdirTemp("/dev/shm", "simulation"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

func (w *world) close() {
	for _, p := range w.workers {
		p.end()
	}
	w.google.Close()
	w.store.Close()
	w.db.Close()
}

// tick lets time pass: a little more than d, so that nobody wakes at the very moment at which a lease is renewed. Who of the
// two then came first would not replay.
func (w *world) tick(d time.Duration) { time.Sleep(d + 37*time.Microsecond) }

func (w *world) now() time.Time { return time.Now() }

// newClient makes a client whose pauses are all alike, since jittered ones would not replay.
func (w *world) newClient(transport http.RoundTripper) *sheets.Client {
	client, err := sheets.New(w.t.Context(), sheets.Options{Endpoint: "http://emulator/", HTTPClient: &http.Client{Transport: transport},
		Sleep: func(ctx context.Context, _ time.Duration) error { w.tick(time.Second); return ctx.Err() }})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%3d %s ", w.stepNumber, w.now().UTC().Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

// fail records a promise that was broken.
func (w *world) fail(format string, args ...any) {
	if len(w.broken) < 12 {
		w.broken = append(w.broken, fmt.Sprintf(format, args...))
	}
}

// try does what cannot fail in a sound world.
func (w *world) try(do func() error) {
	if err := do(); err != nil {
		w.fail("unexpected: %v", err)
		panic(errStop)
	}
}

func (w *world) chance(percent int) bool { return w.r.IntN(100) < percent }

// when reports whether the mix has a feature, and chance strikes.
func (w *world) when(feature string, percent int) bool { return w.mix[feature] && w.chance(percent) }

func (w *world) describe() string {
	texts := []string{w.mix.String()}
	for _, pair := range w.pairs {
		texts = append(texts, pair.describe())
	}
	return strings.Join(texts, "; ")
}

// pause is how long nothing happens between two actions.
func (w *world) pause() time.Duration {
	return []time.Duration{100 * time.Millisecond, time.Second, 3 * time.Second, 3 * time.Second, 6 * time.Second, 20 * time.Second}[w.r.IntN(6)]
}

// anyPair is one of the links.
func (w *world) anyPair() *pair { return w.pairs[w.r.IntN(len(w.pairs))] }

// act lets somebody do something.
func (w *world) act() { w.anyPair().act() }

func (w *world) lookAtWrites() {
	for _, pair := range w.pairs {
		pair.lookAtWrites()
	}
}

func (w *world) show() string {
	var texts []string
	for _, pair := range w.pairs {
		texts = append(texts, pair.show())
	}
	return strings.Join(texts, "\n")
}
