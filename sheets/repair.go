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
// A repair is guarded as any write is. Its own images stand below those of the accident, which stay readable until the
// next batch: a crash in between loses nothing.
func (t *Tab) repair(ctx context.Context, b *Batch, strays []stray) error {
	for try := range repairTries {
		now, err := t.current(ctx)
		if errors.Is(err, errTorn) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: put back what was written astray: %w", ErrUnknownOutcome, err)
		}
		fix := &Batch{ID: fmt.Sprintf("%s/repair/%d/%d", b.ID, t.client.opt.Now().UnixNano(), try), Header: b.Header,
			Width: max(now.width+spare, b.Width), Rows: now.rows, Offset: b.imageSize().rows * (try + 1)}
		now.plan(fix, strays)
		if len(fix.Ops) == 0 {
			return nil
		}
		images, err := t.postRepair(ctx, fix)
		if err != nil {
			return fmt.Errorf("%w: put back what was written astray: %w", ErrUnknownOutcome, err)
		}
		if images == nil {
			continue
		}
		more := t.strays(fix, images)
		if len(more) == 0 && try == 0 {
			return nil
		}
		for i := range more {
			more[i].round = try + 1
		}
		// What one accident hid of another shows only in the next round.
		strays = append(left(strays, fix, more), more...)
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
	used, taken := map[int]bool{}, claims{}
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
			now.undoInsert(fix, s, taken)
		}
		if len(fix.Ops) > had {
			fix.Ops[had].undoes = i
		}
		for _, at := range s.batch.Keys {
			if k := now.column(s, at); !used[k] {
				used[k] = true
				fix.Keys = append(fix.Keys, k)
			}
		}
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
	}
	for at := range used {
		if at < len(now.headers) {
			fix.Columns = append(fix.Columns, heading{at, now.headers[at]})
		}
	}
	slices.SortFunc(fix.Columns, func(x, y heading) int { return x.At - y.At })
}

// undoUpdate gives the cells that an update wrote astray what they held before.
func (now *current) undoUpdate(fix *Batch, s *stray, taken claims) {
	o := s.what()
	row := now.find(s, s.after(), s.written(), o.Row, taken)
	if row < 0 {
		return
	}
	back, needed := op{Kind: tandem.Update, Key: o.Key, Row: row}, false
	for _, c := range o.Cells {
		image := s.image(c.At)
		undo := cell{At: now.column(s, c.At), Old: c.New, New: entered(image)}
		if undo.New != nil && undo.New.FormulaValue != nil {
			undo.paste = &place{o.Row + s.batch.Offset, c.At}
		}
		if c.formats() {
			undo.number = numberFormatOf(image)
			undo.unset = undo.number == nil
		}
		needed = needed || !sameContent(undo.Old, undo.New)
		back.Cells = append(back.Cells, undo)
	}
	if needed {
		taken.row(row, &back)
		fix.Ops = append(fix.Ops, back)
	}
}

// undoDelete puts a row back, unless it is there again, or was and a person has deleted it since.
func (now *current) undoDelete(fix *Batch, s *stray, strays []stray) {
	o := s.what()
	cells, keyed, blank := map[int]*api.ExtendedValue{}, false, true
	for _, at := range s.batch.Keys {
		cells[at] = shownValue(s.image(at))
		keyed = keyed || cells[at] != nil
	}
	for at := range s.batch.Width {
		shown := shownValue(s.image(at))
		blank = blank && shown == nil
		if !keyed {
			cells[at] = shown
		}
	}
	if blank || now.find(s, cells, nil, o.Row, nil) >= 0 || keyed && s.putBack(strays) {
		return
	}
	back := op{Kind: restore, Row: now.placeFor(fix, s), image: o.Row + s.batch.Offset}
	for at := 0; at < s.batch.Width && at < len(s.headers); at++ {
		to := now.column(s, at)
		switch c := s.image(at); {
		case isFormula(c) && to < now.width:
			back.formulas = append(back.formulas, to)
		case c != nil && !isFormula(c):
			back.Cells = append(back.Cells, cell{At: to, New: entered(c)})
		}
		if to >= now.width {
			continue
		}
		n := len(back.moved)
		if n > 0 && back.moved[n-1].from.end == at && back.moved[n-1].to+at-back.moved[n-1].from.first == to {
			back.moved[n-1].from.end++
			continue
		}
		back.moved = append(back.moved, move{span{at, at + 1}, to})
	}
	fix.Ops = append(fix.Ops, back)
}

// putBack reports whether a deleted row was put back under its key by a repair that set other cells of it astray. While
// that repair is not undone, nobody but a person can have taken the row away again.
func (s *stray) putBack(strays []stray) bool {
	for i := range strays {
		r := &strays[i]
		if o := r.what(); o.Kind != restore || o.image != s.what().Row+s.batch.Offset {
			continue
		}
		return !slices.ContainsFunc(r.batch.Columns, func(h heading) bool {
			return slices.Contains(r.batch.Keys, h.At) && r.headers[h.At] != h.Header
		})
	}
	return false
}

// placeFor returns where a deleted row stood, as nearly as can be told.
func (now *current) placeFor(fix *Batch, s *stray) int {
	row := s.what().Row
	for i := range s.batch.Ops {
		if o := &s.batch.Ops[i]; o.Kind == tandem.Delete && o.Row < s.what().Row {
			row--
		}
	}
	for i := range fix.Ops {
		if fix.Ops[i].Kind == restore {
			row++
		}
	}
	return min(max(row, now.first), max(now.rows, now.first))
}

// undoInsert deletes a row that was added, or put back, with its cells in the wrong columns, or whose key somebody else
// added too.
func (now *current) undoInsert(fix *Batch, s *stray, taken claims) {
	o := s.what()
	if o.Kind == restore && now.stands(s) {
		return
	}
	row := now.find(s, s.after(), s.written(), -1, taken)
	if row < 0 || len(o.Cells) == 0 {
		return
	}
	gone := op{Kind: tandem.Delete, Key: o.Key, Row: row}
	for _, c := range o.Cells {
		gone.Cells = append(gone.Cells, cell{At: now.column(s, c.At), Old: c.New})
	}
	taken.row(row, &gone)
	fix.Ops = append(fix.Ops, gone)
}

// stands reports whether a row that was put back has its cells under the headers they were meant for, although some
// header changed.
func (now *current) stands(s *stray) bool {
	meant := map[int]string{}
	for _, h := range s.batch.Columns {
		meant[h.At] = h.Header
	}
	for _, at := range s.what().formulas {
		if s.headers[at] != meant[at] {
			return false // what a formula shows does not tell where it stands
		}
	}
	cells := map[int]*api.ExtendedValue{}
	for _, c := range s.what().Cells {
		cells[c.At] = c.New
	}
	before := &stray{batch: s.batch, op: s.op, headers: make([]string, len(s.headers)), images: s.images}
	copy(before.headers, s.headers)
	for at, header := range meant {
		if at < len(before.headers) {
			before.headers[at] = header
		}
	}
	return now.find(before, cells, s.written(), -1, nil) >= 0
}
