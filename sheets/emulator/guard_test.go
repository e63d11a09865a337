package emulator_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// What a person protects is refused to callers of the API, request by request, and to no person.
func TestProtectedRangesRefuse(t *testing.T) {
	tests := []struct {
		name, request string
		refused       bool
	}{
		{"write beside it", `{"updateCells":{"start":{"rowIndex":1,"columnIndex":0},"rows":[{"values":[{"userEnteredValue":{"numberValue":1}}]}],"fields":"userEnteredValue"}}`, false},
		{"write into it", `{"updateCells":{"start":{"rowIndex":1,"columnIndex":0},"rows":[{"values":[{},{}]}],"fields":"userEnteredValue"}}`, true},
		{"copy from it", `{"copyPaste":{"source":{"startRowIndex":1,"endRowIndex":2,"startColumnIndex":1,"endColumnIndex":2},"destination":{"startRowIndex":5,"endRowIndex":6,"startColumnIndex":5,"endColumnIndex":6}}}`, false},
		{"paste over it", `{"copyPaste":{"source":{"startRowIndex":0,"endRowIndex":3,"startColumnIndex":0,"endColumnIndex":1},"destination":{"startRowIndex":0,"endRowIndex":1,"startColumnIndex":1,"endColumnIndex":2}}}`, true},
		{"delete its row", `{"deleteDimension":{"range":{"dimension":"ROWS","startIndex":1,"endIndex":2}}}`, true},
		{"delete another row", `{"deleteDimension":{"range":{"dimension":"ROWS","startIndex":3,"endIndex":4}}}`, false},
		{"insert a row at its edge", `{"insertDimension":{"range":{"dimension":"ROWS","startIndex":1,"endIndex":2}}}`, false},
		{"insert a row within it", `{"insertDimension":{"range":{"dimension":"ROWS","startIndex":2,"endIndex":3}}}`, true},
		{"sort it", `{"sortRange":{"range":{"startRowIndex":1,"endRowIndex":4,"startColumnIndex":0,"endColumnIndex":3},"sortSpecs":[{"dimensionIndex":0}]}}`, true},
		{"append below it", `{"appendCells":{"rows":[{"values":[{},{"userEnteredValue":{"numberValue":1}}]}],"fields":"userEnteredValue"}}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := emulator.New(emulator.Options{Seed: 1})
			t.Cleanup(fake.Close)
			if _, err := fake.Create(emulator.Spreadsheet{ID: "1guard", Tabs: []emulator.Tab{{Title: "Sheet1", Rows: [][]any{{"a", "b"}, {1, 2}, {3, 4}, {5, 6}}}}}); err != nil {
				t.Fatal(err)
			}
			if err := fake.Edit("1guard", emulator.Edit{Protect: &emulator.Protect{Sheet: "Sheet1", A1: "B2:B3"}}); err != nil {
				t.Fatal(err)
			}
			request := strings.ReplaceAll(test.request, `"range":{`, `"range":{"sheetId":`+sheetID(t, fake)+`,`)
			for _, name := range []string{"start", "source", "destination"} {
				request = strings.ReplaceAll(request, `"`+name+`":{`, `"`+name+`":{"sheetId":`+sheetID(t, fake)+`,`)
			}
			request = strings.ReplaceAll(request, `"appendCells":{`, `"appendCells":{"sheetId":`+sheetID(t, fake)+`,`)
			status, answer := send(t, fake, "POST", "/v4/spreadsheets/1guard:batchUpdate", `{"requests":[`+request+`]}`)
			if test.refused != (status == 400 && strings.Contains(answer, "Invalid requests[0].") && strings.Contains(answer, "protected cell or object")) || !test.refused && status != 200 {
				t.Errorf("%d: %s", status, answer)
			}
			if err := fake.Edit("1guard", emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Sheet1", A1: "B2", Input: "mine"}}); err != nil {
				t.Errorf("a person is refused: %v", err)
			}
			if status, answer := send(t, fake, "PUT", "/v4/spreadsheets/1guard/values/Sheet1!B2:B3?valueInputOption=RAW", `{"values":[["x"]]}`); !test.refused && test.name == "write beside it" && status != 400 {
				t.Errorf("values.update: %d: %s", status, answer)
			}
		})
	}
}

func sheetID(t *testing.T, fake *emulator.Emulator) string {
	t.Helper()
	_, answer := send(t, fake, "GET", "/v4/spreadsheets/1guard?fields=sheets(properties.sheetId,protectedRanges(range,requestingUserCanEdit))&prettyPrint=false", "")
	if strings.Contains(answer, `"requestingUserCanEdit":true`) || !strings.Contains(answer, `"protectedRanges"`) {
		t.Fatalf("the protection reads %s", answer)
	}
	_, rest, _ := strings.Cut(answer, `"sheetId":`)
	end := strings.IndexAny(rest, ",}")
	if end < 0 {
		return "0"
	}
	return strings.TrimSpace(rest[:end])
}

func send(t *testing.T, fake *emulator.Emulator, method, path, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://emulator"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := fake.Transport().RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}
