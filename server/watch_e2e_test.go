package server_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/google/go-cmp/cmp"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// newWatchWorld is a world whose table "items" of n rows is in step with its tab.
func newWatchWorld(t *testing.T, n int) *world {
	t.Helper()
	w := newWorld(t, "--poll-interval", "500ms")
	w.exec("CREATE TABLE items (id INT NOT NULL PRIMARY KEY, title VARCHAR(40) NULL, stock INT NOT NULL)")
	w.exec("INSERT INTO items WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?) SELECT i, 'an item as long as most', 0 FROM n", n)
	w.start()
	w.do("POST", "/v1/links?link_id=items", map[string]any{"table": "items", "spreadsheetId": spreadsheet, "tab": "Data"})
	w.sync("items", nil)
	return w
}

// listed are the names of all changes, oldest first.
func (w *world) listed() []string {
	w.t.Helper()
	var names []string
	for token := ""; ; {
		page := w.do("GET", "/v1/links/items/changes?page_size=1000&page_token="+token, nil)
		list, _ := page["changes"].([]any)
		for _, change := range list {
			names = append(names, change.(map[string]any)["name"].(string))
		}
		if token, _ = page["nextPageToken"].(string); token == "" {
			break
		}
	}
	for i, j := 0, len(names)-1; i < j; i, j = i+1, j-1 {
		names[i], names[j] = names[j], names[i]
	}
	return names
}

func (w *world) watch(token string) *reader {
	w.t.Helper()
	return watchHTTP(w.t.Context(), w.t, http.DefaultClient, "http://"+w.httpAddr+watchItems, true, "Last-Event-ID", token)
}

// A server that is killed at every change, and while changes are made, costs those who watch nothing: they go on with their
// last token at its successor.
func TestWatchSurvivesKills(t *testing.T) {
	const rows = 12
	w := newWatchWorld(t, rows)
	stream := w.watch("")
	stream.must()
	before := len(w.listed())
	var got []string
	for id := 1; id < rows; id++ {
		w.exec("UPDATE items SET stock = stock + 1 WHERE id = ? OR id = ?", id, id+1)
		got = append(got, stream.mustChange().change())
		token := stream.last
		w.kill()
		// The next server need not wait until the lease of the killed one has run out.
		w.exec("UPDATE tandem_leases SET holder = '', expires_at = NULL")
		w.start()
		stream = w.watch(token)
		if first := stream.must(); first.id != token {
			t.Fatalf("the stream goes on at %q, want %q", first.id, token)
		}
	}
	w.exec("INSERT INTO items VALUES (1000, 'the last', 0)")
	for last := (watched{}); ; {
		last = stream.mustChange()
		got = append(got, last.change())
		if change, _ := last.data["change"].(map[string]any); change["key"] == "1000" {
			break
		}
	}
	want := w.listed()[before:]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-listed +watched)\n%s", diff)
	}
}

// A server that stops says so to all who watch.
func TestWatchEndsWithTheServer(t *testing.T) {
	w := newWatchWorld(t, 1)
	events := w.watch("")
	begin := events.must().id
	conn := w.grpc()
	stream, err := tandemv1.NewChangeServiceClient(conn).WatchChanges(t.Context(), &tandemv1.WatchChangesRequest{Parent: "links/items"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if end := events.mustChange(); end.event != "error" || end.reason() != "SERVER_STOPPING" || end.id != begin || end.data["code"] != float64(codes.Unavailable) {
		t.Errorf("the events end with %+v", end)
	}
	if _, err := events.next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "resume_token") {
		t.Errorf("the stream ends with %v", err)
	}
	if err := <-w.exited; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	w.cmd = nil
}

func (w *world) grpc() *grpc.ClientConn {
	w.t.Helper()
	conn, err := grpc.NewClient(w.grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// heard is what one of many watchers got: how many changes, and a sum over their names in the order in which they came.
type heard struct {
	n   int
	sum uint64
}

func hear(names []string) (h heard) {
	for _, name := range names {
		h.add(name)
	}
	return h
}

func (h *heard) add(name string) {
	sum := fnv.New64a()
	_, _ = fmt.Fprint(sum, h.sum, name)
	h.n, h.sum = h.n+1, sum.Sum64()
}

// Two thousand browsers and two hundred programs watch one link, and each gets every change in order.
func TestManyWatchers(t *testing.T) {
	browsers, programs, rows, batch := 2000, 200, 500, 50
	if testing.Short() {
		browsers, programs = 200, 20
	}
	w := newWatchWorld(t, rows)
	idle := w.resident()
	before := len(w.listed())
	all, ready := make([]heard, browsers+programs), &sync.WaitGroup{}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var done sync.WaitGroup
	var failed atomic.Int64
	ready.Add(len(all))
	listen := func(i int, watch func(ready func(), into *heard) error) {
		done.Go(func() {
			if err := watch(sync.OnceFunc(ready.Done), &all[i]); err != nil {
				if failed.Add(1) < 5 {
					t.Errorf("watcher %d after %d changes: %v", i, all[i].n, err)
				}
				cancel()
			}
		})
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range browsers {
		listen(i, func(ready func(), into *heard) error {
			defer ready()
			return w.browse(ctx, client, rows, ready, into)
		})
	}
	conns := []*grpc.ClientConn{w.grpc(), w.grpc(), w.grpc(), w.grpc()}
	for i := range programs {
		listen(browsers+i, func(ready func(), into *heard) error {
			defer ready()
			return follow(ctx, conns[i%len(conns)], rows, ready, into)
		})
	}
	ready.Wait()
	open := w.resident()
	began := time.Now()
	for from := 0; from < rows; from += batch {
		w.exec("UPDATE items SET stock = stock + 1 WHERE id > ? AND id <= ?", from, from+batch)
	}
	done.Wait()
	took := time.Since(began)
	if failed.Load() > 0 {
		t.Fatalf("%d watchers failed", failed.Load())
	}
	names := w.listed()[before:]
	want, wrong := hear(names), 0
	for i, got := range all {
		if got != want {
			if wrong++; wrong < 5 {
				t.Errorf("watcher %d got %d changes, or others, or in another order than the %d that were made", i, got.n, want.n)
			}
		}
	}
	t.Logf("%d changes to %d browsers and %d programs in %s; resident memory: idle %d MB, all connected %d MB, at the end %d MB",
		len(names), browsers, programs, took.Round(10*time.Millisecond), idle, open, w.resident())
}

// browse watches over HTTP until it has as many changes as there are to be.
func (w *world) browse(ctx context.Context, client *http.Client, changes int, ready func(), into *heard) error {
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+w.httpAddr+watchItems, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	ready()
	lines := newLines(response.Body)
	for into.n < changes {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return err
		}
		if data, is := strings.CutPrefix(string(line), "data: "); is {
			into.add(nameIn(data))
		} else if strings.HasPrefix(string(line), "event: ") {
			return fmt.Errorf("the stream ended with %s", line)
		}
	}
	return nil
}

// follow watches over gRPC.
func follow(ctx context.Context, conn *grpc.ClientConn, changes int, ready func(), into *heard) error {
	stream, err := tandemv1.NewChangeServiceClient(conn).WatchChanges(ctx, &tandemv1.WatchChangesRequest{Parent: "links/items"})
	if err != nil {
		return err
	}
	for into.n < changes {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		ready()
		if answer.GetChange() != nil {
			into.add(answer.GetChange().GetName())
		}
	}
	return nil
}

// resident is how much memory the server holds, in MB.
func (w *world) resident() (megabytes int) {
	w.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid))
	if err != nil {
		w.t.Logf("memory is not known: %v", err)
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	_, _ = fmt.Sscan(rest, &megabytes)
	return megabytes >> 10
}
