package server_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tandem runs the program and returns what it printed.
func (w *world) tandem(args ...string) (stdout, stderr string, err error) {
	w.t.Helper()
	path, err := program()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "TANDEM_DATABASE_URL="+w.dbURL)
	var out, notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &notes
	err = cmd.Run()
	return out.String(), notes.String(), err
}

// bearerCall is a GET with a token, and returns its status.
func (w *world) bearerCall(path, secret string) int {
	w.t.Helper()
	request, err := http.NewRequest("GET", "http://"+w.httpAddr+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if secret != "" {
		request.Header.Set("Authorization", "Bearer "+secret)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// The way of README: a token is made in the database, and the server lets in whoever has it until it is deleted there.
func TestTokenCommand(t *testing.T) {
	w := newWorld(t, "--auth", "token")
	w.start()
	if status := w.bearerCall("/v1/links", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: status %d", status)
	}
	secret, notes, err := w.tandem("token", "create", "--role", "admin", "--name", "ops", "--expires", "24h")
	if err != nil || !regexp.MustCompile(`^tdm_[a-z0-9]{12}_[0-9A-Za-z]{49}\n$`).MatchString(secret) || strings.Contains(notes, strings.TrimSpace(secret)) {
		t.Fatalf("token create printed %q and %q, %v", secret, notes, err)
	}
	secret = strings.TrimSpace(secret)
	if status := w.bearerCall("/v1/links", secret); status != http.StatusOK {
		t.Errorf("with a token: status %d", status)
	}
	id := secret[4:16]
	if list, _, err := w.tandem("token", "list"); err != nil || !strings.Contains(list, id) || !strings.Contains(list, "ops") || strings.Contains(list, secret) || !strings.Contains(list, "ADMIN") {
		t.Errorf("token list printed %s, %v", list, err)
	}
	for _, args := range [][]string{{"--role", "owner", "--name", "n"}, {"--name", "n"}, {"--role", "viewer"}, {"--role", "viewer", "--name", "n", "--link", "nowhere"},
		{"--role", "viewer", "--name", "two\nlines"}, {"--role", "viewer", "--name", "n", "--expires", "-1h"}} {
		if out, notes, err := w.tandem(append([]string{"token", "create"}, args...)...); err == nil || out != "" || notes == "" {
			t.Errorf("token create %q printed %q, %q", args, out, notes)
		}
	}
	if _, notes, err := w.tandem("token", "delete", id); err != nil {
		t.Fatalf("token delete: %v: %s", err, notes)
	}
	w.eventually(20*time.Second, func() string {
		if status := w.bearerCall("/v1/links", secret); status != http.StatusUnauthorized {
			return "the token is still taken"
		}
		return ""
	})
	if _, notes, err := w.tandem("token", "delete", id); err == nil || !strings.Contains(notes, "there is no token") {
		t.Errorf("deleted twice: %v: %s", err, notes)
	}
}
