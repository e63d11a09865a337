package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"
)

// Headers that the gateway hands on, and gRPC callers may send.
const (
	headerIfMatch        = "if-match"
	headerIdempotencyKey = "idempotency-key"
)

// maxRequestID is how long an Idempotency-Key may be.
const maxRequestID = 200

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
	return tandem.Mutation{Kind: tandem.Update, Key: key, Values: values, AllowMissing: allowMissing}, bad.err()
}

// masked returns the values that an update_mask names: those present when there is none, and NULL for columns that are
// named and not present. The mask that the gateway makes for PATCH also names fields other than values; they are passed
// over, as are output-only fields that a client sends back.
func masked(values *structpb.Struct, columns []tandem.Column, paths []string, prefix string, bad *violations) *structpb.Struct {
	if !slices.ContainsFunc(paths, func(path string) bool { return path != "" }) {
		return values // the mask that the gateway makes of an empty body names one empty field
	}
	kept := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for _, path := range paths {
		if path == "values" || path == "*" {
			return values
		}
		name, inValues := valuePath(path)
		switch {
		case !inValues && rowFields[path] == "":
			bad.add(prefix+"update_mask", "a row has no field %q; columns are named as values.COLUMN", path)
		case !inValues:
		case columnNamed(columns, name) == nil && values.GetFields()[name] == nil && !within(values, name):
			bad.add(prefix+"update_mask", "the link has no column %q; its columns are %s", name, columnList(columns))
		default:
			keep(kept, values, name)
		}
	}
	return kept
}

// within reports whether name is a path into a value that is an object, which the gateway's mask spells out.
func within(values *structpb.Struct, name string) bool {
	for field, value := range values.GetFields() {
		if value.GetStructValue() != nil && strings.HasPrefix(name, field+".") {
			return true
		}
	}
	return false
}

func keep(kept, values *structpb.Struct, name string) {
	if value, present := values.GetFields()[name]; present {
		kept.Fields[name] = value
		return
	}
	for field, value := range values.GetFields() {
		if value.GetStructValue() != nil && strings.HasPrefix(name, field+".") {
			kept.Fields[field] = value
			return
		}
	}
	kept.Fields[name] = structpb.NewNullValue()
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
		mutation.Actor = actor(ctx)
		mutations, at = append(mutations, mutation), append(at, i)
	}
	if r.GetAtomic() && len(mutations) < len(results) {
		for _, i := range at {
			results[i] = rejected(r.GetMutations()[i], tandem.Errorf(tandem.CodeAborted, "ATOMIC", "another mutation of this request was refused, so none was made"))
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
	if len(given.GetMutationId()) > 100 {
		return mutation, tandem.InvalidField(prefix+"mutation_id", "it is longer than 100 bytes")
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
	var keys []tandem.Key
	for _, result := range done {
		if result.Row != nil {
			keys = append(keys, result.Row.Key)
		}
		if result.Err != nil && result.Err.Row != nil {
			keys = append(keys, result.Err.Row.Key)
		}
	}
	states, err := v.states(ctx, keys, everything)
	if err != nil {
		return err
	}
	for i, result := range done {
		given := r.GetMutations()[at[i]]
		out := &tandemv1.MutationResult{MutationId: given.GetMutationId(), Status: tandemv1.MutationResult_APPLIED, Replayed: result.Replayed}
		row := result.Row
		if result.Err != nil {
			out.Status, out.Error = tandemv1.MutationResult_REJECTED, Status(result.Err).Proto()
			if conflicts(result.Err) {
				out.Status = tandemv1.MutationResult_CONFLICT
				if result.Err.Row != nil {
					row = result.Err.Row
				}
			} else {
				row = nil
			}
		}
		if row != nil {
			known := states[row.Key]
			out.Row = v.convert(row, "", everything, &known)
		}
		results[at[i]] = out
	}
	return nil
}

// conflicts reports whether a write was refused because of what the row is now.
func conflicts(err *tandem.Error) bool {
	return errors.Is(err, tandem.ErrEtagMismatch) || errors.Is(err, tandem.ErrAlreadyExists)
}

func rejected(given *tandemv1.Mutation, err error) *tandemv1.MutationResult {
	return &tandemv1.MutationResult{MutationId: given.GetMutationId(), Status: tandemv1.MutationResult_REJECTED, Error: Status(err).Proto()}
}

// requestID returns what makes a repetition of the call find the first answer: the field, or the header.
func requestID(ctx context.Context, field string) (string, error) {
	header := incoming(ctx, headerIdempotencyKey)
	switch {
	case header == "":
		return field, nil
	case len(header) > maxRequestID:
		return "", tandem.InvalidField("Idempotency-Key", "it is longer than %d bytes", maxRequestID)
	case field != "" && field != header:
		return "", tandem.InvalidField("request_id", "it differs from the header Idempotency-Key; send one of the two")
	}
	return header, nil
}

// givenEtag returns what a write is based on: the field, or the header If-Match. "*" asks for nothing but that the row
// exists, which every write without allow_missing does.
func givenEtag(ctx context.Context, field, value string) (string, error) {
	header := strings.TrimPrefix(strings.TrimSpace(incoming(ctx, headerIfMatch)), "W/")
	if header == "" || header == "*" {
		return value, nil
	}
	if n := len(header); n >= 2 && header[0] == '"' && header[n-1] == '"' {
		header = header[1 : n-1]
	}
	if value != "" && value != header {
		return "", tandem.InvalidField(field, "it differs from the header If-Match; send one of the two")
	}
	return header, nil
}

func incoming(ctx context.Context, header string) string {
	if values := metadata.ValueFromIncomingContext(ctx, header); len(values) > 0 {
		return values[0]
	}
	return ""
}

// actor is who calls, as marks and history show it.
func actor(context.Context) string { return "api" }
