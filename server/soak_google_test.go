package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// soakSheet is the id of the spreadsheet of both links.
const soakSheet = "soak-spreadsheet"

// soakGoogle stands between tandem and the emulator: it adds latency and faults, and lets a person look and edit without
// anything happening in between.
type soakGoogle struct {
	emulator *emulator.Emulator
	turn     sync.RWMutex // held by a person for a look and an edit, shared by calls
	late     sync.WaitGroup
	calm     atomic.Bool
	calls    atomic.Int64
	faults   atomic.Int64

	mu   sync.Mutex
	dice *rand.Rand
}

func newSoakGoogle(seed uint64) *soakGoogle {
	return &soakGoogle{emulator: emulator.New(emulator.Options{Seed: seed}), dice: rand.New(rand.NewPCG(seed, 2))}
}

func (g *soakGoogle) roll(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dice.IntN(n)
}

// soakWire is how one process reaches Google.
type soakWire struct {
	*soakGoogle
	kill func() // the process
}

// ServeHTTP passes a call on, or lets it go wrong: before or after it took effect, with and without an answer, with an effect
// that comes long after the caller was cut off, or with the caller killed just before or after a write took effect.
func (g *soakWire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.calls.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	fault := g.roll(1000)
	if g.calm.Load() {
		fault = 999
	} else if fault < 60 {
		g.faults.Add(1)
	}
	kill := !g.calm.Load() && r.Method != http.MethodGet && g.roll(100) < 3
	g.latency()
	switch {
	case kill && fault < 500:
		g.kill()
	case fault < 12:
		refuseCall(w, http.StatusServiceUnavailable, "UNAVAILABLE", "The service is currently unavailable.")
		return
	case fault < 20:
		refuseCall(w, http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Write requests'.")
		return
	case fault < 26:
		panic(http.ErrAbortHandler)
	case fault < 32:
		g.late.Go(func() {
			time.Sleep(time.Duration(500+g.roll(9000)) * time.Millisecond) // this is what is tried here
			g.apply(r, body)
		})
		panic(http.ErrAbortHandler)
	}
	answer := g.apply(r, body)
	if kill {
		g.kill()
		panic(http.ErrAbortHandler)
	}
	g.latency()
	switch {
	case fault < 44:
		refuseCall(w, http.StatusServiceUnavailable, "UNAVAILABLE", "The service is currently unavailable.")
		return
	case fault < 56:
		panic(http.ErrAbortHandler)
	case fault < 60:
		time.Sleep(time.Duration(500+g.roll(4000)) * time.Millisecond)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (g *soakGoogle) latency() { time.Sleep(time.Duration(2+g.roll(25)) * time.Millisecond) }

// apply lets the call take effect, whether or not its caller still lives.
func (g *soakGoogle) apply(r *http.Request, body []byte) *httptest.ResponseRecorder {
	request := r.Clone(context.WithoutCancel(r.Context()))
	request.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	g.turn.RLock()
	defer g.turn.RUnlock()
	g.emulator.ServeHTTP(answer, request)
	return answer
}

func refuseCall(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error": {"code": %d, "message": %q, "status": %q}}`, status, message, code)
}

// soakTab is a tab as a person sees it.
type soakTab struct {
	header []string
	rows   [][]string // below the header, each as long as the header
}

// look reads a tab past all faults.
func (g *soakGoogle) look(tab string) (soakTab, error) {
	var values struct{ Values [][]any }
	if err := g.ask("GET", "/values/"+url.PathEscape(tab)+"?valueRenderOption=UNFORMATTED_VALUE", nil, &values); err != nil {
		return soakTab{}, err
	}
	if len(values.Values) == 0 {
		return soakTab{}, fmt.Errorf("tab %q is empty, without its header even", tab)
	}
	seen := soakTab{}
	for i, line := range values.Values {
		texts := make([]string, max(len(seen.header), len(line)))
		for j, cell := range line {
			texts[j] = fmt.Sprint(cell)
			if n, ok := cell.(float64); ok {
				texts[j] = strconv.FormatFloat(n, 'f', -1, 64)
			}
		}
		if i == 0 {
			seen.header = texts
		} else {
			seen.rows = append(seen.rows, texts)
		}
	}
	return seen, nil
}

// makeRoom adds rows to the tab's grid, as its button below the last row does, unless it has so many.
func (g *soakGoogle) makeRoom(tab string, rows int) error {
	var answer struct {
		Sheets []struct {
			Properties struct {
				Title          string
				SheetID        int
				GridProperties struct{ RowCount int }
			}
		}
	}
	if err := g.ask("GET", "?fields=sheets.properties", nil, &answer); err != nil {
		return err
	}
	for _, sheet := range answer.Sheets {
		if sheet.Properties.Title == tab && sheet.Properties.GridProperties.RowCount < rows {
			more := map[string]any{"sheetId": sheet.Properties.SheetID, "dimension": "ROWS", "length": 100}
			return g.ask("POST", ":batchUpdate", map[string]any{"requests": []any{map[string]any{"appendDimension": more}}}, &answer)
		}
	}
	return nil
}

// ask makes a call of the Sheets API past all faults.
func (g *soakGoogle) ask(method, path string, body, into any) error {
	payload, err := jsonOf(body)
	if err != nil {
		return err
	}
	answer := httptest.NewRecorder()
	g.emulator.ServeHTTP(answer, httptest.NewRequest(method, "/v4/spreadsheets/"+soakSheet+path, bytes.NewReader(payload)))
	if answer.Code != http.StatusOK {
		return fmt.Errorf("%s %s: status %d: %s", method, path, answer.Code, answer.Body)
	}
	return json.Unmarshal(answer.Body.Bytes(), into)
}

// column is the index of a header, -1 when there is none.
func (t *soakTab) column(header string) int {
	for i, name := range t.header {
		if name == header {
			return i
		}
	}
	return -1
}

// cell returns what stands under a header in a row, by its index in rows.
func (t *soakTab) cell(row int, header string) string {
	if at := t.column(header); at >= 0 && at < len(t.rows[row]) {
		return t.rows[row][at]
	}
	return ""
}

// find returns the index of the row that holds value under header, -1 when there is none.
func (t *soakTab) find(header, value string) int {
	for i := range t.rows {
		if t.cell(i, header) == value {
			return i
		}
	}
	return -1
}

// a1 is the address of a cell by its row's index in rows.
func (t *soakTab) a1(row int, header string) string {
	return fmt.Sprintf("%s%d", letter(t.column(header)), row+2)
}

func letter(column int) string { return string(rune('A' + column)) }

func blank(cells []string) bool { return strings.Join(cells, "") == "" }
