package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

const thingsSchema = `CREATE TABLE things (
	id    INT NOT NULL PRIMARY KEY,
	title VARCHAR(20) NOT NULL,
	score DECIMAL(4,2),
	big   BIGINT,
	ratio DOUBLE,
	ok    BOOLEAN,
	born  DATE,
	seen  DATETIME,
	note  TEXT NOT NULL DEFAULT 'none'
);
INSERT INTO things (id, title, score, big, ratio, ok, born, seen, note) VALUES
	(1, 'one', '8.50', 9007199254740993, 0.1, 1, '2026-11-21', '2026-11-21 07:00:00', '=1+1'),
	(2, 'two', NULL, NULL, NULL, NULL, NULL, NULL, ''),
	(10, 'ten', '-1.00', -5, 1e21, 0, '1999-12-31', '1999-12-31 23:59:59', 'TRUE');`

// both runs a test on each source of the link "things".
func both(t *testing.T, test func(s *stand, rows string)) {
	for _, source := range []string{"database", "sheet"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
			s.link("things", "Things")
			test(s, "/v1/links/things/sources/"+source+"/rows")
		})
	}
}

func TestRowsOverREST(t *testing.T) {
	both(t, func(s *stand, rows string) {
		one := s.must("GET", rows+"/1?max_staleness=0s", "")
		want := map[string]any{"id": "1", "title": "one", "score": "8.50", "big": "9007199254740993", "ratio": 0.1, "ok": true,
			"born": "2026-11-21", "seen": "2026-11-21T07:00:00.000", "note": "=1+1"}
		if diff := cmp.Diff(want, one["values"]); diff != "" {
			s.Errorf("values (-want +got):\n%s", diff)
		}
		if one["syncState"] != "IN_SYNC" {
			s.Errorf("syncState %v (%v), want IN_SYNC", one["syncState"], one["syncError"])
		}

		made := s.must("POST", rows, `{"values": {"id": 3, "title": "three", "score": 7.5, "big": 12, "ok": false, "born": null, "note": "n"}}`)
		if name := made["name"]; name != strings.TrimPrefix(rows, "/v1/")+"/3" {
			s.Errorf("name %v", name)
		}
		values := made["values"].(map[string]any)
		if values["score"] != "7.50" || values["big"] != "12" {
			s.Errorf("values %v", values)
		}
		s.refused(http.StatusConflict, "", "POST", rows, `{"values": {"id": 3, "title": "again"}}`)

		changed := s.must("PATCH", rows+"/003", fmt.Sprintf(`{"etag": %q, "values": {"title": "drei"}}`, made["etag"]))
		if got := changed["values"].(map[string]any); got["title"] != "drei" || got["score"] != "7.50" {
			s.Errorf("after the update: %v", got)
		}
		stale := s.refused(http.StatusPreconditionFailed, "", "PATCH", rows+"/3", `{"values": {"title": "x"}}`, "If-Match", fmt.Sprintf("%q", made["etag"]))
		if !strings.Contains(stale.text, "ETAG_MISMATCH") || !strings.Contains(stale.text, "drei") {
			s.Errorf("a stale etag is answered with %s", stale.text)
		}
		nulled := s.must("PATCH", rows+"/3?update_mask=values.score", `{"values": {"title": "not in the mask"}}`)
		if got := nulled["values"].(map[string]any); got["title"] != "drei" || got["score"] != nil {
			s.Errorf("after the masked update: %v", got)
		}

		s.must("DELETE", rows+"/3", "")
		s.refused(http.StatusNotFound, "", "GET", rows+"/3?max_staleness=0s", "")
		s.refused(http.StatusNotFound, "", "DELETE", rows+"/3", "")
		s.must("DELETE", rows+"/3?allow_missing=true", "")
	})
}

func TestListPages(t *testing.T) {
	both(t, func(s *stand, rows string) {
		var ids []any
		token := ""
		for {
			page := s.must("GET", rows+"?page_size=1&show_total=true&read_mask=values.id&max_staleness=0s&page_token="+token, "")
			if page["totalSize"] != 3.0 {
				s.Errorf("totalSize %v, want 3", page["totalSize"])
			}
			for _, row := range page["rows"].([]any) {
				ids = append(ids, row.(map[string]any)["values"].(map[string]any)["id"])
			}
			if token, _ = page["nextPageToken"].(string); token == "" {
				break
			}
		}
		if diff := cmp.Diff([]any{"1", "2", "10"}, ids); diff != "" {
			s.Errorf("ids in the order of their keys (-want +got):\n%s", diff)
		}
		first := s.must("GET", rows+"?page_size=1", "")["nextPageToken"].(string)
		other := strings.NewReplacer("database", "sheet", "sheet", "database").Replace(rows)
		s.refused(http.StatusBadRequest, "page_token", "GET", other+"?page_token="+first, "")
		s.refused(http.StatusBadRequest, "page_token", "GET", rows+"?page_token=nonsense", "")
		s.refused(http.StatusBadRequest, "page_token", "GET", rows+"?page_token="+first[:len(first)-3]+"AAA", "")
		s.refused(http.StatusBadRequest, "page_size", "GET", rows+"?page_size=-1", "")
		s.refused(http.StatusBadRequest, "read_mask", "GET", rows+"?read_mask=values.nope", "")
	})
}

func TestBadWritesChangeNothing(t *testing.T) {
	both(t, func(s *stand, rows string) {
		before := s.must("GET", rows+"?max_staleness=0s", "")["rows"]
		for name, c := range map[string]struct{ method, path, body, field string }{
			"unknown column":    {"POST", "", `{"values": {"id": 5, "title": "x", "nope": 1}}`, "row.values.nope"},
			"text for a number": {"POST", "", `{"values": {"id": "five", "title": "x"}}`, "row.values.id"},
			"number for text":   {"PATCH", "/1", `{"values": {"title": 5}}`, "row.values.title"},
			"text for boolean":  {"PATCH", "/1", `{"values": {"ok": "true"}}`, "row.values.ok"},
			"object":            {"PATCH", "/1", `{"values": {"title": {"a": {"b": 1}}}}`, "row.values.title"},
			"list":              {"PATCH", "/1", `{"values": {"title": ["a"]}}`, "row.values.title"},
			"too long":          {"PATCH", "/1", `{"values": {"title": "` + strings.Repeat("x", 21) + `"}}`, "row.values.title"},
			"too many decimals": {"PATCH", "/1", `{"values": {"score": "1.234"}}`, "row.values.score"},
			"inexact number":    {"PATCH", "/1", `{"values": {"big": 9007199254740993}}`, "row.values.big"},
			"no such date":      {"PATCH", "/1", `{"values": {"born": "2026-02-30"}}`, "row.values.born"},
			"null":              {"PATCH", "/1", `{"values": {"title": null}}`, "row.values.title"},
			"missing key":       {"POST", "", `{"values": {"title": "x"}}`, "row.values.id"},
			"missing column":    {"POST", "", `{"values": {"id": 5}}`, "row.values.title"},
			"unknown field":     {"POST", "", `{"values": {"id": 5, "title": "x"}, "colour": "red"}`, "colour"},
			"no JSON":           {"POST", "", `{"values": {"id": 5, `, "body"},
			"no row":            {"POST", "", ``, "row.values.id"},
			"unknown mask":      {"PATCH", "/1?update_mask=values.nope", `{"values": {"title": "x"}}`, "update_mask"},
			"bad key":           {"PATCH", "/one", `{"values": {"title": "x"}}`, "row.name"},
			"bad request id":    {"POST", "?request_id=1", `{"values": {"id": 5, "title": "x"}}`, "request_id"},
		} {
			s.Run(name, func(t *testing.T) {
				s := &stand{T: t, url: s.url}
				s.refused(http.StatusBadRequest, c.field, c.method, rows+c.path, c.body)
			})
		}
		every := s.refused(http.StatusBadRequest, "row.values.title", "POST", rows, `{"values": {"nope": 1, "score": "x", "ok": 2}}`)
		if got := len(every.fields()); got != 5 {
			s.Errorf("%d violations, want all 5: %v", got, every.fields())
		}
		s.refused(http.StatusNotFound, "", "GET", "/v1/links/nobody/sources/database/rows", "")
		s.refused(http.StatusBadRequest, "parent", "GET", "/v1/links/things/sources/paper/rows", "")
		s.refused(http.StatusNotFound, "", "PATCH", rows+"/77", `{"values": {"title": "x"}}`)
		if diff := cmp.Diff(before, s.must("GET", rows+"?max_staleness=0s", "")["rows"]); diff != "" {
			s.Errorf("something changed (-before +after):\n%s", diff)
		}
	})
}

func TestRepeatedWrite(t *testing.T) {
	both(t, func(s *stand, rows string) {
		body, key := `{"values": {"id": 4, "title": "four"}}`, "6f1ed002-ab5f-4c5a-9c3c-1f3a3b9b8a11"
		first := s.must("POST", rows, body, "Idempotency-Key", key)
		again := s.must("POST", rows+"?request_id="+key, body)
		if first["name"] != again["name"] {
			s.Errorf("first %v, again %v", first["name"], again["name"])
		}
		s.must("POST", rows+"?validate_only=true", `{"values": {"id": 6, "title": "six"}}`)
		s.refused(http.StatusNotFound, "", "GET", rows+"/6?max_staleness=0s", "")
	})
}

func TestMutateRows(t *testing.T) {
	both(t, func(s *stand, rows string) {
		name := strings.TrimPrefix(rows, "/v1/") + "/"
		body := `{"mutations": [
			{"mutationId": "a", "type": "CREATE", "row": {"values": {"id": 20, "title": "twenty"}}},
			{"mutationId": "b", "type": "CREATE", "row": {"values": {"id": 21, "title": "x", "score": "much"}}},
			{"mutationId": "c", "type": "UPDATE", "row": {"name": "` + name + `2", "values": {"title": "zwei"}}},
			{"mutationId": "d", "type": "UPDATE", "row": {"name": "` + name + `2", "values": {"title": "deux"}}, "etag": "stale"},
			{"mutationId": "e", "type": "CREATE", "row": {"values": {"id": 1, "title": "one again"}}},
			{"mutationId": "f", "type": "DELETE", "row": {"name": "` + name + `10"}},
			{"mutationId": "g", "type": "DELETE", "row": {"name": "links/other/sources/sheet/rows/1"}}]}`
		results := s.must("POST", rows+":mutate", body)["results"].([]any)
		var got []string
		for _, r := range results {
			result := r.(map[string]any)
			got = append(got, fmt.Sprint(result["mutationId"], " ", result["status"]))
		}
		want := []string{"a APPLIED", "b REJECTED", "c APPLIED", "d CONFLICT", "e CONFLICT", "f APPLIED", "g REJECTED"}
		if diff := cmp.Diff(want, got); diff != "" {
			s.Errorf("results (-want +got):\n%s\n%v", diff, results)
		}
		if text := fmt.Sprint(results[1]); !strings.Contains(text, "mutations[1].row.values.score") {
			s.Errorf("the rejected entry does not name its field: %s", text)
		}
		if row, _ := results[3].(map[string]any)["row"].(map[string]any); row == nil || row["values"].(map[string]any)["title"] != "zwei" {
			s.Errorf("the conflict does not show the row as it is now: %v", results[3])
		}
		s.refused(http.StatusBadRequest, "mutations", "POST", rows+":mutate", `{"mutations": []}`)
	})
}

func TestMutateRowsAtomic(t *testing.T) {
	s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
	s.link("things", "Things")
	rows := "/v1/links/things/sources/database/rows"
	body := `{"atomic": true, "mutations": [
		{"mutationId": "a", "type": "CREATE", "row": {"values": {"id": 30, "title": "thirty"}}},
		{"mutationId": "b", "type": "CREATE", "row": {"values": {"id": 1, "title": "one again"}}}]}`
	for i, r := range s.must("POST", rows+":mutate", body)["results"].([]any) {
		if status := r.(map[string]any)["status"]; status == "APPLIED" {
			s.Errorf("result %d is APPLIED", i)
		}
	}
	s.refused(http.StatusNotFound, "", "GET", rows+"/30", "")
	s.refused(http.StatusBadRequest, "atomic", "POST", strings.Replace(rows, "database", "sheet", 1)+":mutate", body)
}

func TestRowsOverGRPC(t *testing.T) {
	both(t, func(s *stand, rows string) {
		client := tandemv1.NewRowServiceClient(s.conn)
		parent := strings.TrimSuffix(strings.TrimPrefix(rows, "/v1/"), "/rows")
		values, err := structpb.NewStruct(map[string]any{"id": "7", "title": "seven", "note": "n"})
		if err != nil {
			s.Fatal(err)
		}
		made, err := client.CreateRow(s.Context(), &tandemv1.CreateRowRequest{Parent: parent, Row: &tandemv1.Row{Values: values}})
		if err != nil {
			s.Fatal(err)
		}
		got, err := client.GetRow(s.Context(), &tandemv1.GetRowRequest{Name: made.GetName()})
		if err != nil || got.GetEtag() != made.GetEtag() {
			s.Errorf("got %v, %v; want etag %s", got, err, made.GetEtag())
		}
		_, err = client.UpdateRow(s.Context(), &tandemv1.UpdateRowRequest{Row: &tandemv1.Row{Name: made.GetName(), Etag: "stale", Values: values}})
		if status.Code(err) != codes.Aborted {
			s.Fatalf("a stale etag is answered with %v", err)
		}
		var row *tandemv1.Row
		var info *errdetails.ErrorInfo
		for _, detail := range status.Convert(err).Details() {
			switch d := detail.(type) {
			case *tandemv1.Row:
				row = d
			case *errdetails.ErrorInfo:
				info = d
			}
		}
		if row.GetEtag() != made.GetEtag() || info.GetReason() != "ETAG_MISMATCH" || info.GetDomain() != "tandem" {
			s.Errorf("details %v", status.Convert(err).Details())
		}
		if _, err := client.DeleteRow(s.Context(), &tandemv1.DeleteRowRequest{Name: made.GetName()}); err != nil {
			s.Error(err)
		}
	})
}

// Keys are whatever people type. Each must be found under the name that the API gave it, over REST and gRPC.
func TestNamesOfOddKeys(t *testing.T) {
	keys := []string{"a/b", "%2F", "%", "~", "~0", "a~b", " ", "a b", "🐟", "ключ", "x?y=z&w", "#1", "a:mutate", "+", ".", "a//b", `"quoted"`, "back`tick", "ünïcode;semi"}
	s := newStand(t, "CREATE TABLE words (word VARCHAR(100) NOT NULL PRIMARY KEY, `odd, name.` VARCHAR(20))", emulator.Tab{Title: "Words"})
	s.link("words", "Words")
	for _, source := range []string{"database", "sheet"} {
		rows := "/v1/links/words/sources/" + source + "/rows"
		for _, key := range keys {
			if source == "sheet" {
				key += "s"
			}
			body := fmt.Sprintf(`{"values": {"word": %q, "odd, name.": "new"}}`, key)
			made := s.must("POST", rows, body)
			name, _ := made["name"].(string)
			if values := made["values"].(map[string]any); values["word"] != key {
				s.Errorf("%s: key %q came back as %q", source, key, values["word"])
			}
			got := s.must("GET", "/v1/"+name+"?max_staleness=0s", "")
			if got["name"] != name || got["values"].(map[string]any)["word"] != key {
				s.Errorf("%s: key %q: %s gives %v", source, key, name, got)
			}
			changed := s.must("PATCH", "/v1/"+name, `{"values": {"odd, name.": "changed"}}`)
			if changed["values"].(map[string]any)["odd, name."] != "changed" {
				s.Errorf("%s: key %q is not changed: %v", source, key, changed)
			}
			client := tandemv1.NewRowServiceClient(s.conn)
			if row, err := client.GetRow(s.Context(), &tandemv1.GetRowRequest{Name: name}); err != nil || row.GetName() != name {
				s.Errorf("%s: key %q over gRPC: %v, %v", source, key, row, err)
			}
			s.must("DELETE", "/v1/"+name, "")
		}
	}
}

func TestCompositeKeys(t *testing.T) {
	s := newStand(t, `CREATE TABLE pairs (a VARCHAR(50) NOT NULL, b INT NOT NULL, c TEXT, PRIMARY KEY (a, b));
		INSERT INTO pairs VALUES ('x~y', 1, 'one'), ('x', 20, 'two'), ('x', 3, 'three')`, emulator.Tab{Title: "Pairs"})
	s.link("pairs", "Pairs")
	for _, source := range []string{"database", "sheet"} {
		rows := "/v1/links/pairs/sources/" + source + "/rows"
		var names []string
		for _, row := range s.must("GET", rows+"?max_staleness=0s", "")["rows"].([]any) {
			name := row.(map[string]any)["name"].(string)
			names = append(names, name[strings.LastIndex(name, "/")+1:])
		}
		if diff := cmp.Diff([]string{"x~3", "x~20", "x~0y~1"}, names); diff != "" {
			s.Errorf("%s: names (-want +got):\n%s", source, diff)
		}
		if row := s.must("GET", rows+"/x~0y~1", ""); row["values"].(map[string]any)["c"] != "one" {
			s.Errorf("%s: got %v", source, row)
		}
		s.refused(http.StatusBadRequest, "name", "GET", rows+"/"+url.PathEscape("x"), "")
	}
}
