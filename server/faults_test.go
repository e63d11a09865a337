package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// robot is the account of the key file that the servers of these tests have.
const robot = "robot@tandem-test.iam.gserviceaccount.com"

// googleFault is a way in which every call to Google fails, and what callers of the API are told.
type googleFault struct {
	fault emulator.Fault
	// lasting says that waiting is of no use: a write to the sheet is then answered at once, and an initial sync ends.
	lasting bool
	status  int // of HTTP, where a spreadsheet is read
	reason  string
	says    string
	// linked is what is said of the spreadsheet of a link instead.
	linked *googleFault
}

var googleFaults = map[string]googleFault{
	"401": {emulator.Fault{Kind: "before", Status: 401}, true, 400, "GOOGLE_CREDENTIALS", "check the service account's key file", nil},
	"403 not shared": {emulator.Fault{Kind: "before", Status: 403}, true, 403, "GOOGLE_PERMISSION",
		"share the sheet with " + robot + " as an editor", nil},
	"403 no API": {emulator.Fault{Kind: "before", Status: 403, Reason: "SERVICE_DISABLED"}, true, 400, "GOOGLE_API_DISABLED", "enable it there", nil},
	"404": {emulator.Fault{Kind: "before", Status: 404}, true, 404, "SPREADSHEET_NOT_FOUND", "check its id",
		&googleFault{status: 400, reason: "TAB_GONE", says: "nothing was deleted in the database. Bring it back"}},
	"429":              {emulator.Fault{Kind: "before", Status: 429}, false, 429, "GOOGLE_QUOTA", "refilled every minute", nil},
	"500":              {emulator.Fault{Kind: "before", Status: 500}, false, 503, "GOOGLE_UNAVAILABLE", "try again", nil},
	"503":              {emulator.Fault{Kind: "before", Status: 503}, false, 503, "GOOGLE_UNAVAILABLE", "try again", nil},
	"no answer":        {emulator.Fault{Kind: "hang", DelayMs: 6000}, false, 503, "GOOGLE_UNREACHABLE", "did not answer in time", nil},
	"connection broke": {emulator.Fault{Kind: "drop"}, false, 503, "GOOGLE_UNREACHABLE", "try again", nil},
}

// deadline is what callers wait at most here; far below what the server and Google's client would.
const deadline = "3S"

// TestGoogleFaults tries every kind of call with every kind of failure: each says what is wrong and what helps, none outlives
// its deadline, and when Google is well again so is the server, by itself. Rows of the database are served all the while.
func TestGoogleFaults(t *testing.T) {
	for name, f := range googleFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newFaultStand(t).try(f)
		})
	}
}

// faultStand is a stand with two tables and two tabs, of which one pair is linked.
type faultStand struct {
	*stand
	config server.Config
}

func newFaultStand(t *testing.T) *faultStand {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(key, []byte(`{"type": "service_account", "client_email": "`+robot+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &faultStand{}
	s.stand = newStandWith(t, func(config *server.Config) {
		config.GoogleCredentialsFile = key
		s.config = *config
	}, gamesTable+"; CREATE TABLE others (id INTEGER PRIMARY KEY, title TEXT)",
		emulator.Tab{Title: "Games", Rows: [][]any{{"id", "title", "score"}, {1, "Go", 10}}}, emulator.Tab{Title: "Others", Rows: [][]any{{"id", "title"}}})
	s.link("games", "Games")
	return s
}

const linkOthers = `{"table": "others", "spreadsheetId": "` + standSheet + `", "tab": "Others"}`

func (s *faultStand) try(f googleFault) {
	f.fault.Method, f.fault.Count = "*", 1<<20
	if err := s.google.AddFault(f.fault); err != nil {
		s.Fatal(err)
	}
	rows, linked := "/v1/links/games/sources/sheet/rows", f
	if f.linked != nil {
		linked = *f.linked
	}
	s.told(linked.status, linked.reason, linked.says, f.lasting, "GET", rows+"?max_staleness=0s", "")
	s.told(linked.status, linked.reason, linked.says, f.lasting, "GET", rows+"/1?max_staleness=0s", "")
	s.told(f.status, f.reason, f.says, f.lasting, "GET", "/v1/spreadsheets/"+standSheet+"/tabs", "")
	switch f.reason { // what is wrong with the spreadsheet is said of the field that names it
	case "GOOGLE_PERMISSION", "GOOGLE_API_DISABLED", "SPREADSHEET_NOT_FOUND":
		s.told(400, "CANNOT_LINK", f.says, true, "POST", "/v1/links?link_id=others", linkOthers)
	default:
		s.told(f.status, f.reason, f.says, f.lasting, "POST", "/v1/links?link_id=others", linkOthers)
	}
	written := `{"values": {"id": 7, "title": "Chess"}}`
	key := []string{"Idempotency-Key", "kept-" + f.reason}
	if f.lasting {
		s.told(linked.status, linked.reason, linked.says, true, "POST", rows, written)
	} else {
		s.told(503, "WRITE_PENDING", "repeat it with the same request_id", false, "POST", rows, written, key...)
	}
	s.must("GET", "/v1/links/games/sources/database/rows", "")
	s.must("PATCH", "/v1/links/games/sources/database/rows/1", `{"values": {"score": 11}}`)
	s.checked(f)
	operation := s.must("POST", "/v1/links/games:initialSync", "{}")
	if f.lasting {
		operation = s.must("POST", fmt.Sprintf("/v1/%s:wait", operation["name"]), `{"timeout": "30s"}`)
		if text := encoded(operation["error"]); !strings.Contains(text, linked.reason) || !strings.Contains(text, linked.says) {
			s.Errorf("initial sync ended with %s", encoded(operation))
		}
	}

	s.google.ClearFaults()
	if !f.lasting {
		if operation = s.await(operation); operation["error"] != nil {
			s.Errorf("initial sync of a Google that came back: %s", encoded(operation))
		}
	}
	s.eventually(func() string {
		if made := s.call("POST", rows, written, append(key, "Grpc-Timeout", "20S")...); made.status != http.StatusOK {
			return fmt.Sprintf("writing again: %d %s", made.status, made.text)
		}
		return ""
	})
	s.must("POST", "/v1/links?link_id=others", linkOthers)
	if list := s.must("GET", rows+"?max_staleness=0s", "")["rows"].([]any); len(list) != 2 {
		s.Errorf("the sheet has %d rows, want 2: %s", len(list), encoded(list))
	}
	if f.reason == "SPREADSHEET_NOT_FOUND" {
		return // such a link waits for a person
	}
	s.eventually(func() string {
		values := s.must("GET", rows+"/1?max_staleness=0s", "")["values"].(map[string]any)
		if fmt.Sprint(values["score"]) != "11" {
			return fmt.Sprintf("what was written to the database meanwhile did not arrive: %v", values)
		}
		return ""
	})
}

// told makes a call that Google fails, and checks what its caller is told.
func (s *faultStand) told(status int, reason, says string, lasting bool, method, path, body string, headers ...string) {
	s.Helper()
	answer := s.call(method, path, body, append(headers, "Grpc-Timeout", deadline)...)
	told := answer.detail("ErrorInfo", "reason")
	if told == "GOOGLE_UNREACHABLE" && reason == "GOOGLE_UNAVAILABLE" {
		told = reason // on a slow machine the time was over before the next 500 came
	}
	if answer.status != status || told != reason || !strings.Contains(answer.text, says) {
		s.Errorf("%s %s: status %d, want %d with reason %s and %q: %s", method, path, answer.status, status, reason, says, answer.text)
	}
	retry := answer.detail("RetryInfo", "retryDelay")
	if (retry == "") != lasting || (answer.header.Get("Retry-After") == "") != lasting {
		s.Errorf("%s %s: RetryInfo %q, Retry-After %q: %s", method, path, retry, answer.header.Get("Retry-After"), answer.text)
	}
}

// detail returns a field of one of the details of an error, "" when there is none.
func (r reply) detail(kind, field string) string {
	details, _ := r.body["details"].([]any)
	for _, d := range details {
		detail, _ := d.(map[string]any)
		if strings.HasSuffix(fmt.Sprint(detail["@type"]), "."+kind) && detail[field] != nil {
			return fmt.Sprint(detail[field])
		}
	}
	return ""
}

// checked is what `tandem check` says meanwhile.
func (s *faultStand) checked(f googleFault) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 4*time.Second)
	defer cancel()
	var out strings.Builder
	err := server.Check(ctx, s.config, server.CheckOptions{}, &out)
	if err == nil || !strings.Contains(out.String(), "MISSING") || !strings.Contains(out.String(), f.says) {
		s.Errorf("check: %v\n%s", err, out.String())
	}
}

// await waits for an operation.
func (s *faultStand) await(operation map[string]any) map[string]any {
	s.Helper()
	for range 12 {
		if operation["done"] == true {
			return operation
		}
		operation = s.must("POST", fmt.Sprintf("/v1/%s:wait", operation["name"]), `{"timeout": "10s"}`)
	}
	s.Fatalf("operation is not done: %s", encoded(operation))
	return nil
}

func encoded(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}
