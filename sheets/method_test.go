package sheets_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem/sheets"
)

func TestCallsAreNamedAsGoogleNamesThem(t *testing.T) {
	tests := []struct {
		method, path, name string
		write              bool
	}{
		{"GET", "/v4/spreadsheets/1a", "spreadsheets.get", false},
		{"POST", "/v4/spreadsheets", "spreadsheets.create", true},
		{"POST", "/v4/spreadsheets/1a:batchUpdate", "spreadsheets.batchUpdate", true},
		{"POST", "/v4/spreadsheets/1a:getByDataFilter", "spreadsheets.getByDataFilter", false},
		{"GET", "/v4/spreadsheets/1a/values/Tab%21A1:B2", "spreadsheets.values.get", false},
		{"PUT", "/v4/spreadsheets/1a/values/A1:B2", "spreadsheets.values.update", true},
		{"POST", "/v4/spreadsheets/1a/values/A1:B2:append", "spreadsheets.values.append", true},
		{"GET", "/v4/spreadsheets/1a/values:batchGet", "spreadsheets.values.batchGet", false},
		{"POST", "/v4/spreadsheets/1a/values:batchUpdateByDataFilter", "spreadsheets.values.batchUpdateByDataFilter", true},
		{"POST", "/v4/spreadsheets/1a/values:batchGetByDataFilter", "spreadsheets.values.batchGetByDataFilter", false},
		{"GET", "/v4/spreadsheets/1a/developerMetadata/7", "spreadsheets.developerMetadata.get", false},
		{"POST", "/v4/spreadsheets/1a/developerMetadata:search", "spreadsheets.developerMetadata.search", false},
		{"GET", "/drive/v3/changes", "drive.changes.list", false},
		{"GET", "/drive/v3/changes/startPageToken", "drive.changes.getStartPageToken", false},
		{"GET", "/drive/v3/files/1a", "drive.files.get", false},
	}
	for _, test := range tests {
		request, err := http.NewRequestWithContext(t.Context(), test.method, "http://emulator"+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		name, write, _ := sheets.MethodOf(request)
		if name != test.name || write != test.write {
			t.Errorf("%s %s: %s, write %v", test.method, test.path, name, write)
		}
	}
}

// Every try is told of by itself.
func TestOnCall(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.call("POST", "/emulator/faults", map[string]any{"method": "spreadsheets.values.get", "kind": "before", "status": 503, "count": 1}, nil)
	var told []sheets.Call
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		OnCall: func(_ context.Context, call sheets.Call) {
			call.Duration = 0
			told = append(told, call)
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Open(w.link, animeColumns).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []sheets.Call{{Method: "spreadsheets.values.get", Status: 503}, {Method: "spreadsheets.values.get", Status: 200}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}
