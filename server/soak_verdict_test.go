package server_test

import (
	"fmt"
	"slices"
	"time"
)

// soakColumns are the linked columns beside the key.
var soakColumns = []string{"by_api", "by_tab", "by_sql", "by_person", "shared"}

// verdict judges one link after the soak: what both sides hold, what history says, and what was done.
type verdict struct {
	s       *soak
	link    *soakLink
	acts    []*act
	table   map[string]map[string]string
	tab     soakTab
	sheet   map[string]int // key -> index into tab.rows
	history []*change

	byKey   map[string][]*act
	writer  map[string]*act      // value -> the act that wrote it
	changes map[string][]*change // key -> history, oldest first
	told    map[string]bool      // keys whose story was told
}

// judge reads everything past the API where it can, and checks it.
func (s *soak) judge(link *soakLink) {
	v := &verdict{s: s, link: link, table: s.readTable(link), history: s.readHistory(link), sheet: map[string]int{},
		byKey: map[string][]*act{}, writer: map[string]*act{}, changes: map[string][]*change{}, told: map[string]bool{}}
	tab, err := s.google.look(link.name)
	if err != nil {
		s.violate("%v", err)
		return
	}
	v.tab = tab
	for _, a := range s.ledger.acts {
		if a.link == link.name {
			v.acts = append(v.acts, a)
			for _, value := range a.values {
				v.writer[value] = a
			}
		}
	}
	for _, c := range v.history {
		v.changes[c.key] = append(v.changes[c.key], c)
	}
	v.findKeys()
	for _, a := range v.acts {
		v.byKey[a.at()] = append(v.byKey[a.at()], a)
	}
	v.checkEqual()
	v.checkPlaces()
	for key := range v.byKey {
		if key == "" {
			continue
		}
		for _, column := range soakColumns {
			v.checkCell(key, column)
		}
		v.checkDeleted(key)
		v.checkMine(key)
	}
	for _, a := range v.byKey[""] {
		v.checkKeyless(a)
	}
}

func (v *verdict) violate(key, format string, args ...any) {
	story := "    (see above)"
	if !v.told[key] {
		v.told[key], story = true, v.story(key)
	}
	v.s.violate("%s, row %q: %s\n%s", v.link.name, key, fmt.Sprintf(format, args...), story)
}

// findKeys gives rows that were typed or inserted without a key the key that the table made: that of the row which holds, or
// once held, what was written into them then or later. Every value is written but once.
func (v *verdict) findKeys() {
	holder := map[string]string{}
	for _, c := range v.history {
		for _, column := range soakColumns {
			holder[c.before[column]], holder[c.after[column]] = c.key, c.key
		}
	}
	for i := range v.tab.rows {
		holder[v.tab.cell(i, "mine")] = v.tab.cell(i, v.link.key)
	}
	for key, row := range v.table {
		for _, column := range soakColumns {
			holder[row[column]] = key
		}
	}
	delete(holder, "")
	for _, a := range v.acts {
		of := a
		if a.of != nil {
			of = a.of
		}
		for _, value := range a.values {
			if of.key == "" {
				of.key = holder[value]
			}
		}
	}
}

// checkEqual: both sides hold the same rows, each once.
func (v *verdict) checkEqual() {
	for i, line := range v.tab.rows {
		key := v.tab.cell(i, v.link.key)
		if key == "" {
			if !blank(line) {
				v.violate("", "row %d of the sheet has no key: %q", i+2, line)
			}
			continue
		}
		if other, twice := v.sheet[key]; twice {
			v.violate(key, "it stands in the sheet twice, in the rows %d and %d", other+2, i+2)
		}
		v.sheet[key] = i
	}
	for key, row := range v.table {
		at, ok := v.sheet[key]
		if !ok {
			v.violate(key, "it is in the table only: %v", row)
			continue
		}
		for _, column := range soakColumns {
			if cell := v.tab.cell(at, column); cell != row[column] {
				v.violate(key, "%s is %q in the table and %q in the sheet", column, row[column], cell)
			}
		}
	}
	for key := range v.sheet {
		if v.table[key] == nil {
			v.violate(key, "it is in the sheet only")
		}
	}
}

// checkPlaces: every value that can be seen now, or could be once, was written by somebody, for that row and that column.
func (v *verdict) checkPlaces() {
	type sight struct{ key, column, value string }
	told := map[sight]bool{}
	seen := func(where, key, column, value string) {
		if value == "" || told[sight{key, column, value}] {
			return
		}
		told[sight{key, column, value}] = true
		a := v.writer[value]
		switch {
		case a == nil:
			v.violate(key, "%s: %s is %q, which nobody wrote", where, column, value)
		case !a.mayHave():
			v.violate(key, "%s: %s is %q, which was not to happen: %s", where, column, value, a)
		case a.values[column] != value:
			v.violate(key, "%s: %s is %q, which was written into another column: %s", where, column, value, a)
		case a.at() != key:
			v.violate(key, "%s: %s is %q, which was written into the row %q: %s\n%s", where, column, value, a.at(), a, v.story(a.at()))
		}
	}
	for key, row := range v.table {
		for _, column := range soakColumns {
			seen("in the table", key, column, row[column])
		}
	}
	for key, at := range v.sheet {
		seen("beside the row", key, "mine", v.tab.cell(at, "mine"))
	}
	for _, c := range v.history {
		for _, column := range soakColumns {
			seen("history "+c.name, c.key, column, c.before[column])
			seen("history "+c.name, c.key, column, c.after[column])
		}
	}
}

// writers returns who wrote or removed a cell, and from how many sides. A row that somebody deletes is at stake as a whole: what
// the other side does to any cell of it may bring it back as that side has it.
func (v *verdict) writers(key, column string) (acts []*act, sides int) {
	cell, row := map[string]bool{}, map[string]bool{}
	deleted := false
	for _, a := range v.byKey[key] {
		_, writes := a.values[column]
		if !a.mayHave() || onlyMine(a) {
			continue
		}
		row[a.side], deleted = true, deleted || a.gone
		if writes || a.gone {
			acts = append(acts, a)
			cell[a.side] = true
		}
	}
	if deleted {
		return acts, len(row)
	}
	return acts, len(cell)
}

// checkCell: each acknowledged value of a cell is there, or a later write on its side replaced it, or history holds it as what
// the other side replaced. Where only one side ever wrote, its last value is there.
func (v *verdict) checkCell(key, column string) {
	acts, sides := v.writers(key, column)
	now := v.table[key][column]
	for _, a := range acts {
		value, writes := a.values[column]
		if !writes || !a.happened() || value == now {
			continue
		}
		later := slices.ContainsFunc(acts, func(b *act) bool { return b != a && b.side == a.side && !b.until().Before(a.began) })
		if later || sides > 1 && v.wasReplaced(a, column, value) {
			continue
		}
		v.violate(key, "LOST: %s was written as %q, and is %q; no later write on that side and no history says why\n    %s", column, value, now, a)
	}
	if from := v.writer[now]; now != "" && from != nil && sides == 1 {
		for _, b := range acts {
			if b.happened() && b != from && b.began.After(from.until()) {
				v.violate(key, "STALE: %s is %q, although it was written again afterwards\n    %s", column, now, b)
				return
			}
		}
	}
}

// wasReplaced reports whether history holds a value as what the other side replaced.
func (v *verdict) wasReplaced(a *act, column, value string) bool {
	return slices.ContainsFunc(v.changes[a.at()], func(c *change) bool { return c.before[column] == value && c.source != a.side })
}

// checkDeleted: a row whose deletion was acknowledged, and that nobody wrote afterwards, is gone.
func (v *verdict) checkDeleted(key string) {
	if v.table[key] == nil {
		return // if it stands in the sheet, checkEqual says so
	}
	for _, d := range v.byKey[key] {
		if !d.gone || !d.happened() {
			continue
		}
		saved := slices.ContainsFunc(v.byKey[key], func(a *act) bool {
			if a.gone || !a.mayHave() || onlyMine(a) {
				return false
			}
			return !a.until().Before(d.began) || a.side != d.side && !v.wasCarried(a, d.began)
		})
		if !saved {
			v.violate(key, "BACK: it was deleted and nobody wrote it afterwards\n    %s", d)
		}
	}
}

func onlyMine(a *act) bool { return len(a.values) == 1 && a.values["mine"] != "" }

// wasCarried reports whether a write was brought to the other side before a moment.
func (v *verdict) wasCarried(a *act, before time.Time) bool {
	return slices.ContainsFunc(v.changes[a.at()], func(c *change) bool {
		if c.at.After(before) || c.source != a.side {
			return false
		}
		for column, value := range a.values {
			if c.after[column] == value {
				return true
			}
		}
		return false
	})
}

// checkMine: what a person wrote beside a row is still there. It goes only with the row.
func (v *verdict) checkMine(key string) {
	at, ok := v.sheet[key]
	if !ok {
		return
	}
	want, deleted := "", false
	for _, a := range v.byKey[key] {
		if value := a.values["mine"]; value != "" && a.happened() {
			want = value
		}
		deleted = deleted || a.gone && a.mayHave()
	}
	if have := v.tab.cell(at, "mine"); have != want && !deleted {
		v.violate(key, "beside it stands %q, a person wrote %q", have, want)
	}
}

// checkKeyless: a row that the table never made a key for can only be one that was taken away again, or never came to be.
func (v *verdict) checkKeyless(a *act) {
	if !a.happened() || a.gone || a.of != nil {
		return
	}
	removed := slices.ContainsFunc(v.acts, func(b *act) bool { return b.of == a && b.gone && b.happened() })
	if !removed {
		v.s.violate("%s: LOST: a row without a key came to nothing\n    %s", v.link.name, a)
	}
}
