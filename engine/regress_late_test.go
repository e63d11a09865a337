package engine_test

import (
	"context"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// What changed in the table while a first sync was reading is settled with what it read; the sync died after that. What told of the
// change does not speak against a row that a person writes anew.
func TestWrittenAnewAfterALateChange(t *testing.T) {
	for name, late := range map[string][]string{
		"deleted in the table":                       {"DELETE FROM items WHERE id = 3"},
		"touched in the table, deleted in the sheet": {"UPDATE items SET qty = 9 WHERE id = 3", "UPDATE items SET qty = 3 WHERE id = 3"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, 30)
			done, died := false, false
			if len(late) > 1 {
				p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 4, Count: 1}})
			}
			options := p.options("dies")
			options.OpenTable = func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
				table, err := p.store.OpenTable(ctx, link)
				return &hookTable{dyingTable{table, &died}, func() {
					for _, statement := range late {
						if !done {
							p.exec(statement)
						}
					}
					done = true
				}}, err
			}
			p.worker = engine.New(options)
			p.start(tandem.SyncRequest{Returns: tandem.StateNew})
			p.writtenAnew(&died)
		})
	}
}

// marksTable lets a test act before marks are read.
type marksTable struct {
	engine.Table
	before func()
}

func (m marksTable) Marks(ctx context.Context, limit int) ([]tandem.Mark, error) {
	m.before()
	return m.Table.Marks(ctx, limit)
}

// A row that the table lost while a first sync was reading, and got back before the sync looked at what it had lost, reaches the sheet
// without waiting for the next comparison.
func TestBackBeforeTheSyncLooks(t *testing.T) {
	p := newPair(t, 30)
	acts := []string{"DELETE FROM items WHERE id = 3", "INSERT INTO items (id, title, qty, price) VALUES (3, 'Back', 1, 2.5)"}
	options := p.options("second")
	options.OpenTable = func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
		table, err := p.store.OpenTable(ctx, link)
		return marksTable{table, func() {
			if len(acts) > 0 {
				p.exec(acts[0])
				acts = acts[1:]
			}
		}}, err
	}
	p.worker = engine.New(options)
	p.start(tandem.SyncRequest{DiscardBaseline: true})
	p.settle()
	p.wantRow(p.sheet(), "3|Back|1|2.50")
	p.wantRows(30)
	p.wantSame()
}
