package sheets_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

// Whatever people move at any moment, and whichever calls fail: in the end each row has the notes and colours that it had.
func TestNotesHostile(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { hostileNotes(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func hostileNotes(t *testing.T, random *rand.Rand) {
	w := newWorld(t, anime(), animeColumns)
	for row := 2; row <= 6; row++ {
		for column := 1; column <= 5; column++ {
			note := ""
			if random.IntN(2) == 0 {
				note = fmt.Sprintf("note %d %d", row, column)
			}
			w.decorate(row, column, note, []string{green, accent, black, ""}[random.IntN(4)])
		}
	}
	was := w.look()
	quiet := false
	act := func() {
		switch random.IntN(7) {
		case 0, 1, 2:
			w.edit(sortBy([]string{"ID", "Title", "Score"}[random.IntN(3)], random.IntN(2) == 0))
		case 3:
			w.edit(insertRows(2+random.IntN(6), 1))
		case 4:
			w.edit(insertColumn([]string{"A", "Title", "Notes", "Aired"}[random.IntN(4)], "New"))
		default:
			w.fault("*", []string{"before", "after", "drop", "dropAfter"}[random.IntN(4)], 503, 1)
		}
	}
	transport := meanwhile(func(*http.Request) {
		for !quiet && random.IntN(4) == 0 {
			quiet = true // the person's own calls
			act()
			quiet = false
		}
	})
	sleep := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL, HTTPClient: &http.Client{Transport: transport}, Sleep: sleep})
	if err != nil {
		t.Fatal(err)
	}
	w.tab = client.Open(w.link, animeColumns)
	columns := []string{"id", "title", "score", "aired"}
	var shown []tandem.Note
	for range 6 {
		var want []tandem.Note
		for key := 1; key <= 5; key++ {
			if random.IntN(2) == 0 {
				want = append(want, about(tandem.Key(fmt.Sprint(key)), columns[random.IntN(4)], fmt.Sprintf("message %d", random.IntN(9))))
			}
		}
		batch, next, err := w.tab.PrepareNotes(t.Context(), shown, want)
		if err != nil {
			continue
		}
		shown = stored(t, next)
		if err := w.tab.SendNotes(t.Context(), batch); err != nil {
			t.Log(err)
		}
	}
	quiet = true
	w.call("DELETE", "/emulator/faults", nil, nil)
	for range 4 {
		shown = w.notes(shown)
	}
	w.settled(shown)
	now := w.look()
	for cell, want := range was {
		if now[cell] != want {
			t.Errorf("%s was %q, is %q", cell, want, now[cell])
		}
	}
	for cell, have := range now {
		inherited := strings.HasPrefix(cell, "/") || strings.Contains(cell, "New")
		if _, there := was[cell]; !there && !inherited || strings.Contains(have, "Tandem") {
			t.Errorf("%s was nothing, is %q", cell, have)
		}
	}
}

// meanwhile does something before each call arrives.
type meanwhile func(*http.Request)

func (m meanwhile) RoundTrip(request *http.Request) (*http.Response, error) {
	m(request)
	return http.DefaultTransport.RoundTrip(request)
}
