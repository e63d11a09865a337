package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

const (
	// maxNotes is how many row errors are shown in a tab at once; people fix those first.
	maxNotes = 500
	// statusEvery is how often, at most, the note on the header is written anew.
	statusEvery = 30 * time.Second
	// notesRest is when notes are tried again for which there was no budget.
	notesRest = 10 * time.Second
)

// showNotes has the tab show the row errors as they are now, and, on the header's first cell, when both sides last agreed.
// A failure costs nothing but the notes: they are written at a later look.
func (c *cycle) showNotes(ctx context.Context, scan *tandem.Scan) {
	now := c.w.opt.Now()
	if scan == nil || !scan.Whole || now.Before(c.memo.nextNotes) || c.link.State != tandem.StateActive {
		return
	}
	status := c.memo.carried && !c.link.Status.EqualAsOf.IsZero() && !c.link.HideStatus && !now.Before(c.memo.nextStatus)
	if c.memo.notesFresh && !status {
		return
	}
	// Errors are for the people who typed; the status alone waits until nothing else needs the calls.
	priority := tandem.FanOut
	if c.memo.notesFresh {
		priority = tandem.Backfill
	}
	if !c.w.spare(priority) {
		c.memo.nextNotes = now.Add(notesRest)
		return
	}
	written, err := c.writeNotes(ctx, status)
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("notes in the sheet not written", "error", err)
		}
		c.memo.nextNotes = now.Add(time.Minute)
		return
	}
	c.memo.notesFresh = !written // what was written is looked at once more: a part of it may not have stayed
	if status {
		c.memo.carried, c.memo.nextStatus = false, now.Add(statusEvery)
	}
}

// writeNotes reports whether there was anything to write.
func (c *cycle) writeNotes(ctx context.Context, status bool) (written bool, err error) {
	store := c.w.opt.Store
	shown, err := store.Notes(ctx, c.link.ID)
	if err != nil {
		return false, fmt.Errorf("read notes: %w", err)
	}
	want, err := c.wantedNotes(ctx, shown, status)
	if err != nil || len(shown)+len(want) == 0 {
		return false, err
	}
	err = c.withSpreadsheet(ctx, func(ctx context.Context) error {
		if err := c.settleOpen(ctx); err != nil {
			return fmt.Errorf("settle earlier writes: %w", err)
		}
		batch, next, err := c.tab.PrepareNotes(ctx, shown, want)
		if err != nil {
			return fmt.Errorf("compare before writing: %w", err)
		}
		// Stored first: whoever finds notes of ours knows what stood there before.
		if err := store.SetNotes(ctx, c.lease, c.link.ID, next); err != nil {
			return fmt.Errorf("store notes: %w", err)
		}
		if batch == nil {
			return nil
		}
		written = true
		return c.tab.SendNotes(ctx, batch)
	})
	return written, err
}

// wantedNotes are the notes that the tab should show: one for each cell in error, and the status.
func (c *cycle) wantedNotes(ctx context.Context, shown []tandem.Note, status bool) ([]tandem.Note, error) {
	var want []tandem.Note
	if !c.link.HideStatus {
		switch at := slices.IndexFunc(shown, func(n tandem.Note) bool { return n.Header }); {
		case status:
			want = append(want, tandem.Note{Header: true, Text: c.statusText()})
		case at >= 0:
			want = append(want, shown[at])
		}
	}
	if c.link.HideErrors {
		return want, nil
	}
	errs, _, err := c.w.opt.Store.RowErrors(ctx, c.link.ID, "", maxNotes)
	if err != nil {
		return nil, fmt.Errorf("read row errors: %w", err)
	}
	type cell struct {
		key      tandem.Key
		position int
		column   string
	}
	at := map[cell]int{}
	for _, e := range errs {
		if e.Key == "" && e.Position == 0 {
			continue // a word on the table as a whole
		}
		key := e.Key
		if to, ok := c.memo.renames[key]; ok {
			key = to
		}
		if spelled, ok := c.spelled[key]; ok {
			key = spelled
		}
		place := cell{key, e.Position, e.Column}
		if n, ok := at[place]; ok {
			want[n].Text += "\n" + e.Message
			continue
		}
		at[place] = len(want)
		want = append(want, tandem.Note{Key: key, Position: e.Position, Column: e.Column, Text: e.Message})
	}
	return want, nil
}

func (c *cycle) statusText() string {
	at := c.link.Status.EqualAsOf
	if zone, err := time.LoadLocation(c.link.TimeZone); err == nil {
		at = at.In(zone)
	}
	return fmt.Sprintf("Equal to the table %s as of %s, apart from marked cells.", c.link.Table, at.Format("2006-01-02 15:04:05"))
}
