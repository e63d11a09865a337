package reconcile_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// ruled are columns of every type that rules tell apart.
var ruled = []tandem.Column{
	{Name: "id", Type: tandem.Type{Kind: tandem.Int, Bits: 64}, KeyPosition: 1},
	{Name: "title", Type: tandem.Type{Kind: tandem.String, Length: 10}},
	{Name: "price", Type: tandem.Type{Kind: tandem.Decimal, Precision: 20, Scale: 2}, Nullable: true},
	{Name: "stock", Type: tandem.Type{Kind: tandem.Int, Bits: 16}},
	{Name: "views", Type: tandem.Type{Kind: tandem.Int, Bits: 64, Unsigned: true}},
	{Name: "score", Type: tandem.Type{Kind: tandem.Float, Bits: 64}},
	{Name: "due", Type: tandem.Type{Kind: tandem.Date}, Nullable: true},
	{Name: "begins", Type: tandem.Type{Kind: tandem.DateTime}},
	{Name: "stamp", Type: tandem.Type{Kind: tandem.Timestamp, Fraction: 3}},
	{Name: "done", Type: tandem.Type{Kind: tandem.Bool}},
	{Name: "year", Type: tandem.Type{Kind: tandem.Year}},
	{Name: "length", Type: tandem.Type{Kind: tandem.Time}},
	{Name: "kind", Type: tandem.Type{Kind: tandem.String, Values: []string{"film", "series"}}},
}

func compile(tb testing.TB, rules ...tandem.Rule) *reconcile.Rules {
	tb.Helper()
	compiled, err := reconcile.CompileRules(ruled, rules)
	if err != nil {
		tb.Fatal(err)
	}
	return compiled
}

// held is a value as values writes it.
func held(text string) tandem.Value { return values(text)[0] }

func TestRules(t *testing.T) {
	tests := []struct {
		name, column, expression string
		base, database, sheet    string
		want                     tandem.Verdict // a Problem is a part of it
	}{
		{"the example of the API", "price", `database > sheet ? database : sheet`, "1.00", "3.00", "2.00", tandem.Verdict{Would: tandem.Database}},
		{"the example of the API, the other way", "price", `database > sheet ? database : sheet`, "1.00", "2.00", "10.00", tandem.Verdict{Would: tandem.Sheet}},
		{"DATABASE", "price", `DATABASE`, "1.00", "2.00", "3.00", tandem.Verdict{Would: tandem.Database}},
		{"SHEET", "price", `SHEET`, "1.00", "2.00", "3.00", tandem.Verdict{Would: tandem.Sheet}},
		{"MANUAL", "price", `MANUAL`, "1.00", "2.00", "3.00", tandem.Verdict{Manual: true}},
		{"words can be compared", "price", `(database > sheet ? DATABASE : SHEET) == SHEET ? MANUAL : SHEET`, "1.00", "2.00", "3.00", tandem.Verdict{Manual: true}},
		{"LAST_WRITE", "price", `LAST_WRITE`, "1.00", "2.00", "3.00", tandem.Verdict{Would: tandem.Sheet}},
		{"the times", "price", `sheet_time > database_time && sheet_time == timestamp("2026-11-21T12:00:03Z") ? SHEET : MANUAL`, "1.00", "2.00", "3.00", tandem.Verdict{Would: tandem.Sheet}},
		{"the column's name", "title", `column == "title" ? SHEET : MANUAL`, "a", "b", "c", tandem.Verdict{Would: tandem.Sheet}},
		{"another value", "price", `math.round((database + sheet) * 50.0) / 100.0`, "1.00", "2.00", "2.05", tandem.Verdict{Value: tandem.Text("2.03")}},
		{"the base on both sides", "price", `base`, "1.00", "2.00", "3.00", tandem.Verdict{Value: tandem.Text("1.00")}},
		{"decimals that the column does not have", "price", `(database + sheet) / 2.0`, "1.00", "2.00", "2.05", tandem.Verdict{Problem: "cannot be stored: \"2.025\" has more than 2 decimals"}},
		{"not a number", "price", `database / 0.0`, "1.00", "2.00", "3.00", tandem.Verdict{Problem: "is not a number"}},
		{"exactly a side's digits, however many", "price", `database > sheet ? database : sheet`, "1.00", "123456789012345678.01", "5.00", tandem.Verdict{Would: tandem.Database}},
		{"digits that rules cannot see", "price", `database > sheet ? database : sheet`, "1.00", "123456789012345678.01", "123456789012345678.02", tandem.Verdict{Problem: "let it give DATABASE or SHEET"}},
		{"no baseline", "price", `base == null ? DATABASE : SHEET`, "", "2.00", "3.00", tandem.Verdict{Would: tandem.Database}},
		{"null is the side that is empty", "price", `database != null ? null : sheet`, "1.00", "2.00", "", tandem.Verdict{Would: tandem.Sheet}},
		{"null as a new value", "price", `database > 0.0 ? null : sheet`, "1.00", "2.00", "3.00", tandem.Verdict{Value: tandem.Null}},
		{"null where the column cannot be empty", "stock", `null`, "1", "2", "3", tandem.Verdict{Problem: "the column cannot be empty"}},
		{"null in text that is '' on one side", "title", `null`, "a", "b", "", tandem.Verdict{Would: tandem.Sheet}},
		{"null in a rule of words", "price", `database > 9.0 ? DATABASE : null`, "1.00", "2.00", "3.00", tandem.Verdict{Problem: "null instead of a side"}},
		{"an operation on null", "price", `database > sheet ? database : sheet`, "1.00", "", "3.00", tandem.Verdict{Problem: "its rule failed: it does something that these values do not allow"}},
		{"integers", "stock", `database + sheet - base`, "10", "12", "9", tandem.Verdict{Value: tandem.Text("11")}},
		{"integers beyond the column", "stock", `database * 100`, "10", "12000", "9", tandem.Verdict{Problem: "is not a whole number from -32768 to 32767"}},
		{"integers that overflow", "id", `database * 10`, "1", "9223372036854775807", "9", tandem.Verdict{Problem: "its rule failed: integer overflow"}},
		{"division by zero", "stock", `database / (sheet - sheet)`, "1", "2", "3", tandem.Verdict{Problem: "its rule failed: division by zero"}},
		{"unsigned, the whole range", "views", `database < sheet ? sheet : database`, "1", "18446744073709551615", "18446744073709551614", tandem.Verdict{Would: tandem.Database}},
		{"unsigned, another value", "views", `database - 1u`, "1", "18446744073709551615", "7", tandem.Verdict{Value: tandem.Text("18446744073709551614")}},
		{"numbers of two types", "views", `database > 5 ? DATABASE : SHEET`, "1", "6", "7", tandem.Verdict{Would: tandem.Database}},
		{"float", "score", `(database + sheet) / 2.0`, "1", "0.1", "0.2", tandem.Verdict{Value: tandem.Text("0.15000000000000002")}},
		{"text", "title", `size(database) > size(sheet) ? database : sheet`, "a", "ab", "c", tandem.Verdict{Would: tandem.Database}},
		{"text, another value", "title", `database + " / " + sheet`, "a", "b", "c", tandem.Verdict{Value: tandem.Text("b / c")}},
		{"text that is too long", "title", `database + " / " + sheet`, "a", "bbbbbb", "cccccc", tandem.Verdict{Problem: "15 characters are more than the 10 that fit"}},
		{"text that is not one of the column's", "kind", `"radio"`, "film", "series", "film", tandem.Verdict{Problem: "is not one of film, series"}},
		{"pattern", "title", `sheet.matches("^[A-Z]") ? SHEET : DATABASE`, "a", "b", "C", tandem.Verdict{Would: tandem.Sheet}},
		{"date", "due", `database > sheet ? database : sheet`, "2026-01-01", "2026-11-21", "2026-11-22", tandem.Verdict{Would: tandem.Sheet}},
		{"date, another value", "due", `sheet + duration("24h")`, "2026-01-01", "2026-11-21", "2026-12-31", tandem.Verdict{Value: tandem.Text("2027-01-01")}},
		{"date with a time", "due", `sheet + duration("1h")`, "2026-01-01", "2026-11-21", "2026-12-31", tandem.Verdict{Problem: "is not a date without a time"}},
		{"date and time", "begins", `database + duration("1s")`, "", "2026-11-21T07:00:00", "2026-11-21T08:00:00", tandem.Verdict{Value: tandem.Text("2026-11-21T07:00:01")}},
		{"date and time, too fine", "begins", `database + duration("1ms")`, "", "2026-11-21T07:00:00", "2026-11-21T08:00:00", tandem.Verdict{Problem: "is finer than the column"}},
		{"timestamp", "stamp", `database > sheet ? database : sheet`, "", "2026-11-21T07:00:00.002Z", "2026-11-21T07:00:00.001Z", tandem.Verdict{Would: tandem.Database}},
		{"timestamp, another value", "stamp", `timestamp("2026-11-21T07:00:00+01:00")`, "", "2026-11-21T07:00:00.002Z", "2026-11-21T07:00:00.001Z", tandem.Verdict{Value: tandem.Text("2026-11-21T06:00:00.000Z")}},
		{"boolean", "done", `database || sheet`, "", "false", "true", tandem.Verdict{Would: tandem.Sheet}},
		{"year", "year", `database > sheet ? database : sheet`, "2000", "2026", "1999", tandem.Verdict{Would: tandem.Database}},
		{"time is text", "length", `database.startsWith("2") ? database : sheet`, "", "23:59:59", "00:10:00", tandem.Verdict{Would: tandem.Database}},
		{"a list, with a macro", "price", `[base, database, sheet].exists(v, v == null) ? MANUAL : SHEET`, "", "2.00", "3.00", tandem.Verdict{Manual: true}},
		{"the rule without a column", "", `database > sheet ? database : sheet`, "1.00", "2.00", "3.00", tandem.Verdict{Would: tandem.Sheet}},
		{"the rule without a column, words", "", `column == "price" && !sheet_deleted ? SHEET : MANUAL`, "1.00", "2.00", "3.00", tandem.Verdict{Would: tandem.Sheet}},
		{"the rule without a column, a value of another type", "", `"dear"`, "1.00", "2.00", "3.00", tandem.Verdict{Problem: "it is a string, but the column holds double"}},
		{"the rule of another column", "title", `DATABASE`, "1.00", "2.00", "3.00", tandem.Verdict{Column: "price", Would: tandem.Sheet}},
		{"a value that is none of the column's type", "price", `SHEET`, "abc", "2.00", "3.00", tandem.Verdict{Problem: `"abc" is not a value of its type (decimal)`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at := noon
			column := test.column
			if column == "" || test.want.Column != "" {
				column = "price"
			}
			conflict := tandem.Conflict{Key: "1", Columns: []string{column}, Winner: tandem.Database, Since: at, DatabaseTime: at, SheetFrom: at.Add(time.Second), SheetTo: at.Add(3 * time.Second),
				Base:     map[string]tandem.Value{column: held(test.base)},
				Database: map[string]tandem.Value{column: held(test.database)}, Sheet: map[string]tandem.Value{column: held(test.sheet)}}
			rules := compile(t, tandem.Rule{Column: test.column, Expression: test.expression})
			want := test.want
			want.Key, want.Column, want.Was, want.At = "1", column, tandem.Database, at
			for range 2 { // the second time must not differ
				got := rules.Try([]tandem.Conflict{conflict})
				if len(got) != 1 {
					t.Fatalf("%d verdicts", len(got))
				}
				if want.Problem != "" && strings.Contains(got[0].Problem, want.Problem) {
					got[0].Problem = want.Problem
				}
				if diff := cmp.Diff(want, got[0], comparison...); diff != "" {
					t.Errorf("verdict (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestRulesOfRows(t *testing.T) {
	row := map[string]tandem.Value{"price": held("5.00"), "due": tandem.Null, "score": tandem.Invalid("x")}
	base := map[string]tandem.Value{"price": held("4.00")}
	sheetGone := tandem.Conflict{Key: "1", Base: base, Database: row}
	databaseGone := tandem.Conflict{Key: "1", Base: base, Sheet: row}
	tests := []struct {
		name, expression string
		conflict         tandem.Conflict
		want             tandem.Verdict
	}{
		{"no rule: the update wins", "", sheetGone, tandem.Verdict{Would: tandem.Database}},
		{"no rule: the update wins, in the sheet", "", databaseGone, tandem.Verdict{Would: tandem.Sheet}},
		{"LAST_WRITE: the update wins", `LAST_WRITE`, databaseGone, tandem.Verdict{Would: tandem.Sheet}},
		{"who deleted", `sheet_deleted && !database_deleted ? SHEET : MANUAL`, sheetGone, tandem.Verdict{Would: tandem.Sheet}},
		{"who deleted, the other way", `sheet_deleted && !database_deleted ? SHEET : MANUAL`, databaseGone, tandem.Verdict{Manual: true}},
		{"the side that is gone is null", `database == null ? DATABASE : SHEET`, databaseGone, tandem.Verdict{Would: tandem.Database}},
		{"what the row holds", `database.price > base.price && database.due == null && column == "" ? DATABASE : SHEET`, sheetGone, tandem.Verdict{Would: tandem.Database}},
		{"a cell that is no value", `database.score > 1.0 ? DATABASE : SHEET`, sheetGone, tandem.Verdict{Problem: "no such key: score"}},
		{"a value", `sheet`, databaseGone, tandem.Verdict{Problem: "needs DATABASE, SHEET or MANUAL"}},
		{"a comparison of cells", `database > sheet ? database : sheet`, sheetGone, tandem.Verdict{Problem: "its rule failed: it does something that these values do not allow"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rules := []tandem.Rule{{Column: "price", Expression: "DATABASE"}} // of a column: not asked
			if test.expression != "" {
				rules = append(rules, tandem.Rule{Expression: test.expression})
			}
			got := compile(t, rules...).Try([]tandem.Conflict{test.conflict})[0]
			if test.want.Problem != "" && strings.Contains(got.Problem, test.want.Problem) {
				got.Problem = test.want.Problem
			}
			test.want.Key = "1"
			if diff := cmp.Diff(test.want, got, comparison...); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompileRulesRefuses(t *testing.T) {
	rule := func(column, expression string) []tandem.Rule {
		return []tandem.Rule{{Column: column, Expression: expression}}
	}
	ten := "[0,1,2,3,4,5,6,7,8,9]"
	tests := []struct {
		name        string
		rules       []tandem.Rule
		field, text string
	}{
		{"unknown name", rule("price", "databse"), "rules[0].expression", "1:1: undeclared reference to 'databse'"},
		{"the place", rule("price", "database > sheet ?\n database : sheat"), "rules[0].expression", "2:13: undeclared reference to 'sheat'"},
		{"syntax", rule("price", "database >"), "rules[0].expression", "1:11: Syntax error"},
		{"types", rule("price", "database == 5"), "rules[0].expression", "1:10: found no matching overload for '_==_' applied to '(double, int)'"},
		{"the type of the result", rule("price", "5"), "rules[0].expression", "the expression gives int; a rule for column price gives double, or DATABASE, SHEET, MANUAL or LAST_WRITE"},
		{"an unknown type as the result", rule("price", "dyn(database)"), "rules[0].expression", "gives dyn"},
		{"words and values", rule("price", "database > sheet ? DATABASE : sheet"), "rules[0].expression", "1:18: found no matching overload"},
		{"a list as the result of the rule without a column", rule("", "[1]"), "rules[0].expression", "gives list(int)"},
		{"deletions in the rule of a column", rule("price", "sheet_deleted ? DATABASE : SHEET"), "rules[0].expression", "undeclared reference to 'sheet_deleted'"},
		{"empty", rule("price", " \n"), "rules[0].expression", "the expression is empty"},
		{"too long", rule("price", "database"+strings.Repeat(" ", 2000)), "rules[0].expression", "2008 bytes long; 2000 are allowed"},
		{"too deep", rule("price", strings.Repeat("(", 60)+"1.0"+strings.Repeat(")", 60)), "rules[0].expression", "recursion limit"},
		{"unknown column", rule("prize", "DATABASE"), "rules[0].column", `the link has no column "prize"`},
		{"two for a column", append(rule("price", "DATABASE"), rule("price", "SHEET")...), "rules[1].column", "rules[0] is for column price already"},
		{"two for every other column", append(rule("", "DATABASE"), rule("", "SHEET")...), "rules[1].column", "rules[0] is for every column"},
		{"entries of a map", rule("price", `{"a": 1, "b": 2}.exists(k, k == "a") ? DATABASE : SHEET`), "rules[0].expression", "the entries of a map have no order"},
		{"cells of a row", rule("", `database.map(k, k)[0] == "price" ? DATABASE : SHEET`), "rules[0].expression", "1:1: all, exists"},
		{"a pattern out of a cell", rule("title", "database.matches(sheet) ? database : sheet"), "rules[0].expression", "1:18: the pattern of matches must be a text in quotes"},
		{"a bad pattern", rule("title", `database.matches("a(") ? database : sheet`), "rules[0].expression", "missing closing )"},
		{"a pattern that is too big", rule("title", `database.matches("((a{100}){100}){100}") ? database : sheet`), "rules[0].expression", "regexp"},
		{"too costly", rule("price", strings.Repeat(ten+".all(x, ", 8)+"x >= 0"+strings.Repeat(")", 8)+" ? database : sheet"), "rules[0].expression", "may take too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rules, err := reconcile.CompileRules(ruled, test.rules)
			var refused *tandem.Error
			if !errors.As(err, &refused) || rules != nil {
				t.Fatalf("CompileRules = %v, %v", rules, err)
			}
			if refused.Code != tandem.CodeInvalid || refused.Reason != "INVALID_FIELD" || len(refused.Fields) != 1 {
				t.Fatalf("error = %+v", refused)
			}
			if got := refused.Fields[0]; got.Field != "link."+test.field || !strings.Contains(got.Description, test.text) {
				t.Errorf("field %s: %s\nwant link.%s: … %s …", got.Field, got.Description, test.field, test.text)
			}
		})
	}
	_, err := reconcile.CompileRules(ruled, append(rule("price", "x"), append(rule("title", "title"), rule("nope", "1")...)...))
	var refused *tandem.Error
	if !errors.As(err, &refused) || len(refused.Fields) != 3 {
		t.Errorf("three wrong rules: %v", err)
	}
}

func TestSavedRulesOfAnAlteredTable(t *testing.T) {
	rules, err := reconcile.SavedRules(ruled, []tandem.Rule{{Column: "price", Expression: "database.size() > 3 ? database : sheet"}, {Column: "dropped", Expression: "SHEET"}, {Column: "title", Expression: "SHEET"}})
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string]tandem.Value{"price": held("1.00"), "title": held("a")}
	got := rules.Try([]tandem.Conflict{{Columns: []string{"price", "title"}, Database: cells, Sheet: cells}})
	if want := "its rule does not fit the table any more, save the link's rules again: 1:14: found no matching overload"; !strings.HasPrefix(got[0].Problem, want) {
		t.Errorf("problem = %s", got[0].Problem)
	}
	if got[1].Would != tandem.Sheet {
		t.Errorf("the rule that still fits: %+v", got[1])
	}
}

func TestRuleThatTakesTooLong(t *testing.T) {
	ten := "[0,1,2,3,4,5,6,7,8,9]"
	rules := compile(t, tandem.Rule{Column: "price", Expression: strings.Repeat(ten+".all(x, ", 6) + "x >= 0" + strings.Repeat(")", 6) + " ? database : sheet"})
	got := rules.Try([]tandem.Conflict{{Columns: []string{"price"}, Database: map[string]tandem.Value{"price": held("1.00")}, Sheet: map[string]tandem.Value{"price": held("2.00")}}})[0]
	if got.Problem != "its rule takes too long for these values" || got.Would != "" || got.Manual {
		t.Errorf("verdict = %+v", got)
	}
}

func TestTryWithoutRules(t *testing.T) {
	conflict := tandem.Conflict{Columns: []string{"price", "gone"}, Database: map[string]tandem.Value{"price": held("1.00")}, Sheet: map[string]tandem.Value{"price": held("2.00")}}
	rules := compile(t)
	if got := rules.Try([]tandem.Conflict{conflict}); len(got) != 2 || got[0].Would != tandem.Database || got[1].Problem != "the link no longer has the column gone" {
		t.Errorf("verdicts = %+v", got)
	}
	rules.Preferred = tandem.Sheet
	if got := rules.Try([]tandem.Conflict{conflict}); got[0].Would != tandem.Sheet {
		t.Errorf("verdict where the sheet is preferred = %+v", got[0])
	}
}

func TestDecideByRules(t *testing.T) {
	a, b, c := values("1", "A", "1"), values("1", "B", "2"), values("1", "C", "3")
	byRules := func(rules ...tandem.Rule) *reconcile.Policy {
		p := policy(func(p *reconcile.Policy) { p.Default = tandem.ByRules })
		compiled, err := reconcile.CompileRules(p.Columns, rules)
		if err != nil {
			t.Fatal(err)
		}
		p.Rules = compiled
		return p
	}
	tests := []struct {
		name   string
		policy *reconcile.Policy
		row    reconcile.Row
		want   reconcile.Decision
	}{
		{"no rules at all: the last write", policy(func(p *reconcile.Policy) { p.Default = tandem.ByRules }), reconcile.Row{Base: a, Database: b, Sheet: c, DatabaseTime: noon, SheetFrom: noon.Add(1), SheetTo: noon.Add(2)},
			reconcile.Decision{Database: update(b, values("?", "C", "3")), Settled: tandem.Sheet}},
		{"a column without a rule: the last write", byRules(tandem.Rule{Column: "title", Expression: "SHEET"}), reconcile.Row{Base: a, Database: b, Sheet: c},
			reconcile.Decision{Database: update(b, values("?", "C", "?")), Sheet: update(c, values("?", "?", "2")), Settled: tandem.Sheet}},
		{"the rule without a column for those that have none", byRules(tandem.Rule{Column: "title", Expression: "SHEET"}, tandem.Rule{Expression: "MANUAL"}), reconcile.Row{Base: a, Database: b, Sheet: c},
			reconcile.Decision{Database: update(b, values("?", "C", "?")), Settled: tandem.Sheet, Conflict: &tandem.Conflict{Columns: []string{"score"}}}},
		{"a value that neither side holds: written to both", byRules(tandem.Rule{Column: "score", Expression: "database + sheet"}), reconcile.Row{Base: a, Database: values("1", "A", "2"), Sheet: values("1", "A", "3")},
			reconcile.Decision{Database: update(values("1", "A", "2"), values("?", "?", "5")), Sheet: update(values("1", "A", "3"), values("?", "?", "5"))}},
		{"a rule that fails leaves the cell to people", byRules(tandem.Rule{Column: "score", Expression: "database * 2.0"}), reconcile.Row{Base: a, Database: values("1", "B", ""), Sheet: values("1", "A", "3")},
			reconcile.Decision{Sheet: update(values("1", "A", "3"), values("?", "B", "?")), Conflict: &tandem.Conflict{Columns: []string{"score"}, Reason: "score: its rule failed: it does something that these values do not allow, such as comparing or adding an empty cell"}}},
		{"a cell that one side changed: not asked", byRules(tandem.Rule{Expression: "MANUAL"}), reconcile.Row{Base: a, Database: a, Sheet: c},
			reconcile.Decision{Database: update(a, values("?", "C", "3"))}},
		{"a column's own policy", func() *reconcile.Policy {
			p := byRules(tandem.Rule{Expression: "MANUAL"})
			p.Settings[1].Policy, p.Settings[2].Policy = tandem.SheetWins, tandem.SheetWins
			return p
		}(), reconcile.Row{Base: a, Database: b, Sheet: c}, reconcile.Decision{Database: update(b, values("?", "C", "3")), Settled: tandem.Sheet}},
		{"rules of a column, the link's policy is another", func() *reconcile.Policy {
			p := byRules(tandem.Rule{Expression: "SHEET"})
			p.Default, p.Settings[1].Policy = tandem.DatabaseWins, tandem.ByRules
			return p
		}(), reconcile.Row{Base: a, Database: b, Sheet: c}, reconcile.Decision{Database: update(b, values("?", "C", "?")), Sheet: update(c, values("?", "?", "2")), Settled: tandem.Sheet}},
		{"a deletion that the rule lets through", byRules(tandem.Rule{Expression: `sheet_deleted && database.title == "B" ? SHEET : DATABASE`}), reconcile.Row{Base: a, Database: b},
			reconcile.Decision{Database: remove(b), Settled: tandem.Sheet}},
		{"a deletion that the rule leaves to people", byRules(tandem.Rule{Expression: `database_deleted ? MANUAL : LAST_WRITE`}), reconcile.Row{Base: a, Sheet: b},
			reconcile.Decision{Conflict: &tandem.Conflict{}}},
		{"a deletion that the rule fails on", byRules(tandem.Rule{Expression: `sheet > 1 ? DATABASE : SHEET`}), reconcile.Row{Base: a, Sheet: b},
			reconcile.Decision{Conflict: &tandem.Conflict{Reason: "its rule failed: it does something that these values do not allow, such as comparing or adding an empty cell"}}},
		{"a deletion without a rule: the update wins", byRules(tandem.Rule{Column: "title", Expression: "DATABASE"}), reconcile.Row{Base: a, Sheet: b},
			reconcile.Decision{Database: insert(b), Settled: tandem.Sheet}},
		{"a new row: not asked", byRules(tandem.Rule{Expression: "MANUAL"}), reconcile.Row{Sheet: b}, reconcile.Decision{Database: insert(b)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.row.Key = "1"
			got := test.policy.Decide(test.row)
			if got.Conflict != nil {
				got.Conflict = &tandem.Conflict{Columns: got.Conflict.Columns, Reason: got.Conflict.Reason}
			}
			got.Row, got.Contests = reconcile.Row{}, nil
			if diff := cmp.Diff(test.want, got, comparison...); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// Every rule in the documentation compiles for the table that it names.
func TestRulesOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		if !strings.Contains(line, `"expression":`) {
			continue
		}
		var rule tandem.Rule
		if err := json.Unmarshal([]byte(line), &rule); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		compile(t, rule)
		tried++
	}
	if tried < 10 {
		t.Errorf("only %d rules found", tried)
	}
}

func BenchmarkDecide(b *testing.B) {
	base, db, sheet := values("1", "A", "1"), values("1", "B", "2"), values("1", "C", "3")
	row := reconcile.Row{Key: "1", Base: base, Database: db, Sheet: sheet}
	byRules := policy(func(p *reconcile.Policy) { p.Default = tandem.ByRules })
	compiled, err := reconcile.CompileRules(byRules.Columns, []tandem.Rule{{Column: "score", Expression: "database > sheet ? database : sheet"}, {Expression: "LAST_WRITE"}})
	if err != nil {
		b.Fatal(err)
	}
	byRules.Rules = compiled
	for name, run := range map[string]func(){
		"equal":     func() { byRules.Decide(reconcile.Row{Key: "1", Base: base, Database: base, Sheet: base}) },
		"one-sided": func() { byRules.Decide(reconcile.Row{Key: "1", Base: base, Database: base, Sheet: sheet}) },
		"rules":     func() { byRules.Decide(row) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

func BenchmarkCompileRules(b *testing.B) {
	for b.Loop() {
		compile(b, tandem.Rule{Column: "price", Expression: "database > sheet ? database : sheet"}, tandem.Rule{Expression: "LAST_WRITE"})
	}
}
