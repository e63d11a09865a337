package server

import (
	"context"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"github.com/tandem-sync/tandem/store"
)

// tableRows is a linked table as one source of the API.
type tableRows struct {
	*store.Table
	now func() time.Time
}

// List pages through the table by key. One row more than asked for is read, to tell whether there is a next page.
func (t tableRows) List(ctx context.Context, query api.RowQuery) (api.RowPage, error) {
	page := api.RowPage{Snapshot: t.now()}
	if query.Filter != nil || len(query.Order) > 0 {
		return t.selected(ctx, query, page)
	}
	rows, err := t.ScanKnown(ctx, query.After.Key, query.Limit+1)
	if err != nil {
		return page, err
	}
	if page.More = len(rows) > query.Limit; page.More {
		rows = rows[:query.Limit]
	}
	page.Rows = make([]api.ListedRow, len(rows))
	for i := range rows {
		page.Rows[i] = api.ListedRow{Row: rows[i].Row, State: rows[i].State}
	}
	if query.Total {
		page.Total, err = t.Count(ctx)
	}
	return page, err
}

// selected is List for some of the rows, or in another order than that of their keys.
func (t tableRows) selected(ctx context.Context, query api.RowQuery, page api.RowPage) (api.RowPage, error) {
	found, err := t.Select(ctx, store.RowQuery{Filter: query.Filter, Order: query.Order, After: query.After.Key, Marks: query.After.Marks, Limit: query.Limit})
	if err != nil {
		return page, err
	}
	page.More, page.Marks, page.Rows = found.More, found.Marks, make([]api.ListedRow, len(found.Rows))
	for i := range found.Rows {
		page.Rows[i] = api.ListedRow{Row: found.Rows[i]}
	}
	if query.Total {
		page.Total, err = t.CountMatching(ctx, query.Filter)
	}
	return page, err
}

// Get reads one row. The database is always read now.
func (t tableRows) Get(ctx context.Context, key tandem.Key, _ time.Duration) (*api.ListedRow, error) {
	row, err := t.GetKnown(ctx, key)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, noSuchRow(key, "table")
	}
	return &api.ListedRow{Row: row.Row, State: row.State}, nil
}

func noSuchRow(key tandem.Key, place string) error {
	return tandem.Errorf(tandem.CodeNotFound, "ROW_NOT_FOUND", "the %s has no row with the key %q", place, key)
}
