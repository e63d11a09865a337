package emulator_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// bench is an emulator in process with a clock that stands until it is moved, and a sheet "S" of three rows.
type bench struct {
	*emulator.Emulator
	t      *testing.T
	now    time.Time
	slept  time.Duration
	hooked []*http.Request
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)}
	b.Emulator = emulator.New(emulator.Options{Seed: 1, Now: func() time.Time { return b.now },
		Sleep:   func(_ context.Context, d time.Duration) { b.slept += d },
		Deliver: func(r *http.Request) { b.hooked = append(b.hooked, r) }})
	if _, err := b.Create(emulator.Spreadsheet{ID: "s", Title: "Bench", Tabs: []emulator.Tab{{Title: "S", Rows: [][]any{
		{"id", "name", "score"}, {1, "c", 5}, {2, "a", 7}, {3, "b", 6}}}}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func (b *bench) call(ctx context.Context, method, path, body string) (int, map[string]any, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://emulator"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: b.Transport()}).Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var out map[string]any
	raw, _ := io.ReadAll(answer.Body)
	_ = json.Unmarshal(raw, &out)
	return answer.StatusCode, out, nil
}

func (b *bench) must(method, path, body string) map[string]any {
	b.t.Helper()
	code, out, err := b.call(context.Background(), method, path, body)
	if err != nil || code >= 300 {
		b.t.Fatalf("%s %s: %d %v %v", method, path, code, out, err)
	}
	return out
}

func (b *bench) rows(a1 string) string {
	b.t.Helper()
	return fmt.Sprint(b.must("GET", "/v4/spreadsheets/s/values/"+a1, "")["values"])
}

func (b *bench) expect(a1, want string) {
	b.t.Helper()
	if got := b.rows(a1); got != want {
		b.t.Errorf("%s: want %s, got %s", a1, want, got)
	}
}

func TestQuotaIsPerMinuteAndUser(t *testing.T) {
	b := newBench(t)
	b.must("PUT", "/emulator/settings", `{"readsPerMinutePerUser":2,"writesPerMinutePerUser":1}`)
	b.rows("A1")
	b.rows("A1")
	code, out, _ := b.call(context.Background(), "GET", "/v4/spreadsheets/s/values/A1", "")
	if code != http.StatusTooManyRequests {
		t.Fatalf("the third read got %d", code)
	}
	e := out["error"].(map[string]any)
	want := "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user' of service 'sheets.googleapis.com' for consumer 'project_number:123456789012'."
	if e["message"] != want || e["status"] != "RESOURCE_EXHAUSTED" {
		t.Errorf("got %v", e)
	}
	b.must("POST", "/v4/spreadsheets/s/values/A9:clear", "{}") // writes have a quota of their own
	b.now = b.now.Add(time.Minute)
	b.rows("A1")
	if s := b.Stats(); s.Rejected != 1 || s.Reads != 3 || s.Writes != 1 {
		t.Errorf("stats: %+v", s)
	}
}

func TestLatencySleepsThroughTheInjectedClock(t *testing.T) {
	b := newBench(t)
	b.Configure(emulator.Settings{LatencyMs: 150, LatencyJitterMs: 50})
	b.rows("A1")
	if b.slept < 100*time.Millisecond || b.slept > 200*time.Millisecond {
		t.Errorf("slept %v", b.slept)
	}
}

func TestFaults(t *testing.T) {
	write := func(b *bench, v string) (int, error) {
		code, _, err := b.call(context.Background(), "PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=RAW", `{"values":[["`+v+`"]]}`)
		return code, err
	}
	for _, test := range []struct {
		kind   string
		status int
		broken bool
		holds  string
	}{
		{"before", 503, false, "[[id]]"}, {"after", 503, false, "[[new]]"}, {"drop", 0, true, "[[id]]"}, {"dropAfter", 0, true, "[[new]]"},
	} {
		t.Run(test.kind, func(t *testing.T) {
			b := newBench(t)
			b.must("POST", "/emulator/faults", `{"method":"spreadsheets.values.update","kind":"`+test.kind+`","count":1}`)
			code, err := write(b, "new")
			if test.broken != (err != nil) || code != test.status {
				t.Errorf("got %d, %v", code, err)
			}
			b.expect("A1", test.holds)
			if code, _ := write(b, "later"); code != http.StatusOK {
				t.Errorf("the fault went on: %d", code)
			}
		})
	}
	t.Run("hang", func(t *testing.T) {
		b := newBench(t)
		b.must("POST", "/emulator/faults", `{"method":"*","kind":"hang","count":1}`)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if _, _, err := b.call(ctx, "PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=RAW", `{"values":[["new"]]}`); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		b.expect("A1", "[[new]]")
	})
	t.Run("misspelt", func(t *testing.T) {
		b := newBench(t)
		for _, body := range []string{`{"method":"spreadsheets.nothing","kind":"before"}`, `{"method":"*","kind":"sometimes"}`, `{"methud":"*"}`} {
			if code, _, _ := b.call(context.Background(), "POST", "/emulator/faults", body); code != http.StatusBadRequest {
				t.Errorf("%s: %d", body, code)
			}
		}
	})
}

func TestEditsAndUndo(t *testing.T) {
	b := newBench(t)
	edit := func(edits string) {
		t.Helper()
		b.must("POST", "/emulator/spreadsheets/s/edits", `{"edits":[`+edits+`]}`)
	}
	const all = "A1:E6"
	start := b.rows(all)
	for _, test := range []struct{ edit, want string }{
		{`{"setCell":{"sheet":"S","a1":"B2","input":"=A2+1"}}`, "[[id name score] [1 2 5] [2 a 7] [3 b 6]]"},
		{`{"paste":{"sheet":"S","a1":"B3","values":[["x","50%"],["1/2/2020"]]}}`, "[[id name score] [1 c 5] [2 x 50%] [3 1/2/2020 6]]"},
		{`{"clear":{"sheet":"S","a1":"A2:B3"}}`, "[[id name score] [  5] [  7] [3 b 6]]"},
		{`{"insertRows":{"sheet":"S","start":3,"count":1}}`, "[[id name score] [1 c 5] [] [2 a 7] [3 b 6]]"},
		{`{"deleteRows":{"sheet":"S","start":2,"count":2}}`, "[[id name score] [3 b 6]]"},
		{`{"moveRows":{"sheet":"S","start":2,"count":1,"before":5}}`, "[[id name score] [2 a 7] [3 b 6] [1 c 5]]"},
		{`{"sort":{"sheet":"S","column":"score","descending":true}}`, "[[id name score] [2 a 7] [3 b 6] [1 c 5]]"},
		{`{"insertColumn":{"sheet":"S","before":"B","header":"Notes"}}`, "[[id Notes name score] [1  c 5] [2  a 7] [3  b 6]]"},
		{`{"deleteColumn":{"sheet":"S","column":"name"}}`, "[[id score] [1 5] [2 7] [3 6]]"},
	} {
		edit(test.edit)
		b.expect(all, test.want)
		edit(`{"undo":{}}`)
		b.expect(all, start)
	}
	edit(`{"renameSheet":{"sheet":"S","title":"T"}}`)
	b.expect("T!A1", "[[id]]")
	if code, out, _ := b.call(context.Background(), "POST", "/emulator/spreadsheets/s/edits", `{"edits":[{"setCell":{"sheet":"S","a1":"A1","input":"x"}}]}`); code != 400 {
		t.Errorf("an unknown tab: %d %v", code, out)
	}
}

func TestUndoGoesBackStepByStep(t *testing.T) {
	b := newBench(t)
	const all = "A1:E9"
	states := []string{b.rows(all)}
	for _, edit := range []string{
		`{"setCell":{"sheet":"S","a1":"B2","input":"first"}}`, `{"deleteRows":{"sheet":"S","start":3,"count":1}}`,
		`{"insertColumn":{"sheet":"S","before":"A","header":"New"}}`, `{"sort":{"sheet":"S","column":"score","descending":true}}`,
		`{"setCell":{"sheet":"S","a1":"C2","input":"last"}}`,
	} {
		b.must("POST", "/emulator/spreadsheets/s/edits", `{"edits":[`+edit+`]}`)
		states = append(states, b.rows(all))
	}
	for i := len(states) - 2; i >= 0; i-- {
		b.must("POST", "/emulator/spreadsheets/s/edits", `{"edits":[{"undo":{}}]}`)
		b.expect(all, states[i])
	}
	if code, _, _ := b.call(context.Background(), "POST", "/emulator/spreadsheets/s/edits", `{"edits":[{"undo":{}}]}`); code != http.StatusBadRequest {
		t.Errorf("an undo with nothing left: %d", code)
	}
}

// An undo takes back the person's edit only: what the API wrote since stays, and rows may have moved.
func TestUndoKeepsWhatOthersWrote(t *testing.T) {
	b := newBench(t)
	b.must("POST", "/emulator/spreadsheets/s/edits", `{"edits":[{"setCell":{"sheet":"S","a1":"B3","input":"mine"}}]}`)
	b.must("PUT", "/v4/spreadsheets/s/values/C3?valueInputOption=RAW", `{"values":[["theirs"]]}`)
	b.must("POST", "/v4/spreadsheets/s:batchUpdate", `{"requests":[{"insertDimension":{"range":{"dimension":"ROWS","startIndex":1,"endIndex":2}}}]}`)
	b.must("POST", "/emulator/spreadsheets/s/edits", `{"edits":[{"undo":{}}]}`)
	b.expect("A3:C4", "[[1 c 5] [2 a theirs]]")
}

func TestHookFiresForPeopleOnly(t *testing.T) {
	b := newBench(t)
	b.must("PUT", "/emulator/spreadsheets/s/hook", `{"url":"http://tandem/hooks/sheets/s","secret":"hush"}`)
	b.must("PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=RAW", `{"values":[["x"]]}`)
	if len(b.hooked) != 0 {
		t.Fatal("a call of the API fired the hook")
	}
	b.must("POST", "/emulator/spreadsheets/s/edits", `{"edits":[{"paste":{"sheet":"S","a1":"A2","values":[["1"],["2"]]}},{"deleteRows":{"sheet":"S","start":4,"count":1}}]}`)
	if len(b.hooked) != 2 {
		t.Fatalf("fired %d times", len(b.hooked))
	}
	body, _ := io.ReadAll(b.hooked[0].Body)
	stamp := b.hooked[0].Header.Get("X-Tandem-Timestamp")
	mac := hmac.New(sha256.New, []byte("hush"))
	mac.Write([]byte(stamp + "." + string(body)))
	if got, want := b.hooked[0].Header.Get("X-Tandem-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want || stamp != "1795244400" {
		t.Errorf("signature %s at %s, want %s", got, stamp, want)
	}
	var notice struct {
		Rows []int `json:"rows"`
	}
	if err := json.Unmarshal(body, &notice); err != nil || !cmp.Equal(notice.Rows, []int{2, 3}) {
		t.Errorf("%s: %v", body, err)
	}
}

func TestUnsupportedIsRefusedByName(t *testing.T) {
	b := newBench(t)
	for _, c := range [][3]string{
		{"POST", "/v4/spreadsheets/s:batchUpdate", `{"requests":[{"addChart":{"chart":{}}}]}`},
		{"GET", "/v4/spreadsheets/s/charts", ""},
		{"GET", "/drive/v3/about", ""},
		{"GET", "/drive/v3/files/s/export?mimeType=application/pdf", ""},
	} {
		code, out, _ := b.call(context.Background(), c[0], c[1], c[2])
		if code != http.StatusNotImplemented || !strings.Contains(fmt.Sprint(out), "not supported by the emulator") {
			t.Errorf("%s %s: %d %v", c[0], c[1], code, out)
		}
	}
	b.expect("A1", "[[id]]")
}

// Calls of many clients at once: for the race detector, and no write is lost.
func TestConcurrentCalls(t *testing.T) {
	e := emulator.New(emulator.Options{Seed: 1})
	defer e.Close()
	if _, err := e.Create(emulator.Spreadsheet{ID: "s"}); err != nil {
		t.Fatal(err)
	}
	b := &bench{Emulator: e, t: t}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 20 {
				_, _, _ = b.call(context.Background(), "POST", "/v4/spreadsheets/s/values/A1:append?valueInputOption=RAW", fmt.Sprintf(`{"values":[[%d]]}`, i*100+j))
				_, _, _ = b.call(context.Background(), "GET", "/v4/spreadsheets/s?includeGridData=true", "")
				_ = e.Edit("s", emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Sheet1", A1: "D1", Input: fmt.Sprint("=COUNT(A:A)+", j)}})
				_, _, _ = b.call(context.Background(), "GET", "/drive/v3/changes?pageToken=1", "")
			}
		})
	}
	all.Wait()
	if got := b.must("GET", "/v4/spreadsheets/s/values/A1:A1000", "")["values"].([]any); len(got) != 160 {
		t.Errorf("%d of 160 appended rows are there", len(got))
	}
}
