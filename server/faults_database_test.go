package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// crashStand is a tandem process on a MariaDB of its own, which is killed and started again under its calls.
type crashStand struct {
	*world
	maria  *mariadbtest.Private
	conn   *grpc.ClientConn
	health grpc_health_v1.HealthClient
}

func newCrashStand(t *testing.T) *crashStand {
	t.Helper()
	s := &crashStand{world: newWorld(t), maria: mariadbtest.StartPrivate(t)}
	s.dbURL = s.maria.CreateDatabase(t)
	db, err := sql.Open("mysql", s.maria.DSN(s.dbURL[strings.LastIndex(s.dbURL, "/")+1:]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s.db = db
	fill(s.world, 0.002)
	s.start()
	createItemsLink(s.world)
	s.sync("items", nil)
	if s.conn, err = grpc.NewClient(s.grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close() })
	s.health = grpc_health_v1.NewHealthClient(s.conn)
	return s
}

// ask makes a call with a deadline of two seconds, and fails when it takes ten times as long.
func (s *crashStand) ask(method, path string, body any, headers ...string) (reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	data, err := json.Marshal(body)
	if err != nil {
		return reply{}, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.httpAddr+path, bytes.NewReader(data))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Grpc-Timeout", "2S")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, fmt.Errorf("%s %s is not answered: %w", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	answer := reply{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &answer.body)
	return answer, err
}

// healthIs waits until both kinds of health say whether the server can answer.
func (s *crashStand) healthIs(serving bool) {
	s.t.Helper()
	want, code := grpc_health_v1.HealthCheckResponse_SERVING, http.StatusOK
	if !serving {
		want, code = grpc_health_v1.HealthCheckResponse_NOT_SERVING, http.StatusServiceUnavailable
	}
	s.eventually(30*time.Second, func() string {
		for _, service := range []string{"", tandemv1.RowService_ServiceDesc.ServiceName} {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			got, err := s.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
			cancel()
			if err != nil || got.GetStatus() != want {
				return fmt.Sprintf("gRPC health of %q is %v, %v, want %v", service, got.GetStatus(), err, want)
			}
		}
		if answer, err := s.ask("GET", "/readyz", nil); err != nil || answer.status != code {
			return fmt.Sprintf("/readyz: %d, %v, want %d", answer.status, err, code)
		}
		return ""
	})
}

// TestDatabaseGoesAway kills MariaDB under calls, and starts it again: every call says within its deadline that the database
// is away and when to try again, both kinds of health say so too, and when it is back everything goes on by itself, with all
// that was acknowledged.
func TestDatabaseGoesAway(t *testing.T) {
	s := newCrashStand(t)
	writers := s.write()
	for round := range 2 {
		writers.wait(s, 20)
		s.maria.Kill()
		s.healthIs(false)
		s.refusedWithout()
		if live, err := s.ask("GET", "/healthz", nil); err != nil || live.status != http.StatusOK {
			t.Errorf("round %d: /healthz: %d, %v; the process itself is well", round, live.status, err)
		}
		if err := s.maria.Restart(); err != nil {
			t.Fatal(err)
		}
		s.healthIs(true)
		for _, path := range []string{"/v1/links/items", "/v1/links/items/sources/database/rows", "/v1/links/items/sources/sheet/rows?max_staleness=0s"} {
			s.eventually(30*time.Second, func() string {
				if answer, err := s.ask("GET", path, nil); err != nil || answer.status != http.StatusOK {
					return fmt.Sprintf("%s: %d %v %s", path, answer.status, err, answer.text)
				}
				return ""
			})
		}
	}
	writers.wait(s, 20)
	acknowledged := writers.stop()
	there := s.rows("items", "database")
	for _, id := range acknowledged {
		if there[id] == nil {
			t.Errorf("row %s was acknowledged and is lost", id)
		}
	}
	t.Logf("%d writes were acknowledged, %d calls failed", len(acknowledged), writers.failed)
	s.eventually(60*time.Second, func() string { return difference(s.rows("items", "database"), s.rows("items", "sheet")) })
}

// refusedWithout makes one call of each kind while the database is away.
func (s *crashStand) refusedWithout() {
	s.t.Helper()
	values := map[string]any{"values": map[string]any{"id": "777", "sku": "x"}}
	mutations := map[string]any{"mutations": []any{map[string]any{"mutationId": "m", "type": "CREATE", "row": values}}}
	database, sheet := "/v1/links/items/sources/database/rows", "/v1/links/items/sources/sheet/rows"
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", database, nil}, {"GET", database + "/1", nil}, {"POST", database, values}, {"PATCH", database + "/1", values}, {"DELETE", database + "/1", nil},
		{"POST", database + ":mutate", mutations}, {"POST", sheet + ":mutate", mutations}, {"GET", sheet, nil}, {"POST", sheet, values},
		{"GET", "/v1/links", nil}, {"GET", "/v1/links/items", nil}, {"POST", "/v1/links/items:pause", map[string]any{}}, {"POST", "/v1/links/items:initialSync", map[string]any{}},
		{"GET", "/v1/links/items/changes", nil}, {"GET", "/v1/links/items/conflicts", nil}, {"GET", "/v1/links/items/rowErrors", nil}, {"GET", "/v1/tables", nil},
		{"GET", "/v1/operations", nil}, {"GET", "/v1/operations/none", nil}, {"POST", "/v1/operations/none:wait", map[string]any{"timeout": "60s"}},
		{"POST", "/v1/links?link_id=other", map[string]any{"table": "items", "spreadsheetId": spreadsheet, "tab": "Data"}},
	} {
		answer, err := s.ask(c.method, c.path, c.body)
		if err != nil {
			s.t.Error(err)
			continue
		}
		if answer.status != http.StatusServiceUnavailable || answer.detail("ErrorInfo", "reason") != "DATABASE_UNREACHABLE" ||
			answer.detail("RetryInfo", "retryDelay") == "" || answer.header.Get("Retry-After") == "" {
			s.t.Errorf("%s %s without a database: %d, Retry-After %q: %s", c.method, c.path, answer.status, answer.header.Get("Retry-After"), answer.text)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := tandemv1.NewRowServiceClient(s.conn).GetRow(ctx, &tandemv1.GetRowRequest{Name: "links/items/sources/database/rows/1"}); status.Code(err) != codes.Unavailable {
		s.t.Errorf("GetRow over gRPC without a database: %v", err)
	}
}

// writers write to the database all the while, and repeat what was not acknowledged under the same id.
type writers struct {
	cancel context.CancelFunc
	group  sync.WaitGroup
	mu     sync.Mutex
	done   []string
	failed int
}

func (s *crashStand) write() *writers {
	ctx, cancel := context.WithCancel(context.Background())
	w := &writers{cancel: cancel}
	s.t.Cleanup(func() { w.stop() })
	for writer := range 3 {
		w.group.Go(func() {
			for n := 0; ctx.Err() == nil; {
				id := fmt.Sprintf("%d", 100000*(writer+1)+n)
				answer, err := s.ask("POST", "/v1/links/items/sources/database/rows", map[string]any{"values": map[string]any{"id": id, "sku": "w"}}, "Idempotency-Key", "write-"+id)
				w.mu.Lock()
				switch {
				case err == nil && answer.status == http.StatusOK:
					w.done = append(w.done, id)
					n++
				case err != nil || answer.status != http.StatusServiceUnavailable && answer.status != http.StatusGatewayTimeout || answer.detail("RetryInfo", "retryDelay") == "" && answer.status == http.StatusServiceUnavailable:
					s.t.Errorf("a write while the database goes away: %d %v %s", answer.status, err, answer.text)
					n++
				default:
					w.failed++
				}
				w.mu.Unlock()
				if answer.status != http.StatusOK {
					select { // as a caller does, though not as long
					case <-time.After(50 * time.Millisecond):
					case <-ctx.Done():
					}
				}
			}
		})
	}
	return w
}

// wait returns when some more writes were acknowledged.
func (w *writers) wait(s *crashStand, more int) {
	s.t.Helper()
	count := func() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.done) }
	target := count() + more
	s.eventually(60*time.Second, func() string {
		if n := count(); n < target {
			return fmt.Sprintf("%d of %d writes were acknowledged", n, target)
		}
		return ""
	})
}

func (w *writers) stop() []string {
	w.cancel()
	w.group.Wait()
	return w.done
}
