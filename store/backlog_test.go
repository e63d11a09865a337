package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

// TestBacklogs: what waits is counted by link, and the oldest of it dates the backlog, whether it is a mark or a write. Rows are
// counted once, however often they are marked, and those of a link that was never synced not at all.
func TestBacklogs(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		if _, err := o.CreateLink(ctx, newLink("idle", 1)); err != nil {
			t.Fatal(err)
		}
		began := o.clock.Now()
		var marks []tandem.Mark
		for i := range 5 {
			marks = append(marks, tandem.Mark{Source: tandem.Database, Key: tandem.Key(fmt.Sprint(i)), At: began.Add(time.Duration(i) * time.Minute)})
		}
		if err := o.AddMarks(ctx, "anime", marks); err != nil {
			t.Fatal(err)
		}
		idle := tandem.Backlog{Link: "idle", State: tandem.StateNew}
		backlogs := func() []tandem.Backlog {
			t.Helper()
			all, err := o.Backlogs(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		same(t, "backlogs before the first sync", backlogs(), []tandem.Backlog{{Link: "anime", State: tandem.StateNew}, idle})
		if err := o.SetState(ctx, "anime", nil, tandem.StatePaused); err != nil {
			t.Fatal(err)
		}
		same(t, "backlogs", backlogs(), []tandem.Backlog{{Link: "anime", State: tandem.StatePaused, Marks: 5, Rows: 5, Oldest: began}, idle})
		marks = append(marks, tandem.Mark{Source: tandem.Sheet, At: began.Add(time.Hour)}) // a look at the tab, and all rows again
		if err := o.AddMarks(ctx, "anime", marks); err != nil {
			t.Fatal(err)
		}
		same(t, "backlogs of rows that are marked twice", backlogs(), []tandem.Backlog{{Link: "anime", State: tandem.StatePaused, Marks: 11, Rows: 5, Oldest: began}, idle})

		earlier := began.Add(-time.Hour).UTC().Format("2006-01-02 15:04:05.000000")
		for i, done := range []int{0, 1, 0} {
			o.exec(t, fmt.Sprintf("INSERT INTO tandem_writes (id, link_number, done, created_at) VALUES ('w%d', 1, %d, '%s')", i, done, earlier))
		}
		o.exec(t, "INSERT INTO tandem_conflicts (link_number, row_key, digest) VALUES (1, 'a', ''), (1, 'b', '')")
		o.exec(t, "INSERT INTO tandem_row_errors (link_number, place, row_key, position, source, column_name, message, digest, attempts) VALUES (1, 'a', 'a', 0, 'sheet', '', '', '', 1)")
		same(t, "backlogs with writes", backlogs(), []tandem.Backlog{{Link: "anime", State: tandem.StatePaused, Marks: 11, Rows: 5, Writes: 2, Oldest: began.Add(-time.Hour), Conflicts: 2, RowErrors: 1}, idle})
	})
}
