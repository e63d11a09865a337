package store

import (
	"context"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// foreignKey says that columns of a child table refer to columns of a parent table.
type foreignKey struct {
	child, parent       string
	elsewhere           string // the child's database, when it is another one
	name                string // unique for the child
	columns, references []string
	onDelete, onUpdate  string // "CASCADE", "SET NULL", …
}

// Queries of the foreign keys, one line for each pair of columns: the child's database when it is another one, the child,
// what tells its foreign keys apart, the column, the parent, the column there ("" for its key's), the rules.

// MariaDB opens every table for a query of these catalogs, once for each that is joined, unless it names the table. The
// rules are therefore asked for by child.
const (
	mysqlForeignKeys = `SELECT IF(TABLE_SCHEMA = DATABASE(), '', TABLE_SCHEMA), TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME,
			REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME, '', ''
		FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_SCHEMA = DATABASE()
		ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`
	mysqlForeignRules = `SELECT ?, TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE
		FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = IF(? = '', DATABASE(), ?) AND TABLE_NAME = ?`
)

// A name may be spelled in other case than the table's own, and a key may be referred to without naming its columns.
const sqliteForeignKeys = `SELECT '', m.name, f.id, f."from",
		COALESCE((SELECT p.name FROM sqlite_schema p WHERE p.type = 'table' AND p.name = f."table" COLLATE NOCASE), f."table"),
		COALESCE(f."to", (SELECT k.name FROM pragma_table_xinfo(f."table") k WHERE k.pk = f.seq + 1), ''), f.on_delete, f.on_update
	FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
	WHERE m.type = 'table' AND m.sql LIKE '%REFERENCES%'
	ORDER BY m.name, f.id, f.seq`

// foreignKeys returns the foreign keys that refer to tables of the database. Those of tables that the account may not see
// are not among them.
func (s *Store) foreignKeys(tx *gorm.DB) ([]foreignKey, error) {
	var all []foreignKey
	err := rawQuery(tx, s.dialect.foreignKeys, nil, func(row scanner) error {
		var f foreignKey
		var column, reference string
		if err := row.Scan(&f.elsewhere, &f.child, &f.name, &column, &f.parent, &reference, &f.onDelete, &f.onUpdate); err != nil {
			return err
		}
		if len(all) == 0 || !all[len(all)-1].is(f.elsewhere, f.child, f.name) {
			all = append(all, f)
		}
		to := &all[len(all)-1]
		to.columns, to.references = append(to.columns, column), append(to.references, reference)
		return nil
	})
	if err != nil || s.dialect.foreignRules == "" {
		return all, err
	}
	return all, s.addRules(tx, all)
}

func (f *foreignKey) is(elsewhere, child, name string) bool {
	return f.elsewhere == elsewhere && f.child == child && f.name == name
}

// addRules adds what foreign keys do by themselves. One whose rules are not found (it was dropped meanwhile, or the account
// may not see them) counts as one that does.
func (s *Store) addRules(tx *gorm.DB, all []foreignKey) error {
	var children [][2]string
	for i := range all {
		f := &all[i]
		f.onDelete, f.onUpdate = "CASCADE", "CASCADE"
		if child := [2]string{f.elsewhere, f.child}; len(children) == 0 || children[len(children)-1] != child {
			children = append(children, child)
		}
	}
	for batch := range slices.Chunk(children, 50) {
		parts, args := make([]string, len(batch)), make([]any, 0, 4*len(batch))
		for i, child := range batch {
			parts[i] = s.dialect.foreignRules
			args = append(args, child[0], child[0], child[0], child[1])
		}
		err := rawQuery(tx, strings.Join(parts, " UNION ALL "), args, func(row scanner) error {
			var elsewhere, child, name, onDelete, onUpdate string
			err := row.Scan(&elsewhere, &child, &name, &onDelete, &onUpdate)
			for i := range all {
				if all[i].is(elsewhere, child, name) {
					all[i].onDelete, all[i].onUpdate = onDelete, onUpdate
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// effect is what a statement does to a row: it deletes it, or changes columns.
type effect struct {
	deletes bool
	columns []string
}

// reaches returns what the foreign key does by itself to the child's rows when e befalls the parent's; false when nothing.
func (f *foreignKey) reaches(e effect) (effect, bool) {
	rule := f.onDelete
	if !e.deletes {
		if !slices.ContainsFunc(f.references, func(column string) bool { return containsFold(e.columns, column) }) {
			return effect{}, false
		}
		rule = f.onUpdate
	}
	switch strings.ToUpper(rule) {
	case "CASCADE":
		if e.deletes {
			return effect{deletes: true}, true
		}
		return effect{columns: f.columns}, true
	case "SET NULL", "SET DEFAULT":
		return effect{columns: f.columns}, true
	}
	return effect{}, false
}

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(other, name) })
}

// beneath returns the tables whose rows the database changes by itself when e befalls rows of a table: its children, and
// theirs. The table itself is among them when it refers to itself.
func beneath(keys []foreignKey, table string, e effect) map[string]bool {
	found := map[string]bool{}
	visited := map[string]bool{}
	var visit func(table string, e effect)
	visit = func(table string, e effect) {
		for i := range keys {
			f := &keys[i]
			if f.parent != table || f.elsewhere != "" {
				continue
			}
			next, reached := f.reaches(e)
			if !reached {
				continue
			}
			found[f.child] = true
			if place := f.child + "\x00" + next.String(); !visited[place] {
				visited[place] = true
				visit(f.child, next)
			}
		}
	}
	visit(table, e)
	return found
}

// String tells effects apart.
func (e effect) String() string {
	if e.deletes {
		return "delete"
	}
	return "update " + strings.Join(e.columns, ",")
}

// linkedTables returns the links by their table.
func linkedTables(tx *gorm.DB) (map[string][]tandem.Link, error) {
	links, err := query(tx, scanLink, selectLinks+" ORDER BY number")
	if err != nil {
		return nil, err
	}
	byTable := map[string][]tandem.Link{}
	for _, link := range links {
		byTable[link.Table] = append(byTable[link.Table], link)
	}
	return byTable, nil
}

// LinkOrder returns a number for each link, such that the tables of links with a lower one do not reference those of
// links with a higher one, cycles aside.
func (s *Store) LinkOrder(ctx context.Context) (map[string]int, error) {
	tx := s.db.WithContext(ctx)
	byTable, err := linkedTables(tx)
	if err != nil {
		return nil, wrap(err, "read links")
	}
	keys, err := s.foreignKeys(tx)
	if err != nil {
		return nil, wrap(err, "read foreign keys")
	}
	parents := map[string][]string{}
	for _, f := range keys {
		if f.elsewhere == "" {
			parents[f.child] = append(parents[f.child], f.parent)
		}
	}
	order := map[string]int{}
	for table, links := range byTable {
		n := dependsOn(table, parents)
		for _, link := range links {
			order[link.ID] = n
		}
	}
	return order, nil
}

// dependsOn counts the tables that a table references, and those that these reference: fewer than each of its children does,
// and as many as the others of a circle that it is in.
func dependsOn(table string, parents map[string][]string) int {
	seen := map[string]bool{table: true}
	for next := []string{table}; len(next) > 0; next = next[1:] {
		for _, parent := range parents[next[0]] {
			if !seen[parent] {
				seen[parent] = true
				next = append(next, parent)
			}
		}
	}
	return len(seen) - 1
}
