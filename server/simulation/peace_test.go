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
	w.takeNotices(true)
	held := slices.Clone(w.workers[:])
	for waits := true; waits; { // in turn: one may wait for what the other holds
		waits = false
		for which, p := range held {
			if p.held && w.workers[which] == p {
				waits = true
				w.work(which)
			}
		}
	}
	w.onDuty = [][]int{{0, 1}, {0}, {1}}[w.r.IntN(3)] // what the other one remembers is of no use then
	w.note("peace, with workers %v: %s", w.onDuty, w.show())
	for round := range 16 {
		w.rest(8)
		quiet := round > 0
		for _, pair := range w.pairs {
			quiet = pair.putRight(round) && quiet
		}
		if quiet {
			return
		}
		w.tick(time.Millisecond)
	}
}

// rest lets the workers work for a while.
func (w *world) rest(rounds int) {
	for n := range rounds {
		w.tick(4 * time.Second)
		w.askDrive()
		w.work(w.onDuty[n%len(w.onDuty)])
		w.lookAtWrites()
	}
}

func (w *pair) allAnswered() bool {
	return !slices.ContainsFunc(w.wanted, func(x *wantedWrite) bool { return !x.done })
}

// putRight does what people are asked to do. It reports whether nothing was left to do.
func (w *pair) putRight(round int) bool {
	before, state := w.look(), w.state()
	asked, err := w.store.ConflictKeys(w.t.Context(), w.id)
	w.try(func() error { return err })
	if len(asked) > 0 {
		w.decideConflicts(true)
	}
	w.answer(state)
	mended := w.mend(before, round)
	after := w.look()
	w.learn(before, after)
	return !mended && pictureText(before.sheet) == pictureText(after.sheet) && state == tandem.StateActive && len(asked) == 0 && w.allAnswered()
}

// answer answers a halt, and lets a link go on that was stopped.
func (w *pair) answer(state tandem.State) {
	switch state {
	case tandem.StateHalted:
		w.actHalt(w.chance(50))
	case tandem.StatePaused:
		w.goOn()
	case tandem.StateNew:
		if pending, _ := w.store.PendingOperation(w.t.Context(), w.id); pending == nil {
			w.startSync(tandem.SyncRequest{})
		}
	}
}

// mend puts headers back, removes rows without a key that the worker could not give one, and of a key that stands twice, and
// replaces cells that cannot be carried over. It reports whether anything was amiss.
func (w *pair) mend(p *picture, round int) bool {
	for _, name := range w.names {
		if p.at(name) < 0 {
			w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.title, A1: letter(len(p.header)) + "1", Input: name}})
			return true
		}
	}
	remove, keyless := map[int]bool{}, false
	seenKeys := map[tandem.Key]bool{}
	for _, row := range p.sheet {
		if row.key == "" && (w.keyKind > 0 || round > 2) || row.key != "" && seenKeys[row.key] {
			remove[row.position] = true
		}
		seenKeys[row.key] = true
		keyless = keyless || row.key == ""
	}
	errs, _, err := w.store.RowErrors(w.t.Context(), w.id, "", 1000)
	w.try(func() error { return err })
	wrong := map[tandem.Key]bool{}
	renamed := false // whether an error is about a row that has another key in the sheet by now
	for _, e := range errs {
		wrong[e.Key] = true
		renamed = renamed || e.Key != "" && !seenKeys[e.Key]
	}
	tables := map[tandem.Key]bool{}
	for _, row := range p.table {
		tables[row.key] = true
	}
	for _, row := range p.sheet {
		if (wrong[row.key] || renamed && !tables[row.key]) && row.key != "" && !remove[row.position] {
			w.note("row error: %s", messages(errs, row.key))
			for i := w.keys; i < len(w.names); i++ {
				w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.title, A1: fmt.Sprintf("%s%d", letter(p.at(w.names[i])), row.position), Input: w.typedFully(i)}})
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
	return keyless || len(remove)+len(errs) > 0
}

// typedFully is a value that is not empty: empty cells are removals, at which the guard may halt once more.
func (w *pair) typedFully(column int) string {
	for {
		if text := w.typed(column); text != "" {
			return text
		}
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

func (w *pair) show() string {
	p := w.look()
	return fmt.Sprintf("%s is %s\n  table:\n    %s\n  sheet:\n    %s", w.id, w.state(), strings.ReplaceAll(pictureText(p.table), "\n", "\n    "),
		strings.ReplaceAll(pictureText(p.sheet), "\n", "\n    "))
}
