package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tandem-sync/tandem/api"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/grpc"
)

// changeService is the service of changes for callers of one transport.
func (b *backend) changeService(registrar grpc.ServiceRegistrar) tandemv1.ChangeServiceServer {
	service := &api.ChangeService{Histories: b, Watches: b.hub, Heartbeat: b.hub.limits.heartbeat}
	if _, remote := registrar.(saying); remote {
		return &patientChanges{ChangeService: service, hub: b.hub}
	}
	return service
}

// patientChanges ends streams whose callers do not read. SendMsg of gRPC waits for as long as it takes, and only that the
// method returns ends it; so the answers are sent beside it.
type patientChanges struct {
	*api.ChangeService
	hub *hub
}

// WatchChanges streams changes.
func (s *patientChanges) WatchChanges(r *tandemv1.WatchChangesRequest, stream grpc.ServerStreamingServer[tandemv1.WatchChangesResponse]) (err error) {
	defer func() { s.hub.ended(err) }()
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	timed := &timedStream{ServerStreamingServer: stream, ctx: ctx, stall: s.hub.limits.stall, stalled: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		done <- s.ChangeService.WatchChanges(r, timed)
	}()
	select {
	case err := <-done:
		return err
	case <-timed.stalled:
		return api.SlowReader()
	}
}

// timedStream notices when an answer is not taken.
type timedStream struct {
	grpc.ServerStreamingServer[tandemv1.WatchChangesResponse]
	ctx     context.Context
	stall   time.Duration
	once    sync.Once
	stalled chan struct{} // closed when an answer was not taken for as long as stall
}

// Context ends when the method has returned.
func (s *timedStream) Context() context.Context { return s.ctx }

// SendMsg sends an answer.
func (s *timedStream) SendMsg(answer any) error {
	timer := time.AfterFunc(s.stall, func() { s.once.Do(func() { close(s.stalled) }) })
	defer timer.Stop()
	return s.ServerStreamingServer.SendMsg(answer)
}
