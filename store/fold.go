package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Some key columns hold texts equal that are spelled differently: "Alice" and "alice", "a" and "a ". Only the database
// knows which, so it is asked, for many keys at a time, with the keys in the column's own character set and collation.

// Folds reports whether the database holds some keys equal that are spelled differently.
func (t *Table) Folds() bool { return len(t.folding()) > 0 }

// folding returns the places within the key of the columns that hold different texts equal.
func (t *Table) folding() []int {
	var parts []int
	for i, field := range t.key {
		if t.store.dialect.folds(&t.fields[field], t.collations[t.fields[field].Name]) {
			parts = append(parts, i)
		}
	}
	return parts
}

// Canonical returns, for each of the keys, the spelling that stands for all that the database holds equal to it: the
// table's own where it has such a row, else the first one among keys. Keys that stand for themselves are left out, and so
// are those that the columns cannot hold.
func (t *Table) Canonical(ctx context.Context, keys []tandem.Key) (map[tandem.Key]tandem.Key, error) {
	canonical, err := t.canonical(t.store.db.WithContext(ctx), keys)
	if err != nil {
		return nil, fmt.Errorf("compare keys of table %q: %w", t.info.Name, translate(err))
	}
	return canonical, nil
}

func (t *Table) canonical(tx *gorm.DB, keys []tandem.Key) (map[tandem.Key]tandem.Key, error) {
	folding := t.folding()
	if len(folding) == 0 {
		return nil, nil
	}
	asked := t.spellings(keys)
	for batch := range slices.Chunk(asked, t.batch(len(t.key)+1)) {
		if err := t.findSpellings(tx, folding, batch); err != nil {
			return nil, err
		}
	}
	canonical := map[tandem.Key]tandem.Key{}
	var classes [][]*spelling
	at := map[string]int{}
	for _, s := range asked {
		switch {
		case s.there != "" && s.there != s.key:
			canonical[s.key] = s.there
		case s.there != "" || s.class == "":
		case at[s.class] == 0:
			classes = append(classes, []*spelling{s})
			at[s.class] = len(classes)
		default:
			classes[at[s.class]-1] = append(classes[at[s.class]-1], s)
		}
	}
	return canonical, t.group(tx, folding, classes, canonical)
}

// spelling is a key that was asked about.
type spelling struct {
	key   tandem.Key
	parts []string
	args  []any
	there tandem.Key // the row that the table holds for it, as that is spelled; "" when it has none
	// class is the same for all keys that the database may hold equal, and for few others; "" when it can hold no such key.
	class string
}

// spellings prepares keys, each once. What a column cannot hold is left out.
func (t *Table) spellings(keys []tandem.Key) []*spelling {
	seen := make(map[tandem.Key]bool, len(keys))
	all := make([]*spelling, 0, len(keys))
	for _, key := range keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		args, err := t.keyArgs(key)
		if err != nil {
			continue
		}
		parts, err := key.Parts(len(t.key))
		if err != nil {
			continue
		}
		all = append(all, &spelling{key: key, parts: parts, args: args})
	}
	return all
}

// findSpellings looks up the rows of a batch, and the classes of the keys that have none.
func (t *Table) findSpellings(tx *gorm.DB, folding []int, batch []*spelling) error {
	d := t.store.dialect
	list := []string{"q.i"}
	for _, part := range folding {
		c, collation := t.keyColumn(part)
		ref := fmt.Sprintf("q.k%d", part)
		list = append(list, d.shown(c, ref), d.weight(d.server, collation, ref))
	}
	on := make([]string, len(t.key))
	for part, field := range t.key {
		c, collation := t.keyColumn(part)
		list = append(list, d.exact(c, "t."+d.quote(t.fields[field].Name)))
		on[part] = d.collated("t."+d.quote(c.Name), c, collation) + fmt.Sprintf(" = q.k%d", part)
	}
	derived, args := t.derived(len(batch), func(i int) []side { return []side{{"k", batch[i].args}} }, t.allParts())
	sql := "SELECT " + strings.Join(list, ", ") + " FROM " + derived + " LEFT JOIN " + t.table() + " t ON " + strings.Join(on, " AND ")
	return rawQuery(tx, sql, args, func(row scanner) error {
		raw, err := scanFields(row, len(list))
		if err != nil {
			return err
		}
		var i int
		if _, err := fmt.Sscan(rawText(raw[0]), &i); err != nil {
			return err
		}
		batch[i].take(t, folding, raw[1:])
		return nil
	})
}

// take reads what the database told of a key. A text that the column's character set has no characters for comes back
// changed: it is of no row and equal to nothing.
func (s *spelling) take(t *Table, folding []int, raw []any) {
	class := make([]string, len(s.parts))
	copy(class, s.parts)
	for _, part := range folding {
		c, collation := t.keyColumn(part)
		if raw[0] == nil || collation != "" && rawText(raw[0]) != s.parts[part] && c.Type.Kind == tandem.String {
			return
		}
		class[part] = rawText(raw[1])
		raw = raw[2:]
	}
	s.class = fmt.Sprintf("%q", class)
	fields := make([]any, len(t.fields))
	for part, field := range t.key {
		if raw[part] == nil {
			return
		}
		fields[field] = raw[part]
	}
	s.there = t.keyOf(fields)
}

// group finds out which keys of each class are equal indeed. The first one stands for those equal to it; those that are
// not go into the next round.
func (t *Table) group(tx *gorm.DB, folding []int, classes [][]*spelling, canonical map[tandem.Key]tandem.Key) error {
	for len(classes) > 0 {
		var pairs [][2]*spelling
		for _, class := range classes {
			for _, other := range class[1:] {
				pairs = append(pairs, [2]*spelling{class[0], other})
			}
		}
		for batch := range slices.Chunk(pairs, t.batch(2*len(folding)+1)) {
			if err := t.comparePairs(tx, folding, batch, canonical); err != nil {
				return err
			}
		}
		var rest [][]*spelling
		for _, class := range classes {
			class = slices.DeleteFunc(class[1:], func(s *spelling) bool { return canonical[s.key] != "" })
			if len(class) > 1 {
				rest = append(rest, class)
			}
		}
		classes = rest
	}
	return nil
}

// comparePairs has the database compare the first key of each pair with the second, part by part.
func (t *Table) comparePairs(tx *gorm.DB, folding []int, pairs [][2]*spelling, canonical map[tandem.Key]tandem.Key) error {
	d := t.store.dialect
	derived, args := t.derived(len(pairs), func(i int) []side {
		return []side{{"a", pairs[i][0].args}, {"b", pairs[i][1].args}}
	}, folding)
	equal := make([]string, len(folding))
	for n, part := range folding {
		c, collation := t.keyColumn(part)
		equal[n] = d.collated(fmt.Sprintf("q.a%d", part), c, collation) + fmt.Sprintf(" = q.b%d", part)
	}
	return rawQuery(tx, "SELECT q.i FROM "+derived+" WHERE "+strings.Join(equal, " AND "), args, func(row scanner) error {
		var i int
		if err := row.Scan(&i); err != nil {
			return err
		}
		canonical[pairs[i][1].key] = pairs[i][0].key
		return nil
	})
}

// side is one key of a line of a derived table, and what its columns begin with.
type side struct {
	prefix string
	args   []any
}

// derived is a table of n lines that is made up within a statement: their numbers, and the parts of their keys.
func (t *Table) derived(n int, line func(i int) []side, parts []int) (string, []any) {
	d := t.store.dialect
	var args []any
	lines := make([]string, n)
	for i := range lines {
		columns := []string{fmt.Sprintf("%d AS i", i)}
		for _, side := range line(i) {
			for _, part := range parts {
				c, collation := t.keyColumn(part)
				columns = append(columns, fmt.Sprintf("%s AS %s%d", d.asked(c, collation), side.prefix, part))
				args = append(args, side.args[part])
			}
		}
		lines[i] = "SELECT " + strings.Join(columns, ", ")
	}
	return "(" + strings.Join(lines, " UNION ALL ") + ") q", args
}

func (t *Table) keyColumn(part int) (*tandem.Column, string) {
	c := &t.fields[t.key[part]]
	return c, t.collations[c.Name]
}

func (t *Table) allParts() []int {
	parts := make([]int, len(t.key))
	for i := range parts {
		parts[i] = i
	}
	return parts
}

// mysqlFolds goes by the names of collations, since only some versions tell in their catalog which of them pad: all but the
// binary ones that do not pad hold some texts equal. The texts of an ENUM differ for its collation too.
func mysqlFolds(c *tandem.Column, collation string) bool {
	switch parseNative(c.Type.Native).word {
	case "uuid", "inet4", "inet6":
		return true
	case "enum":
		return false
	}
	exact := strings.HasSuffix(collation, "_bin") && (strings.Contains(collation, "nopad") || strings.Contains(collation, "0900"))
	return c.Type.Kind == tandem.String && collation != "" && !exact
}

// mysqlAsked spells a place so that its argument has the very type of the column that it is compared with.
func mysqlAsked(c *tandem.Column, collation string) string {
	switch c.Type.Kind {
	case tandem.String:
		if collation == "" {
			return "CAST(? AS " + parseNative(c.Type.Native).word + ")"
		}
		set, _, _ := strings.Cut(collation, "_")
		return "CONVERT(? USING " + set + ") COLLATE " + collation
	case tandem.Decimal:
		return fmt.Sprintf("CAST(? AS DECIMAL(%d,%d))", c.Type.Precision, c.Type.Scale)
	case tandem.Date:
		return "CAST(? AS DATE)"
	case tandem.DateTime, tandem.Timestamp:
		return fmt.Sprintf("CAST(? AS DATETIME(%d))", c.Type.Fraction)
	case tandem.Time:
		return fmt.Sprintf("CAST(? AS TIME(%d))", c.Type.Fraction)
	}
	return "?"
}

// mysqlWeight is the same for texts that are equal, whether or not the collation pads: it leaves spaces at the end out, after
// which characters may still stand that weigh nothing. Where it is the same for others, nothing but time is lost, so that of
// several levels MariaDB is asked for the first.
func mysqlWeight(server, collation, ref string) string {
	if collation == "" {
		return "CAST(" + ref + " AS CHAR)"
	}
	level := ""
	if strings.Contains(server, "MariaDB") {
		level = " LEVEL 1"
	}
	set, _, _ := strings.Cut(collation, "_")
	space := "WEIGHT_STRING(CONVERT(' ' USING " + set + ") COLLATE " + collation + level + ")"
	return "MD5(TRIM(TRAILING " + space + " FROM WEIGHT_STRING(" + ref + level + ")))"
}
