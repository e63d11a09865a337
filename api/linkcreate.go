package api

import (
	"context"
	"errors"
	"slices"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// CreateLink makes a link in state NEW. The tab is written to only when it is empty or new, and only its headers. With
// validate_only everything is checked, and nothing is done.
func (s *LinkService) CreateLink(ctx context.Context, r *tandemv1.CreateLinkRequest) (*tandemv1.Link, error) {
	if _, err := s.Links.Link(ctx, r.GetLinkId()); err == nil {
		return nil, tandem.Errorf(tandem.CodeAlreadyExists, "LINK_EXISTS", "there is a link %q already", r.GetLinkId())
	} else if !errors.Is(err, tandem.ErrNotFound) {
		return nil, err
	}
	draft, err := s.draft(ctx, r.GetLinkId(), r.GetLink(), s.Spreadsheets.Spreadsheet)
	if err != nil {
		return nil, err
	}
	if r.GetValidateOnly() {
		return s.drafted(ctx, draft), s.free(ctx, draft)
	}
	if draft.addTab {
		tab, err := s.Spreadsheets.AddTab(ctx, draft.link.SpreadsheetID, draft.link.Tab)
		if err != nil {
			return nil, err
		}
		draft.link.SheetID = tab.SheetID
	}
	created, err := s.Links.CreateLink(ctx, draft.link)
	if err != nil {
		return nil, err
	}
	if draft.empty {
		if err := s.Spreadsheets.SetUp(ctx, &created, draft.columns); err != nil {
			// Without headers the link is of no use, and making it again must not find it there.
			return nil, errors.Join(err, s.Links.DeleteLink(context.WithoutCancel(ctx), created.ID))
		}
	}
	return s.message(ctx, &created), nil
}

// free fails when another link holds the tab. Whoever makes a link is told so by the store too.
func (s *LinkService) free(ctx context.Context, draft *linkDraft) error {
	links, err := s.Links.Links(ctx)
	if err != nil || draft.addTab {
		return err
	}
	at := slices.IndexFunc(links, func(l tandem.Link) bool {
		return l.SpreadsheetID == draft.link.SpreadsheetID && l.SheetID == draft.link.SheetID
	})
	if at < 0 {
		return nil
	}
	return tandem.Errorf(tandem.CodeAlreadyExists, "TAB_LINKED", "the tab %q belongs to link %q already; delete that link first, or use another tab",
		draft.link.Tab, links[at].ID)
}

// drafted is a link as it would be made.
func (s *LinkService) drafted(ctx context.Context, draft *linkDraft) *tandemv1.Link {
	link := s.message(ctx, &draft.link)
	link.Etag, link.CreateTime, link.UpdateTime = "", nil, nil
	if draft.link.ID == "" {
		link.Name = ""
	}
	return link
}
