package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// oddRunes are characters that databases fold, pad, weigh or escape each in its own way.
var oddRunes = []rune("aAbzZäÄößẞsSſkKKéÉıİiǆǅ αΩως漢字😀?%_|\\*[]^$.'\"\n-")

func oddText(random *rand.Rand, most int) string {
	text := make([]rune, random.IntN(most+1))
	for i := range text {
		text[i] = oddRunes[random.IntN(len(oddRunes))]
	}
	return string(text)
}

// filterTable makes a table of all kinds of columns; its last column is whatever the dialect has that the other has not.
func filterTable(t *testing.T, w *world) (tandem.Link, *store.Table) {
	w.exec(t, "CREATE TABLE f (id INT NOT NULL PRIMARY KEY, small "+w.pick("SMALLINT", "TINYINT")+", big BIGINT, price DECIMAL(6,2), ratio DOUBLE, ok BOOLEAN, born DATE, "+
		"seen "+w.pick("DATETIME", "DATETIME(3)")+", fine DATETIME(6), span TIME, y YEAR, title VARCHAR(60) "+w.pick("COLLATE NOCASE", "COLLATE utf8mb4_general_ci")+
		" NOT NULL, body TEXT, data "+w.pick("BLOB", "VARBINARY(300)")+", "+w.pick("other VARCHAR(60)",
		"single FLOAT, at TIMESTAMP(3) NULL, level ENUM('low','Mid','high'), tags SET('a','b','c'), latin VARCHAR(60) CHARACTER SET latin1, bin VARCHAR(60) COLLATE utf8mb4_bin, "+
			"u BIGINT UNSIGNED, uca VARCHAR(60) COLLATE utf8mb4_unicode_ci, flag BIT(1), id2 UUID")+")",
		"CREATE INDEX f_title ON f (title)", "CREATE INDEX f_price ON f (price)", "CREATE INDEX f_seen ON f (seen)")
	return w.link(t, "f")
}

// pool are a few values of a column, so that random rows and random filters meet.
func pool(random *rand.Rand, c *tandem.Column) []string {
	switch t := &c.Type; {
	case len(t.Values) > 0:
		return t.Values
	case strings.HasPrefix(t.Native, "set"):
		return []string{"a", "b", "a,c", "a,b,c"}
	case t.Native == "uuid":
		return []string{"6f1ed002-ab5f-4c5a-9c3c-1f3a3b9b8a11", "0f1ed002-ab5f-4c5a-9c3c-1f3a3b9b8a12"}
	case c.Name == "latin":
		return []string{"", "é", "É", "e", "E", "e ", "straße", "STRASSE", "Straße", "?", "??"}
	}
	switch c.Type.Kind {
	case tandem.Int:
		all := []string{"0", "1", "5", "9", "100"}
		if !c.Type.Unsigned {
			all = append(all, "-1", "-100")
		}
		if c.Type.Bits == 64 {
			all = append(all, "9007199254740993", "9007199254740992", "9223372036854775807")
		}
		return all
	case tandem.Decimal:
		return []string{"0.00", "8.50", "8.05", "-8.50", "10.00", "1000.01", "-0.01"}
	case tandem.Float:
		if c.Type.Bits == 32 {
			return []string{"0", "0.1", "-0.1", "1e+10", "16777216", "3.4e+38"}
		}
		return []string{"0", "0.1", "0.30000000000000004", "0.3", "-2.5", "1e+21", "1e-300"}
	case tandem.Bool:
		return []string{"true", "false"}
	case tandem.Date:
		return []string{"2026-11-21", "1999-12-31", "2026-02-28", "0001-01-01", "9999-12-31"}
	case tandem.DateTime, tandem.Timestamp:
		all := []string{"2026-11-21T07:00:00", "1999-12-31T23:59:59", "2026-11-21T07:00:01"}
		if c.Type.Fraction > 0 {
			all = append(all, "2026-11-21T07:00:00.123", "2026-11-21T07:00:00.12")
		}
		for i := range all {
			if c.Type.Kind == tandem.Timestamp {
				all[i] += "Z"
			}
		}
		return all
	case tandem.Time:
		return []string{"00:00:00", "23:59:59", "-01:00:00", "-02:30:00", "100:00:00", "838:59:59"}
	case tandem.Year:
		return []string{"2026", "1999", "1901"}
	case tandem.Bytes:
		return []string{"", "AAE=", "YWJj", "QUJD", "/////w=="}
	}
	all := []string{"", "a", "A", "a ", "moon", "Moon Rise", "MOON", "it's", "100%", "a_b"}
	for range 30 {
		all = append(all, oddText(random, 6))
	}
	return all
}

// randomRow fills a row, some of its cells with NULL.
func randomRow(random *rand.Rand, columns []tandem.Column, id int) []tandem.Value {
	values := make([]tandem.Value, len(columns))
	for i := range columns {
		c := &columns[i]
		texts := pool(random, c)
		value, err := c.Type.Parse(texts[random.IntN(len(texts))])
		if values[i] = value; err != nil {
			panic(err)
		}
		if c.Nullable && random.IntN(5) == 0 {
			values[i] = tandem.Null
		}
	}
	values[0] = tandem.Text(fmt.Sprint(id))
	return values
}

func randomFilter(random *rand.Rand, columns []tandem.Column, depth int) *tandem.Filter {
	if depth > 0 && random.IntN(2) == 0 {
		f := &tandem.Filter{Op: []tandem.FilterOp{tandem.FilterAnd, tandem.FilterOr, tandem.FilterNot}[random.IntN(3)]}
		for range map[bool]int{true: 1, false: 2 + random.IntN(2)}[f.Op == tandem.FilterNot] {
			f.Parts = append(f.Parts, randomFilter(random, columns, depth-1))
		}
		return f
	}
	return randomComparison(random, columns, random.IntN(len(columns)))
}

func randomComparison(random *rand.Rand, columns []tandem.Column, column int) *tandem.Filter {
	ops := []tandem.FilterOp{tandem.FilterEqual, tandem.FilterNotEqual, tandem.FilterLess, tandem.FilterLessOrEqual, tandem.FilterGreater,
		tandem.FilterGreaterOrEqual, tandem.FilterEmpty, tandem.FilterPresent}
	f, c := &tandem.Filter{Column: column}, &columns[column]
	if c.Type.Kind == tandem.String {
		ops = append(ops, tandem.FilterContains, tandem.FilterContains, tandem.FilterContains)
	}
	if f.Op = ops[random.IntN(len(ops))]; f.Op == tandem.FilterEmpty || f.Op == tandem.FilterPresent {
		return f
	}
	texts := slices.DeleteFunc(slices.Clone(pool(random, c)), func(text string) bool { return text == "" })
	text := []rune(texts[random.IntN(len(texts))])
	if f.Op == tandem.FilterContains { // a part of it, and perhaps in other letters
		from := random.IntN(len(text))
		text = text[from : from+1+random.IntN(len(text)-from)]
		for i, r := range text {
			variants := tandem.FoldVariants(r)
			text[i] = variants[random.IntN(len(variants))]
		}
		f.Value = tandem.Text(string(text))
		return f
	}
	value, err := c.Type.Parse(string(text))
	if err != nil {
		panic(err)
	}
	f.Value = value
	return f
}

// inSheet are rows as the sheet has them, which knows no empty text.
func inSheet(rows []tandem.Row) []tandem.Row {
	sheet := make([]tandem.Row, len(rows))
	for i, row := range rows {
		row.Values = slices.Clone(row.Values)
		for j, v := range row.Values {
			if v.IsEmpty() {
				row.Values[j] = tandem.Null
			}
		}
		sheet[i] = row
	}
	return sheet
}

func keyLine(rows []tandem.Row) string {
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = string(rows[i].Key)
	}
	return strings.Join(keys, " ")
}

// difference shows a row that is in one of two lists only.
func difference(got, want []tandem.Row) string {
	for _, row := range want {
		if !slices.ContainsFunc(got, func(other tandem.Row) bool { return other.Key == row.Key }) {
			return "lacks " + show([]tandem.Row{row})[0]
		}
	}
	for _, row := range got {
		if !slices.ContainsFunc(want, func(other tandem.Row) bool { return other.Key == row.Key }) {
			return "has " + show([]tandem.Row{row})[0]
		}
	}
	return "the same rows: " + keyLine(got) + ", want " + keyLine(want)
}

// fill inserts random rows through the store, and returns all rows as the table holds them.
func fill(t *testing.T, w *world, random *rand.Rand, table *store.Table, n int) []tandem.Row {
	t.Helper()
	for id := 0; id < n; {
		var mutations []tandem.Mutation
		for ; id < n && len(mutations) < 200; id++ {
			mutations = append(mutations, tandem.Mutation{Kind: tandem.Insert, Values: randomRow(random, table.Columns(), id+1)})
		}
		for i, result := range w.mutate(t, table, mutations...) {
			if result.Err != nil {
				t.Fatalf("insert %v: %v", mutations[i].Values, result.Err)
			}
		}
	}
	rows, err := table.Scan(t.Context(), "", n+1)
	if err != nil || len(rows) != n {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows
}

// The database and the sheet answer every filter alike: what SQL finds and counts are the rows that the filter itself wants.
func TestFiltersMeanTheSameInSQL(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		random := rand.New(rand.NewPCG(7, 7))
		_, table := filterTable(t, w)
		columns := table.Columns()
		rows := fill(t, w, random, table, 400)
		sheet := inSheet(rows)
		check := func(f *tandem.Filter) {
			t.Helper()
			wanted := f.Matcher(columns)
			want := slices.DeleteFunc(slices.Clone(sheet), func(row tandem.Row) bool { return !wanted(row.Values) })
			page, err := table.Select(t.Context(), store.RowQuery{Filter: f, Limit: 1000})
			if err != nil {
				t.Fatalf("%s: %v", f.Text(columns), err)
			}
			count, err := table.CountMatching(t.Context(), f)
			if err != nil {
				t.Fatalf("%s: %v", f.Text(columns), err)
			}
			if got := keyLine(page.Rows); got != keyLine(want) || int(count) != len(want) {
				t.Errorf("%s: found %d, counted %d, want %d: %s", f.Text(columns), len(page.Rows), count, len(want), difference(page.Rows, want))
			}
		}
		for column := range columns {
			for range 30 {
				check(randomComparison(random, columns, column))
			}
		}
		for range 250 {
			check(randomFilter(random, columns, 4))
		}
	})
}

// Names that SQL has to quote, or that a driver takes for the place of an argument.
func TestFiltersOfOddNames(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, strings.ReplaceAll("CREATE TABLE 'odd? @table' ('what?' INT NOT NULL PRIMARY KEY, 'a@b:c$1 \"x' VARCHAR(20), 'select' INT)", "'", w.pick("`", "`")))
		_, table := w.link(t, "odd? @table")
		for _, result := range w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: text("1", "what?", "3")}, tandem.Mutation{Kind: tandem.Insert, Values: text("2", "WHAT? @x", "2")},
			tandem.Mutation{Kind: tandem.Insert, Values: text("3", "x", "1")}) {
			if result.Err != nil {
				t.Fatal(result.Err)
			}
		}
		query := store.RowQuery{Filter: &tandem.Filter{Op: tandem.FilterOr, Parts: []*tandem.Filter{{Op: tandem.FilterContains, Column: 1, Value: tandem.Text("hat?")},
			{Op: tandem.FilterEqual, Column: 1, Value: tandem.Text("x")}}}, Order: []tandem.Order{{Column: 2}, {Column: 1, Descending: true}}, Limit: 1}
		same(t, "rows", keyLine(pages(t, table, query, func() {})), "3 2 1")
	})
}
