package api

import "github.com/tandem-sync/tandem"

// ParseFilter and ParseOrder read what ListRows is asked.
func ParseFilter(text string, columns []tandem.Column) (*tandem.Filter, error) {
	return parseFilter(text, columns)
}

func ParseOrder(text string, columns []tandem.Column) ([]tandem.Order, error) {
	return parseOrder(text, columns)
}
