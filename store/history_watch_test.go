package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

// added is a commit that adds entries to a link's history, one for each key.
func added(link string, keys ...tandem.Key) tandem.Commit {
	commit := tandem.Commit{Link: link}
	for _, key := range keys {
		commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: key, Baseline: text(string(key), "t", "1"),
			History: []tandem.Entry{{Key: key, Kind: tandem.Update, Source: tandem.Database, Cause: tandem.CauseSQL,
				After: map[string]tandem.Value{"title": tandem.Text("t")}}}})
	}
	return commit
}

// follow reads a link's history by the seq that it came to, as watchers do, until it has read as many entries as there will
// be, and returns their keys.
func follow(ctx context.Context, o *own, link int64, entries int) ([]tandem.Key, error) {
	var keys []tandem.Key
	for after := int64(0); len(keys) < entries; {
		if err := ctx.Err(); err != nil {
			return keys, fmt.Errorf("after %d of %d entries: %w", len(keys), entries, err)
		}
		page, err := o.EntriesAfter(ctx, link, after, 7)
		if err != nil {
			return keys, err
		}
		for _, entry := range page {
			keys, after = append(keys, entry.Key), entry.Seq
		}
	}
	return keys, nil
}

// Whoever reads a link's history on from the last seq misses nothing, although commits of several processes are under way at
// once, each for a while after it was given its seqs: a trigger holds every third insert up.
func TestNoEntryIsSkippedByItsReaders(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		const writers, each = 4, 3
		commits := 10
		second, err := o.CreateLink(t.Context(), newLink("second", 1))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(o.url, "mysql:") {
			commits = 50
			o.exec(t, "CREATE TRIGGER slow AFTER INSERT ON tandem_changes FOR EACH ROW DO SLEEP(IF(RAND() < 0.3, RAND() / 100, 0))")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for _, link := range []tandem.Link{o.link, second} {
			lease, ok, err := o.Claim(ctx, "links/"+link.ID, "a", time.Hour)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			for range 3 {
				all.Go(func() {
					keys, err := follow(ctx, o, link.Number, writers*commits*each)
					if err != nil {
						t.Errorf("%s: %v", link.ID, err)
					}
					for writer := range writers {
						own := slices.DeleteFunc(slices.Clone(keys), func(key tandem.Key) bool { return !strings.HasPrefix(string(key), fmt.Sprint(writer, ".")) })
						if !slices.IsSorted(own) {
							t.Errorf("%s: the entries of writer %d came in the order %v", link.ID, writer, own)
						}
					}
					slices.Sort(keys)
					if n := len(slices.Compact(keys)); n != writers*commits*each {
						t.Errorf("%s: %d different entries, want %d", link.ID, n, writers*commits*each)
					}
				})
			}
			for writer := range writers {
				process := o.another(t)
				table, err := process.OpenTable(ctx, &link)
				if err != nil {
					t.Fatal(err)
				}
				all.Go(func() {
					for i := range commits {
						key := func(n int) tandem.Key { return tandem.Key(fmt.Sprintf("%d.%02d.%d", writer, i, n)) }
						if _, err := process.Commit(ctx, lease, table, added(link.ID, key(0), key(1), key(2))); err != nil {
							t.Errorf("commit: %v", err)
							return
						}
					}
				})
			}
		}
		all.Wait()
	})
}

func TestHistoryEnds(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		ends := func() tandem.HistoryEnd {
			t.Helper()
			all, err := o.HistoryEnds(ctx, []int64{o.link.Number, o.link.Number + 1000})
			if err != nil || len(all) != 1 {
				t.Fatalf("%v, %v", all, err)
			}
			return all[o.link.Number]
		}
		same(t, "end of no history", ends(), tandem.HistoryEnd{})
		lease := o.claim(t, "a")
		o.commit(t, lease, added("anime", "1", "2", "3"))
		entries, err := o.EntriesAfter(ctx, o.link.Number, 0, 10)
		if err != nil || len(entries) != 3 {
			t.Fatalf("%v, %v", entries, err)
		}
		newest := entries[2].Seq
		same(t, "end", ends(), tandem.HistoryEnd{Newest: newest})

		o.clock.pass(5 * time.Hour)
		lease, err = o.Renew(ctx, lease, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.PruneHistory(ctx, 3*time.Hour); err != nil {
			t.Fatal(err)
		}
		// All is gone, and it is known up to where.
		same(t, "end of a pruned history", ends(), tandem.HistoryEnd{Newest: newest, Pruned: newest})
		o.commit(t, lease, added("anime", "4"))
		if entries, err := o.EntriesAfter(ctx, o.link.Number, newest, 10); err != nil || len(entries) != 1 || entries[0].Key != "4" {
			t.Errorf("after what was pruned: %v, %v", entries, err)
		}
		if entries, err := o.EntriesAfter(ctx, o.link.Number, newest-1, 10); !errors.Is(err, tandem.ErrPruned) {
			t.Errorf("from before what was pruned: %v, %v", entries, err)
		}
		if err := o.DeleteLink(ctx, "anime"); err != nil {
			t.Fatal(err)
		}
		if all, err := o.HistoryEnds(ctx, []int64{o.link.Number}); err != nil || len(all) != 0 {
			t.Errorf("ends of a deleted link: %v, %v", all, err)
		}
		var left int
		if err := o.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM tandem_pruned").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows are left of a deleted link, %v", left, err)
		}
	})
}

// Removals are pruned apart from other changes, so what is left has holes.
func TestPrunedInTheMiddle(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		old, young := o.clock.Now(), o.clock.Now().Add(4*time.Hour)
		commit := added("anime", "1", "2", "3", "4")
		for i, at := range []time.Time{young, old, young, young} {
			commit.Settlements[i].History[0].At = at
		}
		o.commit(t, lease, commit)
		entries, err := o.EntriesAfter(ctx, o.link.Number, 0, 10)
		if err != nil || len(entries) != 4 {
			t.Fatalf("%v, %v", entries, err)
		}
		o.clock.pass(5 * time.Hour)
		if err := o.PruneHistory(ctx, 3*time.Hour); err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, false, false, false} {
			if _, err := o.EntriesAfter(ctx, o.link.Number, entries[i].Seq, 10); errors.Is(err, tandem.ErrPruned) != want {
				t.Errorf("after entry %d: %v, want pruned %v", i, err, want)
			}
		}
	})
}

func TestLongEntriesComeAFewAtATime(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		long := string(make([]byte, 300_000))
		commit := added("anime", "1", "2", "3", "4", "5", "6", "7", "8")
		for i := range commit.Settlements {
			commit.Settlements[i].History[0].After["title"] = tandem.Text(long)
		}
		o.commit(t, o.claim(t, "a"), commit)
		var sizes []int
		for after, read := int64(0), 0; read < 8; {
			page, err := o.EntriesAfter(t.Context(), o.link.Number, after, 100)
			if err != nil || len(page) == 0 {
				t.Fatal(page, err)
			}
			read, after = read+len(page), page[len(page)-1].Seq
			sizes = append(sizes, len(page))
		}
		same(t, "sizes of pages", sizes, []int{4, 4})
	})
}

func TestHistoryIsAnnounced(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		lease := o.claim(t, "a")
		next := o.HistoryAdded()
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{{Key: "1", Baseline: text("1", "t", "1")}}})
		select {
		case <-next:
			t.Error("announced what added nothing")
		default:
		}
		o.commit(t, lease, added("anime", "1"))
		select {
		case <-next:
		default:
			t.Error("not announced")
		}
	})
}
