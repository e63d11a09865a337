package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

func TestProcessesMigrateTogether(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				s, err := store.Open(t.Context(), o.url, store.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				s.Close()
			})
		}
		group.Wait()
		o.exec(t, "INSERT INTO tandem_migrations (version, name) VALUES (99, 'from the future')")
		_, err := store.Open(t.Context(), o.url, store.Options{})
		if err == nil || !strings.Contains(err.Error(), "schema version 99") {
			t.Errorf("a newer schema was opened: %v", err)
		}
	})
}

func TestLinks(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		want := newLink("anime", 0)
		want.Number, want.State, want.Version, want.Created, want.Updated = 1, tandem.StateNew, 1, o.clock.Now(), o.clock.Now()
		same(t, "created link", o.link, want)
		_, err := o.CreateLink(ctx, newLink("anime", 7))
		wantError(t, err, tandem.CodeAlreadyExists, "LINK_EXISTS")
		_, err = o.CreateLink(ctx, newLink("other", 0))
		wantError(t, err, tandem.CodeAlreadyExists, "TAB_LINKED")
		_, err = o.Link(ctx, "anime ")
		wantError(t, err, tandem.CodeNotFound, "LINK_NOT_FOUND")
		other, err := o.CreateLink(ctx, newLink("other", 1))
		if err != nil {
			t.Fatal(err)
		}
		other.SheetID = 0
		_, err = o.UpdateLink(ctx, other, 0)
		wantError(t, err, tandem.CodeAlreadyExists, "TAB_LINKED")

		changed := o.link
		changed.DisplayName = "Films"
		changed, err = o.UpdateLink(ctx, changed, 1)
		if err != nil || changed.Version != 2 || changed.DisplayName != "Films" {
			t.Errorf("updated link: %+v, %v", changed, err)
		}
		_, err = o.UpdateLink(ctx, changed, 1)
		wantError(t, err, tandem.CodeAborted, "ETAG_MISMATCH")

		if err := o.SetLastError(ctx, "anime", "no quota"); err != nil {
			t.Fatal(err)
		}
		if err := o.AddMarks(ctx, "anime", []tandem.Mark{{Source: tandem.Sheet}, {Source: tandem.Database, Key: "1"}}); err != nil {
			t.Fatal(err)
		}
		links, err := o.Links(ctx)
		if err != nil || len(links) != 2 {
			t.Fatalf("links: %v, %v", links, err)
		}
		same(t, "status of a link that was never synced", links[0].Status, tandem.Status{LastError: "no quota"})
		if err := o.SetState(ctx, "anime", nil, tandem.StateActive); err != nil {
			t.Fatal(err)
		}
		again := []tandem.Mark{{Source: tandem.Sheet, Key: "1"}, {Source: tandem.Database, Key: "2"}}
		if err := o.AddMarks(ctx, "anime", again); err != nil {
			t.Fatal(err)
		}
		if links, err = o.Links(ctx); err != nil {
			t.Fatal(err)
		}
		same(t, "status: two rows, of which one is marked twice", links[0].Status, tandem.Status{LastError: "no quota", Pending: 2})
	})
}

func TestDeletedLinkLeavesNothingToItsSuccessor(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{{Key: "1", Baseline: text("1", "Akira", "9")}}})
		if err := o.AddMarks(ctx, "anime", []tandem.Mark{{Source: tandem.Sheet}}); err != nil {
			t.Fatal(err)
		}
		if err := o.DeleteLink(ctx, "anime"); err != nil {
			t.Fatal(err)
		}
		wantError(t, o.DeleteLink(ctx, "anime"), tandem.CodeNotFound, "LINK_NOT_FOUND")
		again, err := o.CreateLink(ctx, newLink("anime", 0))
		if err != nil || again.Number == o.link.Number {
			t.Fatalf("created again: %+v, %v", again, err)
		}
		if n, err := o.CountBaselines(ctx, "anime"); n != 0 || err != nil {
			t.Errorf("the new link has %d baselines, %v", n, err)
		}
		_, err = o.Store.Commit(ctx, lease, o.table, tandem.Commit{Link: "anime", EqualAsOf: o.clock.Now()})
		if !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("the deleted link's cycle commits to the new one: %v", err)
		}
	})
}

func TestHaltAndApproval(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		_, err := o.Approve(ctx, "anime", false)
		wantError(t, err, tandem.CodePrecondition, "LINK_STATE")
		halt := tandem.Halt{Reason: tandem.HaltTooManyDeletes, Message: "too many", Source: tandem.Sheet, Rows: []tandem.Key{"1"}, RowCount: 2, At: o.clock.Now()}
		if err := o.SetHalt(ctx, lease, "anime", halt, []tandem.Key{"1", "2"}); err != nil {
			t.Fatal(err)
		}
		link, err := o.Link(ctx, "anime")
		if err != nil || link.State != tandem.StateHalted {
			t.Fatalf("halted link: %+v, %v", link, err)
		}
		same(t, "halt", *link.Halt, halt)
		err = o.SetState(ctx, "anime", []tandem.State{tandem.StateActive, tandem.StateNew}, tandem.StatePaused)
		wantError(t, err, tandem.CodePrecondition, "LINK_STATE")
		link, err = o.Approve(ctx, "anime", true)
		if err != nil || link.State != tandem.StateActive || link.Halt != nil || link.Status.Pending != 0 {
			t.Errorf("approved link: %+v, %v", link, err)
		}
		if backlogs, err := o.Backlogs(ctx); err != nil || backlogs[0].Marks != 2 {
			t.Errorf("both sides are not marked to be looked at: %+v, %v", backlogs, err)
		}
		approval, err := o.Approval(ctx, "anime")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "approval", *approval, tandem.Approval{Source: tandem.Sheet, PutBack: true, Keys: map[tandem.Key]bool{"1": true, "2": true}})
		if err := o.ClearApproval(ctx, lease, "anime"); err != nil {
			t.Fatal(err)
		}
		if approval, err := o.Approval(ctx, "anime"); approval != nil || err != nil {
			t.Errorf("approval after it was cleared: %v, %v", approval, err)
		}
	})
}

func TestPauseAndNewSettingsStopTheCycleUnderWay(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		stop := map[string]func() error{
			"pause":  func() error { return o.SetState(ctx, "anime", nil, tandem.StatePaused) },
			"update": func() error { _, err := o.UpdateLink(ctx, o.link, 0); return err },
		}
		for name, call := range stop {
			lease := o.claim(t, "a")
			if err := call(); err != nil {
				t.Fatal(err)
			}
			_, err := o.Store.Commit(ctx, lease, o.table, tandem.Commit{Link: "anime"})
			if !errors.Is(err, tandem.ErrFenced) {
				t.Errorf("commit after %s: %v", name, err)
			}
			next := o.claim(t, "b") // at once, not only when the old lease would have run out
			if err := o.Release(ctx, next); err != nil {
				t.Error(err)
			}
		}
	})
}

// A cycle that read the link, and only then got the lease, goes by settings that were changed in between.
func TestCommitByOldSettingsIsFencedOff(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		if _, err := o.UpdateLink(t.Context(), o.link, 0); err != nil {
			t.Fatal(err)
		}
		_, err := o.table.Commit(t.Context(), o.claim(t, "a"), tandem.Commit{Link: "anime"})
		if !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("commit by old settings: %v", err)
		}
	})
}

func TestLease(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		two := o.another(t)
		first := o.claim(t, "a")
		for _, holder := range []string{"a", "b"} {
			if _, ok, err := two.Claim(ctx, first.Name, holder, time.Minute); ok || err != nil {
				t.Errorf("a held lease was given to %s: %v", holder, err)
			}
		}
		o.clock.pass(29 * time.Second)
		first, err := o.Renew(ctx, first, 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.clock.pass(30 * time.Second)
		second, ok, err := two.Claim(ctx, first.Name, "b", time.Minute)
		if !ok || err != nil || second.Fence <= first.Fence {
			t.Fatalf("a lease that ran out was not taken over: %+v, %v, %v", second, ok, err)
		}
		if _, err := o.Renew(ctx, first, time.Minute); !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("renewed by who lost it: %v", err)
		}
		if err := o.Release(ctx, first); !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("released by who lost it: %v", err)
		}
		if err := two.Release(ctx, second); err != nil {
			t.Fatal(err)
		}
		if _, err := two.Renew(ctx, second, time.Minute); !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("renewed after it was released: %v", err)
		}
	})
}

func TestManyClaimOneLease(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		stores := []*store.Store{o.Store, o.another(t)}
		var group sync.WaitGroup
		claims := make(chan tandem.Lease, 16)
		for i := range 16 {
			group.Go(func() {
				lease, ok, err := stores[i%2].Claim(t.Context(), "spreadsheets/1AbC", "holder", time.Minute)
				if err != nil {
					t.Error(err)
				}
				if ok {
					claims <- lease
				}
			})
		}
		group.Wait()
		if len(claims) != 1 {
			t.Errorf("%d holders of one lease", len(claims))
		}
	})
}
