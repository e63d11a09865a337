package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// How long a repeated request gets its first answer: that of a single call, and that of a queue's entry.
const (
	keepRequests = 24 * time.Hour
	keepQueued   = 30 * 24 * time.Hour
)

// forADay begins the stored fingerprints of requests that are kept for keepRequests only.
const forADay = "day:"

// print tells whether two mutations with one request id ask for the same. Who asks does not matter, nor whether the mutation
// came by itself or from a queue: a phone that got no answer puts into its queue what it sent before.
type print struct {
	stored string
	// former is what versions before this one stored. It holds all columns of the link, so that a repetition after those
	// were edited seemed to be another write.
	former string
}

func fingerprint(m tandem.Mutation, columns []string) (print, error) {
	m.Actor, m.RequestID, m.Trace = "", "", ""
	values := map[string]tandem.Value{}
	for i, value := range m.Values {
		if !value.IsAbsent() && i < len(columns) {
			values[columns[i]] = value
		}
	}
	former, err := hashed(struct {
		Mutation *storedMutation
		Columns  []string
	}{storeMutation(m), columns})
	if err != nil {
		return print{}, err
	}
	bare := m
	bare.Values = nil
	stored, err := hashed(struct {
		Mutation tandem.Mutation
		Values   map[string]tandem.Value
	}{bare, values})
	if err == nil && !m.Queued {
		stored = forADay + stored
	}
	return print{stored, former}, err
}

func hashed(asked any) (string, error) {
	data, err := json.Marshal(asked)
	if err != nil {
		return "", fmt.Errorf("fingerprint a mutation: %w", err)
	}
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:18]), nil
}

// of reports whether stored is the fingerprint of the same write.
func (p print) of(stored string) bool {
	return strings.TrimPrefix(stored, forADay) == strings.TrimPrefix(p.stored, forADay) || stored == p.former
}

// storedRequest is one row of tandem_requests.
type storedRequest struct {
	id, fingerprint, write string
	result                 *storedResult // nil while the write is pending
}

func scanRequest(row scanner) (r storedRequest, err error) {
	var result *string
	if err = row.Scan(&r.id, &r.fingerprint, &r.write, &result); err != nil {
		return r, err
	}
	r.result, err = fromJSON[storedResult](result)
	return r, err
}

// check fails when the request id was used for something else.
func (r storedRequest) check(asked print) *tandem.Error {
	if !asked.of(r.fingerprint) {
		return tandem.InvalidField("request_id", "%q was used for another write; use a new id for each", r.id)
	}
	return nil
}

// reserveRequests claims request ids (with their fingerprints) for writes and returns what is stored for each, by id. A
// new id is stored with its write and no result; one that was there keeps what it has. Another transaction that reserves
// one of them waits for this one to end, so that a repetition sent in parallel gets the answer of the first.
func (s *Store) reserveRequests(tx *gorm.DB, link int64, source tandem.Source, requests []storedRequest) (map[string]storedRequest, error) {
	now := moment{s.moment()}
	rows, ids := make([][]any, len(requests)), make([]string, len(requests))
	for i, r := range requests {
		rows[i] = []any{link, string(source), r.id, r.fingerprint, r.write, now}
		ids[i] = r.id
	}
	err := insertRows(tx, "INSERT INTO tandem_requests (link_number, source, request_id, fingerprint, write_id, created_at) VALUES", rows,
		s.dialect.upsert([]string{"link_number", "source", "request_id"}, nil))
	if err != nil {
		return nil, fmt.Errorf("reserve requests: %w", err)
	}
	stored := make(map[string]storedRequest, len(requests))
	err = inBatches(ids, func(batch []string) error {
		// Locked, and so as it is now: a snapshot may be older than the repetition's answer.
		found, err := query(tx, scanRequest, `SELECT request_id, fingerprint, write_id, result FROM tandem_requests
			WHERE link_number = ? AND source = ? AND request_id IN (?)`+s.dialect.forUpdate, link, string(source), batch)
		for _, r := range found {
			stored[r.id] = r
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read requests: %w", err)
	}
	return stored, wrap(s.keepAsQueued(tx, link, source, requests, stored), "keep requests")
}

// keepAsQueued keeps the answers of single calls that now come from a queue for as long as those of a queue's entries: the queue
// may send them again until then.
func (s *Store) keepAsQueued(tx *gorm.DB, link int64, source tandem.Source, requests []storedRequest, stored map[string]storedRequest) error {
	var queued []string
	for _, r := range requests {
		if stored[r.id].fingerprint == forADay+r.fingerprint {
			queued = append(queued, r.id)
		}
	}
	return inBatches(queued, func(batch []string) error {
		return tx.Exec(fmt.Sprintf(`UPDATE tandem_requests SET fingerprint = SUBSTR(fingerprint, %d), created_at = ?
			WHERE link_number = ? AND source = ? AND request_id IN (?) AND fingerprint LIKE '%s%%'`, len(forADay)+1, forADay),
			moment{s.moment()}, link, string(source), batch).Error
	})
}

// findRequests returns the first answers of those requests, given as id -> fingerprint, that were answered before, or the
// error of an id that was used for another write. The others are reserved for this transaction, which carries them out
// and then calls saveRequests.
func (s *Store) findRequests(tx *gorm.DB, link, source string, fingerprints map[string]print) (map[string]tandem.MutationResult, error) {
	if len(fingerprints) == 0 {
		return nil, nil
	}
	owner, err := findLink(tx, link, "")
	if err != nil {
		return nil, err
	}
	requests := make([]storedRequest, 0, len(fingerprints))
	for id, print := range fingerprints {
		requests = append(requests, storedRequest{id: id, fingerprint: print.stored})
	}
	stored, err := s.reserveRequests(tx, owner.Number, tandem.Source(source), requests)
	if err != nil {
		return nil, err
	}
	columns := columnNames(&owner)
	answers := map[string]tandem.MutationResult{}
	for id, print := range fingerprints {
		r := stored[id]
		if err := r.check(print); err != nil {
			answers[id] = tandem.MutationResult{Err: err}
		} else if r.result != nil {
			answer := r.result.result(columns)
			answer.Replayed = true
			answers[id] = answer
		}
	}
	return answers, nil
}

// saveRequests stores the answers of requests that findRequests reserved in the same transaction, by id.
func (s *Store) saveRequests(tx *gorm.DB, link, source string, fingerprints map[string]print, results map[string]tandem.MutationResult) error {
	if len(results) == 0 {
		return nil
	}
	owner, err := findLink(tx, link, "")
	if err != nil {
		return err
	}
	columns, now := columnNames(&owner), moment{s.moment()}
	rows := make([][]any, 0, len(results))
	for id, result := range results {
		text, err := toJSON(storeResult(result, columns))
		if err != nil {
			return err
		}
		rows = append(rows, []any{owner.Number, source, id, fingerprints[id].stored, "", text, now})
	}
	err = insertRows(tx, "INSERT INTO tandem_requests (link_number, source, request_id, fingerprint, write_id, result, created_at) VALUES", rows,
		s.dialect.upsert([]string{"link_number", "source", "request_id"}, []string{"result"}))
	if err != nil {
		return fmt.Errorf("save answers of requests: %w", err)
	}
	return nil
}

// pruneRequests removes answers that nobody can ask for any more, some at a time. A request that still waits for its write
// stays, however old it is.
func (s *Store) pruneRequests(ctx context.Context, now time.Time) error {
	type list struct {
		link   int64
		source string
	}
	const tooOld = "(created_at < ? OR created_at < ? AND fingerprint LIKE '" + forADay + "%') AND (write_id = '' OR result IS NOT NULL)"
	for {
		old := map[list][]string{}
		found, err := query(s.db.WithContext(ctx), func(row scanner) (id string, err error) {
			var of list
			if err = row.Scan(&of.link, &of.source, &id); err == nil {
				old[of] = append(old[of], id)
			}
			return id, err
		}, "SELECT link_number, source, request_id FROM tandem_requests WHERE "+tooOld+" LIMIT ?",
			moment{now.Add(-keepQueued)}, moment{now.Add(-keepRequests)}, pruneRows)
		if err != nil || len(found) == 0 {
			return err
		}
		for of, ids := range old {
			err := s.transaction(ctx, func(tx *gorm.DB) error {
				// What was asked for anew since it was looked at, by itself or from a queue, is young.
				return tx.Exec("DELETE FROM tandem_requests WHERE link_number = ? AND source = ? AND request_id IN (?) AND "+tooOld,
					of.link, of.source, ids, moment{now.Add(-keepQueued)}, moment{now.Add(-keepRequests)}).Error
			})
			if err != nil {
				return err
			}
		}
	}
}
