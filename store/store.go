// Package store is everything in SQL: the linked tables, known only from introspection, and our own tables, which lie
// beside them under the prefix "tandem_".
//
// A linked table is read and written as rows of tandem.Values, exactly, whatever the dialect: see Table. Triggers mark
// the keys of rows that others changed: see Store.Capture. Dialects differ in dialect.go alone. Errors of drivers become
// *tandem.Error before they leave the package wherever a caller can do something about them: see errors.go.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Options configure a Store.
type Options struct {
	Logger *slog.Logger
	Now    func() time.Time // default time.Now
	// Wake is called after a commit that gave a link something to do (marks by our own writes, wanted writes, operations).
	// Losing a call loses nothing.
	Wake func(link string)
	// OnHint is told of every change of a tab that became known, by which way.
	OnHint func(link string, path tandem.HintPath)
	// AlertURL is where alerts of links without an alert URL of their own go; "" for nowhere. Then none are kept for them.
	AlertURL string
	// Capture is how changes of linked tables are noticed; ByTriggers when empty. All processes of a database should agree.
	Capture CaptureBy
}

// Store is one database. It is safe for use by many goroutines, and any number of processes may open the same database.
type Store struct {
	db       *gorm.DB
	dialect  *dialect
	log      *slog.Logger
	now      func() time.Time
	ownClock bool // now is this machine's clock, and not one that was given
	wake     func(link string)
	onHint   func(link string, path tandem.HintPath)
	alertURL string
	binlog   *binlog // nil: changes are captured by triggers
	finished finished
	added    finished // history
	// remembered are links and tables for the API: see OpenRows.
	remembered remembered
	commits    atomic.Int64 // transactions of this process that may have changed what is known of a link's rows
	// writers lets the writers of this process take turns where the database has a single writer, fairly and without
	// polling; nil elsewhere.
	writers chan struct{}
}

// Open opens "sqlite:PATH" or "mysql://USER:PASS@HOST:PORT/DB?…" and brings our own tables up to date. Parameters of a
// MySQL address are those of the Go driver (tls=true, …).
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	s := &Store{log: opts.Logger, now: opts.Now, wake: opts.Wake, onHint: opts.OnHint, alertURL: opts.AlertURL}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.ownClock = s.now == nil; s.ownClock {
		s.now = time.Now
	}
	if s.wake == nil {
		s.wake = func(string) {}
	}
	if s.onHint == nil {
		s.onHint = func(string, tandem.HintPath) {}
	}
	d, rest, err := dialectOf(url)
	if err != nil {
		return nil, err
	}
	s.dialect = d
	pool, err := s.dialect.open(rest)
	if err != nil {
		return nil, err
	}
	if opts.Capture == ByBinlog {
		s.binlog, err = s.newBinlog(rest)
	}
	if err == nil {
		err = s.start(ctx, pool)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// dialectOf returns the dialect of a database and what follows the scheme in its address.
func dialectOf(url string) (d *dialect, address string, err error) {
	scheme, address, _ := strings.Cut(url, ":")
	for _, d := range []*dialect{mysqlDialect(), sqliteDialect()} {
		if d.scheme == scheme {
			return d, address, nil
		}
	}
	return nil, "", fmt.Errorf("the database address must begin with sqlite: or mysql:, not %q", scheme+":")
}

func (s *Store) start(ctx context.Context, pool *sql.DB) error {
	if err := pool.PingContext(ctx); err != nil {
		return fmt.Errorf("connect to the database: %w", translate(err))
	}
	if s.dialect.singleWriter {
		s.writers = make(chan struct{}, 1)
	}
	if err := pool.QueryRowContext(ctx, s.dialect.version).Scan(&s.dialect.server); err != nil {
		return fmt.Errorf("ask the database's version: %w", translate(err))
	}
	// SkipDefaultTransaction stays false: outside a transaction an INSERT … RETURNING keeps SQLite's WAL from resetting.
	var err error
	s.db, err = gorm.Open(s.dialect.gorm(pool), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return fmt.Errorf("open the database: %w", translate(err))
	}
	return s.migrate(ctx)
}

// Close closes the connections. Transactions under way fail.
func (s *Store) Close() error {
	pool, err := s.db.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	pool, err := s.db.DB()
	if err != nil {
		return err
	}
	return translate(pool.PingContext(ctx))
}

// maxAttempts bounds how often a transaction is started again.
const maxAttempts = 10

// transaction runs fn in a transaction. It is run again from the start when the database gave up one of several
// transactions that stood in each other's way (deadlock, lock timeout, busy), so fn must be repeatable: whatever it
// collects, it begins afresh.
func (s *Store) transaction(ctx context.Context, fn func(tx *gorm.DB) error) error {
	err := s.beside(ctx, fn)
	s.commits.Add(1) // whatever became of it
	return err
}

// beside is transaction for what says nothing of a link or its rows: leases, calls, positions. Tables that are remembered are
// then no less quiet than they were.
func (s *Store) beside(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if s.writers != nil {
		select {
		case s.writers <- struct{}{}:
			defer func() { <-s.writers }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for attempt := 1; ; attempt++ {
		err := s.db.WithContext(ctx).Transaction(fn)
		if err == nil || !retryable(err) || attempt == maxAttempts {
			return translate(err)
		}
		s.log.Debug("transaction is repeated", "attempt", attempt, "error", err)
		pause := time.Duration(rand.Int64N(int64(time.Millisecond) << min(attempt+1, 8)))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
