package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// start returns where to read from: the stored position, or, when that is of no use, the end of the log.
func (r *logReader) start() (logPosition, error) {
	text, _, err := r.store.Position(r.ctx, binlogPosition)
	if err != nil {
		return logPosition{}, err
	}
	if text == "" && r.lost == "" {
		r.lost = "there is no stored position"
	}
	if r.lost == "" {
		position, err := readStored(r.store.flavor(), text)
		if err == nil {
			r.proof, r.from = text, position.file
			r.until, err = r.store.logEnd(r.ctx)
			return position, err
		}
		r.lost = err.Error()
	}
	return r.startAnew()
}

// startAnew begins at the end of the log, and has every link looked at whole: what was changed before is not known.
//
// Whoever asked before, by a row that will not be met in the log any more, is answered by these marks.
func (r *logReader) startAnew() (logPosition, error) {
	end, err := r.store.logEnd(r.ctx)
	if err != nil {
		return end, err
	}
	if r.proof, err = end.stored(r.store.flavor()); err != nil {
		return end, err
	}
	insert := "INSERT INTO tandem_positions (name) VALUES (?)" + r.store.dialect.upsert([]string{"name"}, nil)
	if err := r.store.db.WithContext(r.ctx).Exec(insert, binlogPosition).Error; err != nil {
		return end, wrap(err, "store a position in the binary log")
	}
	var ids []string
	err = r.store.transaction(r.ctx, func(tx *gorm.DB) error {
		if err := r.store.checkLease(tx, r.lease); err != nil {
			return err
		}
		links, err := query(tx, scanLink, selectLinks+" ORDER BY number")
		if err != nil {
			return err
		}
		ids = nil
		now := moment{r.store.moment()}
		var rows [][]any
		for i := range links {
			if captured(&links[i]) {
				ids = append(ids, links[i].ID)
				rows = append(rows, []any{links[i].Number, string(tandem.Database), "", 0, now, string(tandem.CauseSQL), ""})
			}
		}
		if err := insertRows(tx, markedColumns+"VALUES", rows, ""); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM tandem_positions WHERE name LIKE ?", binlogAsked+"%").Error; err != nil {
			return err
		}
		return tx.Exec("UPDATE tandem_positions SET position = ?, reached_at = ? WHERE name = ?", r.proof, now, binlogPosition).Error
	})
	if err != nil {
		return end, wrap(err, "store a position in the binary log")
	}
	r.log.Warn("binary log is read from its end on; every link is compared", "links", len(ids), "reason", r.lost)
	for _, id := range ids {
		r.store.wake(id)
	}
	r.until, err = r.store.logEnd(r.ctx)
	return end, err
}

// syncerConfig describes a connection as a replica's. The number of a replica must be one that no other has.
func (s *Store) syncerConfig(ctx context.Context) (replication.BinlogSyncerConfig, error) {
	config := s.binlog.config
	host, portText, err := net.SplitHostPort(config.Addr)
	if err != nil {
		return replication.BinlogSyncerConfig{}, fmt.Errorf("address of the database: %w", err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return replication.BinlogSyncerConfig{}, fmt.Errorf("port of the database: %w", err)
	}
	made := replication.BinlogSyncerConfig{ServerID: 1<<31 + mathrand.Uint32N(1<<31-1), Flavor: s.flavor(), Host: host, Port: uint16(port), User: config.User, Password: config.Passwd,
		TimestampStringLocation: time.UTC, HeartbeatPeriod: heartbeat, ReadTimeout: serverSilent, DisableRetrySync: true, DiscardGTIDSet: true,
		Logger: slog.New(slog.DiscardHandler)}
	if s.binlog.tls != nil {
		var name, cipher string
		err := rawQuery(s.db.WithContext(ctx), "SHOW STATUS LIKE 'Ssl_cipher'", nil, func(row scanner) error { return row.Scan(&name, &cipher) })
		if err != nil {
			return made, wrap(err, "ask whether the connection is encrypted")
		}
		if cipher != "" {
			made.TLSConfig = s.binlog.tls
		}
	}
	return made, nil
}

// ownWrite is the last position that was stored, until it is met in the log. When the log has nothing more and it was not met,
// what is read is not what the server writes by now: RESET MASTER leaves its readers with the files that it removed.
type ownWrite struct {
	mu   sync.Mutex
	text string
	done time.Time // when it was committed
}

func (o *ownWrite) expect(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text, o.done = text, time.Time{}
}

func (o *ownWrite) committed() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = time.Now()
}

func (o *ownWrite) met(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text == text {
		o.text = ""
	}
}

func (o *ownWrite) overdue() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text != "" && !o.done.IsZero() && time.Since(o.done) > heartbeat
}

// lostBy says in words why a position is of no use any more; "" when the same place can be tried again.
func lostBy(err error) string {
	if errors.Is(err, errLogLost) || errors.Is(err, errPositionGone) {
		return err.Error()
	}
	var server *gomysql.MyError
	if causedBy(err, &server) && server.Code == gomysql.ER_MASTER_FATAL_ERROR_READING_BINLOG {
		return server.Message
	}
	return ""
}

// stumbled reports whether reading broke off over what the log holds, not over the connection.
func (r *logReader) stumbled(err error) bool {
	var known *tandem.Error
	if errors.As(err, &known) && known.Code == tandem.CodeUnavailable {
		return false
	}
	var unreadable *replication.EventError
	return r.failure != nil || causedBy(err, &unreadable)
}

// causedBy is errors.As for errors of the library, which wraps them in a way of its own.
func causedBy(err error, target any) bool {
	for err != nil {
		if errors.As(err, target) {
			return true
		}
		wrapped, ok := err.(interface{ Cause() error })
		if !ok {
			return false
		}
		err = wrapped.Cause()
	}
	return false
}
