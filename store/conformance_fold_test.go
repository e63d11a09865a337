package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
)

// Which key columns hold different texts equal is told by their collation and type alone.
func TestFoldsByCollation(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		tables := map[string]bool{
			"k INT NOT NULL PRIMARY KEY":                              false,
			"k DATE NOT NULL, s VARCHAR(9) NOT NULL, PRIMARY KEY (k)": false,
		}
		if w.mariadb {
			for definition, folds := range map[string]bool{
				"k VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY":                         true,
				"k VARCHAR(20) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY":                                true, // 'a' = 'a '
				"k VARCHAR(20) COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY":                          false,
				"k VARCHAR(20) COLLATE utf8mb4_general_nopad_ci NOT NULL PRIMARY KEY":                   true,
				"n INT NOT NULL, k VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL, PRIMARY KEY (n, k)": true,
				"k VARBINARY(20) NOT NULL PRIMARY KEY":                                                  false,
			} {
				tables[definition] = folds
			}
		} else {
			for definition, folds := range map[string]bool{
				"k VARCHAR(20) NOT NULL PRIMARY KEY":                                                  false,
				"k VARCHAR(20) COLLATE NOCASE NOT NULL PRIMARY KEY":                                   true,
				"k VARCHAR(20) COLLATE RTRIM NOT NULL PRIMARY KEY":                                    true,
				"k VARCHAR(20) COLLATE nocase PRIMARY KEY":                                            true,
				"n INT NOT NULL, k VARCHAR(20) COLLATE NOCASE NOT NULL, PRIMARY KEY (n, k)":           true,
				"n VARCHAR(20) COLLATE NOCASE, k VARCHAR(20) NOT NULL, PRIMARY KEY (k)":               false,
				"k VARCHAR(20) NOT NULL, PRIMARY KEY (k COLLATE NOCASE)":                              true,
				"k VARCHAR(20) COLLATE NOCASE NOT NULL, PRIMARY KEY (k COLLATE BINARY)":               false,
				"k VARCHAR(20) COLLATE NOCASE NOT NULL PRIMARY KEY, v TEXT) WITHOUT ROWID; --":        true,
				"k INTEGER PRIMARY KEY, name VARCHAR(20) COLLATE NOCASE":                              false,
				"k VARCHAR(20) COLLATE NOCASE NOT NULL, v INT UNIQUE, UNIQUE (v, k), PRIMARY KEY (k)": true,
			} {
				tables[definition] = folds
			}
		}
		n := 0
		for definition, want := range tables {
			n++
			name := fmt.Sprintf("folds%d", n)
			w.exec(t, "CREATE TABLE "+name+" ("+definition+")")
			if _, table := w.link(t, name); table.Folds() != want {
				t.Errorf("%s: folds is %v", definition, table.Folds())
			}
		}
	})
}

// canonical asks a table and shows the answer as "asked>spelled", in the order of keys.
func canonical(t *testing.T, table interface {
	Canonical(context.Context, []tandem.Key) (map[tandem.Key]tandem.Key, error)
}, keys ...tandem.Key) []string {
	t.Helper()
	answers, err := table.Canonical(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	seen := map[tandem.Key]bool{}
	for _, key := range keys {
		if to, ok := answers[key]; ok && !seen[key] {
			seen[key] = true
			shown = append(shown, string(key)+">"+string(to))
		}
	}
	if len(shown) != len(answers) {
		t.Errorf("answers for keys that were not asked: %v", answers)
	}
	return shown
}

// The table's spelling stands for all that are equal to it; where it has no such row, the first that was asked about.
func TestCanonicalKeys(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE people (name VARCHAR(20) "+w.pick("COLLATE NOCASE", "COLLATE utf8mb4_general_ci")+" NOT NULL PRIMARY KEY, n INT)",
			"INSERT INTO people VALUES ('Alice', 1), ('Bob', 2), ('x~y', 3)")
		_, table := w.link(t, "people")
		same(t, "none asked", canonical(t, table), []string(nil))
		same(t, "spelled as in the table", canonical(t, table, "Alice", "Bob", "Zoe"), []string(nil))
		same(t, "spelled otherwise", canonical(t, table, "zoe", "alice", "ALICE", "Alice", "BOB", "Zoe", "ZOE", "zoe", "X~0Y"),
			[]string{"alice>Alice", "ALICE>Alice", "BOB>Bob", "Zoe>zoe", "ZOE>zoe", "X~0Y>x~0y"})
		same(t, "too long for the column", canonical(t, table, tandem.Key(strings.Repeat("a", 30)), tandem.Key(strings.Repeat("A", 30)), "bOB"), []string{"bOB>Bob"})
		// The same questions within a write: nothing is inserted a second time, and each row is found.
		rows, err := table.Get(t.Context(), []tandem.Key{"ALICE", "bob"})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "rows", show(rows), []string{"Alice: Alice, 1", "Bob: Bob, 2"})
		results := w.mutate(t, table, tandem.Mutation{Kind: tandem.Update, Key: "ALICE", Values: []tandem.Value{tandem.Absent, tandem.Text("7")}},
			tandem.Mutation{Kind: tandem.Insert, Values: text("bOb", "8")}, tandem.Mutation{Kind: tandem.Delete, Key: "X~0y"})
		if results[0].Err != nil || results[0].Row.Key != "Alice" || results[2].Err != nil {
			t.Errorf("writes by another spelling: %v, %v", results[0].Err, results[2].Err)
		}
		wantError(t, results[1].Err, tandem.CodeAlreadyExists, "ROW_EXISTS")
		same(t, "table", w.scan(t, table), []string{"Alice: Alice, 7", "Bob: Bob, 2"})
	})
}

// Keys that are equal may stand in different batches.
func TestCanonicalKeysAcrossBatches(t *testing.T) {
	const n = 700
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE many (name VARCHAR(20) "+w.pick("COLLATE NOCASE", "COLLATE utf8mb4_general_ci")+" NOT NULL PRIMARY KEY)",
			"INSERT INTO many VALUES ('Row5'), ('Row650')")
		_, table := w.link(t, "many")
		var keys []tandem.Key
		var want []string
		for _, spelling := range []string{"row%d", "ROW%d", "rOW%d"} {
			for i := range n {
				key := fmt.Sprintf(spelling, i)
				keys = append(keys, tandem.Key(key))
				switch {
				case i == 5 || i == 650:
					want = append(want, fmt.Sprintf("%s>Row%d", key, i))
				case spelling != "row%d":
					want = append(want, fmt.Sprintf("%s>row%d", key, i))
				}
			}
		}
		same(t, "answers", canonical(t, table, keys...), want)
	})
}

// Of a key of several columns all parts must be equal; numbers, dates and decimals stand as they are.
func TestCanonicalKeysOfSeveralColumns(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		folding := w.pick("COLLATE NOCASE", "COLLATE utf8mb4_general_ci")
		w.exec(t, "CREATE TABLE parts (n INT NOT NULL, a VARCHAR(9) "+folding+" NOT NULL, d DATE NOT NULL, b VARCHAR(9) "+folding+` NOT NULL, p DECIMAL(6,2) NOT NULL,
				PRIMARY KEY (n, a, d, b, p))`,
			"INSERT INTO parts VALUES (1, 'Ab', '2026-11-21', 'x', 1.50)")
		_, table := w.link(t, "parts")
		same(t, "answers", canonical(t, table, "1~AB~2026-11-21~X~1.50", "1~ab~2026-11-21~x~1.51", "2~AB~2026-11-21~X~1.50", "1~AB~2026-11-22~X~1.50",
			"1~AB~2026-11-21~Y~1.50", "1~Ab~2026-11-21~y~1.50", "2~ab~2026-11-21~x~1.50", "no key of it", "1~AB~no date~X~1.50"),
			[]string{"1~AB~2026-11-21~X~1.50>1~Ab~2026-11-21~x~1.50", "1~Ab~2026-11-21~y~1.50>1~AB~2026-11-21~Y~1.50",
				"2~ab~2026-11-21~x~1.50>2~AB~2026-11-21~X~1.50"})
	})
}

// Each collation decides as the database does, not as a program would guess.
func TestCanonicalKeysOfCollations(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		tests := []struct{ collation, row, equal, other string }{
			{"COLLATE RTRIM", "a", "a  ", "A"},
			{"COLLATE NOCASE", "ä", "", "Ä"},
			{"COLLATE NOCASE", "it's \\ \"quoted\" ?", "IT'S \\ \"QUOTED\" ?", "its"},
		}
		if w.mariadb {
			tests = []struct{ collation, row, equal, other string }{
				{"CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "Résumé", "resume", "resumes"},
				{"CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "a", "A  ", " a"},
				{"CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", "Straße", "strasse", "strase"},
				{"CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_nopad_ci", "a", "A", "a "},
				{"CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "a", "a ", "A"},
				{"CHARACTER SET utf8mb4 COLLATE utf8mb4_german2_ci", "Ärger", "aerger", "arger"},
				{"CHARACTER SET latin1 COLLATE latin1_swedish_ci", "Åke", "åke", "漢字"},
				{"CHARACTER SET latin1 COLLATE latin1_bin", "é", "é ", "??"},
				{"CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci", "Zoë", "zoe", "😀"},
				{"CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "it's \\ \"quoted\" ?", "IT'S \\ \"QUOTED\" ?", "its"},
			}
		}
		for i, test := range tests {
			name := fmt.Sprintf("collation%d", i)
			w.exec(t, "CREATE TABLE "+name+" (k VARCHAR(40) "+test.collation+" NOT NULL PRIMARY KEY)")
			link, table := w.link(t, name)
			keys, want := []tandem.Key{tandem.Key(test.row), tandem.Key(test.other)}, []string(nil)
			if test.equal != "" {
				keys, want = append(keys, tandem.Key(test.equal)), []string{test.equal + ">" + test.row}
			}
			same(t, test.collation+" without rows", canonical(t, table, keys...), want)
			if applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Insert, After: text(test.row)}); applied[0].Outcome != tandem.Landed {
				t.Fatalf("%s: %v", test.collation, applied[0].Err)
			}
			same(t, test.collation+" with a row", canonical(t, table, append(keys[1:], keys[0])...), want)
		}
	})
}

// Characters that the column's character set does not have are equal to nothing, though the server would write "?" for
// each of them.
func TestCanonicalKeysThatTheColumnCannotSpell(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return // SQLite's texts hold every character
		}
		w.exec(t, "CREATE TABLE latin (k VARCHAR(20) CHARACTER SET latin1 NOT NULL PRIMARY KEY)", "INSERT INTO latin VALUES ('?'), ('??')")
		_, table := w.link(t, "latin")
		same(t, "answers", canonical(t, table, "漢", "字", "漢字", "字漢", "😀"), []string(nil))
	})
}
