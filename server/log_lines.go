package server

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Lines of the log wait for others to be written with, since every call makes one: at most so long, and so much.
const (
	linesWait  = 50 * time.Millisecond
	linesBytes = 32 << 10
)

// logLines writes the lines of a log in pieces. Warnings and errors are written at once, with all that came before.
type logLines struct {
	out io.Writer

	mu      sync.Mutex
	waiting []byte
	timer   *time.Timer // nil while nothing waits
}

// Write takes one line.
func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, line...)
	switch {
	case len(l.waiting) >= linesBytes:
		l.write()
	case l.timer == nil:
		l.timer = time.AfterFunc(linesWait, l.Flush)
	}
	return len(line), nil
}

// Flush writes what waits.
func (l *logLines) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write()
}

func (l *logLines) write() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if len(l.waiting) > 0 {
		_, _ = l.out.Write(l.waiting)
		l.waiting = l.waiting[:0]
	}
}

// promptly is a handler that has warnings and errors written at once.
type promptly struct {
	slog.Handler
	lines *logLines
}

// Handle writes a record.
func (p promptly) Handle(ctx context.Context, record slog.Record) error {
	err := p.Handler.Handle(ctx, record)
	if record.Level >= slog.LevelWarn {
		p.lines.Flush()
	}
	return err
}

// WithAttrs keeps the promise for what is derived.
func (p promptly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return promptly{p.Handler.WithAttrs(attrs), p.lines}
}

// WithGroup keeps the promise for what is derived.
func (p promptly) WithGroup(name string) slog.Handler {
	return promptly{p.Handler.WithGroup(name), p.lines}
}
