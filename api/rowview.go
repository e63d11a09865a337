package api

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// rowView converts rows of one source of a link to messages.
type rowView struct {
	sources RowSources
	link    *tandem.Link
	source  tandem.Source
	rows    RowSource
	columns []tandem.Column
	anew    bool // what is there now, not a moment ago
}

// rowMask says which fields of rows to return.
type rowMask struct {
	all     bool
	fields  map[string]bool // by proto name
	columns map[string]bool // of values, where not all of them are wanted
}

var everything = &rowMask{all: true}

func (m *rowMask) has(field string) bool { return m.all || m.fields[field] }

func (m *rowMask) hasColumn(name string) bool { return m.has("values") || m.columns[name] }

// rowFields are the fields of a row by the names that masks may use.
var rowFields = map[string]string{"name": "name", "values": "values", "etag": "etag", "update_time": "update_time", "updateTime": "update_time",
	"sync_state": "sync_state", "syncState": "sync_state", "sync_error": "sync_error", "syncError": "sync_error", "position": "position"}

// readMask reads the paths of a read_mask.
func (v *rowView) readMask(paths []string) (*rowMask, error) {
	if len(paths) == 0 || slices.Contains(paths, "*") {
		return everything, nil
	}
	mask := &rowMask{fields: map[string]bool{"name": true}, columns: map[string]bool{}}
	var bad violations
	for _, path := range paths {
		if name, inValues := valuePath(path); inValues {
			if columnNamed(v.columns, name) == nil {
				bad.add("read_mask", "the link has no column %q; its columns are %s", name, columnList(v.columns))
			}
			mask.columns[name] = true
			continue
		}
		field := rowFields[path]
		if field == "" {
			bad.add("read_mask", "a row has no field %q; columns are named as values.COLUMN", path)
		}
		mask.fields[field] = true
	}
	return mask, bad.err()
}

// valuePath returns the column that a path such as values.title names. Names that are not identifiers stand as they are,
// or between backticks.
func valuePath(path string) (column string, ok bool) {
	column, ok = strings.CutPrefix(path, "values.")
	if n := len(column); n > 2 && column[0] == '`' && column[n-1] == '`' {
		column = strings.ReplaceAll(column[1:n-1], "``", "`")
	}
	return column, ok
}

// listed converts a page of rows; what is known of them beside their values, unless they tell it, is read in one go.
func (v *rowView) listed(ctx context.Context, rows []ListedRow, mask *rowMask) ([]*tandemv1.Row, error) {
	var keys []tandem.Key
	for i := range rows {
		if rows[i].Problem == "" && rows[i].State == nil {
			keys = append(keys, rows[i].Key)
		}
	}
	states, err := v.states(ctx, keys, mask)
	if err != nil {
		return nil, err
	}
	converted, unknown := make([]*tandemv1.Row, len(rows)), tandem.RowState{}
	for i := range rows {
		state := rows[i].State
		if state == nil && states != nil {
			if known, ok := states[rows[i].Key]; ok {
				state = &known
			} else {
				state = &unknown
			}
		}
		converted[i] = v.packed(&rows[i].Row, rows[i].Problem, mask, state)
	}
	return converted, nil
}

// one converts one row.
func (v *rowView) one(ctx context.Context, row *ListedRow, mask *rowMask) (*tandemv1.Row, error) {
	converted, err := v.listed(ctx, []ListedRow{*row}, mask)
	if err != nil {
		return nil, err
	}
	return converted[0], nil
}

func (v *rowView) states(ctx context.Context, keys []tandem.Key, mask *rowMask) (map[tandem.Key]tandem.RowState, error) {
	if !mask.has("sync_state") && !mask.has("sync_error") {
		return nil, nil
	}
	states := map[tandem.Key]tandem.RowState{}
	if len(keys) == 0 {
		return states, nil
	}
	return v.sources.RowStates(ctx, v.link, keys)
}

// convert makes the message of a row. Without its state, it is not told.
func (v *rowView) convert(row *tandem.Row, problem string, mask *rowMask, known *tandem.RowState) *tandemv1.Row {
	out := v.packed(row, problem, mask, known)
	if out.Values != nil {
		out.Values = encodeValues(v.columns, row.Values)
		maps.DeleteFunc(out.Values.Fields, func(name string, _ *structpb.Value) bool { return !mask.hasColumn(name) })
	}
	return out
}

// packed is convert with values as packValues gives them, for answers that are rows.
func (v *rowView) packed(row *tandem.Row, problem string, mask *rowMask, known *tandem.RowState) *tandemv1.Row {
	out := &tandemv1.Row{}
	key := row.Key
	if problem != "" {
		key = ""
	}
	out.Name = rowName(v.link.ID, v.source, key)
	if mask.has("values") || len(mask.columns) > 0 {
		out.Values = packValues(v.columns, row.Values, mask)
	}
	if mask.has("etag") {
		out.Etag = row.Etag()
	}
	if mask.has("update_time") && !row.Updated.IsZero() {
		out.UpdateTime = timestamppb.New(row.Updated)
	}
	if mask.has("position") {
		out.Position = int32(row.Position)
	}
	if known != nil || problem != "" {
		if known == nil {
			known = &tandem.RowState{}
		}
		state, message := v.syncState(row, problem, known)
		if mask.has("sync_state") {
			out.SyncState = state
		}
		if mask.has("sync_error") {
			out.SyncError = message
		}
	}
	return out
}

// syncState compares a row with what both sides last agreed on. A row that nobody has looked at yet is pending.
func (v *rowView) syncState(row *tandem.Row, problem string, known *tandem.RowState) (tandemv1.Row_SyncState, string) {
	switch {
	case problem != "":
		return tandemv1.Row_ERROR, problem
	case row.Key == "":
		return tandemv1.Row_PENDING, ""
	case known.Error != nil:
		message := known.Error.Message
		if known.Error.Column != "" {
			message = known.Error.Column + ": " + message
		}
		return tandemv1.Row_ERROR, message
	case known.Conflict:
		return tandemv1.Row_CONFLICT, "both sides changed it differently; say which one stands with POST /v1/" + conflictName(v.link.ID, row.Key) + ":resolve"
	}
	for i, reason := range row.Problems {
		if i < len(v.columns) {
			return tandemv1.Row_ERROR, v.columns[i].Name + ": " + reason
		}
	}
	if known.Marked || len(known.Baseline) == 0 {
		return tandemv1.Row_PENDING, ""
	}
	for i := range v.columns {
		if i >= len(row.Values) || i >= len(known.Baseline) || row.Values[i].IsAbsent() {
			continue
		}
		if !v.columns[i].Equal(row.Values[i], known.Baseline[i]) && !v.ignored(v.columns[i].Name) {
			return tandemv1.Row_PENDING, ""
		}
	}
	return tandemv1.Row_IN_SYNC, ""
}

// ignored reports whether a column does not flow, so that its values may differ for ever.
func (v *rowView) ignored(name string) bool {
	for _, column := range v.link.Columns {
		if column.Column == name {
			return column.Owner == tandem.OwnerIgnored || column.Paused != ""
		}
	}
	return false
}

// refusal returns the error of a write that was not done; where the row moved meanwhile, with the row as it is now.
func (v *rowView) refusal(ctx context.Context, result tandem.MutationResult) error {
	now := v.current(ctx, result)
	if now == nil {
		return result.Err
	}
	return statusOf(result.Err, protoadapt.MessageV1Of(now)).Err()
}

// current is the row as it is now that a refused write ran into, nil when it is not known or gone.
func (v *rowView) current(ctx context.Context, result tandem.MutationResult) *tandemv1.Row {
	row := result.Err.Row
	if row == nil {
		row = result.Row
	}
	if row == nil {
		return nil
	}
	states, err := v.states(ctx, []tandem.Key{row.Key}, everything)
	if err != nil {
		return v.convert(row, "", everything, nil)
	}
	known := states[row.Key]
	return v.convert(row, "", everything, &known)
}

// namedValues converts values by name, for rows of reports; columns that are no longer linked are shown as text.
func namedValues(columns []tandem.Column, values map[string]tandem.Value) *structpb.Struct {
	if values == nil {
		return nil
	}
	fields := make(map[string]*structpb.Value, len(values))
	for name, value := range values {
		fields[name] = encodeNamed(columns, name, value)
	}
	return &structpb.Struct{Fields: fields}
}
