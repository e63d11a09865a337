package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestRanges reads ranges in all their forms from a tab "S" of 1000 rows and 26 columns.
func TestRanges(t *testing.T) {
	b := newBench(t)
	b.must("POST", "/v4/spreadsheets/s:batchUpdate", `{"requests":[{"addSheet":{"properties":{"title":"It's a-b"}}},{"addSheet":{"properties":{"title":"D3"}}},
		{"addSheet":{"properties":{"title":"R1C1"}}},{"addSheet":{"properties":{"title":"food.csv"}}},{"addSheet":{"properties":{"title":"Ünï"}}},
		{"addNamedRange":{"namedRange":{"name":"Scores","range":{"startRowIndex":1,"endRowIndex":4,"startColumnIndex":2,"endColumnIndex":3}}}}]}`)
	for _, test := range [][2]string{
		{"S", "S!A1:Z1000"}, {"s!a1", "S!A1"}, {"'S'", "S!A1:Z1000"}, {"S!A1:A1", "S!A1"}, {"D4:A1", "S!A1:D4"}, {"A2:F10001", "S!A2:F1000"}, {"$B$3", "S!B3"},
		{"A2:2", "S!A2:Z2"}, {"B1:B", "S!B1:B1000"}, {"B:B", "S!B1:B1000"}, {"C:A", "S!A1:C1000"}, {"2:3", "S!A2:Z3"}, {"S!5:5", "S!A5:Z5"}, {"B2:C", "S!B2:C1000"},
		{"R2C3", "S!C2"}, {"S!R1C1:R2C2", "S!A1:B2"}, {"R2", "S!R2"}, {"S!R[3]C[1]", "S!B4"}, {"'D3'!A1", "'D3'!A1"}, {"'D3'", "'D3'!A1:Z1000"}, {"D3", "S!D3"}, {"'R1C1'!B2", "'R1C1'!B2"},
		{"'It''s a-b'!A1:B2", "'It''s a-b'!A1:B2"}, {"It's a-b", "'It''s a-b'!A1:Z1000"}, {"food.csv", "food.csv!A1:Z1000"}, {"Ünï!A1", "'Ünï'!A1"}, {"Scores", "S!C2:C4"}, {"'S'!Scores", "S!C2:C4"},
	} {
		got := b.must("GET", "/v4/spreadsheets/s/values/"+url.PathEscape(test[0]), "")["range"]
		if got != test[1] {
			t.Errorf("%s: want %s, got %v", test[0], test[1], got)
		}
	}
	for _, test := range [][2]string{
		{"Nope!A1", "Unable to parse range: Nope!A1"}, {"A0", "Unable to parse range: A0"}, {"S!", "Unable to parse range: S!"}, {"nothing", "Unable to parse range: nothing"},
		{"A1:B2:C3", "Unable to parse range: A1:B2:C3"}, {"ZZZZ1", "Unable to parse range: ZZZZ1"}, {"S!A1001", "Range (S!A1001) exceeds grid limits. Max rows: 1000, max columns: 26"},
		{"AA1:AB2", "Range (S!AA1:AB2) exceeds grid limits. Max rows: 1000, max columns: 26"},
	} {
		code, out, _ := b.call(context.Background(), "GET", "/v4/spreadsheets/s/values/"+url.PathEscape(test[0]), "")
		if message := out["error"].(map[string]any)["message"]; code != http.StatusBadRequest || message != test[1] {
			t.Errorf("%s: want %s, got %d %v", test[0], test[1], code, message)
		}
	}
}

// TestAppendFindsTables is the example of Google's guide: tables A1:C2 and B4:D6.
func TestAppendFindsTables(t *testing.T) {
	for _, test := range [][2]string{{"T", "T!B7"}, {"T!B4", "T!B7"}, {"T!C5:D5", "T!B7"}, {"T!B2:D4", "T!B7"}, {"T!A3:G10", "T!B7"}, {"T!A1", "T!A3"}, {"T!E4", "T!E4"}, {"T!A4", "T!A4"}} {
		b := newBench(t)
		b.must("POST", "/v4/spreadsheets/s:batchUpdate", `{"requests":[{"addSheet":{"properties":{"title":"T"}}}]}`)
		b.must("PUT", "/v4/spreadsheets/s/values/T!A1:D6?valueInputOption=RAW",
			`{"values":[["x","y","z"],["x","y","z"],[],[null,"x","y","z"],[null,"x","y","z"],[null,"x","y","z"]]}`)
		out := b.must("POST", "/v4/spreadsheets/s/values/"+test[0]+":append?valueInputOption=RAW", `{"values":[["new"]]}`)
		if got := out["updates"].(map[string]any)["updatedRange"]; got != test[1] {
			t.Errorf("%s: want %s, got %v", test[0], test[1], got)
		}
	}
}

func TestAppendInsertsRowsOrWritesOver(t *testing.T) {
	b := newBench(t)
	b.must("PUT", "/v4/spreadsheets/s/values/E5?valueInputOption=RAW", `{"values":[["below"]]}`)
	b.must("POST", "/v4/spreadsheets/s/values/A1:append?valueInputOption=RAW&insertDataOption=INSERT_ROWS", `{"values":[[4],[5]]}`)
	b.expect("A4:E7", "[[3 b 6] [4] [5] [    below]]")
	b.must("POST", "/v4/spreadsheets/s/values/A1:append?valueInputOption=RAW", `{"values":[[6,"","",""]]}`)
	b.expect("A7:E7", "[[6    below]]")
}

func TestLimits(t *testing.T) {
	b := newBench(t)
	long, _ := json.Marshal(map[string]any{"values": [][]any{{strings.Repeat("é", 50_000)}}})
	b.must("PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=RAW", string(long))
	long, _ = json.Marshal(map[string]any{"valueInputOption": "RAW", "data": []any{map[string]any{"range": "A1", "values": [][]any{{strings.Repeat("x", 50_001)}}}}})
	row := `{"requests":[{"appendDimension":{"dimension":"%s","length":%d}}]}`
	metadata := `{"requests":[{"createDeveloperMetadata":{"developerMetadata":{"metadataKey":"k","visibility":"DOCUMENT","location":{"sheetId":0},"metadataValue":"` + strings.Repeat("v", 30_000) + `"}}}]}`
	for _, test := range [][3]string{
		{"/values:batchUpdate", string(long), "Invalid data[0]: Your input contains more than the maximum of 50000 characters in a single cell."},
		{":batchUpdate", fmt.Sprintf(row, "ROWS", 383_616), "Invalid requests[0].appendDimension: This action would increase the number of cells in the workbook above the limit of 10000000 cells."},
		{":batchUpdate", fmt.Sprintf(row, "COLUMNS", 18_253), "Invalid requests[0].appendDimension: This action would increase the number of columns in the sheet above the limit of 18278 columns."},
		{":batchUpdate", metadata, "Invalid requests[0].createDeveloperMetadata: The developer metadata exceeds the limit of 30000 characters."},
		{":batchUpdate", `{"requests":[{"insertDimension":{"range":{"dimension":"ROWS","endIndex":1}}}]}`, "Invalid requests[0].insertDimension: range.startIndex must be set"},
		{":batchUpdate", `{"requests":[{"deleteDimension":{"range":{"dimension":"ROWS","startIndex":1000,"endIndex":1001}}}]}`, "Invalid requests[0].deleteDimension: Cannot delete a row that doesn't exist. Tried to delete row index 1000 but there are only 1000 rows."},
		{":batchUpdate", `{"requests":[{"deleteDimension":{"range":{"dimension":"ROWS"}}}]}`, "Invalid requests[0].deleteDimension: You can't delete all the rows on the sheet."},
		{":batchUpdate", `{"requests":[{"updateCells":{"start":{"columnIndex":26},"fields":"*","rows":[{"values":[{}]}]}}]}`, "Invalid requests[0].updateCells: Attempting to write column: 26, beyond the last requested column of: 25"},
		{":batchUpdate", `{"requests":[{"updateCells":{"start":{},"rows":[]}}]}`, "Invalid requests[0].updateCells: At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)"},
		{":batchUpdate", `{"requests":[{"addSheet":{"properties":{"title":"S"}}}]}`, "Invalid requests[0].addSheet: A sheet with the name \"S\" already exists. Please enter another name."},
		{":batchUpdate", `{"requests":[{"addSheet":{"propertys":{}}}]}`, "Invalid JSON payload received. Unknown name \"propertys\" at 'requests[0].add_sheet': Cannot find field."},
		{":batchUpdate?colour=red", `{"requests":[]}`, "Invalid JSON payload received. Unknown name \"colour\": Cannot bind query parameter. Field 'colour' could not be found in request message."},
		{":batchUpdate", `{"requests":[]}`, "Must specify at least one request."},
	} {
		code, out, _ := b.call(context.Background(), "POST", "/v4/spreadsheets/s"+test[0], test[1])
		if message := out["error"].(map[string]any)["message"]; code != http.StatusBadRequest || message != test[2] {
			t.Errorf("want %s, got %d %v", test[2], code, message)
		}
	}
}
