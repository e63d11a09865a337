package emulator

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// hook is what an installed Apps Script would do: call a URL after a person's edit. Calls of the API fire none.
type hook struct {
	URL    string `json:"url"`
	Secret string `json:"secret"`
}

// SetHook installs the edit hook of a spreadsheet; an empty URL removes it.
func (e *Emulator) SetHook(spreadsheetID, url, secret string) error {
	d := e.document(spreadsheetID)
	if d == nil {
		return notFound()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hook = hook{URL: url, Secret: secret}
	return nil
}

// fire sends the hook for the rows that a person touched, numbered from 1. Structural edits name no rows, for
// onChange of Apps Script gets no range.
func (e *Emulator) fire(h hook, rows []int) {
	if h.URL == "" {
		return
	}
	now := e.now()
	notice := map[string]any{"at": now.UTC().Format(time.RFC3339Nano), "user": "person@example.com"}
	if len(rows) > 0 {
		slices.Sort(rows)
		notice["rows"] = slices.Compact(rows)
	}
	body, err := json.Marshal(notice)
	if err != nil {
		return
	}
	r, err := http.NewRequest(http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(h.Secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Tandem-Timestamp", stamp)
	r.Header.Set("X-Tandem-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	e.deliver(r)
}

// deliver sends without making the caller wait. Like Google it does not care what is answered, or whether.
func (e *Emulator) deliver(r *http.Request) {
	if e.options.Deliver != nil {
		e.options.Deliver(r)
		return
	}
	e.background.Add(1)
	go func() {
		defer e.background.Done()
		response, err := e.options.Client.Do(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}()
}
