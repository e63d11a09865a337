package store

import (
	"database/sql"
	"errors"
	"fmt"
	neturl "net/url"
	"regexp"
	"strings"

	"github.com/glebarez/sqlite"
)

// openSQLite opens a file. WAL lets readers and the one writer work at the same time; synchronous stays FULL, since what
// was acknowledged must survive a power cut.
func openSQLite(path string) (*sql.DB, error) {
	if path == "" || strings.HasPrefix(path, ":") {
		return nil, errors.New("the database address must look like sqlite:PATH")
	}
	if strings.ContainsAny(path, "?#%") {
		path = "file:" + regexp.MustCompile("[?#%]").ReplaceAllStringFunc(path, neturl.PathEscape)
	}
	pool, err := sql.Open(sqlite.DriverName, path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	return pool, nil
}
