package server_test

import (
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/server"
)

func readConfig(t *testing.T, file string, args, environ []string) (server.Config, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "tandem.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"--config", path}, args...)
	}
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	settings := server.Flags(fs)
	if err := fs.Parse(args); err != nil {
		return server.Config{}, err
	}
	return settings.Config(environ)
}

func TestConfigPrecedence(t *testing.T) {
	file := "http-addr: 127.0.0.1:1\ngrpc-addr: 127.0.0.1:2\npoll-interval: 3s\n"
	environ := []string{"TANDEM_GRPC_ADDR=127.0.0.1:20", "TANDEM_POLL_INTERVAL=30s", "HOME=/", "TANDEM_TEST_ANYTHING=1"}
	config, err := readConfig(t, file, []string{"--poll-interval", "300s", "--log-level", "debug"}, environ)
	if err != nil {
		t.Fatal(err)
	}
	want := server.Config{HTTPAddr: "127.0.0.1:1", GRPCAddr: "127.0.0.1:20", Auth: "token", MetricsAuth: "token", RequestsPerSecond: 100, MaxRequestBytes: 16 << 20,
		MaxStreamsPerToken: 1000, MaxStreams: 10000, Capture: "triggers", PollInterval: 300 * time.Second, DriveInterval: 2 * time.Second,
		HistoryRetention: 90 * 24 * time.Hour, LogLevel: slog.LevelDebug}
	if config != want {
		t.Errorf("got %+v, want %+v", config, want)
	}
}

func TestConfigDefaults(t *testing.T) {
	config, err := readConfig(t, "", nil, nil)
	want := server.Config{HTTPAddr: "127.0.0.1:8080", GRPCAddr: "127.0.0.1:9090", Auth: "token", MetricsAuth: "token", RequestsPerSecond: 100, MaxRequestBytes: 16 << 20,
		MaxStreamsPerToken: 1000, MaxStreams: 10000, Capture: "triggers", PollInterval: 5 * time.Second, DriveInterval: 2 * time.Second, HistoryRetention: 90 * 24 * time.Hour}
	if err != nil || config != want {
		t.Errorf("got %+v, %v; want %+v", config, err, want)
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file          string
		args, environ []string
		want          string
	}{
		"unknown key":          {file: "htp-addr: 127.0.0.1:1\n", want: `unknown key "htp-addr"`},
		"unknown variable":     {environ: []string{"TANDEM_HTP_ADDR=x"}, want: "TANDEM_HTP_ADDR"},
		"unknown flag":         {args: []string{"--htp-addr", "x"}, want: "htp-addr"},
		"list for a value":     {file: "auth: [none]\n", want: "auth must be a single value"},
		"bad duration":         {environ: []string{"TANDEM_POLL_INTERVAL=soon"}, want: "poll-interval (from TANDEM_POLL_INTERVAL)"},
		"too often":            {args: []string{"--drive-interval", "1ms"}, want: "at least 100ms"},
		"no duration":          {args: []string{"--poll-interval", "0s"}, want: "longer than 0"},
		"short history":        {args: []string{"--history-retention", "1h"}, want: "at least 2h"},
		"bad address":          {file: "http-addr: nowhere\n", want: "HOST:PORT"},
		"unknown auth":         {args: []string{"--auth", "magic"}, want: `"magic" is not one of token, none`},
		"origin with a path":   {args: []string{"--cors-origins", "https://a.example,https://b.example/"}, want: `"https://b.example/" is not an origin`},
		"any origin":           {args: []string{"--cors-origins", "*"}, want: "no wildcard"},
		"origins of a domain":  {args: []string{"--cors-origins", "https://*.example.com"}, want: "no wildcard"},
		"negative rate":        {args: []string{"--requests-per-second", "-1"}, want: "from 0 to"},
		"tiny requests":        {args: []string{"--max-request-bytes", "10"}, want: "at least 1024"},
		"file that is missing": {args: []string{"--config", "/nowhere/tandem.yaml"}, want: "/nowhere/tandem.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig(t, c.file, c.args, c.environ)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestAuthNoneNeedsLoopback(t *testing.T) {
	for name, c := range map[string]struct{ http, grpc, auth, want string }{
		"all addresses":  {"0.0.0.0:0", "127.0.0.1:0", "none", "http-addr 0.0.0.0:0 can be reached from other machines"},
		"no host":        {"127.0.0.1:0", ":0", "none", "grpc-addr :0 can be reached"},
		"a name":         {"example.com:80", "127.0.0.1:0", "none", "can be reached"},
		"auth not given": {"127.0.0.1:0", "127.0.0.1:0", "", "--auth token"},
		"unknown auth":   {"127.0.0.1:0", "127.0.0.1:0", "magic", `"magic"`},
	} {
		t.Run(name, func(t *testing.T) {
			config := server.Config{HTTPAddr: c.http, GRPCAddr: c.grpc, Auth: c.auth, DatabaseURL: "sqlite:" + filepath.Join(t.TempDir(), "t.db"),
				SheetsEndpoint: "http://127.0.0.1:1/", PollInterval: time.Second}
			_, err := server.New(t.Context(), config, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
