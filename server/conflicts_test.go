package server_test

import (
	"fmt"
	"net/http"
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

// oddKeys need care in URLs: each means something there unless it is encoded.
var oddKeys = []string{"a", "b/c", "d:resolve", "e~f", "g %2F?#", "..", "ü:ñ"}

const (
	itemsPath    = "/v1/links/items"
	itemsSchema  = "CREATE TABLE items (name VARCHAR(20) NOT NULL PRIMARY KEY, price DECIMAL(8,2), title VARCHAR(20) NOT NULL DEFAULT '', qty INT)"
	itemsPolicy  = `{"conflictPolicy": "MANUAL"}`
	databaseSide = itemsPath + "/sources/database/rows"
)

// newConflicts links the table items, whose rows are called oddKeys, under settings, and changes the price on both sides: to
// 10 in the database, and to 20 in the sheet. What is done first happens between the sync and these changes.
func newConflicts(t *testing.T, settings string) *stand {
	t.Helper()
	s := newStand(t, itemsSchema, emulator.Tab{Title: "Items"})
	for _, key := range oddKeys {
		s.exec("INSERT INTO items VALUES (?, 1, 'as it was', 5)", key)
	}
	s.link("items", "Items")
	s.must("PATCH", itemsPath, settings)
	s.diverge(func() {
		s.exec("UPDATE items SET price = 10")
		for i := range oddKeys {
			s.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Items", A1: fmt.Sprintf("B%d", i+2), Input: "20"}})
		}
	})
	return s
}

// diverge changes both sides while nothing flows.
func (s *stand) diverge(change func()) {
	s.Helper()
	link := itemsPath
	s.must("POST", link+":pause", "{}")
	// A cycle that was under way when the link was paused may still carry over what is changed now: wait until it let go.
	s.settled()
	change()
	s.must("POST", link+":resume", "{}")
}

// settled waits until no cycle has the link.
func (s *stand) settled() {
	s.Helper()
	s.eventually(func() string {
		var holder string
		if err := s.db.QueryRow("SELECT holder FROM tandem_leases WHERE name = 'links/items'").Scan(&holder); err != nil || holder != "" {
			return fmt.Sprintf("a cycle of %q goes on (%v)", holder, err)
		}
		return ""
	})
}

func (s *stand) exec(statement string, args ...any) {
	s.Helper()
	if _, err := s.db.Exec(statement, args...); err != nil {
		s.Fatalf("%s: %v", statement, err)
	}
}

func (s *stand) edit(edits ...emulator.Edit) {
	s.Helper()
	if err := s.google.Edit(standSheet, edits...); err != nil {
		s.Fatal(err)
	}
}

// conflicts waits until n conflicts are open, and returns them by key.
func (s *stand) conflicts(n int) map[string]map[string]any {
	s.Helper()
	var found map[string]map[string]any
	s.eventually(func() string {
		found = map[string]map[string]any{}
		for token := ""; ; {
			page := s.must("GET", itemsPath+"/conflicts?pageSize=3&pageToken="+token, "")
			for _, c := range page["conflicts"].([]any) {
				conflict := c.(map[string]any)
				found[strings.ReplaceAll(conflict["key"].(string), "~0", "~")] = conflict
			}
			if token = page["nextPageToken"].(string); token == "" {
				break
			}
		}
		if len(found) != n {
			return fmt.Sprintf("%d conflicts, want %d: %v", len(found), n, found)
		}
		return ""
	})
	return found
}

// agree waits until both sides hold want in a row; nil is no row.
func (s *stand) agree(key string, want map[string]any) {
	s.Helper()
	for _, source := range []string{"database", "sheet"} {
		s.eventually(func() string {
			found := map[string]map[string]any{}
			for _, r := range s.must("GET", itemsPath+"/sources/"+source+"/rows?max_staleness=0s&page_size=100", "")["rows"].([]any) {
				row := r.(map[string]any)
				if values := row["values"].(map[string]any); values["name"] == key {
					found[key] = values
				}
			}
			for column, value := range want {
				if found[key] == nil || found[key][column] != value {
					return fmt.Sprintf("%s holds %v in row %q, want %v", source, found[key], key, want)
				}
			}
			if want == nil && found[key] != nil {
				return fmt.Sprintf("%s still holds row %q: %v", source, key, found[key])
			}
			return ""
		})
	}
}

func TestConflictsOverREST(t *testing.T) {
	t.Parallel()
	s := newConflicts(t, itemsPolicy)
	open := s.conflicts(len(oddKeys))
	if n := s.must("GET", itemsPath, "")["status"].(map[string]any)["conflicts"]; n != float64(len(oddKeys)) {
		t.Errorf("status counts %v conflicts", n)
	}
	for _, key := range oddKeys {
		conflict := open[key]
		path := "/v1/" + conflict["name"].(string)
		if got := s.must("GET", path, ""); !cmp.Equal(got, conflict) {
			t.Errorf("read alone and listed (-alone +listed):\n%s", cmp.Diff(got, conflict))
		}
		row := s.must("GET", "/v1/"+conflict["row"].(string), "")
		if row["syncState"] != "CONFLICT" || !strings.Contains(fmt.Sprint(row["syncError"]), path+":resolve") || row["values"].(map[string]any)["name"] != key {
			t.Errorf("row %q: %v", key, row)
		}
	}
	one := open["d:resolve"]
	for field, want := range map[string]any{
		"columns":        []any{map[string]any{"column": "price", "base": "1.00", "database": "10.00", "sheet": "20.00"}},
		"deletedOn":      "SOURCE_UNSPECIFIED",
		"baseValues":     map[string]any{"name": "d:resolve", "price": "1.00", "title": "as it was", "qty": "5"},
		"databaseValues": map[string]any{"name": "d:resolve", "price": "10.00", "title": "as it was", "qty": "5"},
		"sheetValues":    map[string]any{"name": "d:resolve", "price": "20.00", "title": "as it was", "qty": "5"},
		"resolving":      false,
	} {
		if diff := cmp.Diff(want, one[field]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", field, diff)
		}
	}
	if one["createTime"] == nil || one["databaseTime"] == nil || one["etag"] == "" {
		t.Errorf("times and etag: %v", one)
	}

	// The row's other cells go on.
	s.exec("UPDATE items SET qty = 6 WHERE name = 'd:resolve'")
	s.agree("d:resolve", map[string]any{"qty": "6"})
	path := "/v1/" + s.conflicts(len(oddKeys))["d:resolve"]["name"].(string)
	if now := s.must("GET", path, ""); now["etag"] != one["etag"] {
		t.Errorf("the etag is %v after a change of another cell, was %v", now["etag"], one["etag"])
	}
	for i, key := range oddKeys {
		side, price := "DATABASE", "10.00"
		if i%2 == 1 {
			side, price = "SHEET", "20.00"
		}
		decided := s.must("POST", "/v1/"+open[key]["name"].(string)+":resolve", fmt.Sprintf(`{"take": %q, "etag": %q}`, side, open[key]["etag"]))
		if decided["resolving"] != true || decided["key"] != open[key]["key"] {
			t.Errorf("decided: %v", decided)
		}
		s.agree(key, map[string]any{"price": price})
	}
	s.conflicts(0)
	s.refused(http.StatusNotFound, "", "GET", path, "")
	s.refused(http.StatusNotFound, "", "POST", path+":resolve", `{"take": "SHEET"}`)
	s.eventually(func() string {
		if row := s.must("GET", databaseSide+"/a", ""); row["syncState"] != "IN_SYNC" {
			return fmt.Sprint(row)
		}
		return ""
	})
}

func TestDecisionsAreChecked(t *testing.T) {
	t.Parallel()
	s := newConflicts(t, itemsPolicy)
	open := s.conflicts(len(oddKeys))
	path := itemsPath + "/conflicts/a:resolve"
	for name, c := range map[string]struct{ body, field string }{
		"nothing":           {`{}`, "take"},
		"unknown column":    {`{"columns": {"cost": {"take": "SHEET"}}}`, "columns.cost"},
		"not in conflict":   {`{"columns": {"qty": {"take": "SHEET"}}}`, "columns.qty"},
		"neither":           {`{"columns": {"price": {}}}`, "columns.price"},
		"both":              {`{"columns": {"price": {"take": "SHEET", "value": "3"}}}`, "columns.price"},
		"not a price":       {`{"columns": {"price": {"value": "much"}}}`, "columns.price.value"},
		"too many decimals": {`{"take": "SHEET", "columns": {"price": {"value": "1.234"}}}`, "columns.price.value"},
		"wrong JSON":        {`{"columns": {"price": {"value": true}}}`, "columns.price.value"},
		"no such side":      {`{"take": "MINE"}`, "body"},
		"unknown field":     {`{"winner": "SHEET"}`, "winner"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stand{T: t, url: s.url}
			s.refused(http.StatusBadRequest, c.field, "POST", path, c.body)
		})
	}
	s.refused(http.StatusNotFound, "", "POST", itemsPath+"/conflicts/nobody:resolve", `{"take": "SHEET"}`)
	s.refused(http.StatusNotFound, "", "GET", "/v1/links/nobody/conflicts", "")
	s.refused(http.StatusBadRequest, "page_token", "GET", itemsPath+"/conflicts?pageToken=nonsense", "")
	if now := s.must("GET", itemsPath+"/conflicts/a", ""); !cmp.Equal(now, open["a"]) {
		t.Errorf("a refused decision changed something (-before +after):\n%s", cmp.Diff(open["a"], now))
	}

	// The sheet's price changes again, so that a decision about what was seen before is refused, with what there is now.
	position := s.must("GET", itemsPath+"/sources/sheet/rows/a", "")["position"]
	s.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Items", A1: fmt.Sprint("B", position), Input: "30"}})
	s.eventually(func() string {
		if now := s.must("GET", itemsPath+"/conflicts/a", ""); now["etag"] == open["a"]["etag"] {
			return fmt.Sprint(now)
		}
		return ""
	})
	stale := fmt.Sprint(open["a"]["etag"])
	answer := s.refused(http.StatusPreconditionFailed, "", "POST", path, fmt.Sprintf(`{"take": "SHEET", "etag": %q}`, stale))
	if !strings.Contains(answer.text, "30.00") || !strings.Contains(answer.text, "ETAG_MISMATCH") {
		t.Errorf("the conflict as it is now is not in %s", answer.text)
	}
	s.refused(http.StatusPreconditionFailed, "", "POST", path, `{"take": "SHEET"}`, "If-Match", fmt.Sprintf("%q", stale))
	current := s.call("GET", itemsPath+"/conflicts/a", "").header.Get("ETag")
	s.must("POST", path, `{"columns": {"price": {"value": 12.5}}}`, "If-Match", current)
	s.agree("a", map[string]any{"price": "12.50"})

	s.must("POST", itemsPath+"/conflicts/b%2Fc:resolve", `{"columns": {"price": {"value": null}}}`)
	s.agree("b/c", map[string]any{"price": nil})
	s.conflicts(len(oddKeys) - 2)
}

// A row that one side deleted and the other changed waits as a whole.
func TestConflictsOfDeletedRows(t *testing.T) {
	t.Parallel()
	s := newStand(t, itemsSchema, emulator.Tab{Title: "Items"})
	for i := range 8 {
		s.exec("INSERT INTO items VALUES (?, 1, 'as it was', 5)", fmt.Sprint(i))
	}
	s.link("items", "Items")
	s.must("PATCH", itemsPath, itemsPolicy)
	s.diverge(func() {
		s.exec("DELETE FROM items WHERE name IN ('0', '1')")
		s.exec("UPDATE items SET price = 10 WHERE name IN ('2', '3')")
		s.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "B2", Values: [][]string{{"20"}, {"20"}}}},
			emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 4, Count: 2}})
	})
	open := s.conflicts(4)
	for key, want := range map[string]string{"0": "DATABASE", "1": "DATABASE", "2": "SHEET", "3": "SHEET"} {
		c := open[key]
		stands := map[string]string{"DATABASE": "sheet", "SHEET": "database"}[want]
		if c["deletedOn"] != want || len(c["columns"].([]any)) != 0 || c[strings.ToLower(want)+"Values"] != nil || c[stands+"Values"] == nil ||
			c["row"] != "links/items/sources/"+stands+"/rows/"+key {
			t.Errorf("conflict of row %s: %v", key, c)
		}
	}
	s.refused(http.StatusBadRequest, "columns", "POST", itemsPath+"/conflicts/0:resolve", `{"columns": {"price": {"take": "SHEET"}}}`)
	answer := s.must("POST", itemsPath+"/conflicts:batchResolve", `{"requests": [
		{"name": "links/items/conflicts/0", "take": "DATABASE"}, {"name": "links/items/conflicts/1", "take": "SHEET"},
		{"name": "links/items/conflicts/2", "take": "DATABASE"}, {"name": "links/items/conflicts/3", "take": "SHEET"}]}`)
	if answer["resolvedCount"] != 4.0 {
		t.Errorf("decided: %v", answer)
	}
	s.agree("0", nil)
	s.agree("1", map[string]any{"price": "20.00", "title": "as it was"})
	s.agree("2", map[string]any{"price": "10.00", "title": "as it was"})
	s.agree("3", nil)
	s.conflicts(0)
}

func TestBatchResolveConflicts(t *testing.T) {
	t.Parallel()
	s := newConflicts(t, itemsPolicy)
	open := s.conflicts(len(oddKeys))
	path := itemsPath + "/conflicts:batchResolve"
	s.refused(http.StatusBadRequest, "", "POST", path, `{}`)
	s.refused(http.StatusBadRequest, "", "POST", path, `{"all": true}`)
	s.refused(http.StatusBadRequest, "", "POST", path, `{"all": true, "take": "SHEET", "requests": [{"name": "links/items/conflicts/a", "take": "SHEET"}]}`)
	s.refused(http.StatusNotFound, "", "POST", "/v1/links/nobody/conflicts:batchResolve", `{"all": true, "take": "SHEET"}`)
	many := `{"name": "links/items/conflicts/nobody", "take": "SHEET"}`
	s.refused(http.StatusBadRequest, "requests", "POST", path, `{"requests": [`+strings.Repeat(many+",", 1000)+many+`]}`)

	answer := s.must("POST", path, fmt.Sprintf(`{"requests": [
		{"name": "links/items/conflicts/nobody", "take": "SHEET"},
		{"name": %q, "take": "SHEET", "etag": "stale"},
		{"name": "links/other/conflicts/a", "take": "SHEET"},
		{"name": "nonsense", "take": "SHEET"},
		{"name": "links/items/conflicts/a", "columns": {"price": {"value": "much"}}},
		{"name": "links/items/conflicts/a"},
		{"name": %q, "take": "SHEET", "etag": %q}]}`, open["b/c"]["name"], open["d:resolve"]["name"], open["d:resolve"]["etag"]))
	results := answer["results"].([]any)
	want := []string{"5", "10", "3 requests[2].name", "3 requests[3].name", "3 requests[4].columns.price.value", "3 requests[5].take", "resolving"}
	var got []string
	for _, r := range results {
		result := r.(map[string]any)
		failed, _ := result["error"].(map[string]any)
		if failed == nil {
			got = append(got, map[bool]string{true: "resolving"}[result["conflict"].(map[string]any)["resolving"].(bool)])
			continue
		}
		line := fmt.Sprint(failed["code"])
		for field := range (reply{body: failed}).fields() {
			line += " " + field
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got); diff != "" || answer["resolvedCount"] != 1.0 {
		t.Errorf("results (-want +got):\n%s%v", diff, answer)
	}
	s.agree("d:resolve", map[string]any{"price": "20.00"})
	s.conflicts(len(oddKeys) - 1)
	if all := s.must("POST", path, `{"all": true, "take": "DATABASE"}`); all["resolvedCount"] != float64(len(oddKeys)-1) {
		t.Errorf("all: %v", all)
	}
	s.conflicts(0)
	for _, key := range oddKeys {
		if key != "d:resolve" {
			s.agree(key, map[string]any{"price": "10.00"})
		}
	}
}

func TestConflictsOverGRPC(t *testing.T) {
	t.Parallel()
	s := newConflicts(t, itemsPolicy)
	s.conflicts(len(oddKeys))
	client := tandemv1.NewConflictServiceClient(s.conn)
	list, err := client.ListConflicts(t.Context(), &tandemv1.ListConflictsRequest{Parent: "links/items"})
	if err != nil || len(list.GetConflicts()) != len(oddKeys) {
		t.Fatalf("list: %v, %v", list, err)
	}
	one := list.GetConflicts()[0]
	choice := map[string]*tandemv1.Choice{"price": {Value: structpb.NewStringValue("7.25")}}
	_, err = client.ResolveConflict(t.Context(), &tandemv1.ResolveConflictRequest{Name: one.GetName(), Etag: "stale", Columns: choice})
	failed := status.Convert(err)
	var now *tandemv1.Conflict
	for _, detail := range failed.Details() {
		switch d := detail.(type) {
		case *tandemv1.Conflict:
			now = d
		case *errdetails.ErrorInfo:
			if d.GetReason() != "ETAG_MISMATCH" {
				t.Errorf("reason %q", d.GetReason())
			}
		}
	}
	if failed.Code() != codes.Aborted || now.GetEtag() != one.GetEtag() {
		t.Fatalf("a stale etag: %v, with %v", err, now)
	}
	decided, err := client.ResolveConflict(t.Context(), &tandemv1.ResolveConflictRequest{Name: one.GetName(), Etag: now.GetEtag(), Columns: choice})
	if err != nil || !decided.GetResolving() {
		t.Fatalf("decided: %v, %v", decided, err)
	}
	s.agree(strings.ReplaceAll(one.GetKey(), "~0", "~"), map[string]any{"price": "7.25"})
	_, err = client.GetConflict(t.Context(), &tandemv1.GetConflictRequest{Name: "links/items/conflicts/a/b"})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("a name with a slash in its key: %v", err)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	s := newConflicts(t, `{"conflictPolicy": "RULES", "rules": [{"column": "price", "expression": "database > 5.0 && column == 'price' ? MANUAL : DATABASE"}]}`)
	s.conflicts(len(oddKeys))
	test := func(expression string) map[string]any {
		return s.must("POST", itemsPath+":testRules", fmt.Sprintf(`{"rules": [{"column": "price", "expression": %q}], "pageSize": 2}`, expression))
	}
	counts := func(answer map[string]any) string {
		return fmt.Sprint(answer["same"], answer["differs"], answer["manual"], answer["failed"], len(answer["verdicts"].([]any)))
	}
	if got := counts(test("database > sheet ? database : sheet")); got != "0 7 0 0 2" {
		t.Errorf("over open conflicts: %s", got)
	}
	if got := counts(test("MANUAL")); got != "0 0 7 0 2" {
		t.Errorf("MANUAL over open conflicts: %s", got)
	}
	// The higher price, which is the sheet's.
	s.must("PATCH", itemsPath, `{"rules": [{"column": "price", "expression": "database > sheet ? database : sheet"}]}`)
	s.conflicts(0)
	for _, key := range oddKeys {
		s.agree(key, map[string]any{"price": "20.00"})
	}
	if got := counts(test("sheet")); got != "7 0 0 0 0" {
		t.Errorf("the same over settled conflicts: %s", got)
	}
	if got := counts(test("sheet / (database - 10.0) > 0.0 ? database / 0.0 : sheet")); got != "0 0 0 7 2" {
		t.Errorf("a rule that fails: %s", got)
	}
	answer := test("DATABASE")
	if got := counts(answer); got != "0 7 0 0 2" {
		t.Errorf("the other side over settled conflicts: %s", got)
	}
	verdict := answer["verdicts"].([]any)[0].(map[string]any)
	if verdict["outcome"] != "DIFFERS" || verdict["column"] != "price" || verdict["was"] != "SHEET" || verdict["would"] != "DATABASE" || verdict["key"] == "" {
		t.Errorf("verdict %v", verdict)
	}
	average := test("(database + sheet) / 2.0")
	if verdict := average["verdicts"].([]any)[0].(map[string]any); verdict["value"] != "15.00" || verdict["outcome"] != "DIFFERS" {
		t.Errorf("verdict with a value of its own %v", verdict)
	}
	// One that a person settles with a value of their own is written to both sides, and is one conflict all the same.
	s.must("PATCH", itemsPath, `{"conflictPolicy": "MANUAL", "rules": []}`)
	s.diverge(func() {
		s.exec("UPDATE items SET price = 11")
		for i := range oddKeys {
			s.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Items", A1: fmt.Sprintf("B%d", i+2), Input: "21"}})
		}
	})
	for _, c := range s.conflicts(len(oddKeys)) {
		s.must("POST", "/v1/"+c["name"].(string)+":resolve", `{"columns": {"price": {"value": "12.34"}}}`)
	}
	s.conflicts(0)
	if got := counts(test("DATABASE")); got != "0 14 0 0 2" {
		t.Errorf("over conflicts that people settled with values of their own: %s", got)
	}
	s.refused(http.StatusBadRequest, "rules[0].expression", "POST", itemsPath+":testRules", `{"rules": [{"column": "price", "expression": "nope"}]}`)
	s.refused(http.StatusBadRequest, "rules[0].column", "POST", itemsPath+":testRules", `{"rules": [{"column": "nope", "expression": "DATABASE"}]}`)
	s.refused(http.StatusNotFound, "", "POST", "/v1/links/nobody:testRules", `{}`)
}

// A link that cannot work any more still shows what waited.
func TestConflictsOfALostTable(t *testing.T) {
	t.Parallel()
	s := newConflicts(t, itemsPolicy)
	open := s.conflicts(len(oddKeys))
	s.exec("DROP TABLE items")
	for key, conflict := range s.conflicts(len(oddKeys)) {
		if diff := cmp.Diff(open[key]["columns"], conflict["columns"]); diff != "" {
			t.Errorf("row %q (-before +after):\n%s", key, diff)
		}
	}
	if answer := s.call("POST", itemsPath+"/conflicts/a:resolve", `{"take": "SHEET"}`); answer.status/100 != 4 {
		t.Errorf("a decision without a table: %d %s", answer.status, answer.text)
	}
}
