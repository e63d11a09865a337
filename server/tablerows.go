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
	rows, err := t.Scan(ctx, query.After.Key, query.Limit+1)
	if err != nil {
		return page, err
	}
	if page.More = len(rows) > query.Limit; page.More {
		rows = rows[:query.Limit]
	}
	page.Rows = make([]api.ListedRow, len(rows))
	for i := range rows {
		page.Rows[i].Row = rows[i]
	}
	if query.Total {
		page.Total, err = t.Count(ctx)
	}
	return page, err
}

// Get reads one row. The database is always read now.
func (t tableRows) Get(ctx context.Context, key tandem.Key, _ time.Duration) (*tandem.Row, error) {
	rows, err := t.Table.Get(ctx, []tandem.Key{key})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, noSuchRow(key, "table")
	}
	return &rows[0], nil
}

func noSuchRow(key tandem.Key, place string) error {
	return tandem.Errorf(tandem.CodeNotFound, "ROW_NOT_FOUND", "the %s has no row with the key %q", place, key)
}
