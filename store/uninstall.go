package store

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// ownTrigger is the shape of our triggers' names. Tools that change a table by way of a copy may have added to them.
var ownTrigger = regexp.MustCompile(`^tandem_[0-9]+_(ins|upd|del)(_.*)?$`)

// checkTable is what TryCapture makes; a run that was killed leaves it behind.
const checkTable = "tandem_check"

// lastTable goes last.
const lastTable = "tandem_migrations"

// Untouched reports whether a database holds nothing of ours, of which Uninstall would find something to remove. Triggers can be
// there without any table: they go along with a copy of a linked table, and stay when somebody drops the others by hand. It only
// looks, and makes nothing: no tables, and no file.
func Untouched(ctx context.Context, url string) (bool, error) {
	d, address, err := dialectOf(url)
	if err != nil {
		return false, err
	}
	pool, err := d.look(address)
	if err != nil || pool == nil {
		return err == nil, err
	}
	defer func() { _ = pool.Close() }()
	untouched := true
	for _, table := range ownTables() {
		err := queryPool(ctx, pool, d.ownCatalog.columns, []any{table}, func(scanner) error {
			untouched = false
			return nil
		})
		if err != nil || !untouched {
			return false, wrap(translate(err), "look for table %s", table)
		}
	}
	err = queryPool(ctx, pool, d.existing, nil, func(row scanner) error {
		_, own, err := scanTrigger(row)
		untouched = untouched && !own
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for triggers: %w", translate(err))
	}
	return untouched, nil
}

// Uninstall removes every trigger of ours, then every table that any version ever made, and tells in words what it removed.
// Linked tables keep their rows, and tables and triggers of others their place, whatever they are called. It can be called
// again, after a failure too. The store is of no use afterwards: open it again to begin anew.
//
// Triggers go first: on SQLite they would make the application's statements fail once the table that they write to is gone.
// The table of migrations goes last, so that what a failed run left behind is known as ours.
func (s *Store) Uninstall(ctx context.Context) (removed []string, err error) {
	err = s.dialect.exclusively(s.db.WithContext(ctx), func(tx *gorm.DB) error {
		removed = nil
		triggers, err := s.ownTriggers(tx)
		if err != nil {
			return fmt.Errorf("look for triggers: %w", err)
		}
		for _, trigger := range triggers {
			if _, err := rawExec(tx, "DROP TRIGGER IF EXISTS "+s.dialect.quote(trigger[0]), nil); err != nil {
				return fmt.Errorf("drop trigger %s of table %q: %w", trigger[0], trigger[1], err)
			}
			removed = append(removed, fmt.Sprintf("trigger %s of table %s", trigger[0], trigger[1]))
		}
		for _, table := range ownTables() {
			columns, err := query(tx, scanText, s.dialect.ownCatalog.columns, table)
			if err != nil {
				return fmt.Errorf("look for table %s: %w", table, err)
			}
			if len(columns) == 0 {
				continue
			}
			if _, err := rawExec(tx, "DROP TABLE IF EXISTS "+s.dialect.quote(table), nil); err != nil {
				return fmt.Errorf("drop table %s: %w", table, err)
			}
			removed = append(removed, "table "+table)
		}
		return nil
	})
	if err != nil && s.dialect.scheme == "sqlite" {
		removed = nil // it is all one transaction there
	}
	return removed, wrap(err, "remove what Tandem made")
}

// ownTables names the tables of every version, that of migrations last. What another version made under a name that is not
// here is nobody's that we know.
func ownTables() []string {
	tables := []string{checkTable}
	for _, migration := range slices.Backward(migrations) {
		for _, table := range slices.Backward(migration.tables) {
			tables = append(tables, table.name)
		}
	}
	return append(tables, lastTable)
}

// ownTriggers returns our triggers and their tables, on whatever tables they are by now, of whatever links.
func (s *Store) ownTriggers(tx *gorm.DB) ([][2]string, error) {
	var found [][2]string
	err := rawQuery(tx, s.dialect.existing, nil, func(row scanner) error {
		trigger, own, err := scanTrigger(row)
		if own {
			found = append(found, trigger)
		}
		return err
	})
	slices.SortFunc(found, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return found, err
}

// scanTrigger reads a trigger's name and its table from what dialect.existing finds, and reports whether it is ours.
func scanTrigger(row scanner) (trigger [2]string, own bool, err error) {
	var body string
	err = row.Scan(&trigger[0], &trigger[1], &body)
	return trigger, ownTrigger.MatchString(trigger[0]) && strings.Contains(body, "tandem_marks"), err
}
