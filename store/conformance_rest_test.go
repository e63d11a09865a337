package store_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

// A row that the API deleted comes back whole: with columns outside the link that the table fills in with nothing, too, and with
// what they held when it was deleted last.
func TestRevertRowThatTheAPIDeleted(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		w.exec(t, "ALTER TABLE films ADD COLUMN studio VARCHAR(20) NOT NULL DEFAULT 'x'")
		f.table = w.open(t, &f.link)
		w.exec(t, "INSERT INTO films (id, title, score, tag, note, poster, studio) VALUES (1, 'Akira', 8.0, 'a', 'first', x'616263', 'TMS'), (2, 'Ran', 9.0, NULL, NULL, NULL, 'Toho'), (3, 'Ponyo', 7.0, 'c', 'third', NULL, 'Ghibli')")
		remove := func(keys ...tandem.Key) {
			t.Helper()
			var mutations []tandem.Mutation
			for _, key := range keys {
				mutations = append(mutations, tandem.Mutation{Kind: tandem.Delete, Key: key, Actor: "token:ops"})
			}
			results, err := f.table.Mutate(t.Context(), mutations, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, result := range results {
				if result.Err != nil {
					t.Fatal(result.Err)
				}
			}
		}
		remove("1", "2")
		w.exec(t, "INSERT INTO films (id, title, note, studio) VALUES (1, 'Akira', 'second', 'Tokyo Movie')") // and once more
		remove("1")
		w.exec(t, "DELETE FROM films WHERE id = 3") // of which nobody knows more than the sheet
		before := [][]tandem.Value{{tandem.Text("1"), tandem.Text("Akira"), tandem.Text("8.0"), tandem.Text("a")}, {tandem.Text("2"), tandem.Text("Ran"), tandem.Text("9.0"), tandem.Null},
			{tandem.Text("3"), tandem.Text("Ponyo"), tandem.Text("7.0"), tandem.Text("c")}}
		marks, err := f.table.Marks(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		commit, rests := tandem.Commit{Link: "films"}, map[tandem.Key]map[string]tandem.Value{}
		for _, mark := range marks {
			commit.Marks = append(commit.Marks, mark.ID)
			rests[mark.Key] = mark.Rest
		}
		for i, values := range before {
			key := tandem.Key(fmt.Sprint(i + 1))
			whole := f.named(values)
			maps.Copy(whole, rests[key])
			commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: key, Forget: true, History: []tandem.Entry{{Key: key, Kind: tandem.Delete,
				Source: tandem.Database, Cause: tandem.CauseAPI, Actor: "token:ops", Before: whole, Removes: true}}})
		}
		lease, ok, err := f.Claim(t.Context(), "links/films", "test", time.Minute)
		if err != nil || !ok {
			t.Fatalf("claim: %v, %v", ok, err)
		}
		if _, err := f.table.Commit(t.Context(), lease, commit); err != nil {
			t.Fatal(err)
		}
		results, err := f.Revert(t.Context(), &f.link, tandem.RevertRequest{Filter: tandem.ChangeFilter{Seqs: f.seqs()}, Actor: "token:ops"})
		if err != nil {
			t.Fatal(err)
		}
		for _, result := range results {
			if result.Err != nil {
				t.Errorf("row %s: %v", result.Key, result.Err)
			}
		}
		f.stands("1/Akira/8/a/second/NULL", "2/Ran/9/NULL/NULL/NULL", "3/Ponyo/7/c/NULL/NULL")
		var studios string
		if err := w.sql.QueryRow("SELECT GROUP_CONCAT(studio) FROM (SELECT studio FROM films ORDER BY id) s").Scan(&studios); err != nil || studios != "Tokyo Movie,Toho,x" {
			t.Errorf("studios %q, %v", studios, err)
		}
	})
}
