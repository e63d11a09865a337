// Package emulator is Google Sheets, and the little of Google Drive beside it, as one http.Handler in memory.
// Google's own client libraries work against it with only their root URL changed. It answers as the recorded
// traffic of the real service does, error texts and quirks included; what it cannot do it refuses with 501 and
// the name of the thing, never by pretending.
//
// Time, sleeping and randomness are injected, so that a test can run it under a virtual clock and replay a run.
package emulator

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
	_ "time/tzdata" // spreadsheets have time zones, whatever the machine knows of them
)

// Options say how an emulator keeps time and meets the world. The zero value is right for most uses.
type Options struct {
	// Now is the clock for modified times and quotas. Nil is time.Now.
	Now func() time.Time
	// Sleep waits for latency and for faults that delay. It must return early when the context ends. Nil sleeps
	// for real.
	Sleep func(ctx context.Context, d time.Duration)
	// Seed makes ids and jitter repeat from run to run. Zero picks one.
	Seed uint64
	// Deliver, when set, gets each hook and push notification before the call that caused it returns, instead of
	// it being sent over HTTP in the background.
	Deliver func(r *http.Request)
	// Client sends hooks and push notifications when Deliver is nil. Nil is a client with a timeout of 30 s.
	Client *http.Client
	// Settings are the quotas and the latency to begin with.
	Settings Settings
}

// Emulator is an http.Handler. It is safe for concurrent use.
type Emulator struct {
	options Options
	methods []*apiMethod
	mux     *http.ServeMux

	mu       sync.Mutex
	random   *rand.Rand
	files    map[string]*file
	order    []string // file ids in the order they were made
	changes  []driveChange
	oldest   int             // page tokens below are invalid
	hidden   map[string]bool // files that the list of changes leaves out
	channels map[string]*channel
	settings Settings
	quotas   map[string]*window
	faults   []*Fault
	stats    Stats

	background sync.WaitGroup
	closed     chan struct{}
	closeOnce  sync.Once
}

// New returns an emulator that holds no spreadsheet yet.
func New(o Options) *Emulator {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 30 * time.Second}
	}
	e := &Emulator{options: o, random: rand.New(rand.NewPCG(o.Seed, 1)), files: map[string]*file{}, hidden: map[string]bool{},
		channels: map[string]*channel{}, settings: o.Settings, quotas: map[string]*window{}, closed: make(chan struct{})}
	e.stats.Calls = map[string]int64{}
	e.methods = append(sheetsMethods(), driveMethods()...)
	e.mux = e.routes()
	return e
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Close ends held replies and event streams and waits until hooks under way are delivered.
func (e *Emulator) Close() {
	e.closeOnce.Do(func() { close(e.closed) })
	e.background.Wait()
}

// Settle waits until every hook and push notification so far has been delivered.
func (e *Emulator) Settle() { e.background.Wait() }

func (e *Emulator) now() time.Time { return e.options.Now() }

// newSpreadsheetID looks like Google's: 44 characters, the first a 1.
func (e *Emulator) newSpreadsheetID() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var raw [40]byte
	for i := 0; i < len(raw); i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], e.random.Uint64())
	}
	return "1" + base64.RawURLEncoding.EncodeToString(raw[:])[:43]
}

// randomID is an id for a tab, a named range, a protection or metadata.
func (e *Emulator) randomID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int(e.random.Int32N(1<<31-2)) + 1
}

func (e *Emulator) document(id string) *document {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.files[id]; f != nil {
		return f.document
	}
	return nil
}

func (e *Emulator) spreadsheetURL(id string) string {
	return "https://docs.google.com/spreadsheets/d/" + id + "/edit"
}

// Transport is a RoundTripper that calls the emulator in process: for clients in tests, with no listener and no
// port. Held replies end with the request's context and dropped connections are errors, as over a network.
func (e *Emulator) Transport() http.RoundTripper { return transport{e} }
