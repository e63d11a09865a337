package store

import "github.com/tandem-sync/tandem"

// carryOut does mutations that touch different rows: their rows are locked together, compared with what the callers saw, and
// written in as few statements as a cycle's.
func (g *mutating) carryOut(wave []int) error {
	if len(wave) == 1 {
		if done, err := g.insertOne(wave[0]); done || err != nil {
			return err
		}
	}
	keys := make([]tandem.Key, len(wave))
	for n, i := range wave {
		m := &g.mutations[i]
		if keys[n] = m.Key; m.Kind == tandem.Insert {
			keys[n] = g.t.target(&tandem.Change{Kind: tandem.Insert, After: g.withKey(m)})
		}
	}
	there, err := g.t.lock(g.tx, keys)
	if err != nil {
		return err
	}
	var writes []*write
	var places []int
	for n, i := range wave {
		change, failure := g.check(&g.mutations[i], there[keys[n]])
		switch {
		case failure != nil:
			g.results[i].Err = failure
		case change != nil:
			now := there[keys[n]]
			if change.Kind == tandem.Insert {
				keys[n] = g.t.target(change)
			}
			writes = append(writes, g.t.write(change, keys[n], now, true))
			places = append(places, i)
		}
	}
	if err := g.t.carryOut(g.tx, writes); err != nil {
		return err
	}
	for n, w := range writes {
		g.finish(places[n], w)
	}
	return nil
}

// withKey returns the values of an insert, with the key's parts in place where only the key gives them.
func (g *mutating) withKey(m *tandem.Mutation) []tandem.Value {
	values := make([]tandem.Value, g.t.linked)
	copy(values, m.Values)
	parts, err := m.Key.Parts(len(g.t.key))
	if m.Key == "" || err != nil {
		return values
	}
	for i, field := range g.t.key {
		if field < len(values) && values[field].IsAbsent() {
			values[field] = tandem.Text(parts[i])
		}
	}
	return values
}

// check compares a mutation with the row as it is. It returns the write that is left to do; none when it is done already.
func (g *mutating) check(m *tandem.Mutation, now *held) (*tandem.Change, *tandem.Error) {
	insert := &tandem.Change{Kind: tandem.Insert, After: g.withKey(m)}
	switch {
	case m.Kind == tandem.Insert && now == nil:
		return insert, nil
	case m.Kind == tandem.Insert:
		return nil, rowExists(now.row.Key, &now.row)
	case now == nil && m.AllowMissing && m.Kind == tandem.Delete:
		return nil, nil
	case now == nil && m.AllowMissing && m.Etag == "":
		if g.t.target(insert) != m.Key {
			return nil, tandem.InvalidField("row.values", "there is no row %q, so one is made; its key columns must say the same as its name", m.Key)
		}
		return insert, nil
	case now == nil && m.AllowMissing:
		return nil, tandem.Errorf(tandem.CodeAborted, "ETAG_MISMATCH", "the row %q that the write is based on is not there any more", m.Key)
	case now == nil:
		return nil, tandem.Errorf(tandem.CodeNotFound, "ROW_NOT_FOUND", "the table %q has no row with the key %q", g.t.info.Name, m.Key)
	case m.Etag != "" && !tandem.EtagFits(m.Etag, now.row.Etag()):
		err := tandem.Errorf(tandem.CodeAborted, "ETAG_MISMATCH", "the row %q was changed since it was read", now.row.Key)
		err.Row = &now.row
		return nil, err
	}
	return &tandem.Change{Kind: m.Kind, Key: now.row.Key, After: m.Values}, nil
}

// rowExists refuses an insert, showing the row that is there.
func rowExists(key tandem.Key, row *tandem.Row) *tandem.Error {
	err := tandem.Errorf(tandem.CodeAlreadyExists, "ROW_EXISTS", "a row with the key %q is there already", key)
	err.Row = row
	return err
}

// finish turns what became of a write into the mutation's result, and marks the row for the other side.
func (g *mutating) finish(i int, w *write) {
	applied, m := w.applied, &g.mutations[i]
	switch applied.Outcome {
	case tandem.Refused:
		g.results[i].Err = applied.Err
		if taken := applied.Err; taken.Reason == "ROW_EXISTS" && taken.Row == nil && applied.Row != nil {
			shown := *taken
			shown.Row = applied.Row
			g.results[i].Err = &shown
		}
		return
	case tandem.Moved: // somebody else inserted it since it was looked for
		key := m.Key
		if applied.Row != nil {
			key = applied.Row.Key
		}
		g.results[i].Err = rowExists(key, applied.Row)
		return
	}
	g.results[i].Row = applied.Row
	g.compare(i, w)
	if w.kind != tandem.Delete && applied.Row == nil {
		g.results[i].Err = tandem.Errorf(tandem.CodeInternal, "ROW_LOST", "the row was written, but a trigger of the table %q took it away", g.t.info.Name)
		return
	}
	if w.now != nil {
		g.mark(w.now.row.Key, m.Actor)
		g.marks[len(g.marks)-1].Rest = g.t.rest(w)
	}
	if applied.Row != nil && (w.now == nil || w.now.row.Key != applied.Row.Key) {
		g.mark(applied.Row.Key, m.Actor)
	}
	if g.t.remembered() && !g.t.still.wrong && applied.Row != nil {
		g.results[i].State = &tandem.RowState{Marked: true}
	}
}

// mark says who wrote, which the triggers cannot tell. On SQLite they mark the row as well; a row marked twice is looked at
// once.
func (g *mutating) mark(key tandem.Key, actor string) {
	g.marks = append(g.marks, tandem.Mark{Source: tandem.Database, Key: key, At: g.t.store.moment(), Cause: tandem.CauseAPI, Actor: actor})
}
