package server_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-sync/tandem/server"
)

// A link is woken at once, and a stream of wakings has it woken again when it ends, however many they were.
func TestWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		woken := map[string]int{}
		wake := server.Wakes(func(link string) { mu.Lock(); woken[link]++; mu.Unlock() })
		count := func(link string) int { mu.Lock(); defer mu.Unlock(); return woken[link] }
		wake("a")
		if count("a") != 1 {
			t.Errorf("woken %d times by the first", count("a"))
		}
		for range 100 {
			wake("a")
		}
		wake("b")
		if count("a") != 1 || count("b") != 1 {
			t.Errorf("a woken %d times and b %d, want once each", count("a"), count("b"))
		}
		time.Sleep(time.Second)
		if count("a") != 2 || count("b") != 1 {
			t.Errorf("in the end a was woken %d times and b %d, want 2 and 1", count("a"), count("b"))
		}
		wake("a")
		if count("a") != 3 {
			t.Error("a link at rest is not woken at once")
		}
		time.Sleep(time.Second)
	})
}

// Lines of the log come in their order: those of calls soon, warnings at once.
func TestLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var out bytes.Buffer
		log := server.LineLogger(writerFunc(func(p []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return out.Write(p) }))
		lines := func() int { mu.Lock(); defer mu.Unlock(); return strings.Count(out.String(), "\n") }
		log.Info("one")
		log.Info("two")
		if lines() != 0 {
			t.Error("a line did not wait")
		}
		time.Sleep(time.Second)
		if lines() != 2 {
			t.Errorf("%d lines after a second, want 2", lines())
		}
		log.With("a", 1).Info("three")
		log.WithGroup("g").Warn("four")
		if lines() != 4 {
			t.Errorf("%d lines after a warning, want 4", lines())
		}
		for range 1000 {
			log.Info(strings.Repeat("x", 100))
		}
		if lines() < 500 {
			t.Errorf("%d lines written while many came: they are kept in memory", lines())
		}
		time.Sleep(time.Second)
		text := out.String()
		if lines() != 1004 || strings.Index(text, "one") > strings.Index(text, "two") || strings.Index(text, "three") > strings.Index(text, "four") {
			t.Errorf("%d lines, or not in their order", lines())
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
