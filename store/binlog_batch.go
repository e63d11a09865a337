package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

const (
	// batchEvery is the least time between two stores of marks. Marks after a pause are stored at once.
	batchEvery = 20 * time.Millisecond
	// batchLimit is how many marks wait at most; the log is read no further meanwhile.
	batchLimit = 20_000
	// positionEvery is how often the position is stored while nothing is marked, so that the server may purge its log, and so
	// that it shows in the log whether that is still the one that the server writes.
	positionEvery = 5 * time.Second
)

// errPositionGone means that somebody removed the stored position.
var errPositionGone = errors.New("the stored position is gone")

// markBatch gathers marks until they are stored, together with the position that they lead up to.
type markBatch struct {
	mu       sync.Mutex
	marks    map[markedRow]time.Time
	asked    []string
	position logPosition
	upTo     time.Time // what was committed by then is in marks, or was stored
	ids      map[int64]string
	held     bool // nothing is stored while it is not known that this is the log
	storing  bool // what was taken is not stored yet
	ready    chan struct{}
	taken    chan struct{} // closed when the marks were taken
	reached  func(time.Time)
}

func newMarkBatch(position logPosition, held bool, reached func(time.Time)) *markBatch {
	return &markBatch{marks: map[markedRow]time.Time{}, position: position, held: held, ready: make(chan struct{}, 1), taken: make(chan struct{}), reached: reached}
}

// know says which links there are.
func (b *markBatch) know(ids map[int64]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids = maps.Clone(ids)
}

// add takes a transaction that ended, and waits while too many marks are there already.
func (b *markBatch) add(ctx context.Context, tx *loggedTransaction, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if tx.id != nil {
		if err := b.position.pass(tx.id); err != nil {
			return fmt.Errorf("position in the binary log: %w", err)
		}
		b.position.file = tx.file
	}
	for row := range tx.marks() {
		if b.ids[row.link] != "" {
			b.marks[row] = at
		}
	}
	b.asked = append(b.asked, tx.asked...)
	b.upTo = at
	b.wakeUp()
	for len(b.marks) > batchLimit {
		if b.held {
			b.crowd()
			return nil
		}
		taken := b.taken
		b.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
		}
		b.mu.Lock()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// crowd has the links looked at whole instead of row by row.
func (b *markBatch) crowd() {
	for row, at := range b.marks {
		if row.key != "" {
			delete(b.marks, row)
			b.marks[markedRow{link: row.link}] = at
		}
	}
}

// wakeUp has marks stored soon. What is up to date without is said at once.
func (b *markBatch) wakeUp() {
	if len(b.marks)+len(b.asked) > 0 {
		select {
		case b.ready <- struct{}{}:
		default:
		}
	} else if !b.held && !b.storing {
		b.reached(b.upTo)
	}
}

// idle notes that the log has nothing more at the moment.
func (b *markBatch) idle(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.upTo = now
	b.wakeUp()
}

// release lets marks be stored.
func (b *markBatch) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = false
	b.wakeUp()
}

func (b *markBatch) behind(other logPosition) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.position.behind(other)
}

// drop forgets the marks of links that are gone.
func (b *markBatch) drop(links []int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, link := range links {
		delete(b.ids, link)
		maps.DeleteFunc(b.marks, func(row markedRow, _ time.Time) bool { return row.link == link })
	}
}

// takenMarks is one batch that is being stored.
type takenMarks struct {
	marks    map[markedRow]time.Time
	asked    []string
	position string
	upTo     time.Time
	wake     map[string]bool // links
}

// take empties the batch. It returns nil when nothing has to be stored.
func (b *markBatch) take(flavor string, alsoPosition bool) (*takenMarks, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held || len(b.marks)+len(b.asked) == 0 && !alsoPosition {
		return nil, nil
	}
	t := &takenMarks{marks: b.marks, asked: b.asked, upTo: b.upTo, wake: map[string]bool{}}
	var err error
	if t.position, err = b.position.stored(flavor); err != nil {
		return nil, err
	}
	for row := range t.marks {
		t.wake[b.ids[row.link]] = true
	}
	b.marks, b.asked, b.storing = map[markedRow]time.Time{}, nil, true
	close(b.taken)
	b.taken = make(chan struct{})
	return t, nil
}

// stored notes that what was taken is stored.
func (b *markBatch) stored(t *takenMarks) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.storing = false
	b.reached(t.upTo)
	b.wakeUp()
}

// storeMarks stores marks with the position that they lead up to, in one transaction that fails when another process reads
// the log by now.
func (s *Store) storeMarks(ctx context.Context, lease tandem.Lease, t *takenMarks) error {
	rows := make([][]any, 0, len(t.marks))
	for row, at := range t.marks {
		rows = append(rows, []any{row.link, string(tandem.Database), string(row.key), 0, moment{at}, string(tandem.CauseSQL), ""})
	}
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		if err := insertRows(tx, markedColumns+"VALUES", rows, ""); err != nil {
			return err
		}
		result := tx.Exec("UPDATE tandem_positions SET position = ?, reached_at = ? WHERE name = ?", t.position, moment{t.upTo}, binlogPosition)
		if result.Error == nil && result.RowsAffected == 0 {
			return errPositionGone
		}
		if result.Error != nil || len(t.asked) == 0 {
			return result.Error
		}
		return inBatches(t.asked, func(names []string) error {
			return tx.Exec("DELETE FROM tandem_positions WHERE name IN (?)", names).Error
		})
	})
	if err != nil {
		return wrap(err, "store marks from the binary log")
	}
	for link := range t.wake {
		s.wake(link)
	}
	return nil
}
