package engine_test

import (
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

// Y1: one formula spills a column of results over the empty rows below the data.
func TestSpilledRowsInvented(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50), qty INTEGER, price DECIMAL(8,2))")
	p.exec("INSERT INTO items VALUES (1, 'Item 1', 1, 2)")
	p.join([][]any{{"id", "title", "qty", "price"}, {1, "Item 1", 1, 2}}, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty"}, {Column: "price", Header: "price"}}})
	p.edit(p.set("D2", "=ARRAYFORMULA(C2:C8*2)"))
	reads, writes := p.ticks(5 * time.Minute)
	t.Logf("table %v\ncells %v\n%d reads %d writes, errors %v", p.one("SELECT group_concat(id || ':' || IFNULL(title,'-') || ':' || IFNULL(price,'-'), ' ') FROM items"), readCells(t, p.google, "Items"), reads, writes, p.errs())
	if n := p.one("SELECT count(*) FROM items"); n != "1" {
		t.Errorf("%s rows, nobody typed any", n)
	}
}
