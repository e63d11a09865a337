package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/tandem-sync/tandem/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/tap"
)

// front is what HTTP requests go through before they reach what answers them: time limits, the origins that may call, and
// whether they have a token.
func (s *Server) front(config *Config, handler http.Handler) (http.Handler, error) {
	origins, err := corsOrigins(config.CORSOrigins)
	if err != nil {
		return nil, err
	}
	if s.auth.off {
		if handler, err = sameMachine(handler, origins); err != nil {
			return nil, err
		}
	} else {
		handler = s.auth.known(handler, config.MetricsAuth == AuthNone)
	}
	return s.backend.metrics.counted(unhurried(shared(handler, origins), usualPace)), nil
}

// serveHTTP makes the server of HTTP.
func (s *Server) serveHTTP(config *Config, handler http.Handler) error {
	handler, err := s.front(config, handler)
	if err != nil {
		return err
	}
	s.http = &http.Server{Handler: handler, ReadHeaderTimeout: headersWithin, IdleTimeout: idleFor, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	if s.certificate != nil {
		s.http.TLSConfig = s.certificate.config()
	}
	return nil
}

// serveGRPC makes the server of gRPC. Peers that vanished are noticed within a minute and a half, with their streams.
func (s *Server) serveGRPC(config *Config, each *interceptors) {
	options := []grpc.ServerOption{grpc.UnaryInterceptor(each.unary), grpc.StreamInterceptor(each.stream), grpc.InTapHandle(s.auth.glance),
		grpc.ForceServerCodecV2(valuesCodec{encoding.GetCodecV2(protocodec.Name)}), grpc.MaxRecvMsgSize(config.requestBytes()), grpc.MaxHeaderListSize(maxGRPCHeaderBytes), grpc.MaxConcurrentStreams(maxGRPCStreams), grpc.ConnectionTimeout(headersWithin),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 20 * time.Second, PermitWithoutStream: true})}
	if s.certificate != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.certificate.config())))
	}
	s.grpc = grpc.NewServer(options...)
}

// glance turns calls down that have nothing that looks like a token, before anything of their request is read. It must not
// wait for anything: whether the token is one that is known is found later.
func (a *auth) glance(ctx context.Context, info *tap.Info) (context.Context, error) {
	if a.off || api.Open(info.FullMethodName) {
		return ctx, nil
	}
	if _, _, err := secretOf(info.Header.Get("authorization")); err != nil {
		return ctx, api.Status(err).Err()
	}
	return ctx, nil
}

// begin serves both until one of them ends.
func (s *Server) begin() <-chan error {
	failed := make(chan error, 2)
	go func() {
		if s.certificate != nil {
			failed <- s.http.ServeTLS(s.httpListener, "", "")
			return
		}
		failed <- s.http.Serve(s.httpListener)
	}()
	go func() { failed <- s.grpc.Serve(s.grpcListener) }()
	return failed
}

// warnOfOpenDoors says what the person who runs the server may not have thought of.
func (s *Server) warnOfOpenDoors(ctx context.Context, config *Config) {
	if s.auth.off {
		return
	}
	if s.certificate == nil && !(loopback(config.HTTPAddr) && loopback(config.GRPCAddr)) {
		s.log.Warn("tokens and rows can be read on the way to this server, unless a proxy before it speaks TLS: give --tls-cert-file and --tls-key-file")
	}
	if tokens, err := s.backend.Tokens(ctx, "", 1); err == nil && len(tokens) == 0 {
		s.log.Warn("there is no token yet, so nobody can call: make one with tandem token create --role admin --name NAME")
	}
}
