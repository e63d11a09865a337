package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/tandem-sync/tandem"
)

// ownLogged are the tables of ours whose rows the reader looks at in the log, and the columns that it needs.
var ownLogged = map[string][]string{
	"tandem_links":     {"number", "id", "state", "config"},
	"tandem_marks":     {"link_number", "source", "row_key", "raw_key"},
	"tandem_baselines": {"link_number", "row_key"},
	"tandem_positions": {"name", "position"},
}

// loggedTables are the tables whose rows in the log mean something, as the catalog has them at one moment.
type loggedTables struct {
	store    *Store
	database string
	folds    bool // names of tables are compared without regard to case
	byName   map[string]*loggedTable
	ids      map[int64]string // links that are captured
}

// loggedTable is a table that has links, or from which foreign keys reach tables that have, or one of our own.
type loggedTable struct {
	name  string
	own   bool
	links []tandem.Link
	// onDelete and onUpdate are links whose rows a foreign key changes by itself, which the log does not show: they are
	// looked at whole when a row goes, or changes in one of the referenced columns.
	onDelete, onUpdate []int64
	referenced         []string
	layouts            map[uint64]*layout // by the number that the log gives to the table in its present form
	columns            []string           // of our own tables
}

// layout says where in the row events of a table the columns stand that matter.
type layout struct {
	key        []keyColumn
	links      [][]int // for each link of the table, its columns
	referenced []int
	own        []int // of ownLogged
}

type keyColumn struct {
	tandem.Column
	charset string // of texts
	at      int
}

// captured reports whether a link's rows are marked: all but those of links that never began to sync.
func captured(link *tandem.Link) bool { return link.State != tandem.StateNew }

// loadTables reads the catalog.
func (s *Store) loadTables(ctx context.Context) (*loggedTables, error) {
	tx := s.db.WithContext(ctx)
	l := &loggedTables{store: s, byName: map[string]*loggedTable{}, ids: map[int64]string{}}
	var err error
	if l.database, err = s.ask(ctx, "SELECT DATABASE()"); err != nil {
		return nil, err
	}
	folding, err := s.ask(ctx, "SELECT @@lower_case_table_names")
	if err != nil {
		return nil, err
	}
	l.folds = folding != "0"
	byTable, err := linkedTables(tx)
	if err != nil {
		return nil, err
	}
	keys, err := s.foreignKeys(tx)
	if err != nil {
		return nil, err
	}
	for name, links := range byTable {
		for i := range links {
			if captured(&links[i]) {
				l.table(name).links = append(l.table(name).links, links[i])
				l.ids[links[i].Number] = links[i].ID
			}
		}
	}
	for i := range keys {
		l.addCascades(keys, &keys[i], byTable)
	}
	return l, l.addOwn(ctx)
}

func (l *loggedTables) fold(name string) string {
	if l.folds {
		return strings.ToLower(name)
	}
	return name
}

func (l *loggedTables) table(name string) *loggedTable {
	t := l.byName[l.fold(name)]
	if t == nil {
		t = &loggedTable{name: name, layouts: map[uint64]*layout{}}
		l.byName[l.fold(name)] = t
	}
	return t
}

// addCascades notes which links a foreign key reaches when a row of its parent goes, or changes in what it refers to.
func (l *loggedTables) addCascades(keys []foreignKey, f *foreignKey, byTable map[string][]tandem.Link) {
	links := func(e effect) (numbers []int64) {
		for table := range beneath(keys, f.parent, e) {
			for i := range byTable[table] {
				if captured(&byTable[table][i]) {
					numbers = append(numbers, byTable[table][i].Number)
				}
			}
		}
		return numbers
	}
	add := func(to, more []int64) []int64 {
		all := append(to, more...)
		slices.Sort(all)
		return slices.Compact(all)
	}
	if deleted := links(effect{deletes: true}); len(deleted) > 0 {
		l.table(f.parent).onDelete = add(l.table(f.parent).onDelete, deleted)
	}
	if updated := links(effect{columns: f.references}); len(updated) > 0 {
		t := l.table(f.parent)
		t.onUpdate = add(t.onUpdate, updated)
		t.referenced = append(t.referenced, f.references...)
	}
}

// addOwn adds our own tables.
func (l *loggedTables) addOwn(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(ownLogged))
	_, err := query(l.store.db.WithContext(ctx), func(row scanner) (struct{}, error) {
		var table, column string
		err := row.Scan(&table, &column)
		t := l.table(table)
		t.own, t.columns = true, append(t.columns, column)
		return struct{}{}, err
	}, "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (?) ORDER BY TABLE_NAME, ORDINAL_POSITION", names)
	return err
}

// find returns the table of an event; nil for one that means nothing.
func (l *loggedTables) find(e *replication.TableMapEvent) *loggedTable {
	if l.fold(string(e.Schema)) != l.fold(l.database) {
		return nil
	}
	return l.byName[l.fold(string(e.Table))]
}

// layoutOf returns where the columns of a table stand. The number of a table in the log changes with its form, so the
// catalog is asked at least once for each form. It may show a later form than the event's; then the log has the statement
// that made it, further on, which marks the whole table.
func (l *loggedTables) layoutOf(ctx context.Context, t *loggedTable, e *replication.TableMapEvent) (*layout, error) {
	if known, ok := t.layouts[e.TableID]; ok {
		return known, nil
	}
	made, err := l.makeLayout(ctx, t, e)
	if err != nil {
		return nil, err
	}
	if len(t.layouts) > 10 {
		clear(t.layouts) // numbers of forms that are gone
	}
	t.layouts[e.TableID] = made
	return made, nil
}

func (l *loggedTables) makeLayout(ctx context.Context, t *loggedTable, e *replication.TableMapEvent) (*layout, error) {
	made := &layout{}
	if t.own {
		at, err := columnPlaces(e, t.columns, nil)
		if err != nil {
			return nil, err
		}
		for _, name := range ownLogged[t.name] {
			place, ok := at[name]
			if !ok {
				return nil, fmt.Errorf("the table %s has no column %s", t.name, name)
			}
			made.own = append(made.own, place)
		}
		return made, nil
	}
	found, err := l.store.findTable(l.store.db.WithContext(ctx), t.name)
	if err != nil {
		return nil, err
	}
	var names, stored []string
	for i := range found.Columns {
		names = append(names, found.Columns[i].Name)
		if !found.Columns[i].Generated {
			stored = append(stored, found.Columns[i].Name)
		}
	}
	at, err := columnPlaces(e, names, stored)
	if err != nil {
		return nil, err
	}
	for _, name := range found.Key {
		charset, _, _ := strings.Cut(found.collations[name], "_")
		made.key = append(made.key, keyColumn{Column: *found.Column(name), charset: charset, at: at[name]})
	}
	for i := range t.links {
		columns := []int{}
		for _, column := range t.links[i].Columns {
			if place, ok := at[column.Column]; ok {
				columns = append(columns, place)
			}
		}
		made.links = append(made.links, columns)
	}
	for _, name := range t.referenced {
		for column, place := range at {
			if strings.EqualFold(column, name) {
				made.referenced = append(made.referenced, place)
			}
		}
	}
	return made, nil
}

// columnPlaces returns where each column stands in an event: by name where the server writes names (binlog_row_metadata = FULL),
// else by order. What a server adds unasked stands at the end; without are the columns that it may leave out.
func columnPlaces(e *replication.TableMapEvent, names, without []string) (map[string]int, error) {
	at := map[string]int{}
	if logged := e.ColumnNameString(); len(logged) > 0 {
		for i, name := range logged {
			at[name] = i
		}
		for _, name := range names {
			if _, ok := at[name]; !ok {
				return nil, fmt.Errorf("the log has no column %q of table %q", name, e.Table)
			}
		}
		return at, nil
	}
	if len(without) == int(e.ColumnCount) {
		names = without
	}
	if len(names) > int(e.ColumnCount) {
		return nil, fmt.Errorf("the log has %d columns of table %q, the catalog %d", e.ColumnCount, e.Table, len(names))
	}
	for i, name := range names {
		at[name] = i
	}
	return at, nil
}
