package server

import (
	"context"
	"io"
	"log/slog"
	"strings"
)

// Logger returns the log of a process: JSON, one line an event.
func Logger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
}

// Serve is `tandem serve`: it serves until ctx ends.
func Serve(ctx context.Context, config Config, logs io.Writer) error {
	defer keepModest()()
	lines := &logLines{out: logs}
	defer lines.Flush()
	log := slog.New(promptly{slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: config.LogLevel}), lines})
	s, err := New(ctx, config, log)
	if err != nil {
		return err
	}
	announce(s, Logger(logs, slog.LevelInfo)) // whatever the level: on port 0 nothing else tells where
	return s.Run(ctx)
}

// announce says where a server listens, for programs that started it on port 0.
func announce(s *Server, log *slog.Logger) {
	log.Info("serving", "http_addr", s.HTTPAddr(), "grpc_addr", s.GRPCAddr())
}

// Emulate is `tandem emulator`: the Google Sheets emulator alone, empty, until ctx ends.
func Emulate(ctx context.Context, addr string, logs io.Writer) error {
	google, err := startEmulator(ctx, addr, "--addr")
	if err != nil {
		return err
	}
	defer google.close()
	Logger(logs, slog.LevelInfo).Info("emulator", "http_addr", strings.Trim(strings.TrimPrefix(google.url, "http://"), "/"), "url", google.url)
	<-ctx.Done()
	return nil
}
