package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// world is an empty database of one dialect, seen through the store and through SQL as another program would.
type world struct {
	*store.Store
	sql     *sql.DB
	url     string
	mariadb bool
	binlog  bool // changes are captured by the binary log; see captures
	links   int
}

// conformance runs test on every dialect. A dialect that cannot be run fails.
func conformance(t *testing.T, test func(t *testing.T, w *world)) {
	path := filepath.Join(t.TempDir(), "tandem.db")
	t.Run("sqlite", func(t *testing.T) {
		test(t, newWorld(t, "sqlite", path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)", "sqlite:"+path))
	})
	t.Run("mariadb", func(t *testing.T) { onMariaDB(t, test) })
}

// onMariaDB runs a test of what MariaDB alone does.
func onMariaDB(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dsn, url := newMariaDB(t)
	test(t, newWorld(t, "mysql", dsn+"?multiStatements=true", url))
}

func newWorld(t *testing.T, driver, dsn, url string) *world {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if driver == "mysql" && !strings.Contains(t.Name(), "Concurrent") {
		db.SetMaxOpenConns(1) // so that session settings reach the next statement
	}
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &world{Store: s, sql: db, url: url, mariadb: driver == "mysql"}
}

func (w *world) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := w.sql.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// pick chooses between the spellings of two dialects.
func (w *world) pick(sqlite, mariadb string) string {
	if w.mariadb {
		return mariadb
	}
	return sqlite
}

// link makes a link of all columns of a table and opens it.
func (w *world) link(t *testing.T, table string) (tandem.Link, *store.Table) {
	t.Helper()
	info, err := w.Table(t.Context(), table)
	if err != nil {
		t.Fatal(err)
	}
	w.links++
	link := tandem.Link{ID: fmt.Sprintf("%s-%d", table, w.links), Table: table, SpreadsheetID: "1AbC", SheetID: int64(w.links), Tab: table, HeaderRow: 1,
		TimeZone: "Europe/Berlin", Key: info.Key, Policy: tandem.LastWriteWins}
	for _, column := range info.Columns {
		link.Columns = append(link.Columns, tandem.LinkColumn{Column: column.Name, Header: column.Name})
	}
	link, err = w.CreateLink(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	if w.binlog { // else it is not captured, and its marks are not waited for
		w.exec(t, "UPDATE tandem_links SET state = 'INITIAL_SYNC'")
		link.State = tandem.StateInitialSync
	}
	return link, w.open(t, &link)
}

func (w *world) open(t *testing.T, link *tandem.Link) *store.Table {
	t.Helper()
	table, err := w.OpenTable(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// apply commits changes as a cycle does.
func (w *world) apply(t *testing.T, link *tandem.Link, table *store.Table, changes ...tandem.Change) []tandem.Applied {
	t.Helper()
	lease, ok, err := w.Claim(t.Context(), "links/"+link.ID, "test", time.Minute)
	if err != nil || !ok {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	defer func() {
		if err := w.Release(context.WithoutCancel(t.Context()), lease); err != nil {
			t.Error(err)
		}
	}()
	commit := tandem.Commit{Link: link.ID}
	for i := range changes {
		commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: changes[i].Key, Write: &changes[i]})
	}
	applied, err := table.Commit(t.Context(), lease, commit)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

func (w *world) mutate(t *testing.T, table *store.Table, mutations ...tandem.Mutation) []tandem.MutationResult {
	t.Helper()
	results, err := table.Mutate(t.Context(), mutations, false)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// marked returns the keys that are marked, in their order, and forgets the marks.
func (w *world) marked(t *testing.T, table *store.Table) []string {
	t.Helper()
	marks, err := table.Marks(t.Context(), 10000)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, mark := range marks {
		keys = append(keys, string(mark.Key))
	}
	w.exec(t, "DELETE FROM tandem_marks")
	return keys
}

func (w *world) scan(t *testing.T, table *store.Table) []string {
	t.Helper()
	rows, err := table.Scan(t.Context(), "", 10000)
	if err != nil {
		t.Fatal(err)
	}
	return show(rows)
}

// show writes rows as "key: value, value".
func show(rows []tandem.Row) []string {
	var lines []string
	for _, row := range rows {
		var values []string
		for _, value := range row.Values {
			switch {
			case value.IsNull():
				values = append(values, "NULL")
			case value.IsInvalid():
				values = append(values, "invalid "+value.Text())
			default:
				values = append(values, value.Text())
			}
		}
		lines = append(lines, string(row.Key)+": "+strings.Join(values, ", "))
	}
	return lines
}

func TestIntrospection(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE plain (id "+w.pick("INTEGER PRIMARY KEY", "INT AUTO_INCREMENT PRIMARY KEY")+`, name VARCHAR(20) NOT NULL DEFAULT 'x', price DECIMAL(10,2) NULL,
				seen BOOLEAN NOT NULL, at DATETIME(6) NULL, twice INT GENERATED ALWAYS AS (id * 2) VIRTUAL)`,
			"CREATE TABLE pairs (b VARCHAR(10) NOT NULL, a INT NOT NULL, n INT NULL, PRIMARY KEY (a, b))",
			"CREATE TABLE keyless (a INT)", "CREATE TABLE floats (a DOUBLE NOT NULL PRIMARY KEY)",
			"CREATE TABLE longs (a VARCHAR(500) NOT NULL, b VARCHAR(250) NOT NULL, PRIMARY KEY (a, b))", "CREATE VIEW seen AS SELECT * FROM plain")
		tables, err := w.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		problems := map[string]string{}
		for _, table := range tables {
			names = append(names, table.Name)
			if problems[table.Name] = table.Problem; table.Linkable != (table.Problem == "") {
				t.Errorf("table %s: linkable %v, problem %q", table.Name, table.Linkable, table.Problem)
			}
		}
		same(t, "tables", names, []string{"floats", "keyless", "longs", "pairs", "plain"})
		for name, want := range map[string]string{"keyless": "no primary key", "floats": "floating-point", "longs": "751 characters", "pairs": "", "plain": ""} {
			if got := problems[name]; !strings.Contains(got, want) || (want == "") != (got == "") {
				t.Errorf("problem of %s: %q, want %q", name, got, want)
			}
		}
		table, err := w.Table(t.Context(), "plain")
		if err != nil {
			t.Fatal(err)
		}
		for i := range table.Columns {
			table.Columns[i].Type.Native = ""
		}
		id := tandem.Type{Kind: tandem.Int, Bits: 32}
		if !w.mariadb {
			id.Bits = 64
		}
		same(t, "columns", table.Columns, []tandem.Column{
			{Name: "id", Type: id, AutoIncrement: true, KeyPosition: 1},
			{Name: "name", Type: tandem.Type{Kind: tandem.String, Length: 20}, HasDefault: true},
			{Name: "price", Type: tandem.Type{Kind: tandem.Decimal, Precision: 10, Scale: 2}, Nullable: true},
			{Name: "seen", Type: tandem.Type{Kind: tandem.Bool}},
			{Name: "at", Type: tandem.Type{Kind: tandem.DateTime, Fraction: 6}, Nullable: true},
			{Name: "twice", Type: id, Nullable: true, Generated: true},
		})
		pairs, err := w.Table(t.Context(), "pairs")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "key", pairs.Key, []string{"a", "b"})
		_, err = w.Table(t.Context(), "nothing")
		wantError(t, err, tandem.CodeNotFound, "TABLE_NOT_FOUND")
		_, err = w.Table(t.Context(), "tandem_links")
		wantError(t, err, tandem.CodeNotFound, "TABLE_NOT_FOUND")
	})
}

// Names that SQL has to quote, or that a library takes for the place of an argument.
func TestOddNames(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, strings.ReplaceAll("CREATE TABLE 'odd? @table' ('what?' INT NOT NULL PRIMARY KEY, 'a@b:c$1' TEXT, 'select' TEXT)", "'", w.pick(`"`, "`")))
		link, table := w.link(t, "odd? @table")
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		results := w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: text("1", "what? @x", "y")})
		if results[0].Err != nil {
			t.Fatal(results[0].Err)
		}
		applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Update, Key: "1", After: text("1", "?", "z")})
		if applied[0].Outcome != tandem.Landed {
			t.Fatalf("update: %+v", applied[0])
		}
		same(t, "rows", w.scan(t, table), []string{"1: 1, ?, z"})
	})
}
