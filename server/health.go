package server

import (
	"context"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// How often the database is asked whether it is there, and how long it may take to say so.
const (
	healthEvery   = time.Second
	healthTimeout = 3 * time.Second
)

// watchHealth says over gRPC health, until ctx ends, whether calls can be answered, as /readyz does over HTTP. Google does
// not count: rows of the database are served without it.
func (s *Server) watchHealth(ctx context.Context) {
	ticker := time.NewTicker(healthEvery)
	defer ticker.Stop()
	serving := grpc_health_v1.HealthCheckResponse_SERVING // as health begins
	for {
		now := grpc_health_v1.HealthCheckResponse_SERVING
		err := s.answers(ctx)
		if ctx.Err() != nil {
			return // the end of the process is told by health itself
		}
		if err != nil {
			now = grpc_health_v1.HealthCheckResponse_NOT_SERVING
		}
		if now != serving {
			serving = now
			s.log.Warn("health changed", "status", now.String(), "error", err)
			s.setHealth(now)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// setHealth sets the status of the server as a whole, and of each service, for clients that ask for theirs.
func (s *Server) setHealth(now grpc_health_v1.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", now)
	for service := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, now)
	}
}

// answers fails when the database does not answer.
func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return s.backend.Ping(ctx)
}

// ready tells whether calls can be answered: the database is there and its schema is ours.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.answers(r.Context()); err != nil {
		s.log.Warn("not ready", "error", err)
		writeStatus(w, http.StatusServiceUnavailable, withReason(status.New(codes.Unavailable, "the database does not answer"), "DATABASE_UNREACHABLE"))
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}
