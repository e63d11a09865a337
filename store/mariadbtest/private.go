package mariadbtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"testing"
)

// Private is a server that one test has for itself, to kill it and start it again on the same data and address. What it
// acknowledged survives: it writes through to the disk at every commit. It is not safe for concurrent use.
type Private struct {
	*Server
	running bool
}

// StartPrivate starts a server that ends with the test. Without MariaDB on the machine the test fails.
func StartPrivate(tb testing.TB) *Private {
	tb.Helper()
	server, err := install("--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1")
	if err != nil {
		tb.Fatalf("start MariaDB: %v", err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(server.dir) })
	p := &Private{Server: server}
	tb.Cleanup(p.Kill)
	for attempt := 1; ; attempt++ {
		if server.addr, err = lastingAddress(); err == nil {
			err = p.Restart()
		}
		if err == nil {
			return p
		}
		if attempt == 3 {
			tb.Fatalf("start MariaDB: %v", err)
		}
	}
}

// Kill ends the server with kill -9 and returns when it is gone. Killing one that does not run does nothing.
func (p *Private) Kill() {
	if !p.running {
		return
	}
	p.running = false
	p.kill()
}

// Restart starts the server again after Kill, and returns when it answers.
func (p *Private) Restart() error {
	if p.running {
		return nil
	}
	if err := p.launch(); err != nil {
		return fmt.Errorf("start MariaDB at %s: %w", p.addr, err)
	}
	p.running = true
	return nil
}

// lastingAddress returns an address whose port the system gives to nobody by itself, so that it is still free when the
// server comes back.
func lastingAddress() (string, error) {
	var err error
	for range 50 {
		var free net.Listener
		if free, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))); err == nil {
			return free.Addr().String(), free.Close()
		}
	}
	return "", fmt.Errorf("no free port: %w", err)
}
