package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestDocs checks that the page shows every method and schema of the document, that its links lead somewhere, and that
// nothing in it is fetched from elsewhere.
func TestDocs(t *testing.T) {
	s := newStand(t, "")
	page := s.call("GET", "/docs", "")
	if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Fatalf("status %d, %v", page.status, page.header)
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the page may fetch or run something: %s", policy)
	}
	if found := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|@import|url\(|\son[a-z]+=|(src|href)="(https?:)?//`).FindString(page.text); found != "" {
		t.Errorf("the page holds %q", found)
	}
	ids := map[string]bool{}
	for _, match := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page.text, -1) {
		if ids[match[1]] {
			t.Errorf("two places are called %q", match[1])
		}
		ids[match[1]] = true
	}
	for _, match := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page.text, -1) {
		if place, within := strings.CutPrefix(match[1], "#"); within && !ids[place] {
			t.Errorf("a link leads to %q, which is not there", place)
		} else if !within && match[1] != "/openapi.yaml" {
			t.Errorf("a link leads away: %q", match[1])
		}
	}
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `yaml:"operationId"`
			Parameters  []struct{ Name string }
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := yaml.Unmarshal([]byte(s.call("GET", "/openapi.yaml", "").text), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Paths) < 20 || len(document.Components.Schemas) < 30 {
		t.Fatalf("the document has %d paths and %d schemas", len(document.Paths), len(document.Components.Schemas))
	}
	// shows fails unless the article of a method or schema names what belongs to it.
	shows := func(id string, names ...string) {
		t.Helper()
		_, article, found := strings.Cut(page.text, `<article id="`+id+`">`)
		if !found {
			t.Errorf("the page does not show %s", id)
		}
		article, _, _ = strings.Cut(article, "</article>")
		for _, name := range names {
			if !strings.Contains(article, "<code>"+name+"</code>") {
				t.Errorf("%s on the page lacks %s", id, name)
			}
		}
	}
	for path, methods := range document.Paths {
		for _, method := range methods {
			names := []string{path}
			for _, parameter := range method.Parameters {
				names = append(names, parameter.Name)
			}
			shows(method.OperationID, names...)
		}
	}
	for name, schema := range document.Components.Schemas {
		var fields []string
		for field := range schema.Properties {
			fields = append(fields, field)
		}
		shows(name, fields...)
	}
	if answer := s.call("POST", "/docs", ""); answer.status != http.StatusMethodNotAllowed {
		t.Errorf("POST /docs: status %d", answer.status)
	}
}
