package api

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Links are the stored links.
type Links interface {
	Link(ctx context.Context, id string) (tandem.Link, error)
	Links(ctx context.Context) ([]tandem.Link, error)
	// CreateLink fails with tandem.ErrAlreadyExists when the id is taken, or another link holds the tab.
	CreateLink(ctx context.Context, link tandem.Link) (tandem.Link, error)
	// UpdateLink fails with tandem.ErrEtagMismatch unless version, when it is not 0, is the stored one.
	UpdateLink(ctx context.Context, link tandem.Link, version int64) (tandem.Link, error)
	DeleteLink(ctx context.Context, id string) error
	SetState(ctx context.Context, id string, from []tandem.State, to tandem.State) error
}

// LinkWork is what a link's cycles are told, and what they tell.
type LinkWork interface {
	AddMarks(ctx context.Context, link string, marks []tandem.Mark) error
	Approve(ctx context.Context, id string, putBack bool) (tandem.Link, error)
	RowErrors(ctx context.Context, link, after string, limit int) (rowErrors []tandem.RowError, next string, err error)
	CreateOperation(ctx context.Context, op tandem.Operation) error
	Plan(ctx context.Context, id string) (*tandem.Plan, error)
	// DropCapture removes the triggers of a link. It is idempotent.
	DropCapture(ctx context.Context, link *tandem.Link) error
}

// LinkService makes, changes and runs links.
type LinkService struct {
	tandemv1.UnimplementedLinkServiceServer
	Links        Links
	Work         LinkWork
	Tables       Tables
	Spreadsheets Spreadsheets
	Rules        Rules
	Hooks        Hooks
	Previews     Previews
	Now          func() time.Time
}

// GetLink returns one link.
func (s *LinkService) GetLink(ctx context.Context, r *tandemv1.GetLinkRequest) (*tandemv1.Link, error) {
	link, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return s.message(ctx, &link), nil
}

// ListLinks lists the links by id.
func (s *LinkService) ListLinks(ctx context.Context, r *tandemv1.ListLinksRequest) (*tandemv1.ListLinksResponse, error) {
	page, err := parsePage("links", r.GetPageToken())
	if err != nil {
		return nil, err
	}
	links, err := s.Links.Links(ctx)
	if err != nil {
		return nil, err
	}
	response := &tandemv1.ListLinksResponse{}
	limit := pageSize(r.GetPageSize())
	caller := tandem.CallerOf(ctx)
	links = slices.DeleteFunc(links, func(l tandem.Link) bool { return !caller.Sees(l.ID) })
	for i := range links {
		if page.After != "" && links[i].ID <= page.After {
			continue
		}
		if len(response.Links) == limit {
			response.NextPageToken = pageToken{Scope: "links", After: links[i-1].ID}.encode()
			break
		}
		response.Links = append(response.Links, s.message(ctx, &links[i]))
	}
	return response, nil
}

// UpdateLink changes settings of a link.
func (s *LinkService) UpdateLink(ctx context.Context, r *tandemv1.UpdateLinkRequest) (*tandemv1.Link, error) {
	link, err := s.find(ctx, r.GetLink().GetName())
	if err != nil {
		return nil, err
	}
	etag, err := givenEtag(ctx, "link.etag", r.GetLink().GetEtag())
	if err != nil {
		return nil, err
	}
	// Settings are laid over the link as it was read, so what is stored must still be that, whatever the caller asked for.
	version := link.Version
	if err := s.expected(ctx, &link, etag); err != nil {
		return nil, err
	}
	compare, err := s.change(ctx, &link, r.GetLink(), r.GetUpdateMask().GetPaths())
	if err != nil {
		return nil, err
	}
	updated, err := s.Links.UpdateLink(ctx, link, version)
	if err != nil {
		return nil, err
	}
	if compare {
		if err := s.Work.AddMarks(ctx, link.ID, wholeSources()); err != nil {
			return nil, err
		}
	}
	return s.message(ctx, &updated), nil
}

// expected fails, with the link as it is now, when that is not one that a call was based on.
func (s *LinkService) expected(ctx context.Context, link *tandem.Link, etag string) error {
	if tandem.EtagFits(etag, linkEtag(link)) {
		return nil
	}
	moved := tandem.Errorf(tandem.CodeAborted, ReasonEtagMismatch, "link %q was changed meanwhile; read it again and repeat the call", link.ID)
	return statusOf(moved, protoadapt.MessageV1Of(s.message(ctx, link))).Err()
}

// DeleteLink removes a link with its triggers and state. The header If-Match holds it to the link that the caller has seen.
func (s *LinkService) DeleteLink(ctx context.Context, r *tandemv1.DeleteLinkRequest) (*emptypb.Empty, error) {
	link, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	etag, err := givenEtag(ctx, "If-Match", "")
	if err != nil {
		return nil, err
	}
	if err := s.expected(ctx, &link, etag); err != nil {
		return nil, err
	}
	if err := s.Work.DropCapture(ctx, &link); err != nil {
		return nil, err
	}
	if err := s.Links.DeleteLink(ctx, link.ID); err != nil {
		return nil, err
	}
	// A cycle that was under way may have restored the triggers before it noticed.
	if err := s.Work.DropCapture(ctx, &link); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// PauseLink stops the flow of changes until ResumeLink.
func (s *LinkService) PauseLink(ctx context.Context, r *tandemv1.PauseLinkRequest) (*tandemv1.Link, error) {
	return s.move(ctx, r.GetName(), tandem.StateActive, tandem.StatePaused)
}

// ResumeLink lets changes flow again, beginning with those made meanwhile.
func (s *LinkService) ResumeLink(ctx context.Context, r *tandemv1.ResumeLinkRequest) (*tandemv1.Link, error) {
	return s.move(ctx, r.GetName(), tandem.StatePaused, tandem.StateActive)
}

func (s *LinkService) move(ctx context.Context, name string, from, to tandem.State) (*tandemv1.Link, error) {
	link, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if link.State == from && to == tandem.StateActive {
		if err := s.Work.AddMarks(ctx, link.ID, wholeSources()); err != nil {
			return nil, err
		}
	}
	if link.State != to {
		if err := s.Links.SetState(ctx, link.ID, []tandem.State{from}, to); err != nil {
			return nil, err
		}
	}
	return s.GetLink(ctx, &tandemv1.GetLinkRequest{Name: name})
}

// wholeSources asks for a look at every row of both sides.
func wholeSources() []tandem.Mark {
	return []tandem.Mark{{Source: tandem.Database, Cause: tandem.CauseAPI}, {Source: tandem.Sheet, Cause: tandem.CauseAPI}}
}

// ApproveHalt ends a halt.
func (s *LinkService) ApproveHalt(ctx context.Context, r *tandemv1.ApproveHaltRequest) (*tandemv1.Link, error) {
	link, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if link.Halt != nil && link.Halt.Reason == tandem.HaltTimeZone {
		if err := s.acceptZone(ctx, link); err != nil {
			return nil, err
		}
	}
	link, err = s.Work.Approve(ctx, link.ID, r.GetPutBack())
	if err != nil {
		return nil, err
	}
	return s.message(ctx, &link), nil
}

// acceptZone takes over the time zone that a link's spreadsheet has now: its cells are moments of that zone from here on.
func (s *LinkService) acceptZone(ctx context.Context, link tandem.Link) error {
	sheet, err := s.Spreadsheets.Spreadsheet(ctx, link.SpreadsheetID, link.HeaderRow)
	if err != nil || sheet.TimeZone == link.TimeZone {
		return err
	}
	link.TimeZone = sheet.TimeZone
	_, err = s.Links.UpdateLink(ctx, link, link.Version)
	return err
}

// ListRowErrors lists the rows of a link that one side refuses.
func (s *LinkService) ListRowErrors(ctx context.Context, r *tandemv1.ListRowErrorsRequest) (*tandemv1.ListRowErrorsResponse, error) {
	link, err := s.find(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	scope := r.GetParent() + "/rowErrors"
	page, err := parsePage(scope, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	found, next, err := s.Work.RowErrors(ctx, link.ID, page.After, pageSize(r.GetPageSize()))
	if err != nil {
		return nil, err
	}
	response := &tandemv1.ListRowErrorsResponse{}
	for i := range found {
		response.RowErrors = append(response.RowErrors, rowErrorMessage(link.ID, &found[i]))
	}
	if next != "" {
		response.NextPageToken = pageToken{Scope: scope, After: next}.encode()
	}
	return response, nil
}

// InitialSync asks the worker to compare all rows of both sides, and to bring them in step.
func (s *LinkService) InitialSync(ctx context.Context, r *tandemv1.InitialSyncRequest) (*longrunningpb.Operation, error) {
	link, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if link.State == tandem.StateHalted {
		return nil, tandem.Errorf(tandem.CodePrecondition, "LINK_STATE",
			"link %q is HALTED; decide about that first, with POST /v1/links/%s:approve", link.ID, link.ID)
	}
	if id := r.GetPlan(); id != "" {
		plan, err := s.Work.Plan(ctx, id)
		if err != nil {
			return nil, err
		}
		if plan == nil || plan.Link != link.ID {
			return nil, tandem.Errorf(tandem.CodeNotFound, "PLAN_NOT_FOUND", "link %q has no plan %q", link.ID, id)
		}
	}
	returns := link.State
	if returns == tandem.StateInitialSync {
		returns = tandem.StateNew
	}
	op := tandem.Operation{
		ID:   rand.Text(),
		Link: link.ID,
		Request: tandem.SyncRequest{ValidateOnly: r.GetValidateOnly(), Plan: r.GetPlan(), PreferredSource: sourceOf(r.GetPreferredSource()),
			DiscardBaseline: r.GetDiscardBaseline(), Actor: actor(ctx), Returns: returns},
		Progress: tandem.SyncProgress{Phase: tandemv1.InitialSyncMetadata_WAITING.String()},
		Created:  s.Now(),
	}
	if err := s.Work.CreateOperation(ctx, op); err != nil {
		return nil, err
	}
	return operation(&op, nil)
}

func (s *LinkService) find(ctx context.Context, name string) (tandem.Link, error) {
	id, err := linkID(name)
	if err != nil {
		return tandem.Link{}, err
	}
	return s.Links.Link(ctx, id)
}

func linkEtag(link *tandem.Link) string { return strconv.FormatInt(link.Version, 10) }
