package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// KnownRow is a row with what is known of it beside its values; State is nil where only RowStates can tell.
type KnownRow struct {
	tandem.Row
	State *tandem.RowState
}

// knownStatement reads rows, their baselines and whether anything else is known of them in one statement. That takes a key
// whose text in SQL is the text of a tandem.Key: a whole number or a text.
//
// Every row brings along, after its fields, its baseline. Unless the link is known to be quiet, two columns more follow:
// whether the link's settings are still those that are remembered (NULL: the link is gone), and whether RowStates has to be
// asked.
type knownStatement struct {
	joined bool   // rows and their baselines can be read as one
	fields string // the SELECT of the table's own fields
	agrees string // the baseline, after them
	from   string
	check  string // of settings; its argument are the remembered ones
	any    string // whether the link has any mark, row error or conflict
	wrong  string // whether it has any row error or conflict
	some   string // whether the row of a key has one; its arguments are the key, its place among errors, and twice the key
	agreed *agreedColumns
}

// ownColumns are those of tandem_baselines: beside it, a key column called the same would mean either.
var ownColumns = []string{"link_number", "row_key", "data"}

func (t *Table) knownStatement() *knownStatement {
	d, n := t.store.dialect, t.link.Number
	k := &knownStatement{
		check: fmt.Sprintf(", (SELECT config = ? FROM tandem_links WHERE number = %d)", n),
		some: fmt.Sprintf(`, (EXISTS (SELECT 1 FROM tandem_marks WHERE link_number = %[1]d AND row_key = ?)
			OR EXISTS (SELECT 1 FROM tandem_row_errors WHERE link_number = %[1]d AND place = ?)
			OR EXISTS (SELECT 1 FROM tandem_row_errors WHERE link_number = %[1]d AND place >= '#' AND place < '$' AND row_key = ?)
			OR EXISTS (SELECT 1 FROM tandem_conflicts WHERE link_number = %[1]d AND row_key = ?))`, n),
		wrong: fmt.Sprintf(`(EXISTS (SELECT 1 FROM tandem_row_errors WHERE link_number = %[1]d)
			OR EXISTS (SELECT 1 FROM tandem_conflicts WHERE link_number = %[1]d))`, n),
		agreed: newAgreedColumns(columnNames(t.link)),
	}
	k.any = fmt.Sprintf(", (EXISTS (SELECT 1 FROM tandem_marks WHERE link_number = %d) OR %s)", n, k.wrong)
	list := make([]string, t.needed)
	for i := range list {
		if list[i] = "NULL"; t.exists(i) {
			list[i] = d.exact(&t.fields[i], t.table()+"."+d.quote(t.fields[i].Name))
		}
	}
	k.fields, k.agrees = "SELECT "+strings.Join(list, ", "), ", tandem_baselines.data"
	if k.joined = t.plainKey(); k.joined {
		c := &t.fields[t.key[0]]
		k.from = fmt.Sprintf(" FROM %s LEFT JOIN tandem_baselines ON tandem_baselines.link_number = %d AND tandem_baselines.row_key = %s",
			t.table(), n, d.keyText(c, t.table()+"."+d.quote(c.Name)))
	}
	return k
}

// plainKey reports whether triggers, and SQL, spell a key of the table as a tandem.Key does.
func (t *Table) plainKey() bool {
	c := &t.fields[t.key[0]]
	native := strings.ToLower(c.Type.Native)
	number := c.Type.Kind == tandem.Int && !strings.Contains(native, "zerofill") && !strings.HasPrefix(native, "bit")
	return len(t.key) == 1 && (number || c.Type.Kind == tandem.String) && !slices.Contains(ownColumns, strings.ToLower(c.Name))
}

// GetKnown returns the row of a key, nil when there is none, in one statement where the table allows it.
func (t *Table) GetKnown(ctx context.Context, key tandem.Key) (*KnownRow, error) {
	row, err := t.getKnown(ctx, key)
	if err == nil && row == nil && t.remembered() {
		return nil, tandem.ErrOutdated
	}
	if err != nil {
		return nil, t.outdated(fmt.Errorf("read a row of table %q: %w", t.info.Name, translate(err)))
	}
	return row, nil
}

func (t *Table) getKnown(ctx context.Context, key tandem.Key) (*KnownRow, error) {
	if !t.remembered() || !t.known.joined {
		tx := t.store.db.WithContext(ctx)
		rows, err := t.get(tx, []tandem.Key{key})
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		return &KnownRow{Row: rows[0]}, t.checkSettings(tx)
	}
	find, err := t.keyArgs(key)
	if err != nil { // a key that the table cannot hold is of no row
		return nil, nil
	}
	where, find := t.among([][]any{find})
	where = " WHERE " + where
	k, quiet := t.known, t.quiet()
	if quiet && t.agreements.hasRow(key) {
		if rows, err := t.readAgreed(ctx, where, find, 1); err != nil || len(rows) == 1 && rows[0].Key == key {
			return first(rows), err
		}
	}
	statement, args := k.fields+k.agrees+k.from+where, find
	if !quiet {
		statement = k.fields + k.agrees + k.check + k.some + k.from + where
		args = append([]any{t.config, string(key), errorPlace(key, 0), string(key), string(key)}, find...)
	}
	rows, err := t.readKnown(ctx, statement, args, quiet, 1)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if rows[0].Key != key { // found in another spelling: what was asked for the key tells nothing of the row
		rows[0].State = nil
	}
	if rows[0].Key == "" {
		return nil, nil
	}
	if quiet {
		t.agreements.learn(rows)
	}
	return &rows[0], nil
}

func first(rows []KnownRow) *KnownRow {
	if len(rows) == 0 {
		return nil
	}
	return &rows[0]
}

// ScanKnown is Scan with what is known of each row.
func (t *Table) ScanKnown(ctx context.Context, after tandem.Key, limit int) ([]KnownRow, error) {
	rows, err := t.scanKnown(ctx, after, limit)
	return rows, t.outdated(err)
}

func (t *Table) scanKnown(ctx context.Context, after tandem.Key, limit int) ([]KnownRow, error) {
	if !t.remembered() || !t.known.joined {
		return t.scanUnknown(ctx, after, limit)
	}
	rest, find, err := t.pageAfter(after, limit)
	if err != nil {
		return nil, err
	}
	k, quiet, page := t.known, t.quiet(), rowPage{after, limit}
	if quiet && t.agreements.hasPage(page) {
		rows, err := t.readAgreed(ctx, rest, find, limit)
		if err != nil {
			return nil, fmt.Errorf("scan table %q: %w", t.info.Name, translate(err))
		}
		if len(rows) > 0 {
			return rows, nil
		}
	}
	statement, args := k.fields+k.agrees+k.from+rest, find
	if !quiet {
		statement, args = k.fields+k.agrees+k.check+k.any+k.from+rest, append([]any{t.config}, find...)
	}
	rows, err := t.readKnown(ctx, statement, args, quiet, limit)
	if err != nil {
		return nil, fmt.Errorf("scan table %q: %w", t.info.Name, translate(err))
	}
	if slices.ContainsFunc(rows, func(r KnownRow) bool { return r.Key == "" }) {
		return t.scanUnknown(ctx, after, limit) // some are left out: Scan fills the page
	}
	if len(rows) == 0 {
		return rows, t.checkSettings(t.store.db.WithContext(ctx))
	}
	if quiet {
		t.agreements.learnPage(page, rows)
	}
	return rows, nil
}

// pageAfter ends a statement that reads up to limit rows after a key.
func (t *Table) pageAfter(after tandem.Key, limit int) (rest string, args []any, err error) {
	if after != "" {
		from, err := t.keyArgs(after)
		if err != nil {
			return "", nil, tandem.Errorf(tandem.CodeInvalid, "KEY", "the key to go on after: %v", err)
		}
		rest, args = t.beyond(from)
		rest = " WHERE " + rest
	} else if t.store.dialect.scheme == "sqlite" {
		rest = " WHERE " + t.orderBy(t.key[0]) + " IS NOT NULL"
	}
	return rest + " ORDER BY " + t.orderBy(t.key[0]) + " LIMIT ?", append(args, limit), nil
}

func (t *Table) scanUnknown(ctx context.Context, after tandem.Key, limit int) ([]KnownRow, error) {
	rows, err := t.Scan(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	known := make([]KnownRow, len(rows))
	for i := range rows {
		known[i].Row = rows[i]
	}
	return known, t.checkSettings(t.store.db.WithContext(ctx))
}

// checkSettings fails when a remembered table's link has other settings by now.
func (t *Table) checkSettings(tx *gorm.DB) error {
	if !t.remembered() {
		return nil
	}
	now, _, err := queryOne(tx, scanText, "SELECT config FROM tandem_links WHERE number = ?", t.link.Number)
	if err == nil && now != t.config {
		return tandem.ErrOutdated
	}
	return err
}

// readKnown runs a knownStatement that finds so many rows at most.
func (t *Table) readKnown(ctx context.Context, statement string, args []any, quiet bool, limit int) ([]KnownRow, error) {
	rows, states := make([]KnownRow, 0, limit), make([]tandem.RowState, 0, limit)
	extra := 3
	if quiet {
		extra = 1
	}
	reader := t.newReader(extra, limit)
	err := keptQuery(ctx, t.store.db.Statement.ConnPool, statement, args, func(row scanner) error {
		if err := reader.scan(row); err != nil {
			return err
		}
		if !quiet && string(reader.after(1)) != "1" {
			return tandem.ErrOutdated
		}
		known := KnownRow{Row: reader.row()}
		if quiet || string(reader.after(2)) == "0" {
			var state tandem.RowState
			if data := reader.after(0); data != nil {
				text, err := string(data), error(nil)
				if state.Baseline, err = t.known.agreed.quick(&text); err != nil {
					return err
				}
			}
			states = append(states, state)
			known.State = &states[len(states)-1]
		}
		rows = append(rows, known)
		return nil
	})
	return rows, err
}
