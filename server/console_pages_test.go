package server_test

import "testing"

// TestConsolePages has more rows, conflicts, row errors and changes than the console shows at once, and goes to the last of each.
func TestConsolePages(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			inBrowser(t, "pages.mjs", size, func() *world {
				w := newWorld(t, "--poll-interval", "1s")
				w.start()
				fillPlants(w, 260)
				return w
			})
		})
	}
}
