package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// wires are the places where a worker meets the world: every call of Google and every call of the store. What is armed
// happens at the n-th place from now.
type wires struct {
	w       *world
	running *process
	armed   []armed
	at      int  // places passed since something was armed
	off     bool // while somebody acts at a place
	late    []lateCall

	calls   int
	minutes map[int64]int
}

// armed is something that happens at a place. Faults of calls wait for the next call, those of the store for the next one
// there.
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

// troubles are all that can go wrong at a place, by the feature that brings it.
var troubles = []struct{ feature, what string }{
	{"google", "before"}, {"google", "after"}, {"google", "drop"}, {"google", "dropAfter"}, {"google", "429"}, {"google", "500"}, {"google", "403"},
	{"late", "late"}, {"late", "late"}, {"late", "twice"}, {"late", "twice"}, {"empty", "empty"}, {"empty", "half"}, {"empty", "cut"},
	{"disturb", "act"}, {"disturb", "disturb"}, {"disturb", "disturb"}, {"disturb", "disturb"},
	{"holdups", "slow"}, {"holdups", "holdUp"}, {"holdups", "lapse"}, {"holdups", "lapse"}, {"holdups", "lapseAfter"}, {"holdups", "dies"},
	{"crashes", "crashBefore"}, {"crashes", "crashAfter"}, {"crashes", "crashBefore"}, {"crashes", "crashAfter"}, {"crashes", "cancel"},
	{"store", "storeBefore"}, {"store", "storeBefore"}, {"store", "storeAfter"}, {"store", "storeAfter"},
}

// trouble draws one of those that the run's mix has.
func (w *world) trouble() string {
	var kinds []string
	for _, trouble := range troubles {
		if w.mix[trouble.feature] {
			kinds = append(kinds, trouble.what)
		}
	}
	if len(kinds) == 0 {
		return ""
	}
	return kinds[w.r.IntN(len(kinds))]
}

// due returns what happens at this place.
func (x *wires) due(store bool, where string) string {
	if x.off || x.w.peace || x.running == nil {
		return ""
	}
	x.at++
	for i := range x.armed {
		a := &x.armed[i]
		if x.at < a.place || a.count == 0 || !strings.Contains(where, a.target) || !fits(a.what, store, where) {
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
func (x *wires) before(what, where string) {
	p := x.running
	switch what {
	case "act", "disturb":
		x.off = true
		defer func() { x.off = false }()
		if what == "act" {
			x.w.act()
		} else {
			x.w.anyPair().disturb()
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
	x.before(what, where)
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
	where := placeOf(r, body)
	if *verbose && r.Method != http.MethodGet {
		c.w.note("    | %s calls %s %s", c.p.name, where, body)
	}
	what := x.due(false, where)
	x.before(what, where)
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

// deliverLate lets calls arrive that their callers gave up.
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

// moments are places around a write: they get troubles of their own.
var moments = []string{"with metadata", "with metadata", "with metadata", "written", "written", "OpenIntent", "CloseIntent", "AddMarks",
	"developerMetadata", "Commit of 0 rows", "Intents", "Claim", "TypedRows", "SetHalt", "SaveProgress", "ClearApproval", "Marks"}

// armSomething decides what goes wrong in the cycle that comes.
func (w *world) armSomething() {
	x := &w.wires
	x.armed, x.at = slices.DeleteFunc(x.armed, func(a armed) bool { return a.count == 0 || a.target == "" }), 0
	if len(x.armed) < 2 && w.chance(60) {
		a := armed{target: moments[w.r.IntN(len(moments))], what: "disturb", count: 1}
		if !w.mix["disturb"] || w.chance(60) {
			a.what = w.trouble()
		}
		x.armed = append(x.armed, a)
	}
	for w.chance(30) {
		a := armed{place: 1 + w.r.IntN(40), what: w.trouble(), count: 1}
		if w.chance(10) && (a.what == "before" || a.what == "429" || a.what == "drop" || a.what == "storeBefore") {
			a.count = 2 + w.r.IntN(12)
		}
		x.armed = append(x.armed, a)
	}
	if len(x.late) > 0 && w.chance(50) {
		x.deliverLate()
	}
}
