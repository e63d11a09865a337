package sheets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/tandem-sync/tandem"
)

// Journaled is a Tab whose batches are bytes: what the engine stores before it sends them. It is for one caller at a time.
type Journaled struct {
	*Tab
	last *prepared
}

// prepared is the batch that was prepared last, so that it need not be decoded again when it is sent.
type prepared struct {
	stored []byte
	batch  *Batch
}

// Journaled returns the tab with batches as bytes.
func (t *Tab) Journaled() Journaled { return Journaled{t, &prepared{}} }

// Prepare is Tab.Prepare with the batch as JSON, nil when nothing is left to write.
func (j Journaled) Prepare(ctx context.Context, id string, changes []tandem.Change) ([]byte, []tandem.Applied, error) {
	batch, applied, err := j.Tab.Prepare(ctx, id, changes)
	if err != nil || batch == nil {
		return nil, applied, err
	}
	stored, err := json.Marshal(batch)
	if err != nil {
		return nil, nil, fmt.Errorf("encode batch: %w", err)
	}
	*j.last = prepared{stored, batch}
	return stored, applied, nil
}

// Send is Tab.Send of a stored batch.
func (j Journaled) Send(ctx context.Context, stored []byte) ([]tandem.Applied, error) {
	last := *j.last
	*j.last = prepared{} // sending takes notes in the batch
	if last.batch != nil && bytes.Equal(last.stored, stored) {
		return j.Tab.Send(ctx, last.batch)
	}
	var batch Batch
	if err := json.Unmarshal(stored, &batch); err != nil {
		return nil, fmt.Errorf("decode batch: %w", err)
	}
	return j.Tab.Send(ctx, &batch)
}

// Settle is Tab.Settle of a stored batch.
func (j Journaled) Settle(ctx context.Context, stored []byte) ([]tandem.Applied, bool, error) {
	var batch Batch
	if err := json.Unmarshal(stored, &batch); err != nil {
		return nil, false, fmt.Errorf("decode batch: %w", err)
	}
	return j.Tab.Settle(ctx, &batch)
}
