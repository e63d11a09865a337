package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// interceptors are what every call goes through, over gRPC and over REST alike: one log line, recovery from panics, who may
// call, validation, and the translation of errors.
type interceptors struct {
	log       *slog.Logger
	validator protovalidate.Validator
	now       func() time.Time
	// calls ends when the process stops: what still waits then answers what it knows.
	calls   context.Context
	metrics *metrics
	traces  *traces
	auth    *auth
	// transport is how the calls came: "grpc", or "rest" for those of the gateway.
	transport string
}

// of returns the same for calls that came by another way.
func (i *interceptors) of(transport string) *interceptors {
	other := *i
	other.transport = transport
	return &other
}

// unary handles one call. Errors are logged here and nowhere else: what callers do not see stands in the log.
func (i *interceptors) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	ctx, done := i.limit(ctx, info.FullMethod)
	defer done()

	began := i.now()
	ctx, traced := i.traces.call(ctx, info.FullMethod)
	defer func() { traced(status.Code(err)) }()
	err = i.guarded(func() (err error) {
		var leave func()
		ctx, leave, err = i.enter(ctx, info.FullMethod, stays(info.FullMethod))
		defer leave()
		if err != nil {
			return err
		}
		if err := api.AllowRequest(tandem.CallerOf(ctx), info.FullMethod, request); err != nil {
			return err
		}
		if err := i.validate(request); err != nil {
			return err
		}
		if response, err = handler(ctx, request); stays(info.FullMethod) {
			err = endedBy(ctx, err)
		}
		return outOfTime(ctx, err)
	})
	err = i.end(ctx, info.FullMethod, began, err)
	if err != nil {
		return nil, err
	}
	return response, nil
}

// stream handles a call that streams.
func (i *interceptors) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	began := i.now()
	ctx, traced := i.traces.call(stream.Context(), info.FullMethod)
	err := i.guarded(func() (err error) {
		var leave func()
		ctx, leave, err = i.enter(ctx, info.FullMethod, true)
		defer leave()
		if err != nil {
			return err
		}
		return endedBy(ctx, handler(service, &checkedStream{stream, ctx, info.FullMethod, i}))
	})
	err = i.end(ctx, info.FullMethod, began, err)
	traced(status.Code(err))
	return err
}

// guarded turns a panic into an error.
func (i *interceptors) guarded(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return call()
}

// end logs the call, without its values, and returns its error as callers may see it.
func (i *interceptors) end(ctx context.Context, method string, began time.Time, err error) error {
	seen := api.Status(err)
	code := seen.Code()
	duration := i.now().Sub(began)
	i.metrics.call(i.transport, method, code.String(), duration)
	level := slog.LevelInfo
	switch {
	case code == codes.Internal || code == codes.Unknown || code == codes.DataLoss:
		level = slog.LevelError
	case strings.HasPrefix(method, "/grpc."): // health and reflection
		level = slog.LevelDebug
	}
	if err == nil && !i.log.Enabled(ctx, level) {
		return nil
	}
	fields := []slog.Attr{slog.String("method", strings.TrimPrefix(method, "/")), slog.String("code", code.String()),
		slog.Duration("duration", duration)}
	if token := tandem.CallerOf(ctx).Token; token != "" {
		fields = append(fields, slog.String("token", token)) // its id: names are what people write
	}
	var known *tandem.Error
	switch {
	case err == nil:
	case level == slog.LevelError:
		fields = append(fields, slog.String("error", err.Error()))
	case errors.As(err, &known):
		// Messages and descriptions quote what callers sent; reasons and field names do not.
		fields = append(fields, slog.String("reason", known.Reason), slog.Any("fields", fieldNames(known)))
	}
	i.log.LogAttrs(ctx, level, "call", fields...)
	if err == nil {
		return nil
	}
	return seen.Err()
}

// fieldNames are the fields that are wrong, as far as the contract names them: below values and columns, callers do.
func fieldNames(err *tandem.Error) []string {
	var names []string
	for _, f := range err.Fields {
		names = append(names, contractField.FindString(f.Field))
	}
	return names
}

var contractField = regexp.MustCompile(`^(?:(?:[a-z_]+(?:\[\d+\])?\.)*?(?:values|columns)\b|[a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*)`)

// validate checks a request against the rules in the contract.
func (i *interceptors) validate(request any) error {
	if plainlyValid(request) {
		return nil
	}
	message, ok := request.(proto.Message)
	if !ok {
		return nil
	}
	err := i.validator.Validate(message)
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	problem := &tandem.Error{Code: tandem.CodeInvalid, Reason: "INVALID_FIELD", Message: "the request is not valid"}
	for _, v := range invalid.Violations {
		problem.Fields = append(problem.Fields, violated(v))
	}
	return problem
}

// violatedField returns the field that a violation is about. Rules that look into a message are named for the field that
// they look at, such as "link.table.required" on "link".
func violatedField(path, rule string) string {
	if cut := strings.LastIndexByte(rule, '.'); cut > 0 && strings.HasPrefix(rule[:cut], path+".") {
		return rule[:cut]
	}
	return path
}
