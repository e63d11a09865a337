package api

import (
	"context"
	"errors"
	"time"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// AnyAge as the staleness of a read lets the source decide how old the answer may be.
const AnyAge = time.Duration(-1)

// RowQuery asks a source for a page of rows.
type RowQuery struct {
	After     Cursor
	Limit     int
	Staleness time.Duration // the answer must not show a moment longer ago; AnyAge leaves it to the source
	Total     bool          // count all rows, too
}

// Cursor is the last row of a page: its key, or, for a row of the sheet without a usable key, its position. Those rows
// come after all others.
type Cursor struct {
	Key      tandem.Key
	Position int
}

// RowPage is what a source holds after a cursor.
type RowPage struct {
	Rows     []ListedRow
	More     bool
	Total    int64
	Snapshot time.Time // the moment that the rows show
}

// ListedRow is a row, or a row of the sheet that cannot be told by its key.
type ListedRow struct {
	tandem.Row
	Problem string // why its key is not usable, in words; its Key is then not to be used
}

// RowReader reads one source of a link. store's tables and sheets' tabs are twins behind it.
type RowReader interface {
	// Columns are the linked columns; the values of every row stand in their order.
	Columns() []tandem.Column
	// List returns up to query.Limit rows after query.After, in the order of their keys.
	List(ctx context.Context, query RowQuery) (RowPage, error)
	// Get returns tandem.ErrNotFound when the source has no such row.
	Get(ctx context.Context, key tandem.Key, staleness time.Duration) (*tandem.Row, error)
}

// RowWriter writes to one source of a link. When Mutate returns, what it reports as done is durable.
type RowWriter interface {
	Mutate(ctx context.Context, mutations []tandem.Mutation, atomic bool) ([]tandem.MutationResult, error)
}

// RowSource is one source of a link.
type RowSource interface {
	RowReader
	RowWriter
}

// RowSources finds links and opens their sources.
type RowSources interface {
	Link(ctx context.Context, id string) (tandem.Link, error)
	OpenSource(ctx context.Context, link *tandem.Link, source tandem.Source) (RowSource, error)
	// RowStates returns what is known of rows beside their values. Keys of which nothing is known may be left out.
	RowStates(ctx context.Context, link *tandem.Link, keys []tandem.Key) (map[tandem.Key]tandem.RowState, error)
}

// RowService serves the rows of both sources of a link.
type RowService struct {
	tandemv1.UnimplementedRowServiceServer
	Sources RowSources
}

// open finds the link and opens one of its sources.
func (s *RowService) open(ctx context.Context, link string, source tandem.Source) (*rowView, error) {
	found, err := s.Sources.Link(ctx, link)
	if err != nil {
		return nil, err
	}
	opened, err := s.Sources.OpenSource(ctx, &found, source)
	if err != nil {
		return nil, err
	}
	return &rowView{sources: s.Sources, link: &found, source: source, rows: opened, columns: opened.Columns()}, nil
}

// ListRows returns a page of rows.
func (s *RowService) ListRows(ctx context.Context, r *tandemv1.ListRowsRequest) (*tandemv1.ListRowsResponse, error) {
	link, source, err := parseSource("parent", r.GetParent())
	if err != nil {
		return nil, err
	}
	for field, value := range map[string]string{"filter": r.GetFilter(), "order_by": r.GetOrderBy()} {
		if value != "" {
			return nil, &tandem.Error{Code: tandem.CodeUnimplemented, Reason: "UNIMPLEMENTED", Message: field + " is not implemented yet; leave it out",
				Fields: []tandem.FieldViolation{{Field: field, Description: "not implemented yet"}}}
		}
	}
	page, err := parsePage(sourceName(link, source), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	view, err := s.open(ctx, link, source)
	if err != nil {
		return nil, err
	}
	mask, err := view.readMask(r.GetReadMask().GetPaths())
	if err != nil {
		return nil, err
	}
	query := RowQuery{After: Cursor{Key: tandem.Key(page.After), Position: page.Position}, Limit: pageSize(r.GetPageSize()),
		Staleness: staleness(r.GetMaxStaleness()), Total: r.GetShowTotal()}
	found, err := view.rows.List(ctx, query)
	if err != nil {
		return nil, err
	}
	response := &tandemv1.ListRowsResponse{SnapshotTime: timestamppb.New(found.Snapshot)}
	if response.Rows, err = view.listed(ctx, found.Rows, mask); err != nil {
		return nil, err
	}
	if r.GetShowTotal() {
		total := int32(min(found.Total, 1<<31-1))
		response.TotalSize = &total
	}
	if n := len(found.Rows); found.More && n > 0 {
		last := found.Rows[n-1]
		next := pageToken{Scope: sourceName(link, source), After: string(last.Key)}
		if last.Problem != "" {
			next.After, next.Position = "", last.Position
		}
		response.NextPageToken = next.encode()
	}
	return response, nil
}

// GetRow returns one row.
func (s *RowService) GetRow(ctx context.Context, r *tandemv1.GetRowRequest) (*tandemv1.Row, error) {
	view, key, err := s.openRow(ctx, "name", r.GetName())
	if err != nil {
		return nil, err
	}
	mask, err := view.readMask(r.GetReadMask().GetPaths())
	if err != nil {
		return nil, err
	}
	row, err := view.rows.Get(ctx, key, staleness(r.GetMaxStaleness()))
	if err != nil {
		return nil, err
	}
	return view.one(ctx, row, mask)
}

// CreateRow adds a row.
func (s *RowService) CreateRow(ctx context.Context, r *tandemv1.CreateRowRequest) (*tandemv1.Row, error) {
	link, source, err := parseSource("parent", r.GetParent())
	if err != nil {
		return nil, err
	}
	id, err := requestID(ctx, r.GetRequestId())
	if err != nil {
		return nil, err
	}
	view, err := s.open(ctx, link, source)
	if err != nil {
		return nil, err
	}
	mutation, err := view.create(r.GetRow(), "")
	if err != nil {
		return nil, err
	}
	mutation.RequestID, mutation.ValidateOnly, mutation.Actor = id, r.GetValidateOnly(), actor(ctx)
	return view.write(ctx, mutation)
}

// UpdateRow changes columns of a row.
func (s *RowService) UpdateRow(ctx context.Context, r *tandemv1.UpdateRowRequest) (*tandemv1.Row, error) {
	id, err := requestID(ctx, r.GetRequestId())
	if err != nil {
		return nil, err
	}
	etag, err := givenEtag(ctx, "row.etag", r.GetRow().GetEtag())
	if err != nil {
		return nil, err
	}
	view, key, err := s.openRow(ctx, "row.name", r.GetRow().GetName())
	if err != nil {
		return nil, err
	}
	mutation, err := view.update(r.GetRow(), key, r.GetUpdateMask().GetPaths(), "", r.GetAllowMissing())
	if err != nil {
		return nil, err
	}
	mutation.Etag, mutation.RequestID, mutation.ValidateOnly, mutation.Actor = etag, id, r.GetValidateOnly(), actor(ctx)
	return view.write(ctx, mutation)
}

// DeleteRow removes a row.
func (s *RowService) DeleteRow(ctx context.Context, r *tandemv1.DeleteRowRequest) (*emptypb.Empty, error) {
	id, err := requestID(ctx, r.GetRequestId())
	if err != nil {
		return nil, err
	}
	etag, err := givenEtag(ctx, "etag", r.GetEtag())
	if err != nil {
		return nil, err
	}
	view, key, err := s.openRow(ctx, "name", r.GetName())
	if err != nil {
		return nil, err
	}
	mutation := tandem.Mutation{Kind: tandem.Delete, Key: key, Etag: etag, AllowMissing: r.GetAllowMissing(), RequestID: id,
		ValidateOnly: r.GetValidateOnly(), Actor: actor(ctx)}
	if _, err := view.write(ctx, mutation); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// openRow opens the source that a row's name stands in and returns the row's key.
func (s *RowService) openRow(ctx context.Context, field, name string) (*rowView, tandem.Key, error) {
	link, source, row, err := parseRow(field, name)
	if err != nil {
		return nil, "", err
	}
	view, err := s.open(ctx, link, source)
	if err != nil {
		return nil, "", err
	}
	key, err := parseKey(field, row, view.link.Key, view.columns)
	return view, key, err
}

// write makes one mutation and returns the row as it then is, nil after a delete.
func (v *rowView) write(ctx context.Context, mutation tandem.Mutation) (*tandemv1.Row, error) {
	results, err := v.rows.Mutate(ctx, []tandem.Mutation{mutation}, false)
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, errors.New("one write without exactly one result")
	}
	if result := results[0]; result.Err != nil {
		return nil, v.refusal(ctx, result)
	}
	if results[0].Row == nil {
		return nil, nil
	}
	if mutation.ValidateOnly {
		return v.convert(results[0].Row, "", everything, nil), nil
	}
	return v.one(ctx, results[0].Row, everything)
}

func staleness(given *durationpb.Duration) time.Duration {
	if given == nil {
		return AnyAge
	}
	return given.AsDuration()
}
