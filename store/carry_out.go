package store

import (
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// carryOut runs the writes and reads back what they left. Those that were refused for what other rows hold are tried
// again as long as others land, so that parents come before children whatever the order. Writes that would reach rows which
// no link covers are refused: see cascades.go.
func (t *Table) carryOut(tx *gorm.DB, writes []*write) error {
	if sql := t.store.dialect.quiet(t.link.Number); sql != "" && len(writes) > 0 {
		if _, err := rawExec(tx, sql, nil); err != nil {
			return err
		}
	}
	reached, err := t.holdBack(tx, writes)
	if err != nil {
		return err
	}
	var pending, late []*write
	for _, w := range writes {
		switch {
		case w.refusal != nil:
		case w.kind == tandem.Delete && reached != nil && reached.circular:
			late = append(late, w)
		default:
			pending = append(pending, w)
		}
	}
	if len(late) > 0 && len(pending) > 0 {
		// A row that gets another parent does so before the one it had takes it along.
		if err := t.rounds(tx, pending); err != nil {
			return err
		}
		pending = retried(laterOnes(pending))
	}
	if err := t.rounds(tx, append(pending, late...)); err != nil {
		return err
	}
	if err := reached.tell(); err != nil {
		return err
	}
	return t.readBack(tx, writes, len(late) > 0)
}

// rounds tries writes for as long as some of them land.
func (t *Table) rounds(tx *gorm.DB, pending []*write) (err error) {
	var order levels
	for len(pending) > 0 {
		if err := t.pass(tx, pending, order); err != nil {
			return fmt.Errorf("write to table %q: %w", t.info.Name, err)
		}
		again := laterOnes(pending)
		if len(again) == len(pending) {
			break
		}
		pending = retried(again)
		if order == nil && len(pending) > 1 {
			if order, err = t.arrange(tx, pending); err != nil {
				return fmt.Errorf("order rows of table %q: %w", t.info.Name, err)
			}
		}
	}
	return nil
}

// retried returns the refused writes that are tried once more: all but inserts whose key is taken.
func retried(again []*write) []*write {
	for _, w := range again {
		if w.kind != tandem.Insert || !w.refusal.taken {
			w.refusal = nil
		}
	}
	return slices.DeleteFunc(again, func(w *write) bool { return w.refusal != nil })
}

// laterOnes returns the writes that were refused for what other rows hold.
func laterOnes(writes []*write) []*write {
	var again []*write
	for _, w := range writes {
		if w.refusal != nil && w.refusal.later {
			again = append(again, w)
		}
	}
	return again
}

// pass tries each write once: deletes first, then updates, then inserts, so that keys and unique values come free.
func (t *Table) pass(tx *gorm.DB, writes []*write, order levels) error {
	byKind := map[tandem.ChangeKind][]*write{}
	for _, w := range writes {
		byKind[w.kind] = append(byKind[w.kind], w)
	}
	for _, part := range order.childrenFirst(byKind[tandem.Delete]) {
		if err := t.deleteRows(tx, part); err != nil {
			return err
		}
	}
	for _, w := range byKind[tandem.Update] {
		if err := t.attempt(w, func() error { return t.updateRow(tx, w) }); err != nil {
			return err
		}
	}
	for _, part := range order.parentsFirst(byKind[tandem.Insert]) {
		if err := t.insertAll(tx, part); err != nil {
			return err
		}
	}
	return nil
}

// attempt runs one write; an error that is about the row refuses it, any other is returned.
func (t *Table) attempt(w *write, do func() error) error {
	err := do()
	if err == nil {
		return nil
	}
	if w.refusal = t.refuse(err); w.refusal == nil {
		return err
	}
	return nil
}
