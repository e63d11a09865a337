package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

const watchItems = "/v1/links/items/changes:watch"

// newWatchStand is a stand with a table "items" of n rows that is in step with the tab "Items".
func newWatchStand(t *testing.T, n int, set func(*server.Config)) *stand {
	t.Helper()
	s := newStandWith(t, set, `CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, title TEXT NULL, stock BIGINT NULL);
		CREATE TABLE others (id INTEGER NOT NULL PRIMARY KEY, title TEXT NULL);
		INSERT INTO others VALUES (1, 'x')`,
		emulator.Tab{Title: "Items"}, emulator.Tab{Title: "Others"})
	for i := range n {
		s.sql("INSERT INTO items VALUES (?, 'new', 1)", i+1)
	}
	s.link("items", "Items")
	return s
}

func (s *stand) sql(statement string, args ...any) {
	s.Helper()
	if _, err := s.db.ExecContext(s.Context(), statement, args...); err != nil {
		s.Fatalf("%s: %v", statement, err)
	}
}

func (s *stand) watch(path string, events bool, headers ...string) *reader {
	s.Helper()
	return watchHTTP(s.Context(), s, http.DefaultClient, s.url+path, events, headers...)
}

// listed are the changes of a link as ListChanges gives them, oldest first.
func (s *stand) listed(link string) []map[string]any {
	s.Helper()
	page := s.must("GET", "/v1/links/"+link+"/changes?page_size=1000", "")
	list, _ := page["changes"].([]any)
	changes := make([]map[string]any, len(list))
	for i, change := range list {
		changes[len(list)-1-i] = change.(map[string]any)
	}
	return changes
}

// A change comes to everybody who watches as ListChanges shows it, by whatever way.
func TestWatchChanges(t *testing.T) {
	s := newWatchStand(t, 2, func(*server.Config) {})
	events, lines := s.watch(watchItems, true), s.watch(watchItems, false)
	if kind := events.response.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type of events %q", kind)
	}
	if kind := lines.response.Header.Get("Content-Type"); kind != "application/x-ndjson" {
		t.Errorf("content type of lines %q", kind)
	}
	stream, err := tandemv1.NewChangeServiceClient(s.conn).WatchChanges(t.Context(), &tandemv1.WatchChangesRequest{Parent: "links/items"})
	if err != nil {
		t.Fatal(err)
	}
	begin, err := stream.Recv()
	if err != nil || begin.GetChange() != nil || begin.GetResumeToken() == "" {
		t.Fatalf("first answer: %v, %v", begin, err)
	}
	if first := lines.must(); len(first.data) != 1 || first.id != begin.GetResumeToken() {
		t.Errorf("first line: %v", first.data)
	}
	if first := events.must(); first.data != nil || first.id != begin.GetResumeToken() {
		t.Errorf("first event: %+v", first)
	}
	s.sql("UPDATE items SET stock = 9007199254740993, title = 'line' || char(10) || 'break' WHERE id = 2")
	event, line := events.mustChange(), lines.mustChange()
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	listed := s.listed("items")
	want := listed[len(listed)-1]
	if after, _ := want["after"].(map[string]any); after["stock"] != "9007199254740993" {
		t.Fatalf("listed: %v", want)
	}
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var over map[string]any
	if err := json.Unmarshal(text, &over); err != nil {
		t.Fatal(err)
	}
	for way, got := range map[string]map[string]any{"event": event.data, "line": line.data, "gRPC": over} {
		if diff := cmp.Diff(map[string]any{"change": want, "resumeToken": event.id}, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", way, diff)
		}
	}
}

func TestWatchFromAToken(t *testing.T) {
	s := newWatchStand(t, 4, func(*server.Config) {})
	stream := s.watch(watchItems, false)
	begin := stream.must().id
	for id := range 4 {
		s.sql("UPDATE items SET stock = 7 WHERE id = ?", id+1)
		stream.mustChange()
	}
	all := s.listed("items")[4:]
	tokens, name := []string{begin}, func(i int) string { return all[i]["name"].(string) }
	again := s.watch(watchItems+"?resume_token="+begin, true)
	again.must()
	for i := range all {
		got := again.mustChange()
		if got.change() != name(i) {
			t.Fatalf("change %d is %s, want %s", i, got.change(), name(i))
		}
		tokens = append(tokens, got.id)
	}
	for i, token := range tokens[:4] {
		for way, stream := range map[string]*reader{
			"camelCase parameter":           s.watch(watchItems+"?resumeToken="+token, false),
			"Last-Event-ID":                 s.watch(watchItems, true, "Last-Event-ID", token),
			"Last-Event-ID and a parameter": s.watch(watchItems+"?resume_token="+begin, true, "Last-Event-ID", token),
		} {
			if got := stream.must(); got.id != token || got.data["change"] != nil {
				t.Errorf("%s: the first answer is %+v", way, got)
			}
			if got := stream.mustChange(); got.change() != name(i) {
				t.Errorf("%s: after token %d comes %s, want %s", way, i, got.change(), name(i))
			}
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	s := newWatchStand(t, 2, func(*server.Config) {})
	s.link("others", "Others")
	token, other := s.watch(watchItems, false).must().id, s.watch("/v1/links/others/changes:watch", false).must().id
	for _, wrong := range []string{"x", token + "A", token[:len(token)-2], strings.Repeat("A", 1001), other} {
		s.refused(http.StatusBadRequest, "resume_token", "GET", watchItems+"?resume_token="+wrong, "")
		s.refused(http.StatusBadRequest, "resume_token", "GET", watchItems, "", "Last-Event-ID", wrong, "Accept", "text/event-stream")
	}
	s.refused(http.StatusNotFound, "", "GET", "/v1/links/nothing/changes:watch", "")

	expired := func(token string) {
		t.Helper()
		reply := s.refused(http.StatusBadRequest, "", "GET", watchItems+"?resume_token="+token, "")
		if !strings.Contains(reply.text, "RESUME_TOKEN_EXPIRED") || !strings.Contains(reply.text, "without one") || reply.body["code"] != float64(codes.OutOfRange) {
			t.Errorf("expired token: %s", reply.text)
		}
	}
	// What was pruned expires the tokens before it, and no other.
	stream := s.watch(watchItems, false)
	stream.must()
	s.sql("UPDATE items SET stock = 7 WHERE id = 1")
	first := stream.mustChange().id
	s.sql("UPDATE items SET stock = 7 WHERE id = 2")
	second := stream.mustChange()
	s.sql("UPDATE tandem_changes SET applied_at = '2020-01-01 00:00:00.000000' WHERE seq < ?", strings.TrimPrefix(second.change(), "links/items/changes/"))
	var file string
	if err := s.db.QueryRow("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file); err != nil {
		t.Fatal(err)
	}
	another, err := store.Open(t.Context(), "sqlite:"+file, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	if err := another.PruneHistory(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	expired(token)
	if got := s.watch(watchItems+"?resume_token="+first, false).mustChange(); got.change() != second.change() {
		t.Errorf("after the last change that was pruned comes %s, want %s", got.change(), second.change())
	}
	s.sql("UPDATE tandem_changes SET applied_at = '2020-01-01 00:00:00.000000'")
	if err := another.PruneHistory(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	expired(first)
	s.watch(watchItems+"?resume_token="+second.id, false).must() // nothing came after it

	// A link that was made anew is another one.
	s.must("DELETE", "/v1/links/items", "")
	if end := stream.mustChange(); end.event != "error" || end.reason() != "LINK_NOT_FOUND" {
		t.Errorf("the stream of a deleted link ends with %+v", end)
	}
	s.link("items", "Items")
	expired(second.id)
}

// A stream on which nothing happens says now and then that it lives, and where it is.
func TestWatchIsAlive(t *testing.T) {
	s := newWatchStand(t, 1, func(c *server.Config) { server.LimitWatches(c, server.WatchLimits{Heartbeat: 20 * time.Millisecond}) })
	events, lines := s.watch(watchItems, true), s.watch(watchItems, false)
	events.must()
	lines.must()
	s.sql("UPDATE items SET stock = 7")
	changed := events.mustChange()
	if alive := events.must(); alive.id != changed.id || alive.data != nil {
		t.Errorf("after the change came %+v", alive)
	}
	if got := lines.mustChange(); got.id != changed.id {
		t.Errorf("as a line: %+v", got)
	}
	if alive := lines.must(); alive.id != changed.id || len(alive.data) != 1 {
		t.Errorf("after the line came %+v", alive)
	}
}

// Many who come back at once, from different places long ago, each get all that they missed, while changes go on.
func TestManyCatchUp(t *testing.T) {
	s := newWatchStand(t, 1, func(c *server.Config) { server.LimitWatches(c, server.WatchLimits{Keep: 8, Page: 4}) })
	fast := s.watch(watchItems, true)
	tokens, names := []string{fast.must().id}, []string(nil)
	more := func() {
		s.addHistory(40, "short")
		for range 40 {
			change := fast.mustChange()
			names, tokens = append(names, change.change()), append(tokens, change.id)
		}
	}
	more()
	more()
	var late []*reader
	for i := range 30 {
		late = append(late, s.watch(watchItems, i%2 == 0, "Last-Event-ID", tokens[i]))
	}
	more()
	for i, stream := range late {
		var got []string
		for len(got) < len(names)-i {
			got = append(got, stream.mustChange().change())
		}
		if diff := cmp.Diff(names[i:], got); diff != "" {
			t.Fatalf("from %d on:\n%s", i, diff)
		}
	}
}

// addHistory adds n changes to the history of the link items at once, as another process would that shares the database.
func (s *stand) addHistory(n int, title string) {
	s.Helper()
	s.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?)
		INSERT INTO tandem_changes (link_number, row_key, kind, source, cause, actor, after_row, removes, applied_at)
		SELECT (SELECT number FROM tandem_links WHERE id = 'items'), i, 'UPDATE', 'database', 'SQL', '', ?, 0, '2026-11-21 10:00:00.000000' FROM n`,
		n, fmt.Sprintf(`{"id":"1","title":%q}`, title))
}
