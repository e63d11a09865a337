package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	neturl "net/url"
	"os"
	"regexp"
	"strings"

	"github.com/glebarez/sqlite"
)

// openSQLite opens a file. WAL lets readers and the one writer work at the same time; synchronous stays FULL, since what
// was acknowledged must survive a power cut.
func openSQLite(path string) (*sql.DB, error) {
	if err := checkSQLite(path); err != nil {
		return nil, err
	}
	if strings.ContainsAny(path, "?#%") {
		path = "file:" + escapedPath(path)
	}
	pool, err := sql.Open(sqlite.DriverName, path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	return pool, nil
}

// lookAtSQLite opens a file to read it. One that is not there is not made, and no other gets a journal: who may only read leaves
// the journal behind that reading takes where it is a WAL, so only one that is there already is read so, and stays as it is.
func lookAtSQLite(path string) (*sql.DB, error) {
	if err := checkSQLite(path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	mode := "rw"
	if _, err := os.Stat(path + "-wal"); err == nil {
		mode = "ro"
	}
	pool, err := sql.Open(sqlite.DriverName, "file:"+escapedPath(path)+"?mode="+mode+"&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return pool, nil
}

func checkSQLite(path string) error {
	if path == "" || strings.HasPrefix(path, ":") {
		return errors.New("the database address must look like sqlite:PATH")
	}
	return nil
}

func escapedPath(path string) string {
	return regexp.MustCompile("[?#%]").ReplaceAllStringFunc(path, neturl.PathEscape)
}
