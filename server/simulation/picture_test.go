package simulation_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/tandem-sync/tandem"
)

// seen is one row as it was seen.
type seen struct {
	key      tandem.Key
	position int
	values   []tandem.Value
	note     string // what stands outside the link: in the sheet, as entered
}

// picture is both sides at one moment.
type picture struct {
	table, sheet []seen
	header       []string
	title        string
	raw          [][]any
}

// look takes a picture, past all faults.
func (w *pair) look() *picture {
	p := &picture{}
	link, table := w.linked, w.table()
	w.try(func() error {
		rows, err := table.Scan(w.t.Context(), "", 10000)
		for _, row := range rows {
			p.table = append(p.table, seen{key: row.Key, values: row.Values})
		}
		return err
	})
	w.lookOutside(p)
	p.title = w.title()
	p.raw = w.cells(p.title)
	if len(p.raw) > 0 {
		for _, cell := range p.raw[0] {
			text, _ := cell.(string)
			p.header = append(p.header, text)
		}
	}
	tab := w.eyes.Open(&link, w.columns)
	w.try(func() error {
		scan, err := tab.Scan(w.t.Context())
		if err != nil {
			return err
		}
		rows := scan.Rows
		for _, bad := range scan.Bad {
			rows = append(rows, bad.Row)
		}
		for _, row := range rows {
			p.sheet = append(p.sheet, seen{row.Key, row.Position, row.Values, p.beside(row.Position)})
		}
		return nil
	})
	return p
}

// lookOutside reads the table's column that is not linked.
func (w *pair) lookOutside(p *picture) {
	var parts []string
	for _, name := range w.names[:w.keys] {
		parts = append(parts, "CAST("+name+" AS TEXT)")
	}
	w.try(func() error {
		rows, err := w.db.Query("SELECT COALESCE(own, ''), " + strings.Join(parts, ", ") + " FROM " + w.id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			texts := make([]string, 1+w.keys)
			into := make([]any, len(texts))
			for i := range texts {
				into[i] = &texts[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if row := find(p.table, w.keyOf(texts[1:])); row != nil {
				row.note = texts[0]
			}
		}
		return rows.Err()
	})
}

// beside returns the cells outside the link in a row.
func (p *picture) beside(position int) string {
	var texts []string
	for at, header := range p.header {
		if header != "mine" && header != "calc" {
			continue
		}
		text := ""
		if position-1 < len(p.raw) && at < len(p.raw[position-1]) {
			encoded, _ := json.Marshal(p.raw[position-1][at])
			text = strings.Trim(string(encoded), `"`)
		}
		texts = append(texts, text)
	}
	if strings.Join(texts, "") == "" {
		return ""
	}
	return strings.Join(texts, " | ")
}

// get calls the Sheets API as any other client would.
func (w *pair) get(path string, answer any) {
	recorder := httptest.NewRecorder()
	w.google.ServeHTTP(recorder, httptest.NewRequest("GET", "/v4/spreadsheets/"+book+path, nil))
	w.try(func() error { return json.Unmarshal(recorder.Body.Bytes(), answer) })
}

func (w *pair) title() string {
	var answer struct {
		Sheets []struct {
			Properties struct {
				SheetID int64 `json:"sheetId"`
				Title   string
			}
		}
	}
	w.get("?fields=sheets.properties(sheetId,title)", &answer)
	for _, sheet := range answer.Sheets {
		if sheet.Properties.SheetID == w.linked.SheetID {
			return sheet.Properties.Title
		}
	}
	return ""
}

func (w *pair) cells(title string) [][]any {
	var answer struct{ Values [][]any }
	w.get("/values/"+url.PathEscape(title)+"?valueRenderOption=FORMULA", &answer)
	return answer.Values
}
