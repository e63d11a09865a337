package tandem

import "time"

// SyncRequest is what an InitialSync was asked to do.
type SyncRequest struct {
	ValidateOnly    bool   `json:"validateOnly,omitempty"`
	Plan            string `json:"plan,omitempty"`            // apply this stored plan and nothing else
	PreferredSource Source `json:"preferredSource,omitempty"` // settles what no change time decides; empty: the link's
	DiscardBaseline bool   `json:"discardBaseline,omitempty"`
	Actor           string `json:"actor,omitempty"`
	// Returns is the state that the link goes back to when the sync is cancelled or fails.
	Returns State `json:"returns,omitempty"`
}

// SyncProgress is how far an InitialSync is.
type SyncProgress struct {
	Phase     string    `json:"phase"` // WAITING, SCANNING, COMPARING, WRITING, DONE
	RowsDone  int64     `json:"rowsDone"`
	RowsTotal int64     `json:"rowsTotal"`
	Reads     int64     `json:"reads"`  // calls of the Sheets API that read
	Writes    int64     `json:"writes"` // and that write
	Started   time.Time `json:"started"`
	// First says that both sides had agreed on nothing when the sync began.
	First bool `json:"first,omitempty"`
}

// SyncReport is what an InitialSync found and did, or, when only validated, would do.
type SyncReport struct {
	Plan     string        `json:"plan,omitempty"`
	Counts   SyncCounts    `json:"counts"`
	Examples []SyncExample `json:"examples,omitempty"` // up to 100 of each kind
	Duration time.Duration `json:"duration"`
	Reads    int64         `json:"reads"`
	Writes   int64         `json:"writes"`
}

// SyncCounts counts rows. A row that is updated on both sides counts on both.
type SyncCounts struct {
	Equal          int64 `json:"equal"`
	InsertDatabase int64 `json:"insertDatabase"`
	InsertSheet    int64 `json:"insertSheet"`
	UpdateDatabase int64 `json:"updateDatabase"`
	UpdateSheet    int64 `json:"updateSheet"`
	DeleteDatabase int64 `json:"deleteDatabase"`
	DeleteSheet    int64 `json:"deleteSheet"`
	DatabaseWon    int64 `json:"databaseWon"` // rows that differed and were settled for the database
	SheetWon       int64 `json:"sheetWon"`
	Refused        int64 `json:"refused"`   // row errors
	Conflicts      int64 `json:"conflicts"` // rows left to people
	Skipped        int64 `json:"skipped"`   // rows that moved since the plan or during the sync
}

// SyncExample is one row of a plan.
type SyncExample struct {
	Kind     string           `json:"kind"` // INSERT_SHEET, UPDATE_DATABASE, …, REFUSED, SKIPPED
	Key      Key              `json:"key"`
	Columns  []string         `json:"columns,omitempty"`
	Database map[string]Value `json:"database,omitempty"`
	Sheet    map[string]Value `json:"sheet,omitempty"`
	Message  string           `json:"message,omitempty"`
}

// Operation is a long-running operation: an InitialSync of one link.
type Operation struct {
	ID       string // random, URL-safe
	Link     string
	Request  SyncRequest
	Progress SyncProgress
	Report   *SyncReport // set when it succeeded
	Error    *Error      // set when it failed or was cancelled
	Done     bool
	// CancelRequested asks the worker to stop at the next chunk.
	CancelRequested  bool
	Created, Updated time.Time
}

// OperationFilter selects operations; its zero value selects all.
type OperationFilter struct {
	Link string // "" for those of every link
	Done *bool  // nil for both
}

// Mutation is one row's write as a caller of the API wants it, the same for both sources.
type Mutation struct {
	Kind ChangeKind `json:"kind"`
	Key  Key        `json:"key,omitempty"` // empty for an insert: the key is in Values, or the database makes it
	// Values stand in the order of the link's columns; absent ones are left alone (an insert leaves them to defaults).
	Values []Value `json:"values,omitempty"`
	// Etag is what the caller based the write on, as EtagFits takes it.
	Etag string `json:"etag,omitempty"`
	// AllowMissing makes an update of a missing row an insert, and a delete of one a success.
	AllowMissing bool `json:"allowMissing,omitempty"`
	// ValidateOnly tries everything and writes nothing.
	ValidateOnly bool `json:"validateOnly,omitempty"`
	// RequestID makes a repetition give the first answer; "" for none.
	RequestID string `json:"requestId,omitempty"`
	// Queued says that the write comes from a queue, which may be sent again for a month instead of a day. Who repeats it asks
	// what became of it, and is shown the row as it is by then.
	Queued bool   `json:"-"`
	Actor  string `json:"actor,omitempty"`
	// Trace names the step that asked for the write, where such are followed: what is done later refers to it.
	Trace string `json:"trace,omitempty"`
}

// MutationResult is what became of a Mutation: the row as it is now (nil after a delete), or the error.
type MutationResult struct {
	Row      *Row   `json:"row,omitempty"`
	Err      *Error `json:"err,omitempty"`
	Replayed bool   `json:"replayed,omitempty"` // the answer of an earlier call with the same RequestID
	// State is what is known of the row beside its values, where the write came across it.
	State *RowState `json:"-"`
}

// WantedWrite is a write to the sheet that a caller of the API waits for. It is recorded first and then carried out by the
// worker that holds the link, so that a crash or a retry neither loses nor doubles it.
type WantedWrite struct {
	ID       string // random
	Link     string
	Mutation Mutation
	Created  time.Time
	Done     bool
	Result   MutationResult
}

// Commit is what one chunk of a cycle stores, in one transaction that checks the lease.
type Commit struct {
	Link        string
	Settlements []Settlement
	Marks       []int64       // looked at: deleted
	Intent      string        // closed: deleted; "" for none
	Writes      []WantedWrite // wanted writes that are done, with their results
	EqualAsOf   time.Time     // zero: unchanged
	ScannedAt   time.Time     // zero: unchanged
}

// Settlement is what a cycle decided for one row: committed as a whole or not at all.
type Settlement struct {
	Key Key `json:"key"`
	// Write goes to the database in the same transaction; unless it lands, nothing else of the settlement is stored.
	Write *Change `json:"write,omitempty"`
	// Baseline moves what both sides are known to hold; absent columns keep theirs. Nil leaves the baseline alone.
	Baseline []Value `json:"baseline,omitempty"`
	// Forget drops the baseline: the row is gone on both sides.
	Forget bool `json:"forget,omitempty"`
	// Marks were looked at, and go with the settlement.
	Marks   []int64 `json:"marks,omitempty"`
	History []Entry `json:"history,omitempty"`
	// Conflict records an open conflict, or renews it; a resolution of the same digest stays. CloseConflict takes it away.
	Conflict      *Conflict `json:"conflict,omitempty"`
	CloseConflict bool      `json:"closeConflict,omitempty"`
	// Typed records, with an insert whose key the database makes, the row as it was typed; its Key is filled in. CloseTyped
	// takes it away: the key stands in the sheet, or the row is gone from there.
	Typed      *Typed `json:"typed,omitempty"`
	CloseTyped bool   `json:"closeTyped,omitempty"`
	// Error records a row error, ClearError takes the row's error away.
	Error      *RowError `json:"error,omitempty"`
	ClearError bool      `json:"clearError,omitempty"`
}

// Intent is a batch about to be sent to a spreadsheet, stored before it is sent and closed when its effect is known.
type Intent struct {
	ID            string // random; also the identity of the batch within the spreadsheet
	Link          string
	SpreadsheetID string
	Batch         []byte // as sheets serialised it
	Settlements   []Settlement
	Created       time.Time
}
