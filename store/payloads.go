package store

import (
	"encoding/json"
	"slices"

	"github.com/tandem-sync/tandem"
)

// cells are values in the order of a link's columns, as stored. JSON of a plain []tandem.Value would make an absent value
// ("leave the column alone") NULL ("empty it"); here an absent value is written as false.
type cells []tandem.Value

// MarshalJSON writes the cells.
func (c cells) MarshalJSON() ([]byte, error) {
	if c == nil {
		return []byte("null"), nil
	}
	parts := make([]any, len(c))
	for i, value := range c {
		parts[i] = value
		if value.IsAbsent() {
			parts[i] = false
		}
	}
	return json.Marshal(parts)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *cells) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil || parts == nil {
		*c = nil
		return err
	}
	*c = make(cells, len(parts))
	for i, part := range parts {
		if string(part) == "false" {
			continue
		}
		if err := json.Unmarshal(part, &(*c)[i]); err != nil {
			return err
		}
	}
	return nil
}

// arrange returns the cells, which stand in the order of columns from, in the order of columns to. What was stored before
// a link's columns were edited would otherwise be read into the wrong columns.
func (c cells) arrange(from, to []string) cells {
	if c == nil || slices.Equal(from, to) {
		return c
	}
	arranged := make(cells, len(to))
	for i, name := range to {
		if j := slices.Index(from, name); j >= 0 && j < len(c) {
			arranged[i] = c[j]
		}
	}
	return arranged
}

// The stored forms shadow the fields that hold values.
type (
	storedRow struct {
		tandem.Row
		Values cells `json:"values"`
	}
	storedMutation struct {
		tandem.Mutation
		Values cells `json:"values,omitempty"`
	}
	storedChange struct {
		tandem.Change
		Before cells `json:"before,omitempty"`
		After  cells `json:"after,omitempty"`
	}
	storedSettlement struct {
		tandem.Settlement
		Write    *storedChange `json:"write,omitempty"`
		Baseline cells         `json:"baseline,omitempty"`
	}
	storedError struct {
		tandem.Error
		Row *storedRow
	}
	// storedResult carries the names of its columns, since it is answered again up to 30 days later.
	storedResult struct {
		Columns []string     `json:"columns,omitempty"`
		Row     *storedRow   `json:"row,omitempty"`
		Err     *storedError `json:"err,omitempty"`
	}
)

func storeRow(row *tandem.Row) *storedRow {
	if row == nil {
		return nil
	}
	return &storedRow{Row: *row, Values: row.Values}
}

func (r *storedRow) row(from, to []string) *tandem.Row {
	if r == nil {
		return nil
	}
	row := r.Row
	row.Values = r.Values.arrange(from, to)
	if !slices.Equal(from, to) && row.Problems != nil {
		problems := map[int]string{}
		for i, problem := range row.Problems {
			if i < len(from) && slices.Contains(to, from[i]) {
				problems[slices.Index(to, from[i])] = problem
			}
		}
		row.Problems = problems
	}
	return &row
}

func storeMutation(m tandem.Mutation) *storedMutation {
	return &storedMutation{Mutation: m, Values: m.Values}
}

func (m *storedMutation) mutation(from, to []string) tandem.Mutation {
	mutation := m.Mutation
	mutation.Values = m.Values.arrange(from, to)
	return mutation
}

func storeResult(result tandem.MutationResult, columns []string) *storedResult {
	stored := &storedResult{Columns: columns, Row: storeRow(result.Row)}
	if result.Err != nil {
		stored.Err = &storedError{Error: *result.Err, Row: storeRow(result.Err.Row)}
	}
	return stored
}

func (r *storedResult) result(columns []string) tandem.MutationResult {
	result := tandem.MutationResult{Row: r.Row.row(r.Columns, columns)}
	if r.Err != nil {
		problem := r.Err.Error
		problem.Row = r.Err.Row.row(r.Columns, columns)
		result.Err = &problem
	}
	return result
}

func storeSettlements(settlements []tandem.Settlement) *[]storedSettlement {
	stored := make([]storedSettlement, len(settlements))
	for i, settlement := range settlements {
		settlement.History = slices.Clone(settlement.History)
		for j, entry := range settlement.History {
			settlement.History[j].Before, settlement.History[j].After = known(entry.Before), known(entry.After)
		}
		stored[i] = storedSettlement{Settlement: settlement, Baseline: settlement.Baseline}
		if write := settlement.Write; write != nil {
			stored[i].Write = &storedChange{Change: *write, Before: write.Before, After: write.After}
		}
	}
	return &stored
}

func (s storedSettlement) settlement(from, to []string) tandem.Settlement {
	settlement := s.Settlement
	settlement.Baseline = s.Baseline.arrange(from, to)
	if s.Write != nil {
		write := s.Write.Change
		write.Before, write.After = s.Write.Before.arrange(from, to), s.Write.After.arrange(from, to)
		settlement.Write = &write
	}
	if s.Typed != nil {
		typed := *s.Typed
		typed.Values = cells(typed.Values).arrange(from, to)
		settlement.Typed = &typed
	}
	return settlement
}

// known returns row without its absent values, which are never stored.
func known(row map[string]tandem.Value) map[string]tandem.Value {
	if row == nil {
		return nil
	}
	kept := make(map[string]tandem.Value, len(row))
	for name, value := range row {
		if !value.IsAbsent() {
			kept[name] = value
		}
	}
	return kept
}

// columnNames are the names of the link's columns in their order.
func columnNames(link *tandem.Link) []string {
	names := make([]string, len(link.Columns))
	for i, column := range link.Columns {
		names[i] = column.Column
	}
	return names
}
