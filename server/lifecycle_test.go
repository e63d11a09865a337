package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A supervisor sends SIGTERM and kills after 10 s. By then the process must have ended well, whoever still waits for it.
func TestSIGTERM(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	google := httptest.NewServer(emulator.New(emulator.Options{}))
	defer google.Close()
	cmd := exec.Command(path, "serve", "--auth", "none", "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0",
		"--database-url", "sqlite:"+filepath.Join(t.TempDir(), "tandem.db"), "--sheets-endpoint", google.URL)
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(logs)
	var line struct {
		GRPC string `json:"grpc_addr"`
	}
	for line.GRPC == "" && lines.Scan() {
		_ = json.Unmarshal(lines.Bytes(), &line)
	}
	conn, err := grpc.NewClient(line.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// A stream that nobody ends.
	stream, err := grpc_health_v1.NewHealthClient(conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := stream.Recv(); err != nil || got.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Fatalf("health: %v, %v", got, err)
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	_, _ = rest.ReadFrom(logs)
	if err := cmd.Wait(); err != nil || time.Since(began) > 9*time.Second {
		t.Errorf("after %s: %v\n%s", time.Since(began), err, rest.String())
	}
}

// lockedBuffer is written by the demo while the test reads it.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
	grew chan struct{}
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.grew <- struct{}{}:
	default:
	}
	return b.text.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// The demo is the first thing that people see. It works, and works again on the data of an earlier run.
func TestDemo(t *testing.T) {
	options := server.DemoOptions{Data: filepath.Join(t.TempDir(), "demo"), HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", EmulatorAddr: "127.0.0.1:0"}
	for _, want := range [][]string{
		{" 194 rows were equal", "  12 rows stood only in the sheet", "  14 rows stood only in the database", "   8 rows differed and the database won",
			"  10 rows differed and the sheet won", "   0 rows could not"},
		{"An earlier run left a database here", "  14 rows stood only in the database", "   0 rows could not"},
	} {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		out, logs := &lockedBuffer{grew: make(chan struct{}, 1)}, &lockedBuffer{}
		done := make(chan error, 1)
		go func() { done <- server.Demo(ctx, options, out, logs) }()
		for ended := false; !ended && !strings.Contains(out.String(), "Ctrl-C"); {
			select {
			case <-out.grew:
			case err := <-done:
				done <- err
				ended = true
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Fatalf("the demo ended with %v\n%s\n%s", err, out, logs)
		}
		for _, line := range want {
			if !strings.Contains(out.String(), line) {
				t.Errorf("the report lacks %q:\n%s", line, out)
			}
		}
	}
}
