package server

import (
	"errors"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

// count returns how many rows are wanted, those without a usable key among them.
func (s *sortedScan) count(wanted func([]tandem.Value) bool) (n int64) {
	for i := range s.rows {
		if wanted(s.rows[i].Values) {
			n++
		}
	}
	for i := range s.bad {
		if wanted(s.bad[i].Row.Values) {
			n++
		}
	}
	return n
}

// sorted returns the first rows in the order of a query that come after its cursor, one more than it asks for when there are.
// Of a large tab only a few rows are sorted at a time.
func (s *sortedScan) sorted(columns []tandem.Column, query api.RowQuery, wanted func([]tandem.Value) bool) ([]*tandem.Row, error) {
	compare := func(a, b *tandem.Row) int {
		for _, o := range query.Order {
			if c := o.Compare(&columns[o.Column].Type, valueAt(a.Values, o.Column), valueAt(b.Values, o.Column)); c != 0 {
				return c
			}
		}
		c := s.compare(a.Key, b.Key)
		if query.Order[len(query.Order)-1].Descending {
			return -c
		}
		return c
	}
	var after *tandem.Row
	if query.After.Key != "" {
		values, err := readSheetMarks(query, len(columns))
		if err != nil {
			return nil, err
		}
		after = &tandem.Row{Key: query.After.Key, Values: values}
	}
	most := query.Limit + 1
	first, last := make([]*tandem.Row, 0, min(2*most, len(s.rows))), (*tandem.Row)(nil)
	for i := range s.rows {
		row := &s.rows[i]
		if last != nil && compare(row, last) >= 0 || after != nil && compare(row, after) <= 0 || !wanted(row.Values) {
			continue
		}
		if first = append(first, row); len(first) == 2*most {
			slices.SortFunc(first, compare)
			first, last = first[:most], first[most-1]
		}
	}
	slices.SortFunc(first, compare)
	return first[:min(most, len(first))], nil
}

func valueAt(values []tandem.Value, column int) tandem.Value {
	if column < len(values) {
		return values[column]
	}
	return tandem.Absent
}

// sheetMarks are the values that a row was sorted by, as text: a letter, then as much of the value as counts.
func sheetMarks(columns []tandem.Column, order []tandem.Order, values []tandem.Value) []string {
	marks := make([]string, len(order))
	for i, o := range order {
		v := valueAt(values, o.Column)
		switch {
		case v.IsEmpty() || v.IsAbsent():
			marks[i] = "n"
		case v.IsInvalid():
			marks[i] = "x" + tandem.OrderText(&tandem.Type{Kind: tandem.String}, v.Text())
		default:
			marks[i] = "v" + tandem.OrderText(&columns[o.Column].Type, v.Text())
		}
	}
	return marks
}

// readSheetMarks returns a row's values, as far as a query sorts by them.
func readSheetMarks(query api.RowQuery, columns int) ([]tandem.Value, error) {
	values, err := make([]tandem.Value, columns), error(nil)
	if len(query.After.Marks) != len(query.Order) {
		err = errors.New("it does not say what its row was sorted by")
	}
	for i, mark := range query.After.Marks {
		if err != nil {
			break
		}
		switch kind, text := mark[:min(1, len(mark))], mark[min(1, len(mark)):]; kind {
		case "n":
			values[query.Order[i].Column] = tandem.Null
		case "x":
			values[query.Order[i].Column] = tandem.Invalid(text)
		case "v":
			values[query.Order[i].Column] = tandem.Text(text)
		default:
			err = errors.New("what its row was sorted by cannot be read")
		}
	}
	if err != nil {
		return nil, tandem.InvalidField("page_token", "the list has changed, %v; begin again with the first page", err)
	}
	return values, nil
}
