package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// disputed is a conflict of the column "title".
func disputed(digest string, since time.Time) *tandem.Conflict {
	return &tandem.Conflict{Columns: []string{"title"}, Digest: digest, Since: since, Reason: "the rule failed", DatabaseTime: since, SheetTo: since, SheetActor: "a@example.com",
		Base:     map[string]tandem.Value{"title": tandem.Text("Akira"), "score": tandem.Null},
		Database: map[string]tandem.Value{"title": tandem.Text("AKIRA")}, Sheet: map[string]tandem.Value{"title": tandem.Text("")}}
}

// settle commits settlements under a lease of its own.
func (o *own) settle(t *testing.T, settlements ...tandem.Settlement) []tandem.Applied {
	t.Helper()
	lease := o.claim(t, "settle")
	applied := o.commit(t, lease, tandem.Commit{Settlements: settlements})
	if err := o.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	return applied
}

// open returns the open conflicts as "key digest decision".
func (o *own) open(t *testing.T) []string {
	t.Helper()
	all, next, err := o.Conflicts(t.Context(), "anime", "", 1000)
	if err != nil || next != "" {
		t.Fatalf("conflicts: %q, %v", next, err)
	}
	var lines []string
	for _, conflict := range all {
		line := string(conflict.Key) + " " + conflict.Digest
		if r := conflict.Resolution; r != nil {
			line += " " + string(r.Take)
		}
		lines = append(lines, line)
	}
	return lines
}

func (o *own) resolve(t *testing.T, key tandem.Key, take tandem.Source) {
	t.Helper()
	if _, err := o.Resolve(t.Context(), "anime", key, tandem.Resolution{Take: take, Actor: "token:ops"}); err != nil {
		t.Fatal(err)
	}
}

func TestConflictIsStoredWhole(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		want := disputed("d1", o.clock.Now())
		o.settle(t, tandem.Settlement{Key: "b~0~c", Conflict: want}, tandem.Settlement{Key: "a ", Conflict: disputed("d2", time.Time{})})
		got, err := o.Conflict(ctx, "anime", "b~0~c")
		if err != nil {
			t.Fatal(err)
		}
		want.Key = "b~0~c"
		same(t, "conflict", got, *want)
		keys, err := o.ConflictKeys(ctx, "anime")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "keys", keys, []tandem.Key{"a ", "b~0~c"})
		byKey, err := o.ConflictsByKey(ctx, "anime", []tandem.Key{"a", "b~0~c"})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "by key", byKey, map[tandem.Key]tandem.Conflict{"b~0~c": *want})
		states, err := o.RowStates(ctx, &o.link, []tandem.Key{"a", "a ", "b~0~c"})
		if err != nil || states["a"].Conflict || !states["a "].Conflict || !states["b~0~c"].Conflict {
			t.Errorf("states: %+v, %v", states, err)
		}
		if _, err := o.CreateLink(ctx, newLink("other", 3)); err != nil {
			t.Fatal(err)
		}
		links, err := o.Links(ctx)
		if err != nil || links[0].Status.Conflicts != 2 || links[1].Status.Conflicts != 0 {
			t.Errorf("counts: %+v, %v", links, err)
		}
		for _, key := range []tandem.Key{"a", ""} {
			_, err = o.Conflict(ctx, "anime", key)
			wantError(t, err, tandem.CodeNotFound, "CONFLICT_NOT_FOUND")
		}
		_, err = o.Conflict(ctx, "other", "a ")
		wantError(t, err, tandem.CodeNotFound, "CONFLICT_NOT_FOUND")
		_, err = o.Conflict(ctx, "nothing", "a ")
		wantError(t, err, tandem.CodeNotFound, "LINK_NOT_FOUND")
	})
}

func TestConflictIsRenewedAndClosed(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		began := o.clock.Now()
		o.settle(t, tandem.Settlement{Key: "1", Conflict: disputed("d", time.Time{})}, tandem.Settlement{Key: "2", Conflict: disputed("d", time.Time{})},
			tandem.Settlement{Key: "3", Conflict: disputed("d", time.Time{})}, tandem.Settlement{Key: "4", Conflict: disputed("d", time.Time{})})
		for _, key := range []tandem.Key{"1", "2", "3"} {
			o.resolve(t, key, tandem.Sheet)
		}
		o.clock.pass(time.Hour)
		o.settle(t, tandem.Settlement{Key: "1", Conflict: disputed("d", o.clock.Now())}, tandem.Settlement{Key: "2", Conflict: disputed("other", o.clock.Now())},
			tandem.Settlement{Key: "3", Forget: true}, tandem.Settlement{Key: "4", CloseConflict: true}, tandem.Settlement{Key: "5", CloseConflict: true})
		same(t, "open", o.open(t), []string{"1 d sheet", "2 other"})
		for _, key := range []tandem.Key{"1", "2"} {
			conflict, err := o.Conflict(t.Context(), "anime", key)
			if err != nil || !conflict.Since.Equal(began) {
				t.Errorf("conflict %s is since %v, want %v; %v", key, conflict.Since, began, err)
			}
		}
		o.settle(t, tandem.Settlement{Key: "1", CloseConflict: true}, tandem.Settlement{Key: "1", Conflict: disputed("anew", time.Time{})})
		conflict, err := o.Conflict(t.Context(), "anime", "1")
		if err != nil || !conflict.Since.Equal(o.clock.Now()) || conflict.Resolution != nil {
			t.Errorf("closed and recorded anew: %+v, %v", conflict, err)
		}
	})
}

// Of a settlement whose write did not land nothing is stored, and nothing is taken away.
func TestConflictStaysWhenTheWriteDoesNotLand(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		o.exec(t, "INSERT INTO anime VALUES ('1','Akira',9,NULL), ('2','Belle',8,NULL)")
		o.settle(t, tandem.Settlement{Key: "1", Conflict: disputed("d", time.Time{})}, tandem.Settlement{Key: "2", Conflict: disputed("d", time.Time{})})
		refused := fromSheet(tandem.Update, "1", text("1", "Akira", "9"), []tandem.Value{tandem.Absent, tandem.Absent, tandem.Text("100")})
		refused.CloseConflict = true
		moved := fromSheet(tandem.Update, "2", text("2", "x", "8"), []tandem.Value{tandem.Absent, tandem.Text("y"), tandem.Absent})
		moved.Conflict = disputed("other", time.Time{})
		long := tandem.Key(strings.Repeat("x", 2801))
		applied := o.settle(t, refused, moved, tandem.Settlement{Key: long, Conflict: disputed("d", time.Time{})})
		if applied[0].Outcome != tandem.Refused || applied[1].Outcome != tandem.Moved || applied[2].Outcome != tandem.Refused || applied[2].Err == nil {
			t.Errorf("applied: %+v", applied)
		}
		same(t, "open", o.open(t), []string{"1 d", "2 d"})
	})
}

func TestConflictFollowsARenamedRow(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		o.exec(t, "INSERT INTO anime VALUES ('1','Akira',9,NULL), ('2','Belle',8,NULL), ('3','Cowboy',7,NULL)")
		rename := func(from, to string) tandem.Settlement {
			return tandem.Settlement{Key: tandem.Key(from), Write: &tandem.Change{Kind: tandem.Update, Key: tandem.Key(from),
				After: []tandem.Value{tandem.Text(to), tandem.Absent, tandem.Absent}}}
		}
		o.settle(t, tandem.Settlement{Key: "1", Conflict: disputed("d1", time.Time{})}, tandem.Settlement{Key: "2", Conflict: disputed("d2", time.Time{})},
			tandem.Settlement{Key: "3", Conflict: disputed("d3", time.Time{})})
		o.resolve(t, "1", tandem.Database)
		o.resolve(t, "2", tandem.Database)
		closes := rename("3", "three")
		closes.CloseConflict = true
		renews := rename("2", "two")
		renews.Conflict = disputed("d2", time.Time{})
		o.clock.pass(time.Minute)
		o.settle(t, rename("1", "one"), renews, closes)
		same(t, "open", o.open(t), []string{"one d1 database", "two d2 database"})
		conflict, err := o.Conflict(t.Context(), "anime", "two")
		if err != nil || !conflict.Since.Before(o.clock.Now()) {
			t.Errorf("the renamed row's conflict: %+v, %v", conflict, err)
		}
	})
}

func TestConflictPages(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		var want []tandem.Key
		for n := range 3 {
			var settlements []tandem.Settlement
			for i := range 3 {
				key := tandem.Key(fmt.Sprintf("%d:%d", 9-n, i))
				want = append(want, key)
				settlements = append(settlements, tandem.Settlement{Key: key, Conflict: disputed("d", time.Time{})})
			}
			o.settle(t, settlements...)
			o.clock.pass(time.Second)
		}
		for _, limit := range []int{1, 2, 9, 10} {
			var got []tandem.Key
			for after, pages := "", 0; pages == 0 || after != "" && pages < 20; pages++ {
				page, next, err := o.Conflicts(t.Context(), "anime", after, limit)
				if err != nil || len(page) > limit {
					t.Fatalf("%d conflicts, %v", len(page), err)
				}
				for _, conflict := range page {
					got = append(got, conflict.Key)
				}
				after = next
			}
			same(t, fmt.Sprintf("pages of %d", limit), got, want)
		}
		_, _, err := o.Conflicts(t.Context(), "anime", "nonsense", 1)
		wantError(t, err, tandem.CodeInvalid, "INVALID_FIELD")
	})
}

func TestResolve(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		whole := disputed("w", time.Time{})
		whole.Columns, whole.Sheet = nil, nil
		o.settle(t, tandem.Settlement{Key: "1", Conflict: disputed("d", time.Time{})}, tandem.Settlement{Key: "whole", Conflict: whole})
		for name, test := range map[string]struct {
			key    tandem.Key
			r      tandem.Resolution
			reason string
		}{
			"nothing there":     {"9", tandem.Resolution{Take: tandem.Sheet}, "CONFLICT_NOT_FOUND"},
			"seen another":      {"1", tandem.Resolution{Take: tandem.Sheet, Digest: "old"}, "ETAG_MISMATCH"},
			"no decision":       {"1", tandem.Resolution{}, "INVALID_FIELD"},
			"unknown side":      {"1", tandem.Resolution{Take: "both"}, "INVALID_FIELD"},
			"other column":      {"1", tandem.Resolution{Columns: map[string]tandem.Choice{"score": {Take: tandem.Sheet}}}, "INVALID_FIELD"},
			"empty choice":      {"1", tandem.Resolution{Columns: map[string]tandem.Choice{"title": {}}}, "INVALID_FIELD"},
			"cells of no cells": {"whole", tandem.Resolution{Columns: map[string]tandem.Choice{"title": {Take: tandem.Sheet}}}, "INVALID_FIELD"},
		} {
			_, err := o.Resolve(ctx, "anime", test.key, test.r)
			code := map[string]tandem.Code{"CONFLICT_NOT_FOUND": tandem.CodeNotFound, "ETAG_MISMATCH": tandem.CodeAborted, "INVALID_FIELD": tandem.CodeInvalid}[test.reason]
			t.Run(name, func(t *testing.T) { wantError(t, err, code, test.reason) })
		}
		if marks, err := o.Marks(ctx, "anime", o.table, 10); len(marks) != 0 || err != nil {
			t.Errorf("marks of refused decisions: %v, %v", marks, err)
		}
		var woken []string
		s, err := store.Open(ctx, o.url, store.Options{Now: o.clock.Now, Wake: func(link string) { woken = append(woken, link) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		o.clock.pass(time.Minute)
		asked := tandem.Resolution{Digest: "d", Actor: "token:ops", At: time.Unix(0, 0), Columns: map[string]tandem.Choice{"title": {Value: tandem.Null}}}
		conflict, err := s.Resolve(ctx, "anime", "1", asked)
		if err != nil {
			t.Fatal(err)
		}
		want := tandem.Resolution{Digest: "d", Actor: "token:ops", At: o.clock.Now(), Columns: asked.Columns}
		same(t, "resolution", *conflict.Resolution, want)
		same(t, "woken", woken, []string{"anime"})
		stored, err := o.Conflict(ctx, "anime", "1")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "stored conflict", stored, conflict)
		known, err := o.OpenConflicts(ctx, "anime")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "open conflicts", known, map[tandem.Key]tandem.OpenConflict{"1": {Digest: "d", Resolution: &want}, "whole": {Digest: "w"}})
		marks, err := o.Marks(ctx, "anime", o.table, 10)
		if err != nil || len(marks) != 1 {
			t.Fatalf("marks: %+v, %v", marks, err)
		}
		same(t, "mark", marks[0], tandem.Mark{ID: marks[0].ID, Source: tandem.Database, Key: "1", At: o.clock.Now(), Cause: tandem.CauseAgain})
		o.resolve(t, "1", tandem.Sheet) // without a digest: whatever is there; it replaces the decision
		same(t, "open", o.open(t), []string{"1 d sheet", "whole w"})
	})
}

func TestResolveAll(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		var settlements []tandem.Settlement
		for i := range 1000 {
			settlements = append(settlements, tandem.Settlement{Key: tandem.Key(fmt.Sprintf("%04d", i)), Conflict: disputed(fmt.Sprint("d", i), time.Time{})})
		}
		o.settle(t, settlements...)
		o.resolve(t, "0007", tandem.Sheet)
		partly := tandem.Resolution{Columns: map[string]tandem.Choice{"title": {Take: tandem.Sheet}}, Actor: "a"}
		if _, err := o.Resolve(ctx, "anime", "0008", partly); err != nil {
			t.Fatal(err)
		}
		before, err := o.Marks(ctx, "anime", o.table, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		n, err := o.ResolveAll(ctx, "anime", tandem.Database, "token:ops")
		if err != nil || n != 999 {
			t.Fatalf("%d decided, %v", n, err)
		}
		all, _, err := o.Conflicts(ctx, "anime", "", 10_000)
		if err != nil || len(all) != 1000 {
			t.Fatalf("%d conflicts, %v", len(all), err)
		}
		for i, conflict := range all {
			r, take := conflict.Resolution, tandem.Database
			if conflict.Key == "0007" {
				take = tandem.Sheet
			}
			if r == nil || r.Take != take || r.Digest != fmt.Sprint("d", i) || len(conflict.Columns) != 1 || conflict.Since.IsZero() {
				t.Fatalf("conflict %s: %+v, resolution %+v", conflict.Key, conflict, r)
			}
		}
		same(t, "cells decided before", all[8].Resolution.Columns, partly.Columns)
		marks, err := o.Marks(ctx, "anime", o.table, 10_000)
		if err != nil || len(marks) != len(before)+999 {
			t.Errorf("%d marks, %d before, %v", len(marks), len(before), err)
		}
		if n, err = o.ResolveAll(ctx, "anime", tandem.Sheet, "b"); n != 0 || err != nil {
			t.Errorf("decided once more: %d, %v", n, err)
		}
		_, err = o.ResolveAll(ctx, "anime", "", "b")
		wantError(t, err, tandem.CodeInvalid, "INVALID_FIELD")
		_, err = o.ResolveAll(ctx, "nothing", tandem.Sheet, "b")
		wantError(t, err, tandem.CodeNotFound, "LINK_NOT_FOUND")
	})
}

// A person decides while cycles record the same conflict again and again: no decision may get lost in between.
func TestResolveWhileTheConflictIsRenewed(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		lease := o.claim(t, "a")
		another := o.another(t)
		const rows = 30
		var settlements []tandem.Settlement
		for i := range rows {
			settlements = append(settlements, tandem.Settlement{Key: tandem.Key(fmt.Sprint(i)), Conflict: disputed("d", time.Time{})})
		}
		o.commit(t, lease, tandem.Commit{Settlements: settlements})
		var group sync.WaitGroup
		done := make(chan struct{})
		group.Go(func() {
			for renewed := false; ; renewed = true {
				select {
				case <-done:
					if renewed {
						return
					}
				default:
				}
				if _, err := o.Store.Commit(t.Context(), lease, o.table, tandem.Commit{Link: "anime", Settlements: settlements}); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for i := range rows {
			if _, err := another.Resolve(t.Context(), "anime", tandem.Key(fmt.Sprint(i)), tandem.Resolution{Digest: "d", Take: tandem.Sheet}); err != nil {
				t.Error(err)
			}
		}
		close(done)
		group.Wait()
		for _, line := range o.open(t) {
			if !strings.HasSuffix(line, " d sheet") {
				t.Errorf("the decision of %q is lost", line)
			}
		}
	})
}

func TestSettledConflicts(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		first, second := disputed("d1", o.clock.Now()), disputed("d2", time.Time{})
		first.Key, first.Winner, second.Winner = "1", tandem.Sheet, tandem.Database
		entry := func(key tandem.Key, conflict *tandem.Conflict) tandem.Settlement {
			o.clock.pass(time.Second)
			return tandem.Settlement{Key: key, Baseline: text(string(key), "t", "1"), History: []tandem.Entry{
				{Key: key, Kind: tandem.Update, Source: tandem.Sheet, Cause: tandem.CauseSheet, At: o.clock.Now(), Conflict: conflict}}}
		}
		o.settle(t, entry("1", first), entry("none", nil), entry("2", second))
		entries, err := o.Entries(ctx, "anime", 0, 10)
		if err != nil || len(entries) != 3 || entries[1].Conflict != nil {
			t.Fatalf("history: %+v, %v", entries, err)
		}
		same(t, "conflict in history", entries[0].Conflict, first)
		got, err := o.SettledConflicts(ctx, "anime", 10)
		if err != nil || len(got) != 2 {
			t.Fatalf("settled: %+v, %v", got, err)
		}
		second.Key, second.Since = "2", o.clock.Now()
		same(t, "settled", got, []tandem.Conflict{*second, *first})
		if got, err = o.SettledConflicts(ctx, "anime", 1); len(got) != 1 || err != nil {
			t.Errorf("settled, one: %+v, %v", got, err)
		}
	})
}
