package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// node is one tandem process that is started again whenever it ends, as a service manager would.
type node struct {
	s    *soak
	name string
	log  *os.File

	mu      sync.Mutex
	cmd     *exec.Cmd // nil while none runs
	address string    // "" while it does not listen
	meant   bool      // it was told to end, or killed
}

func (s *soak) newNode(name string) *node {
	file, err := os.Create(filepath.Join(s.t.ArtifactDir(), "tandem-"+name+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = file.Close() })
	return &node{s: s, name: name, log: file}
}

// keepUp runs the process until ctx ends, a little while after each end anew.
func (n *node) keepUp(ctx context.Context, path string, args []string) {
	for ctx.Err() == nil {
		if err := n.run(ctx, path, args); err != nil {
			n.s.violate("process %s: %v", n.name, err)
		}
		wait(ctx, time.Duration(100+n.s.roll(2000))*time.Millisecond)
	}
}

// run runs the process once. Its error is that it ended by itself after it had begun to serve.
func (n *node) run(ctx context.Context, path string, args []string) error {
	cmd := exec.Command(path, args...)
	logs, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	cmd.Stdout = cmd.Stderr
	n.mu.Lock()
	if err := cmd.Start(); err != nil {
		n.mu.Unlock()
		return err
	}
	n.cmd, n.meant, n.address = cmd, false, ""
	n.mu.Unlock()
	_, _ = fmt.Fprintf(n.log, "--- process %d\n", cmd.Process.Pid)
	n.s.counters.starts.Add(1)
	end := context.AfterFunc(ctx, func() { n.signal(syscall.SIGKILL) })
	defer end()
	n.listen(logs)
	err = cmd.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	served, meant := n.address != "", n.meant
	n.cmd, n.address = nil, ""
	_, _ = fmt.Fprintf(n.log, "--- ended: %v (meant: %v)\n", err, meant)
	if !served && !meant {
		n.s.counters.failedStarts.Add(1) // the database is away
	}
	if served && !meant {
		return fmt.Errorf("it ended by itself: %w", err)
	}
	return nil
}

// listen copies the log, and finds where the process listens.
func (n *node) listen(logs io.Reader) {
	lines := bufio.NewScanner(logs)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			HTTP string `json:"http_addr"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.HTTP != "" {
			n.mu.Lock()
			n.address = line.HTTP
			n.mu.Unlock()
		}
		_, _ = fmt.Fprintln(n.log, lines.Text())
	}
	_, _ = io.Copy(io.Discard, logs)
}

// listening returns where the process takes calls, "" when it does not.
func (n *node) listening() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.address
}

// signal reports whether there was a process to get it.
func (n *node) signal(what syscall.Signal) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return false
	}
	n.meant = n.meant || what == syscall.SIGKILL || what == syscall.SIGTERM
	_ = n.cmd.Process.Signal(what)
	return true
}

// kill ends the process as a crash would.
func (n *node) kill() {
	if n.signal(syscall.SIGKILL) {
		n.s.log("kill -9 of process %s", n.name)
		n.s.counters.kills.Add(1)
	}
}

// stop asks the process to end, and checks that it does. A machine that is busy gets more time than a user would.
func (n *node) stop(ctx context.Context) {
	n.mu.Lock()
	cmd := n.cmd
	n.mu.Unlock()
	if cmd == nil || !n.signal(syscall.SIGTERM) {
		return
	}
	n.s.counters.stops.Add(1)
	for began := time.Now(); ; wait(ctx, 50*time.Millisecond) {
		n.mu.Lock()
		gone := n.cmd != cmd
		n.mu.Unlock()
		if gone || ctx.Err() != nil {
			return
		}
		if time.Since(began) > 40*time.Second {
			n.s.violate("process %s still runs 40 s after SIGTERM", n.name)
			n.signal(syscall.SIGKILL)
			return
		}
	}
}

// freeze holds the process for a while, as a machine without memory or a sleeping laptop does.
func (n *node) freeze(ctx context.Context, d time.Duration) {
	if !n.signal(syscall.SIGSTOP) {
		return
	}
	n.s.counters.pauses.Add(1)
	wait(ctx, d)
	n.signal(syscall.SIGCONT)
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// chaos kills, stops and freezes until ctx ends, and leaves everything running. The first two blows are a kill of a process and one
// of the database, so that the shortest soak has both.
func (s *soak) chaos(ctx context.Context) {
	var stopping sync.WaitGroup
	defer stopping.Wait()
	for blow := 0; ; blow++ {
		rest := time.Duration(1000+s.roll(5000)) * time.Millisecond
		if blow > 4 && s.roll(4) == 0 {
			rest *= 6 // a process that dies holds its links for a quarter of a minute; now and then work goes on for longer
		}
		wait(ctx, rest)
		if ctx.Err() != nil {
			return
		}
		n := s.nodes[s.roll(len(s.nodes))]
		kind := s.roll(100)
		switch {
		case blow == 0 || blow > 1 && kind < 45:
			n.kill()
		case blow == 1 || kind < 65:
			s.log("kill -9 of the database")
			s.maria.Kill()
			s.counters.databaseKills.Add(1)
			wait(ctx, time.Duration(s.roll(3000))*time.Millisecond)
			if err := s.maria.Restart(); err != nil {
				s.t.Errorf("the database does not come back: %v", err)
				return
			}
			s.log("the database is back")
		case kind < 85:
			s.log("SIGTERM for process %s", n.name)
			stopping.Go(func() { n.stop(s.ctx) })
		default:
			d := time.Duration(500+s.roll(20000)) * time.Millisecond
			s.log("process %s is held for %s", n.name, d)
			n.freeze(ctx, d)
		}
	}
}
