package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// tracesEnd is how long a process that stops waits for the collector to take the last spans.
const tracesEnd = time.Second

// maxCauses is how many steps one step may name as its causes; a batch may carry out the writes of a thousand callers.
const maxCauses = 100

// traces sends to an OpenTelemetry collector what was done, step by step: calls of the API, cycles, calls to Google. It is nil
// while nobody asked for it. No value and no key of a row is ever sent.
//
// Nothing global is set, so that libraries which would follow the same calls by themselves stay quiet.
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// w3c reads and writes traceparent and tracestate.
var w3c = propagation.TraceContext{}

// openTraces returns nil when neither endpoint nor the standard variables say where spans go. Everything else (sampling,
// headers, certificates, batches, the service's name) is said by the standard variables.
func openTraces(ctx context.Context, endpoint, instance string, log *slog.Logger) (*traces, error) {
	standard := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") + os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if endpoint+standard == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := os.Getenv(name); protocol != "" && protocol != "http/protobuf" {
			return nil, fmt.Errorf("%s is %q: traces are sent by http/protobuf only, for which collectors listen on port 4318", name, protocol)
		}
	}
	var options []otlptracehttp.Option
	if endpoint != "" {
		to, err := url.JoinPath(endpoint, "v1", "traces")
		if err != nil {
			return nil, fmt.Errorf("otlp-endpoint: %w", err)
		}
		options = append(options, otlptracehttp.WithEndpointURL(to))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare to send traces: %w", err)
	}
	from, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(attribute.String("service.name", "tandem"),
		attribute.String("service.instance.id", instance)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(&quietExporter{SpanExporter: exporter, log: log}), sdktrace.WithResource(from))
	return &traces{provider: provider, tracer: provider.Tracer("github.com/tandem-sync/tandem")}, nil
}

// quietExporter logs a collector that does not answer, once until it does again: work goes on without it.
type quietExporter struct {
	sdktrace.SpanExporter
	log  *slog.Logger
	away bool // batches are sent one after the other
}

// ExportSpans sends a batch.
func (e *quietExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil && !e.away {
		e.log.Warn("traces not sent", "error", err)
	}
	e.away = err != nil
	return nil
}

func (t *traces) close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tracesEnd)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the exporter has said what is wrong
}

// under has the work under ctx followed.
func (t *traces) under(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	return tandem.WithTracer(ctx, t)
}

// Begin begins a step of the engine.
func (t *traces) Begin(ctx context.Context, name string, causes []string) (context.Context, func(error)) {
	options := []trace.SpanStartOption{trace.WithLinks(links(causes)...)}
	if link, _ := tandem.WorkOf(ctx); link != "" {
		options = append(options, trace.WithAttributes(attribute.String("tandem.link", link)))
	}
	ctx, span := t.tracer.Start(ctx, name, options...)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(otelcodes.Error, "")
		}
		span.End()
	}
}

// Here names the current step.
func (t *traces) Here(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier.Get("traceparent")
}

// links reads what Here returned.
func links(causes []string) []trace.Link {
	var all []trace.Link
	for _, cause := range causes[:min(len(causes), maxCauses)] {
		at := trace.SpanContextFromContext(w3c.Extract(context.Background(), propagation.MapCarrier{"traceparent": cause}))
		if at.IsValid() {
			all = append(all, trace.Link{SpanContext: at})
		}
	}
	return all
}

// call begins a call of the API, within the trace of its caller if it names one.
func (t *traces) call(ctx context.Context, method string) (context.Context, func(codes.Code)) {
	if t == nil {
		return ctx, func(codes.Code) {}
	}
	headers, _ := metadata.FromIncomingContext(ctx)
	ctx = w3c.Extract(t.under(ctx), metadataCarrier(headers))
	ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("rpc.system", "grpc")))
	return ctx, func(code codes.Code) {
		span.SetAttributes(attribute.String("tandem.code", code.String()), attribute.Int("rpc.grpc.status_code", int(code)))
		if code == codes.Internal || code == codes.Unknown || code == codes.DataLoss || code == codes.Unavailable {
			span.SetStatus(otelcodes.Error, "")
		}
		span.End()
	}
}

// googleCall records a call to Google that has just ended, as a part of the step that made it. Calls that belong to none, such
// as the looks at Drive's list every other second, are counted and not followed.
func (t *traces) googleCall(ctx context.Context, call sheets.Call) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return
	}
	end := time.Now()
	_, span := t.tracer.Start(ctx, call.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(end.Add(-call.Duration)),
		trace.WithLinks(links(tandem.CausesOf(ctx))...),
		trace.WithAttributes(attribute.Bool("tandem.write", call.Write), attribute.Int("http.response.status_code", call.Status)))
	if call.Status == 0 || call.Status >= 400 {
		span.SetStatus(otelcodes.Error, "")
	}
	span.End(trace.WithTimestamp(end))
}

// metadataCarrier reads headers of gRPC, as which those of REST arrive too.
type metadataCarrier metadata.MD

// Get returns a header, Set sets one, Keys names them.
func (c metadataCarrier) Get(key string) string {
	if values := metadata.MD(c).Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Set sets a header.
func (c metadataCarrier) Set(key, value string) { metadata.MD(c).Set(key, value) }

// Keys names the headers.
func (c metadataCarrier) Keys() []string {
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	return names
}
