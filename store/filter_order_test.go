package store_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// pages reads all rows of a query, so many at a time.
func pages(t *testing.T, table *store.Table, query store.RowQuery, between func()) []tandem.Row {
	t.Helper()
	var all []tandem.Row
	for {
		page, err := table.Select(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page.Rows...); !page.More {
			return all
		}
		if len(page.Rows) != query.Limit {
			t.Fatalf("a page of %d rows, not %d, is not the last", len(page.Rows), query.Limit)
		}
		query.After, query.Marks = page.Rows[query.Limit-1].Key, page.Marks
		between()
	}
}

// ordered sorts rows as the sheet does.
func ordered(rows []tandem.Row, columns []tandem.Column, order []tandem.Order) []tandem.Row {
	sorted := slices.Clone(rows)
	slices.SortFunc(sorted, func(a, b tandem.Row) int {
		for _, o := range order {
			if c := o.Compare(&columns[o.Column].Type, a.Values[o.Column], b.Values[o.Column]); c != 0 {
				return c
			}
		}
		x, _ := strconv.Atoi(string(a.Key))
		y, _ := strconv.Atoi(string(b.Key))
		if order[len(order)-1].Descending {
			x, y = y, x
		}
		return cmp.Compare(x, y)
	})
	return sorted
}

// Pages of any order hold every row once, and both sources sort alike; but for texts, of which the collation decides.
func TestOrderedPages(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		random := rand.New(rand.NewPCG(8, 8))
		_, table := filterTable(t, w)
		columns := table.Columns()
		rows := fill(t, w, random, table, 300)
		for i := range 4 * len(columns) {
			order := []tandem.Order{{Column: i % len(columns), Descending: random.IntN(2) == 0}}
			for range random.IntN(3) {
				if column := random.IntN(len(columns)); !slices.ContainsFunc(order, func(o tandem.Order) bool { return o.Column == column }) {
					order = append(order, tandem.Order{Column: column, Descending: random.IntN(2) == 0})
				}
			}
			query := store.RowQuery{Order: order, Limit: 1000}
			if random.IntN(2) == 0 {
				query.Filter = randomFilter(random, columns, 2)
			}
			wanted := query.Filter.Matcher(columns)
			all := pages(t, table, query, func() {})
			want := ordered(slices.DeleteFunc(inSheet(rows), func(row tandem.Row) bool { return !wanted(row.Values) }), columns, order)
			alike, shown := true, ""
			for _, o := range order {
				c := &columns[o.Column]
				alike = alike && (!w.mariadb || c.Type.Kind != tandem.String || len(c.Type.Values) > 0 || slices.Contains([]string{"tags", "id2"}, c.Name))
				shown += fmt.Sprint(" ", c.Name, " ", o.Descending)
			}
			if alike && keyLine(all) != keyLine(want) {
				t.Errorf("order%s:\n got %s\nwant %s", shown, keyLine(all), keyLine(want))
			}
			if len(all) != len(want) {
				t.Errorf("order%s: %d rows, want %d", shown, len(all), len(want))
			}
			query.Limit = 7
			if paged := pages(t, table, query, func() {}); keyLine(paged) != keyLine(all) {
				t.Errorf("order%s: in pages\n got %s\nwant %s", shown, keyLine(paged), keyLine(all))
			}
		}
	})
}

// A page goes on where the one before ended, whatever is written in between: no row that stands still is missed or comes
// twice, also when the row at the end of the page is gone.
func TestOrderedPagesUnderWrites(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE busy (id INT NOT NULL PRIMARY KEY, score INT, title VARCHAR(20) NOT NULL)", "CREATE INDEX busy_score ON busy (score)")
		_, table := w.link(t, "busy")
		random := rand.New(rand.NewPCG(9, 9))
		score := func() any {
			if random.IntN(6) == 0 {
				return nil
			}
			return random.IntN(20)
		}
		const n = 200
		for id := range n {
			if _, err := w.sql.Exec("INSERT INTO busy VALUES (?, ?, ?)", id, score(), fmt.Sprint("T", random.IntN(9))); err != nil {
				t.Fatal(err)
			}
		}
		for _, order := range [][]tandem.Order{{{Column: 1}}, {{Column: 1, Descending: true}}, {{Column: 2}, {Column: 1, Descending: true}}, {{Column: 2, Descending: true}}, nil} {
			fresh := 1000
			seen := map[string]int{}
			all := pages(t, table, store.RowQuery{Filter: &tandem.Filter{Op: tandem.FilterPresent, Column: 2}, Order: order, Limit: 9}, func() {
				for range 10 { // rows whose id is odd, or new, come, go and move
					id := 2*random.IntN(n/2) + 1
					var err error
					switch random.IntN(3) {
					case 0:
						_, err = w.sql.Exec("DELETE FROM busy WHERE id = ?", id)
					case 1:
						_, err = w.sql.Exec("UPDATE busy SET score = ?, title = ? WHERE id = ?", score(), fmt.Sprint("T", random.IntN(9)), id)
					default:
						fresh++
						_, err = w.sql.Exec("INSERT INTO busy VALUES (?, ?, ?)", fresh, score(), "T5")
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			})
			for _, row := range all {
				seen[string(row.Key)]++
			}
			for id := 0; id < n; id += 2 {
				if times := seen[fmt.Sprint(id)]; times != 1 {
					t.Errorf("order %v: row %d comes %d times", order, id, times)
				}
			}
			w.exec(t, "DELETE FROM busy WHERE id > 1000")
		}
	})
}

// MySQL sorts by the beginning of what a collation makes of a text, and compares all of it.
func TestOrderedPagesOfLongTexts(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		for n, collation := range strings.Fields(w.pick("NOCASE", "utf8mb4_uca1400_as_cs utf8mb4_uca1400_ai_ci utf8mb4_unicode_ci utf8mb4_general_ci utf8mb4_bin latin1_general_cs")) {
			longTexts(t, w, fmt.Sprint("long_texts", n), collation)
		}
	})
}

func longTexts(t *testing.T, w *world, name, collation string) {
	set, _, _ := strings.Cut(collation, "_")
	w.exec(t, "CREATE TABLE "+name+" (id INT NOT NULL PRIMARY KEY, title VARCHAR(255) "+w.pick("", "CHARACTER SET "+set)+" COLLATE "+collation+" NOT NULL, body TEXT)")
	_, table := w.link(t, name)
	var mutations []tandem.Mutation
	for id := range 60 {
		heavy := map[bool]string{true: "é", false: "ﬃ"}[set == "latin1"] // counts as three letters
		title := strings.Repeat(heavy, 250) + "aa" + string("aAbB"[id%4])
		body := strings.Repeat("é", 300) + fmt.Sprint(id%7)
		mutations = append(mutations, tandem.Mutation{Kind: tandem.Insert, Values: text(fmt.Sprint(id), title, body)})
	}
	for _, result := range w.mutate(t, table, mutations...) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	for _, order := range [][]tandem.Order{{{Column: 1}}, {{Column: 2, Descending: true}}, {{Column: 2}, {Column: 1}}} {
		all := pages(t, table, store.RowQuery{Order: order, Limit: 100}, func() {})
		if got := pages(t, table, store.RowQuery{Order: order, Limit: 4}, func() {}); len(all) != 60 || keyLine(got) != keyLine(all) {
			t.Errorf("%s, order %v: in pages\n got %s\nwant %s", collation, order, keyLine(got), keyLine(all))
		}
	}
}

// The key that rows alike stand by may be such a text too.
func TestOrderedPagesOfLongKeys(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		for n, collation := range strings.Fields(w.pick("NOCASE", "utf8mb4_uca1400_as_cs utf8mb4_general_ci")) {
			name := fmt.Sprint("long_keys", n)
			w.exec(t, "CREATE TABLE "+name+" (word VARCHAR(500) COLLATE "+collation+" NOT NULL PRIMARY KEY, n INT)")
			_, table := w.link(t, name)
			var mutations []tandem.Mutation
			for id := range 64 {
				word := strings.Repeat("漢", 200+id%3) + fmt.Sprintf("%06b", id)
				if collation == "utf8mb4_uca1400_as_cs" {
					word = strings.NewReplacer("0", "a", "1", "A").Replace(word)
				}
				mutations = append(mutations, tandem.Mutation{Kind: tandem.Insert, Values: text(word, fmt.Sprint(id%2))})
			}
			for _, result := range w.mutate(t, table, mutations...) {
				if result.Err != nil {
					t.Fatal(result.Err)
				}
			}
			for _, order := range [][]tandem.Order{nil, {{Column: 1}}, {{Column: 1, Descending: true}}} {
				all := pages(t, table, store.RowQuery{Order: order, Filter: &tandem.Filter{Op: tandem.FilterPresent, Column: 1}, Limit: 100}, func() {})
				if got := pages(t, table, store.RowQuery{Order: order, Filter: &tandem.Filter{Op: tandem.FilterPresent, Column: 1}, Limit: 5}, func() {}); len(all) != 64 || keyLine(got) != keyLine(all) {
					t.Errorf("%s, order %v: %d rows, in pages %d", collation, order, len(all), len(got))
				}
			}
		}
	})
}
