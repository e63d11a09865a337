package store

import (
	"context"
	"errors"
	"strings"

	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/tandem-sync/tandem"
)

// decodeRows is called by the library for the rows of an event. It decodes only what means something.
func (r *logReader) decodeRows(event *replication.RowsEvent, data []byte) error {
	at, err := event.DecodeHeader(data)
	if err != nil {
		if event.TableID == 0xffffff { // it only ends a statement
			return nil
		}
		return err
	}
	table := r.tables.find(event.Table)
	if table == nil || r.transaction().crowded[table] || table.name == "tandem_marks" && event.Type() != replication.EnumRowsEventTypeInsert {
		return nil
	}
	if err := event.DecodeData(at, data); err != nil {
		if table.own {
			return err
		}
		event.Rows = nil
		r.unreadable(table, err)
	}
	return nil
}

func (r *logReader) unreadable(table *loggedTable, err error) {
	r.log.Warn("rows in the binary log cannot be told apart; the whole table is looked at", "table", table.name, "error", err)
	r.transaction().crowd(table)
}

// rows takes the rows of an event.
func (r *logReader) rows(event *replication.RowsEvent) error {
	if event.Table == nil || len(event.Rows) == 0 {
		return nil
	}
	table := r.tables.find(event.Table)
	if table == nil || r.transaction().crowded[table] {
		return nil
	}
	l, err := r.tables.layoutOf(r.ctx, table, event.Table)
	if err != nil {
		var known *tandem.Error
		switch {
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case table.own, errors.As(err, &known) && known.Code == tandem.CodeUnavailable:
			return err
		}
		r.unreadable(table, err)
		return nil
	}
	row := func(i int) *loggedRow { return &loggedRow{event.Rows[i], event.SkippedColumns[i]} }
	for i := 0; i < len(event.Rows) && !r.transaction().crowded[table]; i++ {
		var before, after *loggedRow
		switch event.Type() {
		case replication.EnumRowsEventTypeInsert:
			after = row(i)
		case replication.EnumRowsEventTypeDelete:
			before = row(i)
		default:
			if i++; i == len(event.Rows) {
				return nil
			}
			before, after = row(i-1), row(i)
		}
		if table.own {
			r.ownRow(table, l, before, after)
		} else if err := r.row(r.ctx, table, l, before, after); err != nil {
			if r.ctx.Err() != nil {
				return r.ctx.Err()
			}
			r.unreadable(table, err)
		}
	}
	return nil
}

// row takes one changed row of a table that has links, or from which foreign keys reach such.
func (r *logReader) row(ctx context.Context, table *loggedTable, l *layout, before, after *loggedRow) error {
	tx := r.transaction()
	var reached []int64
	switch {
	case after == nil:
		reached = table.onDelete
	case before != nil && differ(l.referenced, before, after):
		reached = table.onUpdate
	}
	if len(table.links) == 0 {
		for _, link := range reached {
			tx.whole[link] = true
		}
		return nil
	}
	var old, now tandem.Key
	var err error
	if before != nil {
		if old, err = r.keyOf(ctx, l, before, nil); err != nil {
			return err
		}
	}
	if after != nil {
		if now, err = r.keyOf(ctx, l, after, before); err != nil {
			return err
		}
	}
	moved := before != nil && after != nil && old != now
	var links []int64
	for i := range table.links {
		if before == nil || after == nil || moved || differ(l.links[i], before, after) {
			links = append(links, table.links[i].Number)
		}
	}
	if after != nil && (len(links) > 0 || len(reached) > 0) {
		tx.change(table, now, links, reached)
	}
	if after == nil || moved {
		tx.change(table, old, links, reached)
	}
	return nil
}

// differ reports whether one of the columns changed. What the log leaves out of the new row is as it was.
func differ(columns []int, before, after *loggedRow) bool {
	for _, at := range columns {
		if after.has(at) && (!before.has(at) || !sameLogged(before.values[at], after.values[at])) {
			return true
		}
	}
	return false
}

func sameLogged(a, b any) bool {
	x, isBytes := a.([]byte)
	y, both := b.([]byte)
	if isBytes || both {
		return isBytes && both && string(x) == string(y)
	}
	return a == b
}

// ownRow takes a row of one of our own tables.
func (r *logReader) ownRow(table *loggedTable, l *layout, before, after *loggedRow) {
	tx := r.transaction()
	of := func(row *loggedRow, i int) string {
		if row == nil || !row.has(l.own[i]) || row.values[l.own[i]] == nil {
			return ""
		}
		return rawText(row.values[l.own[i]])
	}
	number := func(row *loggedRow) int64 {
		n, _ := row.values[l.own[0]].(int64)
		return n
	}
	row := after
	if row == nil || !row.has(l.own[0]) {
		row = before
	}
	switch table.name {
	case "tandem_links":
		if before == nil || after == nil || differ(l.own, before, after) {
			r.stale = true
		}
		if after == nil {
			tx.deleted = append(tx.deleted, number(before))
		}
	case "tandem_marks":
		if of(row, 1) == string(tandem.Database) && of(row, 3) == "0" && len(tx.settled) < maxLoggedRows {
			tx.settled[markedRow{number(row), tandem.Key(of(row, 2))}] = true
		}
	case "tandem_baselines":
		if len(tx.settled) < maxLoggedRows {
			tx.settled[markedRow{number(row), tandem.Key(of(row, 1))}] = true
		}
	case "tandem_positions":
		name := of(row, 0)
		switch {
		case before != nil && after != nil && name == binlogPosition:
			r.own.met(of(after, 1))
			if of(after, 1) == r.proof {
				r.proven()
			}
		case before == nil && strings.HasPrefix(name, binlogAsked):
			tx.asked = append(tx.asked, name)
		}
	}
}
