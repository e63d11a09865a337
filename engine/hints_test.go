package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// hintPair is a pair in which nobody reads the tab unless something says so.
type hintPair struct {
	*pair
	hints int
}

func newHintPair(t *testing.T, rows int) *hintPair {
	t.Helper()
	p := &hintPair{pair: newPair(t, rows)}
	p.worker = engine.New(engine.Options{
		Store: p.store,
		OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
			return p.store.OpenTable(ctx, link)
		},
		OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
			return &watchedTab{Tab: p.client.Open(link, columns).Journaled(), p: p.pair}
		},
		Now: func() time.Time { return p.now }, Holder: "hints", Poll: 1000 * time.Hour, Compare: 1000 * time.Hour,
	})
	p.settle()
	return p
}

// hint says that rows were edited at some time.
func (p *hintPair) hint(at time.Time, rows ...int) {
	p.t.Helper()
	p.hints++
	fresh, err := p.store.AddHint(p.t.Context(), "items", fmt.Sprint("signature ", p.hints),
		tandem.Mark{Source: tandem.Sheet, Cause: tandem.CauseSheet, At: at, Actor: "ann@example.com", Rows: rows})
	if err != nil || !fresh {
		p.t.Fatalf("hint: %v, %v", fresh, err)
	}
}

// wait lets time pass, and whoever acts then is alone with it.
func (p *hintPair) wait(d time.Duration) time.Time {
	p.now = p.now.Add(d)
	return p.now
}

// wantCalls checks which calls to Google were made since the stats were reset.
func (p *hintPair) wantCalls(want string) {
	p.t.Helper()
	var calls []string
	for name, n := range p.google.Stats().Calls {
		if n > 0 {
			calls = append(calls, fmt.Sprintf("%s %d", strings.TrimPrefix(name, "spreadsheets."), n))
		}
	}
	slices.Sort(calls)
	if got := strings.Join(calls, ", "); got != want {
		p.t.Errorf("calls: %s; want %s", got, want)
	}
}

// A hint of rows that both sides know reads the key column and those rows, and what it says of them stands in history.
func TestHintOfKnownRows(t *testing.T) {
	p := newHintPair(t, 50)
	p.google.ResetStats()
	at := p.wait(time.Second)
	p.edit(p.set("B4", "Changed"), p.set("C30", "77"), p.set("B40", "nobody tells"))
	p.hint(at, 4, 30, 5)
	p.step(time.Second)
	p.wantRow(p.table(), "3|Changed|3|3.50")
	p.wantRow(p.table(), "29|Item 29|77|29.50")
	p.wantRow(p.table(), "39|Item 39|9|39.50")
	p.wantCalls("get 1, values.batchGet 1") // the key column with the rows, and that it still is this tab
	entries, err := p.store.Entries(t.Context(), "items", 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	last := entries[len(entries)-1]
	if last.Actor != "ann@example.com" || last.Cause != tandem.CauseSheet {
		t.Errorf("history says %s by %q", last.Cause, last.Actor)
	}
	p.google.ResetStats()
	p.step(time.Second)
	p.wantCalls("") // the mark is gone
	p.hint(at)
	p.step(time.Second)
	p.wantRow(p.table(), "39|nobody tells|9|39.50")
	p.wantSame()
}

// Hints that came before a cycle are one look.
func TestHintsAreMerged(t *testing.T) {
	p := newHintPair(t, 50)
	p.google.ResetStats()
	for n := range 10 {
		p.edit(p.set(fmt.Sprintf("C%d", n+5), "500"))
		p.hint(p.wait(100*time.Millisecond), n+5, n+6)
	}
	p.exec("UPDATE items SET title = 'By SQL' WHERE id = 40")
	p.step(time.Second)
	if calls := p.google.Stats().Calls; calls["spreadsheets.values.get"] > 0 || calls["spreadsheets.values.batchGet"] != 1 {
		t.Errorf("calls: %v, want the tab not read whole, and its key column once", calls)
	}
	p.wantSame()
}

// Places at which no known row stands are left to a whole look, which takes typed rows once they rest, deletes what is gone,
// and updates edited keys in place.
func TestHintOfUnknownRows(t *testing.T) {
	for _, test := range []struct {
		name string
		edit emulator.Edit
		row  int
		want func(p *hintPair)
	}{
		{"a row below the others", emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "A12", Values: [][]string{{"77", "New", "1", "2"}}}}, 12,
			func(p *hintPair) { p.wantRow(p.table(), "77|New|1|2.00") }},
		{"a row without a key", emulator.Edit{Paste: &emulator.Paste{Sheet: "Items", A1: "B12", Values: [][]string{{"New", "1", "2"}}}}, 12,
			func(p *hintPair) { p.wantRow(p.table(), "11|New|1|2.00") }},
		{"a row that is blank now", emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A5:D5"}}, 5,
			func(p *hintPair) { p.wantGone("4|") }},
		{"the last row, blank now", emulator.Edit{Clear: &emulator.Clear{Sheet: "Items", A1: "A11:D11"}}, 11,
			func(p *hintPair) { p.wantGone("10|") }},
		{"a row that is gone", emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: "Items", Start: 11, Count: 1}}, 11,
			func(p *hintPair) { p.wantGone("10|") }},
		{"a key that was edited", typedIn("A5", "44"), 5,
			func(p *hintPair) { p.wantGone("4|"); p.wantRow(p.table(), "44|Item 4|4|4.50") }},
		{"a key that stands twice now", typedIn("A5", "3"), 5,
			func(p *hintPair) { p.wantRow(p.table(), "3|Item 3|3|3.50"); p.wantRow(p.table(), "4|Item 4|4|4.50") }},
		{"the header", typedIn("E1", "other"), 1, func(p *hintPair) { p.wantSame() }},
		{"beyond what a tab can hold", typedIn("B5", "Changed"), 1 << 40,
			func(p *hintPair) { p.wantRow(p.table(), "4|Changed|4|4.50") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newHintPair(t, 10)
			at := p.wait(time.Second)
			p.edit(test.edit)
			p.hint(at, test.row)
			p.settle()
			test.want(p)
		})
	}
}

func typedIn(a1, input string) emulator.Edit {
	return emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Items", A1: a1, Input: input}}
}

func (p *hintPair) wantGone(prefix string) {
	p.t.Helper()
	for _, row := range p.table() {
		if strings.HasPrefix(row, prefix) {
			p.t.Errorf("there still is the row %s", row)
		}
	}
}

// A typed row does not go to the database before it rests, however many hints there are, and then with who typed it.
func TestHintOfTypedRow(t *testing.T) {
	p := newHintPair(t, 10)
	for i, a1 := range []string{"A12", "B12", "C12", "D12"} {
		p.edit(p.set(a1, []string{"77", "New", "1", "2"}[i]))
		p.hint(p.now, 12)
		p.google.ResetStats()
		p.step(time.Second)
		p.wantGone("77|")
		if i == 0 {
			p.wantCalls("values.batchGet 1, values.get 1") // the key column tells that the key is new
		} else {
			p.wantCalls("values.get 1") // somebody is typing
		}
	}
	p.settle()
	p.wantRow(p.table(), "77|New|1|2.00")
	entries, err := p.store.Entries(t.Context(), "items", 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if last := entries[len(entries)-1]; last.Actor != "ann@example.com" {
		t.Errorf("history says that the row was typed by %q", last.Actor)
	}
}

// The time of a hint decides which write was the last one, either way.
func TestHintDatesTheEdit(t *testing.T) {
	for _, sheetLast := range []bool{false, true} {
		t.Run(fmt.Sprintf("sheet last %v", sheetLast), func(t *testing.T) {
			p := newHintPair(t, 10)
			var at time.Time
			inSheet := func() { at = p.wait(time.Second); p.edit(p.set("B5", "sheet")) }
			inTable := func() { p.mark("4", p.wait(time.Second)) }
			want := "4|table|4|4.50"
			if sheetLast {
				inTable()
				inSheet()
				want = "4|sheet|4|4.50"
			} else {
				inSheet()
				inTable()
			}
			p.wait(time.Second)
			p.hint(at, 5)
			p.step(time.Second)
			p.wantRow(p.table(), want)
			p.settle()
			p.wantSame()
		})
	}
}

// mark changes a title by SQL, at a time: the triggers of this database go by its own clock.
func (p *hintPair) mark(key string, at time.Time) {
	p.t.Helper()
	p.exec("UPDATE items SET title = 'table' WHERE id = " + key)
	p.exec("UPDATE tandem_marks SET marked_at = ? WHERE source = 'database'", at.UTC().Format("2006-01-02 15:04:05.000000"))
}

// A hint speaks of the row that stood at its place when it was edited. Where rows moved since, its time dates none.
func TestHintDatesNoOtherRow(t *testing.T) {
	p := newHintPair(t, 10)
	p.wait(time.Second)
	p.edit(p.set("B5", "before")) // the row 4; nobody tells
	p.mark("4", p.wait(time.Second))
	at := p.wait(time.Second)
	p.edit(p.set("B6", "hinted"))                                                            // the row 5
	p.edit(emulator.Edit{InsertRows: &emulator.RowSpan{Sheet: "Items", Start: 2, Count: 1}}) // where the row 4 stands now
	p.wait(time.Second)
	p.hint(at, 6)
	p.step(time.Second)
	// The row 4 was edited on both sides. When, in the sheet, is not known, so the preferred side wins.
	p.wantRow(p.table(), "4|table|4|4.50")
	p.settle()
	p.hint(p.now)
	p.settle()
	p.wantRow(p.table(), "5|hinted|5|5.50")
	p.wantSame()
}

// A hint that comes once more, or late, does not date the edits that came after the one it speaks of.
func TestHintThatIsLate(t *testing.T) {
	p := newHintPair(t, 10)
	link := p.link()
	link.PreferredSource = tandem.Sheet
	if _, err := p.store.UpdateLink(t.Context(), link, 0); err != nil {
		t.Fatal(err)
	}
	p.settle()
	at := p.wait(time.Second)
	p.edit(p.set("B5", "first"))
	p.hint(at, 5)
	p.step(time.Second)
	p.wantRow(p.table(), "4|first|4|4.50")

	p.mark("4", p.wait(time.Second))
	p.wait(time.Second)
	p.edit(p.set("B5", "second"))
	p.hint(at, 5) // again
	p.step(time.Second)
	// By the old hint's time the table's write would be the last one.
	p.wantRow(p.table(), "4|second|4|4.50")
	p.settle()
	p.wantSame()
}

// A hinted row that changes once more under the cycle is looked at again, without another hint. The hint's time does not date
// that later edit, which the table's write would otherwise replace.
func TestHintOfARowThatMoved(t *testing.T) {
	p := newHintPair(t, 10)
	link := p.link()
	link.PreferredSource = tandem.Sheet
	if _, err := p.store.UpdateLink(t.Context(), link, 0); err != nil {
		t.Fatal(err)
	}
	p.settle()
	at := p.wait(time.Second)
	p.edit(p.set("B5", "first"))
	p.mark("4", p.wait(time.Second))
	p.wait(time.Second)
	p.hint(at, 5)
	p.beforeSend = func() { p.edit(p.set("B5", "second")) }
	p.settle()
	if p.beforeSend != nil {
		t.Fatal("nothing was written to the sheet")
	}
	p.wantRow(p.table(), "4|second|4|4.50")
	p.wantSame()
}

// A person who edits, again and again, rows that do not move has every edit dated.
func TestHintsInARow(t *testing.T) {
	p := newHintPair(t, 30)
	for n := range 8 {
		p.mark("4", p.wait(300*time.Millisecond))
		at := p.wait(300 * time.Millisecond)
		p.edit(p.set("B5", fmt.Sprint("edit ", n)))
		p.hint(at, 5)
		if n == 4 {
			p.scan() // somebody reads the tab through the API
		}
		p.step(500 * time.Millisecond)
		p.wantRow(p.table(), fmt.Sprintf("4|edit %d|4|4.50", n))
	}
	p.settle()
	p.wantSame()
}

// What a look at single rows carried over is not forgotten: a person who then takes the edit back, without a hint, leaves
// the tab as the last whole look saw it, but not as both sides agreed on since.
func TestHintedEditTakenBack(t *testing.T) {
	p := newHintPair(t, 10)
	p.hint(p.wait(time.Second))
	p.settle() // a whole look that leaves nothing to do
	p.edit(p.set("B5", "edited"))
	p.hint(p.wait(time.Second), 5)
	p.step(time.Second)
	p.wantRow(p.table(), "4|edited|4|4.50")
	p.edit(p.set("B5", "Item 4"))
	p.hint(p.wait(time.Second)) // says only that something changed
	p.settle()
	p.wantRow(p.table(), "4|Item 4|4|4.50")
	p.wantSame()
}
