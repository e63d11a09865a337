package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
)

// Keys stand for each other exactly where the database's own comparison finds them equal: random texts of characters that
// collations treat in odd ways, such as spaces at the end, marks that weigh nothing, and letters that equal two others.
func TestCanonicalKeysAreThoseThatTheDatabaseFindsEqual(t *testing.T) {
	alphabet := []rune("aAäÄsSßiIıİ eé\u0301\u200b\u00a0 ~'\"\\?😀😁ǆ１1\t漢ﬁf")
	conformance(t, func(t *testing.T, w *world) {
		collations := []string{"NOCASE", "RTRIM"}
		if w.mariadb {
			collations = []string{"utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_unicode_520_ci", "utf8mb4_unicode_nopad_ci", "utf8mb4_bin",
				"utf8mb4_german2_ci", "utf8mb4_turkish_ci", "utf8mb4_czech_ci", "utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_as_cs", "latin1_german2_ci", "latin2_czech_cs"}
		}
		for n, collation := range collations {
			set, _, _ := strings.Cut(collation, "_")
			column := "k VARCHAR(40) " + w.pick("", "CHARACTER SET "+set) + " COLLATE " + collation + " NOT NULL"
			table := fmt.Sprintf("t%d", n)
			w.exec(t, "CREATE TABLE "+table+" ("+column+" PRIMARY KEY)", "CREATE TABLE all"+table+" (i INT, "+column+")")
			random := rand.New(rand.NewPCG(1, uint64(n)))
			var keys []tandem.Key
			seen := map[string]bool{}
			for range 600 {
				text := ""
				for range 1 + random.IntN(3) {
					text += string(alphabet[random.IntN(len(alphabet))])
				}
				if seen[text] {
					continue
				}
				seen[text] = true
				// What the column's character set does not have is equal to nothing, and cannot be inserted.
				if _, err := w.sql.Exec("INSERT INTO all"+table+" VALUES (?, ?)", len(keys), text); err != nil && set != "latin1" && set != "latin2" {
					t.Fatalf("%s: %q: %v", collation, text, err)
				}
				keys = append(keys, tandem.MakeKey(tandem.Text(text)))
			}
			_, linked := w.link(t, table)
			canonical, err := linked.Canonical(t.Context(), keys)
			if err != nil {
				t.Fatalf("%s: %v", collation, err)
			}
			want := w.firstEqual(t, "all"+table, keys)
			if len(want) == 0 {
				t.Errorf("%s: no keys were equal", collation)
			}
			same(t, collation, canonical, want)
		}
	})
}

// firstEqual returns, for each key, the first one that the database finds equal to it, where that is another.
func (w *world) firstEqual(t *testing.T, table string, keys []tandem.Key) map[tandem.Key]tandem.Key {
	t.Helper()
	rows, err := w.sql.Query("SELECT MIN(a.i), b.i FROM " + table + " a JOIN " + table + " b ON a.k = b.k AND a.i < b.i GROUP BY b.i")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	first := map[tandem.Key]tandem.Key{}
	for rows.Next() {
		var a, b int
		if err := rows.Scan(&a, &b); err != nil {
			t.Fatal(err)
		}
		first[keys[b]] = keys[a]
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return first
}
