// Package server is the process: configuration, listeners, the interceptors that every call goes through, the REST
// gateway, and the wiring of the packages that know nothing of each other.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"buf.build/go/protovalidate"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/tandem-sync/tandem/api"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
)

// How long each part of a shutdown may take; together less than the 10 s after which a supervisor kills.
const (
	callsEnd  = 3 * time.Second
	lastWords = 500 * time.Millisecond // before callsEnd, for calls that wait to say so
	workerEnd = 5 * time.Second
)

// Server is one process of Tandem, any number of which may share a database.
type Server struct {
	log     *slog.Logger
	backend *backend
	channel *channel // to the services, through the interceptors
	gateway http.Handler
	metrics http.Handler
	docs    http.HandlerFunc
	console console
	health  *health.Server
	http    *http.Server
	auth    *auth
	// certificate is who the server shows that it is; nil without TLS.
	certificate *certificate
	// cutCalls ends the context of every call under way.
	cutCalls context.CancelFunc
	grpc     *grpc.Server

	httpListener, grpcListener net.Listener
}

// New opens the database, brings its schema up to date and begins to listen. Calls are answered, and links worked on, once
// Run runs.
func New(ctx context.Context, config Config, log *slog.Logger) (*Server, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	log = valuelessLog(log)
	backend, err := openBackend(ctx, config, log)
	if err != nil {
		return nil, err
	}
	s := &Server{log: log, backend: backend}
	if err := s.build(ctx, &config); err != nil {
		return nil, errors.Join(err, backend.close())
	}
	if err := s.listen(ctx, config); err != nil {
		return nil, errors.Join(err, backend.close())
	}
	s.warnOfOpenDoors(ctx, &config)
	return s, nil
}

// build makes the services and puts them behind gRPC and REST.
func (s *Server) build(ctx context.Context, config *Config) error {
	validator, err := protovalidate.New()
	if err != nil {
		return fmt.Errorf("prepare validation: %w", err)
	}
	if s.certificate, err = openCertificate(config.TLSCertFile, config.TLSKeyFile, s.log); err != nil {
		return err
	}
	s.auth = newAuth(config, s.backend, time.Now, s.log)
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	s.cutCalls = cut
	each := &interceptors{log: s.log, validator: validator, now: time.Now, calls: calls, metrics: s.backend.metrics, traces: s.backend.traces, auth: s.auth, transport: "grpc"}
	rest := each.of("rest")
	s.channel = newChannel(rest.unary, rest.stream)
	s.serveGRPC(config, each)
	s.health = health.NewServer()
	for _, registrar := range []grpc.ServiceRegistrar{s.channel, saying{s.grpc}} {
		s.backend.register(registrar)
		tandemv1.RegisterTokenServiceServer(registrar, &api.TokenService{Tokens: revocable{s.backend, s.auth.tokens}, Now: time.Now})
		grpc_health_v1.RegisterHealthServer(registrar, s.health)
	}
	s.setHealth(grpc_health_v1.HealthCheckResponse_SERVING)
	reflection.Register(s.grpc)
	s.metrics = s.backend.metrics.handler()
	if s.console, err = newConsole(config.SheetsEndpoint); err != nil {
		return fmt.Errorf("read the console's files: %w", err)
	}
	if s.docs, err = docs(); err != nil {
		return err
	}
	if s.gateway, err = newGateway(ctx, s.channel, config.requestBytes(), s.backend.hub); err != nil {
		return err
	}
	return s.serveHTTP(config, compressed(s))
}

// register makes the services and registers them.
func (b *backend) register(registrar grpc.ServiceRegistrar) {
	tandemv1.RegisterLinkServiceServer(registrar, &api.LinkService{Links: b, Work: b, Tables: b, Spreadsheets: b, Rules: b, Hooks: b, Previews: b, Now: time.Now})
	tandemv1.RegisterConflictServiceServer(registrar, &api.ConflictService{Conflicts: b})
	tandemv1.RegisterChangeServiceServer(registrar, b.changeService(registrar))
	tandemv1.RegisterRowServiceServer(registrar, &api.RowService{Sources: b})
	tandemv1.RegisterCatalogServiceServer(registrar, &api.CatalogService{Links: b, Tables: b, Spreadsheets: b})
	tandemv1.RegisterStatusServiceServer(registrar, &api.StatusService{Status: b, Now: time.Now})
	longrunningpb.RegisterOperationsServer(registrar, &api.OperationsService{Operations: b})
}

func (s *Server) listen(ctx context.Context, config Config) (err error) {
	var how net.ListenConfig
	if s.httpListener, err = how.Listen(ctx, "tcp", config.HTTPAddr); err != nil {
		return fmt.Errorf("listen for HTTP: %w", portTaken(err, "--http-addr"))
	}
	if s.grpcListener, err = how.Listen(ctx, "tcp", config.GRPCAddr); err != nil {
		return errors.Join(fmt.Errorf("listen for gRPC: %w", portTaken(err, "--grpc-addr")), s.httpListener.Close())
	}
	return nil
}

// portTaken says what helps where another program has the address already.
func portTaken(err error, flag string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program, perhaps another Tandem, listens there; end it, or give another address with %s", err, flag)
	}
	return err
}

// HTTPAddr is the address that HTTP is answered at.
func (s *Server) HTTPAddr() string { return s.httpListener.Addr().String() }

// GRPCAddr is the address that gRPC is answered at.
func (s *Server) GRPCAddr() string { return s.grpcListener.Addr().String() }

// Channel reaches the services in process, through the same interceptors as every other caller.
func (s *Server) Channel() grpc.ClientConnInterface { return s.channel }

// Run serves until ctx ends, or until something fails. Then it stops taking calls, lets those under way end, hands back
// the links that it works on, and closes the database, all within 10 s.
func (s *Server) Run(ctx context.Context) error {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	var worker sync.WaitGroup
	worker.Go(func() { s.backend.work(working) })
	worker.Go(func() { s.watchHealth(working) })
	worker.Go(func() { s.auth.run(working) })
	if s.certificate != nil {
		worker.Go(func() { s.certificate.follow(working) })
	}
	failed := s.begin()

	var err error
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
	case err = <-failed:
	}
	s.endCalls()
	stopWork()
	if !within(workerEnd, worker.Wait) {
		s.log.Warn("cycles did not end in time; their leases run out by themselves")
	}
	return errors.Join(err, s.backend.close())
}

// endCalls stops taking calls and waits for those under way. Sheet writes among them wait for the worker, which therefore
// still runs.
func (s *Server) endCalls() {
	s.health.Shutdown()
	s.backend.hub.stop()
	ctx, cancel := context.WithTimeout(context.Background(), callsEnd)
	defer cancel()
	// Shortly before the end, calls that still wait are told so, and answer what they know.
	last := time.AfterFunc(callsEnd-lastWords, s.cutCalls)
	defer last.Stop()
	var calls sync.WaitGroup
	calls.Go(func() {
		if s.http.Shutdown(ctx) != nil {
			_ = s.http.Close()
		}
	})
	calls.Go(func() {
		if !within(callsEnd, s.grpc.GracefulStop) {
			s.grpc.Stop()
		}
	})
	calls.Wait()
}

// within reports whether wait returned in time.
func within(limit time.Duration, wait func()) bool {
	done := make(chan struct{})
	go func() { wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

// ServeHTTP answers REST and the few pages beside it. It is no http.ServeMux, which would clean the paths of keys.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if strings.HasPrefix(path, "/v1/") {
		s.gateway.ServeHTTP(w, r)
		return
	}
	if isHook(r) {
		s.backend.takeHint(w, r)
		return
	}
	var page func(http.ResponseWriter, *http.Request)
	switch path {
	case "/healthz":
		page = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }
	case "/readyz":
		page = s.ready
	case "/metrics":
		page = s.metrics.ServeHTTP
	case "/openapi.yaml":
		page = openAPIDocument
	case "/docs":
		page = s.docs
	default:
		if !s.console.has(path) {
			noSuchPath(w, r, http.StatusNotFound)
			return
		}
		page = s.console.ServeHTTP
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		noSuchPath(w, r, http.StatusMethodNotAllowed)
		return
	}
	page(w, r)
}
