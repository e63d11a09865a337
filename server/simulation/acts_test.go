package simulation_test

import (
	"fmt"
	"strings"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// exec is another program's SQL. What the table refuses did not happen.
func (w *world) exec(statement string, args ...any) {
	_, err := w.db.Exec(statement, args...)
	w.note("SQL %s %v%s", statement, args, refused(err))
}

func refused(err error) string {
	if err == nil {
		return ""
	}
	return " -> " + err.Error()
}

func (w *world) insertSQL(key []string, values []*string) {
	var args []any
	for _, part := range key {
		args = append(args, part)
	}
	for i, value := range values {
		args = append(args, w.asArg(w.keys+i, value))
	}
	w.exec("INSERT INTO items VALUES (?"+strings.Repeat(",?", len(args)-1)+")", args...)
}

func (w *world) whereKey(key []string) (string, []any) {
	var parts []string
	var args []any
	for i, part := range key {
		parts, args = append(parts, w.names[i]+" = ?"), append(args, part)
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

func (w *world) actSQL() {
	key := w.anyKey()
	where, args := w.whereKey(key)
	switch w.r.IntN(10) {
	case 0, 1, 2:
		w.insertSQL(key, w.randomValues())
	case 3, 4, 5, 6:
		column := w.keys + w.r.IntN(len(w.names)-w.keys)
		w.exec("UPDATE items SET "+w.names[column]+" = ?"+where, append([]any{w.asArg(column, w.randomValue(column))}, args...)...)
	case 7:
		w.exec("DELETE FROM items"+where, args...)
	case 8:
		to := w.anyKey()
		var set []string
		var with []any
		for i, part := range to {
			set, with = append(set, w.names[i]+" = ?"), append(with, part)
		}
		w.exec("UPDATE items SET "+strings.Join(set, ", ")+where, append(with, args...)...)
	default:
		if w.chance(30) {
			w.exec("DELETE FROM items WHERE qty < ?", w.r.IntN(400))
		} else {
			w.exec("UPDATE items SET qty = ? WHERE qty < ?", w.r.IntN(1000), w.r.IntN(300))
		}
	}
}

// startSync asks for an initial sync.
func (w *world) startSync(request tandem.SyncRequest) {
	w.serial++
	link := w.link()
	request.Returns = link.State
	if request.Returns == tandem.StateInitialSync {
		request.Returns = tandem.StateNew
	}
	op := tandem.Operation{ID: fmt.Sprintf("operation-%d", w.serial), Link: linkID, Request: request, Created: w.now, Updated: w.now}
	err := w.store.CreateOperation(w.t.Context(), op)
	w.note("initial sync %+v%s", request, refused(err))
}

// actSync starts, cancels and plans initial syncs.
func (w *world) actSync() {
	pending, err := w.store.PendingOperation(w.t.Context(), linkID)
	w.try(func() error { return err })
	switch state := w.link().State; {
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

// actHalt answers a halt.
func (w *world) actHalt(putBack bool) {
	halt := w.link().Halt
	if halt != nil {
		w.note("halted by the %s: %s, %d rows %v", halt.Source, halt.Reason, halt.RowCount, halt.Rows)
	}
	_, err := w.store.Approve(w.t.Context(), linkID, putBack)
	w.note("the halt is answered, put back %v%s", putBack, refused(err))
}

// findPlan remembers the last plan that was made.
func (w *world) findPlan() {
	operations, err := w.store.Operations(w.t.Context(), "", 5)
	w.try(func() error { return err })
	for _, op := range operations {
		if op.Report != nil && op.Report.Plan != "" {
			w.plan = op.Report.Plan
		}
	}
}

// disturb does what hurts most in the middle of a write: rows move, or the rows that are written change.
func (w *world) disturb() {
	w.tick(1e6)
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
		w.moveColumn(before)
	case 6, 7:
		w.actSQL()
	default:
		w.actPerson(before)
	}
	w.learn(before, w.look())
	w.tick(1e6)
}

// act does one random thing and learns what it changed.
func (w *world) act() {
	w.tick(1e6)
	w.findPlan()
	before := w.look()
	switch n := w.r.IntN(100); {
	case n < 28:
		w.actSQL()
	case n < 42:
		w.writeDatabase()
	case n < 54:
		w.writeSheet()
	case n < 92:
		w.actPerson(before)
	case n < 95:
		w.actSync()
	case n < 98 && w.link().State == tandem.StateHalted:
		w.actHalt(w.chance(50))
	default:
		w.tick(10e9)
		w.note("time passes")
	}
	w.learn(before, w.look())
	w.tick(1e6)
}
