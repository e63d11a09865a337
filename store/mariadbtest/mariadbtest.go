// Package mariadbtest starts a private MariaDB for tests, from the programs of Debian's package mariadb-server.
package mariadbtest

import (
	"bytes"
	"database/sql"
	"errors"
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
	addr        string
	daemon, dir string
	flags       []string
	next        atomic.Int64
	keeper      *exec.Cmd
	alive       io.Closer // the keeper's input; held, since a pipe that nobody refers to is closed
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
	server, err := install("--innodb-flush-log-at-trx-commit=2")
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		server.addr = freeAddress()
		if err = server.launch(); err == nil {
			return server, nil
		}
		if attempt == 3 { // another process may have taken the port meanwhile
			return nil, errors.Join(err, os.RemoveAll(server.dir))
		}
	}
}

// install makes an empty data directory for a server that is not running yet.
func install(flags ...string) (*Server, error) {
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
	setup := exec.Command(install, "--no-defaults", "--user=root", "--datadir="+dir+"/data", "--auth-root-authentication-method=normal", "--skip-test-db")
	setup.Env = append(os.Environ(), "TMPDIR="+dir) // temporary tables are named by process ids, which machines with one /tmp may share
	out, err := setup.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", install, err, out)
	}
	return &Server{daemon: daemon, dir: dir, flags: flags}, nil
}

func freeAddress() string {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer free.Close()
	return free.Addr().String()
}

// keeper runs the server until its own standard input ends, which it does with the test process, even a killed one. The data
// goes with it, unless the file "keep" is there.
const keeper = `"$@" & pid=$!; cat >/dev/null; kill -9 $pid; wait $pid 2>/dev/null; [ -e "$0/keep" ] || rm -rf "$0"`

// launch runs the server and returns when it answers. When it does not, nothing runs, and the data is still there.
func (s *Server) launch() error {
	if err := os.RemoveAll(s.dir + "/keep"); err != nil {
		return err
	}
	_, port, _ := strings.Cut(s.addr, ":")
	args := append([]string{"-c", keeper, s.dir, s.daemon, "--no-defaults", "--user=root", "--datadir=" + s.dir + "/data", "--socket=" + s.dir + "/m.sock", "--tmpdir=" + s.dir,
		"--port=" + port, "--bind-address=127.0.0.1", "--pid-file=" + s.dir + "/m.pid", "--log-error=" + s.dir + "/error.log", "--character-set-server=utf8mb4",
		"--log-bin=" + s.dir + "/data/bin", "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-row-metadata=FULL", "--server-id=1",
		"--gtid-strict-mode=1", "--skip-name-resolve", "--innodb-buffer-pool-size=64M"}, s.flags...)
	s.keeper = exec.Command("sh", args...)
	input, err := s.keeper.StdinPipe()
	if err != nil {
		return err
	}
	if err := s.keeper.Start(); err != nil {
		return err
	}
	s.alive = input
	db, err := sql.Open("mysql", s.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	_ = mysql.SetLogger(&mysql.NopLogger{}) // it reports every connection tried too early
	for deadline := time.Now().Add(answersWithin); ; time.Sleep(20 * time.Millisecond) {
		if err = db.Ping(); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			break
		}
	}
	report, _ := os.ReadFile(s.dir + "/error.log")
	s.kill()
	return fmt.Errorf("it did not answer within %s: %w\n%s", answersWithin, err, bytes.TrimSpace(report))
}

// kill ends the server at once, and leaves its data.
func (s *Server) kill() {
	_ = os.WriteFile(s.dir+"/keep", nil, 0o600)
	_ = s.alive.Close()
	_ = s.keeper.Wait()
}

// answersWithin is how long a server may take to start, recovery after a crash and a busy machine included.
const answersWithin = time.Minute
