package engine_test

import (
	"fmt"
	"testing"

	"github.com/tandem-sync/tandem"
)

// An initial sync that finds many marks once read the first of them only: of the other rows that were deleted, history did not tell what they
// held outside the link.
func TestSyncKeepsWhatManyRowsHeld(t *testing.T) {
	p := startPair(t)
	p.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL, qty INTEGER, price DECIMAL(8,2), secret VARCHAR(20))")
	const rows = 2500
	cells := [][]any{{"id", "title", "qty", "price", "mine"}}
	p.exec(fmt.Sprintf("WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < %d) INSERT INTO items SELECT id, 'Item', 1, 1.5, 'secret ' || id FROM n", rows))
	for id := 1; id <= rows; id++ {
		cells = append(cells, []any{id, "Item", 1, 1.5, "mine"})
	}
	p.join(cells, tandem.Link{Key: []string{"id"},
		Columns: []tandem.LinkColumn{{Column: "id", Header: "id"}, {Column: "title", Header: "title"}, {Column: "qty", Header: "qty"}, {Column: "price", Header: "price"}}})
	link := p.link()
	table, err := p.store.OpenTable(t.Context(), &link)
	if err != nil {
		t.Fatal(err)
	}
	const deletions = 20
	var mutations []tandem.Mutation
	for id := 1; id <= rows; id++ {
		change := tandem.Mutation{Kind: tandem.Update, Key: tandem.Key(fmt.Sprint(id)), Values: []tandem.Value{{}, tandem.Text("Changed"), {}, {}}}
		if id > rows-deletions {
			change = tandem.Mutation{Kind: tandem.Delete, Key: change.Key}
		}
		mutations = append(mutations, change)
	}
	if _, err := table.Mutate(t.Context(), mutations, false); err != nil {
		t.Fatal(err)
	}
	p.sync(tandem.SyncRequest{Returns: tandem.StateActive})
	p.settle()
	p.wantSame()
	var deleted, whole int
	err = p.db.QueryRow("SELECT COUNT(*), COUNT(CASE WHEN before_row LIKE '%secret ' || row_key || '%' THEN 1 END) FROM tandem_changes WHERE kind = 'DELETE'").Scan(&deleted, &whole)
	if err != nil || deleted != deletions || whole != deleted {
		t.Errorf("history has %d deletions, %d with all that the row held; want %d; %v", deleted, whole, deletions, err)
	}
}
