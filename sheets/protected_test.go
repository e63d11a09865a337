package sheets_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

// guardian refuses batches that write to one row, as Google does for a protected range.
type guardian struct {
	sheet, row int64
	refusals   int
}

func (g *guardian) RoundTrip(request *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(request.URL.Path, ":batchUpdate") {
		return http.DefaultTransport.RoundTrip(request)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	var batch struct {
		Requests []struct {
			UpdateCells *struct {
				Start struct{ SheetID, RowIndex int64 }
				Range any
				Rows  []any
			}
		}
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	for i, r := range batch.Requests {
		u := r.UpdateCells
		if u != nil && u.Range == nil && u.Start.SheetID == g.sheet && u.Start.RowIndex <= g.row && g.row < u.Start.RowIndex+int64(len(u.Rows)) {
			g.refusals++
			answer := fmt.Sprintf(`{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"Invalid requests[%d].updateCells: You are trying to edit a protected cell or object."}}`, i)
			return &http.Response{StatusCode: 400, Status: "400 Bad Request", Proto: "HTTP/1.1", Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader(answer)), Request: request}, nil
		}
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(request)
}

// A protected cell is that row's error; the rest of the batch is written.
func TestProtectedRow(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	var changes []tandem.Change
	for _, key := range []tandem.Key{"1", "2", "3", "4"} {
		changes = append(changes, w.update(key, 1, text("new "+string(key))))
	}
	guard := &guardian{sheet: w.link.SheetID, row: 2}
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL, HTTPClient: &http.Client{Transport: guard}})
	if err != nil {
		t.Fatal(err)
	}
	w.tab = client.Open(w.link, animeColumns)
	w.scan()
	batch, _ := w.prepare(changes...)
	applied := w.send(batch)
	w.wantOutcomes(applied, tandem.Landed, tandem.Refused, tandem.Landed, tandem.Landed)
	if !strings.Contains(applied[1].Err.Message, "protected") || guard.refusals != 2 {
		t.Errorf("%v, after %d refusals", applied[1].Err, guard.refusals)
	}
	rows := shown()
	rows[1][1], rows[3][1], rows[4][1] = "new 1", "new 3", "new 4"
	w.want(rows...)
}
