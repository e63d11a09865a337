package server_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTypeScriptClient generates a client from the OpenAPI document with a stock generator, compiles it and a scenario as
// strictly as TypeScript can, and runs that against the running server. A machine without Node fails: see
// tools/test-deps.sh.
func TestTypeScriptClient(t *testing.T) {
	folder, err := filepath.Abs("../tools/openapi")
	if err != nil {
		t.Fatal(err)
	}
	run := func(command ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		step := exec.CommandContext(ctx, command[0], command[1:]...)
		step.Dir = folder
		if out, err := step.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
		}
	}
	run("npm", "run", "--silent", "generate")
	run("npm", "run", "--silent", "compile")

	w := newWorld(t, "--poll-interval", "500ms")
	w.exec("CREATE TABLE films (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(40), price DECIMAL(8,2), votes BIGINT, seen BOOLEAN, note TEXT)")
	var rows []string
	for i := 1; i <= 250; i++ {
		rows = append(rows, fmt.Sprintf("(%d, 'film %[1]d', 9.50, %[1]d, FALSE, NULL)", i))
	}
	w.exec("INSERT INTO films VALUES " + strings.Join(rows, ", "))
	w.addTab("Films")
	w.start()
	run("node", "generated/js/scenario.js", "http://"+w.httpAddr, w.google.URL, spreadsheet)
}

// addTab adds an empty tab to the spreadsheet, as another API client would.
func (w *world) addTab(title string) {
	w.t.Helper()
	w.emulator("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate",
		map[string]any{"requests": []map[string]any{{"addSheet": map[string]any{"properties": map[string]any{"title": title}}}}}, nil)
}
