package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

func (w *world) people(t *testing.T) (tandem.Link, *store.Table) {
	t.Helper()
	w.exec(t, "CREATE TABLE p (id "+w.pick("INTEGER PRIMARY KEY", "INT AUTO_INCREMENT PRIMARY KEY")+", name VARCHAR(20) NULL UNIQUE, n INT NOT NULL DEFAULT 7)",
		"INSERT INTO p VALUES (1,'Ann',1), (2,'Bea',2), (3,'Cleo',3)")
	return w.link(t, "p")
}

func reasons(results []tandem.MutationResult) []string {
	all := make([]string, len(results))
	for i, result := range results {
		if all[i] = "ok"; result.Err != nil {
			all[i] = result.Err.Reason
		}
	}
	return all
}

func TestMutate(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		link, table := w.people(t)
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		rows, err := table.Get(t.Context(), []tandem.Key{"1", "2"})
		if err != nil {
			t.Fatal(err)
		}
		w.exec(t, "UPDATE p SET n = 22 WHERE id = 2", "DELETE FROM tandem_marks")
		absent := tandem.Absent
		results := w.mutate(t, table,
			tandem.Mutation{Kind: tandem.Update, Key: "1", Etag: rows[0].Etag(), Values: []tandem.Value{absent, tandem.Text("Anna"), absent}, Actor: "token:ops"},
			tandem.Mutation{Kind: tandem.Update, Key: "2", Etag: rows[1].Etag(), Values: []tandem.Value{absent, tandem.Text("Bee"), absent}},
			tandem.Mutation{Kind: tandem.Insert, Values: text("3", "again", "1")},
			tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{absent, tandem.Text("Dora"), absent}},
			tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{absent, tandem.Text("Cleo"), absent}},
			tandem.Mutation{Kind: tandem.Update, Key: "9", Values: []tandem.Value{absent, tandem.Text("x"), absent}},
			tandem.Mutation{Kind: tandem.Update, Key: "10", AllowMissing: true, Values: []tandem.Value{absent, tandem.Text("Jo"), absent}},
			tandem.Mutation{Kind: tandem.Delete, Key: "11"},
			tandem.Mutation{Kind: tandem.Delete, Key: "11", AllowMissing: true},
			tandem.Mutation{Kind: tandem.Update, Key: "10", Values: []tandem.Value{tandem.Text("12"), absent, absent}},
			tandem.Mutation{Kind: tandem.Delete, Key: "12"},
			tandem.Mutation{Kind: tandem.Update, Key: "3", Values: []tandem.Value{absent, tandem.Text("a name that is too long"), absent}},
			tandem.Mutation{Kind: tandem.Update, Key: "1", ValidateOnly: true, Values: []tandem.Value{absent, absent, tandem.Text("5")}},
		)
		same(t, "results", reasons(results), []string{"ok", "ETAG_MISMATCH", "ROW_EXISTS", "ok", "DUPLICATE_VALUE", "ROW_NOT_FOUND", "ok", "ROW_NOT_FOUND", "ok", "ok", "ok", "INVALID_FIELD", "ok"})
		same(t, "row as it is now", results[1].Err.Row.Values, text("2", "Bea", "22"))
		same(t, "field", results[4].Err.Fields[0].Field, "row.values.name")
		same(t, "made key", results[3].Row.Values, text(string(results[3].Row.Key), "Dora", "7"))
		same(t, "tried", results[12].Row.Values, text("1", "Anna", "5"))
		same(t, "rows", w.scan(t, table), []string{"1: 1, Anna, 1", "2: 2, Bea, 22", "3: 3, Cleo, 3", string(results[3].Row.Key) + ": " + string(results[3].Row.Key) + ", Dora, 7"})
		marks, err := table.Marks(t.Context(), 100)
		if err != nil || len(marks) == 0 {
			t.Fatal(marks, err)
		}
		for _, mark := range marks {
			if mark.Key == "1" && mark.Cause == tandem.CauseAPI && mark.Actor != "token:ops" {
				t.Errorf("mark of row 1: %+v", mark)
			}
		}
		marked := map[string]bool{}
		for _, key := range w.marked(t, table) {
			marked[key] = true
		}
		same(t, "marked", marked, map[string]bool{"1": true, string(results[3].Row.Key): true, "10": true, "12": true})
	})
}

func TestMutateAtomic(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		_, table := w.people(t)
		batch := []tandem.Mutation{
			{Kind: tandem.Update, Key: "1", Values: text("1", "x", "1")},
			{Kind: tandem.Delete, Key: "9", RequestID: "r1"},
			{Kind: tandem.Insert, Values: text("4", "y", "1")},
		}
		results, err := table.Mutate(t.Context(), batch, true)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "results", reasons(results), []string{"BATCH_ABORTED", "ROW_NOT_FOUND", "BATCH_ABORTED"})
		same(t, "rows", w.scan(t, table), []string{"1: 1, Ann, 1", "2: 2, Bea, 2", "3: 3, Cleo, 3"})
		batch[1].Key = "2" // the aborted call stored nothing, so its id is free
		results, err = table.Mutate(t.Context(), batch, true)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "results", reasons(results), []string{"ok", "ok", "ok"})
		same(t, "rows", w.scan(t, table), []string{"1: 1, x, 1", "3: 3, Cleo, 3", "4: 4, y, 1"})
		same(t, "marked", len(w.marked(t, table)), 3)
	})
}

func TestMutateRepeated(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		_, table := w.people(t)
		create := tandem.Mutation{Kind: tandem.Insert, Values: []tandem.Value{tandem.Absent, tandem.Text("Dora"), tandem.Absent}, RequestID: "r1"}
		other := create
		other.Values = []tandem.Value{tandem.Absent, tandem.Text("Eve"), tandem.Absent}
		first := w.mutate(t, table, create, create, other)
		same(t, "results", reasons(first), []string{"ok", "ok", "INVALID_FIELD"})
		again := w.mutate(t, table, create)
		if !again[0].Replayed || !first[1].Replayed || first[0].Replayed || again[0].Row.Key != first[0].Row.Key || first[1].Row.Key != first[0].Row.Key {
			t.Errorf("first %+v, again %+v", first, again)
		}
		used := w.mutate(t, table, other)
		if !errors.Is(used[0].Err, tandem.ErrInvalid) {
			t.Errorf("an id used for another write: %+v", used[0])
		}
		if n, err := table.Count(t.Context()); err != nil || n != 4 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}

// A thousand mutations of one call with a bad one among them.
func TestMutateMany(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		_, table := w.people(t)
		var batch []tandem.Mutation
		for i := range 1000 {
			batch = append(batch, tandem.Mutation{Kind: tandem.Insert, Values: text(fmt.Sprint(1000+i), fmt.Sprint("name", i), "1")})
		}
		batch[500].Values[1] = tandem.Text("Ann")
		results := w.mutate(t, table, batch...)
		for i, result := range results {
			if (result.Err != nil) != (i == 500) || result.Err == nil && result.Row.Key != tandem.Key(fmt.Sprint(1000+i)) {
				t.Fatalf("result %d: %+v", i, result)
			}
		}
	})
}
