package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// alerting opens the database as a server does whose links alert url.
func (o *own) alerting(t *testing.T, url string) {
	t.Helper()
	s, err := store.Open(t.Context(), o.url, store.Options{Now: o.clock.Now, AlertURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o.Store = s
}

// alerted takes every alert that is due, as one that arrived, and returns their events.
func (o *own) alerted(t *testing.T) []string {
	t.Helper()
	var events []string
	for {
		due, err := o.Alerts(t.Context(), o.clock.Now(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(due) == 0 {
			return events
		}
		for _, alert := range due {
			events = append(events, alert.Event)
			if err := o.AlertDone(t.Context(), alert.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (o *own) fail(t *testing.T, message string) {
	t.Helper()
	if err := o.SetLastError(t.Context(), "anime", message); err != nil {
		t.Fatal(err)
	}
}

func (o *own) setState(t *testing.T, state tandem.State) {
	t.Helper()
	if err := o.SetState(t.Context(), "anime", nil, state); err != nil {
		t.Fatal(err)
	}
}

// halts halts the link as a cycle does, at whose end its last error is taken away.
func (o *own) halts(t *testing.T, reason string) {
	t.Helper()
	lease := o.claim(t, "halts")
	if err := o.SetHalt(t.Context(), lease, "anime", tandem.Halt{Reason: reason, Message: "too many rows", At: o.clock.Now()}, nil); err != nil {
		t.Fatal(err)
	}
	o.fail(t, "")
	if err := o.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
}

func TestAlertOfHalt(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		o.alerting(t, "https://example.com/all")
		o.setState(t, tandem.StateActive)
		o.halts(t, tandem.HaltTooManyDeletes)
		due, err := o.Alerts(ctx, o.clock.Now(), 10)
		if err != nil || len(due) != 1 {
			t.Fatalf("alerts: %+v, %v", due, err)
		}
		same(t, "alert", due[0], tandem.Alert{ID: due[0].ID, Link: "anime", Event: tandem.AlertHalted, Reason: tandem.HaltTooManyDeletes, Message: "too many rows", At: o.clock.Now()})
		o.halts(t, tandem.HaltTooManyDeletes) // as it is: no news
		if _, err := o.Approve(ctx, "anime", true); err != nil {
			t.Fatal(err)
		}
		same(t, "halted and approved", o.alerted(t), []string{"HALTED", "RECOVERED"})
		o.halts(t, tandem.HaltTabGone)
		o.halts(t, tandem.HaltTimeZone)
		o.setState(t, tandem.StatePaused)
		o.setState(t, tandem.StateActive)
		same(t, "halted twice and paused", o.alerted(t), []string{"HALTED", "HALTED", "RECOVERED"})
	})
}

// What is told and what is stored commit together.
func TestNoAlertOfAHaltThatWasFencedOff(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		o.alerting(t, "https://example.com/all")
		lease := o.claim(t, "a")
		o.setState(t, tandem.StatePaused)
		if err := o.SetHalt(t.Context(), lease, "anime", tandem.Halt{Reason: tandem.HaltTabGone}, nil); err == nil {
			t.Error("halted by who was fenced off")
		}
		same(t, "alerts", o.alerted(t), []string(nil))
	})
}

func TestAlertsGoToTheLinksAddress(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		o.setState(t, tandem.StateActive)
		o.halts(t, tandem.HaltTabGone)
		if _, err := o.Approve(ctx, "anime", true); err != nil {
			t.Fatal(err)
		}
		same(t, "with nobody to tell", o.alerted(t), []string(nil))
		link := o.link
		link.AlertURL = "https://example.com/own"
		if _, err := o.UpdateLink(ctx, link, 0); err != nil {
			t.Fatal(err)
		}
		o.halts(t, tandem.HaltTabGone)
		due, err := o.Alerts(ctx, o.clock.Now(), 10)
		if err != nil || len(due) != 1 || due[0].URL != link.AlertURL {
			t.Errorf("alerts: %+v, %v", due, err)
		}
	})
}

func TestAlertOfStall(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		o.alerting(t, "https://example.com/all")
		o.setState(t, tandem.StateActive)
		began := o.clock.Now()
		o.fail(t, "no quota")
		o.clock.pass(5*time.Minute - time.Microsecond)
		o.fail(t, "no quota")
		same(t, "just before", o.alerted(t), []string(nil))
		o.clock.pass(time.Microsecond)
		o.fail(t, "no network")
		due, err := o.Alerts(t.Context(), o.clock.Now(), 10)
		if err != nil || len(due) != 1 || due[0].Event != tandem.AlertStalled || !strings.Contains(due[0].Message, "no network") ||
			!strings.Contains(due[0].Message, began.Format(time.RFC3339)) {
			t.Errorf("alerts: %+v, %v", due, err)
		}
		o.clock.pass(time.Hour)
		o.fail(t, "no network")
		same(t, "told once", o.alerted(t), []string{"STALLED"})
		o.fail(t, "")
		o.fail(t, "")
		same(t, "over", o.alerted(t), []string{"RECOVERED"})
		o.fail(t, "no quota")
		o.clock.pass(4 * time.Minute)
		o.fail(t, "")
		o.clock.pass(4 * time.Minute)
		o.fail(t, "no quota")
		same(t, "two short failures", o.alerted(t), []string(nil))

		// While a link is paused nothing is tried: that time does not count.
		o.setState(t, tandem.StatePaused)
		o.clock.pass(time.Hour)
		o.fail(t, "the last words of a cycle")
		o.clock.pass(time.Hour)
		o.fail(t, "the last words of a cycle")
		o.setState(t, tandem.StateActive)
		o.fail(t, "no quota")
		same(t, "paused", o.alerted(t), []string(nil))
		o.clock.pass(5 * time.Minute)
		o.fail(t, "no quota")
		o.halts(t, tandem.HaltTabGone)
		if _, err := o.Approve(t.Context(), "anime", true); err != nil {
			t.Fatal(err)
		}
		same(t, "stalled, then halted", o.alerted(t), []string{"STALLED", "HALTED", "RECOVERED"})
		if err := o.SetLastError(t.Context(), "nothing", "x"); err != nil {
			t.Errorf("an error of a link that is gone: %v", err)
		}
	})
}

func TestAlertsArriveInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		o.alerting(t, "https://example.com/all")
		if _, err := o.CreateLink(ctx, newLink("other", 3)); err != nil {
			t.Fatal(err)
		}
		o.setState(t, tandem.StateActive)
		o.halts(t, tandem.HaltTabGone)
		if _, err := o.Approve(ctx, "anime", true); err != nil {
			t.Fatal(err)
		}
		lease, _, err := o.Claim(ctx, "links/other", "a", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.SetHalt(ctx, lease, "other", tandem.Halt{Reason: tandem.HaltTabGone}, nil); err != nil {
			t.Fatal(err)
		}
		due := func(want ...string) []tandem.Alert {
			t.Helper()
			alerts, err := o.Alerts(ctx, o.clock.Now(), 10)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, alert := range alerts {
				got = append(got, alert.Link+" "+alert.Event)
			}
			same(t, "due", got, want)
			return alerts
		}
		first := due("anime HALTED", "other HALTED")[0]
		if one, err := o.Alerts(ctx, o.clock.Now(), 1); err != nil || len(one) != 1 {
			t.Errorf("one alert: %+v, %v", one, err)
		}
		if err := o.AlertFailed(ctx, first.ID, o.clock.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		due("other HALTED") // the recovery waits for the halt that it is of
		o.clock.pass(time.Minute)
		if again := due("anime HALTED", "other HALTED"); again[0].Attempts != 1 {
			t.Errorf("tried %d times", again[0].Attempts)
		}
		if err := o.AlertDone(ctx, first.ID); err != nil {
			t.Fatal(err)
		}
		due("anime RECOVERED", "other HALTED")
		o.clock.pass(24*time.Hour - time.Minute - time.Microsecond)
		if err := o.Prune(ctx); err != nil {
			t.Fatal(err)
		}
		due("anime RECOVERED", "other HALTED")
		o.clock.pass(time.Microsecond)
		due() // a day old
		if err := o.Prune(ctx); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := o.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM tandem_alerts").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d old alerts stay, %v", n, err)
		}
	})
}
