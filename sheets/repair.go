package sheets

import (
	"context"
	"errors"
	"fmt"
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// repairTries is how often strays are put back before it is left to a later Settle.
const repairTries = 12

// repair puts back what strays wrote over. Each round reads the tab as it is now, so a round whose answer was lost, or
// that another process did already, finds nothing left to do. What a person changed after the accident is left alone.
//
// A repair is guarded as any write is, and stored before it is sent. Its own images stand below those of the accident, which
// stay readable until the next batch: a crash in between loses nothing.
func (t *Tab) repair(ctx context.Context, b *Batch, strays []stray) error {
	strays, made, err := t.replay(ctx, b, strays)
	if err != nil {
		return fmt.Errorf("%w: put back what was written astray: %w", ErrUnknownOutcome, err)
	}
	for range repairTries {
		now, err := t.current(ctx)
		if errors.Is(err, errTorn) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: put back what was written astray: %w", ErrUnknownOutcome, err)
		}
		fix := &Batch{ID: fmt.Sprintf("%s/repair/%d/%d", b.ID, t.client.opt.Now().UnixNano(), len(b.Repairs)), Header: b.Header,
			Width: max(now.width+spare, b.Width), Rows: now.rows, Offset: b.imageSize().rows * (made + 1)}
		now.plan(fix, strays)
		if len(fix.Ops) == 0 {
			return nil
		}
		if err := t.record(ctx, b, fix); err != nil {
			return fmt.Errorf("%w: put back what was written astray: %w", ErrUnknownOutcome, err)
		}
		images, err := t.postRepair(ctx, fix)
		if err != nil {
			return fmt.Errorf("%w: put back what was written astray: %w", ErrUnknownOutcome, err)
		}
		if images == nil {
			continue
		}
		if made++; made == 1 && len(t.strays(fix, images)) == 0 {
			return nil
		}
		strays = t.after(fix, images, strays, made)
	}
	return fmt.Errorf("%w: rows keep moving while what was written astray is put back", ErrUnknownOutcome)
}

// postRepair sends a repair and returns the images of where it landed: nil when it certainly took no effect. A repair
// whose reply is lost must not arrive later, over what the next round does.
func (t *Tab) postRepair(ctx context.Context, fix *Batch) (*gridCells, error) {
	images, _, err := t.post(ctx, fix, nil)
	if err == nil {
		return images, nil
	}
	if isProtected(err) {
		return nil, t.failed(err, "write to tab %q", t.title())
	}
	if !errors.Is(err, ErrUnknownOutcome) {
		_, err := t.locate(ctx)
		return nil, err
	}
	took, err := t.took(ctx, fix)
	if err != nil || !took {
		return nil, err
	}
	return t.readImages(ctx, fix)
}

// left returns the strays that fix did not undo: those that it took no op for, and those whose op went astray itself.
func left(strays []stray, fix *Batch, more []stray) []stray {
	done := map[int]bool{}
	for i := range fix.Ops {
		done[fix.Ops[i].undoes] = true
	}
	for i := range more {
		done[more[i].what().undoes] = false
	}
	var kept []stray
	for i := range strays {
		if !done[i] {
			kept = append(kept, strays[i])
		}
	}
	return kept
}

// claims are cells that an op of the repair undoes already: a cell shows what one accident wrote, never what two did.
type claims map[place]bool

func (c claims) row(row int, o *op) {
	for _, cell := range o.Cells {
		c[place{row, cell.At}] = true
	}
}

func (c claims) has(now *current, s *stray, row int) bool {
	for _, cell := range s.what().Cells {
		if c[place{row, now.column(s, cell.At)}] {
			return true
		}
	}
	return false
}

// plan fills fix with what undoes strays, leaving out what is undone already.
func (now *current) plan(fix *Batch, strays []stray) {
	taken := claims{}
	order := make([]int, len(strays))
	for i := range order {
		order[i] = i
	}
	// The last writer first: what a cell shows is what that one wrote.
	slices.SortStableFunc(order, func(x, y int) int { return strays[y].round - strays[x].round })
	for _, i := range order {
		s, had := &strays[i], len(fix.Ops)
		switch s.what().Kind {
		case tandem.Update:
			now.undoUpdate(fix, s, taken)
		case tandem.Delete:
			now.undoDelete(fix, s, strays)
		case tandem.Insert, restore:
			now.undoInsert(fix, s, strays, taken)
		}
		if len(fix.Ops) > had {
			fix.Ops[had].undoes, fix.Ops[had].undid = i, s.what()
		}
		if now.keys != nil {
			continue
		}
		for _, at := range s.keys() {
			if k := now.column(s, at); !slices.Contains(fix.Keys, k) {
				fix.Keys = append(fix.Keys, k)
			}
		}
	}
	if now.keys != nil {
		fix.Keys = now.keys
	}
	now.planColumns(fix)
}

// planColumns says which columns the batch depends on, and what stands in the key cells of each row that it touches.
func (now *current) planColumns(fix *Batch) {
	used := map[int]bool{}
	for _, k := range fix.Keys {
		used[k] = true
	}
	for i := range fix.Ops {
		o := &fix.Ops[i]
		for _, cell := range o.Cells {
			used[cell.At] = true
		}
		for _, at := range o.formulas {
			used[at] = true
		}
		o.KeyCells = nil
		for _, k := range fix.Keys {
			if o.Kind != restore {
				c := now.cell(o.Row, k)
				o.KeyCells = append(o.KeyCells, shownValue(c))
				fix.Copied = fix.Copied || isFormula(c)
			}
		}
		if o.Kind == tandem.Delete || o.Kind == tandem.Update && isBlankKey(o.KeyCells) {
			o.Holds = now.holding(o)
		}
		for _, cell := range o.Holds {
			// A row goes wherever its columns stand, so these have to be found again.
			used[cell.At] = used[cell.At] || o.Kind == tandem.Delete && cell.At < len(now.headers) && now.headers[cell.At] != ""
		}
	}
	for at := range used {
		if used[at] && at < len(now.headers) {
			fix.Columns = append(fix.Columns, heading{at, now.headers[at]})
		}
	}
	slices.SortFunc(fix.Columns, func(x, y heading) int { return x.At - y.At })
}

func isBlankKey(cells []*api.ExtendedValue) bool {
	return !slices.ContainsFunc(cells, func(c *api.ExtendedValue) bool { return !sameContent(c, nil) })
}

// holding is what a row holds beside the cells that are written: it tells a row that shows no key, and that nobody typed
// into a row that is about to go. What a formula elsewhere put there is left out.
func (now *current) holding(o *op) []cell {
	written := map[int]bool{}
	for _, c := range o.Cells {
		written[c.At] = true
	}
	var cells []cell
	for at := range now.width {
		if c := now.cell(o.Row, at); !written[at] && (entered(c) != nil || !isFormula(c)) {
			cells = append(cells, cell{At: at, Old: entered(c)})
		}
	}
	return cells
}
