package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// bare is a database that no store has opened yet.
type bare struct {
	sql     *sql.DB
	url     string
	mariadb bool
}

// onEmpty runs test on an empty database of every dialect.
func onEmpty(t *testing.T, test func(t *testing.T, b bare)) {
	run := func(driver, dsn, url string) func(t *testing.T) {
		return func(t *testing.T) {
			db, err := sql.Open(driver, dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			test(t, bare{sql: db, url: url, mariadb: driver == "mysql"})
		}
	}
	path := filepath.Join(t.TempDir(), "tandem.db")
	t.Run("sqlite", run("sqlite", path+"?_pragma=busy_timeout(5000)", "sqlite:"+path))
	dsn, url := newMariaDB(t)
	t.Run("mariadb", run("mysql", dsn, url))
}

func (b bare) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := b.sql.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (b bare) open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), b.url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// schema describes every column and index of our tables.
func (b bare) schema(t *testing.T) []string {
	t.Helper()
	queries := []string{
		`SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || COALESCE(c.dflt_value, '')
			FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name LIKE 'tandem%' ORDER BY m.name, c.cid`,
		`SELECT m.name || ' ' || i.name || ' ' || i."unique" || ' ' || c.seqno || ' ' || c.name FROM sqlite_schema m
			JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c WHERE m.type = 'table' AND m.name LIKE 'tandem%' ORDER BY m.name, i.name, c.seqno`,
	}
	if b.mariadb {
		queries = []string{
			`SELECT CONCAT_WS(' ', TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME, COLUMN_DEFAULT) FROM information_schema.COLUMNS
				WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'tandem%' ORDER BY TABLE_NAME, ORDINAL_POSITION`,
			`SELECT CONCAT_WS(' ', TABLE_NAME, INDEX_NAME, NON_UNIQUE, SEQ_IN_INDEX, COLUMN_NAME, SUB_PART) FROM information_schema.STATISTICS
				WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'tandem%' ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
		}
	}
	var lines []string
	for _, query := range queries {
		rows, err := b.sql.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// version1 makes the tables of schema version 1, with a link, a baseline, history and a row error in them.
func (b bare) version1(t *testing.T) {
	t.Helper()
	file := "testdata/version1.sqlite.sql"
	if b.mariadb {
		file = "testdata/version1.mysql.sql"
	}
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, tables, _ := strings.Cut(string(script), "\n") // after the comment
	b.exec(t, strings.Split(strings.TrimSuffix(tables, ";\n"), ";\n")...)
	b.exec(t, "INSERT INTO tandem_migrations (version, name) VALUES (1, 'tables of links, journal and operations')",
		`INSERT INTO tandem_links (id, version, state, spreadsheet_id, sheet_id, config, last_error, created_at, updated_at) VALUES ('anime', 3, 'ACTIVE', '1AbC', 7,
			'{"displayName":"Anime","table":"anime","spreadsheetId":"1AbC","sheetId":7,"tab":"Anime","headerRow":1,
			"columns":[{"column":"id","header":"ID"},{"column":"title","header":"Title"}],"key":["id"],"deleteLimit":{"count":5,"percent":20}}',
			'no quota', '2026-01-02 03:04:05.000006', '2026-01-02 03:04:05.000006')`,
		`INSERT INTO tandem_baselines (link_number, row_key, data) VALUES (1, '1', '{"id":"1","title":"Akira"}')`,
		`INSERT INTO tandem_changes (link_number, row_key, kind, source, cause, actor, before_row, after_row, removes, applied_at)
			VALUES (1, '1', 'UPDATE', 'sheet', 'SHEET', 'a@example.com', '{"title":"x"}', '{"title":"Akira"}', 0, '2026-01-02 03:04:05.000006')`,
		`INSERT INTO tandem_row_errors (link_number, place, row_key, position, source, column_name, message, since, digest, attempts)
			VALUES (1, 'k2', '2', 0, 'sheet', 'title', 'too long', '2026-01-02 03:04:05.000006', 'd', 1)`)
}

func TestUpgradeFromVersion1(t *testing.T) {
	onEmpty(t, func(t *testing.T, b bare) {
		ctx := t.Context()
		b.version1(t)
		for range 2 { // the second time there is nothing left to do
			s := b.open(t)
			link, err := s.Link(ctx, "anime")
			if err != nil || link.Version != 3 || link.State != tandem.StateActive || link.DeleteLimit.Count != 5 || len(link.Columns) != 2 {
				t.Fatalf("link: %+v, %v", link, err)
			}
			same(t, "status", link.Status, tandem.Status{LastError: "no quota", RowErrors: 1})
			baselines, err := s.Baselines(ctx, &link, []tandem.Key{"1"})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "baseline", baselines["1"], text("1", "Akira"))
			entries, err := s.Entries(ctx, "anime", 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "history", entries, []tandem.Entry{{Seq: 1, Key: "1", Kind: tandem.Update, Source: tandem.Sheet, Cause: tandem.CauseSheet, Actor: "a@example.com",
				Before: map[string]tandem.Value{"title": tandem.Text("x")}, After: map[string]tandem.Value{"title": tandem.Text("Akira")},
				At: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}})
			if err := s.SetLastError(ctx, "anime", "no quota"); err != nil {
				t.Error(err)
			}
		}
		var version int
		if err := b.sql.QueryRowContext(ctx, "SELECT MAX(version) FROM tandem_migrations").Scan(&version); err != nil || version < 2 {
			t.Errorf("schema version %d, %v", version, err)
		}
	})
}

// A database that was upgraded must have the very tables of one that was set up anew.
func TestUpgradedSchemaIsTheNewOne(t *testing.T) {
	var fresh [2][]string
	which := func(b bare) *[]string { return &fresh[map[bool]int{true: 1}[b.mariadb]] }
	onEmpty(t, func(t *testing.T, b bare) {
		b.open(t)
		*which(b) = b.schema(t)
	})
	onEmpty(t, func(t *testing.T, b bare) {
		b.version1(t)
		b.open(t)
		if len(*which(b)) < 100 {
			t.Fatalf("the schema was not read: %d lines", len(*which(b)))
		}
		same(t, "upgraded schema", b.schema(t), *which(b))
	})
}

// An upgrade that was cut off after any of its statements runs again and makes what is missing.
func TestUpgradeCutInTheMiddle(t *testing.T) {
	onEmpty(t, func(t *testing.T, b bare) {
		index, marks := "DROP INDEX tandem_changes_row", "DROP INDEX tandem_marks_row"
		if b.mariadb {
			index, marks = index+" ON tandem_changes", marks+" ON tandem_marks"
		}
		made := []string{"ALTER TABLE tandem_marks DROP COLUMN rest", "ALTER TABLE tandem_links DROP COLUMN agreed", "DROP TABLE tandem_pruned", "DROP TABLE tandem_tokens", marks, "ALTER TABLE tandem_marks DROP COLUMN places", "ALTER TABLE tandem_links DROP COLUMN last_hint_delay",
			"ALTER TABLE tandem_links DROP COLUMN last_hint_path", "ALTER TABLE tandem_links DROP COLUMN hook_secret", "DROP TABLE tandem_budgets", "DROP TABLE tandem_calls", "DROP TABLE tandem_signatures",
			"DROP TABLE tandem_positions", index, "ALTER TABLE tandem_links DROP COLUMN alerted", "ALTER TABLE tandem_links DROP COLUMN error_since",
			"ALTER TABLE tandem_changes DROP COLUMN conflict", "DROP TABLE tandem_alerts", "DROP TABLE tandem_notes", "DROP TABLE tandem_typed", "DROP TABLE tandem_conflicts"}
		b.version1(t)
		b.open(t).Close()
		whole := b.schema(t)
		for n := range len(made) + 1 {
			b.exec(t, "DELETE FROM tandem_migrations WHERE version >= 2")
			b.exec(t, made[:n]...)
			b.open(t).Close()
			same(t, "schema after a cut", b.schema(t), whole)
			if t.Failed() {
				t.Fatalf("cut before the last %d statements", n)
			}
		}
	})
}
