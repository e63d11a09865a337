package store_test

import (
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// orderTables are customers with orders, which have lines, a table without a link, which have parcels.
const orderTables = `CREATE TABLE customers (id INT NOT NULL PRIMARY KEY, code VARCHAR(9) UNIQUE, n INT);
	CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, customer INT, FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE CASCADE);
	CREATE TABLE notes (id INT NOT NULL PRIMARY KEY, code VARCHAR(9), FOREIGN KEY (code) REFERENCES customers (code) ON DELETE SET NULL ON UPDATE SET NULL);
	CREATE TABLE line (id INT NOT NULL PRIMARY KEY, purchase INT, FOREIGN KEY (purchase) REFERENCES orders (id) ON DELETE CASCADE);
	CREATE TABLE parcels (id INT NOT NULL PRIMARY KEY, line INT, FOREIGN KEY (line) REFERENCES line (id) ON DELETE CASCADE);
	CREATE TABLE bills (id INT NOT NULL PRIMARY KEY, customer INT, FOREIGN KEY (customer) REFERENCES customers (id));
	INSERT INTO customers VALUES (1,'a',0), (2,'b',0), (3,'c',0);
	INSERT INTO orders VALUES (10,1), (11,2);
	INSERT INTO notes VALUES (20,'a'), (21,'b'), (22,'c');
	INSERT INTO line VALUES (30,10), (31,11);
	INSERT INTO parcels VALUES (40,30), (41,31)`

// byTable returns the marks of several tables as "table key", "table *" for a whole one, once each, and forgets them.
func (w *world) byTable(t *testing.T, tables map[string]*store.Table) []string {
	t.Helper()
	var all []string
	for name, table := range tables {
		marks, err := table.Marks(t.Context(), 10000)
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range marks {
			if mark.Key == "" {
				mark.Key = "*"
			}
			all = append(all, name+" "+string(mark.Key))
		}
	}
	w.exec(t, "DELETE FROM tandem_marks")
	return distinct(all)
}

// Other programs' SQL changes rows of linked tables by way of foreign keys. SQLite fires their triggers, MySQL does not.
func TestTriggersMarkCascades(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, strings.Split(orderTables, ";")...)
		links, tables := map[string]*tandem.Link{}, map[string]*store.Table{}
		add := func(names ...string) {
			t.Helper()
			for _, name := range names {
				link, table := w.link(t, name)
				links[name], tables[name] = &link, table
			}
			for _, link := range links {
				w.capture(t, link)
			}
			w.byTable(t, tables)
		}
		add("customers", "orders", "notes", "parcels", "bills")
		step := func(statement string, sqlite, mariadb []string) {
			t.Helper()
			w.exec(t, statement)
			want := sqlite
			if w.mariadb {
				want = mariadb
			}
			same(t, statement, w.byTable(t, tables), want)
		}
		step("UPDATE customers SET n = 5", []string{"customers 1", "customers 2", "customers 3"}, []string{"customers 1", "customers 2", "customers 3"})
		step("INSERT INTO customers VALUES (4,'d',0)", []string{"customers 4"}, []string{"customers 4"})
		step("UPDATE customers SET code = 'aa' WHERE id = 1", []string{"customers 1", "notes 20"}, []string{"customers 1", "notes *", "orders *"})
		step("UPDATE customers SET id = 9 WHERE id = 1", []string{"customers 1", "customers 9", "orders 10"}, []string{"customers 1", "customers 9", "notes *", "orders *"})
		step("DELETE FROM customers WHERE id = 9", []string{"customers 9", "orders 10", "parcels 40"}, []string{"customers 9", "notes *", "orders *", "parcels *"})
		step("DELETE FROM orders WHERE id = 11", []string{"orders 11", "parcels 41"}, []string{"orders 11", "parcels *"})
		if got := w.count(t, "SELECT COUNT(*) FROM parcels"); got != 0 {
			t.Errorf("%d parcels are left, so that nothing was tried", got)
		}
		// A link that goes is not marked any more, and one that comes is, from the parent's next Capture on.
		if err := w.DropCapture(t.Context(), links["notes"]); err != nil {
			t.Fatal(err)
		}
		if err := w.DeleteLink(t.Context(), links["notes"].ID); err != nil {
			t.Fatal(err)
		}
		delete(links, "notes")
		notes := tables["notes"]
		delete(tables, "notes")
		add()
		w.exec(t, "DELETE FROM customers WHERE id = 2")
		same(t, "marks of a link that is gone", w.marked(t, notes), []string(nil))
		add("notes")
		step("DELETE FROM customers WHERE id = 3", []string{"customers 3", "notes 22"}, []string{"customers 3", "notes *", "orders *", "parcels *"})
	})
}

// A table that refers to itself: what goes with a row fires triggers of the same table on SQLite, and none on MySQL.
func TestTriggersMarkCascadesWithinATable(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE tree (id INT NOT NULL PRIMARY KEY, above INT, FOREIGN KEY (above) REFERENCES tree (id) ON DELETE CASCADE)",
			"INSERT INTO tree VALUES (1,NULL), (2,1), (3,2), (4,NULL)")
		link, table := w.link(t, "tree")
		w.capture(t, &link)
		w.exec(t, "DELETE FROM tandem_marks", "DELETE FROM tree WHERE id = 1")
		want := []string{"1", "2", "3"}
		if w.mariadb {
			want = []string{"", "1"}
		}
		same(t, "marks", distinct(w.marked(t, table)), want)
		same(t, "rows", w.scan(t, table), []string{"4: 4, NULL"})
	})
}

// Triggers that were missing may have missed cascades too: whoever these reach looks as well.
func TestRestoredTriggersMarkWhatTheyReach(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return
		}
		w.exec(t, strings.Split(orderTables, ";")...)
		customers, _ := w.link(t, "customers")
		_, parcels := w.link(t, "parcels")
		w.capture(t, &customers)
		w.exec(t, "DROP TRIGGER tandem_1_del", "DELETE FROM tandem_marks", "DELETE FROM customers WHERE id = 1")
		w.capture(t, &customers)
		same(t, "marks", distinct(w.marked(t, parcels)), []string{""})
	})
}

// A trigger that fails over a column marks what it would have reached too.
func TestTriggersThatFailMarkWhatTheyReach(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return
		}
		w.exec(t, strings.Split(orderTables, ";")...)
		customers, table := w.link(t, "customers")
		parcels, parcelTable := w.link(t, "parcels")
		w.capture(t, &customers, &parcels)
		w.exec(t, "ALTER TABLE customers RENAME COLUMN id TO number", "DELETE FROM tandem_marks", "DELETE FROM customers WHERE number = 1")
		same(t, "marks", w.byTable(t, map[string]*store.Table{"customers": table, "parcels": parcelTable}), []string{"customers *", "parcels *"})
	})
}
