package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// What is wrong with a request is said as people say it.
func TestViolationsInWords(t *testing.T) {
	s := newStand(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	for _, c := range []struct{ path, body, want string }{
		{"/v1/links/films/changes:revert", `{}`, "the request is not valid; say what to revert"},
		{"/v1/tokens", `{"role": "VIEWER"}`, "display_name: it must not be empty"},
		{"/v1/links?link_id=films", `{"table": "t", "spreadsheetId": "https://docs.google.com/spreadsheets/d/1AbC/edit", "tab": "T"}`, "spreadsheet_id: it holds something else than letters, digits, hyphens and underscores; it is the part of the spreadsheet's address between /d/ and /edit"},
	} {
		answer := s.call("POST", c.path, c.body)
		if answer.status != http.StatusBadRequest || !strings.Contains(answer.text, c.want) {
			t.Errorf("POST %s %s: %d %s, want %q", c.path, c.body, answer.status, answer.text, c.want)
		}
	}
}
