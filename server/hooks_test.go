package server_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/server/appsscript"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// hookStand is a stand that polls no tab, behind a proxy that the world knows under another name.
type hookStand struct {
	*stand
	secret string // of the link "games"
}

const gamesTable = `CREATE TABLE games (id INTEGER PRIMARY KEY, title TEXT, score INTEGER)`

func newHookStand(t *testing.T, tabs ...emulator.Tab) *hookStand {
	t.Helper()
	if len(tabs) == 0 {
		tabs = []emulator.Tab{{Title: "Games", Rows: [][]any{{"id", "title", "score"}, {1, "Go", 10}, {2, "Chess", 20}, {3, "Shogi", 30}}}}
	}
	s := &hookStand{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, _ := url.Parse(s.url)
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to); p.Out.Host = "tandem.example.com" }}).ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	s.stand = newStandWith(t, func(config *server.Config) {
		config.PollInterval = time.Hour
		config.PublicURL = proxy.URL
	}, gamesTable, tabs...)
	s.link("games", tabs[0].Title)
	s.secret = fmt.Sprint(s.must("POST", "/v1/links/games:rotateHookSecret", "{}")["secret"])
	if err := s.google.SetHook(standSheet, proxy.URL+"/hooks/sheets/games", s.secret); err != nil {
		t.Fatal(err)
	}
	s.quiet()
	return s
}

// quiet waits until no mark is left to look at.
func (s *hookStand) quiet() {
	s.Helper()
	s.wants("SELECT COUNT(*) FROM tandem_marks", "0")
}

// wants waits until a query gives a value.
func (s *hookStand) wants(query, want string) {
	s.Helper()
	s.eventually(func() string {
		var got *string
		if err := s.db.QueryRow(query).Scan(&got); err != nil || got == nil || *got != want {
			shown := "NULL"
			if got != nil {
				shown = *got
			}
			return fmt.Sprintf("%s gives %s, %v, want %s", query, shown, err, want)
		}
		return ""
	})
}

func (s *hookStand) edit(edits ...emulator.Edit) {
	s.Helper()
	if err := s.google.Edit(standSheet, edits...); err != nil {
		s.Fatal(err)
	}
}

func (s *hookStand) typed(a1, input string) {
	s.Helper()
	s.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Games", A1: a1, Input: input}})
}

// hint is one that is signed by hand.
type hint struct {
	link, secret, body, stamp, signature string // stamp and signature: "" for the right ones
}

func (h hint) headers() []string {
	if h.stamp == "" {
		h.stamp = strconv.FormatInt(time.Now().Unix(), 10)
	}
	if h.signature == "" {
		h.signature = sign(h.secret, h.stamp, h.body)
	}
	return []string{"X-Tandem-Timestamp", h.stamp, "X-Tandem-Signature", h.signature}
}

func sign(secret, stamp, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, stamp+"."+body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (s *hookStand) send(h hint) reply {
	s.Helper()
	return s.call("POST", "/hooks/sheets/"+h.link, h.body, h.headers()...)
}

// Edits by people reach the database although no tab is polled, whatever the script can say of them.
func TestHints(t *testing.T) {
	s := newHookStand(t)
	s.wants("SELECT title FROM games WHERE id = 2", "Chess")

	s.typed("B3", "Checkers")
	s.wants("SELECT title FROM games WHERE id = 2", "Checkers")
	changes := s.must("GET", "/v1/links/games/changes", "")
	if text := fmt.Sprint(changes); !strings.Contains(text, "person@example.com") {
		t.Errorf("history does not name who edited: %v", text)
	}
	link := s.must("GET", "/v1/links/games", "")
	last, _ := link["status"].(map[string]any)["lastHint"].(map[string]any)
	if last["path"] != "APPS_SCRIPT" || last["time"] == nil {
		t.Errorf("the link does not say that the script delivered: %v", link["status"])
	}

	s.typed("B5", "Hex") // a new row, in two steps; it rests before it is taken
	s.typed("A5", "4")
	s.wants("SELECT title FROM games WHERE id = 4", "Hex")
	s.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Games", A1: "C2", Values: [][]string{{"11"}, {"21"}, {"31"}}}})
	s.wants("SELECT SUM(score) FROM games", "63")
	s.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "Games", Column: "score", Descending: true}}, // tells no rows
		emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Games", A1: "B2", Input: "Shogi!"}})
	s.wants("SELECT title FROM games WHERE id = 3", "Shogi!")
	s.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Games", Start: 2, Count: 1}}) // nor does this
	s.wants("SELECT COUNT(*) FROM games", "3")
	s.typed("A2", "9") // a key is edited in place
	s.wants("SELECT title FROM games WHERE id = 9", "Checkers")
	s.wants("SELECT COUNT(*) FROM games", "3")
	s.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: "Games", A1: "A2:C2"}}) // tells a row that is blank now
	s.wants("SELECT COUNT(*) FROM games", "2")
}

// What is not signed as it must be changes nothing, and tells nobody which links there are.
func TestHintsRefused(t *testing.T) {
	s := newHookStand(t)
	s.typed("B3", "Checkers")
	s.wants("SELECT title FROM games WHERE id = 2", "Checkers")
	s.quiet()
	seen := s.must("GET", "/v1/links/games", "")["status"].(map[string]any)["lastHint"]

	body := `{"rows":[2]}`
	now := time.Now()
	at := func(away time.Duration) string { return strconv.FormatInt(now.Add(away).Unix(), 10) }
	right := sign(s.secret, at(0), body)
	old := s.secret
	s.secret = fmt.Sprint(s.must("POST", "/v1/links/games:rotateHookSecret", "{}")["secret"])
	answers := map[string]string{}
	for name, h := range map[string]hint{
		"another secret":         {link: "games", secret: "guessed", body: body},
		"no secret":              {link: "games", secret: "", body: body},
		"the secret before":      {link: "games", secret: old, body: body},
		"signed before rotation": {link: "games", body: body, stamp: at(0), signature: right},
		"too old":                {link: "games", secret: s.secret, body: body, stamp: at(-6 * time.Minute)},
		"too early":              {link: "games", secret: s.secret, body: body, stamp: at(6 * time.Minute)},
		"another time":           {link: "games", body: body, stamp: at(time.Second), signature: sign(s.secret, at(0), body)},
		"another body":           {link: "games", body: `{"rows":[3]}`, stamp: at(0), signature: sign(s.secret, at(0), body)},
		"no timestamp":           {link: "games", body: body, stamp: " ", signature: sign(s.secret, "", body)},
		"a wild timestamp":       {link: "games", secret: s.secret, body: body, stamp: "99999999999999999999"},
		"no signature":           {link: "games", body: body, signature: "sha256="},
		"half a signature":       {link: "games", body: body, stamp: at(0), signature: sign(s.secret, at(0), body)[:30]},
		"another link":           {link: "nobody", secret: s.secret, body: body},
		"another link, unsigned": {link: "nobody", secret: "", body: body},
		"a link with a space":    {link: "games%20", secret: s.secret, body: body},
	} {
		answer := s.send(h)
		if answer.status != http.StatusUnauthorized {
			t.Errorf("%s: status %d: %s", name, answer.status, answer.text)
		}
		answers[answer.text] = name
	}
	if len(answers) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
	for _, question := range []string{"SELECT COUNT(*) FROM tandem_marks", "SELECT COUNT(*) FROM tandem_signatures WHERE signature = '" + right[7:] + "'"} {
		s.wants(question, "0")
	}
	if now := s.must("GET", "/v1/links/games", "")["status"].(map[string]any)["lastHint"]; fmt.Sprint(now) != fmt.Sprint(seen) {
		t.Errorf("a refused hint counts as the last one: %v, before %v", now, seen)
	}
}

// A hint that comes twice is taken once, in whichever spelling.
func TestHintsReplayed(t *testing.T) {
	s := newHookStand(t)
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	h := hint{link: "games", body: `{"rows":[2,3],"at":"2026-11-21T07:00:00Z"}`, stamp: stamp}
	h.signature = sign(s.secret, stamp, h.body)
	if answer := s.send(h); answer.status != http.StatusNoContent {
		t.Fatalf("status %d: %s", answer.status, answer.text)
	}
	upper := h
	upper.signature = "sha256=" + strings.ToUpper(h.signature[7:])
	for _, again := range []hint{h, h, upper} {
		if answer := s.send(again); answer.status != http.StatusUnauthorized {
			t.Errorf("the same hint again: status %d: %s", answer.status, answer.text)
		}
	}
	s.quiet()
	s.wants("SELECT COUNT(*) FROM tandem_changes WHERE source = 'sheet' AND cause = 'SHEET'", "0")
}

func TestHintBodies(t *testing.T) {
	s := newHookStand(t)
	s.must("POST", "/v1/links/games:pause", "{}") // so that the marks stay
	for _, test := range []struct {
		name, body, field string
		status            int
	}{
		{"nothing", "", "", http.StatusNoContent},
		{"an empty object", "{}", "", http.StatusNoContent},
		{"more fields than today", `{"rows":[2],"later":{"x":1}}`, "", http.StatusNoContent},
		{"a time to come", `{"at":"2999-01-01T00:00:00Z"}`, "", http.StatusNoContent},
		{"a thousand and one rows", `{"rows":[` + strings.Repeat("2,", 1000) + `2]}`, "", http.StatusNoContent},
		{"no JSON", "rows=2", "body", http.StatusBadRequest},
		{"row 0", `{"rows":[2,0]}`, "rows[1]", http.StatusBadRequest},
		{"half a row", `{"rows":[2.5]}`, "body", http.StatusBadRequest},
		{"a time that is none", `{"at":"yesterday"}`, "body", http.StatusBadRequest},
		{"a time before spreadsheets", `{"at":"0000-01-01T00:00:00Z"}`, "at", http.StatusBadRequest},
		{"much", `{"user":"` + strings.Repeat("x", 64<<10) + `"}`, "", http.StatusRequestEntityTooLarge},
		{"a long name", `{"user":"` + strings.Repeat("ä", 5000) + `"}`, "", http.StatusNoContent},
	} {
		answer := s.send(hint{link: "games", secret: s.secret, body: test.body})
		if answer.status != test.status || test.field != "" && answer.fields()[test.field] == "" {
			t.Errorf("%s: status %d, want %d with a word about %q: %s", test.name, answer.status, test.status, test.field, answer.text)
		}
	}
	for _, method := range []string{"GET", "PUT"} {
		if answer := s.call(method, "/hooks/sheets/games", ""); answer.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d", method, answer.status)
		}
	}
	for _, path := range []string{"/hooks/sheets/", "/hooks/sheets/games/x", "/hooks", "/hooks/sheets"} {
		if answer := s.call("POST", path, "{}"); answer.status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, answer.status)
		}
	}
	s.wants("SELECT COUNT(*) FROM tandem_marks WHERE source = 'sheet' AND places IS NULL", "1")
	s.wants("SELECT COUNT(*) FROM tandem_marks WHERE marked_at > '2900'", "0")
}

// A hint of three rows reads those, and the key column, however large the sheet is; one without rows reads it all.
func TestHintReadsItsRows(t *testing.T) {
	const rows = 20_000
	grid := [][]any{{"id", "title", "score"}}
	for n := 1; n <= rows; n++ {
		grid = append(grid, []any{n, fmt.Sprintf("%d %s", n, strings.Repeat("long ", 40)), n})
	}
	s := newHookStand(t, emulator.Tab{Title: "Games", Rows: grid})
	s.must("PATCH", "/v1/links/games", `{"showStatusInSheet": false, "showErrorsInSheet": false}`)
	s.quiet()
	_, keys := s.keyColumn()
	cost := func(edit func(), query, want string) emulator.Stats {
		t.Helper()
		s.google.ResetStats()
		edit()
		s.wants(query, want)
		s.quiet()
		return s.google.Stats()
	}
	three := cost(func() {
		s.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Games", A1: "C9000", Values: [][]string{{"-1"}, {"-2"}, {"-3"}}}})
	}, "SELECT SUM(score) FROM games WHERE score < 0", "-6")
	if limit := int64(keys + 10_000); three.BytesOut > limit || three.Reads > 3 {
		t.Errorf("three rows took %d bytes in %d reads; the key column has %d", three.BytesOut, three.Reads, keys)
	}
	whole := cost(func() {
		s.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Games", A1: "C10", Input: "-4"}},
			emulator.Edit{MoveRows: &emulator.MoveRows{Sheet: "Games", Start: 5, Count: 1, Before: 100}})
	}, "SELECT SUM(score) FROM games WHERE score < 0", "-10")
	if whole.BytesOut < 5*three.BytesOut {
		t.Errorf("the whole tab took %d bytes, three rows %d: the sheet is too small to tell", whole.BytesOut, three.BytesOut)
	}
	t.Logf("%d rows: hint of 3 rows %d bytes in %d reads, key column %d bytes, hint without rows %d bytes in %d reads",
		rows, three.BytesOut, three.Reads, keys, whole.BytesOut, whole.Reads)
}

// keyColumn reads the key column as anybody could, and returns its cells and the size of the answer.
func (s *hookStand) keyColumn() (cells, size int) {
	s.Helper()
	answer := httptest.NewRecorder()
	s.google.ServeHTTP(answer, httptest.NewRequest("GET", "/v4/spreadsheets/"+standSheet+"/values/Games!A1:A", nil))
	var values struct{ Values [][]any }
	size = answer.Body.Len()
	if err := json.Unmarshal(bytes.TrimSpace(answer.Body.Bytes()), &values); err != nil {
		s.Fatal(err)
	}
	return len(values.Values), size
}

func TestAppsScriptNeedsAnAddress(t *testing.T) {
	s := newStand(t, gamesTable, emulator.Tab{Title: "Games", Rows: [][]any{{"id", "title", "score"}}})
	s.link("games", "Games")
	answer := s.refused(http.StatusBadRequest, "", "GET", "/v1/links/games/appsScript", "")
	if !strings.Contains(answer.text, "NO_PUBLIC_URL") || !strings.Contains(answer.text, "--public-url") {
		t.Errorf("the error does not say what to do: %s", answer.text)
	}
	s.refused(http.StatusNotFound, "", "GET", "/v1/links/nobody/appsScript", "")
	s.refused(http.StatusNotFound, "", "POST", "/v1/links/nobody:rotateHookSecret", "{}")
}

// The script that the server gives out runs as it must, against fakes of Google's services, and this server takes what it
// sends.
func TestAppsScript(t *testing.T) {
	s := newHookStand(t)
	s.quiet()
	script := s.must("GET", "/v1/links/games/appsScript", "")
	for field, want := range map[string]string{"name": "links/games/appsScript", "code": s.secret, "manifest": "script.external_request", "instructions": "install"} {
		if text := fmt.Sprint(script[field]); !strings.Contains(text, want) {
			t.Errorf("%s does not hold %q: %s", field, want, text)
		}
	}
	var manifest struct{ RuntimeVersion string }
	if err := json.Unmarshal([]byte(fmt.Sprint(script["manifest"])), &manifest); err != nil || manifest.RuntimeVersion != "V8" {
		t.Errorf("the manifest is %+v, %v", manifest, err)
	}
	file := filepath.Join(t.TempDir(), "Code.js")
	if err := os.WriteFile(file, []byte(fmt.Sprint(script["code"])), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "node", "--test", "appsscript/testdata/script.test.mjs")
	command.Env = append(os.Environ(), "TANDEM_SCRIPT="+file, "TANDEM_REAL=1")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "fail 0") || !strings.Contains(string(out), "skipped 0") {
		t.Errorf("not all of it ran:\n%s", out)
	}
	// The marks of rows 2 and 3, and of all, are gone; who edited is remembered with the hints' time.
	s.quiet()
	s.wants("SELECT COUNT(*) FROM tandem_signatures", "5")
}

// The address, the title of the tab and the secret stand in the script as they are, whatever they hold.
func TestAppsScriptIsFilledIn(t *testing.T) {
	settings := appsscript.Settings{Link: "a", URL: `https://tandem.example.com/it's "here"</script>`, Secret: "\u2028\\", SpreadsheetID: "1AbC", Tab: "{url} $1 `", SheetID: 7, HeaderRow: 2, MaxRows: 1000}
	script, err := appsscript.Fill(settings)
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.Index(script.Code, "const TANDEM = ") + len("const TANDEM = ")
	var got appsscript.Settings
	if err := json.NewDecoder(strings.NewReader(script.Code[begin:])).Decode(&got); err != nil {
		t.Fatal(err)
	}
	got.Tab = settings.Tab
	if got != settings || !strings.Contains(script.Instructions, `"{url} $1 `+"`"+`"`) {
		t.Errorf("filled in %+v, want %+v; instructions: %s", got, settings, script.Instructions)
	}
	if left := regexp.MustCompile(`\{(link|tab|spreadsheet)\}`).FindString(script.Instructions); left != "" {
		t.Errorf("%s was not filled in", left)
	}
}

func TestPublicURL(t *testing.T) {
	for value, want := range map[string]string{
		"": "", "https://tandem.example.com": "https://tandem.example.com", "https://example.com/tandem/": "https://example.com/tandem",
		"example.com": "error", "ftp://example.com": "error", "https://": "error", "https://example.com?x=1": "error", "https://example.com/#a": "error",
		"https://ann:secret@example.com": "error",
	} {
		flags := flag.NewFlagSet("serve", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		settings := server.Flags(flags)
		err := flags.Parse([]string{"--public-url", value})
		if want == "error" {
			if err == nil || strings.Contains(strings.ReplaceAll(err.Error(), value, ""), "secret") {
				t.Errorf("--public-url %q: %v", value, err)
			}
			continue
		}
		config, wrong := settings.Config(nil)
		if err != nil || wrong != nil || config.PublicURL != want {
			t.Errorf("--public-url %q gives %q, %v, %v", value, config.PublicURL, err, wrong)
		}
	}
}
