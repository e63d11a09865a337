package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// create returns the mutation that adds row. Field names of violations begin with prefix.
func (v *rowView) create(row *tandemv1.Row, prefix string) (tandem.Mutation, error) {
	var bad violations
	in := rowInput{columns: v.columns, source: v.source, prefix: prefix + "row.values.", bad: &bad}
	values := in.decode(row.GetValues())
	for i := range values {
		if values[i].IsNull() && v.columns[i].AutoIncrement {
			values[i] = tandem.Absent // the database counts
		}
	}
	in.required(values)
	v.keyFits(in, values)
	return tandem.Mutation{Kind: tandem.Insert, Values: values}, bad.err()
}

// update returns the mutation that changes the row of key to the values of row that paths name.
func (v *rowView) update(row *tandemv1.Row, key tandem.Key, paths []string, prefix string, allowMissing bool) (tandem.Mutation, error) {
	var bad violations
	given := masked(row.GetValues(), v.columns, paths, prefix, &bad)
	in := rowInput{columns: v.columns, source: v.source, prefix: prefix + "row.values.", bad: &bad}
	values := in.decode(given)
	if allowMissing {
		parts, err := key.Parts(len(v.link.Key))
		if err != nil {
			return tandem.Mutation{}, err
		}
		for i := range v.columns {
			if at := slices.Index(v.link.Key, v.columns[i].Name); at >= 0 && values[i].IsAbsent() {
				values[i] = tandem.Text(parts[at])
			}
		}
	}
	v.keyFits(in, values)
	return tandem.Mutation{Kind: tandem.Update, Key: key, Values: values, AllowMissing: allowMissing}, bad.err()
}

// maxKey is how long a key may be, in bytes: rows with longer ones cannot be kept in step, and their names fit no request.
const maxKey = 2800

// keyFits records a written key that is too long.
func (v *rowView) keyFits(in rowInput, values []tandem.Value) {
	length, longest := 0, -1
	for i, column := range v.columns {
		if column.KeyPosition > 0 {
			n := len(values[i].Text()) + strings.Count(values[i].Text(), "~") + len("~~~")
			if length += n; n > len("~~~") && (longest < 0 || n > len(values[longest].Text())) {
				longest = i
			}
		}
	}
	if length -= len("~~~"); length > maxKey && longest >= 0 {
		in.bad.add(in.prefix+v.columns[longest].Name, "the key has %d bytes, and may have %d", length, maxKey)
	}
}

// MutateRows makes many changes, each for itself.
func (s *RowService) MutateRows(ctx context.Context, r *tandemv1.MutateRowsRequest) (*tandemv1.MutateRowsResponse, error) {
	link, source, err := parseSource("parent", r.GetParent())
	if err != nil {
		return nil, err
	}
	if r.GetAtomic() && source == tandem.Sheet {
		return nil, tandem.InvalidField("atomic", "only the database can do all or nothing; leave it out for the sheet")
	}
	var results []*tandemv1.MutationResult
	err = s.with(ctx, link, source, func(view *rowView) error {
		results, err = view.mutate(ctx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &tandemv1.MutateRowsResponse{Results: results}, nil
}

// mutate makes the mutations of a request.
func (v *rowView) mutate(ctx context.Context, r *tandemv1.MutateRowsRequest) ([]*tandemv1.MutationResult, error) {
	results := make([]*tandemv1.MutationResult, len(r.GetMutations()))
	var mutations []tandem.Mutation
	var at []int // index into results, for each of mutations
	for i, given := range r.GetMutations() {
		mutation, err := v.mutation(given, i)
		if err != nil && !v.anew {
			return nil, fmt.Errorf("%w: %w", tandem.ErrOutdated, err) // only what is there now says what is wrong
		}
		if err != nil {
			results[i] = rejected(given, err)
			continue
		}
		mutation.Actor, mutation.Queued = actor(ctx), true
		mutations, at = append(mutations, mutation), append(at, i)
	}
	if r.GetAtomic() && len(mutations) < len(results) {
		for _, i := range at {
			results[i] = rejected(r.GetMutations()[i], tandem.Errorf(tandem.CodeAborted, "BATCH_ABORTED", "nothing was written, because another mutation of the same atomic request was refused"))
		}
		return results, nil
	}
	if len(mutations) > 0 {
		done, err := v.rows.Mutate(ctx, mutations, r.GetAtomic())
		if err != nil {
			return nil, err
		}
		if len(done) != len(mutations) {
			return nil, errors.New("results are not aligned with mutations")
		}
		if err := v.results(ctx, r, done, at, results); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// mutation checks one entry of MutateRows.
func (v *rowView) mutation(given *tandemv1.Mutation, i int) (mutation tandem.Mutation, err error) {
	prefix := fmt.Sprintf("mutations[%d].", i)
	if err := checkID(prefix+"mutation_id", given.GetMutationId(), maxMutationID); err != nil {
		return mutation, err
	}
	etag := given.GetEtag()
	if etag == "" {
		etag = given.GetRow().GetEtag()
	}
	switch given.GetType() {
	case tandemv1.Mutation_CREATE:
		mutation, err = v.create(given.GetRow(), prefix)
		etag = ""
	case tandemv1.Mutation_UPDATE:
		var key tandem.Key
		if key, err = v.keyOf(prefix+"row.name", given.GetRow().GetName()); err == nil {
			mutation, err = v.update(given.GetRow(), key, given.GetUpdateMask().GetPaths(), prefix, given.GetAllowMissing())
		}
	case tandemv1.Mutation_DELETE:
		mutation = tandem.Mutation{Kind: tandem.Delete, AllowMissing: given.GetAllowMissing()}
		mutation.Key, err = v.keyOf(prefix+"row.name", given.GetRow().GetName())
	default:
		err = tandem.InvalidField(prefix+"type", "it must be CREATE, UPDATE or DELETE")
	}
	mutation.Etag, mutation.RequestID = etag, given.GetMutationId()
	return mutation, err
}

// keyOf returns the key in a row's name, which must belong to this source.
func (v *rowView) keyOf(field, name string) (tandem.Key, error) {
	link, source, row, err := parseRow(field, name)
	if err != nil {
		return "", err
	}
	if link != v.link.ID || source != v.source {
		return "", tandem.InvalidField(field, "the row belongs to %s, the request is for %s", sourceName(link, source), sourceName(v.link.ID, v.source))
	}
	return parseKey(field, row, v.link.Key, v.columns)
}

// results converts what became of mutations, with one look at what is known of all their rows.
func (v *rowView) results(ctx context.Context, r *tandemv1.MutateRowsRequest, done []tandem.MutationResult, at []int, results []*tandemv1.MutationResult) error {
	shown := v.shown(ctx, done)
	var keys []tandem.Key
	for _, row := range shown {
		if row != nil {
			keys = append(keys, row.Key)
		}
	}
	states, err := v.states(ctx, keys, everything)
	if err != nil {
		return err
	}
	for i, result := range done {
		given := r.GetMutations()[at[i]]
		out := &tandemv1.MutationResult{MutationId: given.GetMutationId(), Status: tandemv1.MutationResult_APPLIED, Replayed: result.Replayed}
		if result.Err != nil {
			out.Status, out.Error = tandemv1.MutationResult_REJECTED, Status(inEntry(result.Err, at[i])).Proto()
			if conflicts(result.Err, given) {
				out.Status = tandemv1.MutationResult_CONFLICT
			}
		}
		if row := shown[i]; row != nil && out.Status != tandemv1.MutationResult_REJECTED {
			known := states[row.Key]
			out.Row = v.convert(row, "", everything, &known)
		}
		results[at[i]] = out
	}
	return nil
}

// shown returns the rows that results show, nil for none: as they are after the mutation or, where it was not made or was made
// by an earlier request, as they are now. The database's results hold that; the sheet is looked at, if it answers.
func (v *rowView) shown(ctx context.Context, done []tandem.MutationResult) []*tandem.Row {
	rows, unanswered := make([]*tandem.Row, len(done)), false
	for i, result := range done {
		if rows[i] = result.Row; result.Err != nil {
			rows[i] = result.Err.Row
		}
		if rows[i] == nil || !result.Replayed || v.source != tandem.Sheet || unanswered {
			continue
		}
		now, err := v.rows.Get(ctx, rows[i].Key, AnyAge)
		switch {
		case err == nil:
			rows[i] = &now.Row
		case errors.Is(err, tandem.ErrNotFound):
			rows[i] = nil
		default:
			unanswered = true
		}
	}
	return rows
}

// conflicts reports whether a mutation was refused because of what its row is now: another one than it was based on, there
// already, or gone.
func conflicts(err *tandem.Error, given *tandemv1.Mutation) bool {
	switch err.Reason {
	case ReasonEtagMismatch, "ROW_EXISTS":
		return true
	case "ROW_NOT_FOUND":
		return given.GetEtag() != "" || given.GetRow().GetEtag() != ""
	}
	return false
}

// inEntry names the entry in fields of err that a single write would name alike.
func inEntry(err *tandem.Error, i int) *tandem.Error {
	if len(err.Fields) == 0 {
		return err
	}
	named := *err
	named.Fields = slices.Clone(err.Fields)
	for f := range named.Fields {
		field := &named.Fields[f].Field
		switch {
		case *field == "request_id":
			*field = fmt.Sprintf("mutations[%d].mutation_id", i)
		case strings.HasPrefix(*field, "row."):
			*field = fmt.Sprintf("mutations[%d].%s", i, *field)
		}
	}
	return &named
}

func rejected(given *tandemv1.Mutation, err error) *tandemv1.MutationResult {
	return &tandemv1.MutationResult{MutationId: given.GetMutationId(), Status: tandemv1.MutationResult_REJECTED, Error: Status(err).Proto()}
}
