package server_test

import "testing"

// TestConsoleAgain signs in again in a browser with a token that allows less, and looks at what the console then shows and says.
func TestConsoleAgain(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			w := newFilms(t)
			w.script("again.mjs", size, "CONSOLE_TOKEN="+w.restart())
		})
	}
}
