package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// lagRows is how many rows the linked table has; changes hit rows at random.
const lagRows = 4000

// lagEnd is how long the last changes may take to arrive, once no more are made.
const lagEnd = 3 * time.Minute

// lag measures, with Google's quotas and the spreadsheet's hook in place, the time from a change's commit (or a person's edit)
// to the moment at which the other side shows it. Each run begins with the whole budget of a minute. Who watches makes no call that counts: the sheet is looked at within this
// process after each write that was answered, the table every 10 ms. The floor is what Google's own latency makes of the
// calls that one change needs: to the sheet a read (the row as it stands) and a write, to the table a read.
func lag(ctx context.Context) (rows []row, err error) {
	s, err := lagStage(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	google := emulator.GoogleSettings()
	s.google.Configure(google)
	call := time.Duration(google.LatencyMs) * time.Millisecond
	directions := []struct {
		name   string
		floor  time.Duration
		change func(ctx context.Context, s *stage, run *lagRun, rate int) error
	}{
		{"lag table → sheet", 2 * call, changeTable},
		{"lag sheet → table", call, changeSheet},
	}
	for _, rate := range strings.Split(*rates, ",") {
		perSecond, err := strconv.Atoi(rate)
		if err != nil || perSecond < 1 {
			return rows, fmt.Errorf("-rates: %q is no number of changes a second", rate)
		}
		for _, d := range directions {
			if err := s.rest(ctx); err != nil {
				return rows, err
			}
			s.google.ResetStats()
			run := newLagRun(lagRows)
			if err := d.change(ctx, s, run, perSecond); err != nil {
				return rows, fmt.Errorf("%s at %d a second: %w", d.name, perSecond, err)
			}
			p50, p99 := run.percentile(.5), run.percentile(.99)
			fmt.Fprintf(os.Stderr, "  %s, %d/s: p50 %.2f s, p99 %.2f s, %d changes; %s\n", d.name, perSecond, p50.Seconds(), p99.Seconds(), len(run.lags), s.calls())
			rows = append(rows, row{fmt.Sprintf("%s, %d/s", d.name, perSecond), fmt.Sprintf("p50 %.2f s, p99 %.2f s", p50.Seconds(), p99.Seconds()),
				fmt.Sprintf("%.2f s: Google's latency alone", d.floor.Seconds()), ratio(p50.Seconds(), d.floor.Seconds())})
		}
	}
	return rows, nil
}

// rest waits until the budget of the runs before is there again.
func (s *stage) rest(ctx context.Context) error {
	deadline, ticker := time.Now().Add(2*time.Minute), time.NewTicker(time.Second)
	defer ticker.Stop()
	for time.Now().Before(deadline) {
		quota, err := s.call(ctx, "GET", "/v1/quota", nil)
		if err != nil {
			return err
		}
		reads, _ := quota["reads"].(map[string]any)
		limit, _ := reads["limit"].(float64)
		left, _ := reads["left"].(float64)
		if left >= limit*9/10 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil // something reads all the time, which belongs to what is measured
}

func lagStage(ctx context.Context) (*stage, error) {
	s, err := newStage(ctx, quotaFlags...)
	if err != nil {
		return nil, err
	}
	fill := "CREATE TABLE lag (id INT PRIMARY KEY, n BIGINT NOT NULL, title VARCHAR(100), score INT, KEY (n)); INSERT INTO lag SELECT seq, 0, CONCAT('Title ', seq), seq % 100 FROM seq_1_to_" + strconv.Itoa(lagRows)
	if _, err = s.db.ExecContext(ctx, fill); err == nil {
		err = s.link(ctx, "lag")
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// lagRun are the changes of one run. Each writes the next number into a row; it has arrived when the other side shows that
// number there, or a later one.
type lagRun struct {
	mu    sync.Mutex
	next  int64
	open  [][]lagChange // by row, in order
	count int           // of open changes
	lags  []time.Duration
}

type lagChange struct {
	n  int64
	at time.Time
}

// numbers start anew in each run above all that came before.
var lastNumber int64

func newLagRun(rows int) *lagRun { return &lagRun{open: make([][]lagChange, rows), next: lastNumber} }

// take returns the next number.
func (r *lagRun) take() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	lastNumber = r.next
	return r.next
}

func (r *lagRun) made(row int, n int64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[row] = append(r.open[row], lagChange{n, at})
	r.count++
}

// seen notes that the other side showed number n in a row.
func (r *lagRun) seen(row int, n int64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.open[row]) > 0 && r.open[row][0].n <= n {
		r.lags = append(r.lags, max(0, at.Sub(r.open[row][0].at)))
		r.open[row] = r.open[row][1:]
		r.count--
	}
}

// oldest returns the smallest number that has not arrived, and how many have not.
func (r *lagRun) oldest() (n int64, count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = r.next + 1
	for _, changes := range r.open {
		if len(changes) > 0 {
			n = min(n, changes[0].n)
		}
	}
	return n, r.count
}

func (r *lagRun) percentile(p float64) time.Duration {
	if len(r.lags) == 0 {
		return 0
	}
	slices.Sort(r.lags)
	return r.lags[min(len(r.lags)-1, int(p*float64(len(r.lags))))]
}

// beats calls do with how many changes to make, such that there are rate a second, for as long as -lag says.
func beats(ctx context.Context, rate int, every time.Duration, do func(changes int) error) error {
	ticker := time.NewTicker(max(every, time.Second/time.Duration(rate)))
	defer ticker.Stop()
	began, made := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		passed := time.Since(began)
		if passed > *lasts {
			return nil
		}
		due := int(passed.Seconds()*float64(rate)) - made
		if due <= 0 {
			continue
		}
		if err := do(due); err != nil {
			return err
		}
		made += due
	}
}

// changeTable commits changes by SQL and watches the sheet.
func changeTable(ctx context.Context, s *stage, run *lagRun, rate int) error {
	look := func(at time.Time) {
		shown, err := s.column("n")
		if err != nil {
			return
		}
		for row := range min(len(shown), lagRows) {
			if n, err := strconv.ParseInt(shown[row], 10, 64); err == nil {
				run.seen(row, n, at)
			}
		}
	}
	s.watch(look)
	defer s.watch(nil)
	err := beats(ctx, rate, 10*time.Millisecond, func(changes int) error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		made := make(map[int]int64, changes)
		for range changes {
			row, n := rand.IntN(lagRows), run.take()
			if _, err := tx.ExecContext(ctx, "UPDATE lag SET n = ? WHERE id = ?", n, row+1); err != nil {
				return err
			}
			made[row] = n
		}
		// Noted before the commit, so that none is overlooked which arrives at once.
		at := time.Now()
		for row, n := range made {
			run.made(row, n, at)
		}
		return tx.Commit()
	})
	if err != nil {
		return err
	}
	return arrived(ctx, run, 100*time.Millisecond, func() error { look(time.Now()); return nil })
}

// changeSheet has a person type or paste, ten times a second at most, and watches the table.
func changeSheet(ctx context.Context, s *stage, run *lagRun, rate int) error {
	look := func() error {
		from, count := run.oldest()
		if count == 0 {
			return nil
		}
		found, err := s.db.QueryContext(ctx, "SELECT id, n FROM lag WHERE n >= ?", from)
		if err != nil {
			return err
		}
		defer func() { _ = found.Close() }()
		at := time.Now()
		for found.Next() {
			var id int
			var n int64
			if err := found.Scan(&id, &n); err != nil {
				return err
			}
			run.seen(id-1, n, at)
		}
		return found.Err()
	}
	watching, stop := context.WithCancel(ctx)
	watched := make(chan error, 1)
	go func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		var err error
		for err == nil && watching.Err() == nil {
			<-ticker.C
			err = look()
		}
		watched <- err
	}()
	err := beats(ctx, rate, 100*time.Millisecond, func(changes int) error {
		first := rand.IntN(lagRows - changes)
		values := make([][]string, changes)
		at := time.Now()
		for i := range values {
			n := run.take()
			values[i] = []string{strconv.FormatInt(n, 10)}
			run.made(first+i, n, at)
		}
		return s.google.Edit(spreadsheet, emulator.Edit{Paste: &emulator.Paste{Sheet: "Data", A1: "B" + strconv.Itoa(first+2), Values: values}})
	})
	if err == nil {
		err = arrived(ctx, run, 10*time.Millisecond, func() error { return nil })
	}
	stop()
	if failed := <-watched; err == nil && failed != nil && ctx.Err() == nil {
		err = failed
	}
	return err
}

// arrived waits until every change has arrived.
func arrived(ctx context.Context, run *lagRun, every time.Duration, look func() error) error {
	deadline, ticker := time.Now().Add(lagEnd), time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := look(); err != nil {
			return err
		}
		_, count := run.oldest()
		if count == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d changes did not arrive within %s", count, lagEnd)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
