package api

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
)

// maxOrder is how many columns a list may be sorted by.
const maxOrder = 5

// parseOrder reads columns as AIP-132 has them: "score desc, title". Names that are no plain words stand between backticks.
func parseOrder(text string, columns []tandem.Column) ([]tandem.Order, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if n := utf8.RuneCountInString(text); n > maxFilter {
		return nil, tandem.InvalidField("order_by", "%d characters are more than the %d that it may have", n, maxFilter)
	}
	order, err := readOrder(&words{text: []rune(text)}, columns)
	if err != nil {
		return nil, tandem.InvalidField("order_by", "%v", err)
	}
	return order, nil
}

func readOrder(w *words, columns []tandem.Column) ([]tandem.Order, error) {
	var order []tandem.Order
	for {
		name, err := w.next(true)
		if err != nil {
			return nil, err
		}
		if name.kind != bareWord && name.kind != nameWord {
			return nil, wrongAt(name.at, "the name of a column is expected, not %s", name.shown())
		}
		column, err := columnAt(columns, name)
		if err != nil {
			return nil, err
		}
		switch {
		case slices.ContainsFunc(order, func(o tandem.Order) bool { return o.Column == column }):
			return nil, wrongAt(name.at, "the column %s stands twice", name.shown())
		case len(order) == maxOrder:
			return nil, wrongAt(name.at, "more than %d columns", maxOrder)
		}
		order = append(order, tandem.Order{Column: column})
		after, err := w.next(true)
		if err != nil {
			return nil, err
		}
		if after.is(bareWord, "desc") || after.is(bareWord, "asc") {
			order[len(order)-1].Descending = after.text == "desc"
			if after, err = w.next(true); err != nil {
				return nil, err
			}
		}
		switch {
		case after.kind == endWord:
			return order, nil
		case !after.is(signWord, ","):
			return nil, wrongAt(after.at, "%s is not expected here; columns look like score desc, title", after.shown())
		}
	}
}
