package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

const linkSchema = `CREATE TABLE films (film_id INT NOT NULL PRIMARY KEY, title VARCHAR(50), made_at DATETIME, poster BLOB);
	CREATE TABLE heap (a TEXT, b TEXT);`

func filmTabs() []emulator.Tab {
	return []emulator.Tab{
		{Title: "Films", Rows: [][]any{{"Film ID", "Title", "Notes"}, {1, "One", "n"}}},
		{Title: "No key", Rows: [][]any{{"Title"}, {"One"}}},
		{Title: "Twice", Rows: [][]any{{"film_id", "Title", "TITLE"}}},
		{Title: "Empty"},
	}
}

func TestBadLinks(t *testing.T) {
	s := newStand(t, linkSchema, filmTabs()...)
	body := func(table, sheet, tab, more string) string {
		return fmt.Sprintf(`{"table": %q, "spreadsheetId": %q, "tab": %q%s}`, table, sheet, tab, more)
	}
	for name, c := range map[string]struct{ id, body, field string }{
		"no id":              {"", body("films", standSheet, "Films", ""), "link_id"},
		"bad id":             {"Films", body("films", standSheet, "Films", ""), "link_id"},
		"no table":           {"x", `{"spreadsheetId": "a", "tab": "b"}`, "link.table"},
		"no tab":             {"x", `{"table": "films", "spreadsheetId": "a"}`, "link.tab"},
		"unknown table":      {"x", body("movies", standSheet, "Films", ""), "link.table"},
		"table without key":  {"x", body("heap", standSheet, "Empty", ""), "link.table"},
		"own table":          {"x", body("tandem_links", standSheet, "Empty", ""), "link.table"},
		"unknown sheet":      {"x", body("films", "nowhere", "Films", ""), "link.spreadsheet_id"},
		"unknown tab":        {"x", body("films", standSheet, "Movies", ""), "link.tab"},
		"no key column":      {"x", body("films", standSheet, "No key", ""), "link.columns"},
		"header twice":       {"x", body("films", standSheet, "Twice", ""), "link.columns"},
		"unknown column":     {"x", body("films", standSheet, "Films", `, "columns": [{"column": "film_id"}, {"column": "nope"}]`), "link.columns[1].column"},
		"unknown header":     {"x", body("films", standSheet, "Films", `, "columns": [{"column": "film_id", "header": "Nope"}]`), "link.columns[0].header"},
		"column twice":       {"x", body("films", standSheet, "Films", `, "columns": [{"column": "film_id"}, {"column": "film_id"}]`), "link.columns"},
		"key left out":       {"x", body("films", standSheet, "Films", `, "columns": [{"column": "title"}]`), "link.columns"},
		"no such time":       {"x", body("films", standSheet, "Films", `, "updateTimeColumn": "title"`), "link.update_time_column"},
		"bad limit":          {"x", body("films", standSheet, "Films", `, "deleteLimit": {"percent": 101}`), "link.delete_limit.percent"},
		"unknown policy":     {"x", body("films", standSheet, "Films", `, "conflictPolicy": "MINE"`), "body"},
		"unknown JSON field": {"x", body("films", standSheet, "Films", `, "colour": 1`), "colour"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stand{T: t, url: s.url}
			s.refused(http.StatusBadRequest, c.field, "POST", "/v1/links?link_id="+c.id, c.body)
		})
	}
	if links := s.must("GET", "/v1/links", "")["links"]; len(links.([]any)) != 0 {
		t.Errorf("links were made: %v", links)
	}
	s.refused(http.StatusNotFound, "", "GET", "/v1/links/nobody", "")
	s.refused(http.StatusNotFound, "", "GET", "/v1/nothing", "")
	s.refused(http.StatusMethodNotAllowed, "", "PUT", "/v1/links", "{}")
}

func TestLinkColumnsByHeader(t *testing.T) {
	s := newStand(t, linkSchema, filmTabs()...)
	link := s.must("POST", "/v1/links?link_id=films", `{"table": "films", "spreadsheetId": "`+standSheet+`", "tab": "Films"}`)
	if diff := cmp.Diff([]string{"film_id=Film ID", "title=Title"}, pairs(link)); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if link["state"] != "NEW" || link["conflictPolicy"] != "LAST_WRITE_WINS" || link["preferredSource"] != "DATABASE" || link["headerRow"] != 1.0 {
		t.Errorf("link %v", link)
	}
	s.refused(http.StatusConflict, "", "POST", "/v1/links?link_id=films", `{"table": "films", "spreadsheetId": "`+standSheet+`", "tab": "Empty"}`)
	s.refused(http.StatusConflict, "", "POST", "/v1/links?link_id=other", `{"table": "films", "spreadsheetId": "`+standSheet+`", "tab": "Films"}`)

	empty := s.must("POST", "/v1/links?link_id=empty", `{"table": "films", "spreadsheetId": "`+standSheet+`", "tab": "Empty"}`)
	if diff := cmp.Diff([]string{"film_id=film_id", "title=title", "made_at=made_at"}, pairs(empty)); diff != "" {
		t.Errorf("columns of an empty tab (-want +got):\n%s", diff)
	}
	s.must("POST", "/v1/links?link_id=fresh", `{"table": "films", "spreadsheetId": "`+standSheet+`", "tab": "Fresh", "createTab": true}`)
	headers := map[string]any{}
	for _, tab := range s.must("GET", "/v1/spreadsheets/"+standSheet+"/tabs", "")["tabs"].([]any) {
		headers[tab.(map[string]any)["title"].(string)] = tab.(map[string]any)["headers"]
	}
	for _, tab := range []string{"Empty", "Fresh"} {
		if diff := cmp.Diff([]any{"film_id", "title", "made_at"}, headers[tab]); diff != "" {
			t.Errorf("headers of %s (-want +got):\n%s", tab, diff)
		}
	}
}

func pairs(link map[string]any) []string {
	var pairs []string
	for _, c := range link["columns"].([]any) {
		column := c.(map[string]any)
		pairs = append(pairs, fmt.Sprint(column["column"], "=", column["header"]))
	}
	return pairs
}

func TestUpdateLink(t *testing.T) {
	s := newStand(t, linkSchema, filmTabs()...)
	link := s.must("POST", "/v1/links?link_id=films", `{"table": "films", "spreadsheetId": "`+standSheet+`", "tab": "Films"}`)
	path := "/v1/links/films"
	changed := s.must("PATCH", path, fmt.Sprintf(`{"displayName": "All films", "deleteLimit": {"count": 5}, "etag": %q}`, link["etag"]))
	if changed["displayName"] != "All films" || changed["deleteLimit"].(map[string]any)["count"] != 5.0 || changed["etag"] == link["etag"] {
		t.Errorf("after the update: %v", changed)
	}
	s.refused(http.StatusPreconditionFailed, "", "PATCH", path, `{"displayName": "x"}`, "If-Match", fmt.Sprintf("%q", link["etag"]))
	s.refused(http.StatusBadRequest, "link.table", "PATCH", path, `{"table": "heap"}`)
	s.refused(http.StatusBadRequest, "link.columns", "PATCH", path, `{"columns": [{"column": "title"}]}`)
	s.refused(http.StatusBadRequest, "link.update_time_column", "PATCH", path, `{"updateTimeColumn": "nope"}`)
	narrow := s.must("PATCH", path, `{"columns": [{"column": "film_id", "owner": "DATABASE"}]}`)
	if diff := cmp.Diff([]string{"film_id=Film ID"}, pairs(narrow)); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	// What was read can be sent back as it is.
	s.must("PATCH", path, s.call("GET", path, "").text)
	s.must("DELETE", path, "")
	s.refused(http.StatusNotFound, "", "DELETE", path, "")
}

func TestStatesOfLink(t *testing.T) {
	s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
	path := "/v1/links/things"
	s.must("POST", "/v1/links?link_id=things", `{"table": "things", "spreadsheetId": "`+standSheet+`", "tab": "Things"}`)
	s.refused(http.StatusBadRequest, "", "POST", path+":pause", "{}")
	s.refused(http.StatusBadRequest, "", "POST", path+":approve", "{}")
	s.must("DELETE", path, "")
	s.link("things", "Things")
	if state := s.must("POST", path+":pause", "{}")["state"]; state != "PAUSED" {
		t.Errorf("state %v, want PAUSED", state)
	}
	s.must("POST", path+":pause", "{}")
	if state := s.must("POST", path+":resume", "{}")["state"]; state != "ACTIVE" {
		t.Errorf("state %v, want ACTIVE", state)
	}
	s.must("GET", path+"/rowErrors", "")
	s.refused(http.StatusNotFound, "", "POST", path+":initialSync", `{"plan": "nope"}`)
	s.refused(http.StatusBadRequest, "", "POST", path+":initialSync", `{"plan": "nope", "validateOnly": true}`)
}

func TestCatalog(t *testing.T) {
	s := newStand(t, linkSchema, filmTabs()...)
	tables := s.must("GET", "/v1/tables", "")["tables"].([]any)
	var names []string
	for _, table := range tables {
		names = append(names, table.(map[string]any)["table"].(string))
	}
	if diff := cmp.Diff([]string{"films", "heap"}, names); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	page := s.must("GET", "/v1/tables?page_size=1", "")
	rest := s.must("GET", "/v1/tables?page_token="+page["nextPageToken"].(string), "")["tables"].([]any)
	if len(rest) != 1 || rest[0].(map[string]any)["linkable"] != false || rest[0].(map[string]any)["unlinkableReason"] == "" {
		t.Errorf("second page %v", rest)
	}
	film := s.must("GET", "/v1/tables/films", "")
	if diff := cmp.Diff([]any{"film_id"}, film["primaryKey"]); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	s.refused(http.StatusNotFound, "", "GET", "/v1/tables/nope", "")
	s.refused(http.StatusNotFound, "", "GET", "/v1/spreadsheets/nowhere/tabs", "")
	s.refused(http.StatusNotFound, "", "GET", "/v1/operations/nope", "")
}

func TestOperations(t *testing.T) {
	s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
	s.link("things", "Things")
	op := s.must("POST", "/v1/links/things:initialSync", `{"validateOnly": true}`)
	name := fmt.Sprint("/v1/", op["name"])
	op = s.must("POST", name+":wait", `{"timeout": "10s"}`)
	response, _ := op["response"].(map[string]any)
	counts, _ := response["counts"].(map[string]any)
	if op["done"] != true || counts["equal"] != 3.0 || counts["insertSheet"] != 0.0 || response["plan"] == "" {
		t.Errorf("a plan of equal sides: %v", op)
	}
	metadata, _ := op["metadata"].(map[string]any)
	if metadata["phase"] != "DONE" || metadata["link"] != "links/things" {
		t.Errorf("metadata %v", metadata)
	}
	list := s.must("GET", "/v1/operations?page_size=1", "")
	if operations := list["operations"].([]any); len(operations) != 1 || operations[0].(map[string]any)["name"] != op["name"] {
		t.Errorf("the newest operation is not first: %v", operations)
	}
	if next := s.must("GET", fmt.Sprint("/v1/operations?page_token=", list["nextPageToken"]), ""); len(next["operations"].([]any)) != 1 {
		t.Errorf("second page %v", next)
	}
	s.must("POST", name+":cancel", "{}")
	if again := s.must("GET", name, ""); again["error"] != nil {
		t.Errorf("cancelling what is done changed it: %v", again)
	}
}

func TestPagesBesideTheAPI(t *testing.T) {
	s := newStand(t, linkSchema, filmTabs()...)
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready", "/openapi.yaml": "openapi: 3"} {
		if answer := s.call("GET", path, ""); answer.status != http.StatusOK || !strings.Contains(answer.text, want) {
			t.Errorf("GET %s: %d %.60s", path, answer.status, answer.text)
		}
	}
	s.refused(http.StatusMethodNotAllowed, "", "POST", "/healthz", "")
	s.must("POST", "/v1/links?link_id=films", `{"table": "films", "spreadsheetId": "`+standSheet+`", "tab": "Films"}`)
	link := s.call("GET", "/v1/links/films", "")
	if again := s.call("GET", "/v1/links/films", "", "If-None-Match", link.header.Get("ETag")); again.status != http.StatusNotModified || again.text != "" {
		t.Errorf("If-None-Match: %d %q", again.status, again.text)
	}
}

// Without authentication, a browser on this machine must not become the hand of somebody else's page.
func TestOtherOriginsAreRefused(t *testing.T) {
	s := newStand(t, linkSchema, filmTabs()...)
	link := `{"table": "films", "spreadsheetId": "` + standSheet + `", "tab": "Films"}`
	s.refused(http.StatusForbidden, "", "POST", "/v1/links?link_id=films", link, "Origin", "https://example.com")
	s.refused(http.StatusForbidden, "", "POST", "/v1/links?link_id=films", link, "Sec-Fetch-Site", "cross-site")
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/v1/links", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "rebound.example.com"
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("another host's name is answered with %d", response.StatusCode)
	}
	s.must("POST", "/v1/links?link_id=films", link, "Origin", s.url)
}
