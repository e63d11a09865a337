package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/server"
)

// slowStand keeps as many changes in memory as change adds at once.
func slowStand(t *testing.T, limits server.WatchLimits) (s *stand, change func()) {
	limits.Keep, limits.Bytes, limits.Page = slowRows, 1<<30, 4
	s = newWatchStand(t, 1, func(c *server.Config) { server.LimitWatches(c, limits) })
	return s, func() { s.addHistory(slowRows, strings.Repeat("long ", 20_000)) }
}

// So many changes, twice, are longer than all that the kernel holds for a connection, and so are they once.
const slowRows = 100

// A caller that reads more slowly than changes are made is told so, and goes on from there; others get everything meanwhile.
func TestSlowReaderIsCut(t *testing.T) {
	s, change := slowStand(t, server.WatchLimits{Stall: time.Hour, Behind: time.Nanosecond})
	slow := watchHTTP(t.Context(), t, narrow(), s.url+watchItems, true)
	slow.must()
	fast := s.watch(watchItems, true)
	fast.must()
	var names []string
	for range 2 {
		change()
		for range slowRows {
			names = append(names, fast.mustChange().change())
		}
	}
	var got []string
	var end watched
	for end.event == "" {
		if end = slow.mustChange(); end.event == "" {
			got = append(got, end.change())
		}
	}
	if end.event != "error" || end.reason() != "SLOW_READER" || end.id != slow.last || len(got) >= len(names) {
		t.Fatalf("after %d of %d changes: %s %v, token %q", len(got), len(names), end.event, end.data, end.id)
	}
	rest := s.watch(watchItems, true, "Last-Event-ID", end.id)
	for len(got) < len(names) {
		got = append(got, rest.mustChange().change())
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Error(diff)
	}
}

// A caller that does not read at all is cut off, over HTTP by closing its connection.
func TestStalledReaderIsCut(t *testing.T) {
	s, change := slowStand(t, server.WatchLimits{Stall: 300 * time.Millisecond})
	slow := watchHTTP(t.Context(), t, narrow(), s.url+watchItems, false)
	slow.must()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := tandemv1.NewChangeServiceClient(s.conn).WatchChanges(ctx, &tandemv1.WatchChangesRequest{Parent: "links/items"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	fast := s.watch(watchItems, true)
	fast.must()
	var names []string
	for range 2 {
		change()
		for range slowRows {
			names = append(names, fast.mustChange().change())
		}
	}
	// Only now that both were cut off is something read.
	s.eventually(func() string {
		if open := s.scrape()["tandem_watch_streams"]; open != 1 {
			return fmt.Sprintf("%v streams are open", open)
		}
		return ""
	})
	if cut := s.scrape()["tandem_watch_slow_readers_total"]; cut != 2 {
		t.Errorf("%v readers were slow", cut)
	}
	var got []string
	for {
		w, err := slow.next()
		if err != nil {
			break
		}
		got = append(got, w.change())
	}
	rest := s.watch(watchItems, true, "Last-Event-ID", slow.last)
	for len(got) < len(names) {
		got = append(got, rest.mustChange().change())
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("over HTTP:\n%s", diff)
	}
	s.resumeStalled(stream, names)
}

// resumeStalled reads on a stream of gRPC that was cut off, and another that goes on from there.
func (s *stand) resumeStalled(stream tandemv1.ChangeService_WatchChangesClient, names []string) {
	s.Helper()
	var got []string
	token := ""
	for len(got) < len(names) {
		answer, err := stream.Recv()
		if err != nil {
			failed := status.Convert(err)
			info, _ := failed.Details()[0].(*errdetails.ErrorInfo)
			if token == "" || failed.Code() != codes.Unavailable || info.GetReason() != "SLOW_READER" {
				s.Fatalf("after %d of %d changes: %v", len(got), len(names), err)
			}
			stream, err = tandemv1.NewChangeServiceClient(s.conn).WatchChanges(s.Context(), &tandemv1.WatchChangesRequest{Parent: "links/items", ResumeToken: token})
			if err != nil {
				s.Fatal(err)
			}
			token = ""
			continue
		}
		if token = answer.GetResumeToken(); answer.GetChange() != nil {
			got = append(got, answer.GetChange().GetName())
		}
	}
	if diff := cmp.Diff(names, got); diff != "" {
		s.Errorf("over gRPC:\n%s", diff)
	}
}
