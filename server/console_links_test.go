package server_test

import "testing"

// TestConsoleLinks makes links in the wizard, with all that can be wrong on the way, and changes one in its settings: choices,
// columns, rules, the Apps Script, and its end.
func TestConsoleLinks(t *testing.T) {
	for _, size := range []string{"phone", "desk"} {
		t.Run(size, func(t *testing.T) {
			inBrowser(t, "links.mjs", size, func() *world {
				w := newWorld(t, "--poll-interval", "1s", "--public-url", "https://tandem.example.com")
				fillShows(w)
				w.start()
				return w
			})
		})
	}
}
