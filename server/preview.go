package server

import (
	"context"
	"fmt"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"github.com/tandem-sync/tandem/sheets"
)

// tabSample is the beginning of a tab, for those who do not know of Google.
type tabSample struct{ *sheets.Sample }

// Book is the spreadsheet.
func (s tabSample) Book() *tandem.Spreadsheet { return s.Spreadsheet }

// SampleTab reads the beginning of a tab.
func (b *backend) SampleTab(ctx context.Context, spreadsheet, tab string, headerRow, rows int) (api.TabSample, error) {
	sample, err := b.sheets.Sample(ctx, spreadsheet, tab, headerRow, rows)
	if err != nil {
		return nil, err
	}
	return tabSample{sample}, nil
}

// Preview tells what a link would do that is not made. It opens the link's table and no more.
func (b *backend) Preview(ctx context.Context, link *tandem.Link, begun api.TabSample) (*tandem.Preview, error) {
	read, ok := begun.(tabSample)
	if !ok {
		return nil, fmt.Errorf("a sample of another kind: %T", begun)
	}
	table, err := b.Store.OpenTable(ctx, link)
	if err != nil {
		return nil, err
	}
	sample, err := read.For(ctx, link, table.Columns())
	if err != nil {
		return nil, err
	}
	return b.worker.Preview(ctx, link, table, sample)
}
