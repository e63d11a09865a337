package store

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// levels is how many rows among a call's inserts, or among its deletes, a row depends on by way of a foreign key of its own
// table. Nil says that no order is needed.
type levels map[*write]int

// arrange orders the rows of a table that refers to itself: parents before children. Rows whose parents cannot be told by
// their values (a column outside the link, another spelling) are left to further tries.
func (t *Table) arrange(tx *gorm.DB, writes []*write) (levels, error) {
	keys, err := t.store.foreignKeys(tx)
	if err != nil {
		return nil, err
	}
	parents := map[*write][]*write{}
	for i := range keys {
		if f := &keys[i]; f.child == t.info.Name && f.parent == t.info.Name && f.elsewhere == "" {
			t.parentsBy(f, writes, parents)
		}
	}
	all := make(levels, len(writes))
	var of func(w *write) int
	of = func(w *write) int {
		if level, ok := all[w]; ok {
			return level
		}
		all[w] = 0 // a circle ends here
		level := 0
		for _, parent := range parents[w] {
			level = max(level, of(parent)+1)
		}
		all[w] = level
		return level
	}
	for _, w := range writes {
		of(w)
	}
	return all, nil
}

// parentsBy adds, for each write, those of the same kind to whose rows a foreign key has it refer.
func (t *Table) parentsBy(f *foreignKey, writes []*write, parents map[*write][]*write) {
	type place struct {
		kind tandem.ChangeKind
		text string
	}
	at := map[place]*write{}
	for _, w := range writes {
		if text, ok := t.texts(w, f.references); ok {
			at[place{w.kind, text}] = w
		}
	}
	for _, w := range writes {
		if text, ok := t.texts(w, f.columns); ok {
			if parent := at[place{w.kind, text}]; parent != nil && parent != w {
				parents[w] = append(parents[w], parent)
			}
		}
	}
}

// texts joins what a write's row holds in columns: an insert what it sets, others what was there. It is false when some of it
// is NULL or not known.
func (t *Table) texts(w *write, columns []string) (string, bool) {
	parts := make([]string, len(columns))
	for i, column := range columns {
		field := slices.IndexFunc(t.fields, func(c tandem.Column) bool { return c.Type.Native != "" && strings.EqualFold(c.Name, column) })
		if field < 0 {
			return "", false
		}
		var value tandem.Value
		if w.now != nil && field < len(w.now.raw) {
			value = t.value(w.now.raw, field)
		} else if at := slices.Index(w.fields, field); w.now == nil && at >= 0 {
			value = t.store.dialect.decode(&t.fields[field], w.args[at])
		}
		if value.IsAbsent() || value.IsNull() || value.IsInvalid() {
			return "", false
		}
		parts[i] = value.Text()
	}
	return strings.Join(parts, "\x00"), true
}

// childrenFirst returns deletes in parts that may each go into one statement.
func (l levels) childrenFirst(writes []*write) [][]*write {
	return l.parts(writes, func(a, b *write) int { return cmp.Compare(l[b], l[a]) })
}

// parentsFirst returns inserts in parts of one level. Within a statement the rows keep their order.
func (l levels) parentsFirst(writes []*write) [][]*write {
	return l.parts(writes, func(a, b *write) int { return cmp.Compare(l[a], l[b]) })
}

func (l levels) parts(writes []*write, compare func(a, b *write) int) [][]*write {
	if l == nil {
		return [][]*write{writes}
	}
	sorted := slices.Clone(writes)
	slices.SortStableFunc(sorted, compare)
	var parts [][]*write
	for start := 0; start < len(sorted); {
		end := start + 1
		for end < len(sorted) && l[sorted[end]] == l[sorted[start]] {
			end++
		}
		parts = append(parts, sorted[start:end])
		start = end
	}
	return parts
}
