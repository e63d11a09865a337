package store

import (
	"context"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// agreedCount belongs to schema version 6: how many transactions have changed baselines of a link.
var agreedCount = []ownColumn{{"tandem_links", "agreed", "{number} DEFAULT 0"}}

// countAgreed belongs into every transaction that changes baselines of a link which stays.
func countAgreed(tx *gorm.DB, link int64) error {
	return tx.Exec("UPDATE tandem_links SET agreed = agreed + 1 WHERE number = ?", link).Error
}

// agreements are rows of a remembered link of which is known that they hold, to the letter, what both sides last agreed on, so
// that their baselines need not be read again as long as nobody commits one of the link.
//
// What is remembered are fingerprints of baselines. The count beside them is that of the link's commits of baselines when they
// were read, or earlier: they serve for as long as it stays. It is looked at when the link is read, so that what another
// process commits shows within the second for which that is remembered, as with marks.
type agreements struct {
	count int64

	mu     sync.Mutex
	prints map[tandem.Key]uint64
	pages  map[rowPage]bool // those whose rows were all such ones
}

// rowPage is a page of rows in the order of their keys.
type rowPage struct {
	after tandem.Key
	limit int
}

// maxAgreements is how many rows of a link are remembered; beyond it is begun anew.
const maxAgreements = 1 << 15

// printSeed is of this process: fingerprints never leave it.
var printSeed = maphash.MakeSeed()

func printOf(values []tandem.Value) uint64 {
	var h maphash.Hash
	h.SetSeed(printSeed)
	for i := range values {
		value := &values[i]
		state := byte('t')
		switch {
		case value.IsNull():
			state = 'n'
		case value.IsAbsent():
			state = 'a'
		case value.IsInvalid():
			state = 'i'
		}
		text := value.Text()
		n := len(text)
		_, _ = h.Write([]byte{state, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
		_, _ = h.WriteString(text)
	}
	return h.Sum64()
}

// agreementsSince returns what still holds of the agreements of a table that was read before, nothing where anything moved.
func (t *Table) agreementsSince(before *Table, count int64) *agreements {
	if before != nil && before.link.Number == t.link.Number && before.config == t.config && before.agreements.count == count {
		return before.agreements
	}
	return &agreements{count: count, prints: map[tandem.Key]uint64{}, pages: map[rowPage]bool{}}
}

func (a *agreements) hasRow(key tandem.Key) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, has := a.prints[key]
	return has
}

func (a *agreements) hasPage(page rowPage) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pages[page]
}

// learn notes rows that were read with their baselines, and returns whether all hold just that.
func (a *agreements) learn(rows []KnownRow) (all bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.prints)+len(rows) > maxAgreements || len(a.pages) > maxAgreements/16 {
		clear(a.prints)
		clear(a.pages)
	}
	all = true
	for i := range rows {
		if !sameAsBaseline(&rows[i]) {
			delete(a.prints, rows[i].Key)
			all = false
			continue
		}
		key := rows[i].Key
		if _, has := a.prints[key]; !has {
			key = tandem.Key(strings.Clone(string(key))) // else it holds on to the texts of the whole row
		}
		a.prints[key] = printOf(rows[i].Values)
	}
	return all
}

func (a *agreements) learnPage(page rowPage, rows []KnownRow) {
	all := a.learn(rows)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pages[page] = true; !all {
		delete(a.pages, page)
	}
}

func sameAsBaseline(row *KnownRow) bool {
	if row.State == nil || row.Key == "" || len(row.State.Baseline) != len(row.Values) {
		return false
	}
	for i := range row.Values {
		if row.Values[i] != row.State.Baseline[i] || row.Values[i].IsAbsent() {
			return false
		}
	}
	return true
}

// tell gives rows their baselines, and returns false unless all of them are known to hold these.
func (a *agreements) tell(rows []KnownRow) bool {
	states := make([]tandem.RowState, len(rows))
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range rows {
		print, has := a.prints[rows[i].Key]
		if !has || print != printOf(rows[i].Values) {
			return false
		}
		states[i].Baseline = rows[i].Values
		rows[i].State = &states[i]
	}
	return len(rows) > 0
}

// readAgreed reads rows without their baselines. It returns none unless all are known to hold what was agreed on.
func (t *Table) readAgreed(ctx context.Context, rest string, args []any, limit int) ([]KnownRow, error) {
	rows, reader := make([]KnownRow, 0, limit), t.newReader(0, limit)
	err := keptQuery(ctx, t.store.db.Statement.ConnPool, t.known.fields+" FROM "+t.table()+rest, args, func(row scanner) error {
		if err := reader.scan(row); err != nil {
			return err
		}
		rows = append(rows, KnownRow{Row: reader.row()})
		return nil
	})
	if err != nil || !t.agreements.tell(rows) {
		return nil, err
	}
	return rows, nil
}
