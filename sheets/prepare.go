package sheets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

const (
	// freshFor is how long a read of the key columns tells well enough that a new row's key is not in the tab yet. Where it
	// was there all the same, the answer to the write shows it.
	freshFor = 10 * time.Second
	// spare is how many columns people may insert between Prepare and Send without whole rows growing over our own cells.
	spare = 4
	// tailRows is how many rows people may delete meanwhile before the place of a new row is no longer seen.
	tailRows = 20
)

// preparation is the way from changes to a batch.
type preparation struct {
	t       *Tab
	changes []tandem.Change
	applied []tandem.Applied
	known   *reading
	read    bool // whether known was read by this preparation
	grid    *gridCells
	rows    map[int]preparedRow // by row, as just read
	batch   *Batch

	unnamed map[int]int         // by change: where a row stands that is to get a key
	gone    map[int]bool        // by change: a read of the whole tab did not show that row
	named   map[tandem.Key]bool // keys that the batch gives already
}

// preparedRow is a row as Prepare read it, with what was entered into its cells.
type preparedRow struct {
	row   tandem.Row
	cells map[int]*api.CellData // by column of the tab
}

// Prepare compares rows with what the changes expect and returns the batch to send; id names it within the spreadsheet.
// The result is aligned with changes: what Moved or was Refused is settled, what Landed is in the batch, in this order,
// and not written yet. The batch is nil when nothing is left to write.
func (t *Tab) Prepare(ctx context.Context, id string, changes []tandem.Change) (*Batch, []tandem.Applied, error) {
	p := &preparation{t: t, changes: changes, applied: make([]tandem.Applied, len(changes)), known: t.remembered()}
	if err := p.prepare(ctx); err != nil {
		return nil, nil, fmt.Errorf("prepare writes to tab %q: %w", t.title(), err)
	}
	size, _ := t.sizes()
	p.batch = &Batch{ID: id, Header: t.header, Width: size.columns + spare, Rows: size.rows, End: p.known.end}
	for i := range changes {
		if p.applied[i].Outcome == tandem.Landed {
			p.add(i)
		}
	}
	if len(p.batch.Ops) == 0 {
		return nil, p.applied, nil
	}
	p.finish()
	return p.batch, p.applied, nil
}

func (t *Tab) sizes() (gridSize, *imageTab) {
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	return t.known.size, t.known.image
}

// prepare reads what has to be compared: the rows at their last known places, and the key columns where a row is not
// there or where new rows come.
func (p *preparation) prepare(ctx context.Context) error {
	if size, image := p.t.sizes(); size.columns == 0 || image == nil {
		if _, err := p.t.locate(ctx); err != nil {
			return err
		}
	}
	inserts, others := false, false
	for i := range p.changes {
		inserts = inserts || p.changes[i].Kind == tandem.Insert || isNaming(&p.changes[i])
		others = others || p.changes[i].Kind != tandem.Insert
	}
	if p.known == nil || inserts && p.t.client.opt.Now().Sub(p.known.at) > freshFor {
		if err := p.readKeys(ctx); err != nil {
			return err
		}
	}
	if !others {
		return nil
	}
	p.guessUnnamed()
	for try := 0; try < readTries; try++ {
		complete, err := p.readRows(ctx)
		if err != nil && !errors.Is(err, errTorn) {
			return err
		}
		switch {
		case err == nil && complete && !p.unnamedMissing():
			return nil
		case err == nil && p.unnamedMissing():
			err = p.findUnnamed(ctx)
		default:
			err = p.readKeys(ctx)
		}
		if err != nil {
			return err
		}
	}
	return tandem.Errorf(tandem.CodeUnavailable, "ROWS_MOVING", "rows keep moving while they are read")
}

// readKeys reads all key cells, which settles where each row is and which are gone.
func (p *preparation) readKeys(ctx context.Context) error {
	t := p.t
	if p.known != nil {
		r, err := t.readKeys(ctx, p.known.layout)
		if err == nil {
			t.remember(r)
			p.known, p.read = r, true
			return nil
		}
		if !errors.Is(err, errTorn) {
			return err
		}
	}
	if _, err := t.Scan(ctx); err != nil {
		return err
	}
	p.known, p.read = t.remembered(), true
	return nil
}

// readRows reads the rows of updates and deletions at their places. It is complete when each was there, or is known from
// a read of all keys to be gone.
func (p *preparation) readRows(ctx context.Context) (complete bool, err error) {
	t, l := p.t, p.known.layout
	var places []int
	missing := false
	for i := range p.changes {
		if p.changes[i].Kind == tandem.Insert {
			continue
		}
		if at, ok := p.place(i); ok {
			places = append(places, at)
		} else {
			missing = missing || !isNaming(&p.changes[i])
		}
	}
	if missing && !p.read {
		return false, nil
	}
	p.rows = map[int]preparedRow{}
	if len(places) == 0 {
		return true, nil
	}
	size, _ := t.sizes()
	areas := []area{{span{t.header, t.header + 1}, span{0, max(size.columns, l.linked.end)}}}
	for _, run := range runs(places, 3, rangeLimit) {
		areas = append(areas, area{run, l.linked})
	}
	p.grid, err = t.readGrid(ctx, areas, "userEnteredValue,effectiveValue,formattedValue,userEnteredFormat.numberFormat")
	if err != nil {
		return false, err
	}
	if now, err := t.layoutOf(p.headerRow()); err != nil || !now.same(l) {
		return false, err
	}
	byRow := p.grid.index()
	for _, at := range places {
		p.rows[at] = p.decodeRow(byRow, at)
	}
	for i := range p.changes {
		if p.changes[i].Kind == tandem.Insert || isNaming(&p.changes[i]) {
			continue
		}
		if at, ok := p.place(i); ok && p.rows[at].row.Key != p.changes[i].Key {
			return false, nil
		}
	}
	return true, nil
}

func (p *preparation) headerRow() []any {
	var cells []any
	for _, part := range p.grid.parts {
		if int(part.StartRow) != p.t.header || len(part.RowData) == 0 || part.StartColumn != 0 {
			continue
		}
		for _, c := range part.RowData[0].Values {
			cells = append(cells, plainCell(c))
		}
		break
	}
	return cells
}

// decodeRow makes a row of grid data.
func (p *preparation) decodeRow(byRow map[int][]*api.GridData, at int) preparedRow {
	t, l := p.t, p.known.layout
	found := preparedRow{cells: make(map[int]*api.CellData, len(t.columns))}
	cells := make([]any, l.linked.end)
	parts := gridCells{parts: byRow[at]}
	for i := range t.columns {
		column := l.at[i]
		if column < 0 {
			continue
		}
		c := parts.cell(at, column)
		if c == nil {
			continue
		}
		found.cells[column] = c
		cells[column] = plainCell(c)
		if isAmbiguous(cells[column], &t.columns[i]) {
			switch cells[column].(type) {
			case float64, bool:
				cells[column] = shownCell{cells[column], c.FormattedValue}
			}
		}
	}
	found.row = t.row(l, line{at, cells})
	found.row.Key, _ = t.key(&found.row, l)
	return found
}

// finish adds to the batch what it relies on: the headers of its columns, and where new rows are looked for.
func (p *preparation) finish() {
	b, l, t := p.batch, p.known.layout, p.t
	used := map[int]bool{}
	for _, i := range t.keys {
		b.Keys = append(b.Keys, l.at[i])
		used[l.at[i]] = true
	}
	deleted := 0
	for i := range b.Ops {
		if b.Ops[i].Kind == tandem.Delete {
			deleted++
		}
		for _, cells := range [][]cell{b.Ops[i].Cells, b.Ops[i].Holds} {
			for _, cell := range cells {
				used[cell.At] = true
			}
		}
	}
	for at := range used {
		b.Columns = append(b.Columns, heading{at, l.headers[at]})
	}
	slices.SortFunc(b.Columns, func(x, y heading) int { return x.At - y.At })
	b.Tail = max(b.Header+1, b.End-deleted-tailRows)
}
