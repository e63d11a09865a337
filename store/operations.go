package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

const selectOperations = `SELECT o.id, l.id, o.request, o.progress, o.report, o.error, o.done, o.cancel_requested, o.created_at, o.updated_at
	FROM tandem_operations o JOIN tandem_links l ON l.number = o.link_number`

func scanOperation(row scanner) (op tandem.Operation, err error) {
	var (
		request, progress, report, problem *string
		created, updated                   moment
	)
	err = row.Scan(&op.ID, &op.Link, &request, &progress, &report, &problem, &op.Done, &op.CancelRequested, &created, &updated)
	if err != nil {
		return op, err
	}
	op.Created, op.Updated = created.Time, updated.Time
	asked, err := fromJSON[tandem.SyncRequest](request)
	if err != nil {
		return op, err
	}
	op.Request = *asked
	at, err := fromJSON[tandem.SyncProgress](progress)
	if err != nil {
		return op, err
	}
	op.Progress = *at
	if op.Report, err = fromJSON[tandem.SyncReport](report); err != nil {
		return op, err
	}
	op.Error, err = fromJSON[tandem.Error](problem)
	return op, err
}

// CreateOperation stores an operation that the worker is to carry out. A link has one at a time.
func (s *Store) CreateOperation(ctx context.Context, op tandem.Operation) error {
	request, err := toJSON(&op.Request)
	if err != nil {
		return err
	}
	progress, err := toJSON(&op.Progress)
	if err != nil {
		return err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		link, err := findLink(tx, op.Link, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		running, found, err := queryOne(tx, scanText, "SELECT id FROM tandem_operations WHERE link_number = ? AND done = 0", link.Number)
		if err != nil {
			return err
		}
		if found {
			return tandem.Errorf(tandem.CodeAborted, "OPERATION_RUNNING",
				"link %q has an operation that is not done yet: wait for operations/%s, or cancel it", op.Link, running)
		}
		now := moment{s.moment()}
		return tx.Exec(`INSERT INTO tandem_operations (id, link_number, request, progress, created_at, updated_at)
			VALUES (?,?,?,?,?,?)`, op.ID, link.Number, request, progress, now, now).Error
	})
	if err == nil {
		s.wake(op.Link)
	}
	return wrap(err, "create operation for link %s", op.Link)
}

// Operation returns an operation.
func (s *Store) Operation(ctx context.Context, id string) (tandem.Operation, error) {
	op, found, err := queryOne(s.db.WithContext(ctx), scanOperation, selectOperations+" WHERE o.id = ?", id)
	if err == nil && (!found || op.ID != id) {
		err = tandem.Errorf(tandem.CodeNotFound, "OPERATION_NOT_FOUND", "there is no operation %q", id)
	}
	return op, wrap(err, "read operation %s", id)
}

// Operations returns up to limit of the operations that wanted selects, the newest first, after the one whose id is after ("" to
// begin).
func (s *Store) Operations(ctx context.Context, wanted tandem.OperationFilter, after string, limit int) ([]tandem.Operation, error) {
	tx := s.db.WithContext(ctx)
	where, args := " WHERE 1 = 1", []any{}
	if wanted.Link != "" {
		where, args = where+" AND l.id = ?", append(args, wanted.Link)
	}
	if wanted.Done != nil {
		where, args = where+" AND o.done = ?", append(args, flag(*wanted.Done))
	}
	if after != "" {
		seq, found, err := queryOne(tx, scanNumber, "SELECT seq FROM tandem_operations WHERE id = ?", after)
		if err == nil && !found {
			err = tandem.InvalidField("page_token", "is not one that this server gave, or too old")
		}
		if err != nil {
			return nil, wrap(err, "read operations")
		}
		where, args = where+" AND o.seq < ?", append(args, seq)
	}
	operations, err := query(tx, scanOperation, selectOperations+where+" ORDER BY o.seq DESC LIMIT ?", append(args, limit)...)
	return operations, wrap(err, "read operations")
}

// PendingOperation returns the operation of a link that is not done, nil when there is none.
func (s *Store) PendingOperation(ctx context.Context, link string) (*tandem.Operation, error) {
	op, found, err := queryOne(s.db.WithContext(ctx), scanOperation, selectOperations+" WHERE l.id = ? AND o.done = 0 ORDER BY o.seq", link)
	if err != nil || !found {
		return nil, wrap(err, "read operation of link %s", link)
	}
	return &op, nil
}

// SaveProgress stores how far an operation is, and returns whether somebody asked to cancel it.
func (s *Store) SaveProgress(ctx context.Context, lease tandem.Lease, id string, progress tandem.SyncProgress) (cancelled bool, err error) {
	text, err := toJSON(&progress)
	if err != nil {
		return false, err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		err := tx.Exec("UPDATE tandem_operations SET progress = ?, updated_at = ? WHERE id = ? AND done = 0", text, moment{s.moment()}, id).Error
		if err != nil {
			return err
		}
		asked, _, err := queryOne(tx, scanNumber, "SELECT cancel_requested FROM tandem_operations WHERE id = ?", id)
		cancelled = asked != 0
		return err
	})
	return cancelled, wrap(err, "save progress of operation %s", id)
}

// FinishOperation stores the end of an operation together with the state that the link goes to ("" and HALTED leave it). A link
// that halted meanwhile stays halted, and one of which only the plan was asked keeps its state.
func (s *Store) FinishOperation(ctx context.Context, lease tandem.Lease, op tandem.Operation, state tandem.State) error {
	progress, err := toJSON(&op.Progress)
	if err != nil {
		return err
	}
	report, err := toJSON(op.Report)
	if err != nil {
		return err
	}
	problem, err := toJSON(op.Error)
	if err != nil {
		return err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		now := s.moment()
		err := tx.Exec("UPDATE tandem_operations SET done = 1, progress = ?, report = ?, error = ?, updated_at = ? WHERE id = ? AND done = 0",
			progress, report, problem, moment{now}, op.ID).Error
		// Nothing but SetHalt halts a link. A halt that the operation saw may have been answered since.
		if err != nil || state == "" || state == tandem.StateHalted || op.Request.ValidateOnly {
			return err
		}
		link, err := findLink(tx, op.Link, s.dialect.forUpdate)
		if err != nil || link.State == tandem.StateHalted {
			return err
		}
		return s.setState(tx, &link, state)
	})
	if err == nil {
		s.finished.announce()
	}
	return wrap(err, "finish operation %s", op.ID)
}

// CancelOperation asks the worker to stop an operation at its next chunk. Nothing happens when it is done already.
func (s *Store) CancelOperation(ctx context.Context, id string) error {
	op, err := s.Operation(ctx, id)
	if err != nil || op.Done {
		return err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE tandem_operations SET cancel_requested = 1 WHERE id = ? AND done = 0", id).Error
	})
	if err == nil {
		s.wake(op.Link)
	}
	return wrap(err, "cancel operation %s", id)
}

// WaitOperation returns an operation when it is done, or as it is when ctx ends.
func (s *Store) WaitOperation(ctx context.Context, id string) (tandem.Operation, error) {
	for {
		changed := s.finished.next()
		// The last look, after ctx ended, must still be able to read.
		read, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		op, err := s.Operation(read, id)
		cancel()
		if err != nil || op.Done || ctx.Err() != nil {
			return op, err
		}
		await(ctx, changed, 200*time.Millisecond)
	}
}

// pruneOperations removes operations that were done before a moment.
func pruneOperations(tx *gorm.DB, before time.Time) error {
	err := tx.Exec("DELETE FROM tandem_operations WHERE done = 1 AND updated_at < ?", moment{before}).Error
	if err != nil {
		return fmt.Errorf("prune operations: %w", err)
	}
	return nil
}
