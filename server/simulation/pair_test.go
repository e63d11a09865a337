package simulation_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// pair is a table and a tab that are linked, and all that people and programs did to both.
type pair struct {
	*world
	id     string // of the link, and the table's name
	linked tandem.Link
	opened *store.Table

	keyKind int // 0 whole number, 1 text, 2 two columns
	names   []string
	columns []tandem.Column
	owners  []tandem.Owner
	keys    int // how many of the first columns are the key

	hot       [4]int // keys that were used last
	model     model
	wanted    []*wantedWrite
	plan      string
	discarded bool                // a baseline was thrown away: older agreements count no more
	approved  map[tandem.Key]bool // rows whose removal a person let through
	landings  map[landing]time.Time
	synced    time.Time // when the first initial sync was done
}

// begin makes the tables and tabs, links them and runs the first syncs.
func (w *world) begin() {
	ids := []string{"items"}
	if w.mix["two"] {
		ids = append(ids, "orders")
	}
	var tabs []emulator.Tab
	for _, id := range ids {
		l := &pair{world: w, id: id, approved: map[tandem.Key]bool{}, landings: map[landing]time.Time{}}
		l.model.init()
		l.makeTable()
		w.pairs = append(w.pairs, l)
		tabs = append(tabs, emulator.Tab{Title: id, Rows: l.fill()})
	}
	w.try(func() error {
		_, err := w.google.Create(emulator.Spreadsheet{ID: book, Title: "Book", Tabs: tabs})
		return err
	})
	w.listen()
	info, err := w.eyes.Spreadsheet(w.t.Context(), book)
	w.try(func() error { return err })
	for i, l := range w.pairs {
		l.link(info.Tabs[i].SheetID, info.TimeZone)
	}
	if w.mix["hidden"] {
		w.pairs[0].batch("hide", map[string]any{"updateSheetProperties": map[string]any{"fields": "hidden",
			"properties": map[string]any{"sheetId": w.pairs[0].linked.SheetID, "hidden": len(w.pairs) > 1}}})
	}
	if w.chance(60) { // else the first sync meets all that comes
		for range 6 {
			w.tick(3 * time.Second)
			w.work(0)
		}
	}
	for _, l := range w.pairs {
		w.note("begins: %s, %s", l.describe(), l.show())
	}
}

func (w *pair) makeTable() {
	w.keyKind = []int{0, 0, 1, 2}[w.r.IntN(4)]
	w.names = [][]string{{"id"}, {"code"}, {"region", "no"}}[w.keyKind]
	w.keys = len(w.names)
	definitions := [][]string{{"id INTEGER PRIMARY KEY"}, {"code VARCHAR(20) NOT NULL PRIMARY KEY"}, {"region VARCHAR(10) NOT NULL", "no INTEGER NOT NULL"}}[w.keyKind]
	more := [][2]string{{"title", "title VARCHAR(40) NOT NULL"}, {"qty", "qty INTEGER CHECK (qty < 1000)"}, {"price", "price DECIMAL(8,2)"},
		{"done", "done BOOLEAN"}, {"seen", "seen DATETIME"}, {"ratio", "ratio DOUBLE"}}
	for i, column := range more {
		if i < 2 || column[0] == "ratio" && w.mix["floats"] || column[0] != "ratio" && w.chance(50) {
			w.names, definitions = append(w.names, column[0]), append(definitions, column[1])
		}
	}
	definitions = append(definitions, "own TEXT") // outside the link
	if w.keyKind == 2 {
		definitions = append(definitions, "PRIMARY KEY (region, no)")
	}
	w.owners = make([]tandem.Owner, len(w.names))
	for i := w.keys + 1; i < len(w.names) && w.mix["owners"]; i++ {
		w.owners[i] = []tandem.Owner{"", "", tandem.OwnerDatabase, tandem.OwnerSheet, tandem.OwnerIgnored}[w.r.IntN(5)]
	}
	w.try(func() error {
		_, err := w.db.Exec("CREATE TABLE " + w.id + " (" + strings.Join(definitions, ", ") + ")")
		return err
	})
}

// fill puts rows into the table, and returns the tab's: partly alike.
func (w *pair) fill() [][]any {
	header := []any{}
	for _, name := range w.names {
		header = append(header, name)
	}
	cells, rows := [][]any{append(header, "mine", "calc")}, 6+w.r.IntN(14)
	if w.mix["small"] {
		rows = 1 + w.r.IntN(5)
	}
	for n := range rows {
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
	return cells
}

// link links the table with its tab and asks for the first sync.
func (w *pair) link(sheet int64, zone string) {
	link := tandem.Link{ID: w.id, Table: w.id, SpreadsheetID: book, SheetID: sheet, Tab: w.id, HeaderRow: 1,
		TimeZone: zone, Key: w.names[:w.keys], PreferredSource: tandem.Database, State: tandem.StateNew, Policy: w.anyPolicy()}
	if w.mix["limit"] {
		link.DeleteLimit = tandem.DeleteLimit{Count: 1 + w.r.IntN(4), Percent: 5 + w.r.IntN(40)}
	}
	for i, name := range w.names {
		column := tandem.LinkColumn{Column: name, Header: name, Owner: w.owners[i]}
		if i >= w.keys && w.when("policies", 40) {
			column.Policy = w.anyPolicy()
		}
		link.Columns = append(link.Columns, column)
	}
	if w.mix["policies"] {
		link.Rules = w.someRules()
	}
	w.try(func() (err error) { w.linked, err = w.store.CreateLink(w.t.Context(), link); return err })
	w.columns = w.table().Columns()
	w.learn(&picture{}, w.look())
	w.startSync(tandem.SyncRequest{})
}

func (w *pair) anyPolicy() tandem.Policy {
	return []tandem.Policy{tandem.LastWriteWins, tandem.LastWriteWins, tandem.DatabaseWins, tandem.SheetWins, tandem.Manual, tandem.ByRules}[w.r.IntN(6)]
}

// someRules settle some conflicts, leave some to people, and fail at others (a value may be NULL).
func (w *pair) someRules() []tandem.Rule {
	rules := []tandem.Rule{{Column: "qty", Expression: "database > sheet ? database : sheet"}, {Column: "title", Expression: "SHEET"}, {Expression: "MANUAL"}}
	return rules[w.r.IntN(2):][:1+w.r.IntN(2)]
}

func (w *pair) describe() string {
	return fmt.Sprintf("%s: key %v, columns %v, owners %v, policy %s, limit %v", w.id, w.names[:w.keys], w.names[w.keys:], w.owners[w.keys:], w.linked.Policy, w.linked.DeleteLimit)
}

// current reads the link as it is.
func (w *pair) current() tandem.Link {
	var link tandem.Link
	w.try(func() (err error) { link, err = w.store.Link(w.t.Context(), w.id); return err })
	return link
}

func (w *pair) state() tandem.State {
	var state tandem.State
	w.try(func() error { return w.db.QueryRow("SELECT state FROM tandem_links WHERE id = ?", w.id).Scan(&state) })
	return state
}

// table is the linked table, opened anew when the link's settings changed.
func (w *pair) table() *store.Table {
	if w.opened == nil {
		w.try(func() (err error) { w.opened, err = w.store.OpenTable(w.t.Context(), &w.linked); return err })
	}
	return w.opened
}

// keyParts is the n-th key.
func (w *pair) keyParts(n int) []string {
	switch w.keyKind {
	case 0:
		return []string{fmt.Sprint(n)}
	case 1:
		return []string{fmt.Sprintf("%03d", n)} // leading zeros must stay
	}
	return []string{[]string{"de", "fr", "it"}[n%3], fmt.Sprint(n / 3)}
}

// anyKey is mostly one of the last keys, so that different hands meet at the same rows.
func (w *pair) anyKey() []string {
	if !w.chance(50) || w.mix["calm"] {
		w.hot[w.r.IntN(len(w.hot))] = 1 + w.r.IntN(26)
	}
	return w.keyParts(max(w.hot[w.r.IntN(len(w.hot))], 1))
}

func (w *pair) keyOf(parts []string) tandem.Key {
	var values []tandem.Value
	for _, part := range parts {
		values = append(values, tandem.Text(part))
	}
	return tandem.MakeKey(values...)
}
