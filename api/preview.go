package api

import (
	"context"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// usualSample is how many rows of a tab a preview looks at when the caller does not say.
const usualSample = 1000

// Previews tell what links would do that are not made. They store nothing and write nothing.
type Previews interface {
	// SampleTab reads a spreadsheet's tabs, and the rows of one of them down to so many below its header row.
	SampleTab(ctx context.Context, spreadsheet, tab string, headerRow, rows int) (TabSample, error)
	// Preview tells what the first initial sync of a link would do with the rows of a sample.
	Preview(ctx context.Context, link *tandem.Link, sample TabSample) (*tandem.Preview, error)
}

// TabSample is the beginning of a tab, read before it is known which of its columns are linked.
type TabSample interface {
	// Book is the spreadsheet; only the tab that was read has Headers.
	Book() *tandem.Spreadsheet
	// Blank reports whether no row that was read holds anything, or there is no such tab.
	Blank() bool
}

// PreviewLink checks a link that is not made, and a sample of its tab, and tells what its first initial sync would do.
func (s *LinkService) PreviewLink(ctx context.Context, r *tandemv1.PreviewLinkRequest) (*tandemv1.PreviewLinkResponse, error) {
	rows := int(r.GetSampleRows())
	if rows == 0 {
		rows = usualSample
	}
	var sample TabSample
	read := func(ctx context.Context, spreadsheet string, headerRow int) (*tandem.Spreadsheet, error) {
		var err error
		if sample, err = s.Previews.SampleTab(ctx, spreadsheet, r.GetLink().GetTab(), headerRow, rows); err != nil {
			return nil, err
		}
		return sample.Book(), nil
	}
	draft, err := s.draft(ctx, "", r.GetLink(), read)
	if err != nil {
		return nil, err
	}
	if err := s.free(ctx, draft); err != nil {
		return nil, err
	}
	if draft.empty && !sample.Blank() {
		problem := tandem.InvalidField("link.header_row", "row %d of the tab is empty, and other rows are not: say in which row the headers stand, or write headers there",
			draft.link.HeaderRow)
		problem.Code, problem.Reason = tandem.CodePrecondition, reasonCannotLink
		return nil, problem
	}
	preview, err := s.Previews.Preview(ctx, &draft.link, sample)
	if err != nil {
		return nil, err
	}
	return s.previewMessage(ctx, draft, preview), nil
}

func (s *LinkService) previewMessage(ctx context.Context, draft *linkDraft, p *tandem.Preview) *tandemv1.PreviewLinkResponse {
	out := &tandemv1.PreviewLinkResponse{Link: s.drafted(ctx, draft), TableRows: p.TableRows, TabRowsChecked: count(int64(p.TabRows)), Complete: p.Complete,
		Counts: syncCounts(&p.Counts), Examples: syncExamples(p.Examples, draft.columns), AddsTab: draft.addTab, WritesHeaders: draft.empty}
	for i, check := range p.Columns {
		linked := &draft.link.Columns[i]
		column := &tandemv1.PreviewLinkResponse_ColumnCheck{Column: linked.Column, Header: linked.Header, Checked: count(int64(check.Checked)),
			Refused: count(int64(check.Refused)), Paused: check.Paused}
		for _, e := range check.Examples {
			column.Examples = append(column.Examples, &tandemv1.PreviewLinkResponse_ColumnCheck_Example{Row: count(int64(e.Row)), Key: string(e.Key),
				Value: e.Shown, Message: e.Message})
		}
		out.Columns = append(out.Columns, column)
	}
	return out
}
