package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// crashed is the panic that ends a worker.
type crashed struct{ where string }

// wires are the places where a worker meets the world: every call of Google and every call of the store that writes. What
// is armed happens at the n-th place from now.
type wires struct {
	w      *world
	armed  []armed
	at     int  // places passed since something was armed
	off    bool // while somebody acts, or another worker works, at a place
	cancel context.CancelFunc
	late   []lateCall

	calls   int
	minutes map[int64]int
}

// armed is something that happens at a place. Faults of calls wait for the next call, those of the store for the next
// write to it.
type armed struct {
	place  int
	target string // a part of the place's name: the next such place, whenever a cycle comes by; "" for any
	what   string
	count  int
}

// lateCall is a write that Google gets after its caller gave up.
type lateCall struct {
	request *http.Request
	body    []byte
}

// due returns what happens at this place.
func (x *wires) due(store bool, where string) string {
	if x.off || x.w.peace {
		return ""
	}
	x.at++
	for i := range x.armed {
		a := &x.armed[i]
		if x.at < a.place || a.count == 0 || !strings.Contains(where, a.target) || !fits(a.what, store, where) {
			continue
		}
		a.count--
		x.w.note("  %s at %s", a.what, where)
		return a.what
	}
	return ""
}

func fits(what string, store bool, where string) bool {
	switch what {
	case "act", "disturb", "stall", "crashBefore", "crashAfter", "cancel":
		return true
	case "storeBefore", "storeAfter":
		return store
	case "late", "twice":
		return !store && strings.Contains(where, "metadata")
	}
	return !store
}

// act lets people act, or another worker work, in the middle of a call.
func (x *wires) act(what string) {
	x.off = true
	defer func() { x.off = false }()
	switch what {
	case "act":
		x.w.act()
	case "disturb":
		x.w.disturb()
	case "stall":
		x.w.tick(20 * time.Second)
		x.w.work(1)
	}
}

// around does one call with whatever is armed for it.
func around[T any](x *wires, where string, call func() (T, error)) (result T, err error) {
	what := x.due(true, where)
	switch what {
	case "crashBefore":
		panic(crashed{where})
	case "storeBefore":
		return result, errors.New("the database does not answer")
	case "cancel":
		x.cancel()
	default:
		x.act(what)
	}
	result, err = call()
	switch what {
	case "crashAfter":
		panic(crashed{where})
	case "storeAfter":
		var none T
		return none, errors.New("the connection to the database broke")
	}
	return result, err
}

// wire is the way of a worker's calls to Google.
type wire struct{ w *world }

// RoundTrip makes a call, or does what is armed instead.
func (c *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	x := &c.w.wires
	c.w.tick(30 * time.Millisecond)
	x.calls++
	if x.minutes == nil {
		x.minutes = map[int64]int{}
	}
	x.minutes[c.w.now.Unix()/60]++
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	where := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v4/spreadsheets/"+book)
	where = strings.TrimRight(where, "0123456789") // ids of operations are random
	if bytes.Contains(body, []byte("createDeveloperMetadata")) {
		where += " with metadata"
	}
	what := x.due(false, where)
	switch what {
	case "crashBefore":
		panic(crashed{where})
	case "cancel":
		x.cancel()
	case "before", "after", "drop", "dropAfter":
		c.w.try(func() error { return c.w.google.AddFault(emulator.Fault{Method: "*", Kind: what, Count: 1}) })
	case "429", "500", "403":
		status := map[string]int{"429": 429, "500": 500, "403": 403}[what]
		c.w.try(func() error {
			return c.w.google.AddFault(emulator.Fault{Method: "*", Kind: "before", Status: status, Count: 1})
		})
	case "late":
		x.late = append(x.late, lateCall{r.Clone(context.Background()), body})
		return nil, io.ErrUnexpectedEOF
	default:
		x.act(what)
	}
	response, err := c.w.google.Transport().RoundTrip(r)
	switch what {
	case "crashAfter":
		panic(crashed{where})
	case "twice":
		x.late = append(x.late, lateCall{r.Clone(context.Background()), body})
	}
	return response, err
}

// deliverLate lets a call arrive that its caller gave up.
func (x *wires) deliverLate() {
	for _, late := range x.late {
		late.request.Body = io.NopCloser(bytes.NewReader(late.body))
		response, err := x.w.google.Transport().RoundTrip(late.request)
		status := 0
		if err == nil {
			status = response.StatusCode
		}
		x.w.note("a late write arrives: %d", status)
	}
	x.late = nil
}

// kinds are all that can go wrong at a place.
var kinds = []string{"before", "after", "drop", "dropAfter", "429", "500", "403", "late", "twice", "act", "disturb", "disturb", "stall",
	"crashBefore", "crashAfter", "crashBefore", "crashAfter", "cancel", "storeBefore", "storeAfter"}

// armSomething decides what goes wrong in the cycle that comes.
func (w *world) armSomething() {
	x := &w.wires
	x.armed, x.at = slices.DeleteFunc(x.armed, func(a armed) bool { return a.count == 0 || a.target == "" }), 0
	// The moments that matter are those around a write, so they get troubles of their own.
	targets := []string{"with metadata", "with metadata", "with metadata", "written", "written", "OpenIntent", "CloseIntent", "AddMarks",
		"developerMetadata", "Commit of 0 rows"}
	if len(x.armed) < 2 && w.chance(60) {
		a := armed{target: targets[w.r.IntN(len(targets))], what: "disturb", count: 1}
		if w.chance(60) {
			a.what = kinds[w.r.IntN(len(kinds))]
		}
		x.armed = append(x.armed, a)
	}
	for w.chance(30) {
		a := armed{place: 1 + w.r.IntN(9), what: kinds[w.r.IntN(len(kinds))], count: 1}
		if w.chance(10) && (a.what == "before" || a.what == "429" || a.what == "drop") {
			a.count = 2 + w.r.IntN(12)
		}
		x.armed = append(x.armed, a)
	}
	if len(x.late) > 0 && w.chance(50) {
		x.deliverLate()
	}
}

// watchedStore is the store as a worker sees it.
type watchedStore struct {
	*store.Store
	w *world
}

// Claim lets time pass when a spreadsheet is held: the worker waits for it in real time, which does not pass here.
func (s *watchedStore) Claim(ctx context.Context, name, holder string, ttl time.Duration) (tandem.Lease, bool, error) {
	lease, ok, err := s.Store.Claim(ctx, name, holder, ttl)
	if !ok && err == nil && strings.HasPrefix(name, "spreadsheets/") {
		s.w.tick(5 * time.Second)
	}
	return lease, ok, err
}

func (s *watchedStore) OpenIntent(ctx context.Context, lease tandem.Lease, intent tandem.Intent) error {
	return s.around("OpenIntent", func() error { return s.Store.OpenIntent(ctx, lease, intent) })
}

func (s *watchedStore) CloseIntent(ctx context.Context, lease tandem.Lease, id string) error {
	return s.around("CloseIntent", func() error { return s.Store.CloseIntent(ctx, lease, id) })
}

func (s *watchedStore) AddMarks(ctx context.Context, link string, marks []tandem.Mark) error {
	return s.around("AddMarks", func() error { return s.Store.AddMarks(ctx, link, marks) })
}

func (s *watchedStore) SetHalt(ctx context.Context, lease tandem.Lease, link string, halt tandem.Halt, keys []tandem.Key) error {
	return s.around("SetHalt", func() error { return s.Store.SetHalt(ctx, lease, link, halt, keys) })
}

func (s *watchedStore) ClearApproval(ctx context.Context, lease tandem.Lease, link string) error {
	return s.around("ClearApproval", func() error { return s.Store.ClearApproval(ctx, lease, link) })
}

func (s *watchedStore) ReplaceSheetProblems(ctx context.Context, lease tandem.Lease, link string, problems []tandem.RowError) error {
	return s.around("ReplaceSheetProblems", func() error { return s.Store.ReplaceSheetProblems(ctx, lease, link, problems) })
}

func (s *watchedStore) FinishOperation(ctx context.Context, lease tandem.Lease, operation tandem.Operation, state tandem.State) error {
	return s.around("FinishOperation", func() error { return s.Store.FinishOperation(ctx, lease, operation, state) })
}

func (s *watchedStore) DiscardBaselines(ctx context.Context, lease tandem.Lease, link string) error {
	return s.around("DiscardBaselines", func() error { return s.Store.DiscardBaselines(ctx, lease, link) })
}

func (s *watchedStore) around(where string, call func() error) error {
	_, err := around(&s.w.wires, where, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// watchedTable is a table as a worker sees it.
type watchedTable struct {
	*store.Table
	w *world
}

func (t *watchedTable) Commit(ctx context.Context, lease tandem.Lease, commit tandem.Commit) ([]tandem.Applied, error) {
	writes := 0
	for i := range commit.Settlements {
		if commit.Settlements[i].Write != nil {
			writes++
		}
	}
	where := fmt.Sprintf("Commit of %d rows", len(commit.Settlements))
	if writes > 0 {
		where += fmt.Sprintf(", %d written", writes)
	}
	return around(&t.w.wires, where, func() ([]tandem.Applied, error) { return t.Table.Commit(ctx, lease, commit) })
}

func (t *watchedTable) Scan(ctx context.Context, after tandem.Key, limit int) ([]tandem.Row, error) {
	return around(&t.w.wires, "table Scan", func() ([]tandem.Row, error) { return t.Table.Scan(ctx, after, limit) })
}

func (t *watchedTable) Get(ctx context.Context, keys []tandem.Key) ([]tandem.Row, error) {
	return around(&t.w.wires, "table Get", func() ([]tandem.Row, error) { return t.Table.Get(ctx, keys) })
}

func (t *watchedTable) Marks(ctx context.Context, limit int) ([]tandem.Mark, error) {
	return around(&t.w.wires, "table Marks", func() ([]tandem.Mark, error) { return t.Table.Marks(ctx, limit) })
}

var _ engine.Store = (*watchedStore)(nil)
