package sheets_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
)

func TestFits(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	small := make([]tandem.Change, 5001)
	large := make([]tandem.Change, 100)
	for i := range small {
		small[i] = tandem.Change{Kind: tandem.Update, Key: tandem.Key(strconv.Itoa(i)), After: []tandem.Value{{}, {}, {}, {}}}
	}
	for i := range large {
		large[i] = tandem.Change{Kind: tandem.Update, Position: i + 2, After: []tandem.Value{{}, text(strings.Repeat("ü<", 20000)), {}, {}}}
	}
	if n := w.tab.Fits(small[:2000]); n != 2000 {
		t.Errorf("of 2000 small changes %d fit", n)
	}
	if n := w.tab.Fits(small); n > 5000 || n < 1000 {
		t.Errorf("of 5001 small changes %d fit", n)
	}
	if n := w.tab.Fits(large); n < 5 || n > 20 {
		t.Errorf("of 100 changes of 160 kB %d fit into 1.8 MB", n)
	}
	if n := w.tab.Fits(large[:1]); n != 1 {
		t.Error("a single change does not fit")
	}
}

// More is to be written than a call takes, and people move rows before each part is prepared and before it is sent: after
// a few rounds everything is there, once, and nobody's notes changed.
func TestManyBatchesUnderMovingRows(t *testing.T) {
	const rows, added, unnamed = 500, 200, 40
	long := strings.Repeat("long ", 1600)
	content := [][]any{{"ID", "Title", "Notes", "Score", "Aired"}}
	for i := range rows {
		content = append(content, []any{i, "old", fmt.Sprint("note ", i), 1.5, nil})
	}
	for i := range unnamed {
		content = append(content, []any{nil, fmt.Sprint("typed ", i), fmt.Sprint("typed note ", i), 1.5, nil})
	}
	w := newWorld(t, content, animeColumns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	moves := []edit{sortBy("ID", true), insertRows(2, 3), sortBy("Notes", false), insertRows(300, 1), sortBy("Title", false)}
	under := []edit{insertRows(2, 1), sortBy("ID", false), sortBy("Notes", true)}
	batches, moved := 0, 0
	for round := 0; ; round++ {
		changes := w.stillWanted(rows, added, long)
		if len(changes) == 0 {
			break
		}
		if round == 12 {
			t.Fatalf("%d changes are left", len(changes))
		}
		for len(changes) > 0 {
			n := w.tab.Fits(changes)
			hostile := round < 2
			if hostile {
				w.edit(moves[batches%len(moves)])
			}
			batch, applied := w.prepare(changes[:n]...)
			if hostile && batches%2 == 1 {
				w.edit(under[batches/2%len(under)])
			}
			for _, a := range append(applied, w.send(batch)...) {
				switch a.Outcome {
				case tandem.Moved:
					moved++
				case tandem.Refused:
					t.Fatal(a.Err)
				}
			}
			changes = changes[n:]
			batches++
		}
	}
	if batches < 4 || moved == 0 {
		t.Errorf("%d batches, %d changes moved: nothing was tried", batches, moved)
	}
	w.checkNotes(rows, added, unnamed)
}

// stillWanted are the changes that a fresh scan asks for: a long title for every row, but every tenth goes; new rows; and a
// key for each row without one.
func (w *world) stillWanted(rows, added int, long string) []tandem.Change {
	scan := w.scan()
	var changes []tandem.Change
	there := map[tandem.Key]bool{}
	for i := range scan.Rows {
		row := &scan.Rows[i]
		n, _ := strconv.Atoi(string(row.Key))
		there[row.Key] = true
		switch {
		case n < rows && n%10 == 0:
			changes = append(changes, tandem.Change{Kind: tandem.Delete, Key: row.Key, Before: row.Values})
		case n < rows && row.Values[1].Text() != long+string(row.Key):
			changes = append(changes, tandem.Change{Kind: tandem.Update, Key: row.Key, Before: row.Values, After: []tandem.Value{{}, text(long + string(row.Key)), {}, {}}})
		}
	}
	for i := range added {
		key := text(strconv.Itoa(10000 + i))
		if !there[tandem.Key(key.Text())] {
			changes = append(changes, insert(tandem.Key(key.Text()), key, text(long), tandem.Null, tandem.Null))
		}
	}
	for _, bad := range scan.Bad {
		if bad.Keyless {
			number := strings.TrimPrefix(bad.Row.Values[1].Text(), "typed ")
			n, err := strconv.Atoi(number)
			if err != nil {
				w.t.Fatalf("row %d has no key: %v", bad.Row.Position, bad.Row.Values)
			}
			changes = append(changes, tandem.Change{Kind: tandem.Update, Position: bad.Row.Position, Before: bad.Row.Values,
				After: []tandem.Value{text(strconv.Itoa(20000 + n)), {}, {}, {}}})
		}
	}
	return changes
}

// checkNotes checks the whole tab: each row is there once, with its own note.
func (w *world) checkNotes(rows, added, unnamed int) {
	w.t.Helper()
	seen := map[int]bool{}
	for _, row := range w.values("UNFORMATTED_VALUE")[1:] {
		if len(row) == 0 {
			continue
		}
		key, _ := row[0].(float64)
		n, note, got := int(key), "", any("")
		if len(row) > 2 {
			got = row[2]
		}
		switch {
		case n < rows:
			note = fmt.Sprint("note ", n)
		case n >= 20000:
			note = fmt.Sprint("typed note ", n-20000)
		}
		if got != note || seen[n] {
			w.t.Errorf("row %v has the note %q (seen before: %t)", row[0], got, seen[n])
		}
		seen[n] = true
	}
	if want := rows - rows/10 + added + unnamed; len(seen) != want {
		w.t.Errorf("there are %d rows, want %d", len(seen), want)
	}
}
