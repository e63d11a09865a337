package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// An answer is kept for a day, and one of a queue's entry for 30: long enough, and no longer.
func TestPruneKeepsWhatIsStillAsked(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		count := answer(ctx, t, o, echo)
		mutate := func(m tandem.Mutation) tandem.MutationResult {
			t.Helper()
			got, err := o.SheetWriter(&o.link).Mutate(ctx, []tandem.Mutation{m}, false)
			if err != nil {
				t.Fatal(err)
			}
			return got[0]
		}
		pass := func(d time.Duration) {
			t.Helper()
			o.clock.pass(d)
			if err := o.Prune(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			mutation tandem.Mutation
			kept     time.Duration
		}{
			{tandem.Mutation{Kind: tandem.Delete, Key: "1", RequestID: "call"}, 24 * time.Hour},
			{tandem.Mutation{Kind: tandem.Delete, Key: "1", RequestID: "queue", Queued: true}, 30 * 24 * time.Hour},
		} {
			before := count()
			mutate(c.mutation)
			pass(c.kept - time.Minute)
			if !mutate(c.mutation).Replayed {
				t.Errorf("the answer of %q was forgotten before %s", c.mutation.RequestID, c.kept)
			}
			pass(2 * time.Minute)
			if mutate(c.mutation).Replayed || count() != before+2 {
				t.Errorf("the answer of %q was kept for longer than %s", c.mutation.RequestID, c.kept)
			}
		}
	})
}

// What was first sent by itself, and then comes from a queue, is known for as long as a queue may send it.
func TestPruneKeepsWhatCameToAQueue(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		answer(ctx, t, o, echo)
		for side, mutate := range map[string]func(context.Context, []tandem.Mutation, bool) ([]tandem.MutationResult, error){
			"database": o.table.Mutate, "sheet": o.SheetWriter(&o.link).Mutate} {
			m := tandem.Mutation{Kind: tandem.Delete, Key: "1", AllowMissing: true, RequestID: "phone"}
			send := func() bool {
				t.Helper()
				got, err := mutate(ctx, []tandem.Mutation{m}, false)
				if err != nil {
					t.Fatal(err)
				}
				return got[0].Replayed
			}
			send()
			o.clock.pass(23 * time.Hour)
			m.Queued = true
			for _, wait := range []time.Duration{0, 2 * time.Hour, 29 * 24 * time.Hour} {
				o.clock.pass(wait)
				if err := o.Prune(ctx); err != nil {
					t.Fatal(err)
				}
				if !send() {
					t.Errorf("%s: it was done once more after %s", side, wait)
				}
			}
		}
	})
}

// Many old answers are removed, and none that is young or still waits.
func TestPruneRequestsInParts(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		insert := func(id string, age time.Duration, rest string) {
			o.exec(t, "INSERT INTO tandem_requests (link_number, source, request_id, fingerprint, write_id, result, created_at) VALUES (?, 'sheet', ?, "+rest+", ?)",
				o.link.Number, id, o.clock.Now().Add(-age).Format("2006-01-02 15:04:05.000000"))
		}
		for i := range 1100 {
			insert(fmt.Sprint("old", i), 25*time.Hour, "'day:x', '', '{}'")
		}
		insert("young", 23*time.Hour, "'day:x', '', '{}'")
		insert("queued", 29*24*time.Hour, "'x', '', '{}'")
		insert("waits", 40*24*time.Hour, "'day:x', 'w', NULL")
		if err := o.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := o.sql.QueryRow("SELECT COUNT(*) FROM tandem_requests WHERE request_id IN ('young', 'queued', 'waits')").Scan(&left); err != nil || left != 3 {
			t.Errorf("%d of the 3 that are still asked for are left, %v", left, err)
		}
		if err := o.sql.QueryRow("SELECT COUNT(*) FROM tandem_requests").Scan(&left); err != nil || left != 3 {
			t.Errorf("%d are left, %v; want 3", left, err)
		}
	})
}

// What a phone sent before the link's columns were edited, or before this version, is still known when it comes again; in a
// queue, too, what was first sent by itself.
func TestRepetitionIsKnown(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		link, table := w.people(t)
		create := tandem.Mutation{Kind: tandem.Insert, Values: text("7", "Dora", "1"), RequestID: "r1"}
		w.mutate(t, table, create)
		again := func(what string, link tandem.Link, m tandem.Mutation) {
			t.Helper()
			got := w.mutate(t, w.open(t, &link), m)
			if got[0].Err != nil || !got[0].Replayed || got[0].Row.Key != "7" {
				t.Errorf("%s: %+v", what, got[0])
			}
		}
		queued := create
		queued.Queued = true
		again("from a queue", link, queued)
		stored := read(t, w, "SELECT fingerprint FROM tandem_requests")
		former, err := store.FormerFingerprint(create, []string{"id", "name", "n"})
		if err != nil {
			t.Fatal(err)
		}
		w.exec(t, "UPDATE tandem_requests SET fingerprint = '"+former+"'")
		again("stored by an earlier version", link, create)
		again("stored by an earlier version, from a queue", link, queued)
		w.exec(t, "UPDATE tandem_requests SET fingerprint = '"+stored+"'")

		edited := link
		edited.Columns = []tandem.LinkColumn{link.Columns[1], link.Columns[0], link.Columns[2]}
		edited, err = w.UpdateLink(t.Context(), edited, 0)
		if err != nil {
			t.Fatal(err)
		}
		moved := create
		moved.Values = text("Dora", "7", "1")
		again("columns in another order", edited, moved)
		other := moved
		other.Values = text("7", "Dora", "1")
		if got := w.mutate(t, w.open(t, &edited), other); got[0].Err == nil {
			t.Errorf("another write under the same id: %+v", got[0])
		}
		w.exec(t, "UPDATE tandem_requests SET fingerprint = 'of another write'")
		if got := w.mutate(t, w.open(t, &edited), moved); got[0].Err == nil {
			t.Errorf("an id of another write: %+v", got[0])
		}
	})
}

func read(t *testing.T, w *world, query string) (text string) {
	t.Helper()
	if err := w.sql.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// Repetitions that are sent in parallel wait for each other, and make one row, whose key the database makes.
func TestConcurrentRepetitions(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		_, table := w.people(t)
		for round := range 5 {
			var group sync.WaitGroup
			keys := make([]tandem.Key, 8)
			for i := range keys {
				group.Go(func() {
					create := tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{tandem.Absent, tandem.Null, tandem.Text("1")}, RequestID: fmt.Sprint("r", round), Queued: i%2 == 0}
					got, err := table.Mutate(t.Context(), []tandem.Mutation{create}, false)
					if err != nil || got[0].Err != nil {
						t.Errorf("repetition %d: %+v, %v", i, got, err)
						return
					}
					keys[i] = got[0].Row.Key
				})
			}
			group.Wait()
			for _, key := range keys {
				if key != keys[0] {
					t.Errorf("repetitions made the rows %v", keys)
					break
				}
			}
		}
		if n, err := table.Count(t.Context()); err != nil || n != 8 {
			t.Errorf("%d rows, %v; want 8", n, err)
		}
	})
}

// The answer of a queue that was sent before shows rows as they are by now; that of a call is the first one.
func TestReplayedQueueShowsRowsAsTheyAre(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		_, table := w.people(t)
		first := []tandem.Mutation{
			{Kind: tandem.Update, Key: "1", Values: text("1", "Anna", "1"), RequestID: "a", Queued: true},
			{Kind: tandem.Insert, Values: text("2", "x", "1"), RequestID: "b", Queued: true},
			{Kind: tandem.Update, Key: "3", Values: text("3", "C", "3"), RequestID: "c", Queued: true},
			{Kind: tandem.Insert, Values: text("4", "Dora", "4"), RequestID: "d"},
		}
		same(t, "results", reasons(w.mutate(t, table, first...)), []string{"ok", "ROW_EXISTS", "ok", "ok"})
		w.exec(t, "UPDATE p SET n = n + 10 WHERE id <> 3", "DELETE FROM p WHERE id = 3")
		again := w.mutate(t, table, first...)
		same(t, "results again", reasons(again), []string{"ok", "ROW_EXISTS", "ok", "ok"})
		same(t, "changed since", again[0].Row.Values, text("1", "Anna", "11"))
		same(t, "in the way", again[1].Err.Row.Values, text("2", "Bea", "12"))
		if again[2].Row != nil {
			t.Errorf("a row that is gone is shown: %+v", again[2].Row)
		}
		same(t, "of a call", again[3].Row.Values, text("4", "Dora", "4"))
		for i, result := range again {
			if !result.Replayed {
				t.Errorf("result %d is not marked as one of an earlier call", i)
			}
		}
	})
}

// What a write is based on: one of several etags, or that the row is there at all.
func TestMutateOnEtags(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		_, table := w.people(t)
		rows, err := table.Get(t.Context(), []tandem.Key{"1"})
		if err != nil {
			t.Fatal(err)
		}
		set := func(key tandem.Key, etag string, allowMissing bool) tandem.Mutation {
			return tandem.Mutation{Kind: tandem.Update, Key: key, Etag: etag, AllowMissing: allowMissing, ValidateOnly: true,
				Values: []tandem.Value{tandem.Text(string(key)), tandem.Absent, tandem.Text("5")}}
		}
		remove := func(key tandem.Key, etag string, allowMissing bool) tandem.Mutation {
			return tandem.Mutation{Kind: tandem.Delete, Key: key, Etag: etag, AllowMissing: allowMissing, ValidateOnly: true}
		}
		etag := rows[0].Etag()
		results := w.mutate(t, table, set("1", "old,"+etag, false), set("1", "*", false), set("1", "old,older", false),
			set("9", "*", false), set("9", "*", true), set("9", etag, true), set("9", "", true), remove("8", etag, true), remove("8", etag, false))
		same(t, "results", reasons(results), []string{"ok", "ok", "ETAG_MISMATCH", "ROW_NOT_FOUND", "ETAG_MISMATCH", "ETAG_MISMATCH", "ok", "ok", "ROW_NOT_FOUND"})
	})
}
