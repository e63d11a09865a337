package sheets

import (
	"github.com/tandem-sync/tandem"

	api "google.golang.org/api/sheets/v4"
)

// merge returns the merged cells that a cell belongs to, nil when it stands for itself.
func (g *gridCells) merge(row, column int) *api.GridRange {
	for _, m := range g.merges {
		if inRange(m, row, column) {
			return m
		}
	}
	return nil
}

func mergeName(m *api.GridRange) string {
	return cellName(int(m.StartRowIndex), int(m.StartColumnIndex)) + ":" + cellName(int(m.EndRowIndex)-1, int(m.EndColumnIndex)-1)
}

// refuseMerged refuses to write into merged cells anywhere but where they show their value: it would not be seen, and
// taking the cells apart is for the person who merged them.
func (p *preparation) refuseMerged(i, n, row, column int) bool {
	m := p.grid.merge(row, column)
	if m == nil || int(m.StartRowIndex) == row && int(m.StartColumnIndex) == column {
		return false
	}
	p.refuse(i, n, "the cell %s in column %q is hidden within the merged cells %s, so its value cannot be shown; unmerge them",
		cellName(row, column), p.t.name(n), mergeName(m))
	return true
}

// refuseMergedRow refuses to delete a row whose cells other rows show, too.
func (p *preparation) refuseMergedRow(i, row int) bool {
	for _, m := range p.grid.merges {
		if int(m.StartRowIndex) == row && m.EndRowIndex > m.StartRowIndex+1 {
			p.applied[i] = tandem.Applied{Outcome: tandem.Refused, Err: tandem.Errorf(tandem.CodeInvalid, "CELL_REFUSED",
				"row %d holds the value of the merged cells %s, which would be lost with it; unmerge them, then the row is deleted", row+1, mergeName(m))}
			return true
		}
	}
	return false
}
