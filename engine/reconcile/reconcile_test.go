package reconcile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// Rows in these tests have the columns id (key), title, score and note (which the table computes). A row is written as
// its values; "" is NULL, "?" is absent, "!x" is an invalid value shown as x.
func values(texts ...string) []tandem.Value {
	row := make([]tandem.Value, len(texts))
	for i, text := range texts {
		switch {
		case text == "":
			row[i] = tandem.Null
		case text == "?":
			row[i] = tandem.Absent
		case text[0] == '!':
			row[i] = tandem.Invalid(text[1:])
		default:
			row[i] = tandem.Text(text)
		}
	}
	return row
}

func policy(change func(*reconcile.Policy)) *reconcile.Policy {
	p := &reconcile.Policy{
		Columns: []tandem.Column{
			{Name: "id", Type: tandem.Type{Kind: tandem.Int}, KeyPosition: 1},
			{Name: "title", Type: tandem.Type{Kind: tandem.String}},
			{Name: "score", Type: tandem.Type{Kind: tandem.Float}, Nullable: true},
		},
		Settings:  []tandem.LinkColumn{{Column: "id"}, {Column: "title"}, {Column: "score"}},
		Default:   tandem.LastWriteWins,
		Preferred: tandem.Database,
	}
	if change != nil {
		change(p)
	}
	return p
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func insert(after []tandem.Value) *tandem.Change {
	return &tandem.Change{Kind: tandem.Insert, Key: "1", After: after}
}

func update(before, after []tandem.Value) *tandem.Change {
	return &tandem.Change{Kind: tandem.Update, Key: "1", Before: before, After: after}
}

func remove(before []tandem.Value) *tandem.Change {
	return &tandem.Change{Kind: tandem.Delete, Key: "1", Before: before}
}

func TestDecide(t *testing.T) {
	a, b, c := values("1", "A", "1"), values("1", "B", "1"), values("1", "C", "1")
	scored := values("1", "A", "2")
	owner := func(o tandem.Owner) func(*reconcile.Policy) {
		return func(p *reconcile.Policy) { p.Settings[1].Owner = o }
	}
	allOwned := func(o tandem.Owner) func(*reconcile.Policy) {
		return func(p *reconcile.Policy) { p.Settings[1].Owner, p.Settings[2].Owner = o, o }
	}
	wins := func(w tandem.Policy) func(*reconcile.Policy) {
		return func(p *reconcile.Policy) { p.Default = w }
	}
	tests := []struct {
		name   string
		policy func(*reconcile.Policy)
		row    reconcile.Row
		want   reconcile.Decision
	}{
		{name: "nothing changed", row: reconcile.Row{Base: a, Database: a, Sheet: a}},
		{name: "equal on both, baseline unknown: adopted", row: reconcile.Row{Database: a, Sheet: a}, want: reconcile.Decision{Agreed: a}},
		{name: "both changed to the same", row: reconcile.Row{Base: a, Database: b, Sheet: b}, want: reconcile.Decision{Agreed: values("?", "B", "?")}},
		{name: "new in the database", row: reconcile.Row{Database: a}, want: reconcile.Decision{Sheet: insert(a)}},
		{name: "new in the sheet", row: reconcile.Row{Sheet: a}, want: reconcile.Decision{Database: insert(a)}},
		{name: "new in the sheet, empty text", row: reconcile.Row{Sheet: values("1", "", "")},
			want: reconcile.Decision{Database: insert([]tandem.Value{tandem.Text("1"), tandem.Text(""), tandem.Null})}},
		{name: "new in the sheet with a cell that is no value", row: reconcile.Row{Sheet: values("1", "A", "!abc")},
			want: reconcile.Decision{Problem: &reconcile.Problem{Source: tandem.Sheet, Column: 2}}},
		{name: "changed in the database", row: reconcile.Row{Base: a, Database: b, Sheet: a},
			want: reconcile.Decision{Sheet: update(a, values("?", "B", "?"))}},
		{name: "changed in the sheet", row: reconcile.Row{Base: a, Database: a, Sheet: b},
			want: reconcile.Decision{Database: update(a, values("?", "B", "?"))}},
		{name: "different cells changed: both win", row: reconcile.Row{Base: a, Database: b, Sheet: scored},
			want: reconcile.Decision{Database: update(b, values("?", "?", "2")), Sheet: update(scored, values("?", "B", "?"))}},
		{name: "cell emptied in the sheet becomes '' where NULL is not allowed", row: reconcile.Row{Base: a, Database: a, Sheet: values("1", "", "1")},
			want: reconcile.Decision{Database: update(a, []tandem.Value{{}, tandem.Text(""), {}})}},
		{name: "NULL and '' are equal", row: reconcile.Row{Base: values("1", "A", ""), Database: []tandem.Value{tandem.Text("1"), tandem.Text(""), tandem.Null},
			Sheet: values("1", "", "")}, want: reconcile.Decision{Agreed: []tandem.Value{{}, tandem.Text(""), {}}}},
		{name: "floats equal to 15 digits", row: reconcile.Row{Base: a, Database: values("1", "A", "0.30000000000000004"), Sheet: values("1", "A", "0.3")},
			want: reconcile.Decision{Agreed: values("?", "?", "0.30000000000000004")}},
		{name: "conflict without times: the preferred side", row: reconcile.Row{Base: a, Database: b, Sheet: c},
			want: reconcile.Decision{Sheet: update(c, values("?", "B", "?")), Settled: tandem.Database}},
		{name: "conflict, database later", row: reconcile.Row{Base: a, Database: b, Sheet: c, DatabaseTime: noon, SheetFrom: noon.Add(-2), SheetTo: noon.Add(-1)},
			want: reconcile.Decision{Sheet: update(c, values("?", "B", "?")), Settled: tandem.Database}},
		{name: "conflict, sheet later", row: reconcile.Row{Base: a, Database: b, Sheet: c, DatabaseTime: noon, SheetFrom: noon.Add(1), SheetTo: noon.Add(2)},
			want: reconcile.Decision{Database: update(b, values("?", "C", "?")), Settled: tandem.Sheet}},
		{name: "conflict, database within the sheet's span", policy: func(p *reconcile.Policy) { p.Preferred = tandem.Sheet },
			row:  reconcile.Row{Base: a, Database: b, Sheet: c, DatabaseTime: noon, SheetFrom: noon.Add(-1), SheetTo: noon.Add(1)},
			want: reconcile.Decision{Database: update(b, values("?", "C", "?")), Settled: tandem.Sheet}},
		{name: "conflict, sheet wins", policy: wins(tandem.SheetWins), row: reconcile.Row{Base: a, Database: b, Sheet: c},
			want: reconcile.Decision{Database: update(b, values("?", "C", "?")), Settled: tandem.Sheet}},
		{name: "conflict, column's own policy", policy: func(p *reconcile.Policy) { p.Settings[1].Policy = tandem.SheetWins },
			row:  reconcile.Row{Base: a, Database: b, Sheet: c},
			want: reconcile.Decision{Database: update(b, values("?", "C", "?")), Settled: tandem.Sheet}},
		{name: "edit of a column that the database owns is put back", policy: owner(tandem.OwnerDatabase), row: reconcile.Row{Base: a, Database: a, Sheet: b},
			want: reconcile.Decision{Sheet: update(b, values("?", "A", "?"))}},
		{name: "nonsense in a column that the database owns is put back", policy: owner(tandem.OwnerDatabase),
			row:  reconcile.Row{Base: a, Database: a, Sheet: values("1", "!x", "1")},
			want: reconcile.Decision{Sheet: update(values("1", "!x", "1"), values("?", "A", "?"))}},
		{name: "change of a column that the sheet owns is put back", policy: owner(tandem.OwnerSheet), row: reconcile.Row{Base: a, Database: b, Sheet: a},
			want: reconcile.Decision{Database: update(b, values("?", "A", "?"))}},
		{name: "ignored column", policy: owner(tandem.OwnerIgnored), row: reconcile.Row{Base: a, Database: b, Sheet: c}},
		{name: "paused column", policy: func(p *reconcile.Policy) { p.Settings[1].Paused = "header missing" }, row: reconcile.Row{Base: a, Database: b, Sheet: c}},
		{name: "column that the sheet does not have", row: reconcile.Row{Base: a, Database: b, Sheet: values("1", "?", "1")}},
		{name: "a cell that is no value holds up no other cell", row: reconcile.Row{Base: a, Database: values("1", "B", "1"), Sheet: values("1", "A", "!abc")},
			want: reconcile.Decision{Sheet: update(values("1", "A", "!abc"), values("?", "B", "?")), Problem: &reconcile.Problem{Source: tandem.Sheet, Column: 2}}},
		{name: "deleted in the sheet", row: reconcile.Row{Base: a, Database: a}, want: reconcile.Decision{Database: remove(a)}},
		{name: "deleted in the database", row: reconcile.Row{Base: a, Sheet: a}, want: reconcile.Decision{Sheet: remove(a)}},
		{name: "deleted on both", row: reconcile.Row{Base: a}, want: reconcile.Decision{Forget: true}},
		{name: "deleted in the sheet, changed in the database: the update wins", row: reconcile.Row{Base: a, Database: b},
			want: reconcile.Decision{Sheet: insert(b), Settled: tandem.Database}},
		{name: "deleted in the sheet, changed in the database, sheet wins", policy: wins(tandem.SheetWins), row: reconcile.Row{Base: a, Database: b},
			want: reconcile.Decision{Database: remove(b), Settled: tandem.Sheet}},
		{name: "deleted in the sheet, database owns the rows", policy: allOwned(tandem.OwnerDatabase), row: reconcile.Row{Base: a, Database: a},
			want: reconcile.Decision{Sheet: insert(a)}},
		{name: "a person put a deletion back", row: reconcile.Row{Base: a, Database: a, Winner: tandem.Database}, want: reconcile.Decision{Sheet: insert(a)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.row.Key = "1"
			got := policy(test.policy).Decide(test.row)
			if (got.Problem == nil) != (test.want.Problem == nil) {
				t.Fatalf("problem = %v, want %v", got.Problem, test.want.Problem)
			}
			if got.Problem != nil {
				got.Problem.Text = ""
			}
			got.Row = reconcile.Row{}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(tandem.Value{})); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// Carrying a decision out on both sides and deciding again must find nothing left to do, and never write a cell that only
// the other side changed.
func FuzzDecideSettles(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint8(0))
	f.Add([]byte{0, 1, 2, 0, 1, 1, 2, 2, 2}, uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, setting uint8) {
		p := policy(func(p *reconcile.Policy) {
			p.Default = []tandem.Policy{tandem.LastWriteWins, tandem.DatabaseWins, tandem.SheetWins}[setting%3]
			p.Settings[2].Owner = []tandem.Owner{"", tandem.OwnerDatabase, tandem.OwnerSheet, tandem.OwnerIgnored}[setting/3%4]
		})
		next := func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		}
		side := func() []tandem.Value {
			if next()%4 == 0 {
				return nil
			}
			return []tandem.Value{tandem.Text("1"), tandem.Text(string("ABC"[next()%3])), tandem.Text(string("123"[next()%3]))}
		}
		row := reconcile.Row{Key: "1", Base: side(), Database: side(), Sheet: side()}
		d := p.Decide(row)
		after := reconcile.Row{Key: "1", Database: carry(row.Database, d.Database), Sheet: carry(row.Sheet, d.Sheet)}
		if after.Database != nil && after.Sheet != nil {
			after.Base = after.Database
		}
		if again := p.Decide(after); again.Database != nil || again.Sheet != nil {
			t.Fatalf("row %v\ndecided %+v %+v\nthen again %+v %+v", row, d.Database, d.Sheet, again.Database, again.Sheet)
		}
	})
}

func carry(values []tandem.Value, change *tandem.Change) []tandem.Value {
	if change == nil {
		return values
	}
	if change.Kind == tandem.Delete {
		return nil
	}
	merged := make([]tandem.Value, len(change.After))
	copy(merged, values)
	for i, value := range change.After {
		if !value.IsAbsent() {
			merged[i] = value
		}
	}
	return merged
}

func TestExceeds(t *testing.T) {
	tests := []struct {
		name             string
		limit            tandem.DeleteLimit
		now, recent, all int
		want             bool
	}{
		{name: "nothing", all: 100, recent: 90},
		{name: "ten of many", now: 10, all: 1000},
		{name: "more than ten, but few of all", now: 150, all: 1000},
		{name: "more than ten and more than a fifth", now: 201, all: 1000, want: true},
		{name: "spread over the hour", now: 1, recent: 200, all: 800, want: true},
		{name: "more than a thousand", now: 1001, all: 1000000, want: true},
		{name: "all of eleven", limit: tandem.DeleteLimit{Count: 1000, Percent: 100}, now: 11, all: 11, want: true},
		{name: "all of ten", now: 10, all: 10},
		{name: "own limit", limit: tandem.DeleteLimit{Count: 2, Percent: 1}, now: 3, all: 100, want: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := reconcile.Exceeds(test.limit, test.now, test.recent, test.all); got != test.want {
				t.Errorf("Exceeds = %v, want %v", got, test.want)
			}
		})
	}
}
