package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"github.com/tandem-sync/tandem/api"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	watchPath  = "/v1/{parent=links/*}/changes:watch"
	watchNamed = tandemv1.ChangeService_WatchChanges_FullMethodName
)

// watchRest answers WatchChanges over HTTP, as Server-Sent Events or as JSON, one answer a line. The gateway's own streams
// would encode each answer for each caller, and know neither events nor deadlines.
type watchRest struct {
	mux     *runtime.ServeMux
	channel *channel
	hub     *hub
}

// serve streams changes until the caller goes, the server stops or the caller is too slow.
func (s watchRest) serve(w http.ResponseWriter, r *http.Request, path map[string]string) {
	request, err := watchRequest(r, path["parent"])
	if err != nil {
		writeError(r.Context(), s.mux, nil, w, r, err)
		return
	}
	ctx, err := runtime.AnnotateContext(r.Context(), s.mux, r, watchNamed, runtime.WithHTTPPathPattern(watchPath))
	if err != nil {
		writeError(r.Context(), s.mux, nil, w, r, err)
		return
	}
	out := &answerWriter{w: w, request: r, control: http.NewResponseController(w), stall: s.hub.limits.stall, events: wantsEvents(r)}
	err = s.channel.Follow(ctx, watchNamed, request, func(answer any) error {
		sent, ok := answer.(*api.Sent)
		if !ok {
			return fmt.Errorf("%T is no answer of WatchChanges", answer)
		}
		return out.send(ctx, sent)
	})
	s.hub.ended(err)
	if !out.begun {
		writeError(r.Context(), s.mux, nil, w, r, err)
		return
	}
	out.end(api.Status(err))
}

// watchRequest reads the request. A browser that connects again asks for the address that it began with, token included, and
// says in Last-Event-ID where it really is, so that counts.
func watchRequest(r *http.Request, parent string) (*tandemv1.WatchChangesRequest, error) {
	request := &tandemv1.WatchChangesRequest{}
	if err := runtime.PopulateQueryParameters(request, r.URL.Query(), utilities.NewDoubleArray([][]string{{"parent"}})); err != nil {
		return nil, err
	}
	request.Parent = parent
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		request.ResumeToken = last
	}
	return request, nil
}

func wantsEvents(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for kind := range strings.SplitSeq(line, ",") {
			kind, _, _ = strings.Cut(kind, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
				return true
			}
		}
	}
	return false
}

// answerWriter writes answers to one caller. What it is given together it writes together.
type answerWriter struct {
	w       http.ResponseWriter
	request *http.Request
	control *http.ResponseController
	stall   time.Duration
	events  bool
	begun   bool   // the header was written
	within  bool   // something was written that was not flushed
	broken  bool   // nothing more can be written
	token   string // of the last answer
}

// encodeAnswer writes JSON as the gateway does for every other message.
var encodeAnswer = func(message proto.Message) ([]byte, error) {
	return protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
}

// send writes an answer, and flushes when no other follows at once.
func (a *answerWriter) send(ctx context.Context, sent *api.Sent) error {
	text, err := sent.JSON(encodeAnswer)
	if err != nil {
		return err
	}
	if !a.begun {
		a.begin()
	}
	if !a.within {
		a.within = true
		_ = a.control.SetWriteDeadline(time.Now().Add(a.stall))
	}
	a.token = sent.Token
	switch {
	case !a.events:
		err = a.write(text, []byte("\n"))
	case sent.Alive:
		// No event, but a browser takes note of the id.
		err = a.write([]byte(": alive\nid: " + sent.Token + "\n\n"))
	default:
		err = a.write([]byte("id: "+sent.Token+"\ndata: "), text, []byte("\n\n"))
	}
	if err == nil && !sent.More {
		a.within = false
		err = a.control.Flush()
	}
	if err == nil {
		return nil
	}
	a.broken = true
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // first: it ends ctx as well
		return api.SlowReader()
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: write to the caller: %w", context.Canceled, err) // who is gone
}

func (a *answerWriter) write(parts ...[]byte) error {
	for _, part := range parts {
		if _, err := a.w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// begin writes the header. The connection is of no use afterwards: its deadlines are the stream's.
func (a *answerWriter) begin() {
	a.begun = true
	_ = a.control.SetReadDeadline(time.Time{}) // the request was read; what ends the stream is the caller's going
	header := a.w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // else nginx gathers answers
	if a.request.ProtoMajor == 1 {
		header.Set("Connection", "close")
	}
	if !a.events {
		header.Set("Content-Type", "application/x-ndjson")
		return
	}
	header.Set("Content-Type", "text/event-stream")
	// When a server stops, its browsers come back one after the other.
	_, _ = fmt.Fprintf(a.w, "retry: %d\n", 1000+rand.IntN(4000))
}

// end says why the stream ended. Whoever reads on learns it after all answers before it, so that the token is good.
func (a *answerWriter) end(why *status.Status) {
	if a.broken || why == nil {
		return
	}
	_ = a.control.SetWriteDeadline(time.Now().Add(a.stall))
	text, err := protojson.Marshal(why.Proto())
	if err != nil {
		return
	}
	if a.events {
		_ = a.write([]byte("id: "+a.token+"\nevent: error\ndata: "), text, []byte("\n\n"))
	} else {
		_ = a.write([]byte(`{"error":`), text, []byte("}\n"))
	}
	_ = a.control.Flush()
}
