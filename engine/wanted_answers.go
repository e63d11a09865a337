package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/tandem-sync/tandem"
)

// answerKeyless refuses writes that name no row, without a look at the sheet, and returns the others.
func (c *cycle) answerKeyless(ctx context.Context, wanted []tandem.WantedWrite) (rest []tandem.WantedWrite, err error) {
	var done []tandem.WantedWrite
	for _, write := range wanted {
		if c.keyOf(&write.Mutation) != "" {
			rest = append(rest, write)
			continue
		}
		write.Result.Err = tandem.InvalidField("row.values", "a row in the sheet needs a value in every key column")
		done = append(done, write)
	}
	return rest, c.answer(ctx, done)
}

// finished returns write with its result; done is false when the row moved and the write has to be tried again.
func finished(write tandem.WantedWrite, result tandem.Applied) (tandem.WantedWrite, bool) {
	switch result.Outcome {
	case tandem.Landed:
		write.Result.Row = result.Row
		if write.Mutation.Kind == tandem.Delete {
			write.Result.Row = nil
		}
	case tandem.Refused:
		write.Result.Err = result.Err
	case tandem.Moved:
		return write, false
	}
	write.Done = true
	return write, true
}

// answer stores results, for which the callers wait.
func (c *cycle) answer(ctx context.Context, done []tandem.WantedWrite) error {
	if len(done) == 0 {
		return nil
	}
	for i := range done {
		done[i].Done = true
	}
	if _, err := c.table.Commit(ctx, c.lease, tandem.Commit{Link: c.link.ID, Writes: done}); err != nil {
		return fmt.Errorf("store results of writes: %w", err)
	}
	return nil
}

// failWrites answers writes that certainly did not happen with a failure that only their callers can do something about.
// Anything else is passed on: the writes stay in the journal and are tried again.
func (c *cycle) failWrites(ctx context.Context, writes []tandem.WantedWrite, err error) error {
	problem := asError(err)
	if problem == nil || errors.Is(err, errUnknown) || problem.Code == tandem.CodeUnavailable || problem.Code == tandem.CodeExhausted || problem.Code == tandem.CodeInternal {
		return err
	}
	for i := range writes {
		writes[i].Result.Err = problem
	}
	return c.answer(ctx, writes)
}
