package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// films is a linked table with columns outside the link, and its history as cycles write it.
type films struct {
	*world
	t     *testing.T
	link  tandem.Link
	table *store.Table
}

const filmsTable = `CREATE TABLE films (id INT NOT NULL PRIMARY KEY, title VARCHAR(40) NOT NULL, score DECIMAL(4,1) NULL, tag VARCHAR(10) NULL DEFAULT 'none',
	note TEXT NULL, poster VARBINARY(20) NULL, twice INT GENERATED ALWAYS AS (id * 2) VIRTUAL, CHECK (score IS NULL OR score < 100))`

// newFilms links id, title, score and tag; note, poster and twice stay outside.
func newFilms(t *testing.T, w *world, adjust func(*tandem.Link)) *films {
	t.Helper()
	w.exec(t, filmsTable)
	link := tandem.Link{ID: "films", Table: "films", SpreadsheetID: "1AbC", SheetID: 1, Tab: "films", HeaderRow: 1, TimeZone: "Europe/Berlin",
		Key: []string{"id"}, Policy: tandem.LastWriteWins}
	for _, name := range []string{"id", "title", "score", "tag"} {
		link.Columns = append(link.Columns, tandem.LinkColumn{Column: name, Header: name})
	}
	if adjust != nil {
		adjust(&link)
	}
	link, err := w.CreateLink(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	f := &films{world: w, t: t, link: link, table: w.open(t, &link)}
	if err := w.Capture(t.Context(), &link); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *films) commit(settlements ...tandem.Settlement) {
	f.t.Helper()
	lease, ok, err := f.Claim(f.t.Context(), "links/films", "test", time.Minute)
	if err != nil || !ok {
		f.t.Fatalf("claim: %v, %v", ok, err)
	}
	applied, err := f.table.Commit(f.t.Context(), lease, tandem.Commit{Link: "films", Settlements: settlements})
	if err != nil {
		f.t.Fatal(err)
	}
	for i := range applied {
		if applied[i].Outcome != tandem.Landed {
			f.t.Fatalf("settlement %d: %+v", i, applied[i])
		}
	}
	if err := f.Release(context.WithoutCancel(f.t.Context()), lease); err != nil {
		f.t.Fatal(err)
	}
}

// fromSheet carries a change that a person made in the sheet to the table, with its history.
func (f *films) fromSheet(actor string, kind tandem.ChangeKind, key tandem.Key, after ...tandem.Value) {
	f.t.Helper()
	s := tandem.Settlement{Key: key, Write: &tandem.Change{Kind: kind, Key: key, After: after}, Forget: kind == tandem.Delete, Baseline: after,
		History: []tandem.Entry{{Key: key, Kind: kind, Source: tandem.Sheet, Cause: tandem.CauseSheet, Actor: actor, Removes: kind == tandem.Delete}}}
	f.commit(s)
}

// fromDatabase runs a statement and records what the sheet got of it; before and after are the sheet's row.
func (f *films) fromDatabase(actor, statement string, kind tandem.ChangeKind, key tandem.Key, before, after []tandem.Value) {
	f.t.Helper()
	f.exec(f.t, statement)
	f.commit(tandem.Settlement{Key: key, Forget: kind == tandem.Delete, Baseline: after, History: []tandem.Entry{{Key: key, Kind: kind,
		Source: tandem.Database, Cause: tandem.CauseSQL, Actor: actor, Before: f.named(before), After: f.named(after), Removes: kind == tandem.Delete}}})
}

func (f *films) named(values []tandem.Value) map[string]tandem.Value {
	if values == nil {
		return nil
	}
	row := map[string]tandem.Value{}
	for i, value := range values {
		row[f.link.Columns[i].Column] = value
	}
	return row
}

// seqs returns all changes there are, oldest first.
func (f *films) seqs() []int64 {
	f.t.Helper()
	entries, err := f.Entries(f.t.Context(), "films", 0, 10000)
	if err != nil {
		f.t.Fatal(err)
	}
	var all []int64
	for _, e := range entries {
		all = append(all, e.Seq)
	}
	return all
}

// revert returns the results as "key KIND" or "key REASON".
func (f *films) revert(request tandem.RevertRequest) ([]string, []tandem.RevertResult) {
	f.t.Helper()
	request.Actor = "token:ops"
	results, err := f.Revert(f.t.Context(), &f.link, request)
	if err != nil {
		f.t.Fatal(err)
	}
	var lines []string
	for _, r := range results {
		what := string(r.Kind)
		if r.Err != nil {
			what = r.Err.Reason
		}
		lines = append(lines, strings.TrimSpace(string(r.Key)+" "+what))
	}
	return lines, results
}

// stands checks the table, every column of it, as "id/title/score/tag/note/poster".
func (f *films) stands(want ...string) {
	f.t.Helper()
	rows, err := f.sql.QueryContext(f.t.Context(), "SELECT id, title, score, tag, note, poster FROM films ORDER BY id")
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var cells [6]*string
		if err := rows.Scan(&cells[0], &cells[1], &cells[2], &cells[3], &cells[4], &cells[5]); err != nil {
			f.t.Fatal(err)
		}
		var parts []string
		for _, cell := range cells {
			if cell == nil {
				parts = append(parts, "NULL")
			} else {
				parts = append(parts, strings.TrimSuffix(*cell, ".0"))
			}
		}
		got = append(got, strings.Join(parts, "/"))
	}
	same(f.t, "table", got, want)
}

// reverts checks that the marks of keys say who reverted, and forgets all marks.
func (f *films) reverts(keys ...tandem.Key) {
	f.t.Helper()
	marks, err := f.table.Marks(f.t.Context(), 1000)
	if err != nil {
		f.t.Fatal(err)
	}
	var got []tandem.Key
	for _, mark := range marks {
		if mark.Cause != tandem.CauseRevert {
			continue
		}
		if got = append(got, mark.Key); mark.Source != tandem.Database || mark.Actor != "token:ops" || mark.At.IsZero() {
			f.t.Errorf("mark %+v", mark)
		}
	}
	slices.Sort(got)
	same(f.t, "marked", got, keys)
	f.exec(f.t, "DELETE FROM tandem_marks")
}

func choose(seqs ...int64) tandem.RevertRequest {
	return tandem.RevertRequest{Filter: tandem.ChangeFilter{Seqs: seqs}}
}

func TestRevertCells(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.exec(t, "INSERT INTO films (id, title, score, tag, note) VALUES (1, 'Akira', 8, '', 'kept'), (2, 'Belle', 7, NULL, NULL)")
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Text("AKIRA"), tandem.Text("9.0"), tandem.Absent)
		f.fromDatabase("app", "UPDATE films SET title = 'Akira!' WHERE id = 1", tandem.Update, "1", text("1", "AKIRA", "9.0", ""), text("1", "Akira!", "9.0", ""))
		f.fromSheet("bob", tandem.Update, "1", tandem.Absent, tandem.Absent, tandem.Absent, tandem.Text("new"))
		f.exec(t, "DELETE FROM tandem_marks")
		seqs := f.seqs()

		// One change, of which only the score is not overwritten by a newer one.
		lines, results := f.revert(choose(seqs[0]))
		same(t, "refused", lines, []string{"1 NEWER_CHANGE"})
		if err := results[0].Err; err.Code != tandem.CodeAborted || !strings.Contains(err.Message, "title") || strings.Contains(err.Message, "score") {
			t.Errorf("refusal: %v", err)
		}
		same(t, "row as it is now", results[0].Err.Row.Values, text("1", "Akira!", "9.0", "new"))
		f.reverts()

		// Only tried, it changes nothing.
		try := choose(seqs[2])
		try.ValidateOnly = true
		lines, _ = f.revert(try)
		same(t, "tried", lines, []string{"1 UPDATE"})
		f.stands("1/Akira!/9/new/kept/NULL", "2/Belle/7/NULL/NULL/NULL")
		f.reverts()

		// The newest, exactly: what was the empty text is not NULL.
		lines, results = f.revert(choose(seqs[2]))
		same(t, "one", lines, []string{"1 UPDATE"})
		same(t, "its changes", results[0].Seqs, []int64{seqs[2]})
		same(t, "its row", results[0].Row.Values, text("1", "Akira!", "9.0", ""))
		f.stands("1/Akira!/9//kept/NULL", "2/Belle/7/NULL/NULL/NULL")
		f.reverts("1")

		// The first two together go back before both; again, nothing is left to do.
		lines, _ = f.revert(choose(seqs[1], seqs[0]))
		same(t, "two", lines, []string{"1 UPDATE"})
		f.stands("1/Akira/8//kept/NULL", "2/Belle/7/NULL/NULL/NULL")
		f.reverts("1")
		lines, _ = f.revert(choose(seqs[0], seqs[1]))
		same(t, "again", lines, []string{"1"})
		f.reverts()
	})
}

// A change that no cycle has seen yet is not lost either.
func TestRevertIsForced(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.exec(t, "INSERT INTO films (id, title, score) VALUES (1, 'Akira', 8)")
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Text("AKIRA"), tandem.Absent, tandem.Absent)
		f.exec(t, "UPDATE films SET title = 'uncaptured', score = 5", "DELETE FROM tandem_marks")
		request := tandem.RevertRequest{Filter: tandem.ChangeFilter{Key: "1"}}
		lines, _ := f.revert(request)
		same(t, "refused", lines, []string{"1 NEWER_CHANGE"})
		f.stands("1/uncaptured/5/none/NULL/NULL")
		request.Force = true
		lines, _ = f.revert(request)
		same(t, "forced", lines, []string{"1 UPDATE"})
		f.stands("1/Akira/5/none/NULL/NULL")
		f.reverts("1")
	})
}

// Reverting one actor's changes does not go back beyond what another did to the same cell in between.
func TestRevertByActor(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.exec(t, "INSERT INTO films (id, title, score) VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)")
		f.fromSheet("bot", tandem.Update, "1", tandem.Absent, tandem.Text("bot"), tandem.Absent, tandem.Absent)
		f.fromSheet("bot", tandem.Update, "2", tandem.Absent, tandem.Text("bot"), tandem.Absent, tandem.Absent)
		f.fromSheet("ann", tandem.Update, "2", tandem.Absent, tandem.Text("ann"), tandem.Text("20.0"), tandem.Absent)
		f.fromSheet("bot", tandem.Update, "2", tandem.Absent, tandem.Text("bot 2"), tandem.Absent, tandem.Absent)
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Absent, tandem.Text("10.0"), tandem.Absent)
		f.fromSheet("ann", tandem.Update, "3", tandem.Absent, tandem.Text("ann"), tandem.Absent, tandem.Absent)
		bot := tandem.RevertRequest{Filter: tandem.ChangeFilter{Actor: "bot"}}
		lines, _ := f.revert(bot)
		same(t, "reverted", lines, []string{"2 NEWER_CHANGE", "1 UPDATE"})
		f.stands("1/a/10/none/NULL/NULL", "2/bot 2/20/none/NULL/NULL", "3/ann/3/none/NULL/NULL")
		bot.Force = true
		lines, _ = f.revert(bot)
		same(t, "forced", lines, []string{"2 UPDATE", "1"})
		f.stands("1/a/10/none/NULL/NULL", "2/b/20/none/NULL/NULL", "3/ann/3/none/NULL/NULL")
	})
}

func TestRevertInsertedRow(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.fromSheet("ann", tandem.Insert, "1", text("1", "one", "1.0", "x")...)
		f.fromSheet("ann", tandem.Insert, "2", text("2", "two", "2.0", "x")...)
		f.fromSheet("ann", tandem.Insert, "3", text("3", "three", "3.0", "x")...)
		f.fromSheet("ann", tandem.Delete, "3")
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Text("eins"), tandem.Absent, tandem.Absent)
		f.exec(t, "UPDATE films SET title = 'zwei' WHERE id = 2", "DELETE FROM tandem_marks")
		since := tandem.RevertRequest{Filter: tandem.ChangeFilter{Since: time.Now().Add(-time.Hour)}}
		lines, _ := f.revert(since)
		same(t, "reverted", lines, []string{"1 DELETE", "3", "2 NEWER_CHANGE"})
		f.stands("2/zwei/2/x/NULL/NULL")
		f.reverts("1")
		since.Force = true
		lines, _ = f.revert(since)
		same(t, "forced", lines, []string{"1", "3", "2 DELETE"})
		f.stands()
		f.reverts("2")
	})
}

func TestRevertDeletedRow(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.exec(t, "INSERT INTO films (id, title, score, tag, note, poster) VALUES (1, 'one', NULL, NULL, 'a note', X'616263'), (2, 'two', 2, '', NULL, NULL), (3, '', 3, 'x', NULL, NULL)")
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Text("eins"), tandem.Absent, tandem.Absent)
		f.fromSheet("ann", tandem.Delete, "1")
		f.fromSheet("ann", tandem.Delete, "2")
		f.fromDatabase("app", "DELETE FROM films WHERE id = 3", tandem.Delete, "3", []tandem.Value{tandem.Text("3"), tandem.Null, tandem.Text("3.0"), tandem.Text("x")}, nil)
		f.exec(t, "DELETE FROM tandem_marks")
		f.stands()
		seqs := f.seqs()
		lines, results := f.revert(tandem.RevertRequest{Filter: tandem.ChangeFilter{Key: "1"}})
		same(t, "a row with an earlier change", lines, []string{"1 INSERT"})
		same(t, "its changes", results[0].Seqs, seqs[:2])
		lines, _ = f.revert(choose(seqs[2], seqs[3]))
		same(t, "two rows", lines, []string{"3 INSERT", "2 INSERT"})
		// Exactly as they were: NULL is not the default, and a text that may not be NULL was empty.
		f.stands("1/one/NULL/NULL/a note/abc", "2/two/2//NULL/NULL", "3//3/x/NULL/NULL")
		f.reverts("1", "2", "3")
		lines, _ = f.revert(choose(seqs...))
		same(t, "again", lines, []string{"3", "2", "1"})

		// Somebody else took the key meanwhile.
		f.exec(t, "DELETE FROM films WHERE id = 2", "INSERT INTO films (id, title) VALUES (2, 'another')", "DELETE FROM tandem_marks")
		lines, _ = f.revert(choose(seqs[2]))
		same(t, "key taken", lines, []string{"2 NEWER_CHANGE"})
		forced := choose(seqs[2])
		forced.Force = true
		lines, _ = f.revert(forced)
		same(t, "forced", lines, []string{"2 UPDATE"})
		f.stands("1/one/NULL/NULL/a note/abc", "2/two/2//NULL/NULL", "3//3/x/NULL/NULL")
		f.reverts("2")
	})
}

// A cell of a row that was removed since cannot get its value back by itself.
func TestRevertCellOfMissingRow(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.exec(t, "INSERT INTO films (id, title, score, note) VALUES (1, 'one', 1, 'kept')")
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Text("eins"), tandem.Absent, tandem.Absent)
		f.exec(t, "DELETE FROM films", "DELETE FROM tandem_marks")
		request := choose(f.seqs()...)
		lines, _ := f.revert(request)
		same(t, "refused", lines, []string{"1 NEWER_CHANGE"})
		request.Force = true
		lines, _ = f.revert(request)
		same(t, "forced", lines, []string{"1 INSERT"})
		f.stands("1/one/1/none/kept/NULL")
	})
}

func TestRevertRenamedRow(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.exec(t, "INSERT INTO films (id, title, score, note) VALUES (1, 'one', 1, 'kept'), (2, 'two', 2, 'gone')")
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Text("eins"), tandem.Absent, tandem.Absent)
		f.fromSheet("ann", tandem.Delete, "2")
		f.fromSheet("ann", tandem.Update, "1", tandem.Text("2"), tandem.Absent, tandem.Absent, tandem.Absent) // takes the key of the deleted row
		f.fromSheet("ann", tandem.Update, "2", tandem.Absent, tandem.Absent, tandem.Text("5.0"), tandem.Absent)
		f.stands("2/eins/5/none/kept/NULL")
		f.exec(t, "DELETE FROM tandem_marks")
		lines, results := f.revert(tandem.RevertRequest{Filter: tandem.ChangeFilter{Since: time.Now().Add(-time.Hour)}})
		same(t, "reverted", lines, []string{"1 UPDATE", "2 INSERT"})
		same(t, "changes of the renamed row", len(results[0].Seqs), 3)
		f.stands("1/one/1/none/kept/NULL", "2/two/2/none/gone/NULL")
		f.reverts("1", "2", "2")
	})
}

// What only brought the other side back in step is no change of the row's own: reverting everything since a moment must not
// remove rows that were there, nor write to the table what a person was not allowed to write.
func TestRevertLeavesWhatWasPutBack(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, func(l *tandem.Link) { l.Columns[2].Owner = tandem.OwnerDatabase })
		f.exec(t, "INSERT INTO films (id, title, score, note) VALUES (1, 'a', 1, 'n'), (2, 'b', 2, NULL), (3, 'c+', 3, 'n'), (4, 'd', 4, NULL), (5, 'e', 5, NULL)")
		row := func(id, title, score string) map[string]tandem.Value { return f.named(text(id, title, score, "none")) }
		f.commit(tandem.Settlement{Key: "1", History: []tandem.Entry{
			{Key: "1", Kind: tandem.Insert, Source: tandem.Database, Cause: tandem.CauseInitialSync, After: row("1", "a", "1.0")},
			{Key: "2", Kind: tandem.Insert, Source: tandem.Sheet, Cause: tandem.CauseInitialSync, After: row("2", "b", "2.0")},
			{Key: "2", Kind: tandem.Update, Source: tandem.Database, Cause: tandem.CausePutBack, Before: row("2", "wrong", "2.0"), After: row("2", "b", "2.0")},
			// Removed in the sheet while the database changed it from c to c+: the change counted, and the row came back.
			{Key: "3", Kind: tandem.Insert, Source: tandem.Database, Cause: tandem.CauseSQL, After: row("3", "c+", "3.0"),
				Conflict: &tandem.Conflict{Key: "3", Base: row("3", "c", "3.0"), Database: row("3", "c+", "3.0"), Winner: tandem.Database}},
			{Key: "4", Kind: tandem.Update, Source: tandem.Database, Cause: tandem.CauseSQL, Before: row("4", "d", "99.0"), After: row("4", "d", "4.0")},
			{Key: "5", Kind: tandem.Update, Source: tandem.Database, Cause: tandem.CauseAPI, Before: row("5", "e", "55.0"), After: row("5", "e", "5.0")},
			{Key: "1", Kind: tandem.Update, Source: tandem.Sheet, Cause: tandem.CauseSheet, Before: row("1", "A", "1.0"), After: row("1", "a", "1.0")},
		}})
		since := tandem.RevertRequest{Filter: tandem.ChangeFilter{Since: time.Now().Add(-time.Hour)}}
		lines, _ := f.revert(since)
		same(t, "reverted", lines, []string{"1 UPDATE", "5 UPDATE", "4 NOT_REVERTIBLE", "3 UPDATE", "2 NOT_REVERTIBLE"})
		f.stands("1/A/1/none/n/NULL", "2/b/2/none/NULL/NULL", "3/c/3/none/n/NULL", "4/d/4/none/NULL/NULL", "5/e/55/none/NULL/NULL")
		since.Force = true
		lines, _ = f.revert(since)
		same(t, "forced", lines, []string{"1", "5", "4 UPDATE", "3", "2 NOT_REVERTIBLE"})
	})
}

// A row that got another key since is found under it: its cells go back, the key stays.
func TestRevertFollowsTheKey(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.exec(t, "INSERT INTO films (id, title, note) VALUES (1, 'one', 'kept')")
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Text("eins"), tandem.Absent, tandem.Absent)
		f.fromSheet("bob", tandem.Update, "1", tandem.Text("2"), tandem.Absent, tandem.Absent, tandem.Absent)
		f.fromSheet("bob", tandem.Update, "2", tandem.Text("3"), tandem.Absent, tandem.Absent, tandem.Absent)
		request := tandem.RevertRequest{Filter: tandem.ChangeFilter{Actor: "ann"}, Force: true}
		lines, _ := f.revert(request)
		same(t, "reverted", lines, []string{"3 UPDATE"})
		f.stands("3/one/NULL/none/kept/NULL")
	})
}

// Rows that refer to others: the history has them in an order in which they cannot be restored one by one.
func TestRevertForeignKeys(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE nodes (id INT NOT NULL PRIMARY KEY, parent INT NULL, FOREIGN KEY (parent) REFERENCES nodes (id))")
		link, table := w.link(t, "nodes")
		lease, _, err := w.Claim(t.Context(), "links/"+link.ID, "test", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		// 600 rows in a tree, more than a transaction takes, recorded so that parents are undone last.
		var history []tandem.Entry
		for i := 1; i <= 600; i++ {
			parent := tandem.Text(fmt.Sprint(i / 2))
			if i == 1 {
				parent = tandem.Null
			}
			history = append(history, tandem.Entry{Key: tandem.Key(fmt.Sprint(i)), Kind: tandem.Delete, Source: tandem.Sheet, Cause: tandem.CauseSheet,
				Before: map[string]tandem.Value{"id": tandem.Text(fmt.Sprint(i)), "parent": parent}})
		}
		history = append(history, tandem.Entry{Key: "900", Kind: tandem.Delete, Source: tandem.Sheet, Cause: tandem.CauseSheet,
			Before: map[string]tandem.Value{"id": tandem.Text("900"), "parent": tandem.Text("899")}})
		_, err = table.Commit(t.Context(), lease, tandem.Commit{Link: link.ID, Settlements: []tandem.Settlement{{Key: "1", History: history}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, only := range []bool{true, false} {
			results, err := w.Revert(t.Context(), &link, tandem.RevertRequest{Filter: tandem.ChangeFilter{Source: tandem.Sheet}, ValidateOnly: only})
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[string]int{}
			for _, r := range results {
				if r.Err != nil {
					kinds[r.Err.Reason+" "+string(r.Key)]++
				} else {
					kinds[string(r.Kind)]++
				}
			}
			same(t, "results", kinds, map[string]int{"INSERT": 600, "FOREIGN_KEY 900": 1})
			want := int64(600)
			if only {
				want = 0
			}
			if n, err := table.Count(t.Context()); err != nil || n != want {
				t.Errorf("%d rows, %v, want %d", n, err, want)
			}
		}
	})
}

// What a table refuses is said by row, and holds up no other.
func TestRevertRefusedByTable(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		f.exec(t, "INSERT INTO films (id, title, score) VALUES (1, 'one', 1), (2, 'two', 2)")
		f.fromSheet("ann", tandem.Update, "2", tandem.Absent, tandem.Text("zwei"), tandem.Absent, tandem.Absent)
		f.commit(tandem.Settlement{Key: "1", History: []tandem.Entry{{Key: "1", Kind: tandem.Update, Source: tandem.Database, Cause: tandem.CauseSQL,
			Before: f.named(text("1", "one", "500.0", "none")), After: f.named(text("1", "one", "1.0", "none"))}}})
		lines, _ := f.revert(choose(f.seqs()...))
		same(t, "results", lines, []string{"1 ROW_REFUSED", "2 UPDATE"})
		f.stands("1/one/1/none/NULL/NULL", "2/two/2/none/NULL/NULL")
	})
}

func TestRevertOwnedAndPausedColumns(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, func(l *tandem.Link) {
			l.Columns[2].Owner = tandem.OwnerSheet
		})
		f.exec(t, "INSERT INTO films (id, title, score, note) VALUES (1, 'one', 1, NULL), (2, 'two', 2, 'kept'), (3, 'three', NULL, NULL)")
		f.fromSheet("ann", tandem.Update, "1", tandem.Absent, tandem.Text("eins"), tandem.Text("9.0"), tandem.Absent)
		f.fromSheet("ann", tandem.Delete, "2")
		f.fromSheet("ann", tandem.Delete, "3")
		request := choose(f.seqs()...)
		lines, results := f.revert(request)
		same(t, "results", lines, []string{"3 INSERT", "2 SHEET_OWNED", "1 SHEET_OWNED"})
		same(t, "field", results[2].Err.Fields[0].Field, "row.values.score")
		f.stands("1/eins/9/none/NULL/NULL", "3/three/NULL/none/NULL/NULL")
		request.Force = true
		lines, _ = f.revert(request)
		same(t, "forced", lines, []string{"3", "2 INSERT", "1 UPDATE"})
		f.stands("1/one/9/none/NULL/NULL", "2/two/NULL/none/kept/NULL", "3/three/NULL/none/NULL/NULL")

		f.link.Columns[2].Paused, f.link.Columns[2].Owner = "its header is gone", ""
		lines, _ = f.revert(choose(request.Filter.Seqs[0]))
		same(t, "paused", lines, []string{"1 COLUMN_PAUSED"})
		f.link.Columns = f.link.Columns[:2]
		lines, _ = f.revert(choose(request.Filter.Seqs[0]))
		same(t, "no longer linked", lines, []string{"1 COLUMN_NOT_LINKED"})
	})
}

// Where the sheet decides which rows there are, the sync would take back what a revert did in the table.
func TestRevertWhereSheetOwnsAll(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, func(l *tandem.Link) {
			for i := range l.Columns[1:] {
				l.Columns[i+1].Owner = tandem.OwnerSheet
			}
		})
		f.fromSheet("ann", tandem.Insert, "1", text("1", "one", "1.0", "x")...)
		f.fromSheet("ann", tandem.Insert, "2", text("2", "two", "2.0", "x")...)
		f.fromSheet("ann", tandem.Delete, "2")
		seqs := f.seqs()
		for _, force := range []bool{false, true} {
			for _, seq := range []int64{seqs[0], seqs[2]} {
				request := choose(seq)
				request.Force = force
				lines, _ := f.revert(request)
				if len(lines) != 1 || !strings.HasSuffix(lines[0], "SHEET_OWNED") {
					t.Errorf("change %d: %v", seq, lines)
				}
			}
		}
		f.stands("1/one/1/x/NULL/NULL")
	})
}

// A column that dates rows moves with every change, a revert included: it is not set back, and says nothing of newer changes.
func TestRevertLeavesDatesAlone(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE dated (id INT NOT NULL PRIMARY KEY, title VARCHAR(20) NOT NULL, score INT NULL, changed DATETIME NULL, touched "+
			w.pick("DATETIME NULL", "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")+")",
			"INSERT INTO dated (id, title, score, changed) VALUES (1, 'b', 2, '2026-02-02 00:00:00')")
		link, table := w.link(t, "dated")
		link.UpdateTimeColumn = "changed"
		lease, _, err := w.Claim(t.Context(), "links/"+link.ID, "test", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		row := func(title, score, at string) map[string]tandem.Value {
			values := map[string]tandem.Value{"id": tandem.Text("1"), "title": tandem.Text(title), "score": tandem.Text(score), "changed": tandem.Text(at + "T00:00:00")}
			if w.mariadb {
				values["touched"] = tandem.Text(at + "T00:00:00Z")
			}
			return values
		}
		entries := []tandem.Entry{
			{Key: "1", Kind: tandem.Update, Source: tandem.Database, Cause: tandem.CauseSQL, Before: row("a", "1", "2026-01-01"), After: row("b", "1", "2026-02-01")},
			{Key: "1", Kind: tandem.Update, Source: tandem.Database, Cause: tandem.CauseSQL, Before: row("b", "1", "2026-02-01"), After: row("b", "2", "2026-02-02")},
		}
		if _, err := table.Commit(t.Context(), lease, tandem.Commit{Link: link.ID, Settlements: []tandem.Settlement{{Key: "1", History: entries}}}); err != nil {
			t.Fatal(err)
		}
		found, err := w.Changes(t.Context(), link.ID, tandem.ChangeFilter{}, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		results, err := w.Revert(t.Context(), &link, choose(found[1].Seq))
		if err != nil || results[0].Err != nil || results[0].Kind != tandem.Update {
			t.Fatalf("%+v, %v", results, err)
		}
		same(t, "row", results[0].Row.Values[:4], []tandem.Value{tandem.Text("1"), tandem.Text("a"), tandem.Text("2"), results[0].Row.Values[3]})
		if got := results[0].Row.Values[3].Text(); !strings.HasPrefix(got, "2026-02-02") {
			t.Errorf("the date of change was set back to %s", got)
		}
	})
}

func TestRevertTooMuchOrNothing(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		_, err := f.Revert(t.Context(), &f.link, choose(4711))
		wantError(t, err, tandem.CodeNotFound, "CHANGE_NOT_FOUND")
		lines, _ := f.revert(tandem.RevertRequest{Filter: tandem.ChangeFilter{Key: "1"}})
		if len(lines) != 0 {
			t.Errorf("nothing is selected, and %v reverted", lines)
		}
		var history []tandem.Entry
		for i := range 10_001 {
			history = append(history, tandem.Entry{Key: tandem.Key(fmt.Sprint(i + 1)), Kind: tandem.Insert, Source: tandem.Sheet, Cause: tandem.CauseSheet})
		}
		f.commit(tandem.Settlement{Key: "1", History: history})
		_, err = f.Revert(t.Context(), &f.link, tandem.RevertRequest{Filter: tandem.ChangeFilter{Source: tandem.Sheet}})
		wantError(t, err, tandem.CodeInvalid, "TOO_MANY_ROWS")
	})
}

func TestChanges(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		f := newFilms(t, w, nil)
		at := time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)
		var history []tandem.Entry
		for i, key := range []tandem.Key{"a", "a ", "A", "a", "b"} {
			e := tandem.Entry{Key: key, Kind: tandem.Update, Source: tandem.Sheet, Cause: tandem.CauseSheet, Actor: "ann", At: at.Add(time.Duration(i) * time.Minute)}
			if i == 3 {
				e.Source, e.Cause, e.Actor = tandem.Database, tandem.CauseAPI, "bob"
			}
			history = append(history, e)
		}
		f.commit(tandem.Settlement{Key: "a", History: history})
		seqs := f.seqs()
		for name, c := range map[string]struct {
			filter tandem.ChangeFilter
			want   []int
		}{
			"all":    {tandem.ChangeFilter{}, []int{4, 3, 2, 1, 0}},
			"row":    {tandem.ChangeFilter{Key: "a"}, []int{3, 0}},
			"since":  {tandem.ChangeFilter{Since: at.Add(3 * time.Minute)}, []int{4, 3}},
			"until":  {tandem.ChangeFilter{Until: at.Add(time.Minute)}, []int{0}},
			"actor":  {tandem.ChangeFilter{Actor: "bob"}, []int{3}},
			"cause":  {tandem.ChangeFilter{Cause: tandem.CauseAPI}, []int{3}},
			"source": {tandem.ChangeFilter{Source: tandem.Sheet, Key: "a"}, []int{0}},
			"seqs":   {tandem.ChangeFilter{Seqs: []int64{seqs[1], seqs[2]}}, []int{2, 1}},
		} {
			var want, got []int64
			for _, i := range c.want {
				want = append(want, seqs[i])
			}
			for before := int64(0); ; { // pages of one
				page, err := f.Changes(t.Context(), "films", c.filter, before, 1)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				before = page[0].Seq
				got = append(got, before)
			}
			same(t, name, got, want)
		}
	})
}

func TestPruneHistory(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		lease := o.claim(t, "a")
		add := func(n int, age time.Duration, removes bool) {
			var history []tandem.Entry
			for range n {
				history = append(history, tandem.Entry{Key: "1", Kind: tandem.Update, Source: tandem.Sheet, Cause: tandem.CauseSheet, At: o.clock.Now().Add(-age), Removes: removes})
			}
			o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{{Key: "1", History: history}}})
		}
		add(2500, 100*time.Hour, false)
		add(3, 100*time.Hour, true)
		add(4, time.Hour, true)
		left := func() int {
			t.Helper()
			found, err := o.Changes(t.Context(), "anime", tandem.ChangeFilter{}, 0, 10000)
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		for _, step := range []struct {
			keep time.Duration
			want int
		}{{0, 2507}, {101 * time.Hour, 2507}, {99 * time.Hour, 4}, {time.Second, 4}} { // never what the guard counts
			if err := o.PruneHistory(t.Context(), step.keep); err != nil {
				t.Fatal(err)
			}
			same(t, fmt.Sprint("kept for ", step.keep), left(), step.want)
		}
		if _, err := o.Revert(t.Context(), &o.link, choose(1)); !errors.Is(err, tandem.ErrNotFound) {
			t.Errorf("a change that history no longer has: %v", err)
		}
	})
}
