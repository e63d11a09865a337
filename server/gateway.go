package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/tandem-sync/tandem/api"
	longrunninggw "github.com/tandem-sync/tandem/gen/google/longrunning"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// newGateway returns the REST API over a channel to the services. It goes through the same interceptors as gRPC callers.
// MaxRequest is how large a request may be, in bytes; hub is what streams of changes come from.
func newGateway(ctx context.Context, channel *channel, maxRequest int, hub *hub) (http.Handler, error) {
	marshaler := rowMarshaler{&runtime.JSONPb{
		MarshalOptions:   protojson.MarshalOptions{EmitDefaultValues: true},
		UnmarshalOptions: protojson.UnmarshalOptions{},
	}}
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, marshaler),
		runtime.WithWriteContentLength(),
		runtime.WithIncomingHeaderMatcher(incomingHeader),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithForwardResponseOption(setEtag),
		runtime.WithErrorHandler(writeError),
		runtime.WithRoutingErrorHandler(writeRoutingError),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithMiddlewares(newParameters().check),
	)
	for _, err := range []error{
		tandemv1.RegisterLinkServiceHandlerClient(ctx, mux, tandemv1.NewLinkServiceClient(channel)),
		tandemv1.RegisterConflictServiceHandlerClient(ctx, mux, tandemv1.NewConflictServiceClient(channel)),
		tandemv1.RegisterChangeServiceHandlerClient(ctx, mux, tandemv1.NewChangeServiceClient(channel)),
		tandemv1.RegisterCatalogServiceHandlerClient(ctx, mux, tandemv1.NewCatalogServiceClient(channel)),
		tandemv1.RegisterStatusServiceHandlerClient(ctx, mux, tandemv1.NewStatusServiceClient(channel)),
		tandemv1.RegisterTokenServiceHandlerClient(ctx, mux, tandemv1.NewTokenServiceClient(channel)),
		longrunninggw.RegisterOperationsHandlerClient(ctx, mux, longrunningpb.NewOperationsClient(channel)),
		// Last, so that its paths are looked at first.
		tandemv1.RegisterRowServiceHandlerClient(ctx, mux, tandemv1.NewRowServiceClient(channel)),
		mux.HandlePath(http.MethodGet, watchPath, watchRest{mux, channel, hub}.serve),
	} {
		if err != nil {
			return nil, fmt.Errorf("register REST handlers: %w", err)
		}
	}
	plain := plainRows{channel, marshaler, maxRequest}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if plain.serve(w, r) {
			return
		}
		// Row names are percent-encoded keys, so the path goes on as it was sent and api unescapes it, once.
		request, address := *r, *r.URL
		address.Path, address.RawPath = r.URL.EscapedPath(), ""
		r = &request
		r.URL = &address
		r.Body = &valuesBody{ReadCloser: http.MaxBytesReader(w, r.Body, int64(maxRequest))}
		if r.Method == http.MethodHead {
			r.Method = http.MethodGet // whose body net/http leaves out
		}
		if !unmeant(w, r) {
			mux.ServeHTTP(conditionally(w, r), r)
		}
	}), nil
}

// incomingHeader lets through what the services read.
func incomingHeader(name string) (string, bool) {
	switch http.CanonicalHeaderKey(name) {
	case "If-Match", "Idempotency-Key", "Traceparent", "Tracestate":
		return strings.ToLower(name), true
	}
	return "", false
}

// setEtag shows the etag of a row or link as the header, too.
func setEtag(_ context.Context, w http.ResponseWriter, message proto.Message) error {
	if tagged, ok := message.(interface{ GetEtag() string }); ok && tagged.GetEtag() != "" {
		w.Header().Set("ETag", strconv.Quote(tagged.GetEtag()))
	}
	return nil
}

// writeError answers with the failure as google.rpc.Status.
func writeError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	if tooLarge := largerThanTaken(r); tooLarge != nil {
		writeStatus(w, http.StatusRequestEntityTooLarge, tooLarge)
		return
	}
	failed := explained(api.Status(err))
	code := runtime.HTTPStatusFromCode(failed.Code())
	if failed.Code() == codes.Aborted && reason(failed) == api.ReasonEtagMismatch {
		code = http.StatusPreconditionFailed
	}
	if failed.Code() == codes.Unauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeStatus(w, code, failed)
}

func writeStatus(w http.ResponseWriter, code int, failed *status.Status) {
	for _, detail := range failed.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.GetRetryDelay().AsDuration().Seconds()))))
		}
	}
	body, err := protojson.Marshal(failed.Proto())
	if err != nil {
		body = []byte(`{"code":13,"message":"the error could not be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n'))
}

var (
	unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)
	decoderWords = regexp.MustCompile(`^proto:[\s\x{a0}]*`)
)

// explained adds to the error of a body that could not be read which field it is about.
func explained(s *status.Status) *status.Status {
	if s.Code() != codes.InvalidArgument || len(s.Proto().GetDetails()) > 0 {
		return s
	}
	text := decoderWords.ReplaceAllString(s.Message(), "")
	violation := &errdetails.BadRequest_FieldViolation{Field: "body", Description: text}
	if found := unknownField.FindStringSubmatch(text); found != nil {
		violation.Field, violation.Description = found[1], "there is no such field"
	}
	with, err := status.New(codes.InvalidArgument, "the request cannot be read: "+text).WithDetails(
		&errdetails.ErrorInfo{Reason: "INVALID_FIELD", Domain: api.Domain},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}})
	if err != nil {
		return s
	}
	return with
}

func writeRoutingError(ctx context.Context, mux *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	if ctx.Value(triedKey{}) != nil {
		return
	}
	if code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allowed(mux, r))
	}
	noSuchPath(w, r, code)
}

// noSuchPath answers a request that no service takes.
func noSuchPath(w http.ResponseWriter, r *http.Request, code int) {
	switch code {
	case http.StatusMethodNotAllowed:
		writeStatus(w, code, withReason(status.Newf(codes.Unimplemented, "%s is not a method of this path; /openapi.yaml describes what there is", r.Method),
			"METHOD_NOT_ALLOWED"))
	case http.StatusBadRequest:
		writeStatus(w, code, withReason(status.New(codes.InvalidArgument, "the path is malformed; percent-encode what is not a letter, a digit or one of -._~"), "MALFORMED_PATH"))
	default:
		writeStatus(w, http.StatusNotFound, withReason(status.New(codes.NotFound, "there is nothing at this path; /openapi.yaml describes what there is"), "NO_SUCH_PATH"))
	}
}

// withReason adds the reason, for programs.
func withReason(s *status.Status, reason string) *status.Status {
	if with, err := s.WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: api.Domain}); err == nil {
		return with
	}
	return s
}

// reason returns the reason that a status carries.
func reason(s *status.Status) string {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}
