package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

func TestCommitMovesBaselines(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		lease := o.claim(t, "a")
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{
			{Key: "a", Baseline: text("a", "Akira", "9")},
			{Key: "a ", Baseline: text("a ", "with a space", "1")},
			{Key: "A", Baseline: text("A", "capital", "2")},
			{Key: "b~0~c", Baseline: []tandem.Value{tandem.Text("b"), tandem.Null, tandem.Text("")}},
		}})
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{
			{Key: "a", Baseline: []tandem.Value{tandem.Absent, tandem.Null, tandem.Absent}},
			{Key: "a", Baseline: []tandem.Value{tandem.Absent, tandem.Absent, tandem.Text("10")}},
			{Key: "A", Forget: true},
			{Key: "new", Baseline: []tandem.Value{tandem.Text("new"), tandem.Absent, tandem.Absent}},
		}})
		same(t, "baselines", o.baselines(t, "a", "a ", "A", "b~0~c", "new", "never"), map[tandem.Key][]tandem.Value{
			"a":     {tandem.Text("a"), tandem.Null, tandem.Text("10")},
			"a ":    text("a ", "with a space", "1"),
			"b~0~c": {tandem.Text("b"), tandem.Null, tandem.Text("")},
			"new":   {tandem.Text("new"), tandem.Absent, tandem.Absent},
		})
		var keys []tandem.Key
		for after := tandem.Key(""); ; {
			rows, err := o.ScanBaselines(t.Context(), &o.link, after, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				break
			}
			after = rows[0].Key
			keys = append(keys, after)
		}
		same(t, "scanned", keys, []tandem.Key{"a", "a ", "b~0~c", "new"})
		if err := o.DiscardBaselines(t.Context(), lease, "anime"); err != nil {
			t.Fatal(err)
		}
		if n, err := o.CountBaselines(t.Context(), "anime"); n != 0 || err != nil {
			t.Errorf("%d baselines after they were discarded, %v", n, err)
		}
	})
}

func TestKeyTooLongHoldsUpNobody(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		long, longest := tandem.Key(strings.Repeat("x", 2801)), tandem.Key(strings.Repeat("🙂", 700))
		applied := o.commit(t, o.claim(t, "a"), tandem.Commit{Settlements: []tandem.Settlement{
			{Key: long, Baseline: text(string(long), "t", "1")}, {Key: longest, Baseline: text(string(longest), "t", "1")},
			{Key: long, Error: &tandem.RowError{Message: "too long", Source: tandem.Sheet}}}})
		if applied[0].Outcome != tandem.Refused || applied[0].Err == nil || applied[1].Outcome != tandem.Landed {
			t.Errorf("applied: %+v", applied)
		}
		if len(o.baselines(t, longest)) != 1 {
			t.Error("a key of 700 characters was not stored")
		}
		errs, err := o.RowErrorsByKey(t.Context(), "anime", []tandem.Key{long})
		if err != nil || errs[long].Message != "too long" {
			t.Errorf("row errors: %v, %v", errs, err)
		}
	})
}

func TestCommitDeletesExactlyTheMarksRead(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		add := func(key tandem.Key) {
			err := o.AddMarks(ctx, "anime", []tandem.Mark{{Source: tandem.Database, Key: key, Cause: tandem.CauseAPI, Actor: "token:ops"}})
			if err != nil {
				t.Fatal(err)
			}
		}
		add("1")
		add("2")
		marks, err := o.Marks(ctx, "anime", o.table, 10)
		if err != nil || len(marks) != 2 {
			t.Fatalf("marks: %v, %v", marks, err)
		}
		same(t, "mark", marks[0], tandem.Mark{ID: marks[0].ID, Source: tandem.Database, Key: "1", At: o.clock.Now(), Cause: tandem.CauseAPI, Actor: "token:ops"})
		// A transaction that was given a lower id commits after the marks were read.
		o.exec(t, "INSERT INTO tandem_marks (id, link_number, source, row_key, raw_key, marked_at, cause, actor) VALUES (-1, 1, 'database', 'late', 1, NULL, 'SQL', '')")
		add("3")
		o.commit(t, lease, tandem.Commit{Marks: []int64{marks[0].ID, marks[1].ID}})
		left, err := o.Marks(ctx, "anime", o.table, 10)
		if err != nil || len(left) != 2 || left[0].Key != "late" || left[1].Key != "3" {
			t.Errorf("marks left: %v, %v", left, err)
		}
		due, err := o.Due(ctx, o.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		for i := range due {
			if due[i].First == 0 {
				t.Error("the oldest mark is not told")
			}
			due[i].First = 0
		}
		same(t, "due", due, []tandem.Due{{Link: "anime", Marks: 1}})
	})
}

func TestCommitHistoryAndTimes(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		begin := o.clock.Now()
		entries := []tandem.Entry{
			{Key: "1", Kind: tandem.Update, Source: tandem.Sheet, Cause: tandem.CauseSheet, Actor: "a@example.com", At: begin, Removes: true,
				Before: map[string]tandem.Value{"title": tandem.Text("=1+1\n🙂"), "score": tandem.Null}, After: map[string]tandem.Value{"title": tandem.Null}},
			{Key: "1", Kind: tandem.Delete, Source: tandem.Database, Cause: tandem.CauseSQL, At: begin.Add(time.Second), Removes: true,
				Before: map[string]tandem.Value{"title": tandem.Text("x")}},
		}
		o.commit(t, o.claim(t, "a"), tandem.Commit{EqualAsOf: begin.Add(time.Minute), ScannedAt: begin,
			Settlements: []tandem.Settlement{{Key: "1", Forget: true, History: entries}}})
		got, err := o.Entries(ctx, "anime", 0, 10)
		if err != nil || len(got) != 2 {
			t.Fatalf("entries: %v, %v", got, err)
		}
		entries[0].Seq, entries[1].Seq = got[0].Seq, got[1].Seq
		same(t, "history", got, entries)
		rest, err := o.Entries(ctx, "anime", got[0].Seq, 10)
		if err != nil || len(rest) != 1 {
			t.Errorf("entries after the first: %v, %v", rest, err)
		}
		removals, err := o.Removals(ctx, "anime", begin.Add(time.Microsecond))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "removals", removals, map[tandem.Source]int{tandem.Database: 1})
		link, err := o.Link(ctx, "anime")
		if err != nil || !link.Status.EqualAsOf.Equal(begin.Add(time.Minute)) || !link.Status.ScannedAt.Equal(begin) {
			t.Errorf("status: %+v, %v", link.Status, err)
		}
	})
}

// A commit as large as an initial sync makes goes in a bounded number of statements, in well under the time that another
// process waits for SQLite.
func TestCommitOfTenThousand(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		lease := o.claim(t, "a")
		commit := tandem.Commit{}
		long := strings.Repeat("long text ", 20)
		for i := range 10_000 {
			key := fmt.Sprint(i)
			commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: tandem.Key(key), Baseline: text(key, long, "5"),
				History: []tandem.Entry{{Key: tandem.Key(key), Kind: tandem.Insert, Source: tandem.Database, After: map[string]tandem.Value{"title": tandem.Text(long)}}}})
		}
		began := time.Now()
		o.commit(t, lease, commit)
		for i := range commit.Settlements {
			commit.Settlements[i].Baseline[1] = tandem.Absent
		}
		o.commit(t, lease, commit)
		t.Logf("two commits of 10,000 settlements: %v", time.Since(began))
		if n, err := o.CountBaselines(t.Context(), "anime"); n != 10_000 || err != nil {
			t.Errorf("%d baselines, %v", n, err)
		}
	})
}
