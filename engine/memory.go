package engine

import (
	"time"

	"github.com/tandem-sync/tandem"
)

// memory is what a worker remembers of a link between cycles to save work. Losing it costs a read, never a row.
type memory struct {
	nextPoll    time.Time
	nextCompare time.Time // zero until the first cycle, so that a worker that starts compares everything once
	retryAfter  time.Time // no cycle before: the last one failed, or rows moved under it
	failures    int       // cycles in a row that failed
	restless    int       // cycles in a row in which rows moved under it
	captured    time.Time // when the triggers were last checked

	seen     string                  // digest of the last scan that left nothing to do
	problems string                  // digest of the unusable rows last recorded
	blocked  map[tandem.Key]bool     // rows that were left alone in the last scan until the sheet changes
	order    *rowOrder               // the rows of the sheet at the last look
	typed    map[tandem.Key]typedRow // new rows of the sheet that may still be typed
	unkeyed  int                     // rows of the table that the last full compare passed over
	// keyless are rows typed without a key that may still be typed, by digest; refused those that the table will not take.
	keyless map[string]time.Time
	refused map[string]refusal
	renames map[tandem.Key]tandem.Key // edited keys that the table refused so far
	// looked is when single rows were last taken into account, since the last whole scan; typists what hints told of the rows
	// that may still be typed.
	looked  map[tandem.Key]time.Time
	typists map[tandem.Key]tandem.Mark
	// mistaken are rows that may show something else than both sides agreed on.
	mistaken map[tandem.Key]bool
	// notesFresh is set while the tab shows the row errors as they are; carried when something was carried over since the
	// status note was written.
	notesFresh, carried   bool
	nextNotes, nextStatus time.Time

	fence int64 // of the last lease: an unbroken count means that nobody else had the link
}

// distrust forgets what only holds as long as nobody else works on the link.
func (m *memory) distrust() {
	m.seen, m.problems, m.blocked, m.order = "", "", nil, nil
	m.looked, m.typists = nil, nil
}

// typing reports whether rows of the sheet may still be typed.
func (m *memory) typing() bool { return len(m.typed)+len(m.keyless) > 0 }

// showing reports whether the tab is to show something that it does not yet, and may be written now.
func (m *memory) showing(now time.Time, hideStatus bool) bool {
	return !now.Before(m.nextNotes) && (!m.notesFresh || m.carried && !hideStatus && !now.Before(m.nextStatus))
}

// retrying reports whether a row typed without a key is to be tried again although nothing in it changed.
func (m *memory) retrying(now time.Time) bool {
	for _, known := range m.refused {
		if !known.waits(now) {
			return true
		}
	}
	return false
}

type typedRow struct {
	digest string
	since  time.Time
}
