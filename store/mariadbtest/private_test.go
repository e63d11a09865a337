package mariadbtest_test

import (
	"database/sql"
	"testing"

	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// TestPrivate: what was acknowledged is there after kill -9, at the same address.
func TestPrivate(t *testing.T) {
	server := mariadbtest.StartPrivate(t)
	server.CreateDatabase(t)
	db, err := sql.Open("mysql", server.DSN("test1"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE kept (n INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		if _, err := db.Exec("INSERT INTO kept VALUES (?)", round); err != nil {
			t.Fatal(err)
		}
		server.Kill()
		if err := db.Ping(); err == nil {
			t.Fatal("a killed server answers")
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		var count int
		if err := db.QueryRow("SELECT COUNT(*) FROM kept").Scan(&count); err != nil || count != round+1 {
			t.Fatalf("%d rows, %v; want %d", count, err, round+1)
		}
	}
}
