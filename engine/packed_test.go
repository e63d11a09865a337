package engine_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
)

// everyValue is one value of each kind.
func everyValue(text string) []tandem.Value {
	return []tandem.Value{tandem.Absent, tandem.Null, tandem.Text(text), tandem.Invalid(text), tandem.Text("x" + text).Lapsed(tandem.Database),
		tandem.Text("x" + text).Lapsed(tandem.Sheet), tandem.Text("")}
}

func TestPackedRows(t *testing.T) {
	for _, text := range []string{"", "a", "\x00\n\"'", "日本語", string(make([]byte, 70_000))} {
		values := everyValue(text)
		packed := string(engine.Pack(values))
		got, rest, err := engine.Unpack(packed+"rest", len(values))
		if err != nil || rest != "rest" {
			t.Fatalf("unpack: %v, and %q is left", err, rest)
		}
		for i := range values {
			if got[i] != values[i] {
				t.Errorf("value %d of %.20q comes back as %.40v, want %.40v", i, text, got[i], values[i])
			}
		}
		for cut := range min(len(packed), 40) {
			if _, _, err := engine.Unpack(packed[:cut], len(values)); err == nil && cut < len(packed)-2 {
				t.Errorf("%d of %d bytes were taken for all of it", cut, len(packed))
			}
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(string(engine.Pack(everyValue("a"))), 7)
	f.Add("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 1)
	f.Fuzz(func(t *testing.T, data string, n int) {
		if n < 0 || n > 100 {
			return
		}
		values, rest, err := engine.Unpack(data, n)
		if err != nil {
			return
		}
		again, left, err := engine.Unpack(string(engine.Pack(values))+rest, n)
		if err != nil || left != rest {
			t.Fatalf("packed again: %v, %q left of %q", err, left, rest)
		}
		for i := range values {
			if again[i] != values[i] {
				t.Errorf("value %d: %v, then %v", i, values[i], again[i])
			}
		}
	})
}

// An intent is settled by whoever finds it, so that what it stores must come back as it was: of rows that are only inserted, of
// all others, and as earlier versions stored it.
func TestStoredIntents(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	columns := []string{"id", "title", "note"}
	row := func(texts ...string) []tandem.Value {
		values := make([]tandem.Value, len(texts))
		for i, text := range texts {
			if text != "" {
				values[i] = tandem.Text(text)
			}
		}
		return values
	}
	named := func(values []tandem.Value) map[string]tandem.Value {
		byName := map[string]tandem.Value{}
		for i, value := range values {
			if !value.IsAbsent() {
				byName[columns[i]] = value
			}
		}
		return byName
	}
	inserted := func(key tandem.Key, values []tandem.Value, actor string) tandem.Settlement {
		return tandem.Settlement{Key: key, Baseline: values, History: []tandem.Entry{{Key: key, Kind: tandem.Insert, Source: tandem.Database,
			Cause: tandem.CauseSQL, Actor: actor, After: named(values), At: at}}}
	}
	odd := inserted("4", row("4", "four", "n"), "")
	odd.ClearError = true
	partly := inserted("5", row("5", "five", "n"), "")
	partly.History[0].After = named(row("5", "another", "n"))
	p := engine.Payload{Batch: []byte("{\"a\":\n\"b\"}\x00\n"), Version: 3, Columns: columns, Settlements: []tandem.Settlement{
		inserted("1", row("1", "one\nline", ""), "ops"),
		{Key: "2", Forget: true, History: []tandem.Entry{{Key: "2", Kind: tandem.Delete, Source: tandem.Database, Before: named(row("2", "two", "")), At: at, Removes: true}}},
		inserted("3", row("3", "three", "n"), "ops"), odd, partly,
		inserted("6", row("6", "six", "n"), "somebody else"),
	}, Writes: []tandem.WantedWrite{{ID: "w", Created: at}}}
	stored, err := engine.EncodePayload(p)
	if err != nil {
		t.Fatal(err)
	}
	old, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"as it is stored": stored, "as it was stored": old} {
		got, err := engine.DecodePayload(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(p, got, cmp.Comparer(func(a, b tandem.Value) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, cut := range []int{1, len(stored) / 2} {
		if got, err := engine.DecodePayload(stored[:cut]); err == nil && len(got.Settlements) > 0 {
			t.Errorf("%d of %d bytes were taken for all of it: %v", cut, len(stored), got)
		}
	}
}

func TestKeptOrder(t *testing.T) {
	want := []tandem.Key{"1", "a~b", "日本", "22"}
	rows := make([]tandem.Row, len(want))
	for i := range rows {
		rows[i].Key = want[i]
	}
	if got := engine.OrderOf(rows); !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
