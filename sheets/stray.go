package sheets

import (
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// stray is an op that did not land where it was meant to, with what stood where it did land.
type stray struct {
	batch   *Batch
	op      int
	round   int      // 0 for the write itself, then the repair that went astray
	headers []string // the header row at the moment of the write
	images  *gridCells
}

// strays compares the images of a batch with what it expected, and returns the ops that went astray.
func (t *Tab) strays(b *Batch, images *gridCells) []stray {
	s := stray{batch: b, images: images}
	header := b.Header + b.Offset
	for at := range b.Width {
		s.headers = append(s.headers, headerText(plainCell(images.cell(header, at))))
	}
	shifted := false
	for _, h := range b.Columns {
		shifted = shifted || s.headers[h.At] != h.Header
	}
	byRow := images.index()
	places := b.added(images)
	var found []stray
	for i := range b.Ops {
		o := &b.Ops[i]
		if o.Unsent {
			continue
		}
		ok := !shifted
		switch o.Kind {
		case tandem.Insert:
			ok = ok && len(places[o.Key]) < 2
		case tandem.Update:
			ok = ok && b.landed(o, &gridCells{parts: byRow[o.Row+b.Offset]}, nil)
		case tandem.Delete:
			// A row goes as a whole, wherever its columns stand. A repair that deleted the row that it meant to is done:
			// were its copy of a row put back, that row would stand there twice, since the repair of the accident itself
			// puts the row back as well.
			ok = (ok || b.Offset > 0) && b.landed(o, &gridCells{parts: byRow[o.Row+b.Offset]}, s.headers)
		}
		if !ok {
			s.op = i
			found = append(found, s)
		}
	}
	return found
}

// landed reports whether the row that an op was applied to is the one that it was meant for, and was as it had been read.
// Columns are looked for under the headers at the moment of the write; at their places when headers is nil.
func (b *Batch) landed(o *op, images *gridCells, headers []string) bool {
	row := o.Row + b.Offset
	for n, at := range b.Keys {
		column := b.column(at, headers)
		if column < 0 || !sameContent(shownValue(images.cell(row, column)), o.KeyCells[n]) {
			return false
		}
	}
	for _, cell := range slices.Concat(o.Cells, o.Holds) {
		column := b.column(cell.At, headers)
		was := entered(images.cell(row, column))
		if column < 0 || !sameContent(was, cell.Old) && !(b.Offset > 0 && bothFormulas(was, cell.Old)) {
			return false // images of repairs stand in other rows, where formulas read otherwise
		}
	}
	return true
}

// column returns where a column of the batch stood under the headers of the moment of the write, -1 when these do not tell.
func (b *Batch) column(at int, headers []string) int {
	for _, h := range b.Columns {
		if h.At == at && headers != nil {
			return headed(headers, h.Header, at)
		}
	}
	return at
}

// after is what tells the row on which the op landed: what it held right after the write.
func (s *stray) after() map[int]*api.ExtendedValue {
	o, cells := s.what(), map[int]*api.ExtendedValue{}
	if o.Kind == tandem.Update {
		for _, at := range s.keys() {
			cells[at] = shownValue(s.image(at))
		}
	}
	for _, cell := range o.Cells {
		cells[cell.At] = cell.New
	}
	return cells
}

// keys are the key columns at the moment of the write, which are not the batch's where a column was inserted or taken away
// before them.
func (s *stray) keys() []int {
	keys, copied := make([]int, len(s.batch.Keys)), s.batch.copied(s.what())
	for n, at := range s.batch.Keys {
		keys[n] = s.batch.column(at, s.headers)
		if keys[n] < 0 || s.what().Kind == tandem.Update && (keys[n] < copied.first || keys[n] >= copied.end) {
			return s.batch.Keys
		}
	}
	return keys
}

// what is the op that went astray.
func (s *stray) what() *op { return &s.batch.Ops[s.op] }

// image is what a cell of the row held on which the op landed.
func (s *stray) image(column int) *api.CellData {
	return s.images.cell(s.what().Row+s.batch.Offset, column)
}

// written tells which columns the op wrote.
func (s *stray) written() map[int]bool {
	columns := map[int]bool{}
	for _, cell := range s.what().Cells {
		columns[cell.At] = true
	}
	return columns
}
