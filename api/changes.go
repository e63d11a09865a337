package api

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxChangeNames is how many changes the result of one row names.
const maxChangeNames = 100

// Histories is what was changed on links, and the way back.
type Histories interface {
	Link(ctx context.Context, id string) (tandem.Link, error)
	// Table returns tandem.ErrNotFound when there is none of that name.
	Table(ctx context.Context, name string) (*tandem.Table, error)
	// Changes returns up to limit entries of a link's history, newest first, whose seq is below before; 0 is no bound.
	Changes(ctx context.Context, link string, filter tandem.ChangeFilter, before int64, limit int) ([]tandem.Entry, error)
	// Revert undoes changes in the database and returns a result for each row. Rows that it reports as done are durable.
	Revert(ctx context.Context, link *tandem.Link, request tandem.RevertRequest) ([]tandem.RevertResult, error)
}

// ChangeService shows the history of links, and reverts what is in it.
type ChangeService struct {
	tandemv1.UnimplementedChangeServiceServer
	Histories Histories
	Watches   Watches       // nil: changes cannot be watched here
	Heartbeat time.Duration // how long a stream says nothing at most; 0 is 15 s
}

// ListChanges lists changes, the newest first.
func (s *ChangeService) ListChanges(ctx context.Context, r *tandemv1.ListChangesRequest) (*tandemv1.ListChangesResponse, error) {
	view, err := s.open(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	filter, err := view.filter(r)
	if err != nil {
		return nil, err
	}
	scope := changeScope(view.link.ID, filter)
	page, err := parsePage(scope, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	var before int64
	if page.After != "" {
		if before, err = strconv.ParseInt(page.After, 10, 64); err != nil || before <= 0 {
			return nil, tandem.InvalidField("page_token", "it is not a token that this server gave out; leave it out to begin with the first page")
		}
	}
	size := pageSize(r.GetPageSize())
	found, err := s.Histories.Changes(ctx, view.link.ID, filter, before, size+1)
	if err != nil {
		return nil, err
	}
	response := &tandemv1.ListChangesResponse{}
	if len(found) > size {
		found = found[:size]
		response.NextPageToken = pageToken{Scope: scope, After: strconv.FormatInt(found[size-1].Seq, 10)}.encode()
	}
	for i := range found {
		response.Changes = append(response.Changes, view.change(&found[i]))
	}
	return response, nil
}

// changeScope tells lists of changes apart, so that a token of one is refused by another.
func changeScope(link string, f tandem.ChangeFilter) string {
	var filters []tandem.Value
	for _, text := range []string{string(f.Key), stamp(f.Since), stamp(f.Until), f.Actor, string(f.Cause), string(f.Source)} {
		filters = append(filters, tandem.Text(text))
	}
	return linkName(link) + "/changes?" + tandem.Digest(filters)
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// RevertChanges undoes changes.
func (s *ChangeService) RevertChanges(ctx context.Context, r *tandemv1.RevertChangesRequest) (*tandemv1.RevertChangesResponse, error) {
	view, err := s.open(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	filter, err := view.filter(r)
	if err != nil {
		return nil, err
	}
	if filter.Seqs, err = view.seqs(r.GetChanges()); err != nil {
		return nil, err
	}
	results, err := s.Histories.Revert(ctx, &view.link, tandem.RevertRequest{Filter: filter, Force: r.GetForce(), ValidateOnly: r.GetValidateOnly(), Actor: actor(ctx)})
	if err != nil {
		return nil, err
	}
	response := &tandemv1.RevertChangesResponse{Results: make([]*tandemv1.RevertResult, len(results))}
	for i := range results {
		response.Results[i] = view.result(&results[i])
		switch {
		case results[i].Err != nil:
			response.RefusedCount++
		case results[i].Kind == "":
			response.UnchangedCount++
		default:
			response.RevertedCount++
		}
	}
	return response, nil
}

// open finds a link and its table. History outlives both its columns and its table; what is gone is shown as text.
func (s *ChangeService) open(ctx context.Context, parent string) (*changeView, error) {
	id, err := linkID(parent)
	if err != nil {
		return nil, err
	}
	link, err := s.Histories.Link(ctx, id)
	if err != nil {
		return nil, err
	}
	view := &changeView{link: link}
	if table, err := s.Histories.Table(ctx, link.Table); err == nil {
		view.columns = table.Columns
	}
	return view, nil
}

// changeFilters are the fields that both requests have.
type changeFilters interface {
	GetRow() string
	GetSince() *timestamppb.Timestamp
	GetUntil() *timestamppb.Timestamp
	GetActor() string
	GetCause() tandemv1.Change_Cause
	GetSource() tandemv1.Link_Source
}

// filter reads what a request selects.
func (v *changeView) filter(r changeFilters) (filter tandem.ChangeFilter, err error) {
	filter = tandem.ChangeFilter{Actor: r.GetActor(), Source: sourceOf(r.GetSource())}
	if cause := r.GetCause(); cause != tandemv1.Change_CAUSE_UNSPECIFIED {
		filter.Cause = tandem.Cause(cause.String())
	}
	if r.GetRow() != "" {
		if filter.Key, err = v.key(r.GetRow()); err != nil {
			return filter, err
		}
	}
	for _, moment := range []struct {
		field string
		given *timestamppb.Timestamp
		into  *time.Time
	}{{"since", r.GetSince(), &filter.Since}, {"until", r.GetUntil(), &filter.Until}} {
		if moment.given == nil {
			continue
		}
		if err := moment.given.CheckValid(); err != nil {
			return filter, tandem.InvalidField(moment.field, "it is no moment: %v", err)
		}
		*moment.into = moment.given.AsTime()
	}
	if !filter.Until.IsZero() && !filter.Since.Before(filter.Until) {
		return filter, tandem.InvalidField("until", "it must be later than since")
	}
	return filter, nil
}

// key reads the key of a row, or its resource name on either side.
func (v *changeView) key(row string) (tandem.Key, error) {
	if strings.HasPrefix(row, "links/") {
		link, _, key, err := parseRow("row", row)
		if err != nil {
			return "", err
		}
		if link != v.link.ID {
			return "", tandem.InvalidField("row", "the row belongs to %s, the request is for %s", linkName(link), linkName(v.link.ID))
		}
		row = key
	}
	if len(v.columns) > 0 {
		return parseKey("row", row, v.link.Key, v.columns)
	}
	text, err := url.PathUnescape(row)
	if err != nil {
		return "", tandem.InvalidField("row", "the key %q is not percent-encoded as it should be: %v", row, err)
	}
	return tandem.Key(text), nil
}

// seqs reads the names of changes, which must be the link's.
func (v *changeView) seqs(names []string) ([]int64, error) {
	var seqs []int64
	for i, name := range names {
		field := fmt.Sprintf("changes[%d]", i)
		number, found := strings.CutPrefix(name, linkName(v.link.ID)+"/changes/")
		if !found {
			return nil, tandem.InvalidField(field, "%q is not the name of a change of %s", name, linkName(v.link.ID))
		}
		seq, err := strconv.ParseInt(number, 10, 64)
		if err != nil || seq <= 0 {
			return nil, tandem.InvalidField(field, "%q is not the name of a change, links/{link}/changes/{change}", name)
		}
		seqs = append(seqs, seq)
	}
	return seqs, nil
}
