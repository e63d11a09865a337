package sheets_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// office is a client whose calls are written down, under a clock that moves when everybody waits.
type office struct {
	t      *testing.T
	fake   *emulator.Emulator
	client *sheets.Client
	answer func(*http.Request) *http.Response // instead of the emulator's, unless nil

	mu    sync.Mutex
	calls []officeCall
}

type officeCall struct {
	at    time.Time
	link  string
	write bool
}

func newOffice(t *testing.T, quota emulator.Settings) *office {
	t.Helper()
	o := &office{t: t, fake: emulator.New(emulator.Options{Seed: 1, Settings: quota})}
	t.Cleanup(o.fake.Close)
	if _, err := o.fake.Create(emulator.Spreadsheet{ID: spreadsheet, Tabs: []emulator.Tab{{Title: "Anime"}}}); err != nil {
		t.Fatal(err)
	}
	var err error
	o.client, err = sheets.New(t.Context(), sheets.Options{Endpoint: "http://emulator", HTTPClient: &http.Client{Transport: o},
		ReadsPerMinute: quota.ReadsPerMinutePerUser, WritesPerMinute: quota.WritesPerMinutePerUser,
		ProjectReadsPerMinute: quota.ReadsPerMinutePerProject, ProjectWritesPerMinute: quota.WritesPerMinutePerProject})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// RoundTrip writes the call down when it arrives.
func (o *office) RoundTrip(r *http.Request) (*http.Response, error) {
	link, _ := tandem.WorkOf(r.Context())
	o.mu.Lock()
	o.calls = append(o.calls, officeCall{time.Now(), link, r.Method == http.MethodPost})
	o.mu.Unlock()
	if o.answer != nil {
		if answer := o.answer(r); answer != nil {
			return answer, nil
		}
	}
	return o.fake.Transport().RoundTrip(r)
}

// read makes one read for a link.
func (o *office) read(ctx context.Context, link string, priority tandem.Priority) error {
	_, err := o.client.SpreadsheetAt(tandem.WithWork(ctx, link, priority), spreadsheet, 1_000_000)
	return err
}

// write makes one write for a link.
func (o *office) write(ctx context.Context, link string, priority tandem.Priority) error {
	o.mu.Lock()
	title := fmt.Sprint("tab ", len(o.calls), rand.Int())
	o.mu.Unlock()
	_, err := o.client.AddTab(tandem.WithWork(ctx, link, priority), spreadsheet, title)
	return err
}

// count counts the calls of a link.
func (o *office) count(link string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.calls {
		if c.link == link {
			n++
		}
	}
	return n
}

// most returns how many calls of a kind were made in the busiest minute.
func (o *office) most(write bool) (most int) {
	var times []time.Time
	for _, c := range o.calls {
		if c.write == write {
			times = append(times, c.at)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	for from := range times {
		to := from
		for to < len(times) && times[to].Sub(times[from]) < time.Minute {
			to++
		}
		most = max(most, to-from)
	}
	return most
}

// keep makes calls, one after the other, until ctx ends.
func keep(ctx context.Context, call func(context.Context, string, tandem.Priority) error, link string, priority tandem.Priority) {
	for ctx.Err() == nil {
		if call(ctx, link, priority) != nil {
			time.Sleep(time.Second) // too late for this call
		}
	}
}

// quota is a budget of reads and writes, with the latency of Google's servers.
func quota(reads, writes int) emulator.Settings {
	return emulator.Settings{ReadsPerMinutePerUser: reads, WritesPerMinutePerUser: writes, LatencyMs: 150, LatencyJitterMs: 100}
}

// inBubble runs test under virtual time, and for so long.
func inBubble(t *testing.T, long time.Duration, test func(t *testing.T, ctx context.Context)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		test(t, ctx)
	})
}

func TestNoMinuteExceedsTheLimit(t *testing.T) {
	for _, limits := range []emulator.Settings{
		quota(60, 60), quota(7, 3), quota(1, 1),
		{ReadsPerMinutePerUser: 60, WritesPerMinutePerUser: 60, ReadsPerMinutePerProject: 20, WritesPerMinutePerProject: 10, LatencyMs: 150},
	} {
		reads, writes := limits.ReadsPerMinutePerUser, limits.WritesPerMinutePerUser
		if limits.ReadsPerMinutePerProject > 0 {
			reads, writes = limits.ReadsPerMinutePerProject, limits.WritesPerMinutePerProject
		}
		inBubble(t, 10*time.Minute, func(t *testing.T, ctx context.Context) {
			o := newOffice(t, limits)
			var all sync.WaitGroup
			for n := range 12 {
				priority := tandem.Priority(n%3 + 1)
				all.Go(func() { keep(ctx, o.read, fmt.Sprint("r", n), priority) })
				all.Go(func() { keep(ctx, o.write, fmt.Sprint("w", n), priority) })
			}
			all.Wait()
			if stats := o.fake.Stats(); stats.Rejected > 0 {
				t.Errorf("limits %d and %d: Google turned %d calls down", reads, writes, stats.Rejected)
			}
			for _, kind := range []struct {
				write bool
				limit int
			}{{false, reads}, {true, writes}} {
				if most := o.most(kind.write); most > kind.limit || most < kind.limit*9/10 {
					t.Errorf("write %v: %d calls in a minute, of %d allowed", kind.write, most, kind.limit)
				}
			}
		})
	}
}

func TestPeopleGoFirst(t *testing.T) {
	inBubble(t, 10*time.Minute, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(60, 60))
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() { keep(ctx, o.read, fmt.Sprint("l", n), tandem.FanOut+tandem.Priority(n%2)) })
		}
		for range 40 {
			time.Sleep(10 * time.Second)
			asked := time.Now()
			if err := o.read(ctx, "person", tandem.People); err != nil {
				t.Error(err)
			}
			if waited := time.Since(asked); waited > 3*time.Second {
				t.Errorf("a person waited %s while 20 links had work", waited)
			}
		}
		<-ctx.Done()
		all.Wait()
		if most := o.most(false); most < 50 {
			t.Errorf("only %d calls in the busiest minute: the links did not use what there is", most)
		}
	})
}

func TestLinksTakeTurns(t *testing.T) {
	inBubble(t, 10*time.Minute, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(60, 60))
		var all sync.WaitGroup
		for n := range 10 {
			many := 1
			if n == 0 {
				many = 8 // one link that wants much more than the others
			}
			for range many {
				all.Go(func() { keep(ctx, o.read, fmt.Sprint("l", n), tandem.FanOut) })
			}
		}
		all.Wait()
		least, most := 1<<30, 0
		for n := range 10 {
			least, most = min(least, o.count(fmt.Sprint("l", n))), max(most, o.count(fmt.Sprint("l", n)))
		}
		if least < 40 || most > least*4/3 {
			t.Errorf("calls of the links: from %d to %d", least, most)
		}
	})
}

func TestNobodyStarves(t *testing.T) {
	inBubble(t, 10*time.Minute, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(60, 60))
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() { keep(ctx, o.read, fmt.Sprint("p", n), tandem.People) })
		}
		all.Go(func() { keep(ctx, o.read, "fan-out", tandem.FanOut) })
		all.Go(func() { keep(ctx, o.read, "backfill", tandem.Backfill) })
		all.Wait()
		if n := o.count("fan-out"); n < 60 || n > 200 {
			t.Errorf("fan-out got %d of 600 calls", n)
		}
		if n := o.count("backfill"); n < 15 || n > 60 {
			t.Errorf("backfill got %d of 600 calls", n)
		}
	})
}

func TestBackfillIsSpreadOverTheMinute(t *testing.T) {
	inBubble(t, 30*time.Second, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(60, 60))
		var all sync.WaitGroup
		for n := range 50 {
			all.Go(func() { keep(ctx, o.write, fmt.Sprint("l", n), tandem.Backfill) })
		}
		all.Wait()
		if n := len(o.calls); n < 20 || n > 26 {
			t.Errorf("backfill made %d calls in half a minute, of 60 a minute", n)
		}
	})
}

func TestCancelledCallsLeaveTheQueue(t *testing.T) {
	inBubble(t, 10*time.Minute, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(1, 1))
		if err := o.read(ctx, "first", tandem.FanOut); err != nil {
			t.Fatal(err)
		}
		waiting := func() int { return o.client.Quota(ctx).Reads.Waiting }
		gone, cancel := context.WithCancel(ctx)
		var all sync.WaitGroup
		for n := range 5 {
			all.Go(func() {
				if err := o.read(gone, fmt.Sprint("gone", n), tandem.FanOut); !errors.Is(err, context.Canceled) {
					t.Errorf("a cancelled call: %v", err)
				}
			})
		}
		synctest.Wait()
		all.Go(func() {
			if err := o.read(ctx, "stays", tandem.FanOut); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if n := waiting(); n != 6 {
			t.Errorf("%d calls wait", n)
		}
		cancel()
		synctest.Wait()
		if n := waiting(); n != 1 {
			t.Errorf("%d calls wait after 5 were cancelled", n)
		}
		began := time.Now()
		all.Wait()
		if took := time.Since(began); took > 61*time.Second || waiting() != 0 {
			t.Errorf("the one that stayed waited %s; %d wait", took, waiting())
		}
	})
}

func TestPeopleAreToldAtOnceThatTheBudgetIsUsedUp(t *testing.T) {
	inBubble(t, 10*time.Minute, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(3, 3))
		for range 3 {
			if err := o.read(ctx, "a", tandem.People); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		err := o.read(short, "a", tandem.People)
		var known *tandem.Error
		if !errors.As(err, &known) || known.Code != tandem.CodeExhausted || known.Reason != "QUOTA" || known.RetryAfter < 50*time.Second || known.RetryAfter > 62*time.Second {
			t.Fatalf("no budget: %v", err)
		}
		if time.Since(began) > 0 {
			t.Errorf("it was told after %s", time.Since(began))
		}
		time.Sleep(known.RetryAfter)
		long, stop := context.WithTimeout(ctx, 5*time.Second)
		defer stop()
		if err := o.read(long, "a", tandem.People); err != nil {
			t.Errorf("when there was to be budget again: %v", err)
		}
	})
}

func TestRefusalsLowerTheLimitForAWhile(t *testing.T) {
	inBubble(t, time.Hour, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(100, 100))
		refuse := 1
		o.answer = func(*http.Request) *http.Response {
			if refuse--; refuse < 0 {
				return nil
			}
			return &http.Response{StatusCode: http.StatusTooManyRequests, Body: http.NoBody, Header: http.Header{"Retry-After": {"20"}}}
		}
		began := time.Now()
		if err := o.write(ctx, "a", tandem.FanOut); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 20*time.Second {
			t.Errorf("tried again after %s, although Google asked for 20 s", took)
		}
		limit := func() int { return o.client.Quota(ctx).Writes.Limit }
		if n := limit(); n < 70 || n > 75 {
			t.Errorf("the limit is %d right after a refusal", n)
		}
		if left := o.client.Quota(ctx).Writes.Left; left != limit()-2 {
			t.Errorf("%d left: both tries count, also the one that was turned down", left)
		}
		if n := o.client.Quota(ctx).Reads.Limit; n != 100 {
			t.Errorf("reads are limited to %d for a refused write", n)
		}
		before := limit()
		time.Sleep(time.Minute)
		if n := limit(); n < before+8 || n > before+12 {
			t.Errorf("a minute later the limit went from %d to %d", before, n)
		}
		time.Sleep(10 * time.Minute)
		if n := limit(); n != 100 {
			t.Errorf("in the end the limit is %d", n)
		}
	})
}

func TestWithoutLimitsNothingWaits(t *testing.T) {
	inBubble(t, time.Hour, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, emulator.Settings{})
		began := time.Now()
		for range 500 {
			if o.client.Ready("a", tandem.Backfill, 0) > 0 {
				t.Fatal("a link waits")
			}
			if err := o.read(ctx, "a", tandem.Backfill); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(began) > 0 {
			t.Errorf("500 calls waited %s", time.Since(began))
		}
		if q := o.client.Quota(ctx); q.Reads.Limit != 0 || len(q.Minutes) != 1 || q.Minutes[0].Reads != 500 {
			t.Errorf("quota: %+v", q)
		}
	})
}

// Links that always have something to do take turns, and their cycles fit into the budget.
func TestCyclesArePaced(t *testing.T) {
	inBubble(t, 20*time.Minute, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(60, 60))
		cycles := make([]int, 20)
		waited := make([]time.Duration, 20)
		var all sync.WaitGroup
		for n := range cycles {
			link := fmt.Sprint("l", n)
			all.Go(func() {
				for ended := time.Now(); ctx.Err() == nil; {
					if o.client.Ready(link, tandem.FanOut, 0) > 0 {
						time.Sleep(100 * time.Millisecond)
						continue
					}
					waited[n] = max(waited[n], time.Since(ended))
					for range 3 {
						_ = o.read(ctx, link, tandem.FanOut)
					}
					_ = o.write(ctx, link, tandem.FanOut)
					ended = time.Now()
					cycles[n]++
				}
			})
		}
		all.Wait()
		least, most := slices.Min(cycles), slices.Max(cycles)
		if least < 12 || most > least+2 {
			t.Errorf("cycles of the links: %v", cycles)
		}
		if slices.Max(waited) > 2*slices.Min(waited) {
			t.Errorf("longest waits of the links: %v", waited)
		}
		if o.fake.Stats().Rejected > 0 {
			t.Errorf("Google turned %d calls down", o.fake.Stats().Rejected)
		}
	})
}

// A lone link is not held up while there is budget, and makes do with what there is for as long as it goes on.
func TestALoneLinkSpreadsItsCycles(t *testing.T) {
	inBubble(t, 5*time.Minute, func(t *testing.T, ctx context.Context) {
		o := newOffice(t, quota(60, 60))
		var began []time.Time
		for ctx.Err() == nil {
			if o.client.Ready("a", tandem.FanOut, 0) > 0 {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			began = append(began, time.Now())
			for range 4 {
				_ = o.read(ctx, "a", tandem.FanOut)
			}
		}
		if n := len(began); n < 60 || n > 75 {
			t.Errorf("%d cycles of four reads in five minutes", n)
		}
		if first := began[2].Sub(began[0]); first > 3*time.Second {
			t.Errorf("the first three cycles took %s", first)
		}
		for i := 1; i < len(began); i++ {
			if gap := began[i].Sub(began[i-1]); gap > 15*time.Second {
				t.Errorf("%s between two cycles", gap)
			}
		}
	})
}
