package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/tandem-sync/tandem"
)

const (
	binlogLease    = "capture/binlog"
	binlogLeaseTTL = 10 * time.Second
	heartbeat      = time.Second // of the server, while its log has nothing new
	serverSilent   = 10 * time.Second
	longestPause   = 5 * time.Second // between attempts to connect
	// stuckAfter is how often reading may break off at one place before what stands there is given up: everything is compared.
	stuckAfter = 5
)

// ReadBinlog reads the binary log and marks what it shows, until ctx ends. Of all processes that call it, one reads; another
// takes over when it ends, within seconds when it was killed. It returns at once with ByTriggers. Holder names this process.
func (s *Store) ReadBinlog(ctx context.Context, holder string) {
	if s.binlog == nil {
		return
	}
	for ctx.Err() == nil {
		lease, got, err := s.Claim(ctx, binlogLease, holder, binlogLeaseTTL)
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.Warn("binary log is not read", "error", err)
		case got:
			s.readUnder(ctx, lease)
			release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			_ = s.Release(release, lease) // it runs out by itself
			cancel()
		case err == nil:
			if _, at, err := s.Position(ctx, binlogPosition); err == nil {
				s.binlog.reached(at)
			}
		}
		pause(ctx, binlogLeaseTTL/5)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// readUnder reads for as long as the lease is held, over as many connections as it takes.
func (s *Store) readUnder(ctx context.Context, lease tandem.Lease) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var renewing sync.WaitGroup
	defer renewing.Wait()
	defer cancel()
	renewing.Go(func() { s.keepLease(ctx, cancel, lease) })
	lost := ""
	for failures, stuck := 0, 0; ctx.Err() == nil; failures++ {
		r := &logReader{store: s, lease: lease, log: s.log, prepared: map[string]*loggedTransaction{}, lost: lost}
		err := r.read(ctx)
		if errors.Is(err, tandem.ErrFenced) || ctx.Err() != nil {
			return
		}
		if r.progressed {
			failures, stuck = 0, 0
		} else if r.stumbled(err) {
			stuck++
		}
		if lost = lostBy(err); lost == "" && stuck >= stuckAfter {
			lost, stuck = "it cannot be read any further there", 0
		}
		text, _, _ := strings.Cut(err.Error(), "\n") // the library adds where in itself it was
		s.log.Warn("reading the binary log broke off", "error", text)
		pause(ctx, min(longestPause, 50*time.Millisecond<<min(failures, 8)))
	}
}

// keepLease renews the lease; when it is lost, the reading ends.
func (s *Store) keepLease(ctx context.Context, end func(), lease tandem.Lease) {
	renewed := time.Now()
	for {
		pause(ctx, binlogLeaseTTL/4)
		if ctx.Err() != nil {
			return
		}
		_, err := s.Renew(ctx, lease, binlogLeaseTTL)
		switch {
		case err == nil:
			renewed = time.Now()
		case errors.Is(err, tandem.ErrFenced), time.Since(renewed) > binlogLeaseTTL:
			end()
			return
		}
	}
}

// logReader is one connection to the log. Its fields are used by the goroutine that takes the events, but for batch.
type logReader struct {
	store *Store
	lease tandem.Lease
	log   *slog.Logger
	ctx   context.Context
	lost  string // why the stored position is of no use

	tables   *loggedTables
	stale    bool // tables has to be read again before the next transaction
	tx       *loggedTransaction
	prepared map[string]*loggedTransaction
	packed   bool // within a compressed transaction
	batch    *markBatch

	// proof is what the stored position says. The log has the write that stored it, behind that position and before until;
	// a log that has not is another one: it was reset, or the server was replaced.
	proof string
	until logPosition
	from  logFile // of the stored position

	file logFile // that is being read
	own  ownWrite

	failure    error // why the reader itself broke off
	progressed bool  // something was stored
	storing    sync.Mutex
}

// read reads from the stored position on until something fails.
func (r *logReader) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.ctx = ctx
	start, err := r.start()
	if err != nil {
		return err
	}
	if r.tables, err = r.store.loadTables(ctx); err != nil {
		return wrap(err, "read what the links capture")
	}
	r.batch = newMarkBatch(start, r.proof != "", r.store.binlog.reached)
	r.batch.know(r.tables.ids)
	config, err := r.store.syncerConfig(ctx)
	if err != nil {
		return err
	}
	config.SynchronousEventHandler, config.RowsEventDecodeFunc = r, r.decodeRows
	syncer := replication.NewBinlogSyncer(config)
	streamer, err := syncer.StartSyncGTID(start.set.Clone())
	if err != nil {
		syncer.Close()
		return fmt.Errorf("connect to the binary log: %w", err)
	}
	r.log.Info("binary log is read", "from", start.set.String())
	var storing sync.WaitGroup
	var storeErr error
	storing.Go(func() {
		storeErr = r.storeBatches()
		cancel()
	})
	_, err = streamer.GetEvent(ctx)
	cancel()
	syncer.Close()
	storing.Wait()
	switch {
	case storeErr != nil && !errors.Is(storeErr, context.Canceled):
		return storeErr
	case r.failure != nil && !errors.Is(r.failure, context.Canceled):
		return r.failure
	}
	return err
}

// proven is called when the log has shown that it is the one that the stored position is of.
func (r *logReader) proven() {
	if r.proof == "" {
		return
	}
	r.proof = ""
	r.batch.release()
}

// storeBatches stores what is gathered until ctx ends or storing fails.
func (r *logReader) storeBatches() error {
	ticker := time.NewTicker(positionEvery)
	defer ticker.Stop()
	for {
		positionToo := false
		select {
		case <-r.ctx.Done():
			return r.ctx.Err()
		case <-r.batch.ready:
		case <-ticker.C:
			positionToo = true
		}
		began := time.Now()
		if err := r.storeBatch(positionToo); err != nil {
			return err
		}
		pause(r.ctx, batchEvery-time.Since(began))
	}
}

func (r *logReader) storeBatch(positionToo bool) error {
	r.storing.Lock()
	defer r.storing.Unlock()
	taken, err := r.batch.take(r.store.flavor(), positionToo)
	if err != nil || taken == nil {
		return err
	}
	r.own.expect(taken.position)
	if err := r.store.storeMarks(r.ctx, r.lease, taken); err != nil {
		return err
	}
	r.own.committed()
	r.batch.stored(taken)
	r.progressed = true
	return nil
}

// forget removes the marks of links that are gone: some may have been stored after the links were deleted.
func (r *logReader) forget(links []int64) error {
	r.storing.Lock()
	defer r.storing.Unlock()
	r.batch.drop(links)
	err := r.store.db.WithContext(r.ctx).Exec("DELETE FROM tandem_marks WHERE link_number IN (?)", links).Error
	return wrap(err, "remove marks of links that are gone")
}

func (r *logReader) nonce() []byte { return []byte(rand.Text()) }
