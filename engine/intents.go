package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// closeIntent commits what landed of a batch and closes its intent, in one transaction.
func (c *cycle) closeIntent(ctx context.Context, id string, p payload, applied []tandem.Applied) error {
	commit := tandem.Commit{Link: c.link.ID, Intent: id}
	for i, result := range applied {
		if i < len(p.Settlements) && result.Outcome == tandem.Landed {
			commit.Settlements = append(commit.Settlements, p.Settlements[i])
		}
		if i < len(p.Writes) {
			if write, done := finished(p.Writes[i], result); done {
				commit.Writes = append(commit.Writes, write)
			}
		}
	}
	if _, err := c.table.Commit(ctx, c.lease, commit); err != nil {
		return fmt.Errorf("commit what landed in the sheet: %w", err)
	}
	return nil
}

// settleIntents finds out what became of batches whose writer crashed or got no reply.
func (c *cycle) settleIntents(ctx context.Context) error {
	intents, err := c.w.opt.Store.Intents(ctx, c.link.SpreadsheetID)
	if err != nil || len(intents) == 0 {
		return err
	}
	return c.withSpreadsheet(ctx, c.settleOpen)
}

// settleOpen settles every open intent of the spreadsheet, those of other links too: the copies by which a write that
// landed astray is put back lie in one hidden tab, and the next write replaces them.
func (c *cycle) settleOpen(ctx context.Context) error {
	intents, err := c.w.opt.Store.Intents(ctx, c.link.SpreadsheetID)
	if err != nil {
		return err
	}
	for _, intent := range intents {
		of := c
		if intent.Link != c.link.ID {
			if of, err = c.neighbour(ctx, intent.Link); err != nil {
				return fmt.Errorf("open link %s: %w", intent.Link, err)
			}
		}
		if err := of.settleIntent(ctx, intent); err != nil {
			return err
		}
		c.memo.seen = ""
	}
	return nil
}

// neighbour opens another link of the same spreadsheet, to commit what landed for it. That is done under this cycle's
// lease: whatever else happens to that link, what landed did land.
func (c *cycle) neighbour(ctx context.Context, id string) (*cycle, error) {
	link, err := c.w.opt.Store.Link(ctx, id)
	if err != nil {
		return nil, err
	}
	other := &cycle{w: c.w, link: link, lease: c.lease, log: c.w.opt.Logger.With("link", id)}
	other.table, err = c.w.opt.OpenTable(ctx, &other.link)
	if err != nil {
		return nil, err
	}
	other.tab = c.w.opt.OpenTab(&other.link, other.table.Columns())
	return other, nil
}

func (c *cycle) settleIntent(ctx context.Context, intent tandem.Intent) error {
	p, err := decodePayload(intent.Batch)
	if err != nil {
		return fmt.Errorf("read intent %s: %w", intent.ID, err)
	}
	applied, took, err := c.tab.Settle(c.recording(ctx, intent.ID, &p), p.Batch)
	if err != nil {
		return err
	}
	c.log.Info("settled an earlier write", "intent", intent.ID, "took_effect", took)
	switch {
	case !took:
		return c.w.opt.Store.CloseIntent(ctx, c.lease, intent.ID)
	case p.Version != c.link.Version && !slices.Equal(p.Columns, columnNames(&c.link)):
		return c.closeOutdated(ctx, intent.ID, p, applied)
	}
	return c.closeIntent(ctx, intent.ID, p, applied)
}

// recording has what a write does beyond its batch stored with its intent, and p holds the batch as it was stored last.
func (c *cycle) recording(ctx context.Context, id string, p *payload) context.Context {
	return tandem.WithRecord(ctx, func(ctx context.Context, batch []byte) error {
		p.Batch = batch
		stored, err := p.encode()
		if err != nil {
			return fmt.Errorf("encode intent: %w", err)
		}
		return c.w.opt.Store.UpdateIntent(ctx, c.lease, id, stored)
	})
}

// closeOutdated closes an intent whose link was given other columns since: what it settled is taken over by the names of
// the columns. Callers are told that their write took effect.
func (c *cycle) closeOutdated(ctx context.Context, id string, p payload, applied []tandem.Applied) error {
	commit := tandem.Commit{Link: c.link.ID, Intent: id, Writes: p.Writes}
	for i := range commit.Writes {
		commit.Writes[i].Done = true
		commit.Writes[i].Result.Err = tandem.Errorf(tandem.CodeAborted, "LINK_CHANGED",
			"the write took effect, but the link's columns were changed meanwhile; read the row again")
	}
	names := columnNames(&c.link)
	for i, settlement := range p.Settlements {
		if i >= len(applied) || applied[i].Outcome != tandem.Landed {
			continue
		}
		if settlement.Baseline != nil {
			moved := make([]tandem.Value, len(names))
			for at, name := range names {
				if before := slices.Index(p.Columns, name); before >= 0 {
					moved[at] = settlement.Baseline[before]
				}
			}
			settlement.Baseline = moved
		}
		commit.Settlements = append(commit.Settlements, settlement)
	}
	_, err := c.table.Commit(ctx, c.lease, commit)
	return err
}

func columnNames(link *tandem.Link) []string {
	names := make([]string, len(link.Columns))
	for i := range link.Columns {
		names[i] = link.Columns[i].Column
	}
	return names
}

// withSpreadsheet runs fn as the only writer of the link's spreadsheet, in all processes.
func (c *cycle) withSpreadsheet(ctx context.Context, fn func(context.Context) error) error {
	name := "spreadsheets/" + c.link.SpreadsheetID
	for {
		// The holder is this cycle, not this process: two links of one spreadsheet must not write at once.
		lease, ok, err := c.w.opt.Store.Claim(ctx, name, c.w.opt.Holder+"/"+c.link.ID, c.w.opt.Lease)
		if err != nil {
			return fmt.Errorf("claim spreadsheet: %w", err)
		}
		if ok {
			held := c.w.hold(ctx, lease)
			err = fn(tandem.WithFence(held.ctx, func(ctx context.Context) error {
				_, err := c.w.opt.Store.Renew(ctx, lease, c.w.opt.Lease)
				return err
			}))
			held.stop()
			release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			_ = c.w.opt.Store.Release(release, lease)
			return err
		}
		sleep(ctx, 20*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
