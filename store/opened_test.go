package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// remembered opens the rows of a link as the API does, and reads them once, so that they are remembered.
func (w *world) remembered(t *testing.T, link *tandem.Link) *store.Table {
	t.Helper()
	if _, _, err := w.OpenRows(t.Context(), link.ID, true); err != nil {
		t.Fatal(err)
	}
	_, table, err := w.OpenRows(t.Context(), link.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func wantOutdated(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, tandem.ErrOutdated) {
		t.Errorf("%s: %v, want that it is outdated", what, err)
	}
}

// Rows read the short way are the rows that Scan and Get read, and their states those that RowStates tells.
func TestKnownRows(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, `CREATE TABLE kinds (id INT NOT NULL PRIMARY KEY, big BIGINT, dec_a DECIMAL(10,2), dec_b DECIMAL(5,0), f DOUBLE, g FLOAT, b BOOLEAN, s VARCHAR(60), d DATE,
				dt DATETIME, dt3 DATETIME(3), ts `+w.pick("DATETIME(6)", "TIMESTAMP(6) NULL")+`, tm TIME, data TEXT, updated DATETIME(6))`,
			`INSERT INTO kinds VALUES
				(1, 9223372036854775807, '-0.01', -12345, 0.1, 0.1, 1, 'a "quoted" & <odd> \\ text', '2020-02-29', '2026-11-21 07:00:00', '2026-11-21 07:00:00.123', '2026-11-21 07:00:00.000001', '-12:00:00', '', '2026-11-21 07:00:00.5'),
				(2, -9223372036854775808, 99999999.99, 0, -1e300, 16777216, 0, ' padded ', '1000-01-01', '9999-12-31 23:59:59', '1000-01-01 00:00:00.001', NULL, '23:59:59', '😀', NULL),
				(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
				(-4, 0, '0.50', 7, 5e-324, -1.5, 1, '', '2026-12-31', '2026-01-31 00:00:00', '2026-03-30 12:30:59.999', '2026-03-30 12:30:59.999999', '00:00:00', 'null', '2026-01-01 00:00:00')`)
		if w.mariadb {
			w.exec(t, "SET sql_mode = ''", "INSERT INTO kinds (id, d, dt, b) VALUES (5, '0000-00-00', '2026-00-00 00:00:00', 2)")
		}
		link, _ := w.link(t, "kinds")
		link.UpdateTimeColumn = "updated"
		if _, err := w.UpdateLink(t.Context(), link, 0); err != nil {
			t.Fatal(err)
		}
		for key, data := range map[string]string{"1": `{"id":"1","s":"a \"quoted\" \u0026 \u003codd\u003e","data":""}`, "2": `{"id":"2","zzz":"gone","d":null}`, "-4": `{"id":"-4","s":{"invalid":"x"}}`} {
			if _, err := w.sql.Exec("INSERT INTO tandem_baselines (link_number, row_key, data) VALUES (?,?,?)", link.Number, key, data); err != nil {
				t.Fatal(err)
			}
		}
		table := w.open(t, &link)
		want, err := table.Scan(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		var keys []tandem.Key
		for _, row := range want {
			keys = append(keys, row.Key)
		}
		check := func(what string) {
			t.Helper()
			states, err := w.RowStates(t.Context(), &link, keys)
			if err != nil {
				t.Fatal(err)
			}
			known := w.remembered(t, &link)
			rows, err := known.ScanKnown(t.Context(), "", 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != len(want) {
				t.Fatalf("%s: %d rows, want %d", what, len(rows), len(want))
			}
			for i := range rows {
				one, err := known.GetKnown(t.Context(), keys[i])
				if err != nil {
					t.Fatal(err)
				}
				for way, row := range map[string]*store.KnownRow{"listed": &rows[i], "alone": one} {
					if diff := cmp.Diff(want[i], row.Row, cmp.AllowUnexported(tandem.Value{})); diff != "" {
						t.Errorf("%s, row %s %s (-want +got):\n%s", what, keys[i], way, diff)
					}
					if row.State == nil {
						continue
					}
					if diff := cmp.Diff(states[keys[i]], *row.State, cmp.AllowUnexported(tandem.Value{})); diff != "" {
						t.Errorf("%s, state of row %s %s (-want +got):\n%s", what, keys[i], way, diff)
					}
				}
			}
			same(t, what+": all states are told by a quiet link", rows[0].State != nil, what == "quiet")
		}
		check("quiet")
		if err := w.AddMarks(t.Context(), link.ID, []tandem.Mark{{Source: tandem.Database, Key: "2", Cause: tandem.CauseSQL}}); err != nil {
			t.Fatal(err)
		}
		check("marked")
	})
}

// What this process commits is seen at once, however long rows are remembered; what another one does, by every write.
func TestRememberedSettings(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		link, _ := w.people(t)
		table := w.remembered(t, &link)
		insert := tandem.Mutation{Kind: tandem.Insert, Values: text("9", "Zoe", "1")}

		w.exec(t, "UPDATE tandem_links SET config = REPLACE(config, 'Europe/Berlin', 'Europe/Paris')") // another process
		_, err := table.Mutate(t.Context(), []tandem.Mutation{insert}, false)
		wantOutdated(t, "a write after another process changed the link", err)

		table = w.remembered(t, &link)
		link.Columns = link.Columns[:2]
		if _, err := w.UpdateLink(t.Context(), link, 0); err != nil {
			t.Fatal(err)
		}
		_, err = table.GetKnown(t.Context(), "1")
		wantOutdated(t, "a row after the link was changed", err)
		_, err = table.ScanKnown(t.Context(), "", 10)
		wantOutdated(t, "a page after the link was changed", err)
		_, err = table.ScanKnown(t.Context(), "3", 10)
		wantOutdated(t, "an empty page after the link was changed", err)

		table = w.remembered(t, &link)
		if err := w.DeleteLink(t.Context(), link.ID); err != nil {
			t.Fatal(err)
		}
		_, err = table.GetKnown(t.Context(), "1")
		wantOutdated(t, "a row after the link was deleted", err)
		_, err = table.Mutate(t.Context(), []tandem.Mutation{insert}, false)
		wantOutdated(t, "a write after the link was deleted", err)
		_, _, err = w.OpenRows(t.Context(), link.ID, true)
		wantError(t, err, tandem.CodeNotFound, "LINK_NOT_FOUND")
		var n int
		if err := w.sql.QueryRow("SELECT COUNT(*) FROM p").Scan(&n); err != nil || n != 3 {
			t.Errorf("%d rows, %v: what was outdated was written", n, err)
		}
	})
}

// A remembered table never says why a row is refused, or that none is there: that could be otherwise by now.
func TestRememberedTableRefusesNothing(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		link, _ := w.people(t)
		table := w.remembered(t, &link)
		_, err := table.GetKnown(t.Context(), "77")
		wantOutdated(t, "a row that is not there", err)
		for what, m := range map[string]tandem.Mutation{
			"a key that is taken":  {Kind: tandem.Insert, Values: text("1", "x", "1"), RequestID: "a"},
			"a row without a key":  {Kind: tandem.Update, Key: "77", Values: text("77", "x", "1"), RequestID: "b"},
			"a value that is held": {Kind: tandem.Insert, Values: []tandem.Value{tandem.Absent, tandem.Text("Ann"), tandem.Absent}, RequestID: "c"},
		} {
			_, err := table.Mutate(t.Context(), []tandem.Mutation{m}, false)
			wantOutdated(t, what, err)
			_, fresh, err := w.OpenRows(t.Context(), link.ID, true)
			if err != nil {
				t.Fatal(err)
			}
			if result := w.mutate(t, fresh, m)[0]; result.Err == nil || result.Replayed {
				t.Errorf("%s: %+v, want a first refusal", what, result)
			}
		}
	})
}

// A table that was altered a moment ago is read and written as it is, or not at all.
func TestRememberedTableIsAltered(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE money (id "+w.pick("INTEGER PRIMARY KEY", "INT AUTO_INCREMENT PRIMARY KEY")+", price DECIMAL(10,2), note VARCHAR(20))",
			"INSERT INTO money (id, price, note) VALUES (1, 1.25, 'a')")
		link, _ := w.link(t, "money")
		table := w.remembered(t, &link)
		insert := tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{tandem.Absent, tandem.Text("2.25"), tandem.Text("b")}}
		if w.mariadb { // a decimal that no longer fits is rounded, and nobody says so
			w.exec(t, "ALTER TABLE money MODIFY price DECIMAL(10,1)")
			_, err := table.Mutate(t.Context(), []tandem.Mutation{insert}, false)
			wantOutdated(t, "a row that would be rounded", err)
			_, err = table.Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Update, Key: "1", Values: []tandem.Value{tandem.Absent, tandem.Text("3.25"), tandem.Absent}}}, false)
			wantOutdated(t, "an update that would be rounded", err)
			w.exec(t, "ALTER TABLE money MODIFY price DECIMAL(10,2)")
			table = w.remembered(t, &link)
		}
		w.exec(t, "ALTER TABLE money DROP COLUMN note")
		_, err := table.GetKnown(t.Context(), "1")
		wantOutdated(t, "a row without a column", err)
		_, err = table.ScanKnown(t.Context(), "", 10)
		wantOutdated(t, "a page without a column", err)
		_, err = table.Mutate(t.Context(), []tandem.Mutation{insert}, false)
		wantOutdated(t, "a write to a column that is gone", err)
		_, fresh, err := w.OpenRows(t.Context(), link.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "columns that cannot flow", len(fresh.Problems()), 1)
		var n int
		if err := w.sql.QueryRow("SELECT COUNT(*) FROM money").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d rows, %v: what was outdated was written", n, err)
		}
	})
}

// Writes to remembered rows: the marks, the answer and what is known of it are as for any other.
func TestRememberedWrites(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		link, _ := w.people(t)
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		table := w.remembered(t, &link)
		absent := tandem.Absent
		results := w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{absent, tandem.Text("Dora"), absent}, Actor: "token:ops", RequestID: "one"})
		same(t, "made row", results[0].Row.Values, text("4", "Dora", "7"))
		same(t, "what is known of it", results[0].State, &tandem.RowState{Marked: true})
		again := w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{absent, tandem.Text("Dora"), absent}, RequestID: "one"})
		same(t, "repeated row", again[0].Row.Values, text("4", "Dora", "7"))
		same(t, "replayed", again[0].Replayed, true)
		results = w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: text("8", "Hal", "0")},
			tandem.Mutation{Kind: tandem.Update, Key: "2", Values: []tandem.Value{absent, tandem.Text("Bee"), absent}}, tandem.Mutation{Kind: tandem.Delete, Key: "1"})
		same(t, "results", reasons(results), []string{"ok", "ok", "ok"})
		seen := map[string]bool{}
		for _, key := range w.marked(t, table) {
			seen[key] = key != "" // capture marked the whole table as it began
		}
		delete(seen, "")
		same(t, "marked rows", seen, map[string]bool{"4": true, "8": true, "2": true, "1": true})
	})
}
