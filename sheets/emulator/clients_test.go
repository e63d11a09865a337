package emulator_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// TestGoClient drives the usual calls of Google's own Go client, with only the endpoint changed.
func TestGoClient(t *testing.T) {
	ctx := context.Background()
	e := emulator.New(emulator.Options{Seed: 1})
	defer e.Close()
	server := httptest.NewServer(e)
	defer server.Close()
	service, err := sheets.NewService(ctx, option.WithEndpoint(server.URL), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	created, err := service.Spreadsheets.Create(&sheets.Spreadsheet{Properties: &sheets.SpreadsheetProperties{Title: "From Go"},
		Sheets: []*sheets.Sheet{{Properties: &sheets.SheetProperties{Title: "Rows"}}}}).Do()
	if err != nil {
		t.Fatal(err)
	}
	id := created.SpreadsheetId
	if _, err := service.Spreadsheets.Values.Update(id, "Rows!A1", &sheets.ValueRange{Values: [][]any{{"id", "name"}, {1, "a"}, {2, "=1+1"}}}).
		ValueInputOption("RAW").Do(); err != nil {
		t.Fatal(err)
	}
	got, err := service.Spreadsheets.Values.Get(id, "Rows").ValueRenderOption("UNFORMATTED_VALUE").Do()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{"id", "name"}, {1.0, "a"}, {2.0, "=1+1"}}, got.Values); diff != "" {
		t.Error(diff)
	}
	batch, err := service.Spreadsheets.BatchUpdate(id, &sheets.BatchUpdateSpreadsheetRequest{
		Requests: []*sheets.Request{
			{AppendCells: &sheets.AppendCellsRequest{SheetId: created.Sheets[0].Properties.SheetId, Fields: "userEnteredValue",
				Rows: []*sheets.RowData{{Values: []*sheets.CellData{{UserEnteredValue: &sheets.ExtendedValue{NumberValue: new(3.0)}}}}}}},
			{CreateDeveloperMetadata: &sheets.CreateDeveloperMetadataRequest{DeveloperMetadata: &sheets.DeveloperMetadata{
				MetadataKey: "op", Visibility: "DOCUMENT", Location: &sheets.DeveloperMetadataLocation{Spreadsheet: true}}}},
		},
		IncludeSpreadsheetInResponse: true, ResponseIncludeGridData: true, ResponseRanges: []string{"Rows!A4:A4"}}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if n := batch.UpdatedSpreadsheet.Sheets[0].Data[0].RowData[0].Values[0].EffectiveValue.NumberValue; n == nil || *n != 3 {
		t.Errorf("the response does not show the appended cell: %v", n)
	}
	_, err = service.Spreadsheets.Values.Get(id, "Nope!A1").Do()
	var refused *googleapi.Error
	if !errors.As(err, &refused) || refused.Code != 400 || refused.Message != "Unable to parse range: Nope!A1" {
		t.Errorf("unknown tab: %v", err)
	}
	files, err := drive.NewService(ctx, option.WithEndpoint(server.URL+"/drive/v3/"), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	file, err := files.Files.Get(id).Fields("name", "version", "modifiedTime").Do()
	if err != nil || file.Name != "From Go" || file.Version < 2 {
		t.Errorf("files.get: %+v, %v", file, err)
	}
}

// nodeFolder installs what the Node scripts need, once. A machine without Node fails: these tests are promises.
var nodeFolder = sync.OnceValues(func() (string, error) {
	folder, err := filepath.Abs("testdata/node")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json")); err == nil {
		return folder, nil
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		return "", errors.Join(errors.New("npm ci: "+string(out)), err)
	}
	return folder, nil
})

func runNode(t *testing.T, script string, args ...string) {
	t.Helper()
	folder, err := nodeFolder()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "node", append([]string{script}, args...)...)
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("node %s: %v\n%s", script, err, out)
	}
}

// TestNodeClient drives the usual calls of Google's Node client.
func TestNodeClient(t *testing.T) {
	e := emulator.New(emulator.Options{Seed: 1})
	server := httptest.NewServer(e)
	defer server.Close()
	defer e.Close()
	runNode(t, "client.mjs", server.URL+"/")
}

// TestPage uses the page in a browser: a desk and a phone, light and dark.
func TestPage(t *testing.T) {
	browser := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); browser == "" && err == nil {
			browser = path
		}
	}
	if browser == "" {
		t.Fatal("no browser: install chromium, or set CHROMIUM to its path")
	}
	e := emulator.New(emulator.Options{Seed: 1})
	if _, err := e.Create(emulator.Spreadsheet{ID: "demo", Title: "Demo", Tabs: []emulator.Tab{
		{Title: "Anime", Rows: [][]any{{"id", "title", "score"}, {1, "Akira", 8.5}, {2, "Berserk", 8}}},
		{Title: "Other", Rows: [][]any{{"other tab"}}}}}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	defer server.Close()
	defer e.Close()
	runNode(t, "page.mjs", server.URL, browser)
}
