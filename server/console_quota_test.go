package server_test

import "testing"

// TestConsoleQuota uses up a small budget of calls, has Google turn calls down, and sees what the console says meanwhile and
// afterwards.
func TestConsoleQuota(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			inBrowser(t, "quota.mjs", size, func() *world {
				w := newWorld(t, "--poll-interval", "1h", "--quota-user-reads", "20", "--quota-user-writes", "8")
				w.start()
				fillPlants(w, 40)
				return w
			})
		})
	}
}
