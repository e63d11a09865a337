package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

// migration brings the schema from one version to the next. What was released is never edited: a database may be at any
// version between.
type migration struct {
	name   string
	tables []ownTable
	// alter returns further statements for one dialect. MySQL does not undo DDL, so each must bear running twice.
	alter func(d *dialect) []string
}

// migrations in order; the first makes version 1.
var migrations = []migration{
	{name: "tables of links, journal and operations", tables: firstTables},
}

func (m migration) statements(d *dialect) []string {
	var all []string
	for _, table := range m.tables {
		all = append(all, table.statements(d.ownTypes, d.inlineIndexes, d.tableSuffix)...)
	}
	if m.alter != nil {
		all = append(all, m.alter(d)...)
	}
	return all
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
		for _, statement := range all[i].statements(d) {
			if err := tx.Exec(statement).Error; err != nil {
				return fmt.Errorf("version %d (%s): %w", i+1, all[i].name, err)
			}
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
