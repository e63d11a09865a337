package server_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// previewShape is a table and a tab that are not linked yet, and how they are to be.
type previewShape struct {
	name   string
	schema string         // statements, each ended by a semicolon
	cells  [][]any        // of the tab "Tab"; nil is an empty one
	link   map[string]any // beside table, spreadsheet and tab
	want   map[string]any // counts that the shape must bring up, whatever the plan says
}

const shapeSchema = `CREATE TABLE things (id INTEGER PRIMARY KEY, title VARCHAR(20), qty INTEGER NOT NULL, price DECIMAL(8,2), seen DATE, updated_at DATETIME);`

// shapeRows are rows of things and of the tab that agree, differ, and are there on one side alone; some cells are no values.
func shapeRows(seed uint64) (inserts string, cells [][]any) {
	random := rand.New(rand.NewPCG(seed, 1))
	cells = [][]any{{"My notes", "Id", "Title", "Qty", "Price", "Seen", "Updated at"}}
	pick := func(of ...any) any { return of[random.IntN(len(of))] }
	for id := 1; id <= 60; id++ {
		title, qty, price, seen, minute := pick("a", "b", ""), random.IntN(3), random.IntN(4)*25, random.IntN(3), random.IntN(4)
		if random.IntN(5) > 0 {
			inserts += fmt.Sprintf("INSERT INTO things VALUES (%d, '%s', %d, %d.%02d, '2026-01-%02d', '2026-01-01 00:%02d:00');", id, title, qty, price/100, price%100, seen+1, minute)
		}
		if random.IntN(3) == 0 { // the sheet's row is its own
			title, qty, minute = pick("a", "b", "", 12, "123456789012345678901", emulator.Formula("=1/0")), random.IntN(3), random.IntN(4)
		}
		key := pick(id, id, id, id, id, id, fmt.Sprint(id), id+1, "", "x")
		row := []any{"mine", key, title, pick(qty, qty, qty, qty, "many", 1.5, ""), pick(float64(price)/100, float64(price)/100, "8.125"), 46023 + seen,
			pick(46023+float64(minute)/1440, "soon")}
		if random.IntN(6) > 0 {
			cells = append(cells, row)
		}
		if random.IntN(9) == 0 {
			cells = append(cells, []any{"mine"})
		}
	}
	return inserts, cells
}

func previewShapes() []previewShape {
	var shapes []previewShape
	random := func(name string, seed uint64, link map[string]any, counts ...string) {
		inserts, cells := shapeRows(seed)
		want := map[string]any{}
		for _, count := range counts {
			want[count] = true
		}
		shapes = append(shapes, previewShape{name: name, schema: shapeSchema + inserts, cells: cells, link: link, want: want})
	}
	column := func(name string, settings ...string) map[string]any {
		c := map[string]any{"column": name}
		for i := 0; i < len(settings); i += 2 {
			c[settings[i]] = settings[i+1]
		}
		return c
	}
	random("preferred database", 1, nil, "equal", "insertDatabase", "insertSheet", "updateSheet", "refused", "settledDatabaseWon")
	random("preferred sheet", 2, map[string]any{"preferredSource": "SHEET"}, "updateDatabase", "settledSheetWon")
	random("the newest", 3, map[string]any{"updateTimeColumn": "updated_at"}, "updateDatabase", "updateSheet")
	random("database wins", 4, map[string]any{"conflictPolicy": "DATABASE_WINS", "updateTimeColumn": "updated_at"}, "updateSheet")
	random("people decide", 5, map[string]any{"conflictPolicy": "MANUAL"}, "conflicts")
	random("rules", 6, map[string]any{"conflictPolicy": "RULES", "updateTimeColumn": "updated_at", "rules": []any{
		map[string]any{"column": "qty", "expression": "database > sheet ? database : sheet"},
		map[string]any{"column": "title", "expression": "MANUAL"}}}, "conflicts", "updateDatabase", "updateSheet")
	random("owners", 7, map[string]any{"columns": []any{column("id"), column("title", "owner", "SHEET"), column("qty", "owner", "DATABASE"),
		column("price", "conflictPolicy", "MANUAL"), column("seen", "owner", "IGNORED")}}, "updateDatabase", "updateSheet", "refused")
	random("the database owns all", 8, map[string]any{"columns": []any{column("id"), column("title", "owner", "DATABASE"), column("qty", "owner", "DATABASE")}}, "updateSheet")
	random("a new tab", 9, map[string]any{"tab": "Another", "createTab": true}, "insertSheet")

	inserts, cells := shapeRows(10)
	shapes = append(shapes,
		previewShape{name: "no headers", schema: shapeSchema + inserts, want: map[string]any{"insertSheet": true}},
		previewShape{name: "headers alone", schema: shapeSchema + inserts, cells: cells[:1], want: map[string]any{"insertSheet": true}},
		previewShape{name: "headers further down", schema: shapeSchema + inserts, cells: slices.Concat([][]any{{"A title"}, nil}, cells),
			link: map[string]any{"headerRow": 3}, want: map[string]any{"equal": true}},
		previewShape{name: "two headers alike", schema: shapeSchema + inserts, cells: slices.Concat([][]any{{"qty", "Id", "Title", "Qty", "Price"}}, cells[1:]),
			want: map[string]any{"insertDatabase": true}},
		previewShape{name: "an empty table", schema: shapeSchema, cells: cells, want: map[string]any{"insertDatabase": true}},
		previewShape{name: "two keys", schema: `CREATE TABLE things (day DATE, place VARCHAR(20), qty INTEGER, PRIMARY KEY (place, day));
			INSERT INTO things VALUES ('2026-01-01', 'a~b', 1), ('2026-01-02', 'a~b', 2), ('2026-01-01', 'c', 3);`,
			cells: [][]any{{"Place", "Day", "Qty"}, {"a~b", 46023, 1}, {"a~b", 46024, 7}, {"a~b", "never", 7}, {"d", 46023, 9}, {"d", nil, 9}, {"e", 46023, 1}, {"e", 46023, 1}},
			want:  map[string]any{"equal": 1.0, "updateSheet": 1.0, "insertSheet": 1.0, "insertDatabase": 1.0, "refused": 4.0}},
		previewShape{name: "keys that the database makes", schema: `CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, title VARCHAR(20), qty INTEGER);
			INSERT INTO things VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3), (4, 'four', 4), (5, 'five', 5);`,
			cells: [][]any{{"Id", "Title", "Qty"}, {1, "one", 1}, {nil, "two", 2}, {nil, "three", 9}, {nil, "six", 6}, {nil, "six", 6}, {4, "x", "x"}, {4, "four", 4}},
			want:  map[string]any{"equal": 1.0, "insertSheet": 2.0, "refused": 3.0, "insertDatabase": 3.0}},
		previewShape{name: "keys that are one for the database", schema: `CREATE TABLE things (name VARCHAR(20) FOLDED PRIMARY KEY, qty INTEGER);
			INSERT INTO things VALUES ('Alice', 1), ('Bob', 2), ('Carol', 3);`,
			cells: [][]any{{"Name", "Qty"}, {"alice", 1}, {"BOB", 5}, {"bob", 6}, {"Dora", 1}, {"dora", 1}, {"Emil", 2}},
			want:  map[string]any{"insertSheet": 1.0, "insertDatabase": 1.0, "refused": true}})
	return shapes
}
