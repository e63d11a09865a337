package simulation_test

import (
	"math/rand/v2"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

// drive is who asks Drive which files changed: late, and away for a while now and then. While it is there, no tab is read in
// its turn. It draws by itself, so that seeds go the same way with and without it up to where it matters.
type drive struct {
	r     *rand.Rand
	there bool
	token string
	marks map[string][]int64
}

func (w *world) newDrive(seed uint64) {
	w.drive = drive{r: rand.New(rand.NewPCG(seed, 47))}
	if *only == "" && w.drive.r.IntN(100) < 40 {
		w.mix["drive"] = true // Drive tells of changes
	}
}

// watched is what workers are told.
func (w *world) watched(*tandem.Link) bool { return w.drive.there }

// askDrive has the tabs looked at that Drive lists. In peace it does so each time, and does not go away any more.
func (w *world) askDrive() {
	if !w.mix["drive"] {
		return
	}
	d := &w.drive
	switch {
	case w.peace:
	case d.there && d.r.IntN(100) < 10:
		d.there = false
		w.note("drive is watched no more")
		return
	case d.r.IntN(100) < 40:
		return
	}
	w.try(func() (err error) {
		var changes []sheets.FileChange
		if d.token == "" {
			if d.token, err = w.eyes.ChangesStart(w.t.Context()); err != nil {
				return err
			}
			changes = []sheets.FileChange{{ID: book}}
		} else if changes, d.token, err = w.eyes.Changes(w.t.Context(), d.token); err != nil {
			return err
		}
		for range changes {
			var links []string
			for _, pair := range w.pairs {
				links = append(links, pair.id)
			}
			d.marks, err = w.store.MarkTabs(w.t.Context(), links, d.marks)
			w.note("drive lists the spreadsheet: %v", d.marks)
		}
		d.there = true
		return err
	})
}
