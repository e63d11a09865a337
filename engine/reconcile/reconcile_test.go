package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

var comparison = []cmp.Option{cmp.AllowUnexported(tandem.Value{}), cmpopts.IgnoreUnexported(reconcile.Decision{})}

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
	column := func(i int, w tandem.Policy) func(*reconcile.Policy) {
		return func(p *reconcile.Policy) { p.Settings[i].Policy = w }
	}
	open := func(columns ...string) *tandem.Conflict { return &tandem.Conflict{Columns: columns} }
	take := func(side tandem.Source) *tandem.Resolution { return &tandem.Resolution{Take: side} }
	choose := func(column string, choice tandem.Choice) *tandem.Resolution {
		return &tandem.Resolution{Columns: map[string]tandem.Choice{column: choice}}
	}
	both := values("1", "B", "2")
	other := values("1", "C", "3")
	renamed := values("2", "A", "1")
	tests := []struct {
		name   string
		policy func(*reconcile.Policy)
		row    reconcile.Row
		// resolve is a person's decision about the conflict that the row is without it; its digest is filled in when it has none.
		resolve *tandem.Resolution
		want    reconcile.Decision
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
		{name: "conflict, database within the sheet's span, preferred", row: reconcile.Row{Base: a, Database: b, Sheet: c, DatabaseTime: noon, SheetFrom: noon.Add(-1), SheetTo: noon.Add(1)},
			want: reconcile.Decision{Sheet: update(c, values("?", "B", "?")), Settled: tandem.Database}},
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
		{name: "a person put a row back, nonsense in a column that the database owns stays out", policy: owner(tandem.OwnerDatabase),
			row:  reconcile.Row{Base: a, Database: b, Sheet: values("1", "!x", "1"), Winner: tandem.Sheet},
			want: reconcile.Decision{Sheet: update(values("1", "!x", "1"), values("?", "B", "?"))}},
		{name: "a person put a row back, and with it the cells that the database owns", policy: owner(tandem.OwnerDatabase),
			row: reconcile.Row{Base: a, Sheet: scored, Winner: tandem.Sheet}, want: reconcile.Decision{Database: insert(scored)}},
		{name: "a person put a row back, but not what was typed into a cell that the database owns", policy: owner(tandem.OwnerDatabase),
			row:  reconcile.Row{Base: a, Sheet: b, Winner: tandem.Sheet},
			want: reconcile.Decision{Database: insert(values("1", "?", "1")), Follow: true}},
		{name: "a person put a row back, what the table computes is not written to it", policy: func(p *reconcile.Policy) { p.Columns[1].Generated = true },
			row:  reconcile.Row{Base: a, Database: a, Sheet: b, Winner: tandem.Sheet},
			want: reconcile.Decision{Sheet: update(b, values("?", "A", "?"))}},

		{name: "MANUAL: a cell in conflict is written on neither side", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c},
			want: reconcile.Decision{Conflict: open("title")}},
		{name: "MANUAL: the other cells of the row flow", policy: wins(tandem.Manual),
			row:  reconcile.Row{Base: a, Database: values("1", "B", "2"), Sheet: c},
			want: reconcile.Decision{Sheet: update(c, values("?", "?", "2")), Conflict: open("title")}},
		{name: "MANUAL: other cells flow to the database, and agree", policy: func(p *reconcile.Policy) {
			p.Default = tandem.Manual
			p.Columns, p.Settings = append(p.Columns, p.Columns[1]), append(p.Settings, tandem.LinkColumn{Column: "note"})
		}, row: reconcile.Row{Base: values("1", "A", "1", "x"), Database: values("1", "B", "1", "y"), Sheet: values("1", "C", "2", "y")},
			want: reconcile.Decision{Database: update(values("1", "B", "1", "y"), values("?", "?", "2", "?")), Agreed: values("?", "?", "?", "y"), Conflict: open("title")}},
		{name: "MANUAL: both changed to the same is no conflict", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: b},
			want: reconcile.Decision{Agreed: values("?", "B", "?")}},
		{name: "MANUAL: changed on one side is no conflict", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: a},
			want: reconcile.Decision{Sheet: update(a, values("?", "B", "?"))}},
		{name: "MANUAL: first sync, differing cells wait, equal ones are adopted", policy: wins(tandem.Manual), row: reconcile.Row{Database: both, Sheet: other},
			want: reconcile.Decision{Agreed: values("1", "?", "?"), Conflict: open("title", "score")}},
		{name: "MANUAL: deleted in the sheet, changed in the database: left alone", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b},
			want: reconcile.Decision{Conflict: open()}},
		{name: "MANUAL: deleted in the database, changed in the sheet: left alone", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Sheet: b},
			want: reconcile.Decision{Conflict: open()}},
		{name: "MANUAL: deleted on one side, unchanged on the other", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Sheet: a},
			want: reconcile.Decision{Sheet: remove(a)}},
		{name: "MANUAL: deleted on both sides", policy: wins(tandem.Manual), row: reconcile.Row{Base: a}, want: reconcile.Decision{Forget: true}},
		{name: "MANUAL: deleted where a cell never agreed", policy: wins(tandem.Manual), row: reconcile.Row{Base: values("1", "?", "1"), Database: a},
			want: reconcile.Decision{Conflict: open()}},
		{name: "MANUAL of a column overrides the link's policy", policy: column(1, tandem.Manual), row: reconcile.Row{Base: a, Database: both, Sheet: other},
			want: reconcile.Decision{Sheet: update(other, values("?", "?", "2")), Settled: tandem.Database, Conflict: open("title")}},
		{name: "MANUAL of the link is overridden by a column's", policy: func(p *reconcile.Policy) { p.Default, p.Settings[2].Policy = tandem.Manual, tandem.SheetWins },
			row:  reconcile.Row{Base: a, Database: both, Sheet: other},
			want: reconcile.Decision{Database: update(both, values("?", "?", "3")), Settled: tandem.Sheet, Conflict: open("title")}},
		{name: "MANUAL of a column does not count for deletions", policy: column(1, tandem.Manual), row: reconcile.Row{Base: a, Database: b},
			want: reconcile.Decision{Sheet: insert(b), Settled: tandem.Database}},
		{name: "a column's policy does not count for deletions under MANUAL", policy: func(p *reconcile.Policy) { p.Default, p.Settings[1].Policy = tandem.Manual, tandem.SheetWins },
			row: reconcile.Row{Base: a, Database: b}, want: reconcile.Decision{Conflict: open()}},
		{name: "MANUAL: a cell that one side owns is no conflict", policy: func(p *reconcile.Policy) { p.Default, p.Settings[1].Owner = tandem.Manual, tandem.OwnerSheet },
			row: reconcile.Row{Base: a, Database: b, Sheet: c}, want: reconcile.Decision{Database: update(b, values("?", "C", "?"))}},
		{name: "MANUAL: rows that one side owns are no conflict", policy: func(p *reconcile.Policy) {
			p.Default, p.Settings[1].Owner, p.Settings[2].Owner = tandem.Manual, tandem.OwnerDatabase, tandem.OwnerDatabase
		}, row: reconcile.Row{Base: a, Sheet: b}, want: reconcile.Decision{Sheet: remove(b)}},
		{name: "MANUAL: a paused column is no conflict", policy: func(p *reconcile.Policy) { p.Default, p.Settings[1].Paused = tandem.Manual, "gone" },
			row: reconcile.Row{Base: a, Database: b, Sheet: c}},
		{name: "MANUAL: a cell that is no value is a problem, no conflict", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: values("1", "A", "2"), Sheet: values("1", "A", "!abc")},
			want: reconcile.Decision{Problem: &reconcile.Problem{Source: tandem.Sheet, Column: 2}}},
		{name: "MANUAL: a person's answer to a halt beats it", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c, Winner: tandem.Sheet},
			want: reconcile.Decision{Database: update(b, values("?", "C", "?"))}},
		{name: "MANUAL: an answer to a halt beats a resolution", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Winner: tandem.Database}, resolve: take(tandem.Sheet),
			want: reconcile.Decision{Sheet: insert(b)}},

		{name: "resolved for the sheet", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c}, resolve: take(tandem.Sheet),
			want: reconcile.Decision{Database: update(b, values("?", "C", "?")), Settled: tandem.Sheet, Resolved: true}},
		{name: "resolved for the database: the baseline says what the table's value replaces", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c}, resolve: take(tandem.Database),
			want: reconcile.Decision{Sheet: update(c, values("?", "B", "?")), Agreed: values("?", "C", "?"), Settled: tandem.Database, Resolved: true}},
		{name: "resolved by column: what is not named stays open", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: both, Sheet: other},
			resolve: choose("title", tandem.Choice{Take: tandem.Sheet}),
			want:    reconcile.Decision{Database: update(both, values("?", "C", "?")), Settled: tandem.Sheet, Resolved: true, Conflict: open("score")}},
		{name: "resolved by column, the rest for one side", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: both, Sheet: other},
			resolve: &tandem.Resolution{Take: tandem.Database, Columns: map[string]tandem.Choice{"title": {Take: tandem.Sheet}}},
			want: reconcile.Decision{Database: update(both, values("?", "C", "?")), Sheet: update(other, values("?", "?", "2")), Agreed: values("?", "?", "3"),
				Settled: tandem.Sheet, Resolved: true}},
		{name: "resolved with another value: written to both sides", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c},
			resolve: choose("title", tandem.Choice{Value: tandem.Text("D")}),
			want:    reconcile.Decision{Database: update(b, values("?", "D", "?")), Sheet: update(c, values("?", "D", "?")), Resolved: true}},
		{name: "resolved with the database's value: written to the sheet only", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: both, Sheet: values("1", "B", "3")},
			resolve: choose("score", tandem.Choice{Value: tandem.Text("2.0")}),
			want:    reconcile.Decision{Sheet: update(values("1", "B", "3"), values("?", "?", "2")), Agreed: values("?", "B", "3"), Settled: tandem.Database, Resolved: true}},
		{name: "resolved with the sheet's value: written to the database only", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c},
			resolve: choose("title", tandem.Choice{Value: tandem.Text("C")}),
			want:    reconcile.Decision{Database: update(b, values("?", "C", "?")), Settled: tandem.Sheet, Resolved: true}},
		{name: "resolved with a text that no cell holds: stays open", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c},
			resolve: choose("title", tandem.Choice{Value: tandem.Text(strings.Repeat("x", 49999) + "🌙")}),
			want: reconcile.Decision{Conflict: &tandem.Conflict{Columns: []string{"title"},
				Reason: "title: the value given for it cannot be stored: 50001 characters are more than the 50000 that a cell holds"}}},
		{name: "resolved with the empty value", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c},
			resolve: choose("title", tandem.Choice{Value: tandem.Null}),
			want:    reconcile.Decision{Database: update(b, []tandem.Value{{}, tandem.Text(""), {}}), Sheet: update(c, []tandem.Value{{}, tandem.Null, {}}), Resolved: true}},
		{name: "resolved with what the column cannot hold: stays open", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: values("1", "A", "2"), Sheet: values("1", "A", "3")},
			resolve: choose("score", tandem.Choice{Value: tandem.Text("many")}),
			want:    reconcile.Decision{Conflict: &tandem.Conflict{Columns: []string{"score"}, Reason: `score: the value given for it cannot be stored: "many" is not a number`}}},
		{name: "a choice that names nothing leaves the cell open, whatever the rest takes", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: both, Sheet: other},
			resolve: &tandem.Resolution{Take: tandem.Sheet, Columns: map[string]tandem.Choice{"title": {}}},
			want:    reconcile.Decision{Database: update(both, values("?", "?", "3")), Settled: tandem.Sheet, Resolved: true, Conflict: open("title")}},
		{name: "a resolution of another digest is ignored", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: c},
			resolve: &tandem.Resolution{Digest: "other", Take: tandem.Sheet}, want: reconcile.Decision{Conflict: open("title")}},
		{name: "a resolution without a conflict is ignored", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: a},
			resolve: take(tandem.Sheet), want: reconcile.Decision{Sheet: update(a, values("?", "B", "?"))}},
		{name: "deletion resolved for the side that deleted", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b}, resolve: take(tandem.Sheet),
			want: reconcile.Decision{Database: remove(b), Settled: tandem.Sheet, Resolved: true}},
		{name: "deletion resolved for the side that changed", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Sheet: b}, resolve: take(tandem.Sheet),
			want: reconcile.Decision{Database: insert(b), Settled: tandem.Sheet, Resolved: true}},
		{name: "deletion resolved for nothing", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Sheet: b}, resolve: choose("title", tandem.Choice{Take: tandem.Sheet}),
			want: reconcile.Decision{Conflict: open()}},
		{name: "deletion, a resolution of another digest is ignored", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Sheet: b},
			resolve: &tandem.Resolution{Digest: "other", Take: tandem.Sheet}, want: reconcile.Decision{Conflict: open()}},

		{name: "key edited in the sheet: renames the row", row: reconcile.Row{Base: a, Database: a, Sheet: renamed},
			want: reconcile.Decision{Database: update(a, values("2", "?", "?"))}},
		{name: "key edited under MANUAL is no conflict", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: a, Sheet: renamed},
			want: reconcile.Decision{Database: update(a, values("2", "?", "?"))}},
		{name: "key edited, another cell edited too", row: reconcile.Row{Base: a, Database: a, Sheet: values("2", "C", "1")},
			want: reconcile.Decision{Database: update(a, values("2", "C", "?"))}},
		{name: "key edited, the database changed another cell: the sheet's row stands under the new key", row: reconcile.Row{Base: a, Database: b, Sheet: renamed},
			want: reconcile.Decision{Database: update(b, values("2", "?", "?")),
				Sheet: &tandem.Change{Kind: tandem.Update, Key: "2", Before: renamed, After: values("?", "B", "?")}}},
		{name: "key edited, both changed one cell", row: reconcile.Row{Base: a, Database: b, Sheet: values("2", "C", "1")},
			want: reconcile.Decision{Database: update(b, values("2", "?", "?")), Settled: tandem.Database,
				Sheet: &tandem.Change{Kind: tandem.Update, Key: "2", Before: values("2", "C", "1"), After: values("?", "B", "?")}}},
		{name: "key edited, both changed one cell, MANUAL", policy: wins(tandem.Manual), row: reconcile.Row{Base: a, Database: b, Sheet: values("2", "C", "1")},
			want: reconcile.Decision{Database: update(b, values("2", "?", "?")), Conflict: open("title")}},
		{name: "key edited where the database owns the key: put back", policy: func(p *reconcile.Policy) { p.Settings[0].Owner = tandem.OwnerDatabase },
			row:  reconcile.Row{Base: a, Database: a, Sheet: renamed},
			want: reconcile.Decision{Sheet: &tandem.Change{Kind: tandem.Update, Key: "2", Before: renamed, After: values("1", "?", "?")}}},
		{name: "key edited, the row deleted in the database: put back under the new key", row: reconcile.Row{Base: a, Sheet: renamed},
			want: reconcile.Decision{Database: &tandem.Change{Kind: tandem.Insert, Key: "2", After: renamed}, Settled: tandem.Sheet}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.row.Key = "1"
			p := policy(test.policy)
			if test.row.Resolution = test.resolve; test.resolve != nil && test.resolve.Digest == "" {
				if without := p.Decide(test.row); without.Conflict != nil {
					test.resolve.Digest = without.Conflict.Digest
				}
			}
			got := p.Decide(test.row)
			if quiet := cmp.Equal(test.want, reconcile.Decision{}, comparison...); quiet != got.Quiet() {
				t.Errorf("Quiet = %v, want %v", got.Quiet(), quiet)
			}
			if (got.Problem == nil) != (test.want.Problem == nil) {
				t.Fatalf("problem = %v, want %v", got.Problem, test.want.Problem)
			}
			if got.Problem != nil {
				got.Problem.Text = ""
			}
			if got.Conflict != nil {
				got.Conflict = &tandem.Conflict{Columns: got.Conflict.Columns, Reason: got.Conflict.Reason}
			}
			got.Row, got.Contests = reconcile.Row{}, nil
			if diff := cmp.Diff(test.want, got, comparison...); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRemoves(t *testing.T) {
	a, b := values("1", "A", "1"), values("1", "B", "2")
	tests := []struct {
		name            string
		policy          tandem.Policy
		row             reconcile.Row
		database, sheet bool // because of what the database, the sheet did
	}{
		{name: "updated", row: reconcile.Row{Base: a, Database: a, Sheet: b}},
		{name: "deleted in the sheet", row: reconcile.Row{Base: a, Database: a}, sheet: true},
		{name: "deleted in the database", row: reconcile.Row{Base: a, Sheet: a}, database: true},
		{name: "emptied in the sheet", row: reconcile.Row{Base: a, Database: a, Sheet: values("1", "", "1")}, sheet: true},
		{name: "emptied in the database", row: reconcile.Row{Base: a, Database: values("1", "A", ""), Sheet: a}, database: true},
		{name: "waits for a person", policy: tandem.Manual, row: reconcile.Row{Base: a, Database: b}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.row.Key = "1"
			d := policy(func(p *reconcile.Policy) { p.Default = test.policy }).Decide(test.row)
			if database, sheet := d.Removes(tandem.Database), d.Removes(tandem.Sheet); database != test.database || sheet != test.sheet {
				t.Errorf("Removes = %v, %v, want %v, %v", database, sheet, test.database, test.sheet)
			}
		})
	}
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
