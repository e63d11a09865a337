package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// Conflicts are the rows that wait for a person.
type Conflicts interface {
	Link(ctx context.Context, id string) (tandem.Link, error)
	// LinkColumns returns the linked columns of a link as its table has them now.
	LinkColumns(ctx context.Context, link string) ([]tandem.Column, error)
	// Conflicts returns up to limit open conflicts, the oldest first, after a place that an earlier call gave.
	Conflicts(ctx context.Context, link, after string, limit int) (conflicts []tandem.Conflict, next string, err error)
	Conflict(ctx context.Context, link string, key tandem.Key) (tandem.Conflict, error)
	// Resolve stores a decision, which the worker carries out. It fails with tandem.ErrEtagMismatch when the decision is about
	// another digest than the conflict's; an empty one fits any.
	Resolve(ctx context.Context, link string, key tandem.Key, decision tandem.Resolution) (tandem.Conflict, error)
	// ResolveAll decides every open conflict for one side, and returns how many there were.
	ResolveAll(ctx context.Context, link string, take tandem.Source, actor string) (int, error)
}

// ConflictService shows the conflicts that wait for a person, and takes decisions. What a decision does to the sides is the
// engine's.
type ConflictService struct {
	tandemv1.UnimplementedConflictServiceServer
	Conflicts Conflicts
}

// ListConflicts lists the open conflicts of a link, the oldest first.
func (s *ConflictService) ListConflicts(ctx context.Context, r *tandemv1.ListConflictsRequest) (*tandemv1.ListConflictsResponse, error) {
	id, err := linkID(r.GetParent())
	if err != nil {
		return nil, err
	}
	scope := r.GetParent() + "/conflicts"
	page, err := parsePage(scope, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	link, err := s.Conflicts.Link(ctx, id)
	if err != nil {
		return nil, err
	}
	found, next, err := s.Conflicts.Conflicts(ctx, id, page.After, pageSize(r.GetPageSize()))
	if err != nil {
		return nil, err
	}
	view := &conflictView{conflicts: s.Conflicts, link: &link}
	if len(found) > 0 {
		// A link whose table is gone still has its conflicts; values are then shown as text.
		view.columns, _ = s.Conflicts.LinkColumns(ctx, id)
	}
	response := &tandemv1.ListConflictsResponse{}
	for i := range found {
		response.Conflicts = append(response.Conflicts, view.message(&found[i]))
	}
	if next != "" {
		response.NextPageToken = pageToken{Scope: scope, After: next}.encode()
	}
	return response, nil
}

// GetConflict returns one open conflict.
func (s *ConflictService) GetConflict(ctx context.Context, r *tandemv1.GetConflictRequest) (*tandemv1.Conflict, error) {
	id, row, err := parseConflict("name", r.GetName())
	if err != nil {
		return nil, err
	}
	view, err := s.open(ctx, id)
	if err != nil {
		return nil, err
	}
	conflict, err := view.find(ctx, "name", row)
	if err != nil {
		return nil, err
	}
	return view.message(&conflict), nil
}

// ResolveConflict stores a person's decision.
func (s *ConflictService) ResolveConflict(ctx context.Context, r *tandemv1.ResolveConflictRequest) (*tandemv1.Conflict, error) {
	etag, err := givenEtag(ctx, "etag", r.GetEtag())
	if err != nil {
		return nil, err
	}
	id, row, err := parseConflict("name", r.GetName())
	if err != nil {
		return nil, err
	}
	view, err := s.open(ctx, id)
	if err != nil {
		return nil, err
	}
	return view.resolve(ctx, r, row, etag, "")
}

// BatchResolveConflicts stores many decisions, each for itself.
func (s *ConflictService) BatchResolveConflicts(ctx context.Context, r *tandemv1.BatchResolveConflictsRequest) (*tandemv1.BatchResolveConflictsResponse, error) {
	id, err := linkID(r.GetParent())
	if err != nil {
		return nil, err
	}
	response := &tandemv1.BatchResolveConflictsResponse{}
	if r.GetAll() {
		if _, err := s.Conflicts.Link(ctx, id); err != nil {
			return nil, err
		}
		n, err := s.Conflicts.ResolveAll(ctx, id, sourceOf(r.GetTake()), actor(ctx))
		if err != nil {
			return nil, err
		}
		response.ResolvedCount = count(int64(n))
		return response, nil
	}
	view, err := s.open(ctx, id)
	if err != nil {
		return nil, err
	}
	for i, given := range r.GetRequests() {
		result := &tandemv1.BatchResolveConflictsResponse_Result{Name: given.GetName()}
		conflict, err := view.resolveOne(ctx, given, fmt.Sprintf("requests[%d].", i))
		var known *tandem.Error
		var ready interface{ GRPCStatus() *status.Status }
		switch {
		case err == nil:
			result.Conflict = conflict
			response.ResolvedCount++
		case errors.As(err, &known) && known.Code != tandem.CodeInternal, errors.As(err, &ready):
			result.Error = Status(err).Proto()
		default:
			return nil, err // it is not this decision that is at fault; sending all of them again does no harm
		}
		response.Results = append(response.Results, result)
	}
	return response, nil
}

// open reads the link that conflicts belong to, and its columns.
func (s *ConflictService) open(ctx context.Context, id string) (*conflictView, error) {
	link, err := s.Conflicts.Link(ctx, id)
	if err != nil {
		return nil, err
	}
	columns, err := s.Conflicts.LinkColumns(ctx, id)
	if err != nil {
		return nil, err
	}
	return &conflictView{conflicts: s.Conflicts, link: &link, columns: columns}, nil
}

// conflictView reads and writes conflicts of one link in the forms of the contract.
type conflictView struct {
	conflicts Conflicts
	link      *tandem.Link
	columns   []tandem.Column
}

// find returns the conflict of a row, which a name spells as row.
func (v *conflictView) find(ctx context.Context, field, row string) (tandem.Conflict, error) {
	key, err := parseKey(field, row, v.link.Key, v.columns)
	if err != nil {
		return tandem.Conflict{}, err
	}
	return v.conflicts.Conflict(ctx, v.link.ID, key)
}

// decision is a ResolveConflictRequest, or one entry of a batch.
type decision interface {
	GetName() string
	GetEtag() string
	GetTake() tandemv1.Link_Source
	GetColumns() map[string]*tandemv1.Choice
}

// resolveOne stores one decision of a batch.
func (v *conflictView) resolveOne(ctx context.Context, given decision, prefix string) (*tandemv1.Conflict, error) {
	link, row, err := parseConflict(prefix+"name", given.GetName())
	if err != nil {
		return nil, err
	}
	if link != v.link.ID {
		return nil, tandem.InvalidField(prefix+"name", "it is a conflict of another link than %q", v.link.ID)
	}
	return v.resolve(ctx, given, row, given.GetEtag(), prefix)
}

// resolve checks a decision against the conflict as it is now, and stores it. The etag goes first: what does not fit any more
// would otherwise look malformed.
func (v *conflictView) resolve(ctx context.Context, given decision, row, etag, prefix string) (*tandemv1.Conflict, error) {
	conflict, err := v.find(ctx, prefix+"name", row)
	if err != nil {
		return nil, err
	}
	if !tandem.EtagFits(etag, conflict.Digest) {
		return nil, v.moved(ctx, tandem.Errorf(tandem.CodeAborted, ReasonEtagMismatch,
			"row %q was changed since the conflict was read; look at it again and decide about that", conflict.Key), conflict.Key)
	}
	resolution, err := v.resolution(given, &conflict, prefix)
	if err != nil {
		return nil, err
	}
	if etag != "" && etag != tandem.AnyEtag {
		resolution.Digest = conflict.Digest // which is one that the decision was made about
	}
	resolution.Actor = actor(ctx)
	resolved, err := v.conflicts.Resolve(ctx, v.link.ID, conflict.Key, resolution)
	if err != nil {
		return nil, v.moved(ctx, err, conflict.Key)
	}
	return v.message(&resolved), nil
}

// moved adds the conflict as it is now to the error of a decision about an earlier one.
func (v *conflictView) moved(ctx context.Context, err error, key tandem.Key) error {
	var known *tandem.Error
	if !errors.Is(err, tandem.ErrEtagMismatch) || !errors.As(err, &known) {
		return err
	}
	now, failed := v.conflicts.Conflict(ctx, v.link.ID, key)
	if failed != nil {
		return err
	}
	return statusOf(known, protoadapt.MessageV1Of(v.message(&now))).Err()
}

// resolution reads a decision about conflict. Every violation is recorded.
func (v *conflictView) resolution(given decision, conflict *tandem.Conflict, prefix string) (tandem.Resolution, error) {
	var bad violations
	out := tandem.Resolution{Take: sourceOf(given.GetTake())}
	names := slices.Sorted(maps.Keys(given.GetColumns()))
	switch {
	case out.Take == "" && given.GetTake() != tandemv1.Link_SOURCE_UNSPECIFIED:
		bad.add(prefix+"take", "there is no such side; it is DATABASE or SHEET")
	case out.Take == "" && len(names) == 0:
		bad.add(prefix+"take", "say which side to take, or decide single cells in columns")
	case len(conflict.Columns) == 0 && len(names) > 0:
		bad.add(prefix+"columns", "the whole row is in conflict, deleted on one side and changed on the other; decide it by take alone")
		names = nil
	}
	for _, name := range names {
		field := prefix + "columns." + name
		column := columnNamed(v.columns, name)
		switch {
		case column == nil:
			bad.add(field, "the link has no column %q; its columns are %s", name, columnList(v.columns))
		case !slices.Contains(conflict.Columns, name):
			bad.add(field, "column %q is not in conflict; in conflict are %s", name, strings.Join(conflict.Columns, ", "))
		default:
			if out.Columns == nil {
				out.Columns = map[string]tandem.Choice{}
			}
			out.Columns[name] = choice(given.GetColumns()[name], column, field, &bad)
		}
	}
	return out, bad.err()
}

// choice reads what one cell becomes. A value goes to both sides, so it has to fit both.
func choice(given *tandemv1.Choice, column *tandem.Column, field string, bad *violations) tandem.Choice {
	take := sourceOf(given.GetTake())
	switch {
	case given.GetTake() != tandemv1.Link_SOURCE_UNSPECIFIED && given.GetValue() != nil:
		bad.add(field, "give take or value, not both")
	case given.GetValue() != nil:
		value, err := rowInput{source: tandem.Sheet}.value(column, given.GetValue())
		if err != nil {
			bad.add(field+".value", "%v", err)
		}
		return tandem.Choice{Value: value}
	case take == "":
		bad.add(field, "give take, DATABASE or SHEET, or value")
	}
	return tandem.Choice{Take: take}
}
