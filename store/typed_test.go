package store_test

import (
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// serial is a link to a table whose keys the database makes: id, title, score.
func (o *own) serial(t *testing.T) (tandem.Link, *store.Table) {
	t.Helper()
	id := map[bool]string{true: "INTEGER PRIMARY KEY AUTOINCREMENT", false: "BIGINT AUTO_INCREMENT PRIMARY KEY"}[o.url[:6] == "sqlite"]
	o.exec(t, "CREATE TABLE made (id "+id+", title VARCHAR(50) NULL, score INT NULL CHECK (score < 100))")
	link := newLink("made", 5)
	link.Table = "made"
	link, err := o.CreateLink(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	table, err := o.OpenTable(t.Context(), &link)
	if err != nil {
		t.Fatal(err)
	}
	return link, table
}

// typedIn is a settlement of a row that a person typed without a key.
func typedIn(position int, at time.Time, title, score string) tandem.Settlement {
	values := []tandem.Value{tandem.Null, tandem.Text(title), tandem.Text(score)}
	s := fromSheet(tandem.Insert, "", nil, []tandem.Value{tandem.Absent, values[1], values[2]})
	s.Typed = &tandem.Typed{Values: values, Position: position, At: at}
	return s
}

func TestTypedRows(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		link, table := o.serial(t)
		lease, ok, err := o.Claim(ctx, "links/made", "a", time.Minute)
		if err != nil || !ok {
			t.Fatalf("claim: %v, %v", ok, err)
		}
		commit := func(settlements ...tandem.Settlement) []tandem.Applied {
			t.Helper()
			applied, err := table.Commit(ctx, lease, tandem.Commit{Link: "made", Settlements: settlements})
			if err != nil {
				t.Fatal(err)
			}
			return applied
		}
		typed := func(link *tandem.Link) []tandem.Typed {
			t.Helper()
			rows, err := o.TypedRows(ctx, link)
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		began := o.clock.Now()
		moved := typedIn(8, began, "moved", "1")
		moved.Write.After[0] = tandem.Text("1") // a row with this key is there by then
		commit(typedIn(6, began.Add(time.Second), "Belle", "8"), typedIn(5, time.Time{}, "Akira", "9"))
		applied := commit(typedIn(7, began, "refused", "100"), moved)
		if applied[0].Outcome != tandem.Refused || applied[1].Outcome != tandem.Moved {
			t.Fatalf("applied: %+v", applied)
		}
		akira := tandem.Typed{Key: "2", Values: []tandem.Value{tandem.Null, tandem.Text("Akira"), tandem.Text("9")}, Position: 5, At: began}
		belle := tandem.Typed{Key: "1", Values: []tandem.Value{tandem.Null, tandem.Text("Belle"), tandem.Text("8")}, Position: 6, At: began.Add(time.Second)}
		same(t, "typed rows", typed(&link), []tandem.Typed{akira, belle})

		akira.Position, akira.At = 9, began.Add(time.Minute)
		again := akira
		again.Key = "" // the settlement's counts
		commit(tandem.Settlement{Key: "2", Typed: &again}, tandem.Settlement{Key: "1", Forget: true})
		same(t, "recorded again", typed(&link), []tandem.Typed{belle, akira})

		columns := link
		columns.Columns = []tandem.LinkColumn{{Column: "score", Header: "S"}, {Column: "added", Header: "A"}, {Column: "title", Header: "T"}, {Column: "id", Header: "I"}}
		same(t, "with other columns", typed(&columns)[0].Values, []tandem.Value{tandem.Text("8"), tandem.Absent, tandem.Text("Belle"), tandem.Null})

		commit(tandem.Settlement{Key: "2", Write: &tandem.Change{Kind: tandem.Update, Key: "2", After: []tandem.Value{tandem.Text("20"), tandem.Absent, tandem.Absent}}},
			tandem.Settlement{Key: "1", CloseTyped: true})
		akira.Key = "20"
		same(t, "after a rename", typed(&link), []tandem.Typed{akira})
		commit(tandem.Settlement{Key: "20", CloseTyped: true})
		same(t, "closed", len(typed(&link)), 0)
	})
}

// What a batch for the sheet carries survives an edit of the link's columns.
func TestTypedInAnIntent(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		settlement := tandem.Settlement{Key: "1", Conflict: disputed("d", o.clock.Now()), CloseTyped: true,
			Typed: &tandem.Typed{Key: "1", Values: []tandem.Value{tandem.Text("1"), tandem.Absent, tandem.Null}, Position: 3}}
		err := o.OpenIntent(ctx, o.claim(t, "a"), tandem.Intent{ID: "i", Link: "anime", SpreadsheetID: "1AbC", Settlements: []tandem.Settlement{settlement}})
		if err != nil {
			t.Fatal(err)
		}
		link := o.link
		link.Columns = []tandem.LinkColumn{link.Columns[2], link.Columns[0], link.Columns[1]}
		if _, err := o.UpdateLink(ctx, link, 0); err != nil {
			t.Fatal(err)
		}
		intents, err := o.Intents(ctx, "1AbC")
		if err != nil || len(intents) != 1 {
			t.Fatalf("intents: %+v, %v", intents, err)
		}
		settlement.Typed.Values = []tandem.Value{tandem.Null, tandem.Text("1"), tandem.Absent}
		same(t, "settlement", intents[0].Settlements[0], settlement)
	})
}
