package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tandem-sync/tandem"
)

// heard returns what the server was told, a line a round trip, by the connection that told it something with a text in it.
func (w *world) heard(t *testing.T, text string, do func()) []string {
	t.Helper()
	w.exec(t, "SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = 1")
	do()
	w.exec(t, "SET GLOBAL general_log = 0")
	rows, err := w.sql.Query(`SELECT command_type, CONVERT(argument USING utf8mb4) FROM mysql.general_log
		WHERE thread_id = (SELECT thread_id FROM mysql.general_log WHERE LOCATE(?, argument) > 0 AND command_type = 'Execute' LIMIT 1)`, text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var command, argument string
		if err := rows.Scan(&command, &argument); err != nil {
			t.Fatal(err)
		}
		all = append(all, command+" "+argument)
	}
	return all
}

// A new row and its mark take two round trips on MariaDB, whether the database makes the key or the caller.
func TestInsertOpensItsTransaction(t *testing.T) {
	onMariaDB(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE heard_of (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20))")
		link, _ := w.link(t, "heard_of")
		table := w.remembered(t, &link)
		for key, insert := range map[tandem.Value]string{tandem.Absent: "INSERT INTO `heard_of` (`name`)", tandem.Text("70"): "INSERT INTO `heard_of` (`id`, `name`)"} {
			said := w.heard(t, insert, func() {
				made := w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{key, tandem.Text("Ann")}, Actor: "token:ops"})[0]
				if made.Err != nil {
					t.Fatal(made.Err)
				}
				same(t, "marked", w.marked(t, table), []string{string(made.Row.Key)})
			})
			at := slices.IndexFunc(said, func(line string) bool {
				return strings.HasPrefix(line, "Execute BEGIN NOT ATOMIC START TRANSACTION; "+insert)
			})
			if at < 0 || at+1 == len(said) || said[at+1] != "Query COMMIT" || slices.ContainsFunc(said, func(line string) bool { return strings.HasPrefix(line, "Query START") }) {
				t.Errorf("%s… takes:\n%s", insert, strings.Join(said, "\n"))
			}
		}
	})
}

// What is refused, or decided by settings that changed, or given another key by a trigger, is answered as anywhere else, and
// no transaction stays open behind it.
func TestInsertThatOpensFails(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		link, _ := w.people(t)
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		table, absent := w.remembered(t, &link), tandem.Absent
		insert := func(values ...tandem.Value) ([]tandem.MutationResult, error) {
			return table.Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Insert, Values: values}}, false)
		}
		for _, values := range [][]tandem.Value{{tandem.Text("3"), tandem.Text("again"), absent}, {absent, tandem.Text("Cleo"), absent}, {absent, tandem.Text(strings.Repeat("x", 30)), absent}} {
			if results, err := insert(values...); err == nil && results[0].Err == nil || err != nil && !errors.Is(err, tandem.ErrOutdated) {
				t.Errorf("%v: %+v, %v", values, results, err)
			}
		}
		same(t, "rows", w.scan(t, table), []string{"1: 1, Ann, 1", "2: 2, Bea, 2", "3: 3, Cleo, 3"})
		if w.mariadb {
			w.exec(t, "CREATE TRIGGER own BEFORE INSERT ON p FOR EACH ROW SET NEW.id = NEW.n + 50", "DELETE FROM tandem_marks")
			// What is marked is the key that the row has, where the database makes it; where the caller does, that one.
			made, err := insert(absent, tandem.Text("Dora"), tandem.Text("1"))
			if err != nil || made[0].Row == nil || made[0].Row.Key != "51" {
				t.Errorf("a key that a trigger made: %+v, %v", made, err)
			}
			same(t, "marked", w.marked(t, table), []string{"51"})
			if _, err := insert(tandem.Text("7"), tandem.Text("Eve"), tandem.Text("2")); !errors.Is(err, tandem.ErrOutdated) {
				t.Errorf("a key that a trigger made of the caller's: %v", err)
			}
			_, fresh, err := w.OpenRows(t.Context(), link.ID, true)
			if err != nil {
				t.Fatal(err)
			}
			again := w.mutate(t, fresh, tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{absent, tandem.Text("Fay"), tandem.Text("3")}})[0]
			if again.Row == nil || again.Row.Key != "53" || !slices.Contains(w.marked(t, table), "53") {
				t.Errorf("a key that a trigger made, by a table that was just read: %+v", again)
			}
			w.exec(t, "DROP TRIGGER own")
		}
		w.exec(t, "UPDATE tandem_links SET config = REPLACE(config, 'Europe/Berlin', 'Europe/Paris')")
		if _, err := insert(absent, tandem.Text("Eve"), absent); !errors.Is(err, tandem.ErrOutdated) {
			t.Errorf("under other settings: %v", err)
		}
		var left int
		if err := w.sql.QueryRow("SELECT COUNT(*) FROM p WHERE name = 'Eve'").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows that were refused are there, %v", left, err)
		}
		w.exec(t, "ALTER TABLE p ADD COLUMN free INT") // waits for transactions that are open
	})
}

// The key that the database makes is marked as the row spells it, whatever its type.
func TestInsertMarksTheKeyMade(t *testing.T) {
	onMariaDB(t, func(t *testing.T, w *world) {
		for n, made := range []struct{ column, key string }{
			{"TINYINT AUTO_INCREMENT", "1"},
			{"BIGINT UNSIGNED AUTO_INCREMENT", "18446744073709551000"},
			{"INT(8) ZEROFILL AUTO_INCREMENT", "1000"},
		} {
			name := fmt.Sprintf("made%d", n)
			w.exec(t, "CREATE TABLE "+name+" (`a key` "+made.column+" PRIMARY KEY, name VARCHAR(20)) AUTO_INCREMENT = "+made.key)
			link, _ := w.link(t, name)
			table := w.remembered(t, &link)
			for _, absent := range []tandem.Value{tandem.Absent, tandem.Null} {
				w.exec(t, "DELETE FROM tandem_marks", "TRUNCATE "+name, "ALTER TABLE "+name+" AUTO_INCREMENT = "+made.key)
				result := w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{absent, tandem.Text("Ann")}})[0]
				if result.Err != nil || string(result.Row.Key) != made.key {
					t.Fatalf("%s: %+v", made.column, result)
				}
				same(t, made.column, w.marked(t, table), []string{made.key})
			}
		}
	})
}

// Rows that many callers insert at once all have their marks.
func TestInsertsSideBySide(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		link, _ := w.people(t)
		table := w.remembered(t, &link)
		var group sync.WaitGroup
		keys := make([]map[string]bool, 8)
		for caller := range keys {
			keys[caller] = map[string]bool{}
			group.Go(func() {
				for n := range 50 {
					table := table
					values := []tandem.Value{tandem.Absent, tandem.Text(fmt.Sprint(caller, " ", n)), tandem.Absent}
					results, err := table.Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Insert, Values: values}}, false)
					if err != nil || results[0].Err != nil {
						t.Errorf("%v, %v", results, err)
						return
					}
					keys[caller][string(results[0].Row.Key)] = true
				}
			})
		}
		group.Wait()
		marked := map[string]bool{}
		for _, key := range w.marked(t, table) {
			marked[key] = true
		}
		for caller := range keys {
			for key := range keys[caller] {
				if !marked[key] {
					t.Errorf("row %s has no mark", key)
				}
			}
		}
	})
}
