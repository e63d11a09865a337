package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// marker stands in every value, key, name of a person and secret of what TestLogHoldsNoValues does; markerNumber in every number.
const (
	marker       = "m4rk3r"
	markerNumber = 97531
)

// markedNumber finds markerNumber where no other number merely holds its digits: a moment may, and a duration.
var markedNumber = regexp.MustCompile(fmt.Sprintf(`(^|\D)%d(\D|$)`, markerNumber))

// keptLog is a log at its lowest level.
type keptLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (k *keptLog) Write(line []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(line)
}

func (k *keptLog) lines() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Split(strings.TrimSpace(k.text.String()), "\n")
}

// marked is a server with tokens whose log is kept.
type marked struct {
	*guarded
	log     *keptLog
	faults  *httptest.Server // the emulator
	dbURL   string
	secrets []string
}

func newMarked(t *testing.T, databaseURL, driver, dsn string, schema ...string) *marked {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	google := emulator.New(emulator.Options{})
	tabs := []emulator.Tab{{Title: "Film"}, {Title: "Other " + marker}}
	if _, err := google.Create(emulator.Spreadsheet{ID: standSheet, Title: marker, TimeZone: "Etc/UTC", Tabs: tabs}); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(google)
	t.Cleanup(func() { google.Close(); listener.Close() })
	m := &marked{log: &keptLog{}, faults: listener, dbURL: databaseURL}
	m.guarded = &guarded{stand: &stand{T: t, google: google, db: db}}
	for _, statement := range schema {
		m.exec(statement)
	}
	s, err := server.New(t.Context(), server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: databaseURL, SheetsEndpoint: listener.URL,
		Auth: server.AuthToken, PollInterval: 100 * time.Millisecond, PublicURL: "https://tandem.example.com", RequestsPerSecond: 1000,
		AlertURL: "http://user:" + marker + "@127.0.0.1:1/" + marker + "?key=" + marker}, slog.New(slog.NewJSONHandler(m.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		m.check()
	})
	m.url = "http://" + s.HTTPAddr()
	if m.store, err = store.Open(t.Context(), databaseURL, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.store.Close() })
	m.admin, _ = m.token("admin "+marker, tandem.RoleAdmin, 0)
	m.secrets = append(m.secrets, m.admin)
	return m
}

func (m *marked) exec(statement string) {
	m.Helper()
	if _, err := m.db.ExecContext(m.Context(), statement); err != nil {
		m.Fatalf("%s: %v", statement, err)
	}
}

// check looks for everything that must not be there.
func (m *marked) check() {
	lines := m.log.lines()
	for _, line := range lines {
		if strings.Contains(strings.ToLower(line), marker) || markedNumber.MatchString(line) {
			m.Errorf("the log shows a value: %s", line)
		}
		for _, secret := range m.secrets {
			if strings.Contains(line, secret) || len(secret) > 40 && strings.Contains(line, secret[17:37]) {
				m.Errorf("the log shows a secret: %s", line)
			}
		}
	}
	if len(lines) < 50 {
		m.Errorf("only %d lines were logged", len(lines))
	}
}

// do calls with the admin's token, whatever comes of it.
func (m *marked) do(method, path, body string, headers ...string) reply {
	m.Helper()
	return m.call(method, path, body, append(as(m.admin), headers...)...)
}

func (m *marked) fault(method, kind string, status, count int) {
	m.Helper()
	body := fmt.Sprintf(`{"method": %q, "kind": %q, "status": %d, "count": %d}`, method, kind, status, count)
	response, err := http.Post(m.faults.URL+"/emulator/faults", "application/json", strings.NewReader(body))
	if err != nil {
		m.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= 300 {
		m.Fatalf("fault: status %d", response.StatusCode)
	}
}

// person edits the sheet by hand.
func (m *marked) person(edits ...string) {
	m.Helper()
	body := `{"edits": [` + strings.Join(edits, ",") + `]}`
	response, err := http.Post(m.faults.URL+"/emulator/spreadsheets/"+standSheet+"/edits", "application/json", strings.NewReader(body))
	if err != nil {
		m.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= 300 {
		m.Fatalf("edit: status %d: %s", response.StatusCode, body)
	}
}

func (m *marked) wait(name any) {
	m.Helper()
	for {
		op := m.do("POST", fmt.Sprintf("/v1/%v:wait", name), `{"timeout": "10s"}`)
		if op.status != http.StatusOK || op.body["done"] == true {
			return
		}
	}
}

// settled waits until nothing waits on the link.
func (m *marked) settled() {
	m.Helper()
	m.eventually(func() string {
		link := m.do("GET", "/v1/links/film", "").body
		status, _ := link["status"].(map[string]any)
		if status["pendingRows"] != float64(0) {
			return fmt.Sprintf("rows wait: %v", link)
		}
		return ""
	})
}

// What errors quote is left out, names of things and apostrophes are not.
func TestErrorsInTheLog(t *testing.T) {
	for text, want := range map[string]string{
		"plain words":                                      "plain words",
		`read table "film": row "a~b" is "1\"2"`:           `read table "film": row "…" is "…"`,
		"the spreadsheet's zone and the users' rows":       "the spreadsheet's zone and the users' rows",
		"Duplicate entry 'it's' for key 'film.name'":       `Duplicate entry "…" for key 'film.name'`,
		"Incorrect value: 'x' for column `d`.`t`.`c`":      "Incorrect value: \"…\" for column `d`.`t`.`c`",
		"near 'INSERT INTO t VALUES ('a', 'b')' at line 1": `near "…", "…")"…"`,
		`not closed "abc`:                                  `not closed "…"`,
		`strconv.ParseInt: parsing "12x": invalid syntax`:  `strconv.ParseInt: parsing "…": invalid syntax`,
		"invalid character 'x' looking for beginning":      `invalid character "…" looking for beginning`,
		`"é" 'ü'`: `"…" "…"`,
	} {
		if got := server.Unquoted(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// Whatever happens, and however much is logged, no value, no key, no token and no secret stands in the log.
func TestLogHoldsNoValues(t *testing.T) {
	const columns = ` (id VARCHAR(60) NOT NULL PRIMARY KEY, title VARCHAR(40), number INT, name VARCHAR(60) UNIQUE, CHECK (title <> '` + marker + ` bad'))`
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "tandem.db")
		m := newMarked(t, "sqlite:"+path, "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)", "CREATE TABLE film"+columns)
		m.scenario()
	})
	t.Run("mariadb", func(t *testing.T) {
		address := mariadbtest.Start(t).CreateDatabase(t)
		parsed, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		password, _ := parsed.User.Password()
		m := newMarked(t, address, "mysql", fmt.Sprintf("%s:%s@tcp(%s)%s", parsed.User.Username(), password, parsed.Host, parsed.Path), "CREATE TABLE film"+columns)
		if password != "" {
			m.secrets = append(m.secrets, password)
		}
		m.scenario()
	})
}

func (m *marked) scenario() {
	for i := range 30 {
		m.exec(fmt.Sprintf("INSERT INTO film VALUES ('%s-%d', '%s', %d, '%s %d')", marker, i, marker, markerNumber, marker, i))
	}
	m.must("POST", "/v1/links?link_id=film", `{"table": "film", "spreadsheetId": "`+standSheet+`", "tab": "Film", "showErrorsInSheet": true}`, as(m.admin)...)
	m.wait(m.must("POST", "/v1/links/film:initialSync", `{"validateOnly": true}`, as(m.admin)...)["name"])
	m.wait(m.must("POST", "/v1/links/film:initialSync", "{}", as(m.admin)...)["name"])
	m.calls()
	m.hints()
	m.settled()
	m.sheetTroubles()
	m.googleTroubles()
	m.databaseTroubles()
}

// calls makes calls of every kind, good and bad.
func (m *marked) calls() {
	const rows = "/v1/links/film/sources/database/rows"
	for _, source := range []string{"database", "sheet"} {
		rows := "/v1/links/film/sources/" + source + "/rows"
		m.do("GET", rows+"?page_size=2", "")
		m.do("GET", rows+"?filter="+url.QueryEscape(`title = "`+marker+`" AND nothing > 1`), "")
		m.do("GET", rows+"?order_by="+marker, "")
		m.do("GET", rows+"?page_token="+marker, "")
		m.do("GET", rows+"/"+marker+"-1", "")
		m.do("GET", rows+"/"+marker+"-no%2Fsuch", "")
		m.do("PATCH", rows+"/"+marker+"-1", `{"values": {"title": "`+marker+` `+source+`"}}`, "Idempotency-Key", marker)
		m.do("PATCH", rows+"/"+marker+"-1", `{"values": {"title": "x"}, "etag": "`+marker+`"}`)
		m.do("PATCH", rows+"/"+marker+"-1", `{"values": {"number": "`+marker+`", "`+marker+`": 1}}`)
		m.do("PATCH", rows+"/"+marker+"-1", `{"values": {"title": "`+strings.Repeat(marker, 20)+`"}}`)
		m.do("PATCH", rows+"/"+marker+"-1", `{"values": {"title": "`+marker+` bad"}}`)
		m.do("PATCH", rows+"/"+marker+"-1", `{"values": {"name": "`+marker+` 2"}}`)
		m.do("PATCH", rows+"/"+marker+"-1", `{"values": {"title": "`+marker)
		m.do("POST", rows, `{"values": {"id": "`+marker+`-1"}}`)
		m.do("POST", rows, `{"values": {"id": "`+marker+`-new-`+source+`", "title": "=`+marker+`"}}`)
		m.do("DELETE", rows+"/"+marker+"-3", "")
		m.do("DELETE", rows+"/"+marker+"-gone", "")
		m.do("POST", rows+":mutate", `{"mutations": [{"mutationId": "`+marker+`", "type": "UPDATE", "row": {"name": "links/film/sources/`+source+`/rows/`+marker+`-4", "values": {"title": "`+marker+`"}}},
			{"mutationId": "2`+marker+`", "type": "DELETE", "row": {"name": "`+marker+`"}}]}`)
	}
	m.do("GET", "/v1/"+marker, "")
	m.do("GET", "/"+marker+"?"+marker, "")
	m.do("PATCH", "/v1/links/film", `{"displayName": "`+marker+`", "alertUrl": "http://127.0.0.1:1/`+marker+`"}`)
	m.do("PATCH", "/v1/links/film", `{"`+marker+`": 1}`)
	m.do("POST", "/v1/links/film:testRules", `{"rules": [{"expression": "database == '`+marker+`' ? `+marker+` : 1"}]}`)
	m.do("GET", "/v1/links/film/changes?row="+marker+"-1&actor="+marker, "")
	m.do("POST", "/v1/links/film/changes:revert", `{"row": "`+marker+`-1", "force": true}`)
	m.do("GET", "/v1/links/film/conflicts/"+marker+"-1", "")
	m.do("GET", "/v1/tables/"+marker, "")
	m.do("GET", "/v1/spreadsheets/"+marker+"/tabs", "")
	m.do("GET", "/v1/operations/"+marker, "")
	made := m.must("POST", "/v1/tokens", `{"displayName": "`+marker+`", "role": "VIEWER"}`, as(m.admin)...)
	secret := fmt.Sprint(made["secret"])
	m.secrets = append(m.secrets, secret)
	m.call("DELETE", rows+"/"+marker+"-1", "", as(secret)...)
	m.call("GET", rows, "", as(secret[:60]+"000000")...)
	m.call("GET", rows, "", as(marker)...)
	m.call("GET", rows+"?access_token="+secret, "")
	m.do("DELETE", fmt.Sprintf("/v1/%v", made["token"].(map[string]any)["name"]), "")
	m.call("GET", rows, "", as(secret)...)
}

// hints sends hints, good and bad.
func (m *marked) hints() {
	secret := fmt.Sprint(m.must("POST", "/v1/links/film:rotateHookSecret", "{}", as(m.admin)...)["secret"])
	script := m.must("GET", "/v1/links/film/appsScript", "", as(m.admin)...)
	if !strings.Contains(fmt.Sprint(script["code"]), secret) {
		m.Error("the script does not hold the secret")
	}
	m.secrets = append(m.secrets, secret)
	for _, body := range []string{`{"rows": [2, 3], "user": "` + marker + `@example.com"}`, `{"rows": "` + marker + `"}`, `{"user": "token:` + marker + `"}`, marker} {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = fmt.Fprintf(mac, "%s.%s", stamp, body)
		for _, signature := range []string{hex.EncodeToString(mac.Sum(nil)), marker} {
			m.call("POST", "/hooks/sheets/film", body, "X-Tandem-Timestamp", stamp, "X-Tandem-Signature", "sha256="+signature)
			m.call("POST", "/hooks/sheets/"+marker, body, "X-Tandem-Timestamp", marker, "X-Tandem-Signature", "sha256="+signature)
		}
	}
}

// sheetTroubles does by hand what cannot be carried over.
func (m *marked) sheetTroubles() {
	set := func(a1, input string) string {
		quoted, _ := json.Marshal(input)
		return `{"setCell": {"sheet": "Film", "a1": "` + a1 + `", "input": ` + string(quoted) + `}}`
	}
	m.person(set("C5", marker), set("B6", strings.Repeat(marker, 10)), set("B7", marker+" bad"), set("D8", marker+" 9"), set("A9", marker+"-edited"),
		set("A10", marker+"-12"), set("B11", "=1/0"), set("A60", marker+"-typed"), set("C60", marker), set("B61", marker+" without a key"))
	m.eventually(func() string {
		if found := m.do("GET", "/v1/links/film/rowErrors", "").body["rowErrors"]; found == nil || len(found.([]any)) < 4 {
			return fmt.Sprintf("row errors: %v", found)
		}
		return ""
	})
	// Conflicts, and more deletions than the link allows.
	m.must("PATCH", "/v1/links/film", `{"conflictPolicy": "MANUAL"}`, as(m.admin)...)
	m.exec("DELETE FROM film WHERE number = " + strconv.Itoa(markerNumber))
	m.eventually(func() string {
		if link := m.do("GET", "/v1/links/film", "").body; link["state"] != "HALTED" {
			return fmt.Sprintf("the link does not halt: %v", link)
		}
		return ""
	})
	m.must("POST", "/v1/links/film:approve", `{"putBack": true}`, as(m.admin)...)
	m.settled()
}

// googleTroubles has Google fail in the middle of writes.
func (m *marked) googleTroubles() {
	for _, kind := range []string{"before", "after"} {
		for _, status := range []int{429, 500, 403} {
			m.fault("spreadsheets.batchUpdate", kind, status, 1)
			m.do("PATCH", "/v1/links/film/sources/database/rows/"+marker+"-5", fmt.Sprintf(`{"values": {"title": "%s %s %d"}}`, marker, kind, status))
			m.settled()
		}
	}
	m.fault("*", "before", 404, 3)
	m.do("GET", "/v1/links/film/sources/sheet/rows?max_staleness=0s", "")
}

// databaseTroubles changes the table under the link.
func (m *marked) databaseTroubles() {
	m.exec("ALTER TABLE film RENAME COLUMN title TO other_title")
	m.exec("UPDATE film SET number = number + 1 WHERE id = '" + marker + "-6'")
	m.do("GET", "/v1/links/film/sources/database/rows", "")
	m.do("PATCH", "/v1/links/film/sources/database/rows/"+marker+"-6", `{"values": {"title": "`+marker+`"}}`)
	m.exec("DROP TABLE film")
	m.do("GET", "/v1/links/film/sources/database/rows/"+marker+"-6", "")
	m.do("POST", "/v1/links/film/sources/database/rows", `{"values": {"id": "`+marker+`"}}`)
	m.do("PATCH", "/v1/links/film/sources/sheet/rows/"+marker+"-7", `{"values": {"title": "`+marker+`"}}`)
	m.eventually(func() string {
		link := m.do("GET", "/v1/links/film", "").body
		status, _ := link["status"].(map[string]any)
		if status["lastError"] == "" && link["state"] == "ACTIVE" {
			return fmt.Sprintf("the link does not notice that its table is gone: %v", link)
		}
		return ""
	})
}
