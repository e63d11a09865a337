package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// SheetWriter writes rows of a link's tab on behalf of callers of the API: it records what is wanted, and the worker that
// holds the link carries it out together with everything else that the tab waits for.
type SheetWriter struct {
	store *Store
	link  *tandem.Link
}

// SheetWriter returns a writer for the link's tab.
func (s *Store) SheetWriter(link *tandem.Link) *SheetWriter {
	return &SheetWriter{store: s, link: link}
}

// pendingAgain is when to ask again for a write that was not carried out in time.
const pendingAgain = 5 * time.Second

// recorded is what became of one mutation when it was recorded: the write to wait for, or the result at once.
type recorded struct {
	write    string
	replayed bool
	named    bool // by a request id, with which its caller can ask about it
	result   *tandem.MutationResult
}

// Mutate records the mutations and waits until the worker has answered all of them. The results are aligned with the
// mutations. When ctx ends before, the writes stay recorded and may still happen: only a repetition with the same
// request ids finds out, and does nothing twice.
func (w *SheetWriter) Mutate(ctx context.Context, mutations []tandem.Mutation, atomic bool) ([]tandem.MutationResult, error) {
	if atomic {
		return nil, tandem.Errorf(tandem.CodeUnimplemented, "ATOMIC_SHEET", "atomic writes are for the database only; send the rows of the sheet without atomic")
	}
	var all []recorded
	err := w.store.transaction(ctx, func(tx *gorm.DB) (err error) {
		all, err = w.record(tx, mutations, tandem.Here(ctx))
		return err
	})
	if err != nil {
		return nil, wrap(err, "record writes to the sheet of link %s", w.link.ID)
	}
	w.store.wake(w.link.ID)
	return w.wait(ctx, all)
}

// record stores the mutations that were not asked for before, with the step that asks for them.
func (w *SheetWriter) record(tx *gorm.DB, mutations []tandem.Mutation, trace string) ([]recorded, error) {
	number, err := linkNumber(tx, w.link.ID)
	if err != nil {
		return nil, err
	}
	names := columnNames(w.link)
	columns, err := toJSON(&names)
	if err != nil {
		return nil, err
	}
	all, err := w.reserve(tx, number, names, mutations)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for i, r := range all {
		if r.result != nil || r.replayed {
			continue
		}
		wanted := mutations[i]
		wanted.Trace = trace
		mutation, err := toJSON(storeMutation(wanted))
		if err != nil {
			return nil, err
		}
		rows = append(rows, []any{r.write, number, columns, mutation, moment{w.store.moment()}})
	}
	err = insertRows(tx, "INSERT INTO tandem_writes (id, link_number, link_columns, mutation, created_at) VALUES", rows, "")
	return all, err
}

// reserve gives each mutation a write of its own, or that of the same request made before.
func (w *SheetWriter) reserve(tx *gorm.DB, link int64, columns []string, mutations []tandem.Mutation) ([]recorded, error) {
	all, prints := make([]recorded, len(mutations)), make([]print, len(mutations))
	var requests []storedRequest
	for i, m := range mutations {
		all[i].write = rand.Text()
		if m.RequestID == "" || m.ValidateOnly {
			continue
		}
		var err error
		if prints[i], err = fingerprint(m, columns); err != nil {
			return nil, err
		}
		requests = append(requests, storedRequest{id: m.RequestID, fingerprint: prints[i].stored, write: all[i].write})
	}
	if len(requests) == 0 {
		return all, nil
	}
	stored, err := w.store.reserveRequests(tx, link, tandem.Sheet, requests)
	if err != nil {
		return nil, err
	}
	for i, m := range mutations {
		r, asked := stored[m.RequestID]
		if !asked || prints[i].stored == "" {
			continue
		}
		all[i].replayed = r.write != all[i].write
		all[i].write, all[i].named = r.write, true
		if problem := r.check(prints[i]); problem != nil {
			all[i] = recorded{result: &tandem.MutationResult{Err: problem}}
		} else if r.result != nil {
			answer := r.result.result(columns)
			answer.Replayed = true
			all[i].result = &answer
		}
	}
	return all, nil
}

// wait returns when every recorded write has its result.
func (w *SheetWriter) wait(ctx context.Context, all []recorded) ([]tandem.MutationResult, error) {
	columns := columnNames(w.link)
	for {
		changed := w.store.finished.next()
		var pending []string
		for _, r := range all {
			if r.result == nil {
				pending = append(pending, r.write)
			}
		}
		done, err := w.store.results(ctx, pending)
		if err != nil && ctx.Err() == nil {
			return nil, wrap(err, "wait for writes to the sheet of link %s", w.link.ID)
		}
		open := false
		for i, r := range all {
			if r.result == nil && done[r.write] != nil {
				answer := done[r.write].result(columns)
				answer.Replayed = r.replayed
				all[i].result = &answer
			}
			open = open || all[i].result == nil
		}
		if !open {
			break
		}
		if ctx.Err() != nil {
			return nil, w.pending(ctx, all)
		}
		await(ctx, changed, 50*time.Millisecond)
	}
	results := make([]tandem.MutationResult, len(all))
	for i, r := range all {
		results[i] = *r.result
	}
	return results, nil
}

// pending is what a caller is told whose write was not carried out in time: also why not, as far as it is known.
func (w *SheetWriter) pending(ctx context.Context, all []recorded) *tandem.Error {
	pending := tandem.Errorf(tandem.CodeUnavailable, "WRITE_PENDING",
		"the write is recorded and may still happen; repeat it with the same request_id to learn its result")
	if slices.ContainsFunc(all, func(r recorded) bool { return r.result == nil && !r.named }) {
		pending.Message = "the write is recorded and may still happen; read the row later to see whether it did, since a write without a request_id cannot be asked about"
	}
	pending.RetryAfter = pendingAgain
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if link, err := w.store.Link(ctx, w.link.ID); err == nil && link.Status.LastError != "" {
		pending.Message += ". The last try failed: " + link.Status.LastError
	}
	return pending
}

// results returns the results of those writes that are done. Writes of a link that was deleted are gone: an error.
func (s *Store) results(ctx context.Context, writes []string) (map[string]*storedResult, error) {
	type write struct {
		id     string
		done   bool
		result *string
	}
	results, seen := make(map[string]*storedResult, len(writes)), map[string]bool{}
	err := inBatches(writes, func(batch []string) error {
		rows, err := query(s.db.WithContext(ctx), func(row scanner) (r write, err error) {
			return r, row.Scan(&r.id, &r.done, &r.result)
		}, "SELECT w.id, w.done, r.result FROM tandem_writes w LEFT JOIN tandem_results r ON r.write_id = w.id WHERE w.id IN (?)", batch)
		if err != nil {
			return err
		}
		for _, r := range rows {
			seen[r.id] = true
			if !r.done {
				continue
			}
			if results[r.id], err = fromJSON[storedResult](r.result); err != nil {
				return err
			}
		}
		for _, id := range batch {
			if !seen[id] {
				return tandem.Errorf(tandem.CodeNotFound, "LINK_NOT_FOUND", "the link was deleted before the write was made")
			}
		}
		return nil
	})
	return results, err
}

// WantedWrites returns up to limit writes to a link's tab that are not done, oldest first, in the order of the columns
// that the link has now.
func (s *Store) WantedWrites(ctx context.Context, link string, limit int) ([]tandem.WantedWrite, error) {
	writes, err := query(s.db.WithContext(ctx), scanWrite, `SELECT w.id, l.id, l.config, w.link_columns, w.mutation, w.created_at
		FROM tandem_writes w JOIN tandem_links l ON l.number = w.link_number WHERE l.id = ? AND w.done = 0 ORDER BY w.seq LIMIT ?`, link, limit)
	return writes, wrap(err, "read wanted writes of link %s", link)
}

func scanWrite(row scanner) (write tandem.WantedWrite, err error) {
	var (
		config, columns, mutation *string
		created                   moment
	)
	if err = row.Scan(&write.ID, &write.Link, &config, &columns, &mutation, &created); err != nil {
		return write, err
	}
	write.Created = created.Time
	now, err := fromJSON[linkConfig](config)
	if err != nil {
		return write, err
	}
	names, err := fromJSON[[]string](columns)
	if err != nil {
		return write, err
	}
	stored, err := fromJSON[storedMutation](mutation)
	if err != nil {
		return write, err
	}
	link := now.link()
	write.Mutation = stored.mutation(*names, columnNames(&link))
	return write, nil
}

// finishWrites stores the results of wanted writes, and of the requests that asked for them.
func (s *Store) finishWrites(tx *gorm.DB, columns []string, writes []tandem.WantedWrite) error {
	ids, rows := make([]string, len(writes)), make([][]any, len(writes))
	for i, write := range writes {
		text, err := toJSON(storeResult(write.Result, columns))
		if err != nil {
			return err
		}
		ids[i], rows[i] = write.ID, []any{write.ID, text}
	}
	err := insertRows(tx, "INSERT INTO tandem_results (write_id, result) VALUES", rows, s.dialect.upsert([]string{"write_id"}, nil))
	if err != nil {
		return fmt.Errorf("store results of writes: %w", err)
	}
	err = inBatches(ids, func(batch []string) error {
		err := tx.Exec("UPDATE tandem_writes SET done = 1, done_at = ? WHERE id IN (?)", moment{s.moment()}, batch).Error
		if err != nil {
			return err
		}
		return tx.Exec(`UPDATE tandem_requests SET result = (SELECT r.result FROM tandem_results r WHERE r.write_id = tandem_requests.write_id)
			WHERE write_id IN (?)`, batch).Error
	})
	return wrap(err, "finish writes")
}
