package server_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/server"
)

// An address of a database that cannot work is answered by what is wrong with it, by whichever command it was given to, and not by
// what a driver makes of it.
func TestDatabaseAddress(t *testing.T) {
	for name, c := range map[string]struct{ address, want string }{
		"no such folder":           {"sqlite:" + filepath.Join(t.TempDir(), "none", "t.db"), "make the folder first"},
		"password with / and @":    {"mysql://tandem:se:c@ret/1@127.0.0.1:1/shop", "%2F"},
		"another kind of database": {"postgres://tandem@127.0.0.1/shop", `not "postgres:"`},
	} {
		t.Run(name, func(t *testing.T) {
			config := server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: c.address, SheetsEndpoint: "http://127.0.0.1:1/", Auth: server.AuthNone}
			var said bytes.Buffer
			for command, err := range map[string]error{
				"serve":      server.Serve(t.Context(), config, &said),
				"token list": server.ListTokens(t.Context(), config, &said),
				"uninstall":  server.Uninstall(t.Context(), config, server.UninstallOptions{}, &said),
			} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want an error with %q", command, err, c.want)
				}
			}
		})
	}
	config := server.Config{DatabaseURL: "sqlite:t.db", HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", Auth: "unknown"}
	if err := server.Serve(t.Context(), config, os.Stderr); err == nil || !strings.Contains(err.Error(), `"unknown"`) {
		t.Errorf("with a good address: %v", err)
	}
}

// Where another program listens already, the error names the flag that gives another address.
func TestPortTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	busy := listener.Addr().String()
	for flag, config := range map[string]server.Config{
		"--http-addr": {HTTPAddr: busy, GRPCAddr: "127.0.0.1:0"},
		"--grpc-addr": {HTTPAddr: "127.0.0.1:0", GRPCAddr: busy},
	} {
		config.DatabaseURL, config.SheetsEndpoint, config.Auth = "sqlite:"+filepath.Join(t.TempDir(), "t.db"), "http://127.0.0.1:1/", server.AuthNone
		var said bytes.Buffer
		if err := server.Serve(t.Context(), config, &said); err == nil || !strings.Contains(err.Error(), "another address with "+flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
