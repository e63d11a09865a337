package simulation_test

import (
	"fmt"
	"strings"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// begin makes a random table and tab, partly alike, links them and runs the first sync.
func (w *world) begin() {
	w.makeTable()
	cells := [][]any{append(w.headers(), "mine", "calc")}
	for n := range 6 + w.r.IntN(14) {
		key := w.keyParts(n + 1)
		row := []any{}
		for _, part := range key {
			row = append(row, part)
		}
		values := w.randomValues()
		for i, value := range values {
			row = append(row, w.asCell(w.keys+i, value))
		}
		where := w.r.IntN(10)
		if where < 9 {
			w.insertSQL(key, values)
		}
		if where > 0 {
			cells = append(cells, append(row, fmt.Sprintf("note %d", n+1), fmt.Sprintf("=%d+100", n+1)))
		}
	}
	w.try(func() error {
		_, err := w.google.Create(emulator.Spreadsheet{ID: book, Title: "Book", Tabs: []emulator.Tab{{Title: "Items", Rows: cells}}})
		return err
	})
	info, err := w.eyes.Spreadsheet(w.t.Context(), book)
	w.try(func() error { return err })
	link := tandem.Link{ID: linkID, Table: "items", SpreadsheetID: book, SheetID: info.Tabs[0].SheetID, Tab: "Items", HeaderRow: 1,
		TimeZone: info.TimeZone, Key: w.names[:w.keys], PreferredSource: tandem.Database, State: tandem.StateNew,
		Policy: []tandem.Policy{tandem.LastWriteWins, tandem.LastWriteWins, tandem.DatabaseWins, tandem.SheetWins}[w.r.IntN(4)]}
	for _, name := range w.names {
		link.Columns = append(link.Columns, tandem.LinkColumn{Column: name, Header: name})
	}
	w.try(func() error { _, err := w.store.CreateLink(w.t.Context(), link); return err })
	w.columns = w.table().Columns()
	w.learn(&picture{}, w.look())
	w.startSync(tandem.SyncRequest{})
	if w.chance(60) { // else the first sync meets all that comes
		for range 6 {
			w.tick(3 * 1e9)
			w.work(0)
		}
	}
	w.note("begins: policy %s, %s", link.Policy, w.show())
}

func (w *world) makeTable() {
	w.keyKind = []int{0, 0, 1, 2}[w.r.IntN(4)]
	w.names = [][]string{{"id"}, {"code"}, {"region", "no"}}[w.keyKind]
	w.keys = len(w.names)
	definitions := [][]string{{"id INTEGER PRIMARY KEY"}, {"code VARCHAR(20) NOT NULL PRIMARY KEY"}, {"region VARCHAR(10) NOT NULL", "no INTEGER NOT NULL"}}[w.keyKind]
	more := [][2]string{{"title", "title VARCHAR(40) NOT NULL"}, {"qty", "qty INTEGER CHECK (qty < 1000)"}, {"price", "price DECIMAL(8,2)"},
		{"done", "done BOOLEAN"}, {"seen", "seen DATETIME"}}
	for i, column := range more {
		if i < 2 || w.chance(50) {
			w.names, definitions = append(w.names, column[0]), append(definitions, column[1])
		}
	}
	if w.keyKind == 2 {
		definitions = append(definitions, "PRIMARY KEY (region, no)")
	}
	w.try(func() error {
		_, err := w.db.Exec("CREATE TABLE items (" + strings.Join(definitions, ", ") + ")")
		return err
	})
}

func (w *world) headers() []any {
	var all []any
	for _, name := range w.names {
		all = append(all, name)
	}
	return all
}

// keyParts is the n-th key.
func (w *world) keyParts(n int) []string {
	switch w.keyKind {
	case 0:
		return []string{fmt.Sprint(n)}
	case 1:
		return []string{fmt.Sprintf("%03d", n)} // leading zeros must stay
	}
	return []string{[]string{"de", "fr", "it"}[n%3], fmt.Sprint(n / 3)}
}

// anyKey is mostly one of the last keys, so that different hands meet at the same rows.
func (w *world) anyKey() []string {
	if !w.chance(50) {
		w.hot[w.r.IntN(len(w.hot))] = 1 + w.r.IntN(26)
	}
	return w.keyParts(max(w.hot[w.r.IntN(len(w.hot))], 1))
}

// randomValues are values of the columns beside the key, as canonical texts; nil is NULL.
func (w *world) randomValues() []*string {
	var all []*string
	for i := w.keys; i < len(w.names); i++ {
		all = append(all, w.randomValue(i))
	}
	return all
}

func (w *world) randomValue(column int) *string {
	w.serial++
	var text string
	switch w.names[column] {
	case "title":
		text = []string{"v%d", "v%d", "v%d", "v%d", "=1+%d", "00%d", " %d ", "%d", "1e%d", "'%d", "é😀%d", "", "TRUE"}[w.r.IntN(13)]
		if strings.Contains(text, "%") {
			text = fmt.Sprintf(text, w.serial)
		}
	case "qty":
		text = fmt.Sprint(w.r.IntN(1000))
	case "price":
		text = fmt.Sprintf("%d.%02d", w.r.IntN(10000), w.r.IntN(100))
	case "done":
		text = []string{"true", "false"}[w.r.IntN(2)]
	case "seen":
		text = fmt.Sprintf("2026-%02d-%02dT%02d:00:%02d", 1+w.r.IntN(12), 1+w.r.IntN(28), w.r.IntN(24), w.r.IntN(60))
	}
	if w.names[column] != "title" && w.chance(8) {
		return nil
	}
	return &text
}

// asCell is how another client of the Sheets API writes a value.
func (w *world) asCell(column int, value *string) any {
	switch {
	case value == nil:
		return nil
	case w.names[column] == "done":
		return *value == "true"
	case w.names[column] == "seen" || w.names[column] == "title":
		return *value
	}
	var number float64
	_, _ = fmt.Sscan(*value, &number)
	return number
}

func (w *world) asArg(column int, value *string) any {
	switch {
	case value == nil:
		return nil
	case w.names[column] == "done":
		return *value == "true"
	case w.names[column] == "seen":
		return strings.Replace(*value, "T", " ", 1)
	}
	return *value
}
