package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// A process that looked a token up takes it for good for 3 s, and not a moment longer.
func TestRevocationReachesOtherProcesses(t *testing.T) {
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "t.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	now := time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)
	known := server.NewKnownTokens(st, func() time.Time { return now })
	made, _, err := st.CreateToken(t.Context(), tandem.Token{Name: "n", Role: tandem.RoleViewer})
	if err != nil {
		t.Fatal(err)
	}
	find := func(want error) {
		t.Helper()
		if _, err := known.Find(t.Context(), made.ID); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	find(nil)
	if err := st.DeleteToken(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	now = now.Add(server.KnownFor - time.Nanosecond)
	find(nil) // it was not asked again
	now = now.Add(time.Nanosecond)
	find(tandem.ErrNotFound)
	if known.Len() != 0 || server.KnownFor > 4*time.Second {
		t.Errorf("%d tokens are remembered, for %s", known.Len(), server.KnownFor)
	}
}

// Made-up tokens are not remembered.
func TestUnknownTokensLeaveNothing(t *testing.T) {
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "t.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	known := server.NewKnownTokens(st, time.Now)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			if _, err := known.Find(t.Context(), fmt.Sprintf("id%d", i)); !errors.Is(err, tandem.ErrNotFound) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if known.Len() != 0 {
		t.Errorf("%d are remembered", known.Len())
	}
}

// Whoever revokes a token by this server's API is sure that this server refuses it from then on, and that its streams end.
func TestRevokedByAPI(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable, emulator.Tab{Title: "Film"})
	g.makeLink("film", "film", "Film")
	made := g.must("POST", "/v1/tokens", `{"displayName": "phone", "role": "VIEWER", "links": ["links/film"]}`, as(g.admin)...)
	secret := fmt.Sprint(made["secret"])
	name := fmt.Sprint(made["token"].(map[string]any)["name"])
	g.must("GET", "/v1/links/film", "", as(secret)...)
	watch := g.watch(secret)

	if listed := g.call("GET", "/v1/tokens", "", as(g.admin)...); strings.Contains(listed.text, secret) || !strings.Contains(listed.text, name) {
		t.Errorf("tokens: %s", listed.text)
	}
	g.must("DELETE", "/v1/"+name, "", as(g.admin)...)
	g.refused(401, "", "GET", "/v1/links/film", "", as(secret)...)
	if _, err := tandemv1.NewLinkServiceClient(g.conn).GetLink(g.with(secret), &tandemv1.GetLinkRequest{Name: "links/film"}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("over gRPC: %v", err)
	}
	if err := <-watch; status.Code(err) != codes.Unauthenticated {
		t.Errorf("the stream ended with %v", err)
	}
	g.refused(404, "", "DELETE", "/v1/"+name, "", as(g.admin)...)
}

// watch opens a stream and tells how it ended, once it is open.
func (g *guarded) watch(secret string) <-chan error {
	g.Helper()
	stream, err := tandemv1.NewChangeServiceClient(g.conn).WatchChanges(g.with(secret), &tandemv1.WatchChangesRequest{Parent: "links/film"})
	if err != nil {
		g.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil { // where it begins
		g.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := stream.Recv(); err != nil {
				ended <- err
				return
			}
		}
	}()
	return ended
}

// Streams end when another process revokes their token, and when it expires. So do calls that wait, and no others.
func TestStreamsEndWithTheirToken(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable, emulator.Tab{Title: "Film"})
	g.makeLink("film", "film", "Film")
	secret, id := g.token("revoked", tandem.RoleViewer, 0)
	short, _ := g.token("expires", tandem.RoleViewer, 2*time.Second)
	stays, _ := g.token("stays", tandem.RoleViewer, 0)
	revoked, expired, open := g.watch(secret), g.watch(short), g.watch(stays)
	if err := g.store.DeleteToken(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for name, ended := range map[string]<-chan error{"revoked": revoked, "expired": expired} {
		if err := <-ended; status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: the stream ended with %v", name, err)
		}
	}
	select {
	case err := <-open:
		t.Errorf("another stream ended with %v", err)
	default:
	}
}

func TestBucket(t *testing.T) {
	now := time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)
	var b server.Bucket
	take := func(n int) (got int) {
		for range n {
			if b.Take(now, 10) == 0 {
				got++
			}
		}
		return got
	}
	if got := take(50); got != 20 {
		t.Errorf("%d calls at once, want 20", got)
	}
	if wait := b.Take(now, 10); wait < 99*time.Millisecond || wait > 101*time.Millisecond {
		t.Errorf("the next one in %s, want 100ms", wait)
	}
	now = now.Add(500 * time.Millisecond)
	if got := take(50); got != 5 {
		t.Errorf("%d calls after half a second, want 5", got)
	}
	now = now.Add(time.Hour)
	if got := take(50); got != 20 {
		t.Errorf("%d calls after an hour, want 20", got)
	}
	now = now.Add(-time.Hour) // the clock was set back
	if got := take(50); got != 0 {
		t.Errorf("%d calls after the clock was set back, want 0", got)
	}
}

// A token that calls too often is told when to come back; others are not held up.
func TestRateOfToken(t *testing.T) {
	g := newGuarded(t, func(config *server.Config) { config.RequestsPerSecond = 2 }, filmTable)
	greedy, _ := g.token("greedy", tandem.RoleViewer, 0)
	var refused reply
	for range 200 {
		if refused = g.call("GET", "/v1/tables", "", as(greedy)...); refused.status != http.StatusOK {
			break
		}
	}
	if refused.status != http.StatusTooManyRequests || refused.header.Get("Retry-After") != "1" || !strings.Contains(refused.text, "google.rpc.RetryInfo") ||
		!strings.Contains(refused.text, "TOO_MANY_REQUESTS") {
		t.Errorf("status %d, Retry-After %q: %s", refused.status, refused.header.Get("Retry-After"), refused.text)
	}
	var err error
	for range 200 {
		if _, err = tandemv1.NewCatalogServiceClient(g.conn).ListTables(g.with(greedy), &tandemv1.ListTablesRequest{}); err != nil {
			break
		}
	}
	wait := time.Duration(0)
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			wait = retry.GetRetryDelay().AsDuration()
		}
	}
	if status.Code(err) != codes.ResourceExhausted || wait <= 0 || wait > time.Second {
		t.Errorf("over gRPC: %v, retry in %s", err, wait)
	}
	other, _ := g.token("other", tandem.RoleViewer, 0)
	g.must("GET", "/v1/tables", "", as(other)...)
}

// A token has so many streams at a time, and all together so many.
func TestNumberOfStreams(t *testing.T) {
	g := newGuarded(t, func(config *server.Config) { config.MaxStreamsPerToken, config.MaxStreams = 2, 3 }, filmTable)
	a, _ := g.token("a", tandem.RoleViewer, 0)
	b, _ := g.token("b", tandem.RoleViewer, 0)
	open := func(secret string) (close func(), err error) {
		ctx, cancel := context.WithCancel(g.with(secret))
		stream, err := reflectionpb.NewServerReflectionClient(g.conn).ServerReflectionInfo(ctx)
		if err == nil {
			err = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
		}
		if err == nil {
			_, err = stream.Recv()
		}
		return cancel, err
	}
	closeFirst, err := open(a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(a); err != nil {
		t.Fatal(err)
	}
	if _, err := open(a); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "--max-streams-per-token") {
		t.Errorf("a third one of a token: %v", err)
	}
	if _, err := open(b); err != nil {
		t.Errorf("another token: %v", err)
	}
	if _, err := open(b); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "--max-streams)") {
		t.Errorf("a fourth one of all: %v", err)
	}
	closeFirst()
	g.eventually(func() string {
		if _, err := open(b); err != nil {
			return err.Error()
		}
		return ""
	})
}

// Health needs no token, and cannot take the places of those who have one.
func TestHealthWithoutToken(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable)
	health := grpc_health_v1.NewHealthClient(g.conn)
	var err error
	n := 0
	for ; n < 200 && err == nil; n++ {
		var stream grpc_health_v1.Health_WatchClient
		if stream, err = health.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err == nil {
			_, err = stream.Recv()
		}
	}
	if status.Code(err) != codes.ResourceExhausted || n != 101 {
		t.Errorf("stream %d: %v", n, err)
	}
	if got, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil || got.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", got, err)
	}
}

// Pages that show nobody's data are open, /metrics is not unless it is meant to be.
func TestPagesAndTokens(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable)
	viewer, _ := g.token("prometheus", tandem.RoleViewer, 0)
	for path, want := range map[string][2]int{"/healthz": {200, 200}, "/readyz": {200, 200}, "/openapi.yaml": {200, 200}, "/docs": {200, 200},
		"/metrics": {401, 200}, "/v1/nothing": {401, 404}, "/nothing": {401, 404}, "/metrics/": {401, 404}, "/%6detrics": {401, 404}} {
		if got := g.call("GET", path, ""); got.status != want[0] {
			t.Errorf("GET %s without a token: status %d, want %d: %s", path, got.status, want[0], got.text)
		}
		if got := g.call("GET", path, "", as(viewer)...); got.status != want[1] {
			t.Errorf("GET %s with a token: status %d, want %d: %s", path, got.status, want[1], got.text)
		}
	}
	open := newGuarded(t, func(config *server.Config) { config.MetricsAuth = server.AuthNone }, filmTable)
	if got := open.call("GET", "/metrics", ""); got.status != http.StatusOK {
		t.Errorf("GET /metrics with --metrics-auth none: status %d", got.status)
	}
	open.refused(401, "", "GET", "/v1/links", "")
}

// When a token was used last is noted by and by, and at the end of the process at the latest.
func TestLastUse(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "t.db")
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	used, secret, err := st.CreateToken(t.Context(), tandem.Token{Name: "used", Role: tandem.RoleViewer})
	if err != nil {
		t.Fatal(err)
	}
	idle, _, err := st.CreateToken(t.Context(), tandem.Token{Name: "idle", Role: tandem.RoleViewer})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: url, SheetsEndpoint: "http://127.0.0.1:1/",
		Auth: server.AuthToken, PollInterval: time.Second}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.HTTPAddr()+"/v1/links", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "bearer  "+secret) // as RFC 9110 has it: the scheme in any case, and spaces
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	stop()
	if err := <-done; err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", response.StatusCode, err)
	}
	for id, want := range map[string]bool{used.ID: true, idle.ID: false} {
		token, _, err := st.KnownToken(t.Context(), id)
		if err != nil || token.LastUsed.IsZero() == want {
			t.Errorf("%s was used at %v, %v", token.Name, token.LastUsed, err)
		}
	}
}

// Over REST a stream ends with its token as well, and says why.
func TestEventsEndWithTheirToken(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable, emulator.Tab{Title: "Film"})
	g.makeLink("film", "film", "Film")
	for _, accept := range []string{"text/event-stream", "application/json"} {
		secret, id := g.token("phone", tandem.RoleViewer, 0, "film")
		request, err := http.NewRequestWithContext(t.Context(), "GET", g.url+"/v1/links/film/changes:watch", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+secret)
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.store.DeleteToken(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), "TOKEN_NOT_VALID") {
			t.Errorf("%s: status %d, %v: %s", accept, response.StatusCode, err, text)
		}
	}
}
