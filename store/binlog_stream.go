package store

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/replication"
)

// errLogLost means that the log does not go on from where it was read to: what was changed in between cannot be known from it.
var errLogLost = errors.New("the binary log does not go on from where it was read to")

// maxPrepared is how many transactions in two phases are remembered until they are committed; a commit of one that is not
// remembered has everything looked at.
const maxPrepared = 1000

// HandleEvent takes the next event of the log. It is called by the library, one event after the other.
func (r *logReader) HandleEvent(e *replication.BinlogEvent) error {
	if err := r.handle(e); err != nil {
		if r.failure == nil {
			r.failure = err
		}
		return err
	}
	return nil
}

func (r *logReader) handle(e *replication.BinlogEvent) error {
	switch event := e.Event.(type) {
	case *replication.MariadbGTIDEvent:
		return r.begin(event, !event.IsStandalone(), time.Time{})
	case *replication.GTIDEvent:
		return r.begin(event, false, event.OriginalCommitTime())
	case *replication.GtidTaggedLogEvent:
		if event.Tag != "" {
			return errors.New("the server gives tagged GTIDs, which this version cannot follow; leave gtid_next at AUTOMATIC")
		}
		return r.begin(&event.GTIDEvent, false, event.OriginalCommitTime())
	case *replication.RowsEvent:
		return r.rows(event)
	case *replication.QueryEvent:
		return r.statement(e.Header, string(event.Query))
	case *replication.XIDEvent:
		return r.end(e.Header)
	case *replication.RotateEvent:
		r.file = logFile{Name: string(event.NextLogName)}
	case *replication.FormatDescriptionEvent:
		return r.opened(e.Header.Timestamp)
	case *replication.ExecuteLoadQueryEvent:
		r.transaction().everything = true
	case *replication.TransactionPayloadEvent:
		r.packed = true
		defer func() { r.packed = false }()
		for _, inner := range event.Events {
			if err := r.handle(inner); err != nil {
				return err
			}
		}
	default:
		switch e.Header.EventType {
		case replication.HEARTBEAT_EVENT, replication.HEARTBEAT_LOG_EVENT_V2:
			if r.own.overdue() {
				return fmt.Errorf("it ends before our own last write: %w", errLogLost)
			}
			r.batch.idle(r.store.moment())
		case replication.INCIDENT_EVENT:
			return fmt.Errorf("the server lost events: %w", errLogLost)
		case replication.XA_PREPARE_LOG_EVENT:
			return r.prepare(e)
		}
	}
	return nil
}

// opened notes when the file that is read was made. The stored position must stand in it, or in one before it.
func (r *logReader) opened(made uint32) error {
	r.file.Made = made
	if r.proof != "" && r.from.Name != "" && !r.from.before(r.file) {
		return fmt.Errorf("it was read in the file %s, and is now in %s: %w", r.from.Name, r.file.Name, errLogLost)
	}
	return nil
}

// transaction returns the one that is being read; what comes outside of any belongs to one without an id.
func (r *logReader) transaction() *loggedTransaction {
	if r.tx == nil {
		r.tx = newLoggedTransaction(nil)
	}
	return r.tx
}

// begin starts a transaction. The catalog is read again first when the log said that it changed.
func (r *logReader) begin(id replication.Event, open bool, at time.Time) error {
	if r.tx != nil { // one without an end of its own
		if err := r.finish(time.Time{}); err != nil {
			return err
		}
	}
	if r.stale {
		if err := r.reload(); err != nil {
			return err
		}
	}
	r.tx = newLoggedTransaction(id)
	r.tx.open, r.tx.at, r.tx.file = open, at, r.file
	return nil
}

// end ends the transaction that is being read.
//
// The log dates events by the second in which their statement began. What is read as it happens is dated by when it is read,
// which is closer; what is read late, by the end of that second. So the time is never too early, where an older edit in the
// sheet would win over the change, and never more than a second too late.
func (r *logReader) end(header *replication.EventHeader) error {
	at := r.store.moment()
	if r.tx != nil && !r.tx.at.IsZero() {
		at = r.tx.at
	} else if second := time.Unix(int64(header.Timestamp), 0).UTC(); header.Timestamp > 0 {
		if latest := second.Add(time.Second - time.Microsecond); at.After(latest) {
			at = latest
		}
		if at.Before(second) {
			at = second
		}
	}
	return r.finish(at)
}

// finish hands over what the transaction means, and moves the position behind it.
func (r *logReader) finish(at time.Time) error {
	tx := r.transaction()
	r.tx = nil
	if at.IsZero() {
		at = r.store.moment()
	}
	if tx.everything {
		for link := range r.tables.ids {
			tx.whole[link] = true
		}
	}
	if err := r.batch.add(r.ctx, tx, at); err != nil {
		return err
	}
	if len(tx.deleted) > 0 {
		if err := r.forget(tx.deleted); err != nil {
			return err
		}
	}
	if r.proof != "" && r.batch.behind(r.until) {
		return fmt.Errorf("it has no trace of our own last writes: %w", errLogLost)
	}
	return nil
}

// prepare ends the first phase of a transaction in two: its rows are in the log now, and become visible when it is committed.
func (r *logReader) prepare(e *replication.BinlogEvent) error {
	event, ok := e.Event.(*replication.GenericEvent)
	if !ok || len(event.Data) < 13 || event.Data[0] != 0 {
		return r.end(e.Header) // in one phase after all
	}
	format, global, branch := binary.LittleEndian.Uint32(event.Data[1:]), binary.LittleEndian.Uint32(event.Data[5:]), binary.LittleEndian.Uint32(event.Data[9:])
	name := event.Data[13:]
	tx := r.transaction()
	if uint64(global)+uint64(branch) <= uint64(len(name)) && len(r.prepared) < maxPrepared {
		r.prepared[fmt.Sprintf("x'%x',x'%x',%d", name[:global], name[global:global+branch], format)] = tx
	}
	r.tx = newLoggedTransaction(tx.id)
	return r.end(e.Header)
}

// statement takes what the log has as a statement.
func (r *logReader) statement(header *replication.EventHeader, text string) error {
	tx := r.transaction()
	kind, word := kindOf(text)
	switch kind {
	case begins:
		tx.open = true
		return nil
	case ends:
		return r.end(header)
	case prepares:
		return r.phase(header, strings.Fields(text))
	case definition:
		r.defined(text)
	case unknown:
		r.log.Warn("a session writes statements, not rows, to the binary log; all links are compared", "statement", word)
		tx.everything = true
	}
	if tx.open {
		return nil
	}
	return r.end(header)
}

// phase takes a statement of a transaction in two phases.
func (r *logReader) phase(header *replication.EventHeader, words []string) error {
	tx := r.transaction()
	if len(words) < 3 {
		return nil
	}
	id := strings.ToLower(words[2])
	switch strings.ToUpper(words[1]) {
	case "START", "BEGIN":
		tx.open = true
		return nil
	case "COMMIT":
		if before, ok := r.prepared[id]; ok {
			tx.merge(before)
		} else {
			tx.everything = true
		}
	case "ROLLBACK":
	default:
		return nil
	}
	delete(r.prepared, id)
	return r.end(header)
}

// defined takes a statement that makes, changes, empties or removes tables: the linked ones that it names are looked at
// whole, and the catalog is read again.
func (r *logReader) defined(text string) {
	tx := r.transaction()
	if words := strings.Fields(strings.ToUpper(text[:min(len(text), 40)])); len(words) > 1 && words[1] == "TEMPORARY" {
		return
	}
	r.stale = true
	for _, table := range r.tables.byName {
		if !table.own && names(text, table.name) {
			tx.crowd(table)
		}
	}
}

// reload reads the catalog again. What the log shows may not be visible yet; a write of our own, which is behind it in the
// log, is visible only when it is.
func (r *logReader) reload() error {
	err := r.store.db.WithContext(r.ctx).Exec("INSERT INTO tandem_positions (name, position) VALUES (?,?)"+
		r.store.dialect.upsert([]string{"name"}, []string{"position"}), binlogOrder, hex.EncodeToString(r.nonce())).Error
	if err != nil {
		return wrap(err, "wait for the binary log")
	}
	tables, err := r.store.loadTables(r.ctx)
	if err != nil {
		return wrap(err, "read what the links capture")
	}
	r.tables, r.stale = tables, false
	r.batch.know(tables.ids)
	return nil
}
