package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A row that the sheet owns is deleted on both sides; nobody has looked at the sheet since.
func TestPresumedOwnedRowDeletedOnBothSides(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER, price DECIMAL(8,2))")
	p.exec("CREATE TABLE log (id INTEGER, what TEXT)")
	p.exec("INSERT INTO items VALUES (1, 'a', 1, 1), (2, 'b', 2, 2), (3, 'c', 3, 3)")
	own := tandem.OwnerSheet
	p.join([][]any{{"id", "title", "qty", "price"}, {1, "a", 1, 1}, {2, "b", 2, 2}, {3, "c", 3, 3}}, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id", Owner: own}, {Column: "title", Header: "title", Owner: own}}})
	p.exec("CREATE TRIGGER came AFTER INSERT ON items BEGIN INSERT INTO log VALUES (new.id, 'inserted'); END")
	p.edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 3, Count: 1}})
	p.exec("DELETE FROM items WHERE id = 2")
	p.step(200 * time.Millisecond)
	for _, row := range p.table() {
		if strings.HasPrefix(row, "2|") {
			t.Errorf("deleted on both sides, and back in the table: %s", row)
		}
	}
	p.settle()
	t.Log(p.table())
}
