// Package mariadbtest starts a private MariaDB for tests, from the programs of Debian's package mariadb-server.
package mariadbtest

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql" // the driver "mysql"
)

// Server is a running MariaDB without any database of its own, listening on the loopback address.
type Server struct {
	addr  string
	next  atomic.Int64
	alive io.Closer // the keeper's input; held, since a pipe that nobody refers to is closed
}

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Start returns the server that all tests of the process share, and starts it the first time. It ends with the process,
// however that ends. Without MariaDB on the machine the test fails; it is never skipped.
func Start(tb testing.TB) *Server {
	tb.Helper()
	shared.once.Do(func() { shared.server, shared.err = start() })
	if shared.err != nil {
		tb.Fatalf("start MariaDB: %v", shared.err)
	}
	return shared.server
}

// URL is the address of a database for store.Open.
func (s *Server) URL(database string) string { return "mysql://root@" + s.addr + "/" + database }

// DSN is the address of a database for sql.Open("mysql", …).
func (s *Server) DSN(database string) string { return "root@tcp(" + s.addr + ")/" + database }

// CreateDatabase makes an empty database, which is dropped when the test ends, and returns its URL.
func (s *Server) CreateDatabase(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test%d", s.next.Add(1))
	s.exec(tb, "CREATE DATABASE "+name)
	tb.Cleanup(func() { s.exec(tb, "DROP DATABASE IF EXISTS "+name) })
	return s.URL(name)
}

func (s *Server) exec(tb testing.TB, statement string) {
	tb.Helper()
	db, err := sql.Open("mysql", s.DSN(""))
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// find looks where Debian puts the server too, which is not in everybody's PATH.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	path := filepath.Join("/usr/sbin", program)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not installed; install it with: apt-get install -y --no-install-recommends mariadb-server", program)
	}
	return path, nil
}

func start() (*Server, error) {
	install, err := find("mariadb-install-db")
	if err != nil {
		return nil, err
	}
	daemon, err := find("mariadbd")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mariadbtest")
	if err != nil {
		return nil, err
	}
	out, err := exec.Command(install, "--no-defaults", "--user=root", "--datadir="+dir+"/data",
		"--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", install, err, out)
	}
	for attempt := 1; ; attempt++ {
		server, err := launch(daemon, dir)
		if err == nil || attempt == 3 { // another process may have taken the port meanwhile
			return server, err
		}
	}
}

// keeper runs the server until its own standard input ends, which it does with the test process, even a killed one.
const keeper = `"$@" & pid=$!; cat >/dev/null; kill -9 $pid; wait $pid 2>/dev/null; rm -rf "$0"`

func launch(daemon, dir string) (*Server, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := free.Addr().String()
	free.Close()
	_, port, _ := strings.Cut(addr, ":")
	keep := exec.Command("sh", "-c", keeper, dir, daemon, "--no-defaults", "--user=root", "--datadir="+dir+"/data", "--socket="+dir+"/m.sock",
		"--port="+port, "--bind-address=127.0.0.1", "--pid-file="+dir+"/m.pid", "--log-error="+dir+"/error.log", "--character-set-server=utf8mb4",
		"--log-bin="+dir+"/data/bin", "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-row-metadata=FULL", "--server-id=1",
		"--gtid-strict-mode=1", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M")
	input, err := keep.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := keep.Start(); err != nil {
		return nil, err
	}
	server := &Server{addr: addr, alive: input}
	db, err := sql.Open("mysql", server.DSN(""))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	_ = mysql.SetLogger(&mysql.NopLogger{}) // it reports every connection tried too early
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err = db.Ping(); err == nil {
			return server, nil
		}
		if time.Now().After(deadline) {
			break
		}
	}
	report, _ := os.ReadFile(dir + "/error.log")
	server.alive.Close()
	return nil, fmt.Errorf("it did not answer within 30 s: %w\n%s", err, bytes.TrimSpace(report))
}
