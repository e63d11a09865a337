package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

func TestSetObserved(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		o.clock.pass(time.Second)
		seen := []tandem.LinkColumn{
			{Column: "score", Header: "Points", Paused: "the column is gone", Owner: tandem.OwnerSheet, Policy: tandem.Manual},
			{Column: "title", Type: "text"}, {Column: "stranger", Header: "X", Paused: "?"}}
		if err := o.SetObserved(ctx, lease, "anime", seen, "Films"); err != nil {
			t.Fatal(err)
		}
		want := o.link
		want.Tab = "Films"
		want.Columns = []tandem.LinkColumn{{Column: "id", Header: "ID"}, {Column: "title", Header: "Title", Owner: tandem.OwnerShared, Type: "text"},
			{Column: "score", Header: "Points", Paused: "the column is gone"}}
		link, err := o.Link(ctx, "anime")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "observed", link, want)

		// The cycle goes on with the table that it opened before.
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{{Key: "1", Baseline: text("1", "Akira", "9")}}})

		seen[0].Paused, seen[1].Type = "", "" // it flows again; no type was found out
		if err := o.SetObserved(ctx, lease, "anime", seen, ""); err != nil {
			t.Fatal(err)
		}
		want.Columns[2].Paused = ""
		link, err = o.Link(ctx, "anime")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "observed again", link, want)

		// A user's change fences the cycle off: what it saw goes by the old settings.
		link.Columns[2].Header = "Rating"
		if link, err = o.UpdateLink(ctx, link, link.Version); err != nil {
			t.Fatal(err)
		}
		if err := o.SetObserved(ctx, lease, "anime", seen, "Old"); !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("observed by who was fenced off: %v", err)
		}
		after, err := o.Link(ctx, "anime")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "link", after, link)
	})
}

func TestSetObservedWritesOnlyNews(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		// A spelling that no write of ours would leave.
		o.exec(t, "UPDATE tandem_links SET config = REPLACE(config, '\"sheetId\":0', '\"sheetId\": 0')")
		for _, columns := range [][]tandem.LinkColumn{nil, o.link.Columns, {{Column: "title"}}} {
			if err := o.SetObserved(ctx, lease, "anime", columns, "Anime"); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		err := o.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM tandem_links WHERE config LIKE '%\"sheetId\": 0%'").Scan(&n)
		if err != nil || n != 1 {
			t.Errorf("the settings were written although nothing was new: %d, %v", n, err)
		}
	})
}

func TestSettingsOfIssueFour(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		link := o.link
		link.Rules = []tandem.Rule{{Column: "score", Expression: "database > sheet ? database : sheet"}, {Expression: "SHEET"}}
		link.HideErrors, link.HideStatus, link.AlertURL = true, true, "https://example.com/alerts"
		link.Policy, link.Columns[1].Type = tandem.ByRules, "varchar(20)"
		updated, err := o.UpdateLink(t.Context(), link, 0)
		if err != nil {
			t.Fatal(err)
		}
		link.Version, link.Updated = updated.Version, updated.Updated
		same(t, "updated link", updated, link)
	})
}

func TestNotes(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		lease := o.claim(t, "a")
		read := func(want []tandem.Note) {
			t.Helper()
			notes, err := o.Notes(ctx, "anime")
			if err != nil {
				t.Fatal(err)
			}
			same(t, "notes", notes, want)
		}
		read(nil)
		notes := []tandem.Note{{Header: true, Text: "equal as of 10:41"}}
		for i := range 500 {
			notes = append(notes, tandem.Note{Key: tandem.Key(fmt.Sprint(i)), Column: "title", Text: "too long\n🙂", Before: `{"red":1}`, Position: i})
		}
		for _, next := range [][]tandem.Note{notes, notes[:2], nil} {
			if err := o.SetNotes(ctx, lease, "anime", next); err != nil {
				t.Fatal(err)
			}
			read(next)
		}
		if err := o.Release(ctx, lease); err != nil {
			t.Fatal(err)
		}
		if err := o.SetNotes(ctx, lease, "anime", notes); !errors.Is(err, tandem.ErrFenced) {
			t.Errorf("notes of who was fenced off: %v", err)
		}
		read(nil)
	})
}

// Nothing of a deleted link stays in any of our tables.
func TestDeletedLinkLeavesNoRows(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		link, _ := o.serial(t)
		link.AlertURL = "https://example.com"
		link, err := o.UpdateLink(ctx, link, 0)
		if err != nil {
			t.Fatal(err)
		}
		table, err := o.OpenTable(ctx, &link)
		if err != nil {
			t.Fatal(err)
		}
		lease, _, err := o.Claim(ctx, "links/made", "a", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		typed := typedIn(5, time.Time{}, "Akira", "9")
		typed.Conflict = disputed("d", time.Time{})
		if _, err := table.Commit(ctx, lease, tandem.Commit{Link: "made", Settlements: []tandem.Settlement{typed}}); err != nil {
			t.Fatal(err)
		}
		if err := o.SetNotes(ctx, lease, "made", []tandem.Note{{Text: "x"}}); err != nil {
			t.Fatal(err)
		}
		if err := o.SetHalt(ctx, lease, "made", tandem.Halt{Reason: tandem.HaltTabGone, Message: "gone"}, nil); err != nil {
			t.Fatal(err)
		}
		tables := map[string]string{"tandem_conflicts": "link_number = 2", "tandem_typed": "link_number = 2", "tandem_notes": "link_number = 2", "tandem_alerts": "link_id = 'made'"}
		count := func(table string) (n int) {
			t.Helper()
			if err := o.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table+" WHERE "+tables[table]).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for table := range tables {
			if count(table) != 1 {
				t.Errorf("%s: %d rows before", table, count(table))
			}
		}
		if err := o.DeleteLink(ctx, "made"); err != nil {
			t.Fatal(err)
		}
		for table := range tables {
			if count(table) != 0 {
				t.Errorf("%s: %d rows stay", table, count(table))
			}
		}
	})
}
