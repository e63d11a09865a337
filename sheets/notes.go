package sheets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tandem-sync/tandem"
)

const (
	// noteLimit is how many row errors a tab shows at once; a sheet that is red all over helps nobody.
	noteLimit = 500
	// clearLimit is how many cells one batch clears of notes. What is left goes the next time.
	clearLimit = 1000
)

// PrepareNotes reads the cells concerned and returns the batch that makes the tab show want, given that it was last known
// to show shown, with what it shows then; the batch is nil when it does already. What next says must be stored before the
// batch is sent, and also where there is none: a crash at any point is then healed by the next PrepareNotes. Until a note is
// seen to be gone it stays in next, which alone knows the colour that the cell had.
//
// Left out of next are notes that are not shown: on cells that have a note of a person's or that are protected from us, on
// rows and columns that are not in the tab, and row errors beyond the first 500. Notes of ours that stand where neither
// list has them are taken away, their colours too.
//
// With both lists empty it makes no call. Else it makes one read, of up to 90 blocks of rows at a time, where the tab shows
// want already, and up to two more where it does not. Only a call that returns no batch proves that the tab shows next: a
// caller may remember that, and need not call again for the same notes while it does.
func (t *Tab) PrepareNotes(ctx context.Context, shown, want []tandem.Note) (batch []byte, next []tandem.Note, err error) {
	if len(shown) == 0 && len(want) == 0 {
		return nil, nil, nil
	}
	p := &notePlan{t: t, shown: shown, want: want}
	if err := p.prepare(ctx); err != nil {
		return nil, nil, fmt.Errorf("prepare notes on tab %q: %w", t.title(), err)
	}
	if len(p.ops) == 0 {
		return nil, p.next, nil
	}
	batch, err = json.Marshal(p.batch())
	if err != nil {
		return nil, nil, fmt.Errorf("encode notes: %w", err)
	}
	return batch, p.next, nil
}

// prepare reads until what was read fits together, and decides what is to be written.
func (p *notePlan) prepare(ctx context.Context) error {
	t := p.t
	if size, image := t.sizes(); size.columns == 0 || image == nil {
		if _, err := t.locate(ctx); err != nil {
			return err
		}
	}
	p.known = t.remembered()
	all := p.takesAway() // notes may stand anywhere: people sort and copy
	for try := 0; try < readTries; {
		var err error
		if p.known == nil || p.moved {
			p.known, err = t.freshReading(ctx)
			p.moved, p.fresh = false, true
		}
		if err == nil {
			err = p.read(ctx, all)
		}
		switch {
		case errors.Is(err, errTorn):
			p.moved = true
			try++
		case err != nil:
			return err
		case p.decide() && !all:
			all = true
		default:
			return nil
		}
	}
	return tandem.Errorf(tandem.CodeUnavailable, "ROWS_MOVING", "rows keep moving while they are read")
}

// freshReading reads all key cells now.
func (t *Tab) freshReading(ctx context.Context) (*reading, error) {
	if known := t.remembered(); known != nil {
		r, err := t.readKeys(ctx, known.layout)
		if err == nil {
			t.remember(r)
			return r, nil
		}
		if !errors.Is(err, errTorn) {
			return nil, err
		}
	}
	if _, err := t.Scan(ctx); err != nil {
		return nil, err
	}
	if r := t.remembered(); r != nil {
		return r, nil
	}
	return nil, errTorn
}

// SendNotes writes the batch of PrepareNotes in one call, and takes back at once what landed on a wrong row, or on a cell
// whose colour or note changed meanwhile. What was taken back, or refused because the cell is protected, is no error: it is
// for the next PrepareNotes.
func (t *Tab) SendNotes(ctx context.Context, batch []byte) error {
	if len(batch) == 0 {
		return nil
	}
	b := &noteBatch{}
	if err := json.Unmarshal(batch, b); err != nil {
		return fmt.Errorf("decode notes: %w", err)
	}
	if err := t.sendNotes(ctx, b); err != nil {
		return fmt.Errorf("write notes to tab %q: %w", t.title(), err)
	}
	return nil
}
