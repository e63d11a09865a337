package sheets

import (
	"context"

	"github.com/tandem-sync/tandem"
)

// tellEvery is after how many rows a read of the whole tab tells how far it is.
const tellEvery = 2000

// telling is each, telling now and then how many rows were read.
func telling(ctx context.Context, each func(at int, row *cells) error) func(at int, row *cells) error {
	return func(at int, row *cells) error {
		if at%tellEvery == 0 {
			if err := tandem.Reading(ctx, at); err != nil {
				return err
			}
		}
		return each(at, row)
	}
}
