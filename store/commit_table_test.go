package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// rows reads the linked table as "id/title/score/note", in the order of ids.
func (o *own) rows(t *testing.T) []string {
	t.Helper()
	rows, err := o.sql.QueryContext(t.Context(), "SELECT id, title, score, note FROM anime ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var cells [4]*string
		if err := rows.Scan(&cells[0], &cells[1], &cells[2], &cells[3]); err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, cell := range cells {
			if cell == nil {
				line += "NULL/"
			} else {
				line += *cell + "/"
			}
		}
		all = append(all, line)
	}
	return all
}

// fromSheet is a settlement of a change that a person made in the sheet.
func fromSheet(kind tandem.ChangeKind, key tandem.Key, before, after []tandem.Value) tandem.Settlement {
	return tandem.Settlement{Key: key, Write: &tandem.Change{Kind: kind, Key: key, Before: before, After: after},
		Baseline: after, Forget: kind == tandem.Delete, ClearError: true,
		History: []tandem.Entry{{Key: key, Kind: kind, Source: tandem.Sheet, Cause: tandem.CauseSheet, Removes: kind == tandem.Delete}}}
}

func TestCommitWritesTableAndBaselineTogether(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		lease := o.claim(t, "a")
		o.exec(t, "INSERT INTO anime VALUES ('1','Akira',9,'note 1'), ('2','Belle',8,NULL), ('3','Cowboy',7,NULL), ('4','Dororo',6,NULL)")
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{
			{Key: "1", Baseline: text("1", "Akira", "9")}, {Key: "2", Baseline: text("2", "Belle", "8")},
			{Key: "3", Baseline: text("3", "Cowboy", "7"), Error: &tandem.RowError{Message: "no"}}, {Key: "4", Baseline: text("4", "Dororo", "6")}}})
		applied := o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{
			fromSheet(tandem.Update, "1", text("1", "Akira", "9"), []tandem.Value{tandem.Absent, tandem.Text("AKIRA"), tandem.Absent}),
			fromSheet(tandem.Update, "2", text("2", "Belle", "8"), []tandem.Value{tandem.Absent, tandem.Absent, tandem.Text("100")}),        // refused by CHECK
			fromSheet(tandem.Update, "4", text("4", "something else", "6"), []tandem.Value{tandem.Absent, tandem.Text("x"), tandem.Absent}), // moved
			fromSheet(tandem.Delete, "3", text("3", "Cowboy", "7"), nil),
			fromSheet(tandem.Insert, "5", nil, text("5", "Evangelion", "5")),
			{Key: "6", Baseline: text("6", "no write", "1")},
		}})
		outcomes := make([]tandem.Outcome, len(applied))
		for i := range applied {
			outcomes[i] = applied[i].Outcome
		}
		same(t, "outcomes", outcomes, []tandem.Outcome{tandem.Landed, tandem.Refused, tandem.Moved, tandem.Landed, tandem.Landed, tandem.Landed})
		same(t, "table", o.rows(t), []string{"1/AKIRA/9/note 1/", "2/Belle/8/NULL/", "4/Dororo/6/NULL/", "5/Evangelion/5/NULL/"})
		same(t, "baselines", o.baselines(t, "1", "2", "3", "4", "5", "6"), map[tandem.Key][]tandem.Value{
			"1": text("1", "AKIRA", "9"), "2": text("2", "Belle", "8"), "4": text("4", "Dororo", "6"),
			"5": text("5", "Evangelion", "5"), "6": text("6", "no write", "1")})
		entries, err := o.Entries(t.Context(), "anime", 0, 10)
		if err != nil || len(entries) != 3 {
			t.Fatalf("history: %+v, %v", entries, err)
		}
		same(t, "before the update, whole", entries[0].Before, map[string]tandem.Value{
			"id": tandem.Text("1"), "title": tandem.Text("Akira"), "score": tandem.Text("9"), "note": tandem.Text("note 1")})
		same(t, "after the update", entries[0].After, map[string]tandem.Value{"id": tandem.Text("1"), "title": tandem.Text("AKIRA"), "score": tandem.Text("9")})
		if entries[1].After != nil || entries[1].Before["note"] != tandem.Null {
			t.Errorf("entry of the deletion: %+v", entries[1])
		}
		if errs, err := o.RowErrorsByKey(t.Context(), "anime", []tandem.Key{"3"}); len(errs) != 0 || err != nil {
			t.Errorf("errors of the deleted row: %v, %v", errs, err)
		}
	})
}

func TestRenameMovesTheBaseline(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		lease := o.claim(t, "a")
		o.exec(t, "INSERT INTO anime VALUES ('1','Akira',9,'stays')")
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{
			{Key: "1", Baseline: text("1", "Akira", "9"), Error: &tandem.RowError{Message: "no"}}}})
		rename := fromSheet(tandem.Update, "1", text("1", "Akira", "9"), []tandem.Value{tandem.Text("one"), tandem.Absent, tandem.Absent})
		o.commit(t, lease, tandem.Commit{Settlements: []tandem.Settlement{rename}})
		same(t, "table", o.rows(t), []string{"one/Akira/9/stays/"})
		same(t, "baselines", o.baselines(t, "1", "one"), map[tandem.Key][]tandem.Value{"one": text("one", "Akira", "9")})
		if errs, _, err := o.RowErrors(t.Context(), "anime", "", 10); len(errs) != 0 || err != nil {
			t.Errorf("errors after the rename: %v, %v", errs, err)
		}
	})
}

func TestKeyMadeByTheDatabase(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		serial := map[bool]string{true: "INTEGER PRIMARY KEY AUTOINCREMENT", false: "BIGINT AUTO_INCREMENT PRIMARY KEY"}[o.url[:6] == "sqlite"]
		o.exec(t, "CREATE TABLE made (id "+serial+", title VARCHAR(50) NULL)")
		link := newLink("made", 5)
		link.Table, link.Columns = "made", link.Columns[:2]
		link, err := o.CreateLink(t.Context(), link)
		if err != nil {
			t.Fatal(err)
		}
		table, err := o.OpenTable(t.Context(), &link)
		if err != nil {
			t.Fatal(err)
		}
		insert := fromSheet(tandem.Insert, "", nil, []tandem.Value{tandem.Absent, tandem.Text("Akira")})
		insert.Baseline = []tandem.Value{tandem.Null, tandem.Text("Akira")}
		applied, err := o.Store.Commit(t.Context(), o.claim(t, "a"), table, tandem.Commit{Link: "made", Settlements: []tandem.Settlement{insert}})
		if err != nil || applied[0].Row == nil || applied[0].Row.Key != "1" {
			t.Fatalf("applied: %+v, %v", applied, err)
		}
		stored, err := o.Baselines(t.Context(), &link, []tandem.Key{"1"})
		if err != nil || len(stored["1"]) == 0 || stored["1"][1] != tandem.Text("Akira") {
			t.Errorf("baseline: %v, %v", stored, err)
		}
		entries, err := o.Entries(t.Context(), "made", 0, 1)
		if err != nil || entries[0].Key != "1" || entries[0].After["id"] != tandem.Text("1") {
			t.Errorf("history: %+v, %v", entries, err)
		}
	})
}

// Two processes that both believe to hold the link commit as fast as they can while the lease passes to and fro. Whatever
// is in the table was committed under the lease, with its baseline.
func TestFencedCommitStoresNothing(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		stores := []*store.Store{o.Store, o.another(t)}
		var mu sync.Mutex
		landed, fenced := map[tandem.Key]bool{}, 0
		var group sync.WaitGroup
		for n, s := range stores {
			group.Go(func() {
				var lease tandem.Lease
				for i := range 40 {
					if next, ok, err := s.Claim(t.Context(), "links/anime", fmt.Sprint(n), 30*time.Second); err != nil {
						t.Error(err)
					} else if ok {
						lease = next
					}
					key := tandem.Key(fmt.Sprintf("%d-%d", n, i))
					_, err := s.Commit(t.Context(), lease, o.table, tandem.Commit{Link: "anime",
						Settlements: []tandem.Settlement{fromSheet(tandem.Insert, key, nil, text(string(key), "t", "1"))}})
					mu.Lock()
					switch {
					case err == nil:
						landed[key] = true
					case errors.Is(err, tandem.ErrFenced):
						fenced++
					default:
						t.Error(err)
					}
					mu.Unlock()
					if i%3 == 2 {
						o.clock.pass(31 * time.Second)
					}
				}
			})
		}
		group.Wait()
		rows := o.rows(t)
		n, err := o.CountBaselines(t.Context(), "anime")
		if err != nil || len(rows) != len(landed) || int(n) != len(landed) {
			t.Errorf("%d commits landed, %d rows and %d baselines are stored, %v", len(landed), len(rows), n, err)
		}
		t.Logf("%d landed, %d fenced off", len(landed), fenced)

		old := o.takeOver(t, stores[0], "old")
		o.takeOver(t, stores[1], "new")
		_, err = stores[0].Commit(t.Context(), old, o.table, tandem.Commit{Link: "anime", EqualAsOf: o.clock.Now(),
			Settlements: []tandem.Settlement{fromSheet(tandem.Insert, "late", nil, text("late", "t", "1"))}})
		if !errors.Is(err, tandem.ErrFenced) || len(o.rows(t)) != len(rows) || len(o.baselines(t, "late")) != 0 {
			t.Errorf("the late commit: %v", err)
		}
	})
}

// takeOver claims the link as another process, after the lease of whoever has it ran out.
func (o *own) takeOver(t *testing.T, s *store.Store, holder string) tandem.Lease {
	t.Helper()
	o.clock.pass(time.Minute)
	lease, ok, err := s.Claim(t.Context(), "links/anime", holder, 30*time.Second)
	if err != nil || !ok {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	return lease
}
