package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// wires are the places where a worker meets the world: every call of Google and every call of the store. What is armed
// happens at the n-th place from now.
type wires struct {
	w       *world
	running *process
	armed   []armed
	at      int                        // places passed since something was armed
	off     bool                       // while somebody acts at a place
	aim     map[string][]tandem.Change // by link: what is about to be written
	late    []lateCall

	calls   int
	minutes map[int64]int
	// writes are the calls that wrote, but for those that only said on a header when both sides were last equal.
	writes int

	// passed counts the places of the whole run. At the place crashAt a worker crashes, before or after the call.
	passed, crashAt int
	crashAfter      bool
}

// armed is something that happens at a place. Faults of calls wait for the next call, those of the store for the next one
// there.
type armed struct {
	place  int
	target string // a part of the place's name: the next such place, whenever a cycle comes by; "" for any
	what   string
	count  int
	skip   int // so many places that fit are passed
}

// lateCall is a write that Google gets after its caller gave up.
type lateCall struct {
	request *http.Request
	body    []byte
}

// due returns what happens at this place.
func (x *wires) due(store bool, where string) string {
	if x.off || x.w.peace || x.running == nil {
		return ""
	}
	if *verbose {
		x.w.note("    | %s: %s", x.running.name, where)
	}
	if x.passed++; x.passed == x.crashAt {
		x.w.note("  crash at %s of %s", where, x.running.name)
		return map[bool]string{false: "crashBefore", true: "crashAfter"}[x.crashAfter]
	}
	x.at++
	for i := range x.armed {
		a := &x.armed[i]
		if x.at < a.place || a.count == 0 || !strings.Contains(where, a.target) || !fits(a.what, store, where) {
			continue
		}
		if a.skip > 0 {
			a.skip--
			continue
		}
		a.count--
		x.w.note("  %s at %s of %s", a.what, where, x.running.name)
		return a.what
	}
	return ""
}

func fits(what string, store bool, where string) bool {
	switch what {
	case "act", "disturb", "slow", "holdUp", "lapse", "lapseAfter", "dies", "crashBefore", "crashAfter", "cancel":
		return true
	case "storeBefore", "storeAfter":
		return store
	case "late", "twice":
		return !store && strings.Contains(where, "metadata")
	case "empty", "half", "cut":
		return !store && strings.HasPrefix(where, "GET /values")
	}
	return !store
}

// before is what happens at a place ahead of the call.
func (x *wires) before(store bool, what, where string) {
	p := x.running
	switch what {
	case "act", "disturb":
		x.off = true
		defer func() { x.off = false }()
		if what == "act" {
			x.w.act()
		} else {
			x.disturb(store)
		}
	case "cancel":
		p.cancel()
	case "slow":
		x.w.tick(time.Duration(1+x.w.r.IntN(60)) * 1001 * time.Millisecond)
	case "crashBefore":
		panic(crashed{where})
	case "holdUp", "lapse", "dies":
		p.cut.Store(what != "holdUp")
		p.dies = what == "dies"
		x.lapse(what)
		p.holdUp(where)
	}
}

// disturb does something beside the worker: to what it is about to write, if that is known, to the table ahead of a write to
// the table and to the sheet ahead of one to the sheet.
func (x *wires) disturb(table bool) {
	for _, pair := range x.w.pairs {
		if changes := x.aim[pair.id]; len(changes) > 0 && x.w.chance(60) {
			pair.disturbRow(&changes[x.w.r.IntN(len(changes))], table)
			return
		}
	}
	x.w.anyPair().disturb()
}

// after is what happens at a place once the call was made.
func (x *wires) after(what, where string) {
	switch p := x.running; what {
	case "crashAfter":
		panic(crashed{where})
	case "lapseAfter":
		p.cut.Store(true)
		x.lapse(what)
		p.holdUp(where)
	}
}

// lapse lets leases run out that are not renewed, so that the other worker has a chance to take over at once.
func (x *wires) lapse(what string) {
	if what != "holdUp" && x.w.chance(70) {
		x.w.tick(leaseTime + 1003*time.Millisecond)
	}
}

// around does one call of the store with whatever is armed for it.
func around[T any](x *wires, where string, call func() (T, error)) (result T, err error) {
	if x.running != nil {
		x.w.tick(time.Millisecond)
	}
	what := x.due(true, where)
	x.before(true, what, where)
	if what == "storeBefore" {
		return result, errors.New("the database does not answer")
	}
	result, err = call()
	x.after(what, where)
	if what == "storeAfter" {
		var none T
		return none, errors.New("the connection to the database broke")
	}
	return result, err
}

// wire is the way of a worker's calls to Google.
type wire struct {
	w *world
	p *process
}

// RoundTrip makes a call, or does what is armed instead.
func (c *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	x := &c.w.wires
	c.w.tick(30 * time.Millisecond)
	x.calls++
	if x.minutes == nil {
		x.minutes = map[int64]int{}
	}
	x.minutes[c.w.now().Unix()/60]++
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if r.Method != http.MethodGet && !bytes.Contains(body, []byte("Tandem: Equal to")) {
		x.writes++
	}
	where := placeOf(r, body)
	if *verbose && r.Method != http.MethodGet {
		c.w.note("    | %s writes %s", c.p.name, body)
	}
	what := x.due(false, where)
	x.before(false, what, where)
	switch what {
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
	}
	response, err := c.w.google.Transport().RoundTrip(r)
	x.after(what, where)
	switch what {
	case "twice":
		x.late = append(x.late, lateCall{r.Clone(context.Background()), body})
	case "empty", "half", "cut":
		spoil(response, what)
	}
	return response, err
}

func placeOf(r *http.Request, body []byte) string {
	where := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v4/spreadsheets/"+book)
	where = strings.TrimRight(where, "0123456789") // ids of operations are random
	if bytes.Contains(body, []byte("createDeveloperMetadata")) {
		where += " with metadata"
	}
	return where
}

// spoil makes a good answer to a read one without values, or one that ends in the middle.
func spoil(response *http.Response, how string) {
	if response == nil || response.StatusCode != http.StatusOK {
		return
	}
	body, _ := io.ReadAll(response.Body)
	response.Body.Close()
	var answer map[string]any
	switch {
	case how == "cut":
		body = body[:len(body)/2]
	case how == "half":
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), brokenReader{}))
		return
	case json.Unmarshal(body, &answer) == nil:
		delete(answer, "values")
		if ranges, ok := answer["valueRanges"].([]any); ok {
			for _, part := range ranges {
				delete(part.(map[string]any), "values")
			}
		}
		body, _ = json.Marshal(answer)
	}
	response.ContentLength = int64(len(body))
	response.Body = io.NopCloser(bytes.NewReader(body))
}

// brokenReader is a connection that breaks in the middle of an answer.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
