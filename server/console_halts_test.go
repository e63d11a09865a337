package server_test

import "testing"

// TestConsoleHalts has a link halt for each of the reasons there are, reads what the console says of it, and answers by each button
// that it has.
func TestConsoleHalts(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			inBrowser(t, "halts.mjs", size, func() *world {
				w := newWorld(t, "--poll-interval", "1s")
				w.start()
				fillPlants(w, 40)
				return w
			})
		})
	}
}
