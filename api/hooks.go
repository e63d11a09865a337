package api

import (
	"context"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Hooks are how spreadsheets tell the server of edits.
type Hooks interface {
	// RotateHookSecret gives a link a new secret; what is signed with the old one is refused from then on.
	RotateHookSecret(ctx context.Context, link string) (string, error)
	// AppsScript returns the script filled in for a link, with its secret, which is made when there is none.
	AppsScript(ctx context.Context, link *tandem.Link) (AppsScript, error)
}

// AppsScript is a script that a person installs at Google.
type AppsScript struct {
	Code, Manifest string
	Instructions   string // how to install it, step by step
}

// RotateHookSecret gives a link a new hook secret.
func (s *LinkService) RotateHookSecret(ctx context.Context, r *tandemv1.RotateHookSecretRequest) (*tandemv1.RotateHookSecretResponse, error) {
	link, err := linkID(r.GetName())
	if err != nil {
		return nil, err
	}
	secret, err := s.Hooks.RotateHookSecret(ctx, link)
	if err != nil {
		return nil, err
	}
	return &tandemv1.RotateHookSecretResponse{Secret: secret}, nil
}

// GetAppsScript returns the script of a link, filled in.
func (s *LinkService) GetAppsScript(ctx context.Context, r *tandemv1.GetAppsScriptRequest) (*tandemv1.AppsScript, error) {
	parent, isScript := strings.CutSuffix(r.GetName(), "/appsScript")
	if !isScript {
		return nil, tandem.InvalidField("name", "%q is not the name of a script, links/{link}/appsScript", r.GetName())
	}
	link, err := s.find(ctx, parent)
	if err != nil {
		return nil, err
	}
	script, err := s.Hooks.AppsScript(ctx, &link)
	if err != nil {
		return nil, err
	}
	return &tandemv1.AppsScript{Name: r.GetName(), Code: script.Code, Manifest: script.Manifest, Instructions: script.Instructions}, nil
}

// hintMessage is nil as long as no change of the tab became known.
func hintMessage(hint *tandem.Hint) *tandemv1.Link_Hint {
	if hint.At.IsZero() {
		return nil
	}
	out := &tandemv1.Link_Hint{Path: tandemv1.Link_Hint_Path(tandemv1.Link_Hint_Path_value[string(hint.Path)]), Time: timestamppb.New(hint.At)}
	if hint.Delay > 0 {
		out.Delay = durationpb.New(hint.Delay)
	}
	return out
}
