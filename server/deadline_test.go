package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A Google that never answers holds up nobody for longer than they want to wait: when the caller gives up, so does the call
// to Google.
func TestCallsEndWithTheirCallers(t *testing.T) {
	var held atomic.Int64
	s := newStandWith(t, func(config *server.Config) {
		to, err := url.Parse(config.SheetsEndpoint)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(to)
		proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
		between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			held.Add(1)
			defer held.Add(-1)
			proxy.ServeHTTP(w, r)
		}))
		t.Cleanup(between.Close)
		config.SheetsEndpoint, config.PollInterval = between.URL, time.Hour
	}, thingsSchema, emulator.Tab{Title: "Things"})
	s.link("things", "Things")
	if err := s.google.AddFault(emulator.Fault{Method: "*", Kind: "hang", Count: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.google.ClearFaults)
	nobodyWaits := func(what string) {
		s.Helper()
		s.eventually(func() string {
			if n := held.Load(); n > 0 {
				return fmt.Sprintf("%s: %d calls to Google are still under way", what, n)
			}
			return ""
		})
	}
	parent := "links/things/sources/sheet"
	ctx, cancel := context.WithTimeout(s.Context(), 300*time.Millisecond)
	defer cancel()
	request := &tandemv1.ListRowsRequest{Parent: parent, MaxStaleness: &durationpb.Duration{}}
	if _, err := tandemv1.NewRowServiceClient(s.conn).ListRows(ctx, request); status.Code(err) != codes.DeadlineExceeded {
		s.Errorf("over gRPC: %v", err)
	}
	nobodyWaits("a deadline over gRPC")

	ctx, cancel = context.WithCancel(s.Context())
	defer cancel()
	begun := make(chan struct{})
	go func() {
		defer cancel()
		for held.Load() == 0 {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-s.Context().Done():
				return
			}
		}
		close(begun)
	}()
	asked, err := http.NewRequestWithContext(ctx, "GET", s.url+"/v1/"+parent+"/rows?max_staleness=0s", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(asked); err == nil {
		_ = response.Body.Close()
		s.Errorf("over HTTP: status %d", response.StatusCode)
	}
	<-begun
	nobodyWaits("a caller over HTTP that went away")

	answer := s.call("GET", "/v1/"+parent+"/rows?max_staleness=0s", "", "Grpc-Timeout", "300m")
	if answer.status != http.StatusServiceUnavailable && answer.status != http.StatusGatewayTimeout {
		s.Errorf("a deadline over HTTP: %d %s", answer.status, answer.text)
	}
	nobodyWaits("a deadline over HTTP")
}

// A call without a deadline gets the server's, but for the one that is made to wait.
func TestLongestCall(t *testing.T) {
	ctx, done := server.Limit(t.Context(), tandemv1.RowService_ListRows_FullMethodName)
	defer done()
	if deadline, limited := ctx.Deadline(); !limited || time.Until(deadline) > time.Minute {
		t.Errorf("a call may last until %v", deadline)
	}
	ctx, done = server.Limit(t.Context(), longrunningpb.Operations_WaitOperation_FullMethodName)
	defer done()
	if deadline, limited := ctx.Deadline(); limited {
		t.Errorf("waiting ends at %v", deadline)
	}
}

func TestOutOfTime(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	strange := errors.New("sql: transaction has already been committed or rolled back")
	known := tandem.Errorf(tandem.CodeUnavailable, "WRITE_PENDING", "later")
	for _, c := range []struct {
		ctx       context.Context
		err, want error
	}{
		{context.Background(), strange, strange}, {ended, nil, nil}, {ended, strange, context.Canceled}, {ended, known, known},
		{ended, status.Error(codes.Aborted, "moved"), status.Error(codes.Aborted, "moved")},
	} {
		if got := server.OutOfTime(c.ctx, c.err); got != c.want && (got == nil || c.want == nil || got.Error() != c.want.Error()) {
			t.Errorf("%v: got %v, want %v", c.err, got, c.want)
		}
	}
}
