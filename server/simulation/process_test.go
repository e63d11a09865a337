package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/store"
)

// process is one worker with its own memory; a crash replaces it. It runs in a goroutine of its own, and everybody else
// waits while it does: only one thing happens at a time. A process that is held up in a call stands still there while
// others go on, until it has a turn again.
type process struct {
	name   string
	worker *engine.Worker
	cancel context.CancelFunc

	turn   chan any      // how its turn ended: nil, heldUp, or what it panicked with
	resume chan struct{} // lets it go on from where it is held up
	held   bool
	dies   bool // it crashes where it is held up
	// cut says that the process cannot reach the database to renew its leases.
	cut atomic.Bool
}

// heldUp ends the turn of a process that stands still in a call.
type heldUp struct{}

// crashed is the panic that ends a worker.
type crashed struct{ where string }

func (w *world) newProcess(name string) *process {
	w.serial++
	p := &process{name: name, turn: make(chan any), resume: make(chan struct{})}
	client := w.newClient(&wire{w, p})
	var log *slog.Logger
	if *verbose {
		log = slog.New(slog.NewTextHandler(traceWriter{w}, nil))
	}
	p.worker = engine.New(engine.Options{
		Store: &watchedStore{w.store, w, p},
		OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
			table, err := around(&w.wires, "OpenTable", func() (*store.Table, error) { return w.store.OpenTable(ctx, link) })
			if err != nil {
				return nil, err
			}
			return &watchedTable{table, w}, nil
		},
		OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
			return &narrowTab{client.Open(link, columns).Journaled(), w, link.ID}
		},
		Holder: fmt.Sprintf("%s-%d", name, w.serial), Logger: log, Watched: w.watched,
	})
	return p
}

type traceWriter struct{ w *world }

func (t traceWriter) Write(line []byte) (int, error) {
	_, text, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	t.w.note("    | %s", text)
	return len(line), nil
}

func (w *world) pickWorker() int {
	if w.chance(20) || w.mix["holdups"] && w.chance(20) {
		return 1
	}
	return 0
}

// work gives one worker a turn: a step, or the rest of the one in which it was held up. It may crash in it: then its
// memory is gone, and its leases stay until they run out.
func (w *world) work(which int) {
	p := w.workers[which]
	if p.held {
		w.note("  %s goes on", p.name)
		p.held = false
		p.cut.Store(false)
		p.resume <- struct{}{}
	} else {
		ctx, cancel := context.WithCancel(w.t.Context())
		p.cancel = cancel
		go p.step(ctx)
	}
	w.wires.running, w.wires.aim = p, nil
	end := <-p.turn
	w.wires.running = nil
	switch end := end.(type) {
	case nil:
		p.cancel()
	case heldUp:
		p.held = true
	case crashed:
		w.note("  %s crashed", p.name)
		p.cancel()
		w.workers[which] = w.newProcess(p.name)
	default:
		panic(end)
	}
}

func (p *process) step(ctx context.Context) {
	defer func() { p.turn <- recover() }()
	_, _ = p.worker.Step(ctx)
}

// holdUp stands still until the process has a turn again.
func (p *process) holdUp(where string) {
	p.turn <- heldUp{}
	<-p.resume
	if p.dies {
		panic(crashed{where})
	}
}

// end ends a process that is held up.
func (p *process) end() {
	if p.held {
		p.dies, p.held = true, false
		p.resume <- struct{}{}
		<-p.turn
	}
	if p.cancel != nil {
		p.cancel()
	}
}

// leaseTime is how long a lease lasts that is not renewed.
const leaseTime = 15 * time.Second
