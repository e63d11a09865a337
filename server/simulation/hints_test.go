package simulation_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// notice is what the script of a spreadsheet says of one edit.
type notice struct {
	Rows []int     `json:"rows"`
	At   time.Time `json:"at"`
	User string    `json:"user"`
}

// lateNotice is on its way.
type lateNotice struct {
	notice
	to        *pair
	signature string
	arrives   time.Time
}

// listen installs the script, which tells of every edit of a person in one call.
func (w *world) listen() {
	w.try(func() error { return w.google.SetHook(book, "http://tandem/hooks/sheets/link", "secret") })
}

// told is where the emulator delivers what the script says.
func (w *world) told(r *http.Request) {
	var said notice
	w.try(func() error { return json.NewDecoder(r.Body).Decode(&said) })
	w.lastTold = said
}

// edit lets a person do something in the sheet. The script says so, sometimes: its calls get lost, arrive late and more than
// once, and rows may have moved meanwhile.
func (w *pair) edit(e emulator.Edit) {
	err := w.google.Edit(book, e)
	text, _ := json.Marshal(e)
	w.note("person %s%s", text, refused(err))
	if err != nil || !w.when("hints", 60) {
		return
	}
	said := w.lastTold
	switch n := w.r.IntN(20); {
	case n == 0:
		said.Rows = []int{w.r.IntN(40) + 1, w.r.IntN(40) + 1} // as many as if the rows had moved
	case n == 1:
		said.Rows = nil
	case n == 2:
		said.At = time.Time{}
	}
	for range 1 + w.r.IntN(5)/4 {
		w.serial++
		late := lateNotice{notice: said, to: w, signature: fmt.Sprintf("signature %d", w.serial), arrives: w.now()}
		if w.chance(30) {
			late.arrives = w.now().Add(time.Duration(w.r.IntN(40)) * time.Second)
		}
		w.notices = append(w.notices, late)
	}
	w.takeNotices(false)
}

// takeNotices takes in the hints that have arrived, or all of them.
func (w *world) takeNotices(all bool) {
	var waiting []lateNotice
	for _, n := range w.notices {
		if !all && n.arrives.After(w.now()) {
			waiting = append(waiting, n)
			continue
		}
		mark := tandem.Mark{Source: tandem.Sheet, At: n.At, Cause: tandem.CauseSheet, Actor: n.User, Rows: n.Rows}
		for again := range 1 + w.r.IntN(6)/5 {
			var fresh bool
			w.try(func() (err error) {
				fresh, err = w.store.AddHint(w.t.Context(), n.to.id, n.signature, mark)
				return err
			})
			if fresh != (again == 0) {
				w.fail("a hint that came %d times before was fresh: %v", again, fresh)
			}
		}
		w.note("hint for %s: rows %v of %s", n.to.id, n.Rows, n.At.UTC().Format("15:04:05.000"))
	}
	w.notices = waiting
}
