package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/server"
)

// Pages of the origins that are listed may call with a token, and see what they need; others get no word of it.
func TestCORS(t *testing.T) {
	g := newGuarded(t, func(config *server.Config) { config.CORSOrigins = "https://app.example.com, http://localhost:5000" }, filmTable)
	for _, origin := range []string{"https://app.example.com", "http://localhost:5000"} {
		preflight := g.call("OPTIONS", "/v1/links/film", "", "Origin", origin, "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,if-match")
		allowed := strings.ToLower(preflight.header.Get("Access-Control-Allow-Headers"))
		if preflight.status != http.StatusNoContent || preflight.header.Get("Access-Control-Allow-Origin") != origin ||
			!strings.Contains(preflight.header.Get("Access-Control-Allow-Methods"), "PATCH") || !strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "if-match") {
			t.Errorf("preflight from %s: status %d, %v", origin, preflight.status, preflight.header)
		}
		for _, token := range []string{g.admin, "wrong"} { // a page must see why it was refused
			answer := g.call("GET", "/v1/links", "", append(as(token), "Origin", origin)...)
			if answer.header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(answer.header.Get("Access-Control-Expose-Headers"), "ETag") {
				t.Errorf("answer for %s: %v", origin, answer.header)
			}
		}
	}
	for _, origin := range []string{"https://evil.example.com", "https://app.example.com.evil.org", "http://app.example.com", "https://app.example.com:8443", "null", "HTTPS://APP.EXAMPLE.COM"} {
		for _, method := range []string{"OPTIONS", "GET"} {
			answer := g.call(method, "/v1/links", "", append(as(g.admin), "Origin", origin, "Access-Control-Request-Method", "GET")...)
			if got := answer.header.Get("Access-Control-Allow-Origin"); got != "" || !slices.Contains(answer.header.Values("Vary"), "Origin") {
				t.Errorf("%s from %s: allowed %q, %v", method, origin, got, answer.header)
			}
		}
	}
	for name := range g.call("GET", "/v1/links", "", append(as(g.admin), "Origin", "https://app.example.com")...).header {
		if name == "Access-Control-Allow-Credentials" {
			t.Error("browsers may send credentials by themselves")
		}
	}
	// With a token no origin is refused: there is nothing in a browser that could send one unasked.
	g.must("POST", "/v1/tokens", `{"displayName": "n", "role": "VIEWER"}`, append(as(g.admin), "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")...)
}

// Without authentication pages of other origins stay out, but for those that the server was told of.
func TestCORSWithoutAuthentication(t *testing.T) {
	s := newStandWith(t, func(config *server.Config) { config.CORSOrigins = "http://localhost:5000" }, filmTable)
	const body = `{"table": "film"}`
	if got := s.call("POST", "/v1/links?link_id=a", body, "Origin", "http://localhost:5000", "Sec-Fetch-Site", "cross-site"); got.status == http.StatusForbidden {
		t.Errorf("a listed origin: %s", got.text)
	}
	s.refused(403, "", "POST", "/v1/links?link_id=a", body, "Origin", "http://localhost:5001", "Sec-Fetch-Site", "cross-site")
	if got := s.call("OPTIONS", "/v1/links", "", "Origin", "http://localhost:5000", "Access-Control-Request-Method", "POST"); got.status != http.StatusNoContent {
		t.Errorf("preflight: status %d", got.status)
	}
}
