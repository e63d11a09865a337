package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// accessCase is one method: who may call it, and a call. LINK stands for the link that the call is about.
type accessCase struct {
	method  string // without the package
	role    tandem.Role
	limited string // what a caller who is limited to certain links may: "own" of its links, "never", "linked" what they name, "inside" as the method says
	request string
	rest    string // method and path; "" where REST has none
	body    string
}

// accessCases are all methods there are, as DESIGN and API have them. It is written by hand, apart from the program's own table.
var accessCases = []accessCase{
	{"LinkService/CreateLink", "ADMIN", "never", `{"linkId": "new", "link": {}}`, "POST /v1/links?link_id=new", "{}"},
	{"LinkService/PreviewLink", "ADMIN", "never", `{"link": {}}`, "POST /v1/links:preview", `{"link": {}}`},
	{"LinkService/GetLink", "VIEWER", "own", `{"name": "links/LINK"}`, "GET /v1/links/LINK", ""},
	{"LinkService/ListLinks", "VIEWER", "inside", `{}`, "GET /v1/links", ""},
	{"LinkService/UpdateLink", "ADMIN", "own", `{"link": {"name": "links/LINK", "displayName": "x"}}`, "PATCH /v1/links/LINK", `{"displayName": "x"}`},
	{"LinkService/DeleteLink", "ADMIN", "own", `{"name": "links/LINK"}`, "DELETE /v1/links/LINK", ""},
	{"LinkService/InitialSync", "ADMIN", "own", `{"name": "links/LINK"}`, "POST /v1/links/LINK:initialSync", "{}"},
	{"LinkService/PauseLink", "ADMIN", "own", `{"name": "links/LINK"}`, "POST /v1/links/LINK:pause", "{}"},
	{"LinkService/ResumeLink", "ADMIN", "own", `{"name": "links/LINK"}`, "POST /v1/links/LINK:resume", "{}"},
	{"LinkService/ApproveHalt", "ADMIN", "own", `{"name": "links/LINK"}`, "POST /v1/links/LINK:approve", "{}"},
	{"LinkService/ListRowErrors", "VIEWER", "own", `{"parent": "links/LINK"}`, "GET /v1/links/LINK/rowErrors", ""},
	{"LinkService/TestRules", "ADMIN", "own", `{"name": "links/LINK", "rules": [{"expression": "database"}]}`, "POST /v1/links/LINK:testRules", `{"rules": [{"expression": "database"}]}`},
	{"LinkService/RotateHookSecret", "ADMIN", "own", `{"name": "links/LINK"}`, "POST /v1/links/LINK:rotateHookSecret", "{}"},
	{"LinkService/GetAppsScript", "ADMIN", "own", `{"name": "links/LINK/appsScript"}`, "GET /v1/links/LINK/appsScript", ""},

	{"RowService/ListRows", "VIEWER", "own", `{"parent": "links/LINK/sources/database"}`, "GET /v1/links/LINK/sources/database/rows", ""},
	{"RowService/GetRow", "VIEWER", "own", `{"name": "links/LINK/sources/database/rows/1"}`, "GET /v1/links/LINK/sources/database/rows/1", ""},
	{"RowService/CreateRow", "EDITOR", "own", `{"parent": "links/LINK/sources/database", "row": {"values": {"id": "7"}}}`, "POST /v1/links/LINK/sources/database/rows", `{"values": {"id": "7"}}`},
	{"RowService/UpdateRow", "EDITOR", "own", `{"row": {"name": "links/LINK/sources/sheet/rows/1", "values": {"title": "x"}}}`, "PATCH /v1/links/LINK/sources/sheet/rows/1", `{"values": {"title": "x"}}`},
	{"RowService/DeleteRow", "EDITOR", "own", `{"name": "links/LINK/sources/database/rows/1"}`, "DELETE /v1/links/LINK/sources/database/rows/1", ""},
	{"RowService/MutateRows", "EDITOR", "own", `{"parent": "links/LINK/sources/database", "mutations": [{"mutationId": "m"}]}`,
		"POST /v1/links/LINK/sources/database/rows:mutate", `{"mutations": [{"mutationId": "m"}]}`},

	{"ChangeService/ListChanges", "VIEWER", "own", `{"parent": "links/LINK"}`, "GET /v1/links/LINK/changes", ""},
	{"ChangeService/WatchChanges", "VIEWER", "own", `{"parent": "links/LINK"}`, "GET /v1/links/LINK/changes:watch", ""},
	{"ChangeService/RevertChanges", "EDITOR", "own", `{"parent": "links/LINK", "row": "1"}`, "POST /v1/links/LINK/changes:revert", `{"row": "1"}`},

	{"ConflictService/ListConflicts", "VIEWER", "own", `{"parent": "links/LINK"}`, "GET /v1/links/LINK/conflicts", ""},
	{"ConflictService/GetConflict", "VIEWER", "own", `{"name": "links/LINK/conflicts/1"}`, "GET /v1/links/LINK/conflicts/1", ""},
	{"ConflictService/ResolveConflict", "EDITOR", "own", `{"name": "links/LINK/conflicts/1", "take": "SHEET"}`, "POST /v1/links/LINK/conflicts/1:resolve", `{"take": "SHEET"}`},
	{"ConflictService/BatchResolveConflicts", "EDITOR", "own", `{"parent": "links/LINK", "all": true, "take": "SHEET"}`, "POST /v1/links/LINK/conflicts:batchResolve", `{"all": true, "take": "SHEET"}`},

	{"CatalogService/ListTables", "VIEWER", "inside", `{}`, "GET /v1/tables", ""},
	{"CatalogService/GetTable", "VIEWER", "linked", `{"name": "tables/film"}`, "GET /v1/tables/film", ""},
	{"CatalogService/ListTabs", "VIEWER", "linked", `{"parent": "spreadsheets/` + standSheet + `"}`, "GET /v1/spreadsheets/" + standSheet + "/tabs", ""},
	{"StatusService/GetQuota", "VIEWER", "inside", `{}`, "GET /v1/quota", ""},
	{"StatusService/GetServerInfo", "VIEWER", "inside", `{}`, "GET /v1/info", ""},

	{"TokenService/CreateToken", "ADMIN", "never", `{"token": {"displayName": "n", "role": "VIEWER"}}`, "POST /v1/tokens", `{"displayName": "n", "role": "VIEWER"}`},
	{"TokenService/ListTokens", "ADMIN", "never", `{}`, "GET /v1/tokens", ""},
	{"TokenService/DeleteToken", "ADMIN", "never", `{"name": "tokens/nobody"}`, "DELETE /v1/tokens/nobody", ""},

	{"Operations/GetOperation", "VIEWER", "inside", `{"name": "operations/none"}`, "GET /v1/operations/none", ""},
	{"Operations/ListOperations", "VIEWER", "inside", `{"name": "operations"}`, "GET /v1/operations", ""},
	{"Operations/WaitOperation", "VIEWER", "inside", `{"name": "operations/none"}`, "POST /v1/operations/none:wait", "{}"},
	{"Operations/CancelOperation", "ADMIN", "inside", `{"name": "operations/none"}`, "POST /v1/operations/none:cancel", "{}"},
	{"Operations/DeleteOperation", "ADMIN", "inside", `{"name": "operations/none"}`, "", ""},

	{"Health/Check", "", "", `{}`, "", ""},
	{"Health/List", "", "", `{}`, "", ""},
	{"Health/Watch", "", "", `{}`, "", ""},
	{"ServerReflection/ServerReflectionInfo", "VIEWER", "inside", `{"listServices": ""}`, "", ""},
}

// bearerOf is one way to come with a token, or without.
type bearerOf struct {
	name    string
	headers []string // values of Authorization
	role    tandem.Role
	link    string // that it is limited to
}

// verdict is what must become of a call of c about link.
func (b bearerOf) verdict(c accessCase, link string) codes.Code {
	switch {
	case c.role == "":
		return codes.OK
	case b.role == "":
		return codes.Unauthenticated
	case slices.Index(tandem.Roles, b.role) < slices.Index(tandem.Roles, c.role):
		return codes.PermissionDenied
	case b.link != "" && (c.limited == "never" || c.limited == "own" && b.link != link || c.limited == "linked" && b.link == "gone"):
		return codes.PermissionDenied
	}
	return codes.OK
}

// Every method is tried with every kind of token, over gRPC and over REST.
func TestAccess(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable, emulator.Tab{Title: "Film"}, emulator.Tab{Title: "Gone"}, emulator.Tab{Title: "Other"})
	g.makeLink("film", "film", "Film")
	g.makeLink("gone", "film", "Gone")
	g.makeLink("other", "film", "Other")
	bearers := everyBearer(g)
	// What is allowed is tried on a link that was deleted, so that nothing comes of it.
	g.must("DELETE", "/v1/links/gone", "", as(g.admin)...)

	methods := registered(g)
	for _, c := range accessCases {
		descriptors := methods[c.method]
		if len(descriptors) == 0 {
			t.Errorf("%s is no method of the server", c.method)
		}
		delete(methods, c.method)
		for _, b := range bearers {
			for _, link := range []string{"gone", "film"} {
				want := b.verdict(c, link)
				if want == codes.OK && link == "film" {
					continue
				}
				for _, method := range descriptors {
					failed := g.callMethod(method, b, strings.ReplaceAll(c.request, "LINK", link))
					if problem := unlike(failed, want); problem != "" {
						t.Errorf("%s of %s with %s over gRPC: %s", c.method, link, b.name, problem)
					}
					g.sameOverREST(c, b, link, want, failed)
				}
			}
		}
	}
	for method := range methods {
		t.Errorf("%s is a method that is not tried here", method)
	}
	if left := g.must("GET", "/v1/links/film", "", as(g.admin)...); left["state"] != "NEW" || left["displayName"] != "" {
		t.Errorf("calls that were refused did something: %v", left)
	}
}

// sameOverREST makes the call over REST, which must say the same.
func (g *guarded) sameOverREST(c accessCase, b bearerOf, link string, want codes.Code, overGRPC *status.Status) {
	g.Helper()
	if c.rest == "" {
		return
	}
	verb, path, _ := strings.Cut(strings.ReplaceAll(c.rest, "LINK", link), " ")
	ctx, cancel := context.WithTimeout(g.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, verb, g.url+path, strings.NewReader(c.body))
	if err != nil {
		g.Fatal(err)
	}
	request.Header["Authorization"] = b.headers
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		g.Fatal(err)
	}
	status := map[codes.Code]int{codes.Unauthenticated: http.StatusUnauthorized, codes.PermissionDenied: http.StatusForbidden}[want]
	switch {
	case want == codes.OK && (response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden || response.StatusCode >= 500):
		g.Errorf("%s with %s: status %d: %s", c.rest, b.name, response.StatusCode, text)
	case want == codes.OK:
	case response.StatusCode != status || !strings.Contains(string(text), `"reason":"`+reasonOf(overGRPC)+`"`):
		g.Errorf("%s of %s with %s: status %d, want %d with the reason %s: %s", c.rest, link, b.name, response.StatusCode, status, reasonOf(overGRPC), text)
	case want == codes.Unauthenticated && response.Header.Get("WWW-Authenticate") != "Bearer":
		g.Errorf("%s with %s: WWW-Authenticate is %q", c.rest, b.name, response.Header.Get("WWW-Authenticate"))
	}
}

// everyBearer makes tokens of every kind. Links that are named must be there.
func everyBearer(g *guarded) []bearerOf {
	one := func(secret string) []string { return []string{"Bearer " + secret} }
	revoked, id := g.token("revoked", tandem.RoleAdmin, 0)
	if err := g.store.DeleteToken(g.Context(), id); err != nil {
		g.Fatal(err)
	}
	expired, _ := g.token("expired", tandem.RoleAdmin, -time.Second)
	bearers := []bearerOf{
		{name: "no token"},
		{name: "an empty header", headers: []string{""}},
		{name: "a malformed token", headers: one("tdm_nonsense")},
		{name: "a token that never was", headers: one(tandem.NewTokenSecret("abcdefghijkl", [32]byte{1}))},
		{name: "another secret of a token", headers: one(tandem.NewTokenSecret(g.admin[4:16], [32]byte{1}))},
		{name: "a revoked token", headers: one(revoked)},
		{name: "an expired token", headers: one(expired)},
		{name: "another scheme", headers: []string{"Basic " + g.admin}},
		{name: "two tokens", headers: []string{"Bearer " + g.admin, "Bearer " + g.admin}},
		{name: "the id of a token", headers: one(g.admin[4:16])},
	}
	for _, role := range tandem.Roles {
		secret, _ := g.token("t", role, time.Hour)
		bearers = append(bearers, bearerOf{name: string(role), headers: one(secret), role: role})
		for _, link := range []string{"gone", "other"} {
			secret, _ := g.token("t", role, time.Hour, link)
			bearers = append(bearers, bearerOf{name: string(role) + " of " + link, headers: one(secret), role: role, link: link})
		}
	}
	return bearers
}

// registered asks the server which methods it has. Those of two versions of one service have one name here.
func registered(g *guarded) map[string][]protoreflect.MethodDescriptor {
	g.Helper()
	stream, err := reflectionpb.NewServerReflectionClient(g.conn).ServerReflectionInfo(g.with(g.admin))
	if err != nil {
		g.Fatal(err)
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
		g.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		g.Fatal(err)
	}
	methods := map[string][]protoreflect.MethodDescriptor{}
	for _, service := range answer.GetListServicesResponse().GetService() {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service.GetName()))
		if err != nil {
			g.Fatal(err)
		}
		all := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range all.Len() {
			name := fmt.Sprintf("%s/%s", found.Name(), all.Get(i).Name())
			methods[name] = append(methods[name], all.Get(i))
		}
	}
	return methods
}

// callMethod makes a call over gRPC and returns how it ended. Of a stream it is the first answer that counts.
func (g *guarded) callMethod(method protoreflect.MethodDescriptor, b bearerOf, request string) *status.Status {
	g.Helper()
	message := func(of protoreflect.MessageDescriptor) proto.Message {
		found, err := protoregistry.GlobalTypes.FindMessageByName(of.FullName())
		if err != nil {
			g.Fatal(err)
		}
		return found.New().Interface()
	}
	in, out := message(method.Input()), message(method.Output())
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		g.Fatalf("%s: %v", method.FullName(), err)
	}
	ctx, cancel := context.WithTimeout(g.Context(), 10*time.Second)
	defer cancel()
	for _, value := range b.headers {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", value)
	}
	name := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	if !method.IsStreamingClient() && !method.IsStreamingServer() {
		return status.Convert(g.conn.Invoke(ctx, name, in, out))
	}
	stream, err := g.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: method.IsStreamingClient(), ServerStreams: true}, name)
	if err != nil {
		return status.Convert(err)
	}
	if err := stream.SendMsg(in); err != nil && !errors.Is(err, io.EOF) {
		return status.Convert(err)
	}
	_ = stream.CloseSend()
	return status.Convert(stream.RecvMsg(out))
}

// unlike says in what a call did not end as it must.
func unlike(got *status.Status, want codes.Code) string {
	switch got.Code() {
	case want:
		if want == codes.OK || reasonOf(got) != "" {
			return ""
		}
		return fmt.Sprintf("%v, without a reason", got)
	case codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented:
		if want == codes.OK { // it was let in
			return ""
		}
	}
	return fmt.Sprintf("%v, want %v", got, want)
}

func reasonOf(s *status.Status) string {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}
