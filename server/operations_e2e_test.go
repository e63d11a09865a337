package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// Operations are listed by link and by whether they are done, page by page, and say whether they make a plan or apply one.
func TestListOperationsByFilter(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, twoTables, emulator.Tab{Title: "Film"}, emulator.Tab{Title: "Book"})
	g.makeLink("film", "film", "Film")
	g.makeLink("book", "book", "Book")
	run := func(link, body string) map[string]any {
		t.Helper()
		op := g.must("POST", "/v1/links/"+link+":initialSync", body, as(g.admin)...)
		for op["done"] != true {
			op = g.must("POST", fmt.Sprintf("/v1/%s:wait", op["name"]), `{"timeout": "10s"}`, as(g.admin)...)
		}
		return op
	}
	plan := run("film", `{"validateOnly": true}`)
	made := plan["response"].(map[string]any)["plan"].(string)
	ops := map[string]map[string]any{"plan": plan, "apply": run("film", `{"plan": "`+made+`"}`), "book": run("book", `{}`), "last": run("film", `{}`)}
	for name, want := range map[string][]any{"plan": {true, ""}, "apply": {false, made}, "book": {false, ""}} {
		at := ops[name]["metadata"].(map[string]any)
		if got := []any{at["validateOnly"], at["plan"]}; !cmp.Equal(got, want) {
			t.Errorf("metadata of %s say %v, want %v", name, got, want)
		}
	}
	// list returns the names of the operations in the test, page by page.
	list := func(filter string, headers ...string) (found []string) {
		t.Helper()
		for token := ""; ; {
			page := g.must("GET", "/v1/operations?page_size=1&filter="+url.QueryEscape(filter)+"&page_token="+token, "", headers...)
			for _, one := range page["operations"].([]any) {
				for name, op := range ops {
					if op["name"] == one.(map[string]any)["name"] {
						found = append(found, name)
					}
				}
			}
			if token, _ = page["nextPageToken"].(string); token == "" {
				return found
			}
		}
	}
	secret, _ := g.token("phone", tandem.RoleViewer, 0, "book")
	for filter, want := range map[string][]string{"": {"last", "book", "apply", "plan"}, `link = "links/film"`: {"last", "apply", "plan"}, `link="links/book" AND done=true`: {"book"},
		`done = true`: {"last", "book", "apply", "plan"}, `done = false`: nil, `done = true AND link = links/film`: {"last", "apply", "plan"}, `link = "links/nothing"`: nil} {
		if diff := cmp.Diff(want, list(filter, as(g.admin)...)); diff != "" {
			t.Errorf("filter %q (-want +got):\n%s", filter, diff)
		}
	}
	if got := list(`link = "links/film"`, as(secret)...); got != nil {
		t.Errorf("a token for another link sees %v", got)
	}
	if diff := cmp.Diff([]string{"book"}, list("done = true", as(secret)...)); diff != "" {
		t.Errorf("a limited token (-want +got):\n%s", diff)
	}
	for filter, says := range map[string]string{`name = "x"`: `not filtered by "name"`, `done`: "= is expected", `done = maybe`: "true or false", `done = "true"`: "true or false", `link = "film"`: "not the name of a link",
		`link : "links/film"`: "= is expected", `done = true OR done = false`: "AND is expected", `done = true AND`: "not filtered by", `done = true AND done = true`: "twice",
		`link = "links/a" AND link = "links/b"`: "twice", `NOT done = true`: "not filtered by", `(done = true)`: "not filtered by", `link = "links/film`: "no end", `done = `: "a value is expected",
		strings.Repeat("x", 10_001): "10000"} {
		answer := g.refused(http.StatusBadRequest, "filter", "GET", "/v1/operations?filter="+url.QueryEscape(filter), "", as(g.admin)...)
		if !strings.Contains(answer.fields()["filter"], says) {
			t.Errorf("filter %.50q: %s, want %q", filter, answer.text, says)
		}
	}
	token := g.must("GET", "/v1/operations?page_size=1&filter=done%3Dtrue", "", as(g.admin)...)["nextPageToken"].(string)
	g.refused(http.StatusBadRequest, "page_token", "GET", "/v1/operations?page_size=1&page_token="+token, "", as(g.admin)...)
}
