package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// awayStore loses the database once, when the guard counts.
type awayStore struct {
	engine.Store
	fail *bool
}

func (a awayStore) Removals(ctx context.Context, link string, since time.Time) (map[tandem.Source]int, error) {
	if *a.fail {
		*a.fail = false
		return nil, errors.New("the database is away")
	}
	return a.Store.Removals(ctx, link, since)
}

// The guard of a first sync decides otherwise after a failure in between.
func TestGuardAfterCrash(t *testing.T) {
	for _, fail := range []bool{false, true} {
		t.Run(fmt.Sprint(fail), func(t *testing.T) {
			p := startPair(t)
			p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50), qty INTEGER, price DECIMAL(8,2))")
			cells := [][]any{{"id", "title", "qty", "price"}}
			for id := 1; id <= 111; id++ {
				if id <= 100 {
					p.exec("INSERT INTO items VALUES (?, 'same', 1, 1)", id)
					cells = append(cells, []any{id, "same", 1, 1})
				} else {
					p.exec("INSERT INTO items VALUES (?, 'same', NULL, 1)", id)
					cells = append(cells, []any{id, "same", 5, 1})
				}
			}
			options := p.options("away")
			away := fail
			options.Store = awayStore{options.Store, &away}
			p.worker = engine.New(options)
			func() {
				defer func() { _ = recover() }()
				p.joinLink(cells)
			}()
			p.start(tandem.SyncRequest{})
			for range 10 {
				p.step(5 * time.Second)
			}
			n, _ := p.store.CountBaselines(t.Context(), "items")
			t.Log("state", p.link().State, "baselines", n, "last rows", p.cells()[110:])
			if p.link().State != tandem.StateHalted {
				t.Errorf("state %s: eleven cells were emptied without a person", p.link().State)
			}
		})
	}
}

// blockingTab holds up the reads of one link.
type blockingTab struct {
	engine.Tab
	gate chan struct{}
	in   *atomic.Int32
}

func (b blockingTab) ScanUnless(ctx context.Context, digest string) (*tandem.Scan, error) {
	b.in.Add(1)
	select {
	case <-b.gate:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return b.Tab.ScanUnless(ctx, digest)
}

// While one initial sync takes the only place, a caller of the API waits for another link that is to be synced again.
func TestCallerWaitsForSyncPlace(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint("sync asked for ", again), func(t *testing.T) { callerWaits(t, again) })
	}
}

func callerWaits(t *testing.T, again bool) {
	p := newPair(t, 5)
	p.second()
	options := p.options("places")
	options.Parallel = 2
	options.Now = nil
	gate := make(chan struct{})
	var in atomic.Int32
	open := options.OpenTab
	options.OpenTab = func(link *tandem.Link, columns []tandem.Column) engine.Tab {
		if link.ID == "others" {
			return blockingTab{open(link, columns), gate, &in}
		}
		return open(link, columns)
	}
	now := time.Now()
	p.now = now
	if err := p.store.CreateOperation(t.Context(), tandem.Operation{ID: "op-2", Link: "others", Created: p.now, Updated: p.now}); err != nil {
		t.Fatal(err)
	}
	worker := engine.New(options)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { worker.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	for in.Load() == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	// its place is taken now; an active link is asked to be compared again
	if again {
		p.start(tandem.SyncRequest{})
	}
	link := p.link()
	short, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	_, err := p.store.SheetWriter(&link).Mutate(short, []tandem.Mutation{{Kind: tandem.Update, Key: "4", RequestID: "api",
		Values: []tandem.Value{{}, tandem.Text("Through the API"), {}, {}}}}, false)
	if err != nil {
		t.Errorf("a caller waited for a link that only waits for its initial sync: %v", err)
	}
	p.exec("UPDATE items SET title = 'From SQL' WHERE id = 1")
	for deadline := time.Now().Add(20 * time.Second); fmt.Sprint(p.cells()[1][1]) != "From SQL"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the table's change waits for an initial sync: %v", p.cells()[1])
		}
	}
	close(gate)
}

func (p *pair) joinLink(cells [][]any) {
	p.t.Helper()
	link := tandem.Link{Key: []string{"id"}, Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty"}, {Column: "price", Header: "price"}}, Policy: tandem.DatabaseWins, PreferredSource: tandem.Database}
	if _, err := p.google.Create(emulator.Spreadsheet{ID: book, Title: "Book", Tabs: []emulator.Tab{{Title: "Items", Rows: cells}}}); err != nil {
		p.t.Fatal(err)
	}
	info, err := p.client.Spreadsheet(p.t.Context(), book)
	if err != nil {
		p.t.Fatal(err)
	}
	link.ID, link.Table, link.SpreadsheetID, link.Tab, link.HeaderRow = "items", "items", book, "Items", 1
	link.SheetID, link.TimeZone = info.Tabs[0].SheetID, info.TimeZone
	link.State, link.HideStatus = tandem.StateNew, true
	if link.Policy == "" {
		link.Policy, link.PreferredSource = tandem.LastWriteWins, tandem.Database
	}
	if _, err := p.store.CreateLink(p.t.Context(), link); err != nil {
		p.t.Fatal(err)
	}
}
