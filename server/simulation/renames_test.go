package simulation_test

import (
	"slices"

	"github.com/tandem-sync/tandem"
)

// renames are the keys that people edited in the sheet, as far as the worker took a row that went for one that came. What
// was written to a row before is looked for under its later keys too, and what a row holds may come from earlier ones.
type renames struct {
	later, earlier map[tandem.Key][]tandem.Key
}

// findRenames reads the renames from history, and checks each: the old key must have gone from the sheet by somebody's hand,
// and the new one must have come there.
func (w *pair) findRenames(history map[tandem.Key][]tandem.Entry) renames {
	r := renames{map[tandem.Key][]tandem.Key{}, map[tandem.Key][]tandem.Key{}}
	for _, key := range sortedKeys(history) {
		for _, entry := range history[key] {
			from, to := w.keyIn(entry.Before), w.keyIn(entry.After)
			if entry.Kind != tandem.Update || from == "" || to == "" || from == to {
				continue
			}
			came := slices.ContainsFunc(w.model.events[to], func(e event) bool { return e.side == tandem.Sheet && e.kind == written })
			went := slices.ContainsFunc(w.model.events[from], func(e event) bool { return e.side == tandem.Sheet && e.kind != written })
			if !came || !went {
				w.fail("row %s was renamed to %s at %s, which nobody had done in the sheet", from, to, entry.At.Format("15:04:05.000"))
			}
			r.later[from] = append(r.later[from], to)
			r.earlier[to] = append(r.earlier[to], from)
		}
	}
	return r
}

func (w *pair) keyIn(values map[string]tandem.Value) tandem.Key {
	var parts []tandem.Value
	for _, name := range w.names[:w.keys] {
		parts = append(parts, values[name])
	}
	return tandem.MakeKey(parts...)
}

// all returns key and all that lie before or after it in steps.
func all(key tandem.Key, steps map[tandem.Key][]tandem.Key) []tandem.Key {
	found := []tandem.Key{key}
	for i := 0; i < len(found); i++ {
		for _, next := range steps[found[i]] {
			if !slices.Contains(found, next) {
				found = append(found, next)
			}
		}
	}
	return found
}

func sortedKeys[T any](m map[tandem.Key]T) []tandem.Key {
	var keys []tandem.Key
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
