package api

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Tokens are what callers say who they are with.
type Tokens interface {
	// CreateToken returns the token with its secret, which cannot be asked for again.
	CreateToken(ctx context.Context, token tandem.Token) (tandem.Token, string, error)
	// Tokens returns up to limit tokens by id, those after the one called after.
	Tokens(ctx context.Context, after string, limit int) ([]tandem.Token, error)
	// DeleteToken returns tandem.ErrNotFound when there is none of that id.
	DeleteToken(ctx context.Context, id string) error
}

// TokenService makes and revokes tokens.
type TokenService struct {
	tandemv1.UnimplementedTokenServiceServer
	Tokens Tokens
	Now    func() time.Time
}

// CreateToken makes a token.
func (s *TokenService) CreateToken(ctx context.Context, r *tandemv1.CreateTokenRequest) (*tandemv1.CreateTokenResponse, error) {
	token := tandem.Token{Name: r.GetToken().GetDisplayName(), Role: tandem.Role(r.GetToken().GetRole().String())}
	for _, name := range r.GetToken().GetLinks() {
		id, err := linkID(name)
		if err != nil {
			return nil, err
		}
		token.Links = append(token.Links, id)
	}
	if ends := r.GetToken().GetExpireTime(); ends != nil {
		if err := ends.CheckValid(); err != nil {
			return nil, tandem.InvalidField("token.expire_time", "it is no moment: %v", err)
		}
		token.Expires = ends.AsTime()
		if token.Expires.IsZero() {
			return nil, tandem.InvalidField("token.expire_time", "it must lie ahead; leave it out for a token that does not expire")
		}
	}
	token, err := CheckToken(token, s.Now())
	if err != nil {
		return nil, err
	}
	made, secret, err := s.Tokens.CreateToken(ctx, token)
	if err != nil {
		return nil, err
	}
	return &tandemv1.CreateTokenResponse{Token: tokenMessage(&made), Secret: secret}, nil
}

// CheckToken returns a token as it is to be made, or what is wrong with it, whoever asks for it.
func CheckToken(token tandem.Token, now time.Time) (tandem.Token, error) {
	var bad violations
	name := token.Name
	switch {
	case name == "" || len([]rune(name)) > 100:
		bad.add("token.display_name", "it has 1 to 100 characters")
	case strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		bad.add("token.display_name", "it has neither spaces at its ends nor characters that cannot be seen: history names the token by it")
	}
	if !slices.Contains(tandem.Roles, token.Role) {
		bad.add("token.role", "%q is not a role; the roles are VIEWER, EDITOR and ADMIN", token.Role)
	}
	if !token.Expires.IsZero() && !token.Expires.After(now) {
		bad.add("token.expire_time", "%s has passed; leave it out for a token that does not expire", token.Expires.Format(time.RFC3339))
	}
	token.Links = slices.Compact(slices.Sorted(slices.Values(token.Links)))
	return token, bad.err()
}

// ListTokens lists the tokens, without their secrets.
func (s *TokenService) ListTokens(ctx context.Context, r *tandemv1.ListTokensRequest) (*tandemv1.ListTokensResponse, error) {
	page, err := parsePage("tokens", r.GetPageToken())
	if err != nil {
		return nil, err
	}
	limit := pageSize(r.GetPageSize())
	found, err := s.Tokens.Tokens(ctx, page.After, limit+1)
	if err != nil {
		return nil, err
	}
	response := &tandemv1.ListTokensResponse{}
	if len(found) > limit {
		found = found[:limit]
		response.NextPageToken = pageToken{Scope: "tokens", After: found[limit-1].ID}.encode()
	}
	for i := range found {
		response.Tokens = append(response.Tokens, tokenMessage(&found[i]))
	}
	return response, nil
}

// DeleteToken revokes a token.
func (s *TokenService) DeleteToken(ctx context.Context, r *tandemv1.DeleteTokenRequest) (*emptypb.Empty, error) {
	id, found := strings.CutPrefix(r.GetName(), "tokens/")
	if !found || id == "" || strings.Contains(id, "/") {
		return nil, tandem.InvalidField("name", "%q is not the name of a token, tokens/{token}", r.GetName())
	}
	if err := s.Tokens.DeleteToken(ctx, id); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

func tokenMessage(t *tandem.Token) *tandemv1.Token {
	out := &tandemv1.Token{Name: "tokens/" + t.ID, DisplayName: t.Name, Role: role(t.Role),
		CreateTime: timestamppb.New(t.Created)}
	for _, link := range t.Links {
		out.Links = append(out.Links, linkName(link))
	}
	if !t.Expires.IsZero() {
		out.ExpireTime = timestamppb.New(t.Expires)
	}
	if !t.LastUsed.IsZero() {
		out.LastUseTime = timestamppb.New(t.LastUsed)
	}
	return out
}

func role(r tandem.Role) tandemv1.Token_Role {
	return tandemv1.Token_Role(tandemv1.Token_Role_value[string(r)])
}
