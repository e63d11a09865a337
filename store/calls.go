package store

import (
	"context"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

const (
	// callWindow is how long a call counts, in whole seconds. Google counts a minute; the rest is for seconds that have only
	// begun, and for calls that were longer under way than those before them.
	callWindow = 62
	// keepCalls is how long calls can be looked at.
	keepCalls = time.Hour
)

const (
	callRead  = "read"
	callWrite = "write"
)

func callKind(write bool) string {
	if write {
		return callWrite
	}
	return callRead
}

// TakeCall counts a call unless the limits are reached; then it says how long to wait. All processes ask the same rows, one
// after the other, so together they never make more calls in any minute than the limits allow.
func (s *Store) TakeCall(ctx context.Context, ask tandem.CallAsk) (grant tandem.CallGrant, err error) {
	err = s.beside(ctx, func(tx *gorm.DB) error {
		grant = tandem.CallGrant{}
		if err := s.lockBudget(tx, ask, &grant.Throttle); err != nil {
			return err
		}
		now, err := s.sharedNow(tx)
		if err != nil {
			return err
		}
		used, err := s.callsUsed(tx, ask, now)
		if err != nil {
			return err
		}
		if ask.Unrecorded > 0 {
			// These were made within the last minute, nobody knows when: the latest moment is the safe one.
			if err := addCalls(tx, ask, now, ask.Unrecorded, 0); err != nil {
				return err
			}
			used = append(used, usedCall{ask.Credential, ask.Process, now.Unix(), ask.Unrecorded})
		}
		count := func() {
			grant.User, grant.Project, grant.Processes = tally(used, ask)
		}
		count()
		if grant.Wait = waitFor(used, ask, grant, now); grant.Wait > 0 {
			return nil
		}
		used = append(used, usedCall{ask.Credential, ask.Process, now.Unix(), 1})
		count()
		return addCalls(tx, ask, now, 1, 0)
	})
	return grant, wrap(err, "count a call of the Sheets API")
}

// CallRefused records that Google turned a call down that was counted before, and lowers the limit of everybody. The call
// stays counted: a refusal frees no budget.
func (s *Store) CallRefused(ctx context.Context, ask tandem.CallAsk) error {
	err := s.beside(ctx, func(tx *gorm.DB) error {
		var throttle tandem.Throttle
		if err := s.lockBudget(tx, ask, &throttle); err != nil {
			return err
		}
		now, err := s.sharedNow(tx)
		if err != nil {
			return err
		}
		now = now.UTC().Truncate(time.Microsecond)
		if err := addCalls(tx, ask, now, 0, 1); err != nil {
			return err
		}
		if throttle = throttle.Lower(now); throttle.At != now {
			return nil
		}
		return tx.Exec("UPDATE tandem_budgets SET permille = ?, lowered_at = ? WHERE name = ?",
			int(throttle.Factor*1000), moment{throttle.At}, budgetName(ask)).Error
	})
	return wrap(err, "record a call that Google turned down")
}

// sharedNow is the time by the one clock that all processes share: the database's, so that machines whose clocks differ count the
// same minute. On SQLite they are on one machine.
func (s *Store) sharedNow(tx *gorm.DB) (time.Time, error) {
	if s.dialect.clock == "" || !s.ownClock {
		return s.now(), nil
	}
	micros, _, err := queryOne(tx, scanNumber, s.dialect.clock)
	return time.UnixMicro(micros).UTC(), err
}

// CallsUsed answers as TakeCall does, and counts nothing.
func (s *Store) CallsUsed(ctx context.Context, ask tandem.CallAsk) (grant tandem.CallGrant, err error) {
	tx := s.db.WithContext(ctx)
	now, err := s.sharedNow(tx)
	if err != nil {
		return grant, wrap(err, "read the budget of calls")
	}
	if grant.Throttle, _, err = throttleOf(tx, ask, ""); err != nil {
		return grant, wrap(err, "read the budget of calls")
	}
	used, err := s.callsUsed(tx, ask, now)
	grant.User, grant.Project, grant.Processes = tally(used, ask)
	grant.Wait = waitFor(used, ask, grant, now)
	return grant, wrap(err, "read the budget of calls")
}

// CallMinutes returns what a credential called in each minute since a moment, the oldest first; minutes without calls are
// left out.
func (s *Store) CallMinutes(ctx context.Context, project, credential string, since time.Time) ([]tandem.CallMinute, error) {
	minutes, err := query(s.db.WithContext(ctx), func(row scanner) (m tandem.CallMinute, err error) {
		var minute int64
		err = row.Scan(&minute, &m.Reads, &m.Writes, &m.Rejected)
		m.Start = time.Unix(minute*60, 0).UTC()
		return m, err
	}, `SELECT at_minute, SUM(CASE WHEN kind = 'read' THEN made ELSE 0 END), SUM(CASE WHEN kind = 'write' THEN made ELSE 0 END), SUM(rejected)
		FROM tandem_calls WHERE at_second >= ? AND project = ? AND credential = ? GROUP BY at_minute ORDER BY at_minute`, since.Unix(), project, credential)
	return minutes, wrap(err, "read the calls of the last hour")
}

func budgetName(ask tandem.CallAsk) string { return clip(callKind(ask.Write) + " " + ask.Project) }

// lockBudget keeps every other process from counting calls of the project until tx ends.
func (s *Store) lockBudget(tx *gorm.DB, ask tandem.CallAsk, throttle *tandem.Throttle) error {
	for range 2 {
		found := false
		var err error
		if *throttle, found, err = throttleOf(tx, ask, s.dialect.forUpdate); err != nil || found {
			return err
		}
		err = tx.Exec("INSERT INTO tandem_budgets (name, permille) VALUES (?, 1000)"+s.dialect.upsert([]string{"name"}, nil), budgetName(ask)).Error
		if err != nil {
			return err
		}
	}
	return nil
}

func throttleOf(tx *gorm.DB, ask tandem.CallAsk, suffix string) (throttle tandem.Throttle, found bool, err error) {
	return queryOne(tx, func(row scanner) (t tandem.Throttle, err error) {
		var permille int
		var at moment
		err = row.Scan(&permille, &at)
		return tandem.Throttle{Factor: float64(permille) / 1000, At: at.Time}, err
	}, "SELECT permille, lowered_at FROM tandem_budgets WHERE name = ?"+suffix, budgetName(ask))
}

// usedCall are calls that one process made in one second.
type usedCall struct {
	credential, process string
	second              int64
	made                int
}

// callsUsed returns the calls of the project that still count, the oldest first.
func (s *Store) callsUsed(tx *gorm.DB, ask tandem.CallAsk, now time.Time) ([]usedCall, error) {
	return query(tx, func(row scanner) (c usedCall, err error) {
		return c, row.Scan(&c.credential, &c.process, &c.second, &c.made)
	}, "SELECT credential, process, at_second, made FROM tandem_calls WHERE at_second > ? AND kind = ? AND project = ? ORDER BY at_second",
		now.Unix()-callWindow, callKind(ask.Write), ask.Project)
}

func tally(used []usedCall, ask tandem.CallAsk) (user, project, processes int) {
	seen := map[string]bool{ask.Process: true}
	for _, c := range used {
		project += c.made
		if c.credential == ask.Credential {
			user += c.made
		}
		seen[c.process] = true
	}
	return user, project, len(seen)
}

// waitFor returns how long it takes until enough calls no longer count; 0 when one more may be made now.
func waitFor(used []usedCall, ask tandem.CallAsk, grant tandem.CallGrant, now time.Time) time.Duration {
	share := grant.Throttle.Now(now)
	if ask.Share > 0 {
		share *= ask.Share
	}
	overUser, overProject := grant.User-tandem.Allowed(ask.PerUser, share)+1, grant.Project-tandem.Allowed(ask.PerProject, share)+1
	var wait time.Duration
	for _, c := range used {
		if overUser <= 0 && overProject <= 0 {
			break
		}
		overProject -= c.made
		if c.credential == ask.Credential {
			overUser -= c.made
		}
		wait = time.Unix(c.second+callWindow, 0).Sub(now)
	}
	return max(0, wait)
}

// addCalls counts calls of one process in one second; the budget is locked.
func addCalls(tx *gorm.DB, ask tandem.CallAsk, now time.Time, made, rejected int) error {
	args := []any{made, rejected, now.Unix(), callKind(ask.Write), ask.Project, ask.Credential, ask.Process}
	result := tx.Exec(`UPDATE tandem_calls SET made = made + ?, rejected = rejected + ?
		WHERE at_second = ? AND kind = ? AND project = ? AND credential = ? AND process = ?`, args...)
	if result.Error != nil || result.RowsAffected > 0 {
		return result.Error
	}
	return tx.Exec(`INSERT INTO tandem_calls (made, rejected, at_second, kind, project, credential, process, at_minute) VALUES (?,?,?,?,?,?,?,?)`,
		append(args, now.Unix()/60)...).Error
}

// pruneCalls removes calls that nobody can ask for any more.
func pruneCalls(tx *gorm.DB, before time.Time) error {
	return tx.Exec("DELETE FROM tandem_calls WHERE at_second < ?", before.Unix()).Error
}
