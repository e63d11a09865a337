package store

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// migration brings the schema from one version to the next. What was released is never edited: a database may be at any
// version between.
type migration struct {
	name    string
	tables  []ownTable
	columns []ownColumn // of tables that are there
	indexes []ownIndex
}

// migrations in order; the first makes version 1.
var migrations = []migration{
	{name: "tables of links, journal and operations", tables: firstTables},
	{name: "conflicts, typed rows, notes and alerts", tables: conflictTables, columns: conflictColumns, indexes: conflictIndexes},
	{name: "hints and positions", tables: hintTables, columns: hintColumns, indexes: hintIndexes},
	{name: "tokens", tables: tokenTables},
	{name: "how far histories were pruned", tables: pruneTables},
	{name: "how often baselines moved", columns: agreedCount},
	{name: "what deleted rows held outside their links", columns: restColumns},
}

// run makes what is not there yet. MySQL commits every statement by itself, so a migration that was cut off runs again and
// finds a part of its work done; and since its ALTER TABLE knows no IF NOT EXISTS, the catalog is asked first.
func (m migration) run(tx *gorm.DB, d *dialect) error {
	var all []string
	for _, table := range m.tables {
		all = append(all, table.statements(d.ownTypes, d.inlineIndexes, d.tableSuffix)...)
	}
	for _, column := range m.columns {
		there, err := has(tx, d.ownCatalog.columns, column.table, column.name)
		if err != nil {
			return err
		}
		if !there {
			all = append(all, "ALTER TABLE "+column.table+" ADD COLUMN "+column.name+" "+d.ownTypes.spell(column.definition))
		}
	}
	for _, index := range m.indexes {
		there, err := has(tx, d.ownCatalog.indexes, index.table, index.name)
		if err != nil {
			return err
		}
		if !there {
			all = append(all, "CREATE INDEX "+index.name+" ON "+index.table+" ("+d.ownTypes.spell(index.columns)+")")
		}
	}
	for _, statement := range all {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	return nil
}

// has reports whether name is among what a query of an ownCatalog finds for a table.
func has(tx *gorm.DB, catalog, table, name string) (bool, error) {
	names, err := query(tx, scanText, catalog, table)
	return slices.Contains(names, name), err
}

// migrate brings our own tables to the version that this program knows. Processes that start together take turns. A
// database that a newer program set up is left alone and refused.
func (s *Store) migrate(ctx context.Context) error {
	err := s.dialect.exclusively(s.db.WithContext(ctx), func(tx *gorm.DB) error {
		return migrateTo(tx, s.dialect, migrations, s)
	})
	return wrap(err, "migrate the tandem_ tables")
}

func migrateTo(tx *gorm.DB, d *dialect, all []migration, s *Store) error {
	journal := ownTable{name: "tandem_migrations", primary: "version",
		columns: []string{"version {number}", "name {name}", "applied_at {moment}"}}
	for _, statement := range journal.statements(d.ownTypes, d.inlineIndexes, d.tableSuffix) {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	version, _, err := queryOne(tx, scanNumber, "SELECT COALESCE(MAX(version), 0) FROM tandem_migrations")
	if err != nil {
		return err
	}
	if version > int64(len(all)) {
		return fmt.Errorf("the database has schema version %d, this program knows versions up to %d: run the newer Tandem that set it up, or a later one",
			version, len(all))
	}
	for i := int(version); i < len(all); i++ {
		if err := all[i].run(tx, d); err != nil {
			return fmt.Errorf("version %d (%s): %w", i+1, all[i].name, err)
		}
		err := tx.Exec("INSERT INTO tandem_migrations (version, name, applied_at) VALUES (?,?,?)", i+1, all[i].name, moment{s.moment()}).Error
		if err != nil {
			return err
		}
		s.log.Info("schema migrated", "version", i+1, "name", all[i].name)
	}
	return nil
}

func scanNumber(row scanner) (n int64, err error) {
	err = row.Scan(&n)
	return n, err
}
