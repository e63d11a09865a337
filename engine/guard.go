package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// removals are those of one side that need a person's answer.
type removals struct {
	source      tandem.Source
	keys        []tandem.Key
	recent, all int
}

// guard returns the removals that are more than the link's limit lets through without a person, nil when there are none.
func (c *cycle) guard(ctx context.Context) (*removals, error) {
	recent, err := c.w.opt.Store.Removals(ctx, c.link.ID, c.w.opt.Now().Add(-time.Hour))
	if err != nil {
		return nil, fmt.Errorf("count removals: %w", err)
	}
	all, err := c.w.opt.Store.CountBaselines(ctx, c.link.ID)
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	if c.sync != nil && c.sync.operation.Progress.First {
		all = 0 // what both sides agree on by now is this sync's own work, also that of a run that was cut off
	}
	for _, source := range []tandem.Source{tandem.Sheet, tandem.Database} {
		var keys []tandem.Key
		for i := range c.pending {
			if c.pending[i].Removes(source) && !c.pending[i].Resolved && !c.approved(c.pending[i].Row.Key, source) {
				keys = append(keys, c.pending[i].Row.Key)
			}
		}
		if reconcile.Exceeds(c.link.DeleteLimit, len(keys), recent[source], int(all)) {
			return &removals{source, keys, recent[source], int(all)}, nil
		}
	}
	return nil, nil
}

// haltBy halts the link because of removals; without any it does nothing.
func (c *cycle) haltBy(ctx context.Context, r *removals) error {
	if r == nil {
		return nil
	}
	return c.haltRemovals(ctx, r.source, r.keys, r.recent, r.all)
}

func (c *cycle) approved(key tandem.Key, source tandem.Source) bool {
	return c.approval != nil && c.approval.Source == source && c.approval.Keys[key]
}

func (c *cycle) haltRemovals(ctx context.Context, source tandem.Source, keys []tandem.Key, recent, all int) error {
	where := map[tandem.Source]string{tandem.Database: "database", tandem.Sheet: "sheet"}
	message := fmt.Sprintf("%d of %d rows were deleted or emptied in the %s (%d more within the last hour), which is more than the link allows. "+
		"Nothing was changed in the %s. To let it through: POST /v1/links/%s:approve {\"putBack\": false}; to restore the rows: {\"putBack\": true}",
		len(keys), all, where[source], recent, where[source.Other()], c.link.ID)
	halt := tandem.Halt{Reason: tandem.HaltTooManyDeletes, Message: message, Source: source, Rows: keys[:min(len(keys), 100)], RowCount: len(keys)}
	if c.sync != nil {
		return c.sync.halt(ctx, halt, keys)
	}
	return c.halt(ctx, halt, keys)
}

// keepApproved leaves in c.pending only what a person approved, and reports whether that is anything. It is carried out
// before the link halts for further removals: the answer to the next halt replaces this one, so that two removals would
// otherwise wait for each other for ever.
func (c *cycle) keepApproved() bool {
	if c.approval == nil {
		return false
	}
	kept := c.pending[:0]
	for _, d := range c.pending {
		if c.approval.Keys[d.Row.Key] && (c.approval.PutBack || !d.Removes(c.approval.Source.Other())) {
			kept = append(kept, d)
		}
	}
	c.pending = kept
	return len(kept) > 0
}
