package reconcile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

func named(row []tandem.Value) map[string]tandem.Value {
	byName := map[string]tandem.Value{}
	for i, name := range []string{"id", "title", "score"} {
		if !row[i].IsAbsent() {
			byName[name] = row[i]
		}
	}
	return byName
}

func manual(p *reconcile.Policy) { p.Default = tandem.Manual }

func TestConflictHoldsWhatAPersonDecidesAbout(t *testing.T) {
	base, db, sheet := values("1", "A", "?"), values("1", "B", "2"), values("1", "C", "")
	row := reconcile.Row{Key: "1", Base: base, Database: db, Sheet: sheet, DatabaseTime: noon, SheetFrom: noon.Add(1), SheetTo: noon.Add(2)}
	d := policy(manual).Decide(row)
	want := &tandem.Conflict{Key: "1", Columns: []string{"title", "score"}, Base: named(base), Database: named(db), Sheet: named(sheet),
		DatabaseTime: noon, SheetFrom: noon.Add(1), SheetTo: noon.Add(2)}
	got := *d.Conflict
	if got.Digest == "" {
		t.Error("the conflict has no digest")
	}
	got.Digest = ""
	if diff := cmp.Diff(want, &got, comparison...); diff != "" {
		t.Errorf("conflict of cells (-want +got):\n%s", diff)
	}

	d = policy(manual).Decide(reconcile.Row{Key: "1", Base: values("1", "A", "1"), Sheet: sheet})
	if c := d.Conflict; c == nil || c.Columns != nil || c.Database != nil || c.Sheet == nil || c.Base == nil {
		t.Errorf("conflict of a row that the database deleted = %+v", c)
	}
	d = policy(manual).Decide(reconcile.Row{Key: "1", Database: db, Sheet: sheet})
	if c := d.Conflict; c == nil || c.Base != nil {
		t.Errorf("conflict without a baseline = %+v", c)
	}
}

func TestDigestIsOfWhatIsInConflict(t *testing.T) {
	base := values("1", "A", "1")
	of := func(row reconcile.Row, change func(*reconcile.Policy)) string {
		t.Helper()
		row.Key = "1"
		d := policy(func(p *reconcile.Policy) {
			manual(p)
			if change != nil {
				change(p)
			}
		}).Decide(row)
		if d.Conflict == nil {
			t.Fatal("no conflict")
		}
		return d.Conflict.Digest
	}
	seen := of(reconcile.Row{Base: base, Database: values("1", "B", "1"), Sheet: values("1", "C", "1")}, nil)
	same := map[string]string{
		"another cell changed in the database": of(reconcile.Row{Base: base, Database: values("1", "B", "2"), Sheet: values("1", "C", "1")}, nil),
		"another cell changed in the sheet":    of(reconcile.Row{Base: base, Database: values("1", "B", "1"), Sheet: values("1", "C", "2")}, nil),
		"another cell changed on both":         of(reconcile.Row{Base: values("1", "A", "2"), Database: values("1", "B", "2"), Sheet: values("1", "C", "2")}, nil),
		"the key was edited":                   of(reconcile.Row{Base: base, Database: values("1", "B", "1"), Sheet: values("2", "C", "1")}, nil),
		"other times":                          of(reconcile.Row{Base: base, Database: values("1", "B", "1"), Sheet: values("1", "C", "1"), DatabaseTime: noon}, nil),
	}
	for name, digest := range same {
		if digest != seen {
			t.Errorf("%s: the digest of the conflict changed", name)
		}
	}
	different := map[string]string{
		"the database changed again": of(reconcile.Row{Base: base, Database: values("1", "D", "1"), Sheet: values("1", "C", "1")}, nil),
		"the sheet changed again":    of(reconcile.Row{Base: base, Database: values("1", "B", "1"), Sheet: values("1", "D", "1")}, nil),
		"the baseline is another":    of(reconcile.Row{Base: values("1", "D", "1"), Database: values("1", "B", "1"), Sheet: values("1", "C", "1")}, nil),
		"a second cell in conflict":  of(reconcile.Row{Base: base, Database: values("1", "B", "2"), Sheet: values("1", "C", "3")}, nil),
		"the whole row":              of(reconcile.Row{Base: base, Database: values("1", "B", "1")}, nil),
	}
	for name, digest := range different {
		if digest == seen {
			t.Errorf("%s: the digest of the conflict is the same", name)
		}
	}
	deleted := of(reconcile.Row{Base: base, Database: values("1", "B", "1")}, nil)
	for name, row := range map[string]reconcile.Row{
		"any cell changed":      {Base: base, Database: values("1", "B", "2")},
		"deleted on the other":  {Base: base, Sheet: values("1", "B", "1")},
		"the baseline is other": {Base: values("1", "A", "3"), Database: values("1", "B", "1")},
	} {
		if of(row, nil) == deleted {
			t.Errorf("whole row, %s: the digest is the same", name)
		}
	}
	swap := func(p *reconcile.Policy) {
		p.Columns[1], p.Columns[2] = p.Columns[2], p.Columns[1]
		p.Settings[1], p.Settings[2] = p.Settings[2], p.Settings[1]
	}
	if of(reconcile.Row{Base: base, Database: values("1", "B", "2"), Sheet: values("1", "C", "3")}, nil) !=
		of(reconcile.Row{Base: values("1", "1", "A"), Database: values("1", "2", "B"), Sheet: values("1", "3", "C")}, swap) ||
		deleted != of(reconcile.Row{Base: values("1", "1", "A"), Database: values("1", "1", "B")}, swap) {
		t.Error("the digest depends on the order of the columns")
	}
	ignored := func(p *reconcile.Policy) { p.Settings[2].Owner = tandem.OwnerIgnored }
	if of(reconcile.Row{Base: base, Database: values("1", "B", "1")}, ignored) != of(reconcile.Row{Base: base, Database: values("1", "B", "2")}, ignored) {
		t.Error("whole row: an ignored column counts for the digest")
	}
}

func TestContests(t *testing.T) {
	a, b, c := values("1", "A", "1"), values("1", "B", "2"), values("1", "C", "3")
	title := func(w tandem.Policy) func(*reconcile.Policy) {
		return func(p *reconcile.Policy) { p.Settings[1].Policy = w }
	}
	decide := func(change func(*reconcile.Policy), row reconcile.Row, resolution *tandem.Resolution) reconcile.Decision {
		p := policy(change)
		row.Key, row.DatabaseTime = "1", noon
		if d := p.Decide(row); resolution != nil {
			resolution.Digest = d.Conflict.Digest
		}
		row.Resolution = resolution
		return p.Decide(row)
	}
	settled := func(winner tandem.Source, base, db, sheet map[string]tandem.Value, columns ...string) *tandem.Conflict {
		return &tandem.Conflict{Key: "1", Columns: columns, Base: base, Database: db, Sheet: sheet, DatabaseTime: noon, Winner: winner}
	}
	tests := []struct {
		name                string
		decision            reconcile.Decision
		want                []reconcile.Contest
		ofDatabase, ofSheet *tandem.Conflict
	}{
		{name: "nothing contested", decision: decide(nil, reconcile.Row{Base: a, Database: a, Sheet: c}, nil)},
		{name: "settled by policy, each side one cell", decision: decide(title(tandem.SheetWins), reconcile.Row{Base: a, Database: b, Sheet: c}, nil),
			want:       []reconcile.Contest{{Column: 1, Winner: tandem.Sheet}, {Column: 2, Winner: tandem.Database}},
			ofDatabase: settled(tandem.Database, named(a), named(b), named(c), "score"), ofSheet: settled(tandem.Sheet, named(a), named(b), named(c), "title")},
		{name: "settled by a person, the other cell by policy", decision: decide(title(tandem.Manual), reconcile.Row{Base: a, Database: b, Sheet: c}, &tandem.Resolution{Take: tandem.Sheet}),
			want:       []reconcile.Contest{{Column: 2, Winner: tandem.Database}, {Column: 1, Winner: tandem.Sheet, Manual: true}},
			ofDatabase: settled(tandem.Database, named(a), named(b), named(c), "score"), ofSheet: settled(tandem.Sheet, named(a), named(b), named(c), "title")},
		{name: "settled with another value, on both sides", decision: decide(manual, reconcile.Row{Base: a, Database: values("1", "B", "1"), Sheet: values("1", "C", "1")},
			&tandem.Resolution{Columns: map[string]tandem.Choice{"title": {Value: tandem.Text("D")}}}),
			want:       []reconcile.Contest{{Column: 1, Manual: true}},
			ofDatabase: settled("", named(a), named(values("1", "B", "1")), named(values("1", "C", "1")), "title"),
			ofSheet:    settled("", named(a), named(values("1", "B", "1")), named(values("1", "C", "1")), "title")},
		{name: "still open", decision: decide(manual, reconcile.Row{Base: a, Database: b, Sheet: c}, nil)},
		{name: "update beats deletion", decision: decide(nil, reconcile.Row{Base: a, Database: b}, nil),
			want: []reconcile.Contest{{Column: -1, Winner: tandem.Database}}, ofDatabase: settled(tandem.Database, named(a), named(b), nil)},
		{name: "deletion that a person chose", decision: decide(manual, reconcile.Row{Base: a, Database: b}, &tandem.Resolution{Take: tandem.Sheet}),
			want: []reconcile.Contest{{Column: -1, Winner: tandem.Sheet, Manual: true}}, ofSheet: settled(tandem.Sheet, named(a), named(b), nil)},
		{name: "answer to a halt", decision: decide(nil, reconcile.Row{Base: a, Database: b, Sheet: c, Winner: tandem.Sheet}, nil)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := test.decision
			if diff := cmp.Diff(test.want, d.Contests); diff != "" {
				t.Errorf("contests (-want +got):\n%s", diff)
			}
			d.Row.Database, d.Row.Base = nil, nil // what lands meanwhile is not what was decided about
			if diff := cmp.Diff(test.ofDatabase, d.Contest(tandem.Database), comparison...); diff != "" {
				t.Errorf("of the database (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.ofSheet, d.Contest(tandem.Sheet), comparison...); diff != "" {
				t.Errorf("of the sheet (-want +got):\n%s", diff)
			}
		})
	}
}

// A resolution whose first half landed must not lose the second when the process stops in between.
func TestResolutionSurvivesACrashBetweenTheSides(t *testing.T) {
	p := policy(manual)
	row := reconcile.Row{Key: "1", Base: values("1", "A", "1"), Database: values("1", "B", "2"), Sheet: values("1", "C", "3"), SheetTo: noon.Add(time.Hour)}
	row.Resolution = &tandem.Resolution{Digest: p.Decide(row).Conflict.Digest, Take: tandem.Database, Columns: map[string]tandem.Choice{"title": {Take: tandem.Sheet}}}
	landed := databaseLanded(row, p.Decide(row))
	landed.Resolution = nil // the conflict was closed with it
	d := p.Decide(landed)
	want := &tandem.Change{Kind: tandem.Update, Key: "1", Before: values("1", "C", "3"), After: values("?", "?", "2")}
	if diff := cmp.Diff(want, d.Sheet, comparison...); diff != "" || d.Conflict != nil {
		t.Errorf("after the crash: conflict %+v, sheet (-want +got):\n%s", d.Conflict, diff)
	}
	landed.Sheet = values("1", "C", "4") // and a person edited the cell meanwhile
	if d = p.Decide(landed); d.Conflict == nil || d.Sheet != nil {
		t.Errorf("after a new edit the cell is in conflict again; decided %+v", d)
	}
}
