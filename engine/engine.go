// Package engine keeps links in step: it finds out which link has something to do, takes its lease and runs cycles.
//
// A cycle (DESIGN: claim, scan, reconcile, guard, apply, commit) looks at state, never at events: whatever woke it, it
// reads the rows as they stand on both sides and merges them with what both sides last agreed on. So a wake-up may come
// twice, late or never, and a cycle may be cut off anywhere; the next one ends up at the same rows.
//
// The engine knows neither SQL nor Google. What it needs of them are the small interfaces in this file, which the store's
// tables and the sheets' tabs satisfy.
package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
)

// Table is a linked table together with its link's journal.
type Table interface {
	// Columns are the linked columns, in the link's order.
	Columns() []tandem.Column
	// Count returns how many rows the table holds.
	Count(ctx context.Context) (int64, error)
	// Scan returns up to limit rows after a key, in key order.
	Scan(ctx context.Context, after tandem.Key, limit int) ([]tandem.Row, error)
	// Unkeyed returns how many rows Scan passed over so far, since their key cannot stand in a cell.
	Unkeyed() int
	// Get returns the rows of keys that are there, in any order.
	Get(ctx context.Context, keys []tandem.Key) ([]tandem.Row, error)
	// Folds reports whether the database holds some keys equal that are spelled differently. Canonical returns, for each
	// of the keys, the spelling that stands for all of those: the table's own where it has such a row, else the first one
	// among keys. Keys that stand for themselves are left out.
	Folds() bool
	Canonical(ctx context.Context, keys []tandem.Key) (map[tandem.Key]tandem.Key, error)
	// Problems says, by column, why a linked column cannot flow.
	Problems() map[string]string
	// Marks returns up to limit marks that wait, oldest first.
	Marks(ctx context.Context, limit int) ([]tandem.Mark, error)
	// Commit writes to the table and to the journal in one transaction that fails with tandem.ErrFenced when the lease
	// is lost. Results are aligned with the settlements; of one whose write did not land, nothing is stored.
	Commit(ctx context.Context, lease tandem.Lease, commit tandem.Commit) ([]tandem.Applied, error)
}

// Tab is a linked tab of a spreadsheet. A failed or partial read is an error, never an empty result.
type Tab interface {
	// Setup gives the tab what writing to it needs (headers on an empty tab, text formats, the hidden tab).
	Setup(ctx context.Context) error
	// ScanUnless reads the whole tab in a single call. Where it still has the digest it returns a Scan that is Same, without
	// rows: whoever needs rows for another reason than that something changed names no digest.
	ScanUnless(ctx context.Context, digest string) (*tandem.Scan, error)
	// Find reads the whole key column in a single call, and the rows of keys.
	Find(ctx context.Context, keys []tandem.Key) (*tandem.Scan, error)
	// FindRows is Find for the rows that stand at some places, too; their keys are not known before. It is a whole Scan when
	// the key at one of the places is blank, stands twice, or was not in the tab at the last read.
	FindRows(ctx context.Context, rows []int, keys []tandem.Key) (*tandem.Scan, error)
	// Steady is the moment since which no read showed a row elsewhere than the read before it; zero when that is not known.
	Steady() time.Time
	// Stood reports whether each of keys stood in the sheet exactly once when all key cells were read last, after a moment.
	Stood(keys []tandem.Key, after time.Time) bool
	// Confirm fails when what was read is not the tab that was linked.
	Confirm(ctx context.Context) error
	// Fits returns how many of the first changes one write call takes.
	Fits(changes []tandem.Change) int
	// Prepare compares the rows with what the changes expect and returns the batch to send, nil when nothing is left
	// to write. Applied is aligned with changes; those that Landed are in the batch and not yet written.
	Prepare(ctx context.Context, id string, changes []tandem.Change) (batch []byte, applied []tandem.Applied, err error)
	// Send writes the batch in one atomic call. Applied is aligned with the changes in the batch, in their order. After
	// an error it is not known whether the batch took effect: Settle tells.
	Send(ctx context.Context, batch []byte) ([]tandem.Applied, error)
	// Settle finds out whether the batch took effect, and makes sure that it no longer will when it did not.
	Settle(ctx context.Context, batch []byte) (applied []tandem.Applied, took bool, err error)
	// PrepareNotes returns the batch that makes the tab show want, given that it was last known to show shown, with what
	// it shows then; the batch is nil when it does already. SendNotes writes it, and takes back what landed astray.
	PrepareNotes(ctx context.Context, shown, want []tandem.Note) (batch []byte, next []tandem.Note, err error)
	SendNotes(ctx context.Context, batch []byte) error
	// Calls counts the calls made through this Tab.
	Calls() (reads, writes int64)
}

// Links are the links and what waits for each.
type Links interface {
	// BareLinks are all links, by id, without what is counted.
	BareLinks(ctx context.Context) ([]tandem.Link, error)
	Link(ctx context.Context, id string) (tandem.Link, error)
	// Due says what waits for each link; it is asked many times a second.
	Due(ctx context.Context, now time.Time) ([]tandem.Due, error)
	// BeginSync moves a link to INITIAL_SYNC, unless it is halted.
	BeginSync(ctx context.Context, lease tandem.Lease, link string) error
	SetHalt(ctx context.Context, lease tandem.Lease, link string, halt tandem.Halt, keys []tandem.Key) error
	SetLastError(ctx context.Context, link, message string) error
	// SetObserved stores what was found out about the link's columns and the title of its tab.
	SetObserved(ctx context.Context, lease tandem.Lease, link string, columns []tandem.LinkColumn, tab string) error
	// SetHint records by which way a change of the tab became known.
	SetHint(ctx context.Context, link string, hint tandem.Hint) error
	// LinkOrder numbers the links such that parents come before the tables that reference them.
	LinkOrder(ctx context.Context) (map[string]int, error)
	// Capture makes, or restores, what marks changed rows of the link's table. It is idempotent.
	Capture(ctx context.Context, link *tandem.Link) error
}

// Approvals are answers of people to halts.
type Approvals interface {
	Approval(ctx context.Context, link string) (*tandem.Approval, error)
	ClearApproval(ctx context.Context, lease tandem.Lease, link string) error
	// Removals counts rows removed or emptied since a moment, by the side that removed them.
	Removals(ctx context.Context, link string, since time.Time) (map[tandem.Source]int, error)
}

// Leases are rights to work on something, shared by all processes.
type Leases interface {
	Claim(ctx context.Context, name, holder string, ttl time.Duration) (tandem.Lease, bool, error)
	Renew(ctx context.Context, lease tandem.Lease, ttl time.Duration) (tandem.Lease, error)
	Release(ctx context.Context, lease tandem.Lease) error
}

// Baselines are what both sides last agreed on, row by row.
type Baselines interface {
	Baselines(ctx context.Context, link *tandem.Link, keys []tandem.Key) (map[tandem.Key][]tandem.Value, error)
	ScanBaselines(ctx context.Context, link *tandem.Link, after tandem.Key, limit int) ([]tandem.BaselineRow, error)
	CountBaselines(ctx context.Context, link string) (int64, error)
	DiscardBaselines(ctx context.Context, lease tandem.Lease, link string) error
}

// Journal is work that was asked for, and work under way.
type Journal interface {
	AddMarks(ctx context.Context, link string, marks []tandem.Mark) error
	WantedWrites(ctx context.Context, link string, limit int) ([]tandem.WantedWrite, error)
	OpenIntent(ctx context.Context, lease tandem.Lease, intent tandem.Intent) error
	// UpdateIntent replaces the batch of an open intent.
	UpdateIntent(ctx context.Context, lease tandem.Lease, id string, batch []byte) error
	Intents(ctx context.Context, spreadsheetID string) ([]tandem.Intent, error)
	CloseIntent(ctx context.Context, lease tandem.Lease, id string) error
}

// Errors are rows that could not be carried over.
type Errors interface {
	RowErrorsByKey(ctx context.Context, link string, keys []tandem.Key) (map[tandem.Key]tandem.RowError, error)
	// RowErrorKeys returns the keys of all rows in error, RowErrorKeysDue those whose time to try again has come.
	RowErrorKeys(ctx context.Context, link string) ([]tandem.Key, error)
	RowErrorKeysDue(ctx context.Context, link string, now time.Time) ([]tandem.Key, error)
	// RowErrors returns up to limit errors after a place, and the place to go on from.
	RowErrors(ctx context.Context, link, after string, limit int) ([]tandem.RowError, string, error)
	// ReplaceSheetProblems replaces the errors of rows without a usable key as a whole.
	ReplaceSheetProblems(ctx context.Context, lease tandem.Lease, link string, problems []tandem.RowError) error
}

// Conflicts are rows that wait for a person.
type Conflicts interface {
	OpenConflicts(ctx context.Context, link string) (map[tandem.Key]tandem.OpenConflict, error)
	// ConflictsByKey returns the open conflicts among rows.
	ConflictsByKey(ctx context.Context, link string, keys []tandem.Key) (map[tandem.Key]tandem.Conflict, error)
}

// Sheets is what is remembered of tabs: rows typed without a key, whose key does not stand there yet, and messages of ours.
type Sheets interface {
	TypedRows(ctx context.Context, link *tandem.Link) ([]tandem.Typed, error)
	Notes(ctx context.Context, link string) ([]tandem.Note, error)
	SetNotes(ctx context.Context, lease tandem.Lease, link string, notes []tandem.Note) error
}

// Operations are initial syncs that were asked for.
type Operations interface {
	PendingOperation(ctx context.Context, link string) (*tandem.Operation, error)
	SaveProgress(ctx context.Context, lease tandem.Lease, id string, progress tandem.SyncProgress) (cancelled bool, err error)
	// FinishOperation stores the end of an operation together with the state that the link goes to.
	FinishOperation(ctx context.Context, lease tandem.Lease, operation tandem.Operation, state tandem.State) error
	SavePlan(ctx context.Context, plan tandem.Plan, rows []tandem.PlanRow) error
	Plan(ctx context.Context, id string) (*tandem.Plan, error)
	PlanRows(ctx context.Context, id string) (map[tandem.Key]string, error)
}

// Store is all that the engine needs of the database beside the linked tables.
type Store interface {
	Links
	Approvals
	Leases
	Baselines
	Journal
	Errors
	Conflicts
	Sheets
	Operations
}

// Options configure a Worker.
type Options struct {
	Store     Store
	OpenTable func(ctx context.Context, link *tandem.Link) (Table, error)
	OpenTab   func(link *tandem.Link, columns []tandem.Column) Tab

	Logger *slog.Logger
	Now    func() time.Time
	// Holder names this process in leases; it must be unique.
	Holder string
	// Poll is how often an active link's tab is read when nothing else says that it changed. Default 5 s.
	Poll time.Duration
	// Watched, when set, reports whether somebody tells of every change of the link's tab, by marks. Such a tab is read when a
	// mark says so, when what was last seen there is not settled yet, and by the full compare, and not in its turn. It is asked
	// many times a second.
	Watched func(link *tandem.Link) bool
	// Ready, when set, returns how long a link waits before it begins a cycle, so that the calls of all links fit into Google's
	// quota; 0 is its turn. First is the link's oldest mark, 0 when it has none. It is asked many times a second. Without a link
	// it tells whether there are calls to spare.
	Ready func(link string, priority tandem.Priority, first int64) time.Duration
	// Compare is how often both sides are read whole, to prove that they are equal. Default 15 minutes.
	Compare time.Duration
	// Settle is how long a row typed into the sheet must rest before it is a new row. Default 2 s.
	Settle time.Duration
	// Lease is how long a claim lasts unless renewed, and so how long a link rests after a crash. Default 15 s.
	Lease time.Duration
	// OnCycle, when set, is told of every cycle that ended.
	OnCycle func(ctx context.Context, report CycleReport)
	// Parallel is how many links are worked on at once. Default 8.
	Parallel int
}

func (o *Options) setDefaults() {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&o.Poll, 5*time.Second)
	set(&o.Compare, 15*time.Minute)
	set(&o.Settle, 2*time.Second)
	set(&o.Lease, 15*time.Second)
	if o.Parallel == 0 {
		o.Parallel = 8
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Worker runs cycles for every link that has something to do. Any number of workers, in any number of processes, may
// share one database.
type Worker struct {
	opt  Options
	wake chan struct{}

	order   map[string]int // of links: parents first; only used by who calls due
	ordered time.Time

	mu   sync.Mutex
	busy map[string]bool    // links that a cycle of this worker is at
	memo map[string]*memory // by link
}

// New returns a Worker.
func New(opt Options) *Worker {
	opt.setDefaults()
	return &Worker{opt: opt, wake: make(chan struct{}, 1), busy: map[string]bool{}, memo: map[string]*memory{}}
}

// Wake tells the worker that a link has something to do. It never blocks; a call that is lost only costs time.
func (w *Worker) Wake(string) {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
