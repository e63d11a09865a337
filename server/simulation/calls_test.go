package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/store"
)

// watchedStore is the store as a worker sees it: every call is a place.
type watchedStore struct {
	*store.Store
	w *world
	p *process
}

var _ engine.Store = (*watchedStore)(nil)

// Claim gives the turn away when a spreadsheet is held: who holds it may have to finish first.
func (s *watchedStore) Claim(ctx context.Context, name, holder string, ttl time.Duration) (lease tandem.Lease, ok bool, err error) {
	err = s.around("Claim", func() error {
		lease, ok, err = s.Store.Claim(ctx, name, holder, ttl)
		return err
	})
	if err == nil && !ok && strings.HasPrefix(name, "spreadsheets/") {
		if s.w.peace {
			s.w.tick(time.Second)
		}
		s.p.holdUp("Claim")
	}
	return lease, ok && err == nil, err
}

// Renew is called from beside the cycle, while time passes.
func (s *watchedStore) Renew(ctx context.Context, lease tandem.Lease, ttl time.Duration) (tandem.Lease, error) {
	if s.p.cut.Load() {
		return lease, errors.New("the database cannot be reached")
	}
	return s.Store.Renew(ctx, lease, ttl)
}

func (s *watchedStore) around(where string, call func() error) error {
	_, err := around(&s.w.wires, where, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (s *watchedStore) BareLinks(ctx context.Context) ([]tandem.Link, error) {
	return around(&s.w.wires, "Links", func() ([]tandem.Link, error) { return s.Store.BareLinks(ctx) })
}

func (s *watchedStore) Link(ctx context.Context, id string) (tandem.Link, error) {
	return around(&s.w.wires, "Link", func() (tandem.Link, error) { return s.Store.Link(ctx, id) })
}

func (s *watchedStore) Due(ctx context.Context, now time.Time) ([]tandem.Due, error) {
	return around(&s.w.wires, "Due", func() ([]tandem.Due, error) { return s.Store.Due(ctx, now) })
}

func (s *watchedStore) BeginSync(ctx context.Context, lease tandem.Lease, link string) error {
	return s.around("BeginSync", func() error { return s.Store.BeginSync(ctx, lease, link) })
}

func (s *watchedStore) SetHalt(ctx context.Context, lease tandem.Lease, link string, halt tandem.Halt, keys []tandem.Key) error {
	return s.around("SetHalt", func() error { return s.Store.SetHalt(ctx, lease, link, halt, keys) })
}

func (s *watchedStore) SetLastError(ctx context.Context, link, message string) error {
	return s.around("SetLastError", func() error { return s.Store.SetLastError(ctx, link, message) })
}

func (s *watchedStore) SetObserved(ctx context.Context, lease tandem.Lease, link string, columns []tandem.LinkColumn, tab string) error {
	return s.around("SetObserved", func() error { return s.Store.SetObserved(ctx, lease, link, columns, tab) })
}

func (s *watchedStore) LinkOrder(ctx context.Context) (map[string]int, error) {
	return around(&s.w.wires, "LinkOrder", func() (map[string]int, error) { return s.Store.LinkOrder(ctx) })
}

func (s *watchedStore) Capture(ctx context.Context, link *tandem.Link) error {
	return s.around("Capture", func() error { return s.Store.Capture(ctx, link) })
}

func (s *watchedStore) Approval(ctx context.Context, link string) (*tandem.Approval, error) {
	return around(&s.w.wires, "Approval", func() (*tandem.Approval, error) { return s.Store.Approval(ctx, link) })
}

func (s *watchedStore) ClearApproval(ctx context.Context, lease tandem.Lease, link string) error {
	return s.around("ClearApproval", func() error { return s.Store.ClearApproval(ctx, lease, link) })
}

func (s *watchedStore) Removals(ctx context.Context, link string, since time.Time) (map[tandem.Source]int, error) {
	return around(&s.w.wires, "Removals", func() (map[tandem.Source]int, error) { return s.Store.Removals(ctx, link, since) })
}

func (s *watchedStore) Release(ctx context.Context, lease tandem.Lease) error {
	return s.around("Release", func() error { return s.Store.Release(ctx, lease) })
}

func (s *watchedStore) SetHint(ctx context.Context, link string, hint tandem.Hint) error {
	return s.around("SetHint", func() error { return s.Store.SetHint(ctx, link, hint) })
}

func (s *watchedStore) Baselines(ctx context.Context, link *tandem.Link, keys []tandem.Key) (map[tandem.Key][]tandem.Value, error) {
	return around(&s.w.wires, "Baselines", func() (map[tandem.Key][]tandem.Value, error) { return s.Store.Baselines(ctx, link, keys) })
}

func (s *watchedStore) ScanBaselines(ctx context.Context, link *tandem.Link, after tandem.Key, limit int) ([]tandem.BaselineRow, error) {
	return around(&s.w.wires, "ScanBaselines", func() ([]tandem.BaselineRow, error) { return s.Store.ScanBaselines(ctx, link, after, limit) })
}

func (s *watchedStore) CountBaselines(ctx context.Context, link string) (int64, error) {
	return around(&s.w.wires, "CountBaselines", func() (int64, error) { return s.Store.CountBaselines(ctx, link) })
}

func (s *watchedStore) DiscardBaselines(ctx context.Context, lease tandem.Lease, link string) error {
	return s.around("DiscardBaselines", func() error { return s.Store.DiscardBaselines(ctx, lease, link) })
}

func (s *watchedStore) AddMarks(ctx context.Context, link string, marks []tandem.Mark) error {
	return s.around("AddMarks", func() error { return s.Store.AddMarks(ctx, link, marks) })
}

func (s *watchedStore) WantedWrites(ctx context.Context, link string, limit int) ([]tandem.WantedWrite, error) {
	return around(&s.w.wires, "WantedWrites", func() ([]tandem.WantedWrite, error) { return s.Store.WantedWrites(ctx, link, limit) })
}

func (s *watchedStore) UpdateIntent(ctx context.Context, lease tandem.Lease, id string, batch []byte) error {
	return s.around("UpdateIntent", func() error { return s.Store.UpdateIntent(ctx, lease, id, batch) })
}

func (s *watchedStore) OpenIntent(ctx context.Context, lease tandem.Lease, intent tandem.Intent) error {
	return s.around("OpenIntent", func() error { return s.Store.OpenIntent(ctx, lease, intent) })
}

func (s *watchedStore) Intents(ctx context.Context, spreadsheetID string) ([]tandem.Intent, error) {
	return around(&s.w.wires, "Intents", func() ([]tandem.Intent, error) { return s.Store.Intents(ctx, spreadsheetID) })
}

func (s *watchedStore) CloseIntent(ctx context.Context, lease tandem.Lease, id string) error {
	return s.around("CloseIntent", func() error { return s.Store.CloseIntent(ctx, lease, id) })
}

func (s *watchedStore) RowErrorsByKey(ctx context.Context, link string, keys []tandem.Key) (map[tandem.Key]tandem.RowError, error) {
	return around(&s.w.wires, "RowErrorsByKey", func() (map[tandem.Key]tandem.RowError, error) { return s.Store.RowErrorsByKey(ctx, link, keys) })
}

func (s *watchedStore) RowErrorKeys(ctx context.Context, link string) ([]tandem.Key, error) {
	return around(&s.w.wires, "RowErrorKeys", func() ([]tandem.Key, error) { return s.Store.RowErrorKeys(ctx, link) })
}

func (s *watchedStore) RowErrorKeysDue(ctx context.Context, link string, now time.Time) ([]tandem.Key, error) {
	return around(&s.w.wires, "RowErrorKeysDue", func() ([]tandem.Key, error) { return s.Store.RowErrorKeysDue(ctx, link, now) })
}

func (s *watchedStore) RowErrors(ctx context.Context, link, after string, limit int) (errs []tandem.RowError, next string, err error) {
	err = s.around("RowErrors", func() error {
		errs, next, err = s.Store.RowErrors(ctx, link, after, limit)
		return err
	})
	return errs, next, err
}

func (s *watchedStore) ReplaceSheetProblems(ctx context.Context, lease tandem.Lease, link string, problems []tandem.RowError) error {
	return s.around("ReplaceSheetProblems", func() error { return s.Store.ReplaceSheetProblems(ctx, lease, link, problems) })
}

func (s *watchedStore) OpenConflicts(ctx context.Context, link string) (map[tandem.Key]tandem.OpenConflict, error) {
	return around(&s.w.wires, "OpenConflicts", func() (map[tandem.Key]tandem.OpenConflict, error) { return s.Store.OpenConflicts(ctx, link) })
}

func (s *watchedStore) ConflictsByKey(ctx context.Context, link string, keys []tandem.Key) (map[tandem.Key]tandem.Conflict, error) {
	return around(&s.w.wires, "ConflictsByKey", func() (map[tandem.Key]tandem.Conflict, error) {
		return s.Store.ConflictsByKey(ctx, link, keys)
	})
}

func (s *watchedStore) TypedRows(ctx context.Context, link *tandem.Link) ([]tandem.Typed, error) {
	return around(&s.w.wires, "TypedRows", func() ([]tandem.Typed, error) { return s.Store.TypedRows(ctx, link) })
}

func (s *watchedStore) Notes(ctx context.Context, link string) ([]tandem.Note, error) {
	return around(&s.w.wires, "Notes", func() ([]tandem.Note, error) { return s.Store.Notes(ctx, link) })
}

func (s *watchedStore) SetNotes(ctx context.Context, lease tandem.Lease, link string, notes []tandem.Note) error {
	return s.around("SetNotes", func() error { return s.Store.SetNotes(ctx, lease, link, notes) })
}

func (s *watchedStore) PendingOperation(ctx context.Context, link string) (*tandem.Operation, error) {
	return around(&s.w.wires, "PendingOperation", func() (*tandem.Operation, error) { return s.Store.PendingOperation(ctx, link) })
}

func (s *watchedStore) SaveProgress(ctx context.Context, lease tandem.Lease, id string, progress tandem.SyncProgress) (cancelled bool, err error) {
	return around(&s.w.wires, "SaveProgress", func() (bool, error) { return s.Store.SaveProgress(ctx, lease, id, progress) })
}

func (s *watchedStore) FinishOperation(ctx context.Context, lease tandem.Lease, operation tandem.Operation, state tandem.State) error {
	return s.around("FinishOperation", func() error {
		err := s.Store.FinishOperation(ctx, lease, operation, state)
		for _, pair := range s.w.pairs {
			if err == nil && pair.id == operation.Link && pair.synced.IsZero() && operation.Error == nil && !operation.Request.ValidateOnly {
				pair.synced = s.w.now()
			}
		}
		return err
	})
}

func (s *watchedStore) SavePlan(ctx context.Context, plan tandem.Plan, rows []tandem.PlanRow) error {
	return s.around("SavePlan", func() error { return s.Store.SavePlan(ctx, plan, rows) })
}

func (s *watchedStore) Plan(ctx context.Context, id string) (*tandem.Plan, error) {
	return around(&s.w.wires, "Plan", func() (*tandem.Plan, error) { return s.Store.Plan(ctx, id) })
}

func (s *watchedStore) PlanRows(ctx context.Context, id string) (map[tandem.Key]string, error) {
	return around(&s.w.wires, "PlanRows", func() (map[tandem.Key]string, error) { return s.Store.PlanRows(ctx, id) })
}

// watchedTable is a table as a worker sees it.
type watchedTable struct {
	*store.Table
	w *world
}

func (t *watchedTable) Commit(ctx context.Context, lease tandem.Lease, commit tandem.Commit) ([]tandem.Applied, error) {
	var writes []tandem.Change
	for i := range commit.Settlements {
		if write := commit.Settlements[i].Write; write != nil {
			writes = append(writes, *write)
		}
	}
	t.w.wires.aim = map[string][]tandem.Change{commit.Link: writes}
	where := fmt.Sprintf("Commit of %d rows", len(commit.Settlements))
	if len(writes) > 0 {
		where += fmt.Sprintf(", %d written", len(writes))
	}
	return around(&t.w.wires, where, func() ([]tandem.Applied, error) {
		applied, err := t.Table.Commit(ctx, lease, commit)
		if err == nil {
			t.w.noteLanding(commit)
			t.w.checkFence(lease)
		}
		return applied, err
	})
}

// noteLanding notes when the rows of a commit came into the table: it may have been held up since they were decided.
func (w *world) noteLanding(commit tandem.Commit) {
	for _, pair := range w.pairs {
		if pair.id != commit.Link {
			continue
		}
		for _, settlement := range commit.Settlements {
			for _, entry := range settlement.History {
				pair.landings[landing{settlement.Key, entry.At.UnixNano()}] = w.now()
			}
		}
	}
}

// checkFence: only the worker that holds a link commits to it, however long it was held up.
func (w *world) checkFence(lease tandem.Lease) {
	var holder string
	var fence int64
	w.try(func() error {
		return w.db.QueryRow("SELECT holder, fence FROM tandem_leases WHERE name = ?", lease.Name).Scan(&holder, &fence)
	})
	if fence != lease.Fence || holder != lease.Holder {
		w.fail("fencing: %s committed to %s under lease %d, which %s has taken over as %d", lease.Holder, lease.Name, lease.Fence, holder, fence)
	}
}

// landing is a change that history dates at its decision.
type landing struct {
	key     tandem.Key
	decided int64
}

func (t *watchedTable) Count(ctx context.Context) (int64, error) {
	return around(&t.w.wires, "table Count", func() (int64, error) { return t.Table.Count(ctx) })
}

func (t *watchedTable) Scan(ctx context.Context, after tandem.Key, limit int) ([]tandem.Row, error) {
	return around(&t.w.wires, "table Scan", func() ([]tandem.Row, error) { return t.Table.Scan(ctx, after, limit) })
}

func (t *watchedTable) Get(ctx context.Context, keys []tandem.Key) ([]tandem.Row, error) {
	return around(&t.w.wires, "table Get", func() ([]tandem.Row, error) { return t.Table.Get(ctx, keys) })
}

func (t *watchedTable) Canonical(ctx context.Context, keys []tandem.Key) (map[tandem.Key]tandem.Key, error) {
	return around(&t.w.wires, "table Canonical", func() (map[tandem.Key]tandem.Key, error) { return t.Table.Canonical(ctx, keys) })
}

func (t *watchedTable) Marks(ctx context.Context, limit int) ([]tandem.Mark, error) {
	return around(&t.w.wires, "table Marks", func() ([]tandem.Mark, error) { return t.Table.Marks(ctx, limit) })
}

// narrowTab is a tab of which few rows fit into one call.
type narrowTab struct {
	sheets.Journaled
	w    *world
	link string
}

func (t *narrowTab) Fits(changes []tandem.Change) int {
	return min(t.w.rowsInCall, t.Journaled.Fits(changes))
}

func (t *narrowTab) Prepare(ctx context.Context, id string, changes []tandem.Change) ([]byte, []tandem.Applied, error) {
	t.w.wires.aim = map[string][]tandem.Change{t.link: changes}
	return t.Journaled.Prepare(ctx, id, changes)
}

// unwatched are the calls that no trouble can come of: they only look at memory.
var unwatched = map[string]bool{"Columns": true, "Folds": true, "Problems": true, "Unkeyed": true}

// A call that the engine learns to make must get its place here, or nothing ever goes wrong in it.
func TestEveryCallIsAPlace(t *testing.T) {
	for _, pair := range []struct{ wanted, watched reflect.Type }{
		{reflect.TypeFor[engine.Store](), reflect.TypeFor[*watchedStore]()},
		{reflect.TypeFor[engine.Table](), reflect.TypeFor[*watchedTable]()},
	} {
		for i := range pair.wanted.NumMethod() {
			name := pair.wanted.Method(i).Name
			method, ok := pair.watched.MethodByName(name)
			if !ok {
				t.Fatalf("%s lacks %s", pair.watched, name)
			}
			file, _ := runtime.FuncForPC(method.Func.Pointer()).FileLine(method.Func.Pointer())
			if promoted := file == "<autogenerated>"; promoted && !unwatched[name] {
				t.Errorf("%s does not watch %s", pair.watched, name)
			}
		}
	}
}
