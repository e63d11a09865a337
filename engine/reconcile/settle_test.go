package reconcile_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// dice makes a row, its policy and a person's decision out of bytes; when they run out it goes on with zeros.
type dice struct{ data []byte }

func (d *dice) roll(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

// What FuzzDecideSettles lets rules and people give.
var given = []string{"G", "7"}

func ruleSets(tb testing.TB) []*reconcile.Rules {
	columns := policy(nil).Columns
	var sets []*reconcile.Rules
	for _, rules := range [][]tandem.Rule{
		nil,
		{{Column: "title", Expression: `database > sheet ? database : sheet`}, {Column: "score", Expression: `sheet == null ? DATABASE : MANUAL`}},
		{{Column: "title", Expression: `base == null ? "G" : size(sheet) > 9 ? sheet : null`}, {Column: "score", Expression: `7.0`}},
		{{Expression: `database_deleted ? MANUAL : sheet_deleted ? SHEET : database == null ? LAST_WRITE : DATABASE`}},
		{{Expression: `column == "score" ? sheet / 0.0 : dyn(MANUAL)`}},
		{{Expression: `database_time > sheet_time ? DATABASE : LAST_WRITE`}, {Column: "score", Expression: `database + sheet > 4.0 ? null : sheet`}},
	} {
		set, err := reconcile.CompileRules(columns, rules)
		if err != nil {
			tb.Fatal(err)
		}
		sets = append(sets, set)
	}
	return sets
}

func (d *dice) policy(sets []*reconcile.Rules) *reconcile.Policy {
	pick := func() tandem.Policy {
		return []tandem.Policy{tandem.Manual, tandem.ByRules, tandem.LastWriteWins, tandem.DatabaseWins, tandem.SheetWins}[d.roll(5)]
	}
	return policy(func(p *reconcile.Policy) {
		p.Default, p.Preferred = pick(), []tandem.Source{tandem.Database, tandem.Sheet}[d.roll(2)]
		p.Rules = append(sets, nil)[d.roll(len(sets)+1)]
		for i := 1; i < len(p.Settings); i++ {
			if d.roll(3) == 1 {
				p.Settings[i].Policy = pick()
			}
			p.Settings[i].Owner = []tandem.Owner{"", "", "", "", tandem.OwnerShared, tandem.OwnerDatabase, tandem.OwnerSheet, tandem.OwnerIgnored}[d.roll(8)]
			if d.roll(16) == 1 {
				p.Settings[i].Paused = "its header is gone"
			}
		}
	})
}

// values rolls a row of one side, nil for none.
func (d *dice) values(sheet bool) []tandem.Value {
	if d.roll(5) == 1 {
		return nil
	}
	row := values("1", []string{"A", "B", "C", "", "G"}[d.roll(5)], []string{"1", "2", "3", "", "7"}[d.roll(5)])
	if sheet {
		switch d.roll(12) {
		case 1:
			row[0] = tandem.Text("9")
		case 2:
			row[2] = tandem.Invalid("many")
		case 3:
			row[1] = tandem.Absent
		}
	}
	return row
}

func (d *dice) row() reconcile.Row {
	row := reconcile.Row{Key: "1", Base: d.values(false), Database: d.values(false), Sheet: d.values(true)}
	if row.Base == nil && row.Sheet != nil {
		row.Sheet[0] = tandem.Text("1") // a key is only known to be edited where the row was known before
	}
	if row.Base != nil && d.roll(6) == 1 {
		row.Base[1+d.roll(2)] = tandem.Absent // in conflict since the first sync
	}
	if d.roll(2) == 1 {
		row.DatabaseTime, row.SheetFrom = noon, noon.Add(time.Duration(d.roll(3)-1)*time.Minute)
		row.SheetTo = row.SheetFrom.Add(time.Second)
	}
	row.Winner = []tandem.Source{"", "", "", "", "", "", tandem.Database, tandem.Sheet}[d.roll(8)]
	return row
}

// resolution rolls a person's decision about c, or about something else.
func (d *dice) resolution(c *tandem.Conflict) *tandem.Resolution {
	sources := []tandem.Source{tandem.Sheet, tandem.Database, ""}
	if c == nil || d.roll(4) == 1 {
		return &tandem.Resolution{Digest: "another", Take: sources[d.roll(2)]}
	}
	r := &tandem.Resolution{Digest: c.Digest, Take: sources[d.roll(3)], Columns: map[string]tandem.Choice{}}
	for _, column := range c.Columns {
		switch d.roll(4) {
		case 1:
			r.Columns[column] = tandem.Choice{Take: sources[d.roll(3)]}
		case 2:
			r.Columns[column] = tandem.Choice{Value: []tandem.Value{tandem.Text("7"), tandem.Text("G"), tandem.Null, tandem.Invalid("x")}[d.roll(4)]}
		}
	}
	return r
}

// overlaid returns row with the values that over holds; nil when neither holds any.
func overlaid(row, over []tandem.Value) []tandem.Value {
	if row == nil && over == nil {
		return nil
	}
	merged := make([]tandem.Value, max(len(row), len(over)))
	copy(merged, row)
	for i, value := range over {
		if !value.IsAbsent() {
			merged[i] = value
		}
	}
	return merged
}

func carry(row []tandem.Value, change *tandem.Change) []tandem.Value {
	switch {
	case change == nil:
		return row
	case change.Kind == tandem.Delete:
		return nil
	}
	return overlaid(row, change.After)
}

// databaseLanded returns the row once what the database takes has been committed, and nothing been written to the sheet:
// the baseline holds what the sheet held in the cells that were written.
func databaseLanded(row reconcile.Row, d reconcile.Decision) reconcile.Row {
	row.Base = overlaid(row.Base, d.Agreed)
	if d.Forget {
		row.Base = nil
	}
	if d.Database == nil {
		return row
	}
	row.Database = carry(row.Database, d.Database)
	if row.Database == nil {
		row.Base = nil
		return row
	}
	moved := make([]tandem.Value, len(d.Database.After))
	for i, value := range d.Database.After {
		if !value.IsAbsent() {
			moved[i] = row.Sheet[i]
		}
	}
	row.Base = overlaid(row.Base, moved)
	row.Key = tandem.Key(row.Database[0].Text())
	return row
}

// bothLanded returns the row once both sides have been written.
func bothLanded(row reconcile.Row, d reconcile.Decision) reconcile.Row {
	row = databaseLanded(row, d)
	if d.Sheet == nil {
		return row
	}
	row.Sheet = carry(row.Sheet, d.Sheet)
	if row.Sheet == nil {
		row.Base = nil
		return row
	}
	moved := make([]tandem.Value, len(d.Sheet.After))
	for i, value := range d.Sheet.After {
		if !value.IsAbsent() {
			moved[i] = row.Database[i]
		}
	}
	row.Base = overlaid(row.Base, moved)
	return row
}

// alike is the equality of cells: NULL and ” show alike.
var alike = cmp.Comparer(func(a, b tandem.Value) bool { return a == b || a.IsEmpty() && b.IsEmpty() })

// checkSettles tries the promises of the merge on one row: it settles, it invents no value, it overwrites nothing that only
// the other side changed, what is in conflict stays as it is, and a crash between the two sides changes nothing.
func checkSettles(t *testing.T, sets []*reconcile.Rules, data []byte) {
	t.Helper()
	d := &dice{data}
	p, row := d.policy(sets), d.row()
	first := p.Decide(row)
	if d.roll(2) == 1 {
		row.Resolution = d.resolution(first.Conflict)
	}
	decided := p.Decide(row)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Logf("policy %+v\nrules %v\nrow %+v\nresolution %+v", p, p.Rules, row, row.Resolution)
		t.Logf("decided database %+v\nsheet %+v\nagreed %+v conflict %+v", decided.Database, decided.Sheet, decided.Agreed, decided.Conflict)
		t.Fatalf(format, args...)
	}
	if diff := cmp.Diff(decided, p.Decide(row), comparison...); diff != "" {
		fail("the same input gave another decision:\n%s", diff)
	}
	checkWrites(p, row, &decided, fail)

	after := bothLanded(row, decided)
	again := p.Decide(after)
	if again.Database != nil || again.Sheet != nil || again.Agreed != nil || again.Forget {
		fail("then again database %+v sheet %+v agreed %v forget %v of %+v", again.Database, again.Sheet, again.Agreed, again.Forget, after)
	}
	if (again.Conflict == nil) != (decided.Conflict == nil) {
		fail("then the conflict is %+v", again.Conflict)
	}
	if c := decided.Conflict; c != nil && (again.Conflict.Digest != c.Digest || !slices.Equal(again.Conflict.Columns, c.Columns)) {
		fail("then the conflict is another: %+v", again.Conflict)
	}
	if decided.Problem == nil && again.Problem != nil {
		fail("then there is a problem: %+v", again.Problem)
	}

	crashed := databaseLanded(row, decided)
	if d.roll(2) == 1 && decided.Conflict == nil {
		crashed.Resolution = nil // closed with what landed
	}
	if decided.Database == nil && row.Winner == "" && (row.Database == nil || row.Sheet == nil) {
		return // a deletion is one write
	}
	later := bothLanded(crashed, p.Decide(crashed))
	if diff := cmp.Diff([][]tandem.Value{after.Database, after.Sheet}, [][]tandem.Value{later.Database, later.Sheet}, alike); diff != "" {
		fail("after a crash between the sides (-without +with):\n%s", diff)
	}
}

func checkWrites(p *reconcile.Policy, row reconcile.Row, d *reconcile.Decision, fail func(string, ...any)) {
	for source, change := range map[tandem.Source]*tandem.Change{tandem.Sheet: d.Database, tandem.Database: d.Sheet} {
		if change == nil {
			continue
		}
		from, into := row.Database, row.Sheet
		if source == tandem.Sheet {
			from, into = into, from
		}
		for i, value := range change.After {
			if value.IsAbsent() {
				continue
			}
			cleared := value.IsEmpty() && (from[i].IsEmpty() || d.Contests != nil)
			if value != from[i] && !cleared && !slices.Contains(given, value.Text()) {
				fail("column %d: %+v stands nowhere", i, value)
			}
			if value.IsInvalid() {
				fail("column %d: an invalid value is written", i)
			}
			if d.Conflict != nil && slices.Contains(d.Conflict.Columns, p.Settings[i].Column) {
				fail("column %d is in conflict and written", i)
			}
			if row.Base == nil || into == nil || row.Winner != "" || p.Settings[i].Owner == tandem.OwnerDatabase || p.Settings[i].Owner == tandem.OwnerSheet {
				continue
			}
			if p.Columns[i].Equal(row.Base[i], from[i]) && !p.Columns[i].Equal(row.Base[i], into[i]) {
				fail("column %d: a change by one side is overwritten with what the other did not change", i)
			}
		}
	}
	if c := d.Conflict; c != nil {
		if len(c.Columns) == 0 && (d.Database != nil || d.Sheet != nil || d.Agreed != nil || d.Forget) {
			fail("the whole row is in conflict and something is done")
		}
		for i := range d.Agreed {
			if !d.Agreed[i].IsAbsent() && slices.Contains(c.Columns, p.Settings[i].Column) {
				fail("column %d is in conflict and its baseline moves", i)
			}
		}
	}
}

func FuzzDecideSettles(f *testing.F) {
	sets := ruleSets(f)
	f.Add([]byte{})
	f.Add([]byte{0, 1, 2, 0, 1, 1, 2, 2, 2, 7, 9, 11, 200, 3, 1, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, data []byte) { checkSettles(t, sets, data) })
}

func TestDecideSettlesManyRows(t *testing.T) {
	sets := ruleSets(t)
	random := rand.New(rand.NewPCG(2026, 11))
	var data [48]byte
	for range 20000 {
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		checkSettles(t, sets, data[:])
	}
}
