package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

func TestIntentsKeepAbsentValuesAndFollowColumns(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		intent := tandem.Intent{ID: "i1", Link: "anime", SpreadsheetID: "1AbC", Batch: []byte{0, 0xff, '"'}, Created: o.clock.Now(),
			Settlements: []tandem.Settlement{{Key: "1", Forget: true,
				Write:    &tandem.Change{Kind: tandem.Update, Key: "1", Before: text("1", "Akira", "9"), After: []tandem.Value{tandem.Absent, tandem.Null, tandem.Text("8")}},
				Baseline: []tandem.Value{tandem.Absent, tandem.Null, tandem.Invalid("#N/A")},
				History:  []tandem.Entry{{Key: "1", Before: map[string]tandem.Value{"title": tandem.Null}}},
				Error:    &tandem.RowError{Key: "1", Message: "no", Since: o.clock.Now()}}}}
		if err := o.OpenIntent(ctx, lease, intent); err != nil {
			t.Fatal(err)
		}
		got, err := o.Intents(ctx, "1AbC")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "intents", got, []tandem.Intent{intent})
		edited := o.link
		edited.Columns = []tandem.LinkColumn{o.link.Columns[2], o.link.Columns[0]}
		if _, err := o.UpdateLink(ctx, edited, 0); err != nil {
			t.Fatal(err)
		}
		got, err = o.Intents(ctx, "1AbC")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "baseline in the new order", got[0].Settlements[0].Baseline, []tandem.Value{tandem.Invalid("#N/A"), tandem.Absent})
		next := o.claim(t, "b")
		if err := o.UpdateIntent(ctx, next, "i0", []byte("more")); !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("update of an intent that is closed: %v", err)
		}
		if err := o.UpdateIntent(ctx, next, "i1", []byte("more")); err != nil {
			t.Error(err)
		}
		if err := o.UpdateIntent(ctx, lease, "i1", []byte("stale")); !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("updated by who was fenced off: %v", err)
		}
		if got, err := o.Intents(ctx, "1AbC"); err != nil || string(got[0].Batch) != "more" {
			t.Errorf("after an update: %+v, %v", got, err)
		}
		if err := o.CloseIntent(ctx, lease, "i1"); !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("closed by who was fenced off: %v", err)
		}
		if err := o.CloseIntent(ctx, next, "i1"); err != nil {
			t.Fatal(err)
		}
		if got, err := o.Intents(ctx, "1AbC"); len(got) != 0 || err != nil {
			t.Errorf("intents after closing: %v, %v", got, err)
		}
	})
}

func TestPlans(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		plan := tandem.Plan{ID: "p1", Link: "anime", Signature: "s", Created: o.clock.Now()}
		rows := []tandem.PlanRow{{Key: "1", Digest: "x"}, {Key: "1 ", Digest: "y"}}
		if err := o.SavePlan(ctx, plan, rows); err != nil {
			t.Fatal(err)
		}
		got, err := o.Plan(ctx, "p1")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "plan", *got, plan)
		digests, err := o.PlanRows(ctx, "p1")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "rows", digests, map[tandem.Key]string{"1": "x", "1 ": "y"})
		o.clock.pass(25 * time.Hour)
		_, err = o.Plan(ctx, "p1")
		wantError(t, err, tandem.CodeNotFound, "PLAN_NOT_FOUND")
		if err := o.Prune(ctx); err != nil {
			t.Fatal(err)
		}
		if digests, err := o.PlanRows(ctx, "p1"); len(digests) != 0 || err != nil {
			t.Errorf("rows of a pruned plan: %v, %v", digests, err)
		}
	})
}

func TestOperations(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		op := tandem.Operation{ID: "o1", Link: "anime", Request: tandem.SyncRequest{Actor: "token:ops", Returns: tandem.StateNew}}
		if err := o.CreateOperation(ctx, op); err != nil {
			t.Fatal(err)
		}
		err := o.CreateOperation(ctx, tandem.Operation{ID: "o2", Link: "anime"})
		wantError(t, err, tandem.CodeAborted, "OPERATION_RUNNING")
		if !strings.Contains(err.Error(), "operations/o1") {
			t.Errorf("the error does not name the operation: %v", err)
		}
		pending, err := o.PendingOperation(ctx, "anime")
		if err != nil || pending == nil || pending.ID != "o1" || pending.Request != op.Request {
			t.Fatalf("pending: %+v, %v", pending, err)
		}
		progress := tandem.SyncProgress{Phase: "SCANNING", RowsTotal: 5, Started: o.clock.Now()}
		if cancelled, err := o.SaveProgress(ctx, lease, "o1", progress); cancelled || err != nil {
			t.Errorf("progress: %v, %v", cancelled, err)
		}
		if err := o.CancelOperation(ctx, "o1"); err != nil {
			t.Fatal(err)
		}
		if cancelled, err := o.SaveProgress(ctx, lease, "o1", progress); !cancelled || err != nil {
			t.Errorf("progress after cancelling: %v, %v", cancelled, err)
		}
		finished := make(chan tandem.Operation)
		go func() {
			got, err := o.WaitOperation(ctx, "o1")
			if err != nil {
				t.Error(err)
			}
			finished <- got
		}()
		pending.Progress, pending.Error = progress, tandem.Errorf(tandem.CodeCancelled, "CANCELLED", "cancelled")
		if err := o.FinishOperation(ctx, lease, *pending, tandem.StateActive); err != nil {
			t.Fatal(err)
		}
		got := <-finished
		pending.Done, pending.CancelRequested = true, true
		same(t, "operation", got, *pending)
		if link, err := o.Link(ctx, "anime"); link.State != tandem.StateActive || err != nil {
			t.Errorf("state of the link: %s, %v", link.State, err)
		}
		o.clock.pass(time.Second)
		second := tandem.Operation{ID: "o2", Link: "anime"}
		if err := o.CreateOperation(ctx, second); err != nil {
			t.Fatal(err)
		}
		first, err := o.Operations(ctx, tandem.OperationFilter{}, "", 1)
		if err != nil || len(first) != 1 || first[0].ID != "o2" {
			t.Errorf("newest operation: %v, %v", first, err)
		}
		rest, err := o.Operations(ctx, tandem.OperationFilter{}, "o2", 10)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "older operations", rest, []tandem.Operation{*pending})
	})
}

// An operation that could not begin, since its link was halted, ends after the halt was answered: the link is not halted once more,
// without a halt that anybody could answer.
func TestOperationDoesNotHalt(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx, lease := t.Context(), o.claim(t, "a")
		op := tandem.Operation{ID: "o1", Link: "anime", Created: o.clock.Now(), Updated: o.clock.Now(), Request: tandem.SyncRequest{Returns: tandem.StateHalted}}
		if err := o.CreateOperation(ctx, op); err != nil {
			t.Fatal(err)
		}
		before, err := o.Link(ctx, "anime")
		if err != nil {
			t.Fatal(err)
		}
		op.Error = tandem.Errorf(tandem.CodePrecondition, "LINK_STATE", "the link is halted")
		if err := o.FinishOperation(ctx, lease, op, tandem.StateHalted); err != nil {
			t.Fatal(err)
		}
		after, err := o.Link(ctx, "anime")
		if err != nil || after.State != before.State || after.State == tandem.StateHalted {
			t.Errorf("the link went from %s to %s, %v", before.State, after.State, err)
		}
		if done, err := o.Operation(ctx, "o1"); err != nil || !done.Done {
			t.Errorf("the operation is not done: %+v, %v", done, err)
		}
	})
}
