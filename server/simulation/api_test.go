package simulation_test

import (
	"context"
	"fmt"

	"github.com/tandem-sync/tandem"
)

// mutation is a random write of the API.
func (w *pair) mutation() tandem.Mutation {
	w.serial++
	key := w.anyKey()
	m := tandem.Mutation{Kind: tandem.Update, Key: w.keyOf(key), RequestID: fmt.Sprintf("request-%d", w.serial), Actor: "token:sim", AllowMissing: w.chance(30)}
	values := make([]tandem.Value, len(w.names))
	set := func(i int, value *string) {
		if values[i] = tandem.Null; value != nil {
			values[i], _ = w.columns[i].Type.Parse(*value)
		}
	}
	switch w.r.IntN(6) {
	case 0, 1:
		m.Kind, m.Key, m.AllowMissing = tandem.Insert, "", false
		for i := range key {
			set(i, &key[i])
		}
		fallthrough
	case 2:
		for i, value := range w.randomValues() {
			set(w.keys+i, value)
		}
	case 3:
		m.Kind = tandem.Delete
		return m
	default:
		i := w.keys + w.r.IntN(len(w.names)-w.keys)
		set(i, w.randomValue(i))
		if m.AllowMissing { // an insert needs the title
			title := fmt.Sprintf("api %d", w.serial)
			set(w.keys, &title)
		}
	}
	m.Values = values
	return m
}

// writeDatabase is a call of the API on the database, whose answer may get lost: then it is asked again.
func (w *pair) writeDatabase() {
	m := w.mutation()
	table := w.table()
	var first tandem.MutationResult
	for try := range 1 + w.r.IntN(2) {
		before := w.look()
		results, err := table.Mutate(w.t.Context(), []tandem.Mutation{m}, false)
		w.try(func() error { return err })
		w.note("API database %s %s%v try %d: %s", m.Kind, m.Key, m.Values, try, answer(results[0]))
		if try > 0 && (!results[0].Replayed && first.Err == nil || answer(first) != answer(results[0])) {
			w.fail("a repeated request was answered %s after %s", answer(results[0]), answer(first))
		}
		if after := w.look(); try > 0 && pictureText(before.table) != pictureText(after.table) {
			w.fail("a repeated request wrote again: %s %s", m.Kind, m.Key)
		}
		first = results[0]
	}
}

func answer(r tandem.MutationResult) string {
	switch {
	case r.Err != nil:
		return "refused " + r.Err.Reason
	case r.Row == nil:
		return "gone"
	}
	return fmt.Sprint("done ", r.Row.Values)
}

// wantedWrite is a call of the API on the sheet that was recorded and whose answer its caller comes back for.
type wantedWrite struct {
	m    tandem.Mutation
	done bool
}

// writeSheet records a write to the sheet. The call is cut off once it is recorded: a caller that lost its connection.
func (w *pair) writeSheet() {
	wanted := &wantedWrite{m: w.mutation()}
	key := wanted.m.Key
	if key == "" {
		key = tandem.MakeKey(wanted.m.Values[:w.keys]...)
	}
	add := func(e event) {
		e.side, e.key, e.from, e.until, e.request = tandem.Sheet, key, w.now(), forever, wanted.m.RequestID
		w.model.add(e)
	}
	if wanted.m.Kind == tandem.Delete {
		add(event{column: -1, kind: deleted})
	}
	for i, value := range wanted.m.Values {
		if !value.IsAbsent() {
			add(event{column: i, value: value})
		}
	}
	w.wanted = append(w.wanted, wanted)
	w.ask(wanted)
	w.note("API sheet %s %s%v recorded as %s", wanted.m.Kind, key, wanted.m.Values, wanted.m.RequestID)
}

// ask records the write, or comes back for its answer.
func (w *pair) ask(wanted *wantedWrite) {
	link := w.linked
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	w.onWake = cancel
	defer func() { w.onWake = nil }()
	results, err := w.store.SheetWriter(&link).Mutate(ctx, []tandem.Mutation{wanted.m}, false)
	if err != nil {
		return
	}
	wanted.done = true
	w.note("%s is answered: %s", wanted.m.RequestID, answer(results[0]))
	w.model.answered(wanted.m.RequestID, results[0].Err == nil, w.now())
}

// lookAtWrites comes back for answers.
func (w *pair) lookAtWrites() {
	for _, wanted := range w.wanted {
		if !wanted.done {
			w.ask(wanted)
		}
	}
}
