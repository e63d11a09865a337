package server_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// alikeColumns are columns with literals that rows hold and filters ask for. In SQL and in filters they are spelled alike.
var alikeColumns = []struct {
	name, sqlite, mariadb string
	literals              []string
	text                  bool
}{
	{"id", "INT NOT NULL PRIMARY KEY", "INT NOT NULL PRIMARY KEY", []string{"1", "17", "60", "99"}, false},
	{"title", "VARCHAR(40) COLLATE NOCASE", "VARCHAR(40) COLLATE utf8mb4_unicode_ci",
		[]string{`"moon"`, `"Moon"`, `"MÖÖN"`, `"möön"`, `"a_b"`, `"100%"`, `"straße"`, `"STRASSE"`, `"月 moon"`, `"[x]"`, `"what?"`, `"ﬁ"`, `"😀"`, `"é"`}, true},
	{"body", "TEXT", "TEXT", []string{`"=1+1"`, `"it''s"`, `"TRUE"`, `"007"`, `"7"`, `"Ünï*cöde"`}, true},
	{"big", "BIGINT", "BIGINT", []string{"9007199254740993", "9007199254740992", "-1", "0", "9223372036854775807"}, false},
	{"price", "DECIMAL(8,2)", "DECIMAL(20,2)", []string{"8.50", "-8.5", "0", "0.01", "99999.99"}, false},
	{"ratio", "DOUBLE", "DOUBLE", []string{"0.1", "0.30000000000000004", "-2.5", "1e21"}, false},
	{"ok", "BOOLEAN", "BOOLEAN", []string{"true", "false"}, false},
	{"born", "DATE", "DATE", []string{`"2026-11-21"`, `"1999-12-31"`, `"2026-02-28"`}, false},
	{"seen", "DATETIME", "DATETIME(3)", []string{`"2026-11-21T07:00:00"`, `"2026-11-21T07:00:00.123"`, `"1999-12-31T23:59:59"`}, false},
	{"span", "TIME", "TIME", []string{`"07:00:00"`, `"-01:30:00"`, `"100:00:00"`}, false},
}

// alikeFilter is a random filter as a caller writes it.
func alikeFilter(random *rand.Rand, depth int) string {
	if depth > 0 {
		a, b := alikeFilter(random, depth-1), alikeFilter(random, depth-1)
		return []string{a, "(" + a + " AND " + b + ")", "(" + a + " OR " + b + ")", a + " " + b, "NOT (" + a + ")", "-(" + b + ")"}[random.IntN(6)]
	}
	c := alikeColumns[random.IntN(len(alikeColumns))]
	literal := strings.ReplaceAll(c.literals[random.IntN(len(c.literals))], "''", "'")
	switch n := random.IntN(10); {
	case n == 0:
		return c.name + " = null"
	case n == 1:
		return c.name + ":*"
	case c.text && n < 6:
		text := []rune(strings.Trim(literal, `"`))
		from := random.IntN(len(text))
		part := string(text[from : from+1+random.IntN(len(text)-from)])
		return c.name + `:"` + []string{part, strings.ToUpper(part), strings.ToLower(part)}[random.IntN(3)] + `"`
	case c.name == "ok":
		return c.name + []string{" = ", " != "}[random.IntN(2)] + literal
	}
	return c.name + " " + []string{"=", "!=", "<", "<=", ">", ">="}[random.IntN(6)] + " " + literal
}

// The two sources of a link in step give the same rows, in the same order and number, whatever they are asked.
func TestBothSourcesAnswerAlike(t *testing.T) {
	for _, engine := range []string{"sqlite", "mariadb"} {
		t.Run(engine, func(t *testing.T) {
			random := rand.New(rand.NewPCG(11, 11))
			s := newAlikeStand(t, engine, random)
			s.link("alike", "Alike")
			s.must("POST", "/v1/links/alike:pause", "{}")
			ask := func(source, filter, order string) string {
				query := url.Values{"filter": {filter}, "order_by": {order}, "page_size": {"1000"}, "show_total": {"true"}, "max_staleness": {"600s"}, "read_mask": {"values.id"}}
				page := s.must("GET", "/v1/links/alike/sources/"+source+"/rows?"+query.Encode(), "")
				ids := fmt.Sprint(page["totalSize"], ":")
				list, _ := page["rows"].([]any)
				for _, row := range list {
					ids += fmt.Sprint(" ", row.(map[string]any)["values"].(map[string]any)["id"])
				}
				return ids
			}
			some := 0
			for range 250 {
				filter, order := alikeFilter(random, random.IntN(3)), ""
				if c := alikeColumns[random.IntN(len(alikeColumns))]; !c.text {
					order = c.name + []string{"", " desc"}[random.IntN(2)]
				}
				database, sheet := ask("database", filter, order), ask("sheet", filter, order)
				if database != sheet {
					s.Errorf("filter %s, order %s:\ndatabase %s\nsheet    %s", filter, order, database, sheet)
				}
				if !strings.HasPrefix(database, "0:") && !strings.HasPrefix(database, "120:") {
					some++
				}
			}
			if some < 100 {
				s.Errorf("only %d filters told rows apart", some)
			}
		})
	}
}

// newAlikeStand is a stand with a table of random rows.
func newAlikeStand(t *testing.T, engine string, random *rand.Rand) *stand {
	statements := make([]string, 1, 121)
	var columns []string
	for _, c := range alikeColumns {
		columns = append(columns, c.name+" "+map[string]string{"sqlite": c.sqlite, "mariadb": c.mariadb}[engine])
	}
	statements[0] = "CREATE TABLE alike (" + strings.Join(columns, ", ") + ")"
	for id := range 120 {
		values := []string{fmt.Sprint(id)}
		for _, c := range alikeColumns[1:] {
			literal := strings.ReplaceAll(c.literals[random.IntN(len(c.literals))], `"`, "'")
			if c.name == "seen" {
				literal = strings.ReplaceAll(literal, "T", " ")
			}
			if random.IntN(5) == 0 {
				literal = "NULL"
			}
			values = append(values, literal)
		}
		statements = append(statements, "INSERT INTO alike VALUES ("+strings.Join(values, ", ")+")")
	}
	if engine == "sqlite" {
		return newStand(t, strings.Join(statements, ";\n"), emulator.Tab{Title: "Alike"})
	}
	maria := mariadbtest.Start(t)
	address := maria.CreateDatabase(t)
	db, err := sql.Open("mysql", maria.DSN(address[strings.LastIndexByte(address, '/')+1:])+"?charset=utf8mb4")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return newStandWith(t, func(config *server.Config) { config.DatabaseURL = address }, "CREATE TABLE unused (id INT PRIMARY KEY)", emulator.Tab{Title: "Alike"})
}
