package server

import (
	"context"
	"errors"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"google.golang.org/grpc"
)

// stays reports whether a call that does not stream is meant to take long all the same. Such calls count as streams.
func stays(method string) bool {
	return method == longrunningpb.Operations_WaitOperation_FullMethodName
}

// enter lets a call in and returns it with its caller. Leave is to be called in any case. A call that stays ends when its
// token is revoked, and when the process stops.
func (i *interceptors) enter(ctx context.Context, method string, stays bool) (inner context.Context, leave func(), err error) {
	end, stop := func(error) {}, func() {}
	if stays {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		forget := context.AfterFunc(i.calls, func() { cancel(errStopping) })
		end, stop = cancel, func() { forget(); cancel(nil) }
	}
	let, err := i.auth.admit(ctx, method, end, stays)
	if err != nil {
		stop()
		return ctx, func() {}, err
	}
	return tandem.WithCaller(ctx, let.caller), func() { let.leave(); stop() }, nil
}

// endedBy returns why a call that stays ended, when it was not the call that did.
func endedBy(ctx context.Context, err error) error {
	var known *tandem.Error
	if cause := context.Cause(ctx); errors.As(cause, &known) {
		return known
	}
	return err
}

// checkedStream is a stream whose handler sees its caller, gets requests that the caller may make, and can send nothing more
// when the call has ended.
type checkedStream struct {
	grpc.ServerStream
	ctx    context.Context
	method string
	i      *interceptors
}

// Context has the caller in it.
func (s *checkedStream) Context() context.Context { return s.ctx }

// RecvMsg waits for a request.
func (s *checkedStream) RecvMsg(into any) error {
	receive := s.ServerStream.RecvMsg
	if s.i.transport == "grpc" {
		receive = func(into any) error { return (&refusable{message: into}).read(s.ServerStream.RecvMsg) }
	}
	if err := receive(into); err != nil {
		return err
	}
	if s.ctx.Err() != nil {
		return endedBy(s.ctx, s.ctx.Err())
	}
	if err := api.AllowRequest(tandem.CallerOf(s.ctx), s.method, into); err != nil {
		return err
	}
	return s.i.validate(into)
}

// SendMsg sends an answer.
func (s *checkedStream) SendMsg(message any) error {
	if s.ctx.Err() != nil {
		return endedBy(s.ctx, s.ctx.Err())
	}
	return s.ServerStream.SendMsg(message)
}
