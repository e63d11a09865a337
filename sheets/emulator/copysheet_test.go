package emulator_test

import (
	"fmt"
	"testing"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A copied tab shares nothing with its original that either could change.
func TestCopiedTabsStandAlone(t *testing.T) {
	b := newBench(t)
	b.must("POST", "/v4/spreadsheets/s:batchUpdate", `{"requests":[
		{"updateCells":{"start":{"rowIndex":1},"fields":"userEnteredValue","rows":[{"values":[{"userEnteredValue":{"numberValue":10}}]}]}},
		{"duplicateSheet":{"newSheetId":7,"newSheetName":"D"}},
		{"updateCells":{"start":{"sheetId":7,"rowIndex":1},"fields":"userEnteredValue","rows":[{"values":[{"userEnteredValue":{"numberValue":20}}]}]}}]}`)
	b.expect("S!A2", "[[10]]")
	b.expect("D!A2", "[[20]]")

	if _, err := b.Create(emulator.Spreadsheet{ID: "other"}); err != nil {
		t.Fatal(err)
	}
	copied := b.must("POST", "/v4/spreadsheets/s/sheets/7:copyTo", `{"destinationSpreadsheetId":"other"}`)
	for i := range 5 {
		b.must("PUT", "/v4/spreadsheets/other/values/Copy%20of%20D!A2?valueInputOption=RAW", fmt.Sprintf(`{"values":[[%d]]}`, 100+i))
	}
	b.expect("D!A2", "[[20]]")
	if copied["title"] != "Copy of D" {
		t.Errorf("copied as %v", copied)
	}

	file := b.must("POST", "/drive/v3/files/s/copy", `{"name":"Twin"}`)
	id := fmt.Sprint(file["id"])
	b.must("PUT", "/v4/spreadsheets/"+id+"/values/S!A2?valueInputOption=RAW", `{"values":[["twin"]]}`)
	b.must("PUT", "/v4/spreadsheets/s/values/S!A3?valueInputOption=RAW", `{"values":[["original"]]}`)
	b.expect("S!A2:A3", "[[10] [original]]")
	if got := fmt.Sprint(b.must("GET", "/v4/spreadsheets/"+id+"/values/S!A2:A3", "")["values"]); got != "[[twin] [2]]" {
		t.Errorf("the copy holds %s", got)
	}
}
