package server_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestTypingInTheSheet types a row into the emulator's page in a real browser and sees it arrive in the database.
func TestTypingInTheSheet(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if path := os.Getenv("CHROMIUM"); path != "" {
		browser, err = path, nil
	}
	if err != nil {
		t.Fatal("no browser: run make test, which installs chromium, or set CHROMIUM to its path")
	}
	w := newWorld(t, "--poll-interval", "1s")
	fill(w, 0.002)
	w.start()
	createItemsLink(w)
	w.sync("items", nil)

	row := fmt.Sprint(len(w.cells("Data")) + 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "node", "typing.mjs", w.google.URL, browser, spreadsheet, "0", row, "777", "00042", "Typed by hand", "7")
	command.Dir = filepath.Join("..", "sheets", "emulator", "testdata", "node")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("typing in the browser (make test installs what it needs): %v\n%s", err, out)
	}
	w.eventually(15*time.Second, func() string {
		var sku, title string
		var qty int
		if err := w.db.QueryRow("SELECT sku, title, qty FROM items WHERE id = 777").Scan(&sku, &title, &qty); err != nil {
			return "the typed row is not in the table: " + err.Error()
		}
		if sku != "00042" || title != "Typed by hand" || qty != 7 {
			return fmt.Sprintf("the typed row became %q, %q, %d", sku, title, qty)
		}
		return ""
	})
}
