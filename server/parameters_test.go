package server_test

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A parameter that a call does not take is refused and told apart from what the call takes, whichever way the request goes.
func TestUnknownParameters(t *testing.T) {
	s := newStand(t, filmTable, emulator.Tab{Title: "Film", Rows: [][]any{{"id", "title"}}})
	s.must("POST", "/v1/links?link_id=film", `{"table": "film", "spreadsheetId": "`+standSheet+`", "tab": "Film"}`)
	const rows = "/v1/links/film/sources/database/rows"
	for _, c := range []struct{ method, path, says string }{
		{"GET", rows + "?pagesize=1", "pagesize: there is no such parameter; did you mean pageSize?"},
		{"GET", rows + "?page_sise=1", "page_sise: there is no such parameter; did you mean page_size?"},
		{"GET", rows + "?page_size=1&nope=1", "nope: there is no such parameter; this call takes page"},
		{"GET", rows + "?nope=", "nope: there is no such parameter; this call takes pageSize, "},
		{"GET", rows + "?a%FFb=1", "a\uFFFDb: there is no such parameter"},
		{"GET", rows + "?parent=links/other", "parent: it stands in the path"},
		{"GET", rows + "?%24alt=json", "$alt: there is no such parameter"},
		{"GET", rows + "/1?readmask=etag", "readmask: there is no such parameter; did you mean readMask?"},
		{"GET", "/v1/links/film?view=FULL", "view: there is no such parameter; this call takes none"},
		{"GET", "/v1/links/film/changes:watch?resumetoken=x", "resumetoken: there is no such parameter; did you mean resumeToken?"},
		{"GET", "/v1/operations?pagesize=1", "pagesize: there is no such parameter; did you mean pageSize?"},
		{"POST", rows + "?values.title=x", "values.title: there is no such parameter"},
		{"POST", rows + "?row.values=x", "row.values: this call takes it in the body"},
		{"PATCH", rows + "/1?updatemask=title", "updatemask: there is no such parameter; did you mean updateMask?"},
		{"DELETE", rows + "/1?allow_mising=true", "allow_mising: there is no such parameter; did you mean allow_missing?"},
		{"POST", "/v1/links/film:initialSync?validateOnly=true", "validateOnly: this call takes it in the body"},
		{"POST", "/v1/links/film:pause?now=true", "now: this call takes nothing in the query"},
	} {
		got := s.call(c.method, c.path, `{}`)
		if got.status != http.StatusBadRequest || !strings.Contains(got.text, c.says) || !strings.Contains(got.text, `"field":"`+strings.SplitN(c.says, ":", 2)[0]+`"`) {
			t.Errorf("%s %s: %d %s\nwant %q", c.method, c.path, got.status, got.text, c.says)
		}
	}
	for _, path := range []string{rows + "?pageSize=1&page_token=&order_by=id&orderBy=", rows + "?filter=id%3D1&show_total=true&readMask=title&max_staleness=1s", rows + "/1?read_mask=title",
		"/v1/links/film/changes?since=2026-01-01T00:00:00Z&actor=x", "/v1/operations?page_size=3", "/v1/links?pageSize=1", "/v1/tables?", "/v1/info?"} {
		if got := s.call("GET", path, ""); got.status == http.StatusBadRequest && strings.Contains(got.text, "no such parameter") {
			t.Errorf("%s: %s", path, got.text)
		}
	}
	if changes := s.must("GET", "/v1/links/film", ""); changes["state"] != "NEW" {
		t.Errorf("what was to be tried was done: the link is %v", changes["state"])
	}
}

// No call of the contract is left out.
func TestEveryCallRefusesUnknownParameters(t *testing.T) {
	s := newStand(t, filmTable, emulator.Tab{Title: "Film"})
	calls := 0
	each := func(rule *annotations.HttpRule) {
		var method, path string
		switch pattern := rule.GetPattern().(type) {
		case *annotations.HttpRule_Get:
			method, path = "GET", pattern.Get
		case *annotations.HttpRule_Post:
			method, path = "POST", pattern.Post
		case *annotations.HttpRule_Patch:
			method, path = "PATCH", pattern.Patch
		case *annotations.HttpRule_Delete:
			method, path = "DELETE", pattern.Delete
		default:
			t.Fatalf("a call by another method: %v", rule)
		}
		var plain strings.Builder // the path without its braces
		for i, part := range strings.Split(path, "{") {
			if i > 0 {
				_, part, _ = strings.Cut(part, "=")
			}
			plain.WriteString(strings.Replace(part, "}", "", 1))
		}
		calls++
		path = strings.ReplaceAll(plain.String(), "*", "x") + "?no_such_parameter=1"
		if got := s.call(method, path, "{}"); got.status != http.StatusBadRequest || !strings.Contains(got.text, "no_such_parameter: ") {
			t.Errorf("%s %s: %d %s", method, path, got.status, got.text)
		}
	}
	protoregistry.GlobalFiles.RangeFilesByPackage("tandem.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for n := range methods.Len() {
				rule := proto.GetExtension(methods.Get(n).Options(), annotations.E_Http).(*annotations.HttpRule)
				for _, one := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
					each(one)
				}
			}
		}
		return true
	})
	for _, one := range []*annotations.HttpRule{
		{Pattern: &annotations.HttpRule_Get{Get: "/v1/operations"}}, {Pattern: &annotations.HttpRule_Get{Get: "/v1/operations/x"}},
		{Pattern: &annotations.HttpRule_Post{Post: "/v1/operations/x:cancel"}}, {Pattern: &annotations.HttpRule_Post{Post: "/v1/operations/x:wait"}},
	} {
		each(one)
	}
	if calls < 35 {
		t.Errorf("only %d calls were found", calls)
	}
}

// Who takes the wrong method is told which are right.
func TestAllow(t *testing.T) {
	s := newStand(t, filmTable, emulator.Tab{Title: "Film"})
	for call, want := range map[string]string{
		"PUT /v1/links":                               "GET, HEAD, POST",
		"DELETE /v1/links":                            "GET, HEAD, POST",
		"PUT /v1/links/film":                          "GET, HEAD, PATCH, DELETE",
		"PUT /v1/links/film:pause":                    "POST",
		"POST /v1/links/film/changes":                 "GET, HEAD",
		"POST /v1/links/film/changes:watch":           "GET, HEAD",
		"GET /v1/links/film/changes:revert":           "POST",
		"POST /v1/quota":                              "GET, HEAD",
		"PUT /v1/links/film/sources/sheet/rows/a%2Fb": "GET, HEAD, PATCH, DELETE",
		"POST /healthz":                               "GET, HEAD",
		"DELETE /":                                    "GET, HEAD",
		"GET /hooks/sheets/film":                      "POST",
	} {
		method, path, _ := strings.Cut(call, " ")
		got := s.call(method, path, "")
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != want {
			t.Errorf("%s: %d, Allow: %q, want %q: %s", call, got.status, got.header.Get("Allow"), want, got.text)
		}
	}
	if got := s.call("GET", "/v1/nothing", ""); got.status != http.StatusNotFound || got.header.Get("Allow") != "" {
		t.Errorf("no such path: %d, Allow: %q", got.status, got.header.Get("Allow"))
	}
}
