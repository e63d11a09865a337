package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

func hinted(at time.Time, rows ...int) tandem.Mark {
	return tandem.Mark{Source: tandem.Sheet, Cause: tandem.CauseSheet, At: at, Actor: "ann@example.com", Rows: rows}
}

// hints returns the marks that wait, without their ids.
func (o *own) hints(t *testing.T) []tandem.Mark {
	t.Helper()
	marks, err := o.table.Marks(t.Context(), 5000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range marks {
		marks[i].ID = 0
	}
	return marks
}

func (o *own) hint(t *testing.T, signature string, mark tandem.Mark) bool {
	t.Helper()
	fresh, err := o.AddHint(t.Context(), o.link.ID, signature, mark)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func TestHookSecret(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx, id := t.Context(), o.link.ID
		if known, err := o.KnownHookSecret(ctx, id); known != "" || err != nil {
			t.Errorf("a link that nobody asked for its secret has %q, %v", known, err)
		}
		secrets := make([]string, 8)
		var asking sync.WaitGroup
		for i := range secrets {
			s := o.another(t)
			asking.Go(func() {
				var err error
				if secrets[i], err = s.HookSecret(ctx, id); err != nil {
					t.Error(err)
				}
			})
		}
		asking.Wait()
		for _, secret := range secrets {
			if secret != secrets[0] || len(secret) < 40 {
				t.Fatalf("who asked at the same time got %q", secrets)
			}
		}
		rotated, err := o.RotateHookSecret(ctx, id)
		if err != nil || rotated == secrets[0] || len(rotated) < 40 {
			t.Errorf("rotated from %q to %q, %v", secrets[0], rotated, err)
		}
		if known, err := o.KnownHookSecret(ctx, id); known != rotated || err != nil {
			t.Errorf("known is %q, %v, want %q", known, err, rotated)
		}
		for name, ask := range map[string]func() (string, error){
			"HookSecret":       func() (string, error) { return o.HookSecret(ctx, "nobody") },
			"KnownHookSecret":  func() (string, error) { return o.KnownHookSecret(ctx, "nobody") },
			"RotateHookSecret": func() (string, error) { return o.RotateHookSecret(ctx, id+" ") },
		} {
			_, err := ask()
			if !errors.Is(err, tandem.ErrNotFound) {
				t.Errorf("%s of a link that is not there: %v", name, err)
			}
		}
	})
}

func TestAddHint(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		o.setState(t, tandem.StateActive)
		now := o.clock.Now()
		edit := now.Add(-1500 * time.Millisecond)
		for i, signature := range []string{"a", "a", "b", "A"} {
			if fresh := o.hint(t, signature, hinted(edit, 2, 3)); fresh != (i != 1) {
				t.Errorf("hint %d with signature %q is fresh: %v", i, signature, fresh)
			}
		}
		o.hint(t, "c", tandem.Mark{Source: tandem.Sheet, Cause: tandem.CauseSheet})
		want := []tandem.Mark{hinted(edit, 2, 3), hinted(edit, 2, 3), hinted(edit, 2, 3), {Source: tandem.Sheet, Cause: tandem.CauseSheet}}
		same(t, "marks", o.hints(t), want)

		link, err := o.Link(t.Context(), o.link.ID)
		if err != nil {
			t.Fatal(err)
		}
		// The last one did not say when the edit was.
		same(t, "last hint", link.Status.LastHint, tandem.Hint{Path: tandem.HintAppsScript, At: now})
		o.clock.pass(time.Second)
		o.hint(t, "d", hinted(edit, 4))
		if link, err = o.Link(t.Context(), o.link.ID); err != nil {
			t.Fatal(err)
		}
		same(t, "last hint", link.Status.LastHint, tandem.Hint{Path: tandem.HintAppsScript, At: now.Add(time.Second), Delay: 2500 * time.Millisecond})
		if fresh, err := o.AddHint(t.Context(), "nobody", "x", hinted(edit)); fresh || !errors.Is(err, tandem.ErrNotFound) {
			t.Errorf("a hint for a link that is not there: %v, %v", fresh, err)
		}
	})
}

// Of processes that get the same hint at once, one takes it.
func TestAddHintConcurrent(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		o.setState(t, tandem.StateActive)
		const processes, hints = 4, 10
		taken := make([][]bool, processes)
		var all sync.WaitGroup
		for p := range processes {
			s := o.another(t)
			taken[p] = make([]bool, hints)
			all.Go(func() {
				for n := range hints {
					var err error
					if taken[p][n], err = s.AddHint(t.Context(), o.link.ID, fmt.Sprint("signature ", n), hinted(o.clock.Now(), n+2)); err != nil {
						t.Errorf("process %d, hint %d: %v", p, n, err)
					}
				}
			})
		}
		all.Wait()
		for n := range hints {
			times := 0
			for p := range processes {
				if taken[p][n] {
					times++
				}
			}
			if times != 1 {
				t.Errorf("hint %d was taken %d times", n, times)
			}
		}
		if marks := o.hints(t); len(marks) != hints {
			t.Errorf("%d marks of %d hints", len(marks), hints)
		}
	})
}

// Marks that no cycle takes away must not pile up, and none may get lost by that.
func TestHintsDoNotPileUp(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		now := o.clock.Now()
		o.setState(t, tandem.StateActive)
		before := tandem.Mark{Source: tandem.Database, Key: "7", At: now, Cause: tandem.CauseAPI}
		if err := o.AddMarks(t.Context(), o.link.ID, []tandem.Mark{before}); err != nil {
			t.Fatal(err)
		}
		for n := range 200 {
			o.hint(t, fmt.Sprint("active ", n), hinted(now, n+2))
		}
		if marks := o.hints(t); len(marks) != 201 {
			t.Fatalf("%d marks of 200 hints and a write", len(marks))
		}
		o.hint(t, "one more", hinted(now, 300))
		same(t, "marks of an active link", o.hints(t), []tandem.Mark{before, hinted(now)})

		o.hint(t, "with rows", hinted(now, 2))
		for _, state := range []tandem.State{tandem.StatePaused, tandem.StateNew, tandem.StateInitialSync, tandem.StateHalted} {
			o.exec(t, "UPDATE tandem_links SET state = '"+string(state)+"'")
			for n := range 3 {
				o.hint(t, fmt.Sprint(state, n), hinted(now, n+2))
			}
			same(t, "sheet marks of a link that is "+string(state), onSheet(o.hints(t)), []tandem.Mark{hinted(now), hinted(now, 2)})
		}
		o.exec(t, "DELETE FROM tandem_marks")
		o.setState(t, tandem.StateActive)
		o.hint(t, "x", hinted(now, 2))
		o.hint(t, "y", hinted(now, 3))
		o.setState(t, tandem.StatePaused)
		o.hint(t, "z", hinted(now, 4))
		same(t, "marks of a link that was paused", onSheet(o.hints(t)), []tandem.Mark{hinted(now)})
	})
}

func onSheet(marks []tandem.Mark) (sheet []tandem.Mark) {
	for _, mark := range marks {
		if mark.Source == tandem.Sheet {
			sheet = append(sheet, mark)
		}
	}
	return sheet
}

// A signature is remembered for longer than a hint is taken, and no longer than needed.
func TestPruneSignatures(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		o.setState(t, tandem.StateActive)
		o.hint(t, "a", hinted(o.clock.Now(), 2))
		prune := func(after time.Duration) {
			t.Helper()
			o.clock.pass(after)
			if err := o.Prune(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		prune(11 * time.Minute)
		if o.hint(t, "a", hinted(o.clock.Now(), 2)) {
			t.Error("the signature was forgotten while the hint's timestamp may still hold")
		}
		prune(24 * time.Hour)
		if !o.hint(t, "a", hinted(o.clock.Now(), 2)) {
			t.Error("the signature was never forgotten")
		}
	})
}

func TestSetHint(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		now := o.clock.Now()
		last := func() tandem.Hint {
			t.Helper()
			link, err := o.Link(t.Context(), o.link.ID)
			if err != nil {
				t.Fatal(err)
			}
			return link.Status.LastHint
		}
		same(t, "hint of a new link", last(), tandem.Hint{})
		drive := tandem.Hint{Path: tandem.HintDrive, At: now, Delay: 3 * time.Second}
		older := tandem.Hint{Path: tandem.HintPoll, At: now.Add(-time.Second)}
		for _, hint := range []tandem.Hint{drive, older} {
			if err := o.SetHint(t.Context(), o.link.ID, hint); err != nil {
				t.Fatal(err)
			}
		}
		same(t, "hint", last(), drive)
	})
}
