package simulation_test

import (
	"bytes"
	"io"
	"slices"
)

// troubles are all that can go wrong at a place, by the feature that brings it.
var troubles = []struct{ feature, what string }{
	{"google", "before"}, {"google", "after"}, {"google", "drop"}, {"google", "dropAfter"}, {"google", "429"}, {"google", "500"}, {"google", "403"},
	{"late", "late"}, {"late", "late"}, {"late", "twice"}, {"late", "twice"}, {"empty", "empty"}, {"empty", "empty"}, {"empty", "empty"}, {"empty", "half"}, {"empty", "cut"},
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
var moments = []string{"with metadata", "with metadata", "with metadata", "written", "written", "written", "written", "OpenIntent", "CloseIntent", "AddMarks",
	"developerMetadata", "Commit of 0 rows", "Intents", "Claim", "TypedRows", "SetHalt", "SaveProgress", "ClearApproval", "Marks",
	"GET /values", "GET /values"}

// armSomething decides what goes wrong in the cycle that comes.
func (w *world) armSomething() {
	x := &w.wires
	x.armed, x.at = slices.DeleteFunc(x.armed, func(a armed) bool { return a.count == 0 || a.target == "" }), 0
	if len(x.armed) < 2 && w.chance(60) {
		a := armed{target: moments[w.r.IntN(len(moments))], what: "disturb", count: 1}
		if !w.mix["disturb"] || w.chance(60) {
			a.what = w.trouble()
		}
		if a.target == "GET /values" {
			a.skip = w.r.IntN(2) // between two reads of the tab, too
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
