package server

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// streamMethod is a method that streams its answers.
type streamMethod struct {
	service any
	handler grpc.StreamHandler
}

// Follow calls a method that streams its answers, through the interceptors and in its caller's goroutine: each answer is
// given to send, as the service made it and before the next one is made. It returns when the service does.
func (c *channel) Follow(ctx context.Context, name string, request any, send func(answer any) error) error {
	method, known := c.streams[name]
	if !known {
		return status.Errorf(codes.Unimplemented, "there is no stream %s", name)
	}
	sent, _ := metadata.FromOutgoingContext(ctx)
	called := &callHeaders{method: name}
	ctx = peer.NewContext(metadata.NewIncomingContext(ctx, sent), withinProcess)
	ctx = grpc.NewContextWithServerTransportStream(ctx, called)
	stream := &followed{callHeaders: called, ctx: ctx, request: request, send: send}
	return c.stream(method.service, stream, &grpc.StreamServerInfo{FullMethod: name, IsServerStream: true}, method.handler)
}

// followed is the service's end of such a call.
type followed struct {
	*callHeaders
	ctx     context.Context
	request any
	send    func(answer any) error
}

// Context is that of the call.
func (f *followed) Context() context.Context { return f.ctx }

// SetTrailer adds to the trailer, which nobody sees.
func (f *followed) SetTrailer(md metadata.MD) { _ = f.callHeaders.SetTrailer(md) }

// RecvMsg gives the one request.
func (f *followed) RecvMsg(into any) error {
	if f.request == nil {
		return fmt.Errorf("%s takes one request", f.method)
	}
	request := f.request
	f.request = nil
	return handOver(into, request)
}

// SendMsg gives an answer to the caller.
func (f *followed) SendMsg(answer any) error { return f.send(answer) }
