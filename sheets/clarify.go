package sheets

import (
	"context"
	"maps"
	"slices"

	api "google.golang.org/api/sheets/v4"
)

// resolve looks once more at cells whose unformatted value does not tell what people see, all in one call, and puts what
// it finds in their places.
func (t *Tab) resolve(ctx context.Context, l *layout, lines []line) error {
	var unclear []unclearCell
	for n, line := range lines {
		for i := range t.columns {
			if cell := l.cell(line.cells, i); isAmbiguous(cell, &t.columns[i]) {
				unclear = append(unclear, unclearCell{at: line.at, column: i, row: n, first: cell})
			}
		}
	}
	shown, err := t.clarify(ctx, l, unclear)
	if err != nil {
		return err
	}
	for i, u := range unclear {
		lines[u.row].cells[l.at[u.column]] = shown[i]
	}
	return nil
}

// clarify looks at ambiguous cells in one call and returns what each is. It fails with errTorn where another cell stands by
// now.
func (t *Tab) clarify(ctx context.Context, l *layout, unclear []unclearCell) ([]any, error) {
	if len(unclear) == 0 {
		return nil, nil
	}
	rows := map[int][]int{} // by column of the tab
	for _, u := range unclear {
		rows[l.at[u.column]] = append(rows[l.at[u.column]], u.at)
	}
	var areas []area
	for _, column := range slices.Sorted(maps.Keys(rows)) {
		for _, run := range runs(rows[column], 20, max(1, rangeLimit/len(rows))) {
			areas = append(areas, area{run, span{column, column + 1}})
		}
	}
	second, err := t.readGrid(ctx, areas, "effectiveValue,formattedValue")
	if err != nil {
		return nil, err
	}
	shown := make([]any, len(unclear))
	for i, u := range unclear {
		var ok bool
		if shown[i], ok = clarified(u.first, second.cell(u.at, l.at[u.column])); !ok {
			return nil, errTorn
		}
	}
	return shown, nil
}

// clarified returns what a cell is by its second reading; ok is false when that is another cell than the first one.
func clarified(first any, second *api.CellData) (cell any, ok bool) {
	if second == nil || second.EffectiveValue == nil {
		return nil, false
	}
	v := second.EffectiveValue
	switch first := first.(type) {
	case string:
		if v.ErrorValue != nil {
			return errorCell(first), true
		}
		return first, v.StringValue != nil && *v.StringValue == first
	case float64:
		return shownCell{first, second.FormattedValue}, v.NumberValue != nil && sameNumber(*v.NumberValue, first)
	case bool:
		return shownCell{first, second.FormattedValue}, v.BoolValue != nil && *v.BoolValue == first
	}
	return nil, false
}
