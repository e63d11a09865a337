package sheets

import (
	"context"
	"fmt"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// isProtected reports whether Google refused a write because people protected a cell from us.
func isProtected(err error) bool { return isBadRequest(err, "protected cell or object") }

const protectionFields = "sheets(properties.sheetId,protectedRanges(range,unprotectedRanges,requestingUserCanEdit,warningOnly))"

// protections returns the ranges of the tab that we may not edit, in one small read.
func (t *Tab) protections(ctx context.Context) ([]*api.ProtectedRange, error) {
	answer, err := t.client.service.Spreadsheets.Get(t.link.SpreadsheetID).Fields(protectionFields).Context(counting(ctx, &t.calls)).Do()
	if err != nil {
		return nil, t.failed(err, "look for protected cells of tab %q", t.title())
	}
	var refusing []*api.ProtectedRange
	if sheet := sheetByID(answer, t.link.SheetID); sheet != nil {
		for _, p := range sheet.ProtectedRanges {
			if !p.RequestingUserCanEdit && !p.WarningOnly && p.Range != nil {
				refusing = append(refusing, p)
			}
		}
	}
	return refusing, nil
}

// refuseProtected finds the ops of a refused batch that would edit protected cells, and says so of each.
func (t *Tab) refuseProtected(ctx context.Context, b *Batch) (map[int]tandem.Applied, error) {
	ranges, err := t.protections(ctx)
	if err != nil {
		return nil, err
	}
	refused := map[int]tandem.Applied{}
	added := 0
	for i := range b.Ops {
		o := &b.Ops[i]
		row := o.Row
		if o.Kind == tandem.Insert {
			row = b.End + added
			added++
		}
		if column, ok := protectedCell(ranges, o, row, b.Width); ok {
			refused[i] = t.protectedRow(o, row, column)
		}
	}
	return refused, nil
}

// protectedCell returns the first column in which an op would edit a protected cell.
func protectedCell(ranges []*api.ProtectedRange, o *op, row, width int) (column int, ok bool) {
	switch o.Kind {
	case tandem.Update:
		for _, c := range o.Cells {
			if isWithin(ranges, row, c.At) {
				return c.At, true
			}
		}
		return 0, false
	case tandem.Insert:
		width = 0
		for _, c := range o.Cells {
			width = max(width, c.At+1) // what lies between is written too, as empty
		}
	}
	for at := range width {
		if isWithin(ranges, row, at) {
			return at, true
		}
	}
	return 0, false
}

func isWithin(ranges []*api.ProtectedRange, row, column int) bool {
	for _, p := range ranges {
		free := false
		for _, r := range p.UnprotectedRanges {
			free = free || inRange(r, row, column)
		}
		if !free && inRange(p.Range, row, column) {
			return true
		}
	}
	return false
}

// inRange reports whether a cell lies in a range; a side that is not given is open.
func inRange(r *api.GridRange, row, column int) bool {
	return int64(row) >= r.StartRowIndex && (r.EndRowIndex == 0 || int64(row) < r.EndRowIndex) &&
		int64(column) >= r.StartColumnIndex && (r.EndColumnIndex == 0 || int64(column) < r.EndColumnIndex)
}

func (t *Tab) protectedRow(o *op, row, column int) tandem.Applied {
	who := "the account that Tandem uses"
	if t.client.account != "" {
		who = t.client.account
	}
	ask := fmt.Sprintf("let %s edit it, or remove the protection", who)
	refused := tandem.Applied{Outcome: tandem.Refused}
	cell := cellName(row, column)
	if last := t.remembered(); last != nil {
		for n := range t.columns {
			if last.layout.at[n] == column {
				refused.Column, cell = t.columns[n].Name, fmt.Sprintf("%s in column %q", cell, t.name(n))
			}
		}
	}
	what := fmt.Sprintf("the cell %s is protected", cell)
	switch o.Kind {
	case tandem.Delete:
		what = fmt.Sprintf("row %d cannot be deleted, for the cell %s is protected", row+1, cell)
	case tandem.Insert:
		what = fmt.Sprintf("a new row cannot be added, for the cell %s, where it would go, is protected", cell)
	}
	refused.Err = tandem.Errorf(tandem.CodePermission, "CELL_PROTECTED", "%s; %s", what, ask)
	return refused
}
