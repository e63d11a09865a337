package simulation_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// act does one random thing and learns what it changed.
func (w *pair) act() {
	w.tick(time.Millisecond)
	w.takeNotices(false)
	w.findPlan()
	before := w.look()
	switch n := w.r.IntN(100); {
	case n < 26:
		w.actSQL()
	case n < 38 && w.mix["api"]:
		w.writeDatabase()
	case n < 50 && w.mix["api"]:
		w.writeSheet()
	case n < 88:
		w.actPerson(before)
	case n < 91:
		w.actSync()
	case n < 96:
		w.actLink()
	default:
		w.tick(10 * time.Second)
		w.note("time passes")
	}
	w.learn(before, w.look())
	w.tick(time.Millisecond)
}

// exec is another program's SQL. What the table refuses did not happen.
func (w *pair) exec(statement string, args ...any) {
	_, err := w.db.Exec(statement, args...)
	w.note("SQL %s %v%s", statement, args, refused(err))
}

func refused(err error) string {
	if err == nil {
		return ""
	}
	return " -> " + err.Error()
}

func (w *pair) insertSQL(key []string, values []*string) {
	var args []any
	for _, part := range key {
		args = append(args, part)
	}
	for i, value := range values {
		args = append(args, w.asArg(w.keys+i, value))
	}
	w.serial++
	args = append(args, fmt.Sprintf("own %d", w.serial))
	w.exec("INSERT INTO "+w.id+" VALUES (?"+strings.Repeat(",?", len(args)-1)+")", args...)
}

func (w *pair) whereKey(key []string) (string, []any) {
	var parts []string
	var args []any
	for i, part := range key {
		parts, args = append(parts, w.names[i]+" = ?"), append(args, part)
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

func (w *pair) actSQL() {
	key := w.anyKey()
	where, args := w.whereKey(key)
	switch w.r.IntN(10) {
	case 0, 1, 2:
		w.insertSQL(key, w.randomValues())
	case 3, 4, 5, 6:
		column := w.keys + w.r.IntN(len(w.names)-w.keys)
		w.exec("UPDATE "+w.id+" SET "+w.names[column]+" = ?"+where, append([]any{w.asArg(column, w.randomValue(column))}, args...)...)
	case 7:
		w.exec("DELETE FROM "+w.id+where, args...)
	case 8:
		to := w.anyKey()
		var set []string
		var with []any
		for i, part := range to {
			set, with = append(set, w.names[i]+" = ?"), append(with, part)
		}
		w.exec("UPDATE "+w.id+" SET "+strings.Join(set, ", ")+where, append(with, args...)...)
	default:
		if w.when("removal", 50) {
			w.exec("DELETE FROM "+w.id+" WHERE qty < ?", w.r.IntN(1000))
		} else {
			w.exec("UPDATE "+w.id+" SET qty = ? WHERE qty < ?", w.r.IntN(1000), w.r.IntN(300))
		}
	}
}

// startSync asks for an initial sync.
func (w *pair) startSync(request tandem.SyncRequest) {
	w.serial++
	request.Returns = w.state()
	if request.Returns == tandem.StateInitialSync {
		request.Returns = tandem.StateNew
	}
	op := tandem.Operation{ID: fmt.Sprintf("operation-%d", w.serial), Link: w.id, Request: request, Created: w.now(), Updated: w.now()}
	err := w.store.CreateOperation(w.t.Context(), op)
	if request.Plan != "" {
		request.Plan = "the last one" // its id is random
	}
	w.note("initial sync of %s %+v%s", w.id, request, refused(err))
}

// actSync starts, cancels and plans initial syncs.
func (w *pair) actSync() {
	pending, err := w.store.PendingOperation(w.t.Context(), w.id)
	w.try(func() error { return err })
	state := w.state()
	switch {
	case !w.mix["syncs"] && (pending != nil || state != tandem.StateNew):
		return
	case pending != nil:
		if w.chance(50) {
			w.note("the sync is to be cancelled%s", refused(w.store.CancelOperation(w.t.Context(), pending.ID)))
		}
	case state == tandem.StateNew || state == tandem.StatePaused || w.chance(50):
		w.startSync(tandem.SyncRequest{})
	case w.plan != "" && w.chance(50):
		w.startSync(tandem.SyncRequest{Plan: w.plan})
	case w.chance(10):
		w.discarded = true
		w.startSync(tandem.SyncRequest{DiscardBaseline: true})
	default:
		w.startSync(tandem.SyncRequest{ValidateOnly: true})
	}
}

// actLink answers halts and conflicts, pauses the link and lets it go on, changes its policy, and reverts changes.
func (w *pair) actLink() {
	switch state := w.state(); {
	case state == tandem.StateHalted:
		w.actHalt(w.chance(50))
	case w.when("pauses", 50) && state == tandem.StateActive:
		w.note("%s is paused%s", w.id, refused(w.store.SetState(w.t.Context(), w.id, []tandem.State{tandem.StateActive}, tandem.StatePaused)))
	case state == tandem.StatePaused:
		w.goOn()
	case w.when("settings", 50):
		w.linked.Policy = w.anyPolicy()
		w.try(func() (err error) { w.linked, err = w.store.UpdateLink(w.t.Context(), w.linked, 0); return err })
		w.opened = nil
		w.note("the policy of %s is %s", w.id, w.linked.Policy)
	case w.when("reverts", 50):
		w.actRevert()
	default:
		w.decideConflicts(w.chance(50))
	}
}

func (w *pair) goOn() {
	w.note("%s goes on%s", w.id, refused(w.store.SetState(w.t.Context(), w.id, []tandem.State{tandem.StatePaused}, tandem.StateActive)))
}

// actHalt answers a halt.
func (w *pair) actHalt(putBack bool) {
	halt := w.current().Halt
	if halt == nil {
		return
	}
	w.note("%s was halted by the %s: %s, %d rows %v", w.id, halt.Source, halt.Reason, halt.RowCount, halt.Rows)
	for _, key := range halt.Rows {
		w.approved[key] = true
	}
	_, err := w.store.Approve(w.t.Context(), w.id, putBack)
	w.note("the halt is answered, put back %v%s", putBack, refused(err))
}

// decideConflicts is a person who looks through the open conflicts.
func (w *pair) decideConflicts(all bool) {
	conflicts, _, err := w.store.Conflicts(w.t.Context(), w.id, "", 1000)
	w.try(func() error { return err })
	for _, conflict := range conflicts {
		if conflict.Resolution != nil || !all && w.chance(50) {
			continue
		}
		take := []tandem.Source{tandem.Database, tandem.Sheet}[w.r.IntN(2)]
		_, err := w.store.Resolve(w.t.Context(), w.id, conflict.Key, tandem.Resolution{Take: take, Digest: conflict.Digest, Actor: "person@example.com"})
		w.note("the conflict of %s is decided for the %s%s", conflict.Key, take, refused(err))
	}
}

// actRevert reverts the changes of one row.
func (w *pair) actRevert() {
	link := w.current()
	request := tandem.RevertRequest{Actor: "person@example.com", Force: w.chance(50), Filter: tandem.ChangeFilter{Key: w.keyOf(w.anyKey()), Since: w.now().Add(-time.Minute)}}
	results, err := w.store.Revert(w.t.Context(), &link, request)
	w.note("the last changes of %s are reverted: %d rows%s", request.Filter.Key, len(results), refused(err))
}

// findPlan remembers the last plan that was made.
func (w *pair) findPlan() {
	if !w.mix["syncs"] {
		return
	}
	operations, err := w.store.Operations(w.t.Context(), tandem.OperationFilter{}, "", 5)
	w.try(func() error { return err })
	for _, op := range operations {
		if op.Link == w.id && op.Report != nil && op.Report.Plan != "" {
			w.plan = op.Report.Plan
		}
	}
}

// disturb does what hurts most in the middle of a write: rows move, or the rows that are written change.
func (w *pair) disturb() {
	w.tick(time.Millisecond)
	before := w.look()
	row := before.row(w.r)
	span := &emulator.RowSpan{Sheet: before.title, Start: row, Count: 1 + w.r.IntN(2)}
	switch w.r.IntN(9) {
	case 0, 1:
		w.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: before.title, Column: w.names[w.r.IntN(len(w.names))], Descending: w.chance(50)}})
	case 2:
		w.edit(emulator.Edit{InsertRows: span})
	case 3:
		w.edit(emulator.Edit{DeleteRows: span})
	case 4:
		w.edit(emulator.Edit{MoveRows: &emulator.MoveRows{Sheet: before.title, Start: row, Count: 1, Before: before.row(w.r)}})
	case 5:
		if w.mix["columns"] {
			w.moveColumn(before)
		}
	case 6, 7:
		w.actSQL()
	default:
		w.actPerson(before)
	}
	w.learn(before, w.look())
	w.tick(time.Millisecond)
}

// disturbRow changes a row, or takes it away, that is about to be written: in a column that is written, if any.
func (w *pair) disturbRow(change *tandem.Change, table bool) {
	parts, err := change.Key.Parts(w.keys)
	if err != nil {
		return
	}
	w.tick(time.Millisecond)
	before := w.look()
	column := w.keys
	for i, value := range change.After {
		if i >= w.keys && !value.IsAbsent() && w.chance(50) {
			column = i
		}
	}
	where, args := w.whereKey(parts)
	row, at := find(before.sheet, change.Key), before.at(w.names[column])
	switch n := w.r.IntN(4); {
	case table && n > 0:
		w.exec("UPDATE "+w.id+" SET "+w.names[column]+" = ?"+where, append([]any{w.asArg(column, w.randomValue(column))}, args...)...)
	case table:
		w.exec("DELETE FROM "+w.id+where, args...)
	case row != nil && at >= 0 && n > 0:
		w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: before.title, A1: fmt.Sprintf("%s%d", letter(at), row.position), Input: w.typed(column)}})
	case row != nil:
		w.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: before.title, Start: row.position, Count: 1}})
	}
	w.learn(before, w.look())
	w.tick(time.Millisecond)
}
