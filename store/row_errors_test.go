package store_test

import (
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

func TestRowErrors(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		at := func(n int) time.Time { return o.clock.Now().Add(time.Duration(n) * time.Second) }
		problem := tandem.RowError{Key: "1", Source: tandem.Sheet, Column: "score", Message: "too big", Since: at(0), Digest: "d", Retry: at(60), Attempts: 3}
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{{Key: "1", Error: &problem},
			{Key: "2", Error: &tandem.RowError{Source: tandem.Database, Message: "two", Since: at(1)}}}})
		problems := []tandem.RowError{{Key: "7", Position: 4, Source: tandem.Sheet, Message: "twice", Since: at(2)},
			{Position: 12, Source: tandem.Sheet, Message: "blank", Since: at(2)}}
		for range 2 {
			if err := o.ReplaceSheetProblems(ctx, lease, "anime", problems); err != nil {
				t.Fatal(err)
			}
			problems[0].Since = at(9) // still there: since when does not change
		}
		var all []tandem.RowError
		for after, pages := "", 0; pages == 0 || after != ""; pages++ {
			page, next, err := o.RowErrors(ctx, "anime", after, 1)
			if err != nil {
				t.Fatal(err)
			}
			all, after = append(all, page...), next
		}
		problems[0].Since = at(2)
		same(t, "row errors, the latest first", all, []tandem.RowError{problems[0], problems[1],
			{Key: "2", Source: tandem.Database, Message: "two", Since: at(1)}, problem})
		_, _, err := o.RowErrors(ctx, "anime", "nonsense", 1)
		wantError(t, err, tandem.CodeInvalid, "INVALID_FIELD")
		for after, want := range map[time.Duration]int{59 * time.Second: 0, 60 * time.Second: 1} {
			keys, err := o.RowErrorKeysDue(ctx, "anime", o.clock.Now().Add(after))
			if err != nil || len(keys) != want {
				t.Errorf("due after %v: %v, %v", after, keys, err)
			}
		}
		states, err := o.RowStates(ctx, &o.link, []tandem.Key{"1", "7", "9"})
		if err != nil || states["1"].Error == nil || states["7"].Error == nil || states["9"].Error != nil {
			t.Errorf("states: %v, %v", states, err)
		}
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{{Key: "1", ClearError: true}}})
		if err := o.ReplaceSheetProblems(ctx, lease, "anime", problems[1:]); err != nil {
			t.Fatal(err)
		}
		left, _, err := o.RowErrors(ctx, "anime", "", 10)
		if err != nil || len(left) != 2 || left[0].Position != 12 || left[1].Key != "2" {
			t.Errorf("row errors left: %v, %v", left, err)
		}
	})
}

func TestRowStates(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		o.commit(t, o.claim(t, "a"), tandem.Commit{Settlements: []tandem.Settlement{{Key: "1", Baseline: text("1", "Akira", "9")}}})
		if err := o.AddMarks(t.Context(), "anime", []tandem.Mark{{Source: tandem.Sheet}, {Source: tandem.Database, Key: "2"}}); err != nil {
			t.Fatal(err)
		}
		states, err := o.RowStates(t.Context(), &o.link, []tandem.Key{"1", "2"})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "states", states, map[tandem.Key]tandem.RowState{"1": {Baseline: text("1", "Akira", "9")}, "2": {Marked: true}})
	})
}
