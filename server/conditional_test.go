package server_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// everywhere runs a test on each source of the link "things", on each dialect.
func everywhere(t *testing.T, test func(s *stand, rows string)) {
	for _, dialect := range []string{"sqlite", "mariadb"} {
		for _, source := range []string{"database", "sheet"} {
			t.Run(dialect+"/"+source, func(t *testing.T) {
				t.Parallel()
				schema, set := thingsSchema, func(*server.Config) {}
				if dialect == "mariadb" {
					maria := mariadbtest.Start(t)
					url := maria.CreateDatabase(t)
					db, err := sql.Open("mysql", maria.DSN(url[strings.LastIndex(url, "/")+1:])+"?multiStatements=true")
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = db.Close() }()
					if _, err := db.Exec(schema); err != nil {
						t.Fatal(err)
					}
					schema, set = "SELECT 1", func(config *server.Config) { config.DatabaseURL = url }
				}
				s := newStandWith(t, set, schema, emulator.Tab{Title: "Things"})
				s.link("things", "Things")
				test(s, "/v1/links/things/sources/"+source+"/rows")
			})
		}
	}
}

func quoted(etag any) string { return fmt.Sprintf("%q", etag) }

// What a write may be based on, over REST.
func TestConditionalWrites(t *testing.T) {
	everywhere(t, func(s *stand, rows string) {
		one := rows + "/1"
		etag := quoted(s.must("GET", one+"?max_staleness=0s", "")["etag"])
		change := func(title string) string { return fmt.Sprintf(`{"values": {"title": %q}}`, title) }

		etag = quoted(s.must("PATCH", one, change("a"), "If-Match", etag)["etag"])
		s.must("PATCH", one, change("b"), "If-Match", `"stale", W/`+etag)
		etag = quoted(s.must("PATCH", one, change("c"), "If-Match", "*")["etag"])
		stale := s.refused(http.StatusPreconditionFailed, "", "PATCH", one, change("d"), "If-Match", `"stale", "older"`)
		if stale.detail("ErrorInfo", "reason") != "ETAG_MISMATCH" || stale.detail("Row", "etag") != strings.Trim(etag, `"`) {
			s.Errorf("a stale etag: %s", stale.text)
		}
		s.refused(http.StatusPreconditionFailed, "", "DELETE", one, "", "If-Match", `"stale"`)
		s.refused(http.StatusPreconditionFailed, "", "DELETE", one+"?etag=stale", "")
		s.refused(http.StatusBadRequest, "row.etag", "PATCH", one, `{"etag": "other", "values": {"title": "e"}}`, "If-Match", etag)
		s.refused(http.StatusNotFound, "", "PATCH", rows+"/99", change("x"), "If-Match", "*")
		s.refused(http.StatusNotFound, "", "PATCH", rows+"/99", change("x"), "If-Match", etag)
		gone := s.refused(http.StatusPreconditionFailed, "", "PATCH", rows+"/99?allow_missing=true", `{"values": {"title": "x"}}`, "If-Match", "*")
		if gone.detail("ErrorInfo", "reason") != "ETAG_MISMATCH" {
			s.Errorf("a row that is not there: %s", gone.text)
		}
		s.refused(http.StatusNotFound, "", "GET", rows+"/99?max_staleness=0s", "")
		s.must("DELETE", rows+"/99?allow_missing=true", "", "If-Match", etag)
		s.refused(http.StatusBadRequest, "", "PATCH", one, change("f"), "If-None-Match", "*")
		// A condition that says nothing, such as the etag of a row that was read without it, is no leave to write.
		for _, none := range []string{`""`, `W/""`, ",", `".digest"`} {
			s.refused(http.StatusBadRequest, "If-Match", "PATCH", one, change("g"), "If-Match", none)
			s.refused(http.StatusBadRequest, "If-Match", "DELETE", one, "", "If-Match", none)
		}
		// Nor is one where nothing would look at it.
		s.refused(http.StatusBadRequest, "If-Match", "POST", rows, `{"values": {"id": 50, "title": "x"}}`, "If-Match", `"stale"`)
		s.refused(http.StatusBadRequest, "If-Match", "POST", rows+":mutate", `{"mutations": [{"mutationId": "m", "type": "DELETE", "row": {"name": "`+strings.TrimPrefix(one, "/v1/")+`"}}]}`,
			"If-Match", `"stale"`)
		if title := s.must("GET", one+"?max_staleness=0s", "")["values"].(map[string]any)["title"]; title != "c" {
			s.Errorf("a refused write changed the title to %v", title)
		}
		s.must("DELETE", one, "", "If-Match", etag)

		taken := s.refused(http.StatusConflict, "", "POST", rows, `{"values": {"id": 2, "title": "x"}}`)
		if taken.detail("ErrorInfo", "reason") != "ROW_EXISTS" || !strings.Contains(taken.text, `"two"`) {
			s.Errorf("a key that is taken is answered without the row: %s", taken.text)
		}
	})
}

// sameTag compares etags as a GET does: one of a compressed answer is weak.
func sameTag(a, b string) bool {
	return a != "" && strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}

// A phone asks again with what it has.
func TestConditionalReads(t *testing.T) {
	both(t, func(s *stand, rows string) {
		for _, path := range []string{rows + "/1", rows, rows + "?page_size=1&max_staleness=0s", "/v1/links/things", "/v1/links", "/v1/tables"} {
			first := s.call("GET", path, "")
			tag := first.header.Get("ETag")
			if first.status != http.StatusOK || tag == "" {
				s.Errorf("GET %s: status %d, ETag %q", path, first.status, tag)
				continue
			}
			if strings.HasPrefix(path, "/v1/links") && !strings.Contains(path, "rows") {
				continue // what they tell of the worker changes by itself
			}
			for _, known := range []string{tag, "W/" + strings.TrimPrefix(tag, "W/"), `"other", ` + tag, "*"} {
				again := s.call("GET", path, "", "If-None-Match", known)
				if again.status != http.StatusNotModified || again.text != "" || !sameTag(again.header.Get("ETag"), tag) {
					s.Errorf("GET %s, If-None-Match %s: status %d, ETag %q, %q", path, known, again.status, again.header.Get("ETag"), again.text)
				}
			}
			if other := s.call("GET", path, "", "If-None-Match", `"other"`); other.status != http.StatusOK || other.text != first.text && path == rows+"/1" {
				s.Errorf("GET %s with another etag: status %d, %s", path, other.status, other.text)
			}
			head := s.call("HEAD", path, "")
			if head.status != http.StatusOK || head.text != "" || !sameTag(head.header.Get("ETag"), tag) {
				s.Errorf("HEAD %s: status %d, ETag %q, %q", path, head.status, head.header.Get("ETag"), head.text)
			}
		}
		// A row that arrived on the other side is another answer, though nobody changed it; its ETag still is what a write names.
		first := s.call("GET", rows+"/1?max_staleness=0s", "").header.Get("ETag")
		s.must("PATCH", rows+"/1", `{"values": {"title": "eins"}}`, "If-Match", first)
		pending := s.call("GET", rows+"/1?max_staleness=0s", "")
		s.eventually(func() string {
			now := s.call("GET", rows+"/1?max_staleness=0s", "", "If-None-Match", pending.header.Get("ETag"))
			switch {
			case pending.body["syncState"] == "IN_SYNC" || now.status == http.StatusOK && now.body["syncState"] == "IN_SYNC":
				return ""
			case now.status == http.StatusOK:
				pending = now
			}
			return fmt.Sprintf("status %d, %v; before %v", now.status, now.body["syncState"], pending.body["syncState"])
		})
		s.refused(http.StatusPreconditionFailed, "", "PATCH", rows+"/1", `{"values": {"title": "un"}}`, "If-Match", first)
		before := s.call("GET", rows+"?max_staleness=0s", "").header.Get("ETag")
		s.must("PATCH", rows+"/2", `{"values": {"title": "zwei"}}`)
		if after := s.call("GET", rows+"?max_staleness=0s", "", "If-None-Match", before); after.status != http.StatusOK || !strings.Contains(after.text, "zwei") {
			s.Errorf("a list that changed: status %d, %s", after.status, after.text)
		}
		if missing := s.call("GET", rows+"/99", "", "If-None-Match", "*"); missing.status != http.StatusNotFound || missing.header.Get("ETag") != "" {
			s.Errorf("a row that is not there: status %d, ETag %q", missing.status, missing.header.Get("ETag"))
		}
	})
}

// Links are held to what the caller has seen, too.
func TestConditionsOfLinks(t *testing.T) {
	s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
	s.link("things", "Things")
	link := "/v1/links/things"
	etag := quoted(s.must("GET", link, "")["etag"])
	for _, method := range []string{"PATCH", "DELETE"} {
		stale := s.refused(http.StatusPreconditionFailed, "", method, link, `{"displayName": "x"}`, "If-Match", `"0", "stale"`)
		if stale.detail("ErrorInfo", "reason") != "ETAG_MISMATCH" || stale.detail("Link", "etag") != strings.Trim(etag, `"`) {
			s.Errorf("%s with a stale etag: %s", method, stale.text)
		}
	}
	etag = quoted(s.must("PATCH", link, `{"displayName": "Things"}`, "If-Match", `"0", `+etag)["etag"])
	s.must("PATCH", link, `{"displayName": "All things"}`, "If-Match", "*")
	s.refused(http.StatusPreconditionFailed, "", "DELETE", link, "", "If-Match", etag)
	s.must("DELETE", link, "", "If-Match", quoted(s.must("GET", link, "")["etag"]))
}

// Whatever is sent twice is done once, and answered as the first time.
func TestRepeatedCalls(t *testing.T) {
	everywhere(t, func(s *stand, rows string) {
		const create, update, remove = "11111111-ab5f-4c5a-9c3c-1f3a3b9b8a11", "22222222-ab5f-4c5a-9c3c-1f3a3b9b8a11", "any text of at most 200 bytes"
		made := s.must("POST", rows+"?request_id="+create, `{"values": {"id": 4, "title": "four", "note": "n"}}`)
		changed := s.must("PATCH", rows+"/4", `{"values": {"title": "vier"}}`, "If-Match", quoted(made["etag"]), "Idempotency-Key", update)
		s.must("PATCH", rows+"/4", `{"values": {"title": "quatre"}}`)
		for range 2 {
			if again := s.must("POST", rows, `{"values": {"note": "n", "title": "four", "id": 4}}`, "Idempotency-Key", create); again["etag"] != made["etag"] {
				s.Errorf("creating again: %v, first %v", again, made)
			}
			again := s.must("PATCH", rows+"/4?request_id="+update, `{"values": {"title": "vier"}}`, "If-Match", quoted(made["etag"]))
			if again["etag"] != changed["etag"] {
				s.Errorf("changing again: %v, first %v", again, changed)
			}
		}
		if title := s.must("GET", rows+"/4?max_staleness=0s", "")["values"].(map[string]any)["title"]; title != "quatre" {
			s.Errorf("a repetition was done again: the title is %v", title)
		}
		s.refused(http.StatusBadRequest, "request_id", "POST", rows, `{"values": {"id": 5, "title": "five"}}`, "Idempotency-Key", create)
		s.refused(http.StatusBadRequest, "request_id", "DELETE", rows+"/4", "", "Idempotency-Key", create)
		s.must("DELETE", rows+"/4", "", "Idempotency-Key", remove)
		s.must("DELETE", rows+"/4", "", "Idempotency-Key", remove)
		s.refused(http.StatusNotFound, "", "DELETE", rows+"/4", "")
		for _, bad := range []string{"a\u00a0", "\xff", strings.Repeat("x", 201)} {
			s.refused(http.StatusBadRequest, "Idempotency-Key", "DELETE", rows+"/4", "", "Idempotency-Key", bad)
		}
		refusal := s.refused(http.StatusConflict, "", "POST", rows, `{"values": {"id": 2, "title": "x"}}`, "Idempotency-Key", "refused")
		s.must("DELETE", rows+"/2", "")
		if again := s.refused(http.StatusConflict, "", "POST", rows, `{"values": {"id": 2, "title": "x"}}`, "Idempotency-Key", "refused"); again.detail("Row", "etag") != refusal.detail("Row", "etag") {
			s.Errorf("refused again: %s, first %s", again.text, refusal.text)
		}
	})
}

// Trying changes nothing, and says what would come of it.
func TestValidateOnly(t *testing.T) {
	everywhere(t, func(s *stand, rows string) {
		before := s.must("GET", rows+"?max_staleness=0s", "")["rows"]
		made := s.must("POST", rows+"?validate_only=true", `{"values": {"id": 6, "title": "six", "score": 1.5}}`, "Idempotency-Key", "tried")
		if values := made["values"].(map[string]any); values["score"] != "1.50" || made["syncState"] != "SYNC_STATE_UNSPECIFIED" {
			s.Errorf("a row that was tried: %v", made)
		}
		changed := s.must("PATCH", rows+"/2?validate_only=true", `{"values": {"title": "zwei"}}`)
		if changed["values"].(map[string]any)["title"] != "zwei" {
			s.Errorf("a change that was tried: %v", changed)
		}
		s.must("DELETE", rows+"/2?validate_only=true", "")
		s.refused(http.StatusConflict, "", "POST", rows+"?validate_only=true", `{"values": {"id": 2, "title": "x"}}`)
		s.refused(http.StatusNotFound, "", "PATCH", rows+"/77?validate_only=true", `{"values": {"title": "x"}}`)
		s.refused(http.StatusPreconditionFailed, "", "DELETE", rows+"/2?validate_only=true&etag=stale", "")
		s.must("PATCH", rows+"/77?validate_only=true&allow_missing=true", `{"values": {"title": "x"}}`)
		if diff := cmp.Diff(before, s.must("GET", rows+"?max_staleness=0s", "")["rows"]); diff != "" {
			s.Errorf("trying changed something (-before +after):\n%s", diff)
		}
		s.must("POST", rows, `{"values": {"id": 6, "title": "six", "score": 1.5}}`, "Idempotency-Key", "tried")
		s.must("PATCH", rows+"/8?allow_missing=true", `{"values": {"title": "eight"}}`)
		if row := s.must("GET", rows+"/8?max_staleness=0s", ""); fmt.Sprint(row["values"].(map[string]any)["id"]) != "8" {
			s.Errorf("a row that allow_missing made: %v", row)
		}
	})
}

// A phone that was offline sends its queue, gets no answer, and sends it again.
func TestOfflineQueue(t *testing.T) {
	everywhere(t, func(s *stand, rows string) {
		name := strings.TrimPrefix(rows, "/v1/") + "/"
		two := s.must("GET", rows+"/2?max_staleness=0s", "")["etag"]
		ten := s.must("GET", rows+"/10?max_staleness=0s", "")["etag"]
		s.must("PATCH", rows+"/10", `{"values": {"title": "zehn"}}`)
		queue := fmt.Sprintf(`{"mutations": [
			{"mutationId": "new", "type": "CREATE", "row": {"values": {"id": 20, "title": "twenty", "note": "n"}}},
			{"mutationId": "based", "type": "UPDATE", "etag": %[2]q, "row": {"name": "%[1]s2", "values": {"title": "zwei"}}},
			{"mutationId": "stale", "type": "UPDATE", "etag": %[3]q, "row": {"name": "%[1]s10", "values": {"title": "dix"}}},
			{"mutationId": "taken", "type": "CREATE", "row": {"values": {"id": 1, "title": "again"}}},
			{"mutationId": "gone", "type": "UPDATE", "etag": %[2]q, "row": {"name": "%[1]s55", "values": {"title": "x"}}},
			{"mutationId": "nowhere", "type": "UPDATE", "row": {"name": "%[1]s55", "values": {"title": "x"}}},
			{"mutationId": "wrong", "type": "UPDATE", "row": {"name": "%[1]s1", "values": {"score": "much"}}},
			{"mutationId": "long ", "type": "DELETE", "row": {"name": "%[1]s1"}}]}`, name, two, ten)
		send := func() map[string]map[string]any {
			s.Helper()
			results := map[string]map[string]any{}
			for _, r := range s.must("POST", rows+":mutate", queue)["results"].([]any) {
				result := r.(map[string]any)
				results[fmt.Sprint(result["mutationId"])] = result
			}
			return results
		}
		title := func(result map[string]any) any {
			row, _ := result["row"].(map[string]any)
			values, _ := row["values"].(map[string]any)
			return values["title"]
		}
		check := func(results map[string]map[string]any, replayed bool, want map[string][]any) {
			s.Helper()
			for id, w := range want {
				r := results[id]
				if r["status"] != w[0] || title(r) != w[1] {
					s.Errorf("%s: %v with title %v, want %v: %v", id, r["status"], title(r), w, r)
				}
				if known := id != "wrong" && id != "long "; r["replayed"] != (replayed && known) {
					s.Errorf("%s: replayed is %v", id, r["replayed"])
				}
			}
		}
		check(send(), false, map[string][]any{"new": {"APPLIED", "twenty"}, "based": {"APPLIED", "zwei"}, "stale": {"CONFLICT", "zehn"}, "taken": {"CONFLICT", "one"},
			"gone": {"CONFLICT", nil}, "nowhere": {"REJECTED", nil}, "wrong": {"REJECTED", nil}, "long ": {"REJECTED", nil}})
		s.must("PATCH", rows+"/20", `{"values": {"title": "zwanzig"}}`)
		s.must("PATCH", rows+"/1", `{"values": {"title": "eins"}}`)
		s.must("DELETE", rows+"/2", "")
		again := send()
		check(again, true, map[string][]any{"new": {"APPLIED", "zwanzig"}, "based": {"APPLIED", nil}, "stale": {"CONFLICT", "zehn"}, "taken": {"CONFLICT", "eins"},
			"gone": {"CONFLICT", nil}, "nowhere": {"REJECTED", nil}, "wrong": {"REJECTED", nil}})
		queue = strings.Replace(queue, "twenty", "other", 1)
		other := send()["new"]
		if text := encoded(other); other["status"] != "REJECTED" || !strings.Contains(text, "mutations[0].mutation_id") {
			s.Errorf("another mutation under the same id: %s", text)
		}
	})
}

// The same over gRPC, where ids and etags may also come as metadata.
func TestConditionsOverGRPC(t *testing.T) {
	both(t, func(s *stand, rows string) {
		client := tandemv1.NewRowServiceClient(s.conn)
		parent := strings.TrimSuffix(strings.TrimPrefix(rows, "/v1/"), "/rows")
		values, err := structpb.NewStruct(map[string]any{"id": "7", "title": "seven", "note": "n"})
		if err != nil {
			s.Fatal(err)
		}
		create := &tandemv1.CreateRowRequest{Parent: parent, Row: &tandemv1.Row{Values: values}, RequestId: "33333333-ab5f-4c5a-9c3c-1f3a3b9b8a11"}
		first, err := client.CreateRow(s.Context(), create)
		if err != nil {
			s.Fatal(err)
		}
		if again, err := client.CreateRow(s.Context(), create); err != nil || again.GetEtag() != first.GetEtag() {
			s.Errorf("again: %v, %v", again, err)
		}
		create.RequestId = ""
		_, err = client.CreateRow(s.Context(), create)
		if status.Code(err) != codes.AlreadyExists || len(status.Convert(err).Details()) != 2 {
			s.Errorf("a key that is taken: %v %v", err, status.Convert(err).Details())
		}
		if _, err := client.DeleteRow(s.Context(), &tandemv1.DeleteRowRequest{Name: first.GetName(), Etag: "stale"}); status.Code(err) != codes.Aborted {
			s.Errorf("a stale etag: %v", err)
		}
		if _, err := client.DeleteRow(s.Context(), &tandemv1.DeleteRowRequest{Name: first.GetName(), Etag: first.GetEtag()}); err != nil {
			s.Error(err)
		}
	})
}

// What nobody serves is answered like every other error; malformed names are described, not matched.
func TestErrorsInWords(t *testing.T) {
	s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
	for _, c := range []struct {
		method, path, body string
		status             int
		reason, says       string
	}{
		{"GET", "/v1/nothing", "", 404, "NO_SUCH_PATH", "/openapi.yaml"},
		{"GET", "/nothing", "", 404, "NO_SUCH_PATH", "/openapi.yaml"},
		{"PUT", "/v1/links", "", 405, "METHOD_NOT_ALLOWED", "PUT is not a method"},
		{"POST", "/healthz", "", 405, "METHOD_NOT_ALLOWED", "POST is not a method"},
		{"GET", "/v1/links/No!/sources/database/rows", "", 400, "INVALID_FIELD", "parent: it must look like links/{link}/sources/{source}, with database or sheet for {source}"},
		{"GET", "/v1/links/No!", "", 400, "INVALID_FIELD", "name: it must look like links/{link}"},
		{"POST", "/v1/links?link_id=Upper", linkOthers, 400, "INVALID_FIELD", "link_id: it must be 1 to 40 lower-case letters"},
		{"POST", "/v1/links?link_id=a", `{"spreadsheetId": "x", "tab": "y"}`, 400, "INVALID_FIELD", "link.table: name the table to link"},
		{"GET", "/v1/spreadsheets/a%20b/tabs", "", 400, "INVALID_FIELD", "parent: it must look like spreadsheets/{spreadsheet}"},
		{"POST", "/v1/links/things/sources/database/rows?request_id=1", "{}", 400, "INVALID_FIELD", "request_id: "},
	} {
		answer := s.call(c.method, c.path, c.body)
		if answer.status != c.status || answer.detail("ErrorInfo", "reason") != c.reason || !strings.Contains(answer.text, c.says) || strings.Contains(answer.text, "regex") {
			s.Errorf("%s %s: status %d, want %d, %s and %q: %s", c.method, c.path, answer.status, c.status, c.reason, c.says, answer.text)
		}
	}
}
