package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// What is larger than the server takes is refused, with and without a token, over gRPC and over REST.
func TestLargeRequests(t *testing.T) {
	g := newGuarded(t, func(config *server.Config) { config.MaxRequestBytes = 64 << 10 }, filmTable, emulator.Tab{Title: "Film"})
	g.makeLink("film", "film", "Film")
	body := func(n int) string { return `{"values": {"id": "9", "note": "` + strings.Repeat("x", n) + `"}}` }
	const path = "/v1/links/film/sources/database/rows"
	g.must("POST", path, body(60<<10), as(g.admin)...)
	if got := g.call("POST", path, body(70<<10), as(g.admin)...); got.status != http.StatusRequestEntityTooLarge ||
		!strings.Contains(got.text, "too large") || !strings.Contains(got.text, "65536 bytes") || !strings.Contains(got.text, "REQUEST_TOO_LARGE") || got.header.Get("Retry-After") != "" {
		t.Errorf("status %d: %s", got.status, got.text)
	}
	g.refused(401, "", "POST", path, body(70<<10))
	request := &tandemv1.UpdateLinkRequest{Link: &tandemv1.Link{Name: "links/film", DisplayName: strings.Repeat("x", 70<<10)}}
	if _, err := tandemv1.NewLinkServiceClient(g.conn).UpdateLink(g.with(g.admin), request); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("over gRPC: %v", err)
	}
	if got := g.call("GET", "/v1/links", "", append(as(g.admin), "X-Long", strings.Repeat("x", 200<<10))...); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("long headers: status %d", got.status)
	}
}

// paced serves handler to raw connections, with little time for slow ones.
func paced(t *testing.T, body, answer time.Duration, handler http.HandlerFunc) func(request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	s := httptest.NewServer(server.Unhurried(handler, body, answer))
	t.Cleanup(s.Close)
	return func(request string) (net.Conn, *bufio.Reader) {
		t.Helper()
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		return conn, bufio.NewReader(conn)
	}
}

// Somebody who begins to send and does not go on loses the connection, whether what answers reads the body or not.
func TestSlowSenders(t *testing.T) {
	for name, reads := range map[string]bool{"read": true, "not read": false} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			dial := paced(t, 100*time.Millisecond, time.Hour, func(_ http.ResponseWriter, r *http.Request) {
				if reads {
					_, err := io.ReadAll(r.Body)
					failed <- err
				}
			})
			_, answer := dial("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc")
			_, _ = io.Copy(io.Discard, answer) // until the server hangs up
			if reads && <-failed == nil {
				t.Error("the body was read to its end")
			}
		})
	}
}

// Somebody who asks for much and does not take it loses the connection.
func TestSlowReaders(t *testing.T) {
	failed := make(chan error, 1)
	dial := paced(t, time.Hour, 100*time.Millisecond, func(w http.ResponseWriter, _ *http.Request) {
		piece := make([]byte, 1<<20)
		for range 1000 {
			if _, err := w.Write(piece); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	})
	dial("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if err := <-failed; err == nil {
		t.Error("a gigabyte was sent to somebody who does not read")
	}
}

// Calls that take long, streams, and connections that are used again are left in peace.
func TestPatientConnections(t *testing.T) {
	const short = 50 * time.Millisecond
	dial := paced(t, short, short, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		for i := range 5 {
			select {
			case <-time.After(2 * short):
			case <-r.Context().Done():
				return
			}
			if strings.HasSuffix(r.URL.Path, ":watch") {
				_, _ = fmt.Fprintf(w, "event %d\n", i)
				_ = http.NewResponseController(w).Flush()
			}
		}
		_, _ = fmt.Fprint(w, "done\n")
	})
	conn, answers := dial("")
	for _, request := range []string{"POST /v1/operations/x:wait HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", "GET /v1/links/x/changes:watch HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /again HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"} {
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		text, err := io.ReadAll(response.Body)
		if err != nil || !strings.HasSuffix(string(text), "done\n") {
			t.Errorf("%s: %q, %v", request, text, err)
		}
	}
}
