package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/store"
)

// captures runs test on every dialect, and on MariaDB once more with capture by the binary log.
func captures(t *testing.T, test func(t *testing.T, w *world)) {
	conformance(t, test)
	t.Run("binlog", func(t *testing.T) { test(t, newBinlogWorld(t)) })
}

// newBinlogWorld is a database of MariaDB whose binary log is read until the test ends.
func newBinlogWorld(t *testing.T) *world {
	t.Helper()
	dsn, url := newMariaDB(t)
	w := openBinlogWorld(t, dsn, url)
	w.read(t, w.Store, "test")
	return w
}

func openBinlogWorld(t *testing.T, dsn, url string) *world {
	t.Helper()
	db, err := sql.Open("mysql", dsn+"?multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	w := &world{sql: db, url: url, mariadb: true, binlog: true}
	w.Store = w.openBinlog(t)
	return w
}

func (w *world) openBinlog(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), w.url, store.Options{Capture: store.ByBinlog, Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// read reads the log until the test ends, or until stop is called.
func (w *world) read(t *testing.T, s *store.Store, holder string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { s.ReadBinlog(ctx, holder); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// logger shows what the reader says in a test that fails.
func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// Keys of every type, as the log has them: its own spelling of each is another than the table's.
func TestBinlogKeys(t *testing.T) {
	w := newBinlogWorld(t)
	tests := []struct{ name, typ, values string }{
		{"tinyint", "TINYINT", "-128, 127, 0"},
		{"tinyint unsigned", "TINYINT UNSIGNED", "128, 255"},
		{"smallint unsigned", "SMALLINT UNSIGNED", "65535, 1"},
		{"mediumint", "MEDIUMINT", "-8388608, 8388607"},
		{"mediumint unsigned", "MEDIUMINT UNSIGNED", "16777215, 8388608"},
		{"int unsigned", "INT UNSIGNED", "4294967295, 2147483648"},
		{"bigint", "BIGINT", "-9223372036854775808, 9223372036854775807"},
		{"bigint unsigned", "BIGINT UNSIGNED", "18446744073709551615, 9223372036854775808"},
		{"boolean", "BOOLEAN", "0, 1"},
		{"bit", "BIT(64)", "b'1', 18446744073709551615"},
		{"bit 9", "BIT(9)", "511, 256"},
		{"decimal", "DECIMAL(38,10)", "-1234567890123456789012345678.0123456789, 0.5, -0.0000000001"},
		{"decimal without fraction", "DECIMAL(5,0)", "-1, 0, 99999"},
		{"date", "DATE", "'1000-01-01', '9999-12-31'"},
		{"datetime", "DATETIME(6)", "'2026-11-21 07:00:00.123456', '2026-11-21 07:00:00'"},
		{"timestamp", "TIMESTAMP(2)", "'2026-11-21 07:00:00.12', '2026-03-29 02:30:00'"},
		{"time", "TIME(3)", "'-838:59:58.999', '00:00:00', '-00:00:00.001'"},
		{"year", "YEAR", "1901, 2155"},
		{"char", "CHAR(10)", "'a', 'a b ', 'ü'"},
		{"varchar", "VARCHAR(300)", "'a ', ' b', '~1~0', REPEAT('ü',300)"},
		{"latin1", "VARCHAR(20) CHARACTER SET latin1", "'Zürich', '€', 'plain'"},
		{"utf16", "VARCHAR(20) CHARACTER SET utf16", "'Zürich', 'plain'"},
		{"cp1251", "VARCHAR(20) CHARACTER SET cp1251", "'Москва'"},
		{"sjis", "VARCHAR(20) CHARACTER SET sjis", "'東京', 'a'"},
		{"enum", "ENUM('a','it''s','ü')", "'a', 'it''s', 'ü'"},
		{"large enum", "ENUM(" + manyValues(300) + ")", "'v1', 'v299'"},
		{"binary", "BINARY(4)", "x'01000000', x'00000000', 'abcd'"},
		{"varbinary", "VARBINARY(4)", "x'0100', 'abcd'"},
		{"uuid", "UUID", "'123e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-42d3-a456-426614174000', '018f4567-e89b-72d3-a456-426614170000', '00000000-0000-0000-0000-000000000000'"},
	}
	w.exec(t, "SET time_zone = '+05:30'")
	defer w.exec(t, "SET GLOBAL binlog_row_metadata = FULL")
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name := fmt.Sprintf("k%d", i)
			w.exec(t, "CREATE TABLE "+name+" (gone INT, n INT GENERATED ALWAYS AS (1) VIRTUAL, id "+test.typ+" NOT NULL PRIMARY KEY)", "ALTER TABLE "+name+" DROP COLUMN gone, ADD COLUMN v INT")
			link, table := w.link(t, name)
			w.capture(t, &link)
			w.marked(t, table)
			for _, form := range []string{"FULL", "MINIMAL"} {
				w.exec(t, "SET SESSION binlog_row_image = "+form, "SET GLOBAL binlog_row_metadata = "+map[string]string{"FULL": "FULL", "MINIMAL": "NO_LOG"}[form], "FLUSH TABLES "+name)
				for _, value := range strings.Split(test.values, ", ") {
					w.exec(t, "INSERT INTO "+name+" (id) VALUES ("+value+")")
				}
				var want []string
				rows, err := table.Scan(t.Context(), "", 100)
				if err != nil || len(rows) == 0 {
					t.Fatal(rows, err)
				}
				for _, row := range rows {
					want = append(want, string(row.Key))
				}
				slices.Sort(want)
				same(t, "marks of inserts", distinct(w.marked(t, table)), want)
				w.exec(t, "UPDATE "+name+" SET v = 1")
				same(t, "marks of updates", distinct(w.marked(t, table)), want)
				w.exec(t, "DELETE FROM "+name)
				same(t, "marks of deletions", distinct(w.marked(t, table)), want)
			}
		})
	}
}

func manyValues(n int) string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("'v%d'", i)
	}
	return strings.Join(values, ",")
}
