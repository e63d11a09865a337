package store_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// clock is a time that only moves when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 11, 21, 7, 0, 0, 123456000, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// own is a database with the table "anime" and a link to it, for tests of our own tables.
type own struct {
	*store.Store
	clock *clock
	url   string
	sql   *sql.DB
	link  tandem.Link
	table *store.Table
}

// another opens the database once more, as a second process does.
func (o *own) another(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o.url, store.Options{Now: o.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (o *own) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := o.sql.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (o *own) claim(t *testing.T, holder string) tandem.Lease {
	t.Helper()
	lease, ok, err := o.Claim(t.Context(), "links/"+o.link.ID, holder, 30*time.Second)
	if err != nil || !ok {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	return lease
}

func (o *own) commit(t *testing.T, lease tandem.Lease, commit tandem.Commit) []tandem.Applied {
	t.Helper()
	commit.Link = o.link.ID
	applied, err := o.Store.Commit(t.Context(), lease, o.table, commit)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

func (o *own) baselines(t *testing.T, keys ...tandem.Key) map[tandem.Key][]tandem.Value {
	t.Helper()
	found, err := o.Baselines(t.Context(), &o.link, keys)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func newLink(id string, sheet int64) tandem.Link {
	return tandem.Link{ID: id, DisplayName: "Anime", Table: "anime", SpreadsheetID: "1AbC", SheetID: sheet, Tab: "Anime", HeaderRow: 1,
		Columns: []tandem.LinkColumn{{Column: "id", Header: "ID"}, {Column: "title", Header: "Title", Owner: tandem.OwnerShared}, {Column: "score", Header: "Score"}},
		Key:     []string{"id"}, Policy: tandem.LastWriteWins, PreferredSource: tandem.Database, DeleteLimit: tandem.DeleteLimit{Count: 10, Percent: 20}}
}

// onEach runs test on every dialect.
func onEach(t *testing.T, test func(t *testing.T, o *own)) {
	run := func(driver, dsn, url string) func(t *testing.T) {
		return func(t *testing.T) {
			db, err := sql.Open(driver, dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			o := &own{clock: newClock(), url: url, sql: db}
			o.Store = o.another(t)
			o.exec(t, "CREATE TABLE anime (id VARCHAR(100) "+binary(driver)+" NOT NULL PRIMARY KEY, title TEXT NULL, score INT NULL CHECK (score < 100), note TEXT NULL)")
			if o.link, err = o.CreateLink(t.Context(), newLink("anime", 0)); err != nil {
				t.Fatal(err)
			}
			if o.table, err = o.OpenTable(t.Context(), &o.link); err != nil {
				t.Fatal(err)
			}
			test(t, o)
		}
	}
	path := filepath.Join(t.TempDir(), "tandem.db")
	t.Run("sqlite", run("sqlite", path+"?_pragma=busy_timeout(5000)", "sqlite:"+path))
	dsn, url := newMariaDB(t)
	t.Run("mariadb", run("mysql", dsn, url))
}

func binary(driver string) string {
	if driver == "mysql" {
		return "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
	}
	return ""
}

func text(values ...string) []tandem.Value {
	all := make([]tandem.Value, len(values))
	for i, value := range values {
		all[i] = tandem.Text(value)
	}
	return all
}

// same compares what the store gives with what is wanted.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tandem.Value{})); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func wantError(t *testing.T, err error, code tandem.Code, reason string) {
	t.Helper()
	var known *tandem.Error
	if !errors.As(err, &known) || known.Code != code || known.Reason != reason {
		t.Errorf("got error %v, want %s", err, reason)
	}
}
