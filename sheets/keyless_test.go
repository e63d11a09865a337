package sheets_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// typed is anime() with rows that people typed without a key: two that are alike, and one of its own.
func typed() [][]any {
	return append(anime(),
		[]any{nil, "Kiki", "hers", 7.75, nil},
		[]any{nil, "Nausicaä", emulator.Formula("=B8&D8"), nil, nil},
		[]any{nil, "Kiki", "his", 7.75, nil})
}

// naming gives the keyless row at a position, as a fresh scan shows it, a key.
func (w *world) naming(position int, key string) tandem.Change {
	w.t.Helper()
	for _, bad := range w.scan().Bad {
		if bad.Row.Position != position {
			continue
		}
		if !bad.Keyless {
			w.t.Fatalf("row %d is not keyless: %+v", position, bad)
		}
		after := make([]tandem.Value, len(bad.Row.Values))
		after[0] = text(key)
		return tandem.Change{Kind: tandem.Update, Position: position, Before: bad.Row.Values, After: after}
	}
	w.t.Fatalf("row %d is not bad", position)
	return tandem.Change{}
}

func TestKeylessRows(t *testing.T) {
	rows := append(typed(), []any{"x", "Ocean Waves"}, []any{nil, nil, "a note only"}, []any{nil, "", nil, emulator.Formula("=1/0")})
	w := newWorld(t, rows, animeColumns)
	scan := w.scan()
	if scan.Title != "Anime" {
		t.Errorf("the title is said to be %q", scan.Title)
	}
	keyless := map[int]bool{}
	for _, bad := range scan.Bad {
		keyless[bad.Row.Position] = bad.Keyless
	}
	if diff := cmp.Diff(map[int]bool{7: true, 8: true, 9: true, 10: false, 12: true}, keyless); diff != "" {
		t.Errorf("keyless rows by position (-want +got):\n%s", diff)
	}
}

// Boxes that nobody ticked reach down to the end of the grid and are no rows.
func TestUntickedBoxesAreNoRows(t *testing.T) {
	seen := tandem.Column{Name: "seen", Type: tandem.Type{Kind: tandem.Bool}}
	w := newWorld(t, [][]any{{"ID", "Title", "Seen"}, {1, "Akira", true}, {nil, nil, false}, {nil, nil, true}, {nil, "Kiki", false}, {nil, nil, false}},
		[]tandem.Column{idColumn, titleColumn, seen})
	var keyless []int
	for _, bad := range w.scan().Bad {
		keyless = append(keyless, bad.Row.Position)
	}
	if diff := cmp.Diff([]int{4, 5}, keyless); diff != "" {
		t.Errorf("keyless rows (-want +got):\n%s", diff)
	}
}

// A key goes to the row that it was made for, wherever that row went before it was looked for.
func TestKeyForRow(t *testing.T) {
	tests := []struct {
		name  string
		edits []edit
		want  []tandem.Outcome
		calls int64 // reads
	}{
		{"nothing", nil, []tandem.Outcome{0, 0, 0}, 1},
		{"sort", []edit{sortBy("Title", true)}, []tandem.Outcome{0, 0, 0}, 4},
		{"insert above", []edit{insertRows(2, 2)}, []tandem.Outcome{0, 0, 0}, 4},
		{"delete one of two", []edit{deleteRows(7, 1)}, []tandem.Outcome{0, 0, tandem.Moved}, 4},
		{"edit", []edit{setCell("B8", "Nausicaa")}, []tandem.Outcome{0, tandem.Moved, 0}, 4},
		{"a person types a key", []edit{setCell("A8", "77")}, []tandem.Outcome{0, tandem.Moved, 0}, 4},
		{"the key is there", []edit{setCell("A8", "12")}, []tandem.Outcome{0, tandem.Moved, tandem.Moved}, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, typed(), animeColumns)
			if err := w.tab.Setup(t.Context()); err != nil {
				t.Fatal(err)
			}
			changes := []tandem.Change{w.naming(7, "10"), w.naming(8, "11"), w.naming(9, "12")}
			if len(test.edits) > 0 {
				w.edit(test.edits...)
			}
			var batch *sheets.Batch
			var applied []tandem.Applied
			reads, _ := w.counted(func() { batch, applied = w.prepare(changes...) })
			w.wantOutcomes(applied, test.want...)
			if reads > test.calls {
				t.Errorf("Prepare made %d reads, want at most %d", reads, test.calls)
			}
			n := 0
			sent := w.send(batch)
			for i := range changes {
				if applied[i].Outcome != tandem.Landed {
					continue
				}
				row := w.row(tandem.Key(changes[i].After[0].Text()))
				if row == nil || !slices.Equal(row.Values[1:], changes[i].Before[1:]) {
					t.Errorf("change %d: key %s stands at %+v", i, changes[i].After[0].Text(), row)
				}
				if got := sent[n]; got.Outcome != tandem.Landed || row != nil && !cmp.Equal(got.Row, row, equalValues) {
					t.Errorf("change %d: applied %+v, the row is %+v", i, got, row)
				}
				n++
			}
		})
	}
}

var equalValues = cmp.Comparer(func(a, b tandem.Value) bool { return a == b })

// What people do between Prepare and Send is seen in the answer: a key that landed on another row is taken away.
func TestKeyAstray(t *testing.T) {
	const landed, moved = tandem.Landed, tandem.Moved
	tests := []struct {
		name  string
		edits []edit
		want  []tandem.Outcome // of the keys for rows 7, 8 and 9, and an update of 2
	}{
		{"sort", []edit{sortBy("Notes", true)}, []tandem.Outcome{moved, moved, moved, moved}},
		{"swap the two that are alike", []edit{sortBy("Notes", false), sortBy("ID", false)}, nil},
		{"insert above", []edit{insertRows(7, 1)}, []tandem.Outcome{moved, moved, moved, landed}},
		{"insert at the top", []edit{insertRows(2, 1)}, []tandem.Outcome{moved, moved, moved, moved}},
		{"delete", []edit{deleteRows(8, 1)}, []tandem.Outcome{landed, moved, moved, landed}},
		{"edit a value", []edit{setCell("B8", "Nausicaa")}, []tandem.Outcome{landed, moved, landed, landed}},
		{"empty a value", []edit{setCell("D7", "")}, []tandem.Outcome{moved, landed, landed, landed}},
		{"fill a value", []edit{setCell("D8", "8")}, []tandem.Outcome{landed, moved, landed, landed}},
		{"type a key", []edit{setCell("A7", "77")}, []tandem.Outcome{moved, landed, landed, landed}},
		{"insert a column before", []edit{insertColumn("A", "New")}, []tandem.Outcome{moved, moved, moved, moved}},
		{"a foreign cell", []edit{setCell("C7", "ours")}, []tandem.Outcome{landed, landed, landed, landed}},
	}
	for _, lost := range []bool{false, true} {
		for _, test := range tests {
			name := test.name
			if lost {
				name += ", reply lost"
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, typed(), animeColumns)
				if err := w.tab.Setup(t.Context()); err != nil {
					t.Fatal(err)
				}
				batch, _ := w.prepare(w.naming(7, "10"), w.naming(8, "11"), w.naming(9, "12"), w.update("2", 1, text("ours")))
				w.edit(test.edits...)
				before := w.values("UNFORMATTED_VALUE")
				var applied []tandem.Applied
				if lost {
					w.fault("spreadsheets.batchUpdate", "dropAfter", 503, 1)
					if _, err := w.tab.Send(t.Context(), batch); err == nil {
						t.Fatal("a lost reply was not noticed")
					}
					var err error
					if applied, _, err = w.newClient().Open(w.link, animeColumns).Settle(t.Context(), batch); err != nil {
						t.Fatal(err)
					}
				} else {
					applied = w.send(batch)
				}
				if test.want != nil {
					w.wantOutcomes(applied, test.want...)
				}
				w.checkKeys(before, applied)
			})
		}
	}
}

// checkKeys compares the tab with what it was before a batch of TestKeyAstray: nothing differs but what landed.
func (w *world) checkKeys(before [][]any, applied []tandem.Applied) {
	w.t.Helper()
	want := before
	id, title := slices.Index(before[0], any("ID")), slices.Index(before[0], any("Title"))
	for i, key := range []float64{10, 11, 12} {
		if applied[i].Outcome == tandem.Landed {
			row := applied[i].Row
			if row.Key == "" || row.Values[0].Text() != string(row.Key) {
				w.t.Errorf("a landed row has the key %q and the values %v", row.Key, row.Values)
			}
			want[row.Position-1][id] = key
		}
	}
	if applied[3].Outcome == tandem.Landed {
		for _, row := range want {
			if len(row) > id && row[id] == 2.0 {
				row[title] = "ours"
			}
		}
	}
	if diff := cmp.Diff(want, w.values("UNFORMATTED_VALUE")); diff != "" {
		w.t.Errorf("outcomes %v, but (-want +got):\n%s", outcomes(applied), diff)
	}
	for i, title := range []string{"Kiki", "Nausicaä", "Kiki"} {
		if applied[i].Outcome == tandem.Landed && applied[i].Row.Values[1].Text() != title {
			w.t.Errorf("the key of %q went to %q", title, applied[i].Row.Values[1].Text())
		}
	}
}

// Keys that are text are written as text, and numbers that only look alike stay apart.
func TestTextKeyForRow(t *testing.T) {
	code := tandem.Column{Name: "code", Type: tandem.Type{Kind: tandem.String, Length: 20}, KeyPosition: 1}
	w := newWorld(t, [][]any{{"Code", "Title"}, {"A1", "Akira"}, {nil, "Kiki"}}, []tandem.Column{code, titleColumn})
	batch, applied := w.prepare(w.naming(3, "00123"))
	w.wantOutcomes(applied, tandem.Landed)
	w.wantOutcomes(w.send(batch), tandem.Landed)
	w.want([]any{"Code", "Title"}, []any{"A1", "Akira"}, []any{"00123", "Kiki"})
	if row := w.row("00123"); row == nil {
		t.Error("the row is not found by its key")
	}
	if batch, applied := w.prepare(w.update("00123", 1, text("Kiki's"))); batch == nil || applied[0].Outcome != tandem.Landed {
		t.Error("the row is not found again")
	}
}

// A row that shows nothing but what formulas elsewhere put there cannot be told from others.
func TestKeyForSpilledRow(t *testing.T) {
	w := newWorld(t, [][]any{{"ID", "Title", "Score"}, {1, emulator.Formula(`=ARRAYFORMULA(D2:D3)`), 1.5, "Akira"}, {nil, nil, nil, "Kiki"}},
		[]tandem.Column{idColumn, titleColumn, scoreColumn})
	batch, applied := w.prepare(w.naming(3, "10"))
	if batch != nil || applied[0].Outcome != tandem.Refused || applied[0].Err == nil {
		t.Errorf("applied %+v", applied)
	}
}
