package sheets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

// mortal is a process that dies at one of its writes: before it arrives, or right after it took effect. What a person does
// just before each write arrives is given by its number.
type mortal struct {
	base   http.RoundTripper
	before map[int]func()
	dies   int // at this write
	lands  bool
	late   *http.Request // the write that had not arrived
	writes int
	dead   bool
	end    context.CancelFunc
}

var errDead = errors.New("the process is dead")

func (m *mortal) RoundTrip(request *http.Request) (*http.Response, error) {
	if m.dead {
		return nil, errDead
	}
	if request.Method != http.MethodPost || !strings.HasSuffix(request.URL.Path, ":batchUpdate") {
		return m.base.RoundTrip(request)
	}
	m.writes++
	if act := m.before[m.writes]; act != nil {
		act()
	}
	if m.dead = m.writes == m.dies; !m.dead {
		return m.base.RoundTrip(request)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	defer m.end()
	m.late = request.Clone(context.WithoutCancel(request.Context()))
	m.late.Body = io.NopCloser(bytes.NewReader(body))
	if m.lands {
		response, err := m.base.RoundTrip(m.late)
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close()
	}
	return nil, errDead
}

// A write goes astray because somebody sorts, the repair goes astray too, and the process dies then. The next one knows of the
// repair, takes back what it did, and sees to it that one that had not arrived never does.
func TestRepairThatDies(t *testing.T) {
	for name, lands := range map[string]bool{"after the repair landed": true, "before the repair arrived": false} {
		for _, dies := range []int{2, 3, 4} {
			t.Run(fmt.Sprint(name, " ", dies), func(t *testing.T) {
				w := newWorld(t, anime(), animeColumns)
				if err := w.tab.Setup(t.Context()); err != nil {
					t.Fatal(err)
				}
				sorts := map[int]func(){}
				for n := 1; n <= dies; n++ {
					sorts[n] = func() { w.edit(sortBy("Title", n%2 == 1)) }
				}
				life, end := context.WithCancel(t.Context())
				m := &mortal{base: http.DefaultTransport, before: sorts, dies: dies, lands: lands, end: end}
				first, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL, HTTPClient: &http.Client{Transport: m}})
				if err != nil {
					t.Fatal(err)
				}
				tab := first.Open(w.link, animeColumns).Journaled()
				batch, _, err := tab.Prepare(t.Context(), "op-1", []tandem.Change{w.update("1", 1, text("Akira!")), w.update("4", 2, text("1.00"))})
				if err != nil {
					t.Fatal(err)
				}
				journal := batch
				ctx := tandem.WithRecord(life, func(_ context.Context, stored []byte) error { journal = stored; return nil })
				if _, err := tab.Send(ctx, batch); err == nil || !m.dead {
					t.Fatalf("the process lives: %v", err)
				}
				var stored struct{ Repairs []json.RawMessage }
				if err := json.Unmarshal(journal, &stored); err != nil || len(stored.Repairs) != dies-1 {
					t.Fatalf("%d repairs are stored, %v", len(stored.Repairs), err)
				}
				w.edit(sortBy("ID", false))
				second := w.newClient().Open(w.link, animeColumns).Journaled()
				applied, took, err := second.Settle(tandem.WithRecord(t.Context(), func(context.Context, []byte) error { return nil }), journal)
				if err != nil || !took {
					t.Fatalf("settle: took %t, %v", took, err)
				}
				if m.late != nil && !lands {
					response, err := http.DefaultTransport.RoundTrip(m.late)
					if err != nil {
						t.Fatal(err)
					}
					if _ = response.Body.Close(); response.StatusCode < 300 {
						t.Error("the late repair took effect")
					}
				}
				for i := range applied {
					if applied[i].Outcome != tandem.Moved {
						t.Errorf("change %d: %v", i, applied[i].Outcome)
					}
				}
				for key, want := range map[tandem.Key][2]string{"1": {"Akira", "8.50"}, "2": {"Mononoke", "8.75"}, "3": {"Paprika", "7.50"},
					"4": {"Totoro", "9.00"}, "5": {"Ponyo", "7.25"}} {
					if row := w.row(key); row == nil || row.Values[1].Text() != want[0] || row.Values[2].Text() != want[1] {
						t.Errorf("row %s reads %v, want %v", key, row, want)
					}
				}
			})
		}
	}
}
