package api

import (
	"context"
	"net/url"
	"time"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Links as messages. The names of our states, policies, owners and reasons are the contract's, so each converts by name.

func (s *LinkService) message(ctx context.Context, link *tandem.Link) *tandemv1.Link {
	out := &tandemv1.Link{
		Name:             linkName(link.ID),
		DisplayName:      link.DisplayName,
		Table:            link.Table,
		SpreadsheetId:    link.SpreadsheetID,
		Tab:              link.Tab,
		SheetId:          int32(link.SheetID),
		HeaderRow:        int32(link.HeaderRow),
		ConflictPolicy:   policyMessage(link.Policy),
		PreferredSource:  sourceMessage(link.PreferredSource),
		UpdateTimeColumn: link.UpdateTimeColumn,
		State:            tandemv1.Link_State(tandemv1.Link_State_value[string(link.State)]),
		Status:           statusMessage(&link.Status, s.Now()),
		Key:              link.Key,
		Etag:             linkEtag(link),
		CreateTime:       timestamppb.New(link.Created),
		UpdateTime:       timestamppb.New(link.Updated),

		ShowErrorsInSheet: proto.Bool(!link.HideErrors),
		ShowStatusInSheet: proto.Bool(!link.HideStatus),
		AlertUrl:          alertURL(ctx, link.AlertURL),
	}
	for _, rule := range link.Rules {
		out.Rules = append(out.Rules, &tandemv1.Link_Rule{Column: rule.Column, Expression: rule.Expression})
	}
	for _, c := range link.Columns {
		out.Columns = append(out.Columns, &tandemv1.Link_Column{Column: c.Column, Header: c.Header, Owner: ownerMessage(c.Owner),
			ConflictPolicy: policyMessage(c.Policy), Paused: c.Paused})
	}
	if limit := link.DeleteLimit; limit != (tandem.DeleteLimit{}) {
		out.DeleteLimit = &tandemv1.Link_DeleteLimit{Count: int32(limit.Count), Percent: int32(limit.Percent)}
	}
	if halt := link.Halt; halt != nil {
		out.Halt = &tandemv1.Link_Halt{Reason: tandemv1.Link_Halt_Reason(tandemv1.Link_Halt_Reason_value[halt.Reason]), Message: halt.Message,
			RowCount: int32(halt.RowCount), Source: sourceMessage(halt.Source)}
		for _, key := range halt.Rows {
			out.Halt.Rows = append(out.Halt.Rows, string(key))
		}
	}
	return out
}

// alertURL shows to those who may set it the address that alerts go to. Others see no more than the host: such addresses hold
// passwords, or are secrets themselves.
func alertURL(ctx context.Context, address string) string {
	if address == "" || tandem.CallerOf(ctx).Role.Includes(tandem.RoleAdmin) {
		return address
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host + "/…"
}

func statusMessage(status *tandem.Status, now time.Time) *tandemv1.Link_Status {
	out := &tandemv1.Link_Status{PendingRows: int32(status.Pending), Conflicts: int32(status.Conflicts), RowErrors: int32(status.RowErrors),
		LastError: status.LastError, LastHint: hintMessage(&status.LastHint)}
	if status.EqualAsOf.IsZero() {
		return out
	}
	out.EqualAsOf = timestamppb.New(status.EqualAsOf)
	// The oldest change that waits is younger than the moment at which nothing waited.
	out.Lag = durationpb.New(0)
	if status.Pending > 0 {
		out.Lag = durationpb.New(max(0, now.Sub(status.EqualAsOf)))
	}
	return out
}

func rowErrorMessage(link string, e *tandem.RowError) *tandemv1.RowError {
	return &tandemv1.RowError{Row: rowName(link, e.Source, e.Key), Key: string(e.Key), Source: sourceMessage(e.Source), Column: e.Column,
		Position: int32(e.Position), Message: e.Message, Time: timestamppb.New(e.Since)}
}

func policyMessage(p tandem.Policy) tandemv1.Link_ConflictPolicy {
	return tandemv1.Link_ConflictPolicy(tandemv1.Link_ConflictPolicy_value[string(p)])
}

func policyOf(p tandemv1.Link_ConflictPolicy) tandem.Policy {
	if p == tandemv1.Link_CONFLICT_POLICY_UNSPECIFIED {
		return ""
	}
	return tandem.Policy(p.String())
}

// ownerMessage spells out who owns a column; none said is both.
func ownerMessage(o tandem.Owner) tandemv1.Link_Column_Owner {
	if o == "" {
		return tandemv1.Link_Column_SHARED
	}
	return tandemv1.Link_Column_Owner(tandemv1.Link_Column_Owner_value[string(o)])
}

func ownerOf(o tandemv1.Link_Column_Owner) tandem.Owner {
	if o == tandemv1.Link_Column_OWNER_UNSPECIFIED {
		return tandem.OwnerShared
	}
	return tandem.Owner(o.String())
}

func sourceMessage(s tandem.Source) tandemv1.Link_Source {
	switch s {
	case tandem.Database:
		return tandemv1.Link_DATABASE
	case tandem.Sheet:
		return tandemv1.Link_SHEET
	}
	return tandemv1.Link_SOURCE_UNSPECIFIED
}

func sourceOf(s tandemv1.Link_Source) tandem.Source {
	switch s {
	case tandemv1.Link_DATABASE:
		return tandem.Database
	case tandemv1.Link_SHEET:
		return tandem.Sheet
	}
	return ""
}
