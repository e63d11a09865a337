package emulator_test

import (
	"encoding/json"
	"testing"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// Notes and colours belong to cells: they go where their cells go, and writing the one leaves all else alone.
func TestNotesAndColours(t *testing.T) {
	b := newBench(t)
	look := func(want string) {
		t.Helper()
		answer := b.must("GET", "/v4/spreadsheets/s?ranges=S!A2:B5&fields=sheets.data.rowData.values(formattedValue,note,userEnteredFormat(numberFormat,backgroundColorStyle))", "")
		got, err := json.Marshal(answer["sheets"].([]any)[0].(map[string]any)["data"])
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("the cells are\n%s, not\n%s", got, want)
		}
	}
	edit := func(e emulator.Edit) {
		t.Helper()
		if err := b.Edit("s", e); err != nil {
			t.Fatal(err)
		}
	}
	b.must("PUT", "/v4/spreadsheets/s/values/S!A1:B4?valueInputOption=RAW", `{"values":[["k","v"],[1,"a"],[2,"b"],[3,"c"]]}`)
	b.must("POST", "/v4/spreadsheets/s:batchUpdate", `{"requests":[
		{"repeatCell":{"range":{"startRowIndex":1,"endRowIndex":2,"startColumnIndex":0,"endColumnIndex":1},"cell":{"userEnteredFormat":{"numberFormat":{"type":"NUMBER","pattern":"0"}}},"fields":"userEnteredFormat.numberFormat"}},
		{"updateCells":{"start":{"rowIndex":1},"fields":"note,userEnteredFormat.backgroundColorStyle","rows":[
			{"values":[{"note":"one","userEnteredFormat":{"backgroundColorStyle":{"themeColor":"ACCENT1"}}}]},{"values":[{"note":"two"}]}]}}]}`)
	const (
		one   = `{"formattedValue":"1","note":"one","userEnteredFormat":{"backgroundColorStyle":{"themeColor":"ACCENT1"},"numberFormat":{"pattern":"0","type":"NUMBER"}}}`
		two   = `{"formattedValue":"2","note":"two"}`
		a, c  = `{"formattedValue":"a"}`, `{"values":[{"formattedValue":"3"},{"formattedValue":"c"}]}`
		bNote = `{"formattedValue":"b"}`
	)
	data := func(rows string) string { return `[{"rowData":[` + rows + `]}]` }
	row := func(cells string) string { return `{"values":[` + cells + `]}` }
	look(data(row(one+","+a) + "," + row(two+","+bNote) + "," + c))
	edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "S", Column: "k", Descending: true}})
	look(data(c + "," + row(two+","+bNote) + "," + row(one+","+a)))
	edit(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "S", Start: 3, Count: 1}})
	look(data(c + "," + row(one+","+a)))
	edit(emulator.Edit{Undo: &emulator.Undo{}})
	edit(emulator.Edit{Undo: &emulator.Undo{}})
	look(data(row(one+","+a) + "," + row(two+","+bNote) + "," + c))

	// What a mask names and the cell lacks is cleared, and nothing else is.
	b.must("POST", "/v4/spreadsheets/s:batchUpdate", `{"requests":[
		{"updateCells":{"start":{"rowIndex":1},"fields":"userEnteredFormat.backgroundColorStyle","rows":[{"values":[{}]}]}},
		{"updateCells":{"start":{"rowIndex":2},"fields":"note","rows":[{"values":[{}]}]}}]}`)
	look(data(row(`{"formattedValue":"1","note":"one","userEnteredFormat":{"numberFormat":{"pattern":"0","type":"NUMBER"}}},`+a) +
		"," + row(`{"formattedValue":"2"},`+bNote) + "," + c))
}
