package store_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// answer plays the worker: it answers the wanted writes that come until ctx ends, and counts them.
func answer(ctx context.Context, t *testing.T, o *own, with func(tandem.WantedWrite) tandem.MutationResult) (count func() int) {
	lease := o.claim(t, "worker")
	var mu sync.Mutex
	done := 0
	go func() {
		for ctx.Err() == nil {
			writes, err := o.WantedWrites(ctx, "anime", 100)
			if err != nil || len(writes) == 0 {
				continue
			}
			for i := range writes {
				writes[i].Result = with(writes[i])
			}
			mu.Lock()
			done += len(writes)
			mu.Unlock()
			if _, err := o.Store.Commit(ctx, lease, o.table, tandem.Commit{Link: "anime", Writes: writes}); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	}()
	return func() int { mu.Lock(); defer mu.Unlock(); return done }
}

func echo(write tandem.WantedWrite) tandem.MutationResult {
	if write.Mutation.Key == "bad" {
		return tandem.MutationResult{Err: &tandem.Error{Code: tandem.CodeAborted, Reason: "ETAG_MISMATCH", Message: "moved",
			Row: &tandem.Row{Key: "bad", Values: []tandem.Value{tandem.Text("bad"), tandem.Absent, tandem.Null}}}}
	}
	return tandem.MutationResult{Row: &tandem.Row{Key: write.Mutation.Key, Values: write.Mutation.Values, Position: 3}}
}

func TestSheetWriter(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		count := answer(ctx, t, o, echo)
		writer := o.another(t).SheetWriter(&o.link) // in another process than the worker
		good := tandem.Mutation{Kind: tandem.Update, Key: "1", Values: []tandem.Value{tandem.Absent, tandem.Null, tandem.Text("8")}, RequestID: "r1", Actor: "token:a"}
		bad := tandem.Mutation{Kind: tandem.Delete, Key: "bad", RequestID: "r2"}
		want := []tandem.MutationResult{echo(tandem.WantedWrite{Mutation: good}), echo(tandem.WantedWrite{Mutation: bad})}
		got, err := writer.Mutate(ctx, []tandem.Mutation{good, bad}, false)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "results", got, want)
		good.Actor = "token:b"
		got, err = writer.Mutate(ctx, []tandem.Mutation{good, bad, {Kind: tandem.Delete, Key: "2", RequestID: "r1"}}, false)
		if err != nil {
			t.Fatal(err)
		}
		want[0].Replayed, want[1].Replayed = true, true
		same(t, "results of the repetition", got[:2], want)
		wantError(t, got[2].Err, tandem.CodeInvalid, "INVALID_FIELD")
		if count() != 2 {
			t.Errorf("the worker was asked for %d writes, want 2", count())
		}
		_, err = writer.Mutate(ctx, []tandem.Mutation{good}, true)
		wantError(t, err, tandem.CodeUnimplemented, "ATOMIC_SHEET")
	})
}

func TestRepetitionsInParallelAreOneWrite(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stores := []*store.Store{o.Store, o.another(t)}
		mutation := tandem.Mutation{Kind: tandem.Insert, Key: "1", Values: text("1", "t", "1"), RequestID: "same"}
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				got, err := stores[i%2].SheetWriter(&o.link).Mutate(ctx, []tandem.Mutation{mutation, mutation}, false)
				if err != nil || got[0].Row == nil || !got[1].Replayed {
					t.Errorf("results %+v, %v", got, err)
				}
			})
		}
		count := answer(ctx, t, o, echo)
		group.Wait()
		if count() != 1 {
			t.Errorf("%d writes for one request", count())
		}
	})
}

func TestWriteOutlivesItsCaller(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		mutation := tandem.Mutation{Kind: tandem.Delete, Key: "1", RequestID: "r"}
		writer := o.SheetWriter(&o.link)
		_, err := writer.Mutate(ctx, []tandem.Mutation{mutation}, false)
		wantError(t, err, tandem.CodeUnavailable, "WRITE_PENDING")
		due, err := o.Due(t.Context(), o.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		same(t, "due", due, []tandem.Due{{Link: "anime", Writes: 1}})
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		count := answer(ctx, t, o, echo)
		got, err := writer.Mutate(ctx, []tandem.Mutation{mutation}, false)
		if err != nil || !got[0].Replayed || count() != 1 {
			t.Errorf("the repetition: %+v, %v, %d writes", got, err, count())
		}
	})
}

// Who gave no request id is not told to repeat the write with it.
func TestNamelessWriteOutlivesItsCaller(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		for id, want := range map[string]string{"r": "repeat it with the same request_id", "": "read the row later"} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_, err := o.SheetWriter(&o.link).Mutate(ctx, []tandem.Mutation{{Kind: tandem.Delete, Key: "1", RequestID: id}}, false)
			cancel()
			wantError(t, err, tandem.CodeUnavailable, "WRITE_PENDING")
			if !strings.Contains(err.Error(), want) {
				t.Errorf("request id %q: %v", id, err)
			}
		}
	})
}

func TestWriteOfDeletedLink(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		failed := make(chan error)
		go func() {
			_, err := o.SheetWriter(&o.link).Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Delete, Key: "1"}}, false)
			failed <- err
		}()
		for {
			if writes, err := o.WantedWrites(t.Context(), "anime", 1); len(writes) > 0 || err != nil {
				break
			}
		}
		if err := o.DeleteLink(t.Context(), "anime"); err != nil {
			t.Fatal(err)
		}
		wantError(t, <-failed, tandem.CodeNotFound, "LINK_NOT_FOUND")
	})
}
