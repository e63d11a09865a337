package simulation_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"

	"github.com/tandem-sync/tandem"
)

// moveColumn is done by another client of the API, since the emulator has no such edit by hand.
func (w *pair) moveColumn(p *picture) {
	from, to := w.r.IntN(len(p.header)), w.r.IntN(len(p.header)+1)
	if to >= from && to <= from+1 {
		return
	}
	w.batch("move column", map[string]any{"moveDimension": map[string]any{"destinationIndex": to, "source": map[string]any{
		"sheetId": w.linked.SheetID, "dimension": "COLUMNS", "startIndex": from, "endIndex": from + 1}}})
}

// clientWrites adds a row, or deletes one, by the API as any other program may, while nobody looks.
func (w *pair) clientWrites(p *picture, row int) {
	sheet := w.linked.SheetID
	if w.chance(30) {
		w.batch("delete row", map[string]any{"deleteDimension": map[string]any{"range": map[string]any{
			"sheetId": sheet, "dimension": "ROWS", "startIndex": row - 1, "endIndex": row}}})
		return
	}
	cells := make([]map[string]any, len(p.header))
	enter := func(name string, value any) {
		kind := map[bool]string{true: "stringValue", false: "numberValue"}
		_, isText := value.(string)
		field := kind[isText]
		if _, ok := value.(bool); ok {
			field = "boolValue"
		}
		if at := p.at(name); at >= 0 && value != nil {
			cells[at] = map[string]any{"userEnteredValue": map[string]any{field: value}}
		}
	}
	for i := range cells {
		cells[i] = map[string]any{}
	}
	for i, part := range w.anyKey() {
		var key any = part
		if w.columns[i].Type.Kind == tandem.Int {
			key = w.asCell(i, &part)
		}
		enter(w.names[i], key)
	}
	for i := w.keys; i < len(w.names); i++ {
		enter(w.names[i], w.asCell(i, w.randomValue(i)))
	}
	w.batch("append", map[string]any{"appendCells": map[string]any{"sheetId": sheet, "fields": "userEnteredValue", "rows": []any{map[string]any{"values": cells}}}})
}

// batch is a write by another client of the Sheets API.
func (w *pair) batch(what string, request any) {
	body, err := json.Marshal(map[string]any{"requests": []any{request}})
	w.try(func() error { return err })
	recorder := httptest.NewRecorder()
	w.google.ServeHTTP(recorder, httptest.NewRequest("POST", "/v4/spreadsheets/"+book+":batchUpdate", bytes.NewReader(body)))
	w.note("client: %s %s -> %d", what, body, recorder.Code)
}

// filter sets a filter, or takes it away.
func (w *pair) filter(p *picture) {
	if w.chance(30) {
		w.batch("clear filter", map[string]any{"clearBasicFilter": map[string]any{"sheetId": w.linked.SheetID}})
		return
	}
	w.batch("filter", map[string]any{"setBasicFilter": map[string]any{"filter": map[string]any{"range": map[string]any{
		"sheetId": w.linked.SheetID, "startRowIndex": 0, "endRowIndex": len(p.raw), "startColumnIndex": 0, "endColumnIndex": len(p.header)}}}})
}
