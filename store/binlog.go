package store

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/tandem-sync/tandem"
)

// Capture by the binary log: one process at a time, by a lease, reads what the server writes for its replicas and marks the
// keys of rows of linked tables. The files binlog_*.go are that reader, from the connection (binlog_reader.go) by way of the
// transactions in the log (binlog_stream.go) to the marks (binlog_batch.go).
//
// Two facts about the server carry it. What is committed becomes visible in the order of the log, so whoever sees a mark sees
// the change too, as the mark's own commit stands behind it in the log. And the reader's own position is written to the same
// log, so a log that goes on from a position shows the write that stored it; one that does not is another log.

// CaptureBy is a way in which changes of linked tables are noticed.
type CaptureBy string

// The ways in which changes of linked tables are noticed.
const (
	ByTriggers CaptureBy = "triggers" // that Tandem makes on each linked table
	ByBinlog   CaptureBy = "binlog"   // rows in the binary log of MySQL or MariaDB; needs ReadBinlog in some process
)

// Rows of tandem_positions. Those that begin with binlogAsked wait for the reader to take them away: see catchUp.
const (
	binlogPosition = "binlog"
	binlogOrder    = "binlog/order"
	binlogAsked    = "binlog/asked/"
)

// catchUpWithin is how long the reader may take to come to a moment, a takeover by another process included.
const catchUpWithin = 20 * time.Second

// binlog is what a Store knows of the binary log that it captures by.
type binlog struct {
	config *mysql.Config // of the connection, for the reader's own
	tls    *tls.Config

	mu   sync.Mutex
	upTo time.Time // everything that was committed by then is marked
}

func (s *Store) newBinlog(address string) (*binlog, error) {
	if s.dialect.scheme != "mysql" {
		return nil, errors.New("capture by the binary log is for MySQL and MariaDB; a SQLite database has none: capture by triggers")
	}
	config, err := mysqlConfig(address)
	if err != nil {
		return nil, err
	}
	full, err := mysql.ParseDSN(config.FormatDSN()) // which prepares what tls=… names
	if err != nil {
		return nil, fmt.Errorf("parameters of the database address: %w", err)
	}
	return &binlog{config: config, tls: full.TLS}, nil
}

// reached notes that everything up to a moment is marked.
func (b *binlog) reached(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at.After(b.upTo) {
		b.upTo = at
	}
}

// CaptureLag returns how long ago the moment is up to which every committed change is marked; for a process that does not
// read the log itself, as the reading one last said, which it does every few seconds. It is not ok when changes are captured
// by triggers, which are never late, and when nothing was read yet.
func (s *Store) CaptureLag() (age time.Duration, ok bool) {
	if s.binlog == nil {
		return 0, false
	}
	s.binlog.mu.Lock()
	defer s.binlog.mu.Unlock()
	if s.binlog.upTo.IsZero() {
		return 0, false
	}
	return max(0, s.now().Sub(s.binlog.upTo)), true
}

// captureByBinlog makes sure that the link's changes are read from the log, and only then removes its triggers. That the link
// is to be captured is its state, which the reader follows in the log itself: everything behind the commit that took it from
// NEW is marked.
func (s *Store) captureByBinlog(ctx context.Context, link *tandem.Link) error {
	found, err := s.triggers(ctx, link.Number)
	if err != nil {
		return fmt.Errorf("look at the triggers of link %s: %w", link.ID, translate(err))
	}
	if len(found) == 0 && link.State == tandem.StateActive {
		return nil
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	return s.DropCapture(ctx, link)
}

// catchUp returns when everything that was committed before it was called is marked, by whichever process reads the log. It
// asks by a row, which the reader meets in the log and removes together with storing the marks of what stands before it.
func (s *Store) catchUp(ctx context.Context) error {
	name := binlogAsked + rand.Text()
	err := s.db.WithContext(ctx).Exec("INSERT INTO tandem_positions (name, reached_at) VALUES (?,?)", name, moment{s.moment()}).Error
	if err != nil {
		return wrap(err, "ask the reader of the binary log")
	}
	limit := time.NewTimer(catchUpWithin)
	defer limit.Stop()
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		waits, _, err := queryOne(s.db.WithContext(ctx), scanNumber, "SELECT COUNT(*) FROM tandem_positions WHERE name = ?", name)
		if err == nil && waits == 0 {
			return nil
		}
		select {
		case <-time.After(pause):
			if err == nil {
				continue
			}
		case <-ctx.Done():
			err = ctx.Err()
		case <-limit.C:
			err = tandem.Errorf(tandem.CodeUnavailable, "CAPTURE_BEHIND", "the reader of the database's binary log is behind, or does not run: see the log of the "+
				"process that reads it, and try `tandem check` with --capture=binlog")
		}
		_ = s.db.WithContext(context.WithoutCancel(ctx)).Exec("DELETE FROM tandem_positions WHERE name = ?", name).Error // else the next reader does
		return wrap(err, "wait for the reader of the binary log")
	}
}

// forgetBinlog is called when triggers take over: should the log be read again one day, it begins with a compare instead of
// with everything since.
func (s *Store) forgetBinlog(ctx context.Context) error {
	err := s.db.WithContext(ctx).Exec("DELETE FROM tandem_positions WHERE name = ?", binlogPosition).Error
	return wrap(err, "forget the position in the binary log")
}
