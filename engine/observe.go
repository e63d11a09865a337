package engine

import (
	"time"

	"github.com/tandem-sync/tandem"
)

// CycleReport is what one cycle of a link did.
type CycleReport struct {
	Link     string
	Err      error // nil when it went well
	Duration time.Duration
	// Written counts the rows that landed, by the side they were written to; Refused those that became row errors, Conflicts
	// those that became conflicts, Moved those that were left to the next cycle.
	Written                   map[tandem.Source]int
	Refused, Conflicts, Moved int
	// Lags are the times from a change to its arrival on the other side, by the side that it was made on; of changes whose time is
	// known.
	Lags map[tandem.Source][]time.Duration
	// Halted is the reason for which the link was halted in this cycle; "" when it was not.
	Halted string
}
