package server_test

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// otlp is a collector that keeps what it is sent.
type otlp struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []*tracepb.Span
	services map[string]bool
}

func newOTLP(t *testing.T) *otlp {
	c := &otlp{services: map[string]bool{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			body = unzipped
		}
		data, err := io.ReadAll(body)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(data, &request)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			http.Error(w, fmt.Sprint(r.URL.Path, err), http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.GetResourceSpans() {
			for _, attribute := range resource.GetResource().GetAttributes() {
				if attribute.GetKey() == "service.name" {
					c.services[attribute.GetValue().GetStringValue()] = true
				}
			}
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// find returns the spans that match.
func (c *otlp) find(match func(*tracepb.Span) bool) []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*tracepb.Span
	for _, span := range c.spans {
		if match(span) {
			found = append(found, span)
		}
	}
	return found
}

// TestTraces: a REST call that names its caller's trace belongs to it, and the call to Google that carries out what was asked
// for, made by a cycle for whoever asked, refers to it.
func TestTraces(t *testing.T) {
	c := newOTLP(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	s := newStand(t, `CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT)`, emulator.Tab{Title: "Films"})
	s.exec(`INSERT INTO film VALUES (1, 'secret words')`)
	s.link("film", "Films")
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	s.must("POST", "/v1/links/film/sources/sheet/rows", `{"values": {"id": 2, "title": "secret words"}}`, "Traceparent", "00-"+trace+"-"+parent+"-01")

	var call, write *tracepb.Span
	s.eventually(func() string {
		calls := c.find(func(span *tracepb.Span) bool { return span.GetName() == "/tandem.v1.RowService/CreateRow" })
		if len(calls) == 0 {
			return "the call has no span"
		}
		call = calls[0]
		writes := c.find(func(span *tracepb.Span) bool {
			return span.GetName() == "spreadsheets.batchUpdate" && slices.ContainsFunc(span.GetLinks(), func(l *tracepb.Span_Link) bool {
				return hex.EncodeToString(l.GetTraceId()) == trace && string(l.GetSpanId()) == string(call.GetSpanId())
			})
		})
		if len(writes) == 0 {
			return "no call to Google refers to the call that asked for it"
		}
		write = writes[0]
		return ""
	})
	if hex.EncodeToString(call.GetTraceId()) != trace || hex.EncodeToString(call.GetParentSpanId()) != parent {
		t.Errorf("the call's span is in trace %x below %x", call.GetTraceId(), call.GetParentSpanId())
	}
	if call.GetKind() != tracepb.Span_SPAN_KIND_SERVER || write.GetKind() != tracepb.Span_SPAN_KIND_CLIENT {
		t.Errorf("the kinds are %v and %v", call.GetKind(), write.GetKind())
	}
	if write.GetStartTimeUnixNano() >= write.GetEndTimeUnixNano() {
		t.Error("the call to Google took no time")
	}

	// The next change takes all steps of a cycle, below each other.
	s.exec(`UPDATE film SET title = 'other words' WHERE id = 1`)
	s.eventually(func() string {
		for _, step := range []string{"reconcile", "scan", "sheet write", "database commit", "spreadsheets.batchUpdate"} {
			if len(c.find(func(span *tracepb.Span) bool { return span.GetName() == step && c.top(span) == "cycle" })) == 0 {
				return fmt.Sprintf("no step %q of a cycle", step)
			}
		}
		return ""
	})
	if !c.services["tandem"] {
		t.Errorf("the service is called %v", c.services)
	}
	for _, span := range c.find(func(*tracepb.Span) bool { return true }) {
		if strings.Contains(span.String(), "words") {
			t.Errorf("a span holds a value of a row: %v", span)
		}
	}
}

// top returns the name of the outermost span above one. It holds no lock: find, which calls it, does.
func (c *otlp) top(span *tracepb.Span) string {
	for {
		at := slices.IndexFunc(c.spans, func(other *tracepb.Span) bool { return string(other.GetSpanId()) == string(span.GetParentSpanId()) })
		if at < 0 {
			return span.GetName()
		}
		span = c.spans[at]
	}
}

// TestTracesAway: a collector that is away holds up nothing.
func TestTracesAway(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	s := newStand(t, `CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT)`, emulator.Tab{Title: "Films"})
	s.exec(`INSERT INTO film VALUES (1, 'x')`)
	s.link("film", "Films")
	s.must("POST", "/v1/links/film/sources/sheet/rows", `{"values": {"id": 2, "title": "y"}}`)
}

// TestTracesOff: nothing is sent without being asked for, and not when the SDK is switched off.
func TestTracesOff(t *testing.T) {
	c := newOTLP(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	t.Run("off", func(t *testing.T) {
		t.Setenv("OTEL_SDK_DISABLED", "true")
		s := newStand(t, `CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT)`, emulator.Tab{Title: "Films"})
		s.must("GET", "/v1/links", "")
	})
	// The server has ended, and would have sent its last spans.
	if spans := c.find(func(*tracepb.Span) bool { return true }); len(spans) > 0 {
		t.Errorf("%d spans were sent", len(spans))
	}
	t.Run("on", func(t *testing.T) {
		s := newStand(t, `CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT)`, emulator.Tab{Title: "Films"})
		s.must("GET", "/v1/links", "")
	})
	if spans := c.find(func(*tracepb.Span) bool { return true }); len(spans) == 0 {
		t.Error("a server that ends does not send its last spans")
	}
}
