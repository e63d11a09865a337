package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

func TestPositions(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		if place, at, err := o.Position(ctx, "drive/a"); place != "" || !at.IsZero() || err != nil {
			t.Fatalf("a position that was never stored: %q, %v, %v", place, at, err)
		}
		lease, ok, err := o.Claim(ctx, "drive/a", "first", time.Minute)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := o.SetPosition(ctx, lease, "drive/a", "17"); err != nil {
			t.Fatal(err)
		}
		began := o.clock.Now()
		o.clock.pass(time.Second)
		if err := o.SetPositions(ctx, lease, map[string]string{"drive/a": "18", "drive/a/1AbC": "x", "drive/a/1aBc": "y", "drivel": "z"}); err != nil {
			t.Fatal(err)
		}
		all, err := o.Positions(ctx, "drive/")
		now := began.Add(time.Second)
		same(t, "positions", all, []store.Position{{Name: "drive/a", Position: "18", ReachedAt: now}, {Name: "drive/a/1AbC", Position: "x", ReachedAt: now},
			{Name: "drive/a/1aBc", Position: "y", ReachedAt: now}})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.DropPositions(ctx, lease, []string{"drive/a/1AbC"}); err != nil {
			t.Fatal(err)
		}
		o.clock.pass(2 * time.Minute)
		if _, ok, err := o.Claim(ctx, "drive/a", "second", time.Minute); err != nil || !ok {
			t.Fatal(ok, err)
		}
		for what, err := range map[string]error{"set": o.SetPosition(ctx, lease, "drive/a", "5"), "drop": o.DropPositions(ctx, lease, []string{"drive/a"})} {
			if !errors.Is(err, tandem.ErrFenced) {
				t.Errorf("%s by who lost the lease: %v", what, err)
			}
		}
		if all, err := o.Positions(ctx, "drive/a"); len(all) != 2 || all[0].Position != "18" || err != nil {
			t.Errorf("positions %+v, %v", all, err)
		}
		fences, err := o.Fences(ctx, []string{"drive/a", "nobody"})
		same(t, "fences", fences, map[string]int64{"drive/a": 2})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestMarkTabs(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		if err := o.SetState(ctx, "anime", nil, tandem.StateActive); err != nil {
			t.Fatal(err)
		}
		if err := o.AddMarks(ctx, "anime", []tandem.Mark{{Source: tandem.Database, Key: "1"}, {Source: tandem.Sheet, Rows: []int{3}}}); err != nil {
			t.Fatal(err)
		}
		// The first stays, the last is a new one, and what is between is gone; marks of others are as they were.
		var marks map[string][]int64
		seen := map[int64]bool{}
		for n := range 4 {
			next, err := o.MarkTabs(ctx, []string{"anime", "gone"}, marks)
			ids := next["anime"]
			if err != nil || len(next) != 1 || len(ids) != min(n+1, 2) || seen[ids[len(ids)-1]] || n > 0 && ids[0] != marks["anime"][0] {
				t.Fatalf("marks %v after %v, %v", next, marks, err)
			}
			marks = next
			seen[ids[len(ids)-1]] = true
			all, err := o.Marks(ctx, "anime", o.table, 10)
			if err != nil || len(all) != 2+len(ids) {
				t.Fatalf("marks %+v, %v", all, err)
			}
			for i, mark := range all[2:] {
				if mark.ID != ids[i] || mark.Key != "" || mark.Source != tandem.Sheet || !mark.At.IsZero() || len(mark.Rows) > 0 {
					t.Errorf("mark %+v", mark)
				}
			}
		}
		// What a cycle took away meanwhile is no matter.
		o.commit(t, o.claim(t, "a"), tandem.Commit{Marks: marks["anime"]})
		if next, err := o.MarkTabs(ctx, []string{"anime"}, marks); err != nil || len(next["anime"]) != 1 {
			t.Fatalf("marks %v, %v", next, err)
		}
		if err := o.SetState(ctx, "anime", nil, tandem.StatePaused); err != nil {
			t.Fatal(err)
		}
		before, err := o.Marks(ctx, "anime", o.table, 10)
		if err != nil {
			t.Fatal(err)
		}
		if marks, err := o.MarkTabs(ctx, []string{"anime"}, nil); len(marks) != 0 || err != nil {
			t.Errorf("marks of a paused link %v, %v", marks, err)
		}
		after, err := o.Marks(ctx, "anime", o.table, 10)
		if err != nil || fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("a paused link was marked: %v, then %v; %v", before, after, err)
		}
	})
}

// Due says that something waits, and takes no longer for a longer queue; Links counts.
func TestDueDoesNotCount(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		due := func() []tandem.Due {
			t.Helper()
			due, err := o.Due(ctx, o.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			for i := range due {
				due[i].First = 0
			}
			return due
		}
		same(t, "nothing", due(), []tandem.Due(nil))
		var marks []tandem.Mark
		for n := range 300 {
			marks = append(marks, tandem.Mark{Source: tandem.Database, Key: tandem.Key(fmt.Sprint(n))})
		}
		if err := o.SetState(ctx, "anime", nil, tandem.StateActive); err != nil {
			t.Fatal(err)
		}
		if err := o.AddMarks(ctx, "anime", marks); err != nil {
			t.Fatal(err)
		}
		same(t, "marks", due(), []tandem.Due{{Link: "anime", Marks: 1}})
		bare, err := o.BareLinks(ctx)
		if err != nil || len(bare) != 1 || bare[0].Status.Pending != 0 {
			t.Errorf("bare links %+v, %v", bare, err)
		}
		counted, err := o.Links(ctx)
		if err != nil || counted[0].Status.Pending != 300 {
			t.Fatalf("links %+v, %v", counted, err)
		}
		counted[0].Status.Pending = 0
		same(t, "a link without its counts", bare, counted)
		o.commit(t, o.claim(t, "a"), tandem.Commit{Settlements: []tandem.Settlement{
			{Key: "1", Error: &tandem.RowError{Key: "1", Source: tandem.Sheet, Message: "x", Since: o.clock.Now(), Retry: o.clock.Now().Add(time.Minute)}}}})
		same(t, "a retry that is not due", due(), []tandem.Due{{Link: "anime", Marks: 1}})
		o.clock.pass(time.Minute)
		same(t, "a retry that is due", due(), []tandem.Due{{Link: "anime", Marks: 1, Retries: 1}})
	})
}
