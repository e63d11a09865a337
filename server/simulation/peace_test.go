package simulation_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// endInPeace ends all trouble: faults stop, late calls arrive, people put right what only they can, and the workers get
// the time they need.
func (w *world) endInPeace() {
	w.stepNumber = 999
	w.peace = true
	w.wires.deliverLate()
	w.note("peace: %s", w.show())
	for round := range 12 {
		w.rest(8)
		before, state := w.look(), w.link().State
		w.putRight(before)
		after := w.look()
		w.learn(before, after)
		if round > 0 && pictureText(before.sheet) == pictureText(after.sheet) && state == tandem.StateActive && w.allAnswered() {
			return
		}
		w.tick(time.Millisecond)
	}
}

func (w *world) allAnswered() bool {
	return !slices.ContainsFunc(w.wanted, func(x *wantedWrite) bool { return !x.done })
}

// rest lets the workers work for a while.
func (w *world) rest(rounds int) {
	for n := range rounds {
		w.tick(4 * time.Second)
		w.work(n % 2)
		w.lookAtWrites()
	}
}

// putRight does what a person is asked to do: answer halts, remove rows without a key or of a key that stands twice,
// and replace cells that cannot be carried over.
func (w *world) putRight(p *picture) {
	switch link := w.link(); link.State {
	case tandem.StateHalted:
		w.actHalt(w.chance(50))
	case tandem.StateNew, tandem.StatePaused:
		if pending, _ := w.store.PendingOperation(w.t.Context(), linkID); pending == nil {
			w.startSync(tandem.SyncRequest{})
		}
	}
	for _, name := range w.names {
		if p.at(name) < 0 {
			w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.title, A1: letter(len(p.header)) + "1", Input: name}})
			return
		}
	}
	remove := map[int]bool{}
	seenKeys := map[tandem.Key]bool{}
	for _, row := range p.sheet {
		if row.key == "" || seenKeys[row.key] {
			remove[row.position] = true
		}
		seenKeys[row.key] = true
	}
	errs, _, err := w.store.RowErrors(w.t.Context(), linkID, "", 1000)
	w.try(func() error { return err })
	wrong := map[tandem.Key]bool{}
	for _, e := range errs {
		wrong[e.Key] = true
	}
	for _, row := range p.sheet {
		if wrong[row.key] && row.key != "" && !remove[row.position] {
			w.note("row error: %s", messages(errs, row.key))
			for i := w.keys; i < len(w.names); i++ {
				w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.title, A1: fmt.Sprintf("%s%d", letter(p.at(w.names[i])), row.position), Input: w.typed(i)}})
			}
		}
	}
	positions := []int{}
	for position := range remove {
		positions = append(positions, position)
	}
	sort.Sort(sort.Reverse(sort.IntSlice(positions)))
	for _, position := range positions {
		w.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: p.title, Start: position, Count: 1}})
	}
}

func messages(errs []tandem.RowError, key tandem.Key) string {
	var texts []string
	for _, e := range errs {
		if e.Key == key {
			texts = append(texts, fmt.Sprintf("%s %s %s", e.Key, e.Column, e.Message))
		}
	}
	return strings.Join(texts, "; ")
}

// pictureText is one side's linked cells, by key.
func pictureText(rows []seen) string {
	var lines []string
	for _, row := range rows {
		lines = append(lines, rowText(row))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func rowText(row seen) string {
	var texts []string
	for _, value := range row.values {
		text := value.Text()
		if value.IsInvalid() {
			text = "!" + text
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "|")
}

func (w *world) show() string {
	p := w.look()
	return fmt.Sprintf("state %s\n  table:\n    %s\n  sheet:\n    %s", w.link().State, strings.ReplaceAll(pictureText(p.table), "\n", "\n    "),
		strings.ReplaceAll(pictureText(p.sheet), "\n", "\n    "))
}
