package server_test

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/server"
)

// How many bytes a browser may have to load, compressed, before the console is there, and for all of its pages.
const (
	firstView = 60_000
	allViews  = 100_000
)

// Modules load others at once, or when a page is first shown.
var (
	importsAtOnce = regexp.MustCompile(`(?m)^(?:import|export)\b[^;]*?\bfrom\s+"(\./[^"]+)"|^import\s+"(\./[^"]+)"`)
	importsLater  = regexp.MustCompile(`\bimport\("(\./[^"]+)"\)`)
)

// gzipped asks for a path as browsers do, and returns the text and how many bytes went over the wire.
func (s *stand) gzipped(path string) (text string, size int, header http.Header) {
	s.Helper()
	answer := s.call("GET", path, "", "Accept-Encoding", "gzip")
	if answer.status != http.StatusOK {
		s.Fatalf("GET %s: status %d", path, answer.status)
	}
	if answer.header.Get("Content-Encoding") != "gzip" {
		return answer.text, len(answer.text), answer.header
	}
	unpacked, err := gzip.NewReader(strings.NewReader(answer.text))
	if err != nil {
		s.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(unpacked); err != nil {
		s.Fatal(err)
	}
	return out.String(), len(answer.text), answer.header
}

// The page, its style and every module that it loads stay below their bounds, and there is no file that nothing loads.
func TestConsoleFirstView(t *testing.T) {
	s := newStand(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	page, total, _ := s.gzipped("/")
	loaded := map[string]bool{}
	var later []string
	var load func(path string)
	load = func(path string) {
		if loaded[path] {
			return
		}
		loaded[path] = true
		text, size, header := s.gzipped(path)
		total += size
		if !strings.HasSuffix(path, ".js") {
			return
		}
		if kind := header.Get("Content-Type"); !strings.HasPrefix(kind, "text/javascript") {
			t.Errorf("%s is of type %q, which browsers do not run", path, kind)
		}
		beside := func(name string) string { return filepath.ToSlash(filepath.Join(filepath.Dir(path), name)) }
		for _, found := range importsLater.FindAllStringSubmatch(text, -1) {
			later = append(later, beside(found[1]))
		}
		for _, found := range importsAtOnce.FindAllStringSubmatch(text, -1) {
			load(beside(found[1] + found[2]))
		}
	}
	for _, found := range regexp.MustCompile(`(?:href|src)="(console/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		load("/" + found[1])
	}
	for path := range loaded {
		// Else a browser finds them one after the other, each only in the one before.
		if strings.HasSuffix(path, ".js") && !strings.Contains(page, `"`+path[1:]+`"`) {
			t.Errorf("the page does not name %s, which it needs", path)
		}
	}
	t.Logf("the first view: %d bytes in %d files", total, len(loaded)+1)
	if total > firstView {
		t.Errorf("the first view takes %d bytes, and may take %d", total, firstView)
	}
	for i := 0; i < len(later); i++ {
		load(later[i])
	}
	t.Logf("all views: %d bytes in %d files", total, len(loaded)+1)
	if total > allViews {
		t.Errorf("all views take %d bytes, and may take %d", total, allViews)
	}
	err := fs.WalkDir(os.DirFS("console"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && name != "index.html" && !strings.HasSuffix(name, "LICENSES") && !loaded["/console/"+name] {
			t.Errorf("console/%s is loaded by nothing", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every part of the console forbids what the server did not serve, and asks to be asked for again.
func TestConsoleHeaders(t *testing.T) {
	s := newStand(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	for _, path := range []string{"/", "/console/main.js", "/console/console.css", "/console/icon.svg", "/console/vendor/preact.js"} {
		answer := s.call("GET", path, "")
		policy := strings.Split(answer.header.Get("Content-Security-Policy"), "; ")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
			if !slices.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %q", path, policy, want)
			}
		}
		if joined := strings.Join(policy, " "); strings.Contains(joined, "unsafe") || strings.Contains(joined, "*") || strings.Contains(joined, "data:") {
			t.Errorf("%s: the policy %q allows too much", path, joined)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"} {
			if got := answer.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if again := s.call("GET", path, "", "If-None-Match", answer.header.Get("ETag")); again.status != http.StatusNotModified || again.text != "" {
			t.Errorf("%s: asked for again, status %d with %d bytes", path, again.status, len(again.text))
		}
		if again := s.call("GET", path, "", "If-None-Match", `"other"`); again.status != http.StatusOK || again.text != answer.text {
			t.Errorf("%s: asked for with another etag, status %d", path, again.status)
		}
	}
	if answer := s.call("GET", "/console/nothing.js", ""); answer.status != http.StatusNotFound {
		t.Errorf("a file that there is not: status %d", answer.status)
	}
}

// The demo's sheets are not Google's: a link to Google would lead to nothing.
func TestConsoleLeadsToTheEmulator(t *testing.T) {
	s := newStand(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	if page := s.call("GET", "/", "").text; !strings.Contains(page, `<html data-sheets="http://127.0.0.1:`) {
		t.Errorf("the page does not say where the sheets are:\n%.200s", page)
	}
}

// The console comes without a token, for it is what asks for one; what it shows does not.
func TestConsoleAsksForAToken(t *testing.T) {
	s := newStandWith(t, func(config *server.Config) { config.Auth = server.AuthToken }, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	for path, want := range map[string]int{"/": 200, "/console/main.js": 200, "/console/console.css": 200, "/v1/info": 401, "/v1/links": 401, "/v1/tokens": 401} {
		if answer := s.call("GET", path, ""); answer.status != want {
			t.Errorf("GET %s: status %d, want %d", path, answer.status, want)
		}
	}
}

// No file of the console holds what its policy would refuse, or the address of another server.
func TestConsoleHoldsToItsPolicy(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"a style attribute":   regexp.MustCompile(`\sstyle=`),
		"a script of strings": regexp.MustCompile(`\beval\(|new Function\(|innerHTML|dangerouslySetInnerHTML|document\.write`),
		"an inline handler":   regexp.MustCompile(`\son[a-z]+="`),
		"a data address":      regexp.MustCompile(`["'(]data:[a-z]`),
	}
	addresses := regexp.MustCompile(`(?:https?:)?//[a-z0-9-]+\.[a-z0-9.-]+[^\s"'` + "`" + `)]*`)
	err := fs.WalkDir(os.DirFS("console"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(name, "vendor/") {
			return err
		}
		text, err := os.ReadFile(filepath.Join("console", name))
		for what, pattern := range forbidden {
			if found := pattern.FindString(string(text)); found != "" {
				t.Errorf("console/%s holds %s: %q", name, what, found)
			}
		}
		for _, address := range addresses.FindAllString(string(text), -1) {
			// Where a person may go, and the namespace of drawings, are not loaded from.
			if !strings.HasPrefix(address, "https://docs.google.com/") && !strings.HasPrefix(address, "http://www.w3.org/") {
				t.Logf("console/%s names %s", name, address)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
