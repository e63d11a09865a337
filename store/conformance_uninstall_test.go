package store_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/store"
)

// catalog lists the tables and triggers of the database.
func (w *world) catalog(t *testing.T) []string {
	t.Helper()
	rows, err := w.sql.Query(w.pick("SELECT type || ' ' || name FROM sqlite_schema WHERE type IN ('table', 'trigger', 'index') AND name NOT LIKE 'sqlite%'",
		`SELECT CONCAT('table ', TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
			UNION ALL SELECT CONCAT('trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()`))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	slices.Sort(all)
	return all
}

// Everything of ours goes, on whatever table it is by now, and nothing of anybody else's.
func TestUninstall(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE bikes (id INT NOT NULL PRIMARY KEY, n INT)", "CREATE TABLE cars (id INT NOT NULL PRIMARY KEY, n INT)",
			"CREATE TABLE tandem_bikes (id INT NOT NULL PRIMARY KEY)", "CREATE TABLE tandem_marks_copy (id INT NOT NULL PRIMARY KEY)",
			"CREATE TRIGGER tandem_bikes_ins AFTER INSERT ON tandem_bikes FOR EACH ROW BEGIN INSERT INTO tandem_marks_copy VALUES (NEW.id); END",
			"CREATE TRIGGER tandem_7_up AFTER INSERT ON cars FOR EACH ROW BEGIN INSERT INTO tandem_bikes VALUES (NEW.id); END", "INSERT INTO bikes VALUES (1, 1)")
		theirs := []string{"table bikes", "table cars_old", "table tandem_bikes", "table tandem_marks_copy", "trigger tandem_7_up", "trigger tandem_bikes_ins"}
		bikes, _ := w.link(t, "bikes")
		cars, _ := w.link(t, "cars")
		if err := w.Capture(t.Context(), &bikes); err != nil {
			t.Fatal(err)
		}
		if err := w.Capture(t.Context(), &cars); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "ALTER TABLE cars RENAME TO cars_old", "CREATE TABLE tandem_check (id INT PRIMARY KEY)")
		if err := w.DeleteLink(t.Context(), cars.ID); err != nil { // without its triggers, as if that had failed
			t.Fatal(err)
		}
		removed, err := w.Uninstall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		same(t, "what is left", w.catalog(t), theirs)
		text := strings.Join(removed, "\n")
		for _, want := range []string{"trigger tandem_1_del of table bikes", "trigger tandem_2_ins of table cars_old", "table tandem_links", "table tandem_check"} {
			if !slices.Contains(removed, want) {
				t.Errorf("%q is not among what was removed:\n%s", want, text)
			}
		}
		if last := removed[len(removed)-1]; last != "table tandem_migrations" || !strings.HasPrefix(removed[5], "trigger ") || strings.Contains(text, "tandem_bikes") {
			t.Errorf("removed:\n%s", text)
		}
		w.exec(t, "INSERT INTO bikes VALUES (2, 2)", "UPDATE bikes SET n = 3", "DELETE FROM bikes WHERE id = 1")
		again, err := w.Uninstall(t.Context())
		if err != nil || len(again) != 0 {
			t.Errorf("a second time: %q, %v", again, err)
		}
		// It can be set up anew.
		s, err := store.Open(t.Context(), w.url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if links, err := s.Links(t.Context()); err != nil || len(links) != 0 {
			t.Errorf("links afterwards: %v, %v", links, err)
		}
	})
}

// A run that ended halfway left some tables behind, and maybe triggers of a link that nobody knows any more.
func TestUninstallGoesOn(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE bikes (id INT NOT NULL PRIMARY KEY, n INT)")
		link, _ := w.link(t, "bikes")
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "DROP TABLE tandem_links", "DROP TABLE tandem_leases", "DROP TRIGGER tandem_1_ins")
		removed, err := w.Uninstall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		same(t, "what is left", w.catalog(t), []string{"table bikes"})
		if slices.Contains(removed, "table tandem_links") || !slices.Contains(removed, "table tandem_marks") || !slices.Contains(removed, "trigger tandem_1_upd of table bikes") {
			t.Errorf("removed: %q", removed)
		}
	})
}

// Whether there is anything of ours is found out without making it.
func TestUntouched(t *testing.T) {
	_, mariadb := newMariaDB(t)
	for name, url := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "a b?c#d%20.db"), "mariadb": mariadb} {
		t.Run(name, func(t *testing.T) {
			is := func(when string, want bool) {
				t.Helper()
				for range 2 { // the first look leaves nothing that the second finds
					if got, err := store.Untouched(t.Context(), url); err != nil || got != want {
						t.Errorf("%s: untouched %v, %v", when, got, err)
					}
				}
			}
			is("before", true)
			s, err := store.Open(t.Context(), url, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			is("while a server runs", false)
			if _, err := s.Uninstall(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			is("afterwards", true)
		})
	}
}

// Triggers that outlived the tables, as they do when somebody drops those by hand, are still ours to remove: on SQLite nobody can
// write to the table as long as they are there. So are tables without the one of migrations.
func TestUntouchedKnowsWhatIsLeft(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE bikes (id INT NOT NULL PRIMARY KEY, n INT)")
		link, _ := w.link(t, "bikes")
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		touched := func(what string) {
			t.Helper()
			if untouched, err := store.Untouched(t.Context(), w.url); err != nil || untouched {
				t.Errorf("%s: untouched %v, %v", what, untouched, err)
			}
		}
		drop := func(but string) {
			for _, thing := range w.catalog(t) {
				if table, is := strings.CutPrefix(thing, "table "); is && strings.HasPrefix(table, "tandem_") && table != but {
					w.exec(t, "DROP TABLE "+table)
				}
			}
		}
		drop("tandem_marks")
		touched("tables without the one of migrations")
		drop("")
		touched("triggers without tables")
		s, err := store.Open(t.Context(), w.url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Uninstall(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "what is left", w.catalog(t), []string{"table bikes"})
		w.exec(t, "INSERT INTO bikes VALUES (1, 1)")
		if untouched, err := store.Untouched(t.Context(), w.url); err != nil || !untouched {
			t.Errorf("afterwards: untouched %v, %v", untouched, err)
		}
	})
}
