package sheets

import (
	"context"
	"encoding/json"
	"fmt"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// Repair is a batch that puts back what another one wrote astray, as it is stored before it is sent: whoever settles that one
// after a crash has to know what was done to the tab since.
type Repair struct {
	Batch *Batch      `json:"batch"`
	Ops   []repairing `json:"ops"` // aligned with the batch's ops
}

// repairing is what only ops of repairs have.
type repairing struct {
	Undoes   int             `json:"undoes"`
	Image    int             `json:"image,omitempty"`
	Moved    [][3]int        `json:"moved,omitempty"` // from the first column to the one before the second, to the third
	Formulas []int           `json:"formulas,omitempty"`
	Texts    map[int]string  `json:"texts,omitempty"`
	Cells    []repairingCell `json:"cells,omitempty"`
}

type repairingCell struct {
	Number *api.NumberFormat `json:"number,omitempty"`
	Unset  bool              `json:"unset,omitempty"`
	Paste  *[2]int           `json:"paste,omitempty"` // row and column
	Text   string            `json:"text,omitempty"`
}

func newRepair(fix *Batch) Repair {
	r := Repair{Batch: fix, Ops: make([]repairing, len(fix.Ops))}
	for i := range fix.Ops {
		o := &fix.Ops[i]
		to := repairing{Undoes: o.undoes, Image: o.image, Formulas: o.formulas, Texts: o.texts}
		for _, m := range o.moved {
			to.Moved = append(to.Moved, [3]int{m.from.first, m.from.end, m.to})
		}
		for _, c := range o.Cells {
			kept := repairingCell{Number: c.number, Unset: c.unset, Text: c.text}
			if c.paste != nil {
				kept.Paste = &[2]int{c.paste.row, c.paste.column}
			}
			to.Cells = append(to.Cells, kept)
		}
		r.Ops[i] = to
	}
	return r
}

// batch returns the repair as it was when it was sent, in terms of the strays that it was made for; nil when it is not theirs.
func (r *Repair) batch(strays []stray) *Batch {
	fix := *r.Batch
	fix.Ops = make([]op, len(r.Batch.Ops))
	if len(r.Ops) != len(fix.Ops) {
		return nil
	}
	for i := range fix.Ops {
		o, from := r.Batch.Ops[i], &r.Ops[i]
		if from.Undoes < 0 || from.Undoes >= len(strays) || len(from.Cells) != len(o.Cells) {
			return nil
		}
		o.undoes, o.undid, o.image, o.formulas, o.texts = from.Undoes, strays[from.Undoes].what(), from.Image, from.Formulas, from.Texts
		o.moved = nil
		for _, m := range from.Moved {
			o.moved = append(o.moved, move{span{m[0], m[1]}, m[2]})
		}
		o.Cells = append([]cell(nil), o.Cells...)
		for n := range o.Cells {
			c, kept := &o.Cells[n], &from.Cells[n]
			c.number, c.unset, c.text = kept.Number, kept.Unset, kept.Text
			if kept.Paste != nil {
				c.paste = &place{kept.Paste[0], kept.Paste[1]}
			}
		}
		fix.Ops[i] = o
	}
	return &fix
}

// record stores a repair with the batch that it is for, before it is sent.
func (t *Tab) record(ctx context.Context, b, fix *Batch) error {
	b.Repairs = append(b.Repairs, newRepair(fix))
	whole := b
	if b.whole != nil {
		whole = b.whole
		whole.Repairs = b.Repairs
	}
	stored, err := json.Marshal(whole)
	if err != nil {
		return fmt.Errorf("encode batch: %w", err)
	}
	return tandem.Record(ctx, stored)
}

// replay returns what is astray after the repairs that were sent earlier, by a process that got no further: each undid some of
// the strays, and may have gone astray itself. One that has not arrived never will after this. made is how many did.
func (t *Tab) replay(ctx context.Context, b *Batch, strays []stray) (now []stray, made int, err error) {
	for i := range b.Repairs {
		fix := b.Repairs[i].batch(strays)
		if fix == nil {
			return nil, 0, fmt.Errorf("%w: a repair does not belong to the write that it is stored with", ErrUnknownOutcome)
		}
		took, err := t.took(ctx, fix)
		if err != nil {
			return nil, 0, err
		}
		if !took {
			continue
		}
		made++
		images, err := t.readImages(ctx, fix)
		if err != nil {
			return nil, 0, err
		}
		if images != nil { // else nobody can tell any more
			strays = t.after(fix, images, strays, made)
		}
	}
	return strays, made, nil
}

// after returns the strays that are left when a repair has landed, with those that it made itself.
func (t *Tab) after(fix *Batch, images *gridCells, strays []stray, round int) []stray {
	more := t.strays(fix, images)
	for i := range more {
		more[i].round = round
	}
	// What one accident hid of another shows only in the next round.
	return append(left(strays, fix, more), more...)
}
