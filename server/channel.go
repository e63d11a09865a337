package server

import (
	"context"
	"net"
	"sync"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// channel reaches the services from within the process, through the interceptors. A call that does not stream runs in its
// caller's goroutine, and so does Follow; other streams are inprocgrpc's.
type channel struct {
	*inprocgrpc.Channel
	unary   grpc.UnaryServerInterceptor
	methods map[string]unaryMethod // by full name
	stream  grpc.StreamServerInterceptor
	streams map[string]streamMethod // those that take one request, by full name
}

type unaryMethod struct {
	service any
	handler grpc.MethodHandler
}

func newChannel(unary grpc.UnaryServerInterceptor, stream grpc.StreamServerInterceptor) *channel {
	inner := (&inprocgrpc.Channel{}).WithServerUnaryInterceptor(unary).WithServerStreamInterceptor(stream)
	return &channel{Channel: inner, unary: unary, methods: map[string]unaryMethod{}, stream: stream, streams: map[string]streamMethod{}}
}

// RegisterService makes a service reachable.
func (c *channel) RegisterService(desc *grpc.ServiceDesc, service any) {
	c.Channel.RegisterService(desc, service)
	for _, method := range desc.Methods {
		c.methods["/"+desc.ServiceName+"/"+method.MethodName] = unaryMethod{service, method.Handler}
	}
	for _, stream := range desc.Streams {
		if !stream.ClientStreams {
			c.streams["/"+desc.ServiceName+"/"+stream.StreamName] = streamMethod{service, stream.Handler}
		}
	}
}

// withinProcess is who calls.
var withinProcess = &peer.Peer{Addr: &net.UnixAddr{Name: "in process", Net: "unix"}}

// Invoke makes a call. It returns when the service does, which ctx tells when to give up.
func (c *channel) Invoke(ctx context.Context, name string, request, response any, options ...grpc.CallOption) error {
	method, known := c.methods[name]
	if !known {
		return c.Channel.Invoke(ctx, name, request, response, options...)
	}
	sent, _ := metadata.FromOutgoingContext(ctx)
	answer, called, err := c.run(ctx, name, method, sent, request)
	for _, option := range options {
		switch option := option.(type) {
		case grpc.HeaderCallOption:
			*option.HeaderAddr = called.header
		case grpc.TrailerCallOption:
			*option.TrailerAddr = called.trailer
		case grpc.PeerCallOption:
			*option.PeerAddr = *withinProcess
		}
	}
	if err != nil {
		return err
	}
	return handOver(response, answer)
}

// run makes a call with headers.
func (c *channel) run(ctx context.Context, name string, method unaryMethod, sent metadata.MD, request any) (any, *callHeaders, error) {
	called := &callHeaders{method: name}
	if err := ctx.Err(); err != nil {
		return nil, called, err
	}
	ctx = peer.NewContext(metadata.NewIncomingContext(ctx, sent), withinProcess)
	ctx = grpc.NewContextWithServerTransportStream(ctx, called)
	answer, err := method.handler(method.service, ctx, func(into any) error { return handOver(into, request) }, c.unary)
	return answer, called, err
}

// callHeaders are what a service says beside its answer.
type callHeaders struct {
	method          string
	mu              sync.Mutex
	header, trailer metadata.MD
}

// Method is the full name of the method.
func (h *callHeaders) Method() string { return h.method }

// SetHeader adds to the header.
func (h *callHeaders) SetHeader(md metadata.MD) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.header = metadata.Join(h.header, md)
	return nil
}

// SendHeader adds to the header, which goes with the answer.
func (h *callHeaders) SendHeader(md metadata.MD) error { return h.SetHeader(md) }

// SetTrailer adds to the trailer.
func (h *callHeaders) SetTrailer(md metadata.MD) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trailer = metadata.Join(h.trailer, md)
	return nil
}
