package engine_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// noted returns the notes of the tab and the background colours, by row and column counted from 0.
func (p *pair) noted() (notes map[[2]int]string, coloured map[[2]int]bool) {
	p.t.Helper()
	recorder := httptest.NewRecorder()
	p.google.ServeHTTP(recorder, httptest.NewRequest("GET", "/v4/spreadsheets/"+book+
		"?ranges=Items&fields=sheets(data(rowData(values(note,userEnteredFormat.backgroundColor))))", nil))
	var answer struct {
		Sheets []struct {
			Data []struct {
				RowData []struct {
					Values []struct {
						Note              string
						UserEnteredFormat struct{ BackgroundColor map[string]float64 }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		p.t.Fatal(err)
	}
	notes, coloured = map[[2]int]string{}, map[[2]int]bool{}
	for i, row := range answer.Sheets[0].Data[0].RowData {
		for j, cell := range row.Values {
			if cell.Note != "" {
				notes[[2]int{i, j}] = cell.Note
			}
			if len(cell.UserEnteredFormat.BackgroundColor) > 0 {
				coloured[[2]int{i, j}] = true
			}
		}
	}
	return notes, coloured
}

// What the table refuses is said on the cell, wherever it moves, until it is put right.
func TestErrorsShown(t *testing.T) {
	p := newPair(t, 4)
	p.edit(p.set("C3", "5000"), p.set("D4", "dear"))
	p.settle()
	notes, coloured := p.noted()
	if len(notes) != 2 || !coloured[[2]int{3, 3}] || !strings.Contains(notes[[2]int{3, 3}], "dear") {
		t.Errorf("notes %v, colours %v", notes, coloured)
	}
	p.wantQuiet()
	p.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: "Items", Column: "id", Descending: true}})
	p.edit(p.set("D3", "7.25")) // row 3, which is now the third line
	p.settle()
	if notes, coloured = p.noted(); len(notes) != 1 || coloured[[2]int{2, 3}] {
		t.Errorf("after one was put right: notes %v, colours %v", notes, coloured)
	}
	p.edit(p.set("C4", "5"))
	p.settle()
	if notes, coloured = p.noted(); len(notes) != 0 || len(coloured) != 0 {
		t.Errorf("after all was put right: notes %v, colours %v", notes, coloured)
	}
	p.wantSame()
	p.wantQuiet()
}

// A row without a usable key has its note too; none is written where they are switched off.
func TestErrorsShownOrNot(t *testing.T) {
	p := newPair(t, 4)
	p.typeRow(6, "New", "5000")
	p.settle()
	if notes, _ := p.noted(); len(notes) != 1 {
		t.Errorf("notes %v", notes)
	}
	link := p.link()
	link.HideErrors = true
	if _, err := p.store.UpdateLink(t.Context(), link, link.Version); err != nil {
		t.Fatal(err)
	}
	p.worker = p.newWorker("second")
	p.settle()
	if notes, coloured := p.noted(); len(notes) != 0 || len(coloured) != 0 {
		t.Errorf("notes %v, colours %v although they are switched off", notes, coloured)
	}
}

// The header's first cell says when both sides last agreed; where nothing is carried over it is not written.
func TestStatusShown(t *testing.T) {
	p := newPair(t, 4)
	link := p.link()
	link.HideStatus = false
	if _, err := p.store.UpdateLink(t.Context(), link, link.Version); err != nil {
		t.Fatal(err)
	}
	p.exec("UPDATE items SET qty = 50 WHERE id = 1")
	p.settle()
	p.settle()
	notes, coloured := p.noted()
	if !strings.Contains(notes[[2]int{0, 0}], "2026-11-21") || len(coloured) > 0 {
		t.Errorf("notes %v, colours %v", notes, coloured)
	}
	p.now = p.now.Add(time.Hour)
	p.wantQuiet()
	p.exec("UPDATE items SET qty = 60 WHERE id = 1")
	p.settle()
	if later, _ := p.noted(); later[[2]int{0, 0}] == notes[[2]int{0, 0}] {
		t.Error("the note is an old one")
	}
	if entries, err := p.store.Entries(t.Context(), "items", 0, 100); err != nil || entries[len(entries)-1].Source != tandem.Database {
		t.Errorf("history ends with %+v, %v", entries[len(entries)-1], err)
	}
}
