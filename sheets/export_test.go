package sheets

import (
	"context"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// ReadFormulas reads a tab as a bystander does, formulas as such.
func ReadFormulas(ctx context.Context, c *Client, spreadsheet, title string) ([][]any, error) {
	answer, err := c.service.Spreadsheets.Values.Get(spreadsheet, quoteTitle(title)).ValueRenderOption("FORMULA").Context(ctx).Do()
	if err != nil {
		return nil, err
	}
	return answer.Values, nil
}

// EncodeDecode takes a value through a cell: as typed content, and as an unformatted reading gives that back.
func EncodeDecode(value tandem.Value, column *tandem.Column) (tandem.Value, string, error) {
	content, _, err := encode(value, column)
	if err != nil {
		return tandem.Absent, "", err
	}
	back, problem := decode(plainCell(&api.CellData{EffectiveValue: content}), column, column.Name)
	return back, problem, nil
}

// Decode reads a cell.
func Decode(cell any, column *tandem.Column) (tandem.Value, string) {
	return decode(cell, column, column.Name)
}

// Rewrite moves a formula of the tab "Anime" rows down, where a column was inserted before the one at.
func Rewrite(formula string, at, down int) string {
	return referring{own: "Anime", down: down, column: func(column int) int {
		if column >= at {
			column++
		}
		return column
	}}.rewrite(formula)
}
