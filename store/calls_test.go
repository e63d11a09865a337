package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

func callAsk(process string, write bool) tandem.CallAsk {
	return tandem.CallAsk{Project: "project", Credential: "a@example.com", Process: process, Write: write, PerUser: 10, PerProject: 15, Share: 1}
}

// take asks for calls until one is refused, and returns how many were granted, and the refusal.
func take(t *testing.T, s *store.Store, ask tandem.CallAsk) (n int, refused tandem.CallGrant) {
	t.Helper()
	for ; ; n++ {
		grant, err := s.TakeCall(t.Context(), ask)
		if err != nil {
			t.Error(err)
			return n, grant
		}
		if grant.Wait > 0 {
			return n, grant
		}
	}
}

func TestCallsAreCountedForAllProcesses(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		stores := []*store.Store{o.Store, o.another(t), o.another(t)}
		var all sync.WaitGroup
		granted := make([]int, len(stores))
		for n, s := range stores {
			all.Go(func() { granted[n], _ = take(t, s, callAsk(string(rune('A'+n)), false)) })
		}
		all.Wait()
		if sum := granted[0] + granted[1] + granted[2]; sum != 10 {
			t.Errorf("three processes were granted %v calls, of 10", granted)
		}
		if n, _ := take(t, o.Store, callAsk("A", true)); n != 10 {
			t.Errorf("%d writes beside the reads, of 10", n)
		}
		other := callAsk("A", false)
		other.Credential = "b@example.com"
		if n, _ := take(t, o.Store, other); n != 5 {
			t.Errorf("%d reads by another account, of the 5 that the project had left", n)
		}
		_, refused := take(t, o.Store, callAsk("A", false))
		if refused.User != 10 || refused.Project != 15 || refused.Processes < 1 || refused.Wait < time.Minute || refused.Wait > 63*time.Second {
			t.Errorf("refused: %+v", refused)
		}
		o.clock.pass(refused.Wait)
		if n, _ := take(t, o.Store, callAsk("A", false)); n != 10 {
			t.Errorf("%d calls when the wait was over", n)
		}
	})
}

// Whatever the moments at which calls are made: no minute has more than the limit.
func TestNoMinuteHasMoreCallsThanTheLimit(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		var made []time.Time
		for step := range 120 {
			grant, err := o.TakeCall(t.Context(), callAsk("A", false))
			if err != nil {
				t.Fatal(err)
			}
			if grant.Wait == 0 {
				made = append(made, o.clock.Now())
			}
			o.clock.pass(time.Duration(step*7919%4000+100) * time.Millisecond)
		}
		if len(made) < 30 {
			t.Fatalf("only %d calls were granted", len(made))
		}
		for i := 10; i < len(made); i++ {
			if apart := made[i].Sub(made[i-10]); apart <= time.Minute {
				t.Errorf("11 calls within %s", apart)
			}
		}
	})
}

func TestARefusedCallLowersEverybodysLimit(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		other, ctx := o.another(t), t.Context()
		if _, err := o.TakeCall(ctx, callAsk("A", false)); err != nil {
			t.Fatal(err)
		}
		for range 3 { // calls that were under way together count once
			if err := o.CallRefused(ctx, callAsk("A", false)); err != nil {
				t.Fatal(err)
			}
		}
		if n, _ := take(t, other, callAsk("B", false)); n != 6 {
			t.Errorf("%d more calls at 70 %% of 10, one of which was refused and stays counted", n)
		}
		if n, _ := take(t, other, callAsk("B", true)); n != 10 {
			t.Errorf("%d writes after a refused read", n)
		}
		o.clock.pass(11 * time.Minute)
		if n, _ := take(t, other, callAsk("B", false)); n != 10 {
			t.Errorf("%d calls when the limit has recovered", n)
		}
		minutes, err := o.CallMinutes(ctx, "project", "a@example.com", o.clock.Now().Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		began := o.clock.Now().Truncate(time.Minute)
		same(t, "minutes", minutes, []tandem.CallMinute{
			{Start: began.Add(-11 * time.Minute), Reads: 7, Writes: 10, Rejected: 3}, {Start: began, Reads: 10}})
	})
}

func TestUnrecordedCallsAreCountedLater(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ask := callAsk("A", false)
		ask.Unrecorded = 8
		if grant, err := o.TakeCall(t.Context(), ask); err != nil || grant.Wait > 0 || grant.User != 9 {
			t.Errorf("%+v, %v", grant, err)
		}
		ask.Unrecorded = 4
		if grant, err := o.TakeCall(t.Context(), ask); err != nil || grant.Wait == 0 || grant.User != 13 {
			t.Errorf("more calls than the limit: %+v, %v", grant, err)
		}
		if used, err := o.CallsUsed(t.Context(), callAsk("A", false)); err != nil || used.User != 13 {
			t.Errorf("used: %+v, %v", used, err)
		}
	})
}

func TestOldCallsArePruned(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		count := func() (n int) {
			if err := o.sql.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM tandem_calls").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for range 3 {
			if _, err := o.TakeCall(t.Context(), callAsk("A", false)); err != nil {
				t.Fatal(err)
			}
			o.clock.pass(31 * time.Minute)
		}
		if count() != 3 {
			t.Fatalf("%d rows", count())
		}
		if err := o.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if count() != 1 {
			t.Errorf("%d rows are left after an hour", count())
		}
	})
}
