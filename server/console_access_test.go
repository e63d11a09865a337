package server_test

import (
	"strings"
	"testing"
)

// restart starts tandem anew so that it asks everybody for a token, and returns one of an admin.
func (w *world) restart() (secret string) {
	w.t.Helper()
	w.kill()
	w.flags = append(w.flags, "--auth", "token")
	w.start()
	secret, notes, err := w.tandem("token", "create", "--role", "admin", "--name", "ops")
	if err != nil {
		w.t.Fatalf("token create: %v: %s", err, notes)
	}
	return strings.TrimSpace(secret)
}

// TestConsoleAccess signs in with tokens, makes and revokes them, and sees what becomes of who uses them.
func TestConsoleAccess(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			w := newFilms(t)
			w.script("access.mjs", size, "CONSOLE_TOKEN="+w.restart())
		})
	}
}

// TestConsoleAllowed looks at every page with a token of each role, and tries what is offered there as that token: nothing that is
// shown may be refused, and nothing that is allowed be hidden.
func TestConsoleAllowed(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			w := newFilms(t, "--public-url", "https://tandem.example.com")
			w.exec("CREATE TABLE others (id INT PRIMARY KEY, title VARCHAR(20)); INSERT INTO others VALUES (1, 'Other')")
			w.do("POST", "/v1/links?link_id=others", map[string]any{"table": "others", "spreadsheetId": spreadsheet, "tab": "Others", "createTab": true})
			w.sync("others", nil)
			w.script("allowed.mjs", size, "CONSOLE_TOKEN="+w.restart())
		})
	}
}
