package api

import (
	"context"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// reach is how far a method reaches, for callers that are limited to certain links.
type reach uint8

const (
	// oneLink: the request names the link, and nothing else is touched.
	oneLink reach = iota + 1
	// everyLink: the request names none, or one that has to be looked up first; the method itself leaves out what the caller may
	// not see.
	everyLink
	// noLimits: what a caller with limits never may.
	noLimits
	// anybody: no token is needed.
	anybody
)

// need is what a method asks of its caller.
type need struct {
	role  tandem.Role
	reach reach
}

// access is who may call what: the one table of it. A method that is not in it is refused to everybody.
var access = map[string]need{
	"/tandem.v1.LinkService/CreateLink":       {tandem.RoleAdmin, noLimits}, // it may name any table and any spreadsheet
	"/tandem.v1.LinkService/PreviewLink":      {tandem.RoleAdmin, noLimits},
	"/tandem.v1.LinkService/GetLink":          {tandem.RoleViewer, oneLink},
	"/tandem.v1.LinkService/ListLinks":        {tandem.RoleViewer, everyLink},
	"/tandem.v1.LinkService/UpdateLink":       {tandem.RoleAdmin, oneLink},
	"/tandem.v1.LinkService/DeleteLink":       {tandem.RoleAdmin, oneLink},
	"/tandem.v1.LinkService/InitialSync":      {tandem.RoleAdmin, oneLink},
	"/tandem.v1.LinkService/PauseLink":        {tandem.RoleAdmin, oneLink},
	"/tandem.v1.LinkService/ResumeLink":       {tandem.RoleAdmin, oneLink},
	"/tandem.v1.LinkService/ApproveHalt":      {tandem.RoleAdmin, oneLink},
	"/tandem.v1.LinkService/ListRowErrors":    {tandem.RoleViewer, oneLink},
	"/tandem.v1.LinkService/TestRules":        {tandem.RoleAdmin, oneLink},
	"/tandem.v1.LinkService/RotateHookSecret": {tandem.RoleAdmin, oneLink},
	"/tandem.v1.LinkService/GetAppsScript":    {tandem.RoleAdmin, oneLink}, // the script holds the link's secret

	"/tandem.v1.RowService/ListRows":   {tandem.RoleViewer, oneLink},
	"/tandem.v1.RowService/GetRow":     {tandem.RoleViewer, oneLink},
	"/tandem.v1.RowService/CreateRow":  {tandem.RoleEditor, oneLink},
	"/tandem.v1.RowService/UpdateRow":  {tandem.RoleEditor, oneLink},
	"/tandem.v1.RowService/DeleteRow":  {tandem.RoleEditor, oneLink},
	"/tandem.v1.RowService/MutateRows": {tandem.RoleEditor, oneLink},

	"/tandem.v1.ChangeService/ListChanges":   {tandem.RoleViewer, oneLink},
	"/tandem.v1.ChangeService/WatchChanges":  {tandem.RoleViewer, oneLink},
	"/tandem.v1.ChangeService/RevertChanges": {tandem.RoleEditor, oneLink},

	"/tandem.v1.ConflictService/ListConflicts":         {tandem.RoleViewer, oneLink},
	"/tandem.v1.ConflictService/GetConflict":           {tandem.RoleViewer, oneLink},
	"/tandem.v1.ConflictService/ResolveConflict":       {tandem.RoleEditor, oneLink},
	"/tandem.v1.ConflictService/BatchResolveConflicts": {tandem.RoleEditor, oneLink},

	"/tandem.v1.CatalogService/ListTables": {tandem.RoleViewer, everyLink},
	"/tandem.v1.CatalogService/GetTable":   {tandem.RoleViewer, everyLink},
	"/tandem.v1.CatalogService/ListTabs":   {tandem.RoleViewer, everyLink},

	"/tandem.v1.StatusService/GetQuota":      {tandem.RoleViewer, everyLink},
	"/tandem.v1.StatusService/GetServerInfo": {tandem.RoleViewer, everyLink},

	"/tandem.v1.TokenService/CreateToken": {tandem.RoleAdmin, noLimits},
	"/tandem.v1.TokenService/ListTokens":  {tandem.RoleAdmin, noLimits},
	"/tandem.v1.TokenService/DeleteToken": {tandem.RoleAdmin, noLimits},

	"/google.longrunning.Operations/GetOperation":    {tandem.RoleViewer, everyLink},
	"/google.longrunning.Operations/ListOperations":  {tandem.RoleViewer, everyLink},
	"/google.longrunning.Operations/WaitOperation":   {tandem.RoleViewer, everyLink},
	"/google.longrunning.Operations/CancelOperation": {tandem.RoleAdmin, everyLink},
	"/google.longrunning.Operations/DeleteOperation": {tandem.RoleAdmin, everyLink}, // it is not implemented

	// Load balancers ask for health, and have no token. It says nothing but whether the server works.
	"/grpc.health.v1.Health/Check": {reach: anybody},
	"/grpc.health.v1.Health/List":  {reach: anybody},
	"/grpc.health.v1.Health/Watch": {reach: anybody},

	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      {tandem.RoleViewer, everyLink},
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": {tandem.RoleViewer, everyLink},
}

// Open reports whether a method is answered without a token.
func Open(method string) bool { return access[method].reach == anybody }

// Allow returns nil when the caller may make calls of a method. Then AllowRequest tells of each request, once it is read.
func Allow(caller tandem.Caller, method string) error {
	needed, known := access[method]
	switch {
	case !known:
		return refused("nobody may call %s", strings.TrimPrefix(method, "/"))
	case needed.reach == anybody:
	case !caller.Role.Includes(needed.role):
		return refused("this call needs a token with the role %s, and this one has the role %s", needed.role, caller.Role)
	case needed.reach == noLimits && caller.Limited():
		return refused("this call needs a token that is not limited to certain links")
	}
	return nil
}

// AllowRequest returns nil when the caller's limits allow a request of a method that Allow allows. What is refused says the
// same of links that exist and of others, so that nobody finds out here which there are.
func AllowRequest(caller tandem.Caller, method string, request any) error {
	if !caller.Limited() || access[method].reach != oneLink || caller.Sees(linkNamed(request)) {
		return nil
	}
	return refused("this token is limited to certain links, and this is none of them")
}

// linkNamed returns the id of the link that a request names, "" when it names none.
func linkNamed(request any) string {
	name := ""
	switch r := request.(type) {
	case interface{ GetLink() *tandemv1.Link }:
		name = r.GetLink().GetName()
	case interface{ GetParent() string }:
		name = r.GetParent()
	case interface{ GetName() string }:
		name = r.GetName()
	case *tandemv1.UpdateRowRequest:
		name = r.GetRow().GetName()
	}
	rest, isLink := strings.CutPrefix(name, "links/")
	if !isLink {
		return ""
	}
	link, _, _ := strings.Cut(rest, "/")
	return link
}

func refused(format string, args ...any) error {
	return tandem.Errorf(tandem.CodePermission, "PERMISSION_DENIED", format, args...)
}

// actor is who history names for what a call does.
func actor(ctx context.Context) string { return tandem.CallerOf(ctx).Actor() }
