package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Queries of the catalog. {t} is where the condition on a single table goes, written for the table's name column.

const mysqlCatalog = `SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE = 'YES',
		c.COLUMN_DEFAULT IS NOT NULL AND c.COLUMN_DEFAULT <> 'NULL' OR c.EXTRA LIKE '%DEFAULT_GENERATED%',
		c.EXTRA LIKE '%auto_increment%', c.EXTRA LIKE '%VIRTUAL GENERATED%' OR c.EXTRA LIKE '%STORED GENERATED%',
		(SELECT COALESCE(MAX(e.TRANSACTIONS), 'NO') FROM information_schema.ENGINES e WHERE e.ENGINE = t.ENGINE) = 'YES', COALESCE(c.COLLATION_NAME, '')
	FROM information_schema.TABLES t JOIN information_schema.COLUMNS c ON c.TABLE_NAME = t.TABLE_NAME
	WHERE t.TABLE_SCHEMA = DATABASE() AND c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE'
		AND t.TABLE_NAME NOT LIKE 'tandem\_%' {t.TABLE_NAME} {c.TABLE_NAME}
	ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION`

const mysqlIndexes = `SELECT TABLE_NAME, INDEX_NAME, COALESCE(COLUMN_NAME, ''), SUB_PART IS NOT NULL, ''
	FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 {TABLE_NAME}
	ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`

// MariaDB's JSON is a LONGTEXT with a check.
func mysqlJSON(server string) string {
	if !strings.Contains(server, "MariaDB") {
		return ""
	}
	return `SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()
		AND LEVEL = 'Column' AND CHECK_CLAUSE LIKE 'json\_valid(%' {TABLE_NAME}`
}

// A column that is the rowid is INTEGER PRIMARY KEY, spelled exactly so.
const sqliteCatalog = `SELECT l.name, p.name, p.type, p."notnull" = 0 AND p.pk = 0,
		p.dflt_value IS NOT NULL AND upper(p.dflt_value) <> 'NULL',
		upper(p.type) = 'INTEGER' AND p.pk = 1 AND l.wr = 0 AND (SELECT COUNT(*) FROM pragma_table_xinfo(l.name) k WHERE k.pk > 0) = 1,
		p.hidden IN (2, 3), 1, ''
	FROM pragma_table_list l JOIN pragma_table_xinfo(l.name) p
	WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND l.name NOT LIKE 'tandem\_%' ESCAPE '\' AND p.hidden <> 1 {l.name}
	ORDER BY l.name, p.cid`

// A key column is compared in the collation of the key's index, which may be another than the column's own; only the index
// tells its collation.
const sqliteIndexes = `SELECT l.name, 'PRIMARY', p.name, 0, COALESCE((SELECT x.coll FROM pragma_index_list(l.name) i, pragma_index_xinfo(i.name) x
		WHERE i.origin = 'pk' AND x.key = 1 AND x.name = p.name), '')
	FROM pragma_table_list l JOIN pragma_table_xinfo(l.name) p
	WHERE l.schema = 'main' AND l.type = 'table' AND p.pk > 0 {l.name} ORDER BY l.name, p.pk`

// foundTable is a table as introspection found it.
type foundTable struct {
	tandem.Table
	unique        map[string][]string // columns of each unique index, by its name
	prefixed      bool                // the key holds only the beginning of a column
	transactional bool
	collations    map[string]string // of columns, where they have one
}

// Tables returns every table of the database but our own, by name. Views are left out.
func (s *Store) Tables(ctx context.Context) ([]tandem.Table, error) {
	tx := s.db.WithContext(ctx)
	found, err := s.introspect(tx, "")
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", translate(err))
	}
	rows, err := s.countRows(tx, found)
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", translate(err))
	}
	tables := make([]tandem.Table, len(found))
	for i := range found {
		tables[i] = found[i].Table
		tables[i].Rows = rows[tables[i].Name]
	}
	return tables, nil
}

// Table returns the table called name.
func (s *Store) Table(ctx context.Context, name string) (*tandem.Table, error) {
	tx := s.db.WithContext(ctx)
	found, err := s.findTable(tx, name)
	if err != nil {
		return nil, err
	}
	rows, err := s.countRows(tx, []*foundTable{found})
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", translate(err))
	}
	found.Rows = rows[name]
	return &found.Table, nil
}

// findTable returns one table by its exact name.
func (s *Store) findTable(tx *gorm.DB, name string) (*foundTable, error) {
	found, err := s.introspect(tx, name)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", translate(err))
	}
	// The catalog may fold case; a name must be exact.
	if len(found) != 1 || found[0].Name != name {
		return nil, tandem.Errorf(tandem.CodeNotFound, "TABLE_NOT_FOUND", "the database has no table %q", name)
	}
	return found[0], nil
}

// introspect returns one table, or all when name is empty.
func (s *Store) introspect(tx *gorm.DB, name string) ([]*foundTable, error) {
	var all []*foundTable
	err := s.eachLine(tx, s.dialect.catalog, name, func(row scanner) error {
		var table, native, collation string
		var c tandem.Column
		var transactional bool
		err := row.Scan(&table, &c.Name, &native, &c.Nullable, &c.HasDefault, &c.AutoIncrement, &c.Generated, &transactional, &collation)
		if err != nil {
			return err
		}
		c.Type = s.dialect.typeOf(native)
		if len(all) == 0 || all[len(all)-1].Name != table {
			all = append(all, &foundTable{Table: tandem.Table{Name: table}, unique: map[string][]string{},
				transactional: transactional, collations: map[string]string{}})
		}
		last := all[len(all)-1]
		last.Columns = append(last.Columns, c)
		if collation != "" {
			last.collations[c.Name] = collation
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	byName := make(map[string]*foundTable, len(all))
	for _, table := range all {
		byName[table.Name] = table
	}
	if err := s.addIndexes(tx, name, byName); err != nil {
		return nil, err
	}
	if err := s.addJSON(tx, name, byName); err != nil {
		return nil, err
	}
	for _, table := range all {
		for i, key := range table.Key {
			table.Column(key).KeyPosition = i + 1
		}
		table.Problem = s.dialect.problem(table)
		table.Linkable = table.Problem == ""
	}
	return all, nil
}

// addIndexes adds keys, and the unique indexes that messages about duplicates name.
func (s *Store) addIndexes(tx *gorm.DB, name string, tables map[string]*foundTable) error {
	return s.eachLine(tx, s.dialect.indexes, name, func(row scanner) error {
		var table, index, column, collation string
		var prefix bool
		if err := row.Scan(&table, &index, &column, &prefix, &collation); err != nil {
			return err
		}
		found := tables[table]
		if found == nil {
			return nil
		}
		found.unique[index] = append(found.unique[index], column)
		if index == "PRIMARY" {
			found.Key = append(found.Key, column)
			found.prefixed = found.prefixed || prefix
			if collation != "" {
				found.collations[column] = collation
			}
		}
		return nil
	})
}

// addJSON marks texts that hold JSON by a rule of the table.
func (s *Store) addJSON(tx *gorm.DB, name string, tables map[string]*foundTable) error {
	sql := s.dialect.json(s.dialect.server)
	if sql == "" {
		return nil
	}
	return s.eachLine(tx, sql, name, func(row scanner) error {
		var table, column string
		if err := row.Scan(&table, &column); err != nil || tables[table] == nil {
			return err
		}
		if c := tables[table].Column(column); c != nil {
			c.Type.JSON = true
		}
		return nil
	})
}

// eachLine runs a query of the catalog for one table, or for all when name is empty.
func (s *Store) eachLine(tx *gorm.DB, sql, name string, visit func(row scanner) error) error {
	var built strings.Builder
	var args []any
	for {
		before, rest, found := strings.Cut(sql, "{")
		built.WriteString(before)
		if !found {
			break
		}
		column, after, _ := strings.Cut(rest, "}")
		if name != "" {
			built.WriteString("AND " + column + " = ?")
			args = append(args, name)
		}
		sql = after
	}
	_, err := query(tx, func(row scanner) (struct{}, error) { return struct{}{}, visit(row) }, built.String(), args...)
	return err
}

// countRows returns the rows of tables, by the database's estimate where it keeps one.
func (s *Store) countRows(tx *gorm.DB, tables []*foundTable) (map[string]int64, error) {
	counts := make(map[string]int64, len(tables))
	add := func(row scanner) (struct{}, error) {
		var name string
		var n int64
		err := row.Scan(&name, &n)
		counts[name] = n
		return struct{}{}, err
	}
	if s.dialect.estimate != "" {
		_, err := query(tx, add, s.dialect.estimate)
		return counts, err
	}
	for part := range slices.Chunk(tables, 100) { // SQLite takes at most 500 parts of a UNION
		selects, args := make([]string, len(part)), make([]any, len(part))
		for i, table := range part {
			selects[i], args[i] = "SELECT ?, COUNT(*) FROM "+s.dialect.quote(table.Name), table.Name
		}
		if err := rawQuery(tx, strings.Join(selects, " UNION ALL "), args, func(row scanner) error {
			_, err := add(row)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// maxKeyLength is how many characters a key may have: what the baselines' index holds.
const maxKeyLength = 700

// keyProblem says why a column cannot be part of a key: a row must be found by the text that its cell shows.
func (d *dialect) keyProblem(c *tandem.Column) string {
	native := strings.ToLower(c.Type.Native)
	switch {
	case c.Type.Kind == tandem.Unknown:
		return "is of type " + c.Type.Native + ", which cannot be linked"
	case c.Type.Kind == tandem.Float:
		return "is a floating-point number, which cannot identify a row exactly"
	case c.Type.JSON:
		return "holds JSON, which cannot identify a row exactly"
	case strings.HasPrefix(native, "set("):
		return "is a SET, which cannot be a key here"
	case c.Type.Kind == tandem.Bytes && (d.scheme == "sqlite" || strings.Contains(native, "blob")):
		return "holds a BLOB, which cannot identify a row in a sheet"
	}
	return ""
}

// keyLength returns how long the column's text can be.
func keyLength(c *tandem.Column) int {
	switch c.Type.Kind {
	case tandem.String:
		longest := c.Type.Length
		for _, value := range c.Type.Values {
			longest = max(longest, len(value))
		}
		return longest
	case tandem.Bytes:
		return (c.Type.Length + 2) / 3 * 4
	case tandem.Decimal:
		return c.Type.Precision + 2
	}
	return 27
}
