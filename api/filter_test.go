package api_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

var filterColumns = []tandem.Column{
	{Name: "id", Type: tandem.Type{Kind: tandem.Int, Bits: 64}},
	{Name: "title", Type: tandem.Type{Kind: tandem.String, Length: 20}},
	{Name: "score", Type: tandem.Type{Kind: tandem.Decimal, Precision: 4, Scale: 2}},
	{Name: "ok", Type: tandem.Type{Kind: tandem.Bool}},
	{Name: "born", Type: tandem.Type{Kind: tandem.Date}},
	{Name: "seen", Type: tandem.Type{Kind: tandem.Timestamp}},
	{Name: "level", Type: tandem.Type{Kind: tandem.String, Values: []string{"low", "high"}}},
	{Name: "odd, `name`.", Type: tandem.Type{Kind: tandem.Float, Bits: 64}},
	{Name: "gone"},
}

func TestFilters(t *testing.T) {
	for text, want := range map[string]string{
		``:                                      ``,
		` `:                                     ``,
		`score > 8`:                             `score > "8.00"`,
		`score>8.5`:                             `score > "8.50"`,
		`score >= -0.5`:                         `score >= "-0.50"`,
		`title:"moon"`:                          `title : "moon"`,
		`title:moon`:                            `title : "moon"`,
		`title = moon AND id = 7`:               `title = "moon" AND id = "7"`,
		`title = 'it''`:                         `! at character 13: the text in quotes has no end`,
		`title = 'it\'s "x" \\ é'`:              `title = "it's \"x\" \\ é"`,
		`title = "a" OR id = 1 AND ok = true`:   `(title = "a" OR id = "1") AND ok = "true"`, // OR binds closer
		`ok = true AND title = "a" OR id = 1`:   `ok = "true" AND (title = "a" OR id = "1")`,
		`(ok = true AND title = "a") OR id = 1`: `(ok = "true" AND title = "a") OR id = "1"`,
		`ok = true id = 1`:                      `ok = "true" AND id = "1"`,
		`NOT ok = true`:                         `NOT (ok = "true")`,
		`-ok = true`:                            `NOT (ok = "true")`,
		`-(ok = true OR id=1)`:                  `NOT (ok = "true" OR id = "1")`,
		`NOT -ok = true`:                        `NOT (NOT (ok = "true"))`,
		`title = null`:                          `title = null`,
		`title != null`:                         `title:*`,
		`title = ""`:                            `title = null`,
		`title != ''`:                           `title:*`,
		`title:*`:                               `title:*`,
		`id:*`:                                  `id:*`,
		`title:"*"`:                             `title : "*"`,
		`title = "null"`:                        `title = "null"`,
		`id:7`:                                  `id = "7"`,
		`id = "7"`:                              `id = "7"`,
		`id = 7.0`:                              `id = "7"`,
		`id = 9223372036854775807`:              `id = "9223372036854775807"`,
		`born >= 2026-11-21`:                    `born >= "2026-11-21"`,
		`seen < 2026-11-21T07:00:00+01:00`:      `seen < "2026-11-21T06:00:00Z"`,
		`level = high`:                          `level = "high"`,
		`level:"HI"`:                            `level : "HI"`,
		"`title` = x":                           `title = "x"`,
		"`odd, ``name``.` < 1e3":                "`odd, ``name``.` < \"1000\"",
		`values.score > 1`:                      `score > "1.00"`,
		`"title" = x`:                           `title = "x"`,
		`moon`:                                  `title : "moon" OR level : "moon"`,
		`"moon rise" AND ok = true`:             `(title : "moon rise" OR level : "moon rise") AND ok = "true"`,
		`score > 8 AND`:                         `! at character 14: a condition such as score > 8 is expected, not the end`,
		`AND score > 8`:                         `! at character 1: a condition such as score > 8 is expected, not "AND"`,
		`score >`:                               `! at character 8: a value for score is expected after ">", not the end`,
		`score > (1 OR 2)`:                      `! at character 9: several values in parentheses are not supported`,
		"score > `id`":                          `! at character 9: a column is compared with a value`,
		`titel = "x"`:                           `! at character 1: the link has no column "titel"; its columns are id, title`,
		`ok = true AND é = 1`:                   `! at character 15: the link has no column "é"`,
		`score > eight`:                         `! at character 9: score: "eight" is not a number`,
		`score = 8.555`:                         `! at character 9: score: "8.555" has more than 2 decimals`,
		`id = 99999999999999999999`:             `! at character 6: id: "99999999999999999999" is not a whole number from`,
		`id = 7.5`:                              `! at character 6: id: "7.5" is not a whole number`,
		`ok = yes`:                              `! at character 6: ok: "yes" is not true or false`,
		`ok = 1`:                                `! at character 6: ok:`,
		`ok > false`:                            `! at character 6: ok is true or false: compare it by = or !=`,
		`born = 2026-02-30`:                     `! at character 8: born: "2026-02-30" is not a date like 2026-11-21`,
		`level = middle`:                        `! at character 9: level: "middle" is not one of low, high`,
		`title = "` + strings.Repeat("x", 21) + `"`: `! at character 9: title: 21 characters are more than the 20 that fit`,
		`score > null`:                         `! at character 9: null is compared by = or !=, not by ">"`,
		`title:""`:                             `! at character 7: there is no text to search for`,
		`title < ""`:                           `! at character 9: title < nothing`,
		`title = moon*`:                        `! at character 9: there are no wildcards`,
		`title == "x"`:                         `! at character 7: "==" is none of the comparisons`,
		`score <> 1`:                           `! at character 7: "<>" is none of the comparisons`,
		`score ! 1`:                            `! at character 7: "!" is none of the comparisons`,
		`score 8`:                              `! at character 1: the column "score" stands alone`,
		`ok = true and id = 1`:                 `! at character 11: write "and" as AND`,
		`ok = true && id = 1`:                  `! at character 11: write "&&" as AND`,
		`(ok = true`:                           `! at character 1: this parenthesis is never closed`,
		`ok = true)`:                           `! at character 10: ")" is not expected here`,
		`ok = true, id = 1`:                    `! at character 10: a condition such as score > 8 is expected, not ","`,
		`lower(title) = x`:                     `! at character 1: there is no function "lower"`,
		`title = "x`:                           `! at character 9: the text in quotes has no end`,
		`title = "\d"`:                         `! at character 10: \d is none of`,
		"`title = x":                           `! at character 1: the name in backticks has no end`,
		`gone = 1`:                             `! at character 1: the column "gone" is paused`,
		`- ok = true`:                          `! at character 1: "-" must stand right before what it negates`,
		strings.Repeat("(", 51):                `! at character 51: more than 50 parentheses`,
		strings.Repeat("NOT ", 51) + "ok=true": `! at character 201: more than 50 parentheses and NOTs`,
		strings.Repeat("id=1 ", 101):           `! at character 501: more than 100 comparisons`,
		strings.Repeat("x ", 51):               `! at character 101: more than 100 comparisons`,
		"title:" + strings.Repeat("x", 1001):   `! at character 7: 1001 characters are more than the 1000`,
		strings.Repeat(" ", 9999) + "é=":       `! 10001 characters are more than the 10000 that it may have`,
	} {
		filter, err := api.ParseFilter(text, filterColumns)
		switch {
		case err != nil:
			shown := err.Error()
			if i := strings.Index(shown, "filter: "); !strings.Contains(shown, "; filter: ") || !strings.HasPrefix(want, "! ") || !strings.HasPrefix(shown[i+len("filter: "):], want[2:]) {
				t.Errorf("%.60s: %v\nwant %s", text, err, want)
			}
		case filter == nil:
			if want != "" {
				t.Errorf("%.60s: nothing, want %s", text, want)
			}
		default:
			if got := filter.Text(filterColumns); plainNames(got) != want {
				t.Errorf("%.60s: %s, want %s", text, plainNames(got), want)
			}
		}
	}
}

// plainNames takes the backticks off names that need none.
func plainNames(text string) string {
	for _, c := range filterColumns {
		if !strings.Contains(c.Name, "`") {
			text = strings.ReplaceAll(text, "`"+c.Name+"`", c.Name)
		}
	}
	return text
}

func TestOrders(t *testing.T) {
	for text, want := range map[string]string{
		``:                            `[]`,
		`score`:                       `[{2 false}]`,
		` score desc , title`:         `[{2 true} {1 false}]`,
		`score asc`:                   `[{2 false}]`,
		"`odd, ``name``.` desc":       `[{7 true}]`,
		`values.score desc`:           `[{2 true}]`,
		`score descending`:            `! at character 7: "descending" is not expected here`,
		`score, `:                     `! at character 8: the name of a column is expected, not the end`,
		`score title`:                 `! at character 7: "title" is not expected here`,
		`scor`:                        `! at character 1: the link has no column "scor"`,
		`score, score desc`:           `! at character 8: the column "score" stands twice`,
		`id,title,score,ok,born`:      `[{0 false} {1 false} {2 false} {3 false} {4 false}]`,
		`id,title,score,ok,born,seen`: `! at character 24: more than 5 columns`,
		`gone`:                        `! at character 1: the column "gone" is paused`,
		`-score`:                      `! at character 1: the link has no column "-score"`,
	} {
		order, err := api.ParseOrder(text, filterColumns)
		got := fmt.Sprint(order)
		if err != nil {
			got = "! " + strings.TrimPrefix(err.Error(), "the request is not valid; order_by: ")
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// What a filter is written as reads back as the same filter, and no text makes the parser panic.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{`score > 8 AND title:"moon"`, `-(a OR NOT b) "c d"`, "`odd, ``name``.`:*", `title != 'it\'s' OR born < 2026-11-21`, `level = null ok = false`,
		`((`, `"\`, `x:y:z`, "\xff = \x00", `seen > 2026-11-21T07:00:00Z`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := api.ParseFilter(text, filterColumns)
		_, _ = api.ParseOrder(text, filterColumns)
		if err != nil || filter == nil {
			return
		}
		values := make([]tandem.Value, len(filterColumns))
		_ = filter.Matcher(filterColumns)(values)
		again, err := api.ParseFilter(filter.Text(filterColumns), filterColumns)
		if err != nil && strings.Contains(err.Error(), "that it may have") {
			return // written out, it may be longer than what was read
		}
		if err != nil || !reflect.DeepEqual(filter, again) {
			t.Errorf("%q is written as %q, which is read as %s (%v)", text, filter.Text(filterColumns), cmp.Diff(fmt.Sprint(filter), fmt.Sprint(again)), err)
		}
	})
}
