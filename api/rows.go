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
	Filter    *tandem.Filter // nil wants all
	Order     []tandem.Order // then by key
	After     Cursor
	Limit     int
	Staleness time.Duration // the answer must not show a moment longer ago; AnyAge leaves it to the source
	Total     bool          // count all rows that the filter wants, too
}

// Cursor is the last row of a page: its key, or, for a row of the sheet without a usable key, its position. Those rows
// come after all others.
type Cursor struct {
	Key      tandem.Key
	Position int
	// Marks are what the row was sorted by, one for each column of the order, in the words of its source.
	Marks []string
}

// RowPage is what a source holds after a cursor.
type RowPage struct {
	Rows     []ListedRow
	More     bool
	Marks    []string // of the last row, see Cursor; nil without an order
	Total    int64
	Snapshot time.Time // the moment that the rows show
}

// ListedRow is a row, or a row of the sheet that cannot be told by its key.
type ListedRow struct {
	tandem.Row
	Problem string // why its key is not usable, in words; its Key is then not to be used
	// State is what is known of it beside its values, where the source told; nil: ask RowStates.
	State *tandem.RowState
}

// RowReader reads one source of a link. store's tables and sheets' tabs are twins behind it.
type RowReader interface {
	// Columns are the linked columns; the values of every row stand in their order.
	Columns() []tandem.Column
	// List returns up to query.Limit rows after query.After that the filter wants, in the order of the query, then of their keys.
	List(ctx context.Context, query RowQuery) (RowPage, error)
	// Get returns tandem.ErrNotFound when the source has no such row.
	Get(ctx context.Context, key tandem.Key, staleness time.Duration) (*ListedRow, error)
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
	// OpenRows returns a link, which is not to be changed and without its counts, and one of its sources. Unless anew, both
	// may be as another call found them a moment ago: what they are asked for then fails with tandem.ErrOutdated, and
	// nothing is done, where the outcome could be another by now.
	OpenRows(ctx context.Context, link string, source tandem.Source, anew bool) (*tandem.Link, RowSource, error)
	// RowStates returns what is known of rows beside their values. Keys of which nothing is known may be left out.
	RowStates(ctx context.Context, link *tandem.Link, keys []tandem.Key) (map[tandem.Key]tandem.RowState, error)
}

// RowService serves the rows of both sources of a link.
type RowService struct {
	tandemv1.UnimplementedRowServiceServer
	Sources RowSources
}

// with opens a source of a link and calls do. Where that fails for what may have been other since the link was read, or finds
// something wrong with the request, which may be so only in the light of what was remembered, it is called once more with
// what is there now.
func (s *RowService) with(ctx context.Context, link string, source tandem.Source, do func(v *rowView) error) error {
	err := s.open(ctx, link, source, false, do)
	if errors.Is(err, tandem.ErrOutdated) || errors.Is(err, tandem.ErrInvalid) || errors.Is(err, errPrecondition) {
		return s.open(ctx, link, source, true, do)
	}
	return err
}

var errPrecondition error = &tandem.Error{Code: tandem.CodePrecondition}

func (s *RowService) open(ctx context.Context, link string, source tandem.Source, anew bool, do func(v *rowView) error) error {
	found, rows, err := s.Sources.OpenRows(ctx, link, source, anew)
	if err != nil {
		return err
	}
	return do(&rowView{sources: s.Sources, link: found, source: source, rows: rows, columns: rows.Columns(), anew: anew})
}

// ListRows returns a page of rows.
func (s *RowService) ListRows(ctx context.Context, r *tandemv1.ListRowsRequest) (*tandemv1.ListRowsResponse, error) {
	link, source, err := parseSource("parent", r.GetParent())
	if err != nil {
		return nil, err
	}
	wanted := queryDigest(r.GetFilter(), r.GetOrderBy())
	page, err := parsePage(sourceName(link, source), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	if r.GetPageToken() != "" && page.Query != wanted {
		return nil, tandem.InvalidField("page_token", "it belongs to a list with another filter or order_by; leave it out to begin with the first page")
	}
	query := RowQuery{After: Cursor{Key: tandem.Key(page.After), Position: page.Position, Marks: page.Marks}, Limit: pageSize(r.GetPageSize()),
		Staleness: staleness(r.GetMaxStaleness()), Total: r.GetShowTotal()}
	var found RowPage
	response := &tandemv1.ListRowsResponse{}
	err = s.with(ctx, link, source, func(view *rowView) error {
		mask, err := view.readMask(r.GetReadMask().GetPaths())
		if err != nil {
			return err
		}
		if query.Filter, err = parseFilter(r.GetFilter(), view.columns); err != nil {
			return err
		}
		if query.Order, err = parseOrder(r.GetOrderBy(), view.columns); err != nil {
			return err
		}
		if found, err = view.rows.List(ctx, query); err != nil {
			return err
		}
		response.Rows, err = view.listed(ctx, found.Rows, mask)
		return err
	})
	if err != nil {
		return nil, err
	}
	response.SnapshotTime = timestamppb.New(found.Snapshot)
	if r.GetShowTotal() {
		total := int32(min(found.Total, 1<<31-1))
		response.TotalSize = &total
	}
	if n := len(found.Rows); found.More && n > 0 {
		last := found.Rows[n-1]
		next := pageToken{Scope: sourceName(link, source), Query: wanted, After: string(last.Key), Marks: found.Marks}
		if last.Problem != "" {
			next.After, next.Marks, next.Position = "", nil, last.Position
		}
		if response.NextPageToken = next.encode(); len(response.NextPageToken) > maxPageToken {
			return nil, tandem.InvalidField("order_by", "what row %s is sorted by is too long for a page token; sort by other columns", last.Key)
		}
	}
	return response, nil
}

// GetRow returns one row.
func (s *RowService) GetRow(ctx context.Context, r *tandemv1.GetRowRequest) (answer *tandemv1.Row, err error) {
	err = s.withRow(ctx, "name", r.GetName(), func(view *rowView, key tandem.Key) error {
		mask, err := view.readMask(r.GetReadMask().GetPaths())
		if err != nil {
			return err
		}
		row, err := view.rows.Get(ctx, key, staleness(r.GetMaxStaleness()))
		if err != nil {
			return err
		}
		answer, err = view.one(ctx, row, mask)
		return err
	})
	return answer, err
}

// CreateRow adds a row.
func (s *RowService) CreateRow(ctx context.Context, r *tandemv1.CreateRowRequest) (answer *tandemv1.Row, err error) {
	link, source, err := parseSource("parent", r.GetParent())
	if err != nil {
		return nil, err
	}
	id, err := requestID(ctx, r.GetRequestId())
	if err != nil {
		return nil, err
	}
	err = s.with(ctx, link, source, func(view *rowView) error {
		mutation, err := view.create(r.GetRow(), "")
		if err != nil {
			return err
		}
		mutation.RequestID, mutation.ValidateOnly, mutation.Actor = id, r.GetValidateOnly(), actor(ctx)
		answer, err = view.write(ctx, mutation)
		return err
	})
	return answer, err
}

// UpdateRow changes columns of a row.
func (s *RowService) UpdateRow(ctx context.Context, r *tandemv1.UpdateRowRequest) (answer *tandemv1.Row, err error) {
	id, err := requestID(ctx, r.GetRequestId())
	if err != nil {
		return nil, err
	}
	etag, err := givenEtag(ctx, "row.etag", r.GetRow().GetEtag())
	if err != nil {
		return nil, err
	}
	err = s.withRow(ctx, "row.name", r.GetRow().GetName(), func(view *rowView, key tandem.Key) error {
		mutation, err := view.update(r.GetRow(), key, r.GetUpdateMask().GetPaths(), "", r.GetAllowMissing())
		if err != nil {
			return err
		}
		mutation.Etag, mutation.RequestID, mutation.ValidateOnly, mutation.Actor = etag, id, r.GetValidateOnly(), actor(ctx)
		answer, err = view.write(ctx, mutation)
		return err
	})
	return answer, err
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
	err = s.withRow(ctx, "name", r.GetName(), func(view *rowView, key tandem.Key) error {
		_, err := view.write(ctx, tandem.Mutation{Kind: tandem.Delete, Key: key, Etag: etag, AllowMissing: r.GetAllowMissing(), RequestID: id,
			ValidateOnly: r.GetValidateOnly(), Actor: actor(ctx)})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// withRow is with for the source that a row's name stands in, and the row's key.
func (s *RowService) withRow(ctx context.Context, field, name string, do func(v *rowView, key tandem.Key) error) error {
	link, source, row, err := parseRow(field, name)
	if err != nil {
		return err
	}
	return s.with(ctx, link, source, func(view *rowView) error {
		key, err := parseKey(field, row, view.link.Key, view.columns)
		if err != nil {
			return err
		}
		return do(view, key)
	})
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
	result := &results[0]
	switch {
	case result.Err != nil:
		return nil, v.refusal(ctx, *result)
	case result.Row == nil:
		return nil, nil
	case mutation.ValidateOnly:
		return v.packed(result.Row, "", everything, nil), nil
	}
	return v.one(ctx, &ListedRow{Row: *result.Row, State: result.State}, everything)
}

func staleness(given *durationpb.Duration) time.Duration {
	if given == nil {
		return AnyAge
	}
	return given.AsDuration()
}
