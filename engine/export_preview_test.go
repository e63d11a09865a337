package engine

import (
	"context"

	"github.com/tandem-sync/tandem"
)

// PreviewOfLarge is Preview where every table counts as too large to be read whole.
func (w *Worker) PreviewOfLarge(ctx context.Context, link *tandem.Link, table Table, sample *tandem.Sample) (*tandem.Preview, error) {
	return w.preview(ctx, link, table, sample, -1)
}
