package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// linkAll links tables, whose triggers are made and whose marks are forgotten, and returns what each link and table is.
func (w *world) linkAll(t *testing.T, names ...string) (map[string]*tandem.Link, map[string]*store.Table) {
	t.Helper()
	links, tables := map[string]*tandem.Link{}, map[string]*store.Table{}
	for _, name := range names {
		link, table := w.link(t, name)
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		links[name], tables[name] = &link, table
	}
	for _, link := range links { // once more, since the triggers of parents know of the links of their children
		if err := w.Capture(t.Context(), link); err != nil {
			t.Fatal(err)
		}
	}
	w.exec(t, "DELETE FROM tandem_marks")
	return links, tables
}

// told returns the links that are marked because of changes that no trigger of MySQL sees, as "table key", a whole table as
// "table *", and forgets the marks. SQLite, whose triggers see them, marks the very rows.
func (w *world) told(t *testing.T, tables map[string]*store.Table) []string {
	t.Helper()
	var all []string
	for name, table := range tables {
		marks, err := table.Marks(t.Context(), 10000)
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range marks {
			if mark.Source != tandem.Database {
				t.Errorf("mark of %s: %+v", name, mark)
			}
			key := string(mark.Key)
			if key == "" {
				key = "*"
			}
			all = append(all, name+" "+key)
		}
	}
	w.exec(t, "DELETE FROM tandem_marks")
	slices.Sort(all)
	return slices.Compact(all)
}

func (w *world) numbers(t *testing.T, sql string) string {
	t.Helper()
	rows, err := w.sql.QueryContext(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text *string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		if text == nil {
			all = append(all, "NULL")
			continue
		}
		all = append(all, *text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// outcomes shows results as "ok", "moved" or a refusal's reason.
func outcomes(applied []tandem.Applied) string {
	var all []string
	for _, result := range applied {
		switch result.Outcome {
		case tandem.Landed:
			all = append(all, "ok")
		case tandem.Moved:
			all = append(all, "moved")
		default:
			all = append(all, result.Err.Reason)
		}
	}
	return strings.Join(all, " ")
}

func deletes(keys ...tandem.Key) []tandem.Change {
	changes := make([]tandem.Change, len(keys))
	for i, key := range keys {
		changes[i] = tandem.Change{Kind: tandem.Delete, Key: key}
	}
	return changes
}

// Parents come before their children, also by way of tables that are not linked; circles and tables that refer to
// themselves are in nobody's way.
func TestLinkOrder(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		order, err := w.LinkOrder(t.Context())
		if err != nil || len(order) != 0 {
			t.Fatalf("without links: %v, %v", order, err)
		}
		w.exec(t, "CREATE TABLE z_top (id INT NOT NULL PRIMARY KEY)",
			"CREATE TABLE m_middle (id INT NOT NULL PRIMARY KEY, top INT, boss INT, FOREIGN KEY (top) REFERENCES z_top (id), FOREIGN KEY (boss) REFERENCES m_middle (id))",
			"CREATE TABLE between_them (id INT NOT NULL PRIMARY KEY, middle INT, FOREIGN KEY (middle) REFERENCES m_middle (id))",
			"CREATE TABLE a_leaf (id INT NOT NULL PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES between_them (id))",
			"CREATE TABLE c_one (id INT NOT NULL PRIMARY KEY, other INT, leaf INT, FOREIGN KEY (leaf) REFERENCES a_leaf (id))",
			"CREATE TABLE c_two (id INT NOT NULL PRIMARY KEY, other INT, FOREIGN KEY (other) REFERENCES c_one (id))",
			"CREATE TABLE b_last (id INT NOT NULL PRIMARY KEY, two INT, FOREIGN KEY (two) REFERENCES c_two (id))",
			"CREATE TABLE alone (id INT NOT NULL PRIMARY KEY)")
		if w.mariadb {
			w.exec(t, "ALTER TABLE c_one ADD FOREIGN KEY (other) REFERENCES c_two (id)")
		} else {
			w.exec(t, "DROP TABLE c_one", "CREATE TABLE c_one (id INT NOT NULL PRIMARY KEY, other INT REFERENCES C_TWO, leaf INT REFERENCES A_Leaf (id))")
		}
		ids := map[string]string{}
		for _, table := range []string{"b_last", "c_two", "c_one", "alone", "a_leaf", "m_middle", "z_top"} {
			link, _ := w.link(t, table)
			ids[table] = link.ID
		}
		again, _ := w.link(t, "a_leaf") // a second link of the same table
		order, err = w.LinkOrder(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(order) != 8 {
			t.Errorf("order of %d links: %v", len(order), order)
		}
		if order[again.ID] != order[ids["a_leaf"]] {
			t.Errorf("two links of one table: %v", order)
		}
		for _, pair := range [][2]string{{"z_top", "m_middle"}, {"m_middle", "a_leaf"}, {"a_leaf", "c_one"}, {"a_leaf", "c_two"}, {"c_one", "b_last"}, {"c_two", "b_last"}} {
			if order[ids[pair[0]]] >= order[ids[pair[1]]] {
				t.Errorf("%s is not before %s: %v", pair[0], pair[1], order)
			}
		}
	})
}

// Rows of one table that refer to each other land whatever their order: a scrambled tree of several levels in one chunk.
func TestRowsThatReferToEachOther(t *testing.T) {
	const n = 60
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE tree (id INT NOT NULL PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES tree (id))")
		link, table := w.link(t, "tree")
		var inserts []tandem.Change
		for i := range n {
			id := i*37%n + 1
			row := []tandem.Value{tandem.Text(fmt.Sprint(id)), tandem.Null}
			if id > 1 {
				row[1] = tandem.Text(fmt.Sprint(id / 2))
			}
			inserts = append(inserts, tandem.Change{Kind: tandem.Insert, After: row})
		}
		inserts = append(inserts, tandem.Change{Kind: tandem.Insert, After: text("500", "501")}) // nobody brings 501
		applied := w.apply(t, &link, table, inserts...)
		if got := outcomes(applied); got != strings.Repeat("ok ", n)+"FOREIGN_KEY" {
			t.Errorf("inserts: %s", got)
		}
		var keys []tandem.Key
		for i := range n {
			keys = append(keys, tandem.Key(fmt.Sprint(i*41%n+1)))
		}
		w.exec(t, "INSERT INTO tree VALUES (900, 20)") // 20, and so 10, 5, 2 and 1, have to stay
		got := map[tandem.Key]string{}
		for i, result := range w.apply(t, &link, table, deletes(keys...)...) {
			got[keys[i]] = outcomes([]tandem.Applied{result})
		}
		for _, key := range keys {
			want := "ok"
			if slices.Contains([]tandem.Key{"1", "2", "5", "10", "20"}, key) {
				want = "FOREIGN_KEY"
			}
			if got[key] != want {
				t.Errorf("delete of %s: %s", key, got[key])
			}
		}
		if left := w.numbers(t, "SELECT id FROM tree ORDER BY id"); left != "1 2 5 10 20 900" {
			t.Errorf("left: %s", left)
		}
	})
}

const heldTables = `CREATE TABLE items (id INT NOT NULL PRIMARY KEY, code VARCHAR(9) NOT NULL UNIQUE, n INT);
	CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, item INT, FOREIGN KEY (item) REFERENCES items (id) ON DELETE CASCADE ON UPDATE CASCADE);
	CREATE TABLE notes (id INT NOT NULL PRIMARY KEY, code VARCHAR(9), FOREIGN KEY (code) REFERENCES items (code) ON DELETE SET NULL ON UPDATE CASCADE);
	CREATE TABLE pieces (id INT NOT NULL PRIMARY KEY, orderr INT, FOREIGN KEY (orderr) REFERENCES orders (id) ON DELETE CASCADE);
	INSERT INTO items VALUES (1, 'a', 0), (2, 'b', 0), (3, 'c', 0), (4, 'd', 0), (5, 'e', 0), (6, 'f', 0);
	INSERT INTO orders VALUES (11, 1), (12, 1), (13, 3);
	INSERT INTO notes VALUES (21, 'b');
	INSERT INTO pieces VALUES (31, 13), (32, 13), (33, 13)`

func (w *world) script(t *testing.T, script string) {
	t.Helper()
	w.exec(t, strings.Split(script, ";")...)
}

// What the sheet brings is held where it would delete or change rows that no link covers, and only there.
func TestCascadesOutsideTheLinksAreHeld(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.script(t, heldTables)
		links, tables := w.linkAll(t, "items")
		link, table := links["items"], tables["items"]
		rename := func(key, id, code string) tandem.Change {
			return tandem.Change{Kind: tandem.Update, Key: tandem.Key(key), After: text(id, code, "7")}
		}
		applied := w.apply(t, link, table, append(deletes("1", "2", "5"), rename("3", "30", "c"), rename("4", "40", "d"), rename("6", "6", "g"))...)
		if got := outcomes(applied); got != "CASCADES CASCADES ok CASCADES ok ok" {
			t.Fatalf("outcomes: %s", got)
		}
		for i, want := range map[int][]string{0: {`"orders"`, "2 of its rows", "delete", "ink that table"}, 1: {`"notes"`, "1 of its rows", "code"}, 3: {`"orders"`, "1 of its rows", "item"}} {
			for _, part := range want {
				if !strings.Contains(applied[i].Err.Message, part) {
					t.Errorf("message %d misses %s: %s", i, part, applied[i].Err.Message)
				}
			}
			if applied[i].Err.Code != tandem.CodePrecondition || applied[i].Row == nil {
				t.Errorf("refusal %d: %+v", i, applied[i])
			}
		}
		if got := w.numbers(t, "SELECT id FROM items ORDER BY id"); got != "1 2 3 6 40" {
			t.Errorf("items: %s", got)
		}
		// A change of other columns concerns nobody.
		if got := outcomes(w.apply(t, link, table, tandem.Change{Kind: tandem.Update, Key: "1", After: text("1", "a", "9")})); got != "ok" {
			t.Errorf("update of a column that nobody refers to: %s", got)
		}
		// A referenced column that is not the key.
		if got := outcomes(w.apply(t, link, table, rename("2", "2", "bb"))); got != "CASCADES" {
			t.Errorf("update of a code that a note refers to: %s", got)
		}
		// Without the rows that refer to them they may go.
		w.exec(t, "DELETE FROM orders WHERE item = 1", "DELETE FROM notes")
		if got := outcomes(w.apply(t, link, table, deletes("1", "2")...)); got != "ok ok" {
			t.Errorf("deletes that nothing hangs on: %s", got)
		}
	})
}

// Where every table that is reached is linked it is done, and their links look.
func TestCascadesIntoLinkedTables(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.script(t, heldTables)
		links, tables := w.linkAll(t, "items", "orders", "notes")
		items := func(changes ...tandem.Change) string {
			t.Helper()
			return outcomes(w.apply(t, links["items"], tables["items"], changes...))
		}
		// The order 13 has lines, which no link covers.
		if got := items(deletes("1", "2", "3", "5")...); got != "ok ok CASCADES ok" {
			t.Fatalf("deletes: %s", got)
		}
		want := w.pick("notes 21 orders 11 orders 12", "notes * orders *")
		if got := strings.Join(w.told(t, tables), " "); got != want {
			t.Errorf("marks: %s, want %s", got, want)
		}
		if got := w.numbers(t, "SELECT id FROM orders UNION ALL SELECT id FROM pieces UNION ALL SELECT code FROM notes ORDER BY 1"); got != w.pick("NULL 13 31 32 33", "NULL 13 31 32 33") {
			t.Errorf("rows: %s", got)
		}
		// A key that changes takes the order along, and no further: lines do not refer to what changed.
		if got := items(tandem.Change{Kind: tandem.Update, Key: "3", After: text("33", "c", "0")}); got != "ok" {
			t.Errorf("rename: %s", got)
		}
		if got := strings.Join(w.told(t, tables), " "); got != w.pick("orders 13", "orders *") {
			t.Errorf("marks of a rename: %s", got)
		}
		if got := w.numbers(t, "SELECT item FROM orders"); got != "33" {
			t.Errorf("orders of %s", got)
		}
		// Nothing hangs on it: nobody is told.
		if got := items(deletes("6")...); got != "ok" {
			t.Errorf("delete: %s", got)
		}
		if got := strings.Join(w.told(t, tables), " "); got != "" {
			t.Errorf("marks of a delete without children: %s", got)
		}
		more, moreTables := w.linkAll(t, "pieces")
		tables["pieces"] = moreTables["pieces"]
		if got := items(deletes("33")...); got != "ok" {
			t.Errorf("delete with lines linked (%s): %s", more["pieces"].ID, got)
		}
		if got := strings.Join(w.told(t, tables), " "); got != w.pick("orders 13 pieces 31 pieces 32 pieces 33", "orders * pieces *") {
			t.Errorf("marks of two levels: %s", got)
		}
		if got := w.numbers(t, "SELECT COUNT(*) FROM pieces"); got != "0" {
			t.Errorf("%s lines are left", got)
		}
	})
}

// Callers of the API may delete as SQL does; the links of what goes with it look, also behind a table without a link.
func TestCascadesOfTheAPI(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.script(t, heldTables)
		_, tables := w.linkAll(t, "items", "pieces")
		results := w.mutate(t, tables["items"], tandem.Mutation{Kind: tandem.Delete, Key: "3"}, tandem.Mutation{Kind: tandem.Delete, Key: "5"},
			tandem.Mutation{Kind: tandem.Update, Key: "1", Values: []tandem.Value{tandem.Text("10")}})
		for i, result := range results {
			if result.Err != nil {
				t.Errorf("mutation %d: %v", i, result.Err)
			}
		}
		if got := strings.Join(w.told(t, tables), " "); got != w.pick("items 1 items 10 items 3 items 5 pieces 31 pieces 32 pieces 33", "items 1 items 10 items 3 items 5 pieces *") {
			t.Errorf("marks: %s", got)
		}
		if got := w.numbers(t, "SELECT COUNT(*) FROM pieces"); got != "0" {
			t.Errorf("%s lines are left", got)
		}
		// What is only tried marks nothing.
		w.exec(t, "INSERT INTO orders VALUES (14, 4)", "INSERT INTO pieces VALUES (34, 14)", "DELETE FROM tandem_marks")
		if results = w.mutate(t, tables["items"], tandem.Mutation{Kind: tandem.Delete, Key: "4", ValidateOnly: true}); results[0].Err != nil {
			t.Error(results[0].Err)
		}
		if got := w.told(t, tables); len(got) != 0 {
			t.Errorf("marks of a trial: %v", got)
		}
	})
}

// A revert is held like the sheet's changes, unless it is forced.
func TestRevertsThatCascade(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.script(t, heldTables)
		links, tables := w.linkAll(t, "items", "pieces")
		link := links["items"]
		lease, _, err := w.Claim(t.Context(), "links/"+link.ID, "test", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		added := tandem.Settlement{Key: "8", Write: &tandem.Change{Kind: tandem.Insert, After: text("8", "h", "1")}, Baseline: text("8", "h", "1"),
			History: []tandem.Entry{{Key: "8", Kind: tandem.Insert, Source: tandem.Sheet, Cause: tandem.CauseSheet}}}
		if applied, err := tables["items"].Commit(t.Context(), lease, tandem.Commit{Link: link.ID, Settlements: []tandem.Settlement{added}}); err != nil || outcomes(applied) != "ok" {
			t.Fatalf("insert: %v, %v", applied, err)
		}
		if err := w.Release(context.WithoutCancel(t.Context()), lease); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "INSERT INTO orders VALUES (18, 8)", "INSERT INTO pieces VALUES (38, 18)", "DELETE FROM tandem_marks")
		revert := func(force bool) *tandem.Error {
			t.Helper()
			results, err := w.Revert(t.Context(), link, tandem.RevertRequest{Filter: tandem.ChangeFilter{Key: "8"}, Force: force, Actor: "token:ops"})
			if err != nil || len(results) != 1 {
				t.Fatalf("revert: %+v, %v", results, err)
			}
			return results[0].Err
		}
		wantError(t, revert(false), tandem.CodePrecondition, "CASCADES")
		if got := w.numbers(t, "SELECT id FROM orders WHERE item = 8"); got != "18" {
			t.Errorf("orders: %s", got)
		}
		if err := revert(true); err != nil {
			t.Errorf("forced: %v", err)
		}
		if got := w.numbers(t, "SELECT id FROM orders WHERE item = 8"); got != "" {
			t.Errorf("orders: %s", got)
		}
		if got := strings.Join(w.told(t, tables), " "); got != w.pick("items 8 pieces 38", "items 8 pieces *") {
			t.Errorf("marks: %s", got)
		}
	})
}

// Of a table that deletes its own rows along, a row that is given another parent in the same chunk stays.
func TestCascadesWithinTheTable(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.script(t, `CREATE TABLE staff (id INT NOT NULL PRIMARY KEY, boss INT, FOREIGN KEY (boss) REFERENCES staff (id) ON DELETE CASCADE);
			CREATE TABLE desks (id INT NOT NULL PRIMARY KEY, owner INT, FOREIGN KEY (owner) REFERENCES staff (id) ON DELETE CASCADE);
			INSERT INTO staff VALUES (1, NULL), (2, 1), (3, 1), (4, 2), (10, NULL), (11, 10), (12, 11), (20, NULL), (21, 20);
			INSERT INTO desks VALUES (7, 12)`)
		links, tables := w.linkAll(t, "staff")
		changes := append(deletes("1", "10", "11", "20"), tandem.Change{Kind: tandem.Update, Key: "2", After: text("2", "30")},
			tandem.Change{Kind: tandem.Update, Key: "3", After: text("3", "2")}, tandem.Change{Kind: tandem.Insert, After: text("30", "")})
		changes[len(changes)-1].After[1] = tandem.Null
		// 12 has a desk, two levels below 10.
		if got := outcomes(w.apply(t, links["staff"], tables["staff"], changes...)); got != "ok CASCADES CASCADES ok ok ok ok" {
			t.Errorf("outcomes: %s", got)
		}
		if got := w.numbers(t, "SELECT id FROM staff ORDER BY id"); got != "2 3 4 10 11 12 30" {
			t.Errorf("staff: %s", got)
		}
		if got := strings.Join(w.told(t, tables), " "); !strings.Contains(got, w.pick("staff 21", "staff *")) {
			t.Errorf("marks: %s", got)
		}
	})
}
