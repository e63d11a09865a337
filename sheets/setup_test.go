package sheets_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/sheets"
)

// blinking answers one read of values as if the tab were empty.
type blinking struct{ done bool }

func (b *blinking) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil && !b.done && strings.Contains(request.URL.Path, "/values/") {
		b.done = true
		_ = response.Body.Close()
		response.Body = io.NopCloser(strings.NewReader(`{"range": "Anime!A1:E6", "majorDimension": "ROWS"}`))
		response.ContentLength = -1
	}
	return response, err
}

// A tab that is read as empty once is given no headers: they would stand over those that people have.
func TestSetupOfATabReadAsEmpty(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.edit(edit{"deleteColumn": {"sheet": "Anime", "column": "B"}})
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL, HTTPClient: &http.Client{Transport: &blinking{}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Open(w.link, animeColumns).Setup(t.Context()); err == nil {
		t.Error("it was set up")
	}
	if err := client.Open(w.link, animeColumns).Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	var row struct{ Values [][]string }
	w.call("GET", "/v4/spreadsheets/"+spreadsheet+"/values/Anime!A1:E1", nil, &row)
	if got := strings.Join(row.Values[0], ","); got != "ID,Notes,Score,Aired" {
		t.Errorf("the headers are %s", got)
	}
}
