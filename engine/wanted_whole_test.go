package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
)

// lateTab lets a test act between a look at the tab and the comparison before a write, once.
type lateTab struct {
	engine.Tab
	act *func()
}

func (t lateTab) Prepare(ctx context.Context, id string, changes []tandem.Change) ([]byte, []tandem.Applied, error) {
	if act := *t.act; act != nil {
		*t.act = nil
		act()
	}
	return t.Tab.Prepare(ctx, id, changes)
}

// Who makes a row in the sheet through the API is not told that it is there when a column of it went away just before it was
// written: the row is refused, and nothing of it is there. The row that is changed beside it has the header read again before that.
func TestWantedRowLosesAColumn(t *testing.T) {
	for name, mutation := range map[string]tandem.Mutation{
		"insert":           {Kind: tandem.Insert},
		"update or insert": {Kind: tandem.Update, Key: "77", AllowMissing: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, 5)
			act := func() { p.edit(p.set("D1", "renamed")) }
			options := p.options("writer")
			open := options.OpenTab
			options.OpenTab = func(link *tandem.Link, columns []tandem.Column) engine.Tab { return lateTab{open(link, columns), &act} }
			p.worker = engine.New(options)
			link := p.link()
			beside := tandem.Mutation{Kind: tandem.Update, Key: "2", RequestID: "beside", Values: []tandem.Value{tandem.Absent, tandem.Text("Changed"), tandem.Absent, tandem.Absent}}
			mutation.RequestID, mutation.Values = "once", []tandem.Value{tandem.Text("77"), tandem.Text("Whole"), tandem.Text("7"), tandem.Text("1.25")}
			var results []tandem.MutationResult
			done := make(chan error, 1)
			go func() {
				var err error
				results, err = p.store.SheetWriter(&link).Mutate(t.Context(), []tandem.Mutation{beside, mutation}, false)
				done <- err
			}()
			var err error
			for waits := true; waits; {
				select {
				case err = <-done:
					waits = false
				default:
					p.step(10 * time.Millisecond)
				}
			}
			if err != nil || act != nil || results[0].Err != nil || results[1].Err == nil || !strings.Contains(results[1].Err.Message, `no column "price"`) {
				t.Fatalf("the column went away: %v; the writes answered %+v, %v", act == nil, results, err)
			}
			if len(p.sheet()) != 5 || len(p.table()) != 5 {
				t.Errorf("%d rows in the sheet, %d in the table, want 5", len(p.sheet()), len(p.table()))
			}
		})
	}
}
