package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

const twoTables = filmTable + "CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT);"

// namesIn returns a field of each entry of a list in an answer.
func namesIn(answer map[string]any, list, field string) []string {
	found := []string{}
	entries, _ := answer[list].([]any)
	for _, entry := range entries {
		found = append(found, fmt.Sprint(entry.(map[string]any)[field]))
	}
	slices.Sort(found)
	return found
}

// A token that is limited to a link sees nothing of others, wherever links are listed or found by way of something else.
func TestLimitedToken(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, twoTables, emulator.Tab{Title: "Film"}, emulator.Tab{Title: "Book"}, emulator.Tab{Title: "Private"})
	g.makeLink("film", "film", "Film")
	g.makeLink("book", "book", "Book")
	all := as(g.admin)
	secret, _ := g.token("phone", tandem.RoleAdmin, 0, "film")
	phone := as(secret)

	ops := map[string]string{}
	for _, link := range []string{"film", "book"} {
		op := g.must("POST", "/v1/links/"+link+":initialSync", "{}", all...)
		ops[link] = fmt.Sprint(op["name"])
		for op["done"] != true {
			op = g.must("POST", "/v1/"+ops[link]+":wait", `{"timeout": "10s"}`, all...)
		}
	}
	for _, c := range []struct{ path, list, field, film, both string }{
		{"/v1/links", "links", "name", "links/film", "links/book links/film"},
		{"/v1/tables", "tables", "name", "tables/film", "tables/book tables/film"},
		{"/v1/operations", "operations", "name", ops["film"], strings.Join(slices.Sorted(slices.Values([]string{ops["film"], ops["book"]})), " ")},
		{"/v1/spreadsheets/" + standSheet + "/tabs", "tabs", "title", "Film", "Book Film Private"},
	} {
		if got := strings.Join(namesIn(g.must("GET", c.path, "", phone...), c.list, c.field), " "); got != c.film {
			t.Errorf("GET %s shows %q, want %q", c.path, got, c.film)
		}
		if got := strings.Join(namesIn(g.must("GET", c.path, "", all...), c.list, c.field), " "); got != c.both {
			t.Errorf("GET %s without limits shows %q, want %q", c.path, got, c.both)
		}
	}
	// What waits, on links that rest.
	for _, link := range []string{"film", "book"} {
		g.must("POST", "/v1/links/"+link+":pause", "{}", all...)
		if _, err := g.db.ExecContext(t.Context(), "INSERT INTO "+link+" (id, title) VALUES (70, 'x')"); err != nil {
			t.Fatal(err)
		}
	}
	for want, caller := range map[string][]string{"links/film": phone, "links/book links/film": all} {
		if got := strings.Join(namesIn(g.must("GET", "/v1/quota", "", caller...), "backlog", "link"), " "); got != want {
			t.Errorf("the backlog is of %q, want %q", got, want)
		}
	}
	g.must("GET", "/v1/tables/film", "", phone...)
	g.must("GET", "/v1/"+ops["film"], "", phone...)
	for path, status := range map[string]int{"/v1/tables/book": 403, "/v1/tables/nothing": 403, "/v1/" + ops["book"]: 404, "/v1/operations/NOTHING": 404,
		"/v1/spreadsheets/another/tabs": 403, "/v1/links/book": 403, "/v1/links/nothing": 403, "/metrics": 403} {
		g.refused(status, "", "GET", path, "", phone...)
	}
	for _, path := range []string{":cancel", ":wait"} {
		g.refused(404, "", "POST", "/v1/"+ops["book"]+path, "{}", phone...)
	}
	// Rows and conflicts of another link, named within a request for its own.
	mutation := `{"mutations": [{"mutationId": "1", "type": "UPDATE", "row": {"name": "links/book/sources/database/rows/1", "values": {"title": "x"}}}]}`
	answer := g.call("POST", "/v1/links/film/sources/database/rows:mutate", mutation, phone...)
	if answer.status == http.StatusOK && !strings.Contains(answer.text, "REJECTED") {
		t.Errorf("a row of another link was changed: %s", answer.text)
	}
	g.refused(400, "", "POST", "/v1/links/film/changes:revert", `{"row": "links/book/sources/database/rows/1"}`, phone...)
	decided := g.call("POST", "/v1/links/film/conflicts:batchResolve", `{"requests": [{"name": "links/book/conflicts/1", "take": "SHEET"}]}`, phone...)
	if decided.status == http.StatusOK && !strings.Contains(decided.text, "another link") {
		t.Errorf("a conflict of another link was decided: %s", decided.text)
	}
}

// Pages of lists stay whole when what the caller may not see stands between.
func TestLimitedTokenPages(t *testing.T) {
	var tabs []emulator.Tab
	for i := range 6 {
		tabs = append(tabs, emulator.Tab{Title: fmt.Sprint("T", i)})
	}
	g := newGuarded(t, func(*server.Config) {}, filmTable, tabs...)
	for i := range tabs {
		g.makeLink(fmt.Sprint("l", i), "film", tabs[i].Title)
	}
	secret, _ := g.token("phone", tandem.RoleViewer, 0, "l1", "l3", "l5")
	seen, token := []string{}, ""
	for range 4 {
		page := g.must("GET", "/v1/links?page_size=2&page_token="+token, "", as(secret)...)
		seen = append(seen, namesIn(page, "links", "name")...)
		if token, _ = page["nextPageToken"].(string); token == "" {
			break
		}
	}
	if want := []string{"links/l1", "links/l3", "links/l5"}; !slices.Equal(seen, want) {
		t.Errorf("links %v, want %v", seen, want)
	}
}

// Callers are told who they are, so that an app can leave out what would be refused.
func TestInfoNamesTheCaller(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, twoTables, emulator.Tab{Title: "Film"})
	g.makeLink("film", "film", "Film")
	secret, _ := g.token("phone", tandem.RoleEditor, 0, "film")
	info := g.must("GET", "/v1/info", "", as(secret)...)
	if got := fmt.Sprint(info["role"], info["links"], info["caller"]); got != "EDITOR[links/film]phone" {
		t.Errorf("a limited editor is told %q", got)
	}
	info = g.must("GET", "/v1/info", "", as(g.admin)...)
	if got := fmt.Sprint(info["role"], info["links"]); got != "ADMIN[]" {
		t.Errorf("an admin is told %q", got)
	}
}

// Where alerts go is a secret, or holds one: those who may not set it see the host.
func TestAlertAddressIsForAdmins(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable, emulator.Tab{Title: "Film"})
	g.makeLink("film", "film", "Film")
	const address = "https://user:pass@hooks.example.com/services/T00/SECRET?key=KEY"
	g.must("PATCH", "/v1/links/film", `{"alertUrl": "`+address+`"}`, as(g.admin)...)
	if got := g.must("GET", "/v1/links/film", "", as(g.admin)...)["alertUrl"]; got != address {
		t.Errorf("an admin sees %q", got)
	}
	for _, role := range []tandem.Role{tandem.RoleViewer, tandem.RoleEditor} {
		secret, _ := g.token("t", role, 0)
		for _, path := range []string{"/v1/links/film", "/v1/links"} {
			answer := g.call("GET", path, "", as(secret)...)
			if answer.status != 200 || strings.Contains(answer.text, "SECRET") || strings.Contains(answer.text, "pass") || strings.Contains(answer.text, "KEY") ||
				!strings.Contains(answer.text, "hooks.example.com") {
				t.Errorf("%s sees at %s: %s", role, path, answer.text)
			}
		}
	}
}

// Whoever makes a change, history names the token that did it, and nobody else can pass for one.
func TestHistoryNamesTheToken(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable, emulator.Tab{Title: "Film"})
	g.makeLink("film", "film", "Film")
	op := g.must("POST", "/v1/links/film:initialSync", "{}", as(g.admin)...)
	for op["done"] != true {
		op = g.must("POST", fmt.Sprintf("/v1/%s:wait", op["name"]), `{"timeout": "10s"}`, as(g.admin)...)
	}
	editor, _ := g.token("shop front", tandem.RoleEditor, 0)
	g.must("PATCH", "/v1/links/film/sources/database/rows/1", `{"values": {"title": "AKIRA"}}`, as(editor)...)
	g.must("PATCH", "/v1/links/film/sources/sheet/rows/2", `{"values": {"title": "RAN"}}`, as(editor)...)
	g.eventually(func() string {
		page := g.must("GET", "/v1/links/film/changes?actor=token:shop%20front", "", as(editor)...)
		if changes, _ := page["changes"].([]any); len(changes) != 2 {
			return fmt.Sprintf("history of the token: %v", page)
		}
		return ""
	})
}
