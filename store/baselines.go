package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// baseline is what both sides last agreed on for one row, by column name, so that it outlives changes of a link's columns.
type baseline map[string]tandem.Value

// values returns the baseline in the order of columns; a column that it does not know is absent.
func (b baseline) values(columns []string) []tandem.Value {
	values := make([]tandem.Value, len(columns))
	for i, name := range columns {
		values[i] = b[name]
	}
	return values
}

// agreedColumns write and read stored baselines of a link's columns without a map for each row.
type agreedColumns struct {
	columns []string
	names   []string // each column's name as it stands in JSON, with the colon
}

func newAgreedColumns(columns []string) *agreedColumns {
	a := &agreedColumns{columns: columns, names: make([]string, len(columns))}
	for i, column := range columns {
		a.names[i] = string(appendText(nil, column)) + ":"
	}
	return a
}

// encode writes values, which stand in the order of the columns, as a baseline is stored. Absent ones are left out.
func (a *agreedColumns) encode(values []tandem.Value) string {
	data := make([]byte, 0, 32*len(values))
	data = append(data, '{')
	for i, value := range values[:min(len(values), len(a.names))] {
		if value.IsAbsent() {
			continue
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = appendValue(append(data, a.names[i]...), value)
	}
	return string(append(data, '}'))
}

// decode reads a stored baseline. What is not as encode writes it (another order, escapes) takes longer.
func (a *agreedColumns) decode(data string) ([]tandem.Value, error) {
	values := make([]tandem.Value, len(a.columns))
	if a.decodePlain(data, values) {
		return values, nil
	}
	stored, err := fromJSON[baseline](&data)
	if err != nil {
		return nil, err
	}
	return stored.values(a.columns), nil
}

// decodePlain reads what holds nothing but nulls and texts without escapes; it returns false when that is not all. The
// values share the memory of data.
func (a *agreedColumns) decodePlain(data string, values []tandem.Value) bool {
	rest, ok := strings.CutPrefix(data, "{")
	if !ok || !utf8.ValidString(data) || strings.ContainsFunc(data, func(r rune) bool { return r < ' ' || r == '\\' }) {
		return false
	}
	for next := 0; rest != "}"; {
		at := a.place(rest, next)
		if at >= 0 {
			rest, next = rest[len(a.names[at]):], at+1
		} else if end := strings.Index(rest, `":`); end > 0 && rest[0] == '"' && strings.IndexByte(rest[1:end], '"') < 0 {
			rest = rest[end+2:] // a column that is not the link's any more
		} else {
			return false
		}
		var value tandem.Value
		if after, null := strings.CutPrefix(rest, "null"); null {
			value, rest = tandem.Null, after
		} else if end := strings.IndexByte(rest[min(1, len(rest)):], '"'); end >= 0 && rest[0] == '"' {
			value, rest = tandem.Text(rest[1:1+end]), rest[2+end:]
		} else {
			return false
		}
		if at >= 0 {
			values[at] = value
		}
		if after, more := strings.CutPrefix(rest, ","); more && after != "}" {
			rest = after
		} else if rest != "}" {
			return false
		}
	}
	return true
}

// place returns which column rest begins with; next is where it is looked for first.
func (a *agreedColumns) place(rest string, next int) int {
	for i := range a.names {
		at := (next + i) % len(a.names)
		if strings.HasPrefix(rest, a.names[at]) {
			return at
		}
	}
	return -1
}

// appendValue appends a value as its MarshalJSON writes it.
func appendValue(data []byte, value tandem.Value) []byte {
	switch _, lost := value.Agreed(); {
	case value.IsNull():
		return append(data, "null"...)
	case !value.IsAbsent() && !value.IsInvalid() && lost == "":
		return appendText(data, value.Text())
	}
	text, _ := value.MarshalJSON() // never fails
	return append(data, text...)
}

// appendText appends a text as JSON.
func appendText(data []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(text) // never fails
			return append(data, quoted...)
		}
	}
	data = append(data, '"')
	data = append(data, text...)
	return append(data, '"')
}

// readBaselines returns the stored baselines of keys, by column.
func readBaselines(tx *gorm.DB, link int64, keys []tandem.Key) (map[tandem.Key]baseline, error) {
	found := make(map[tandem.Key]baseline, len(keys))
	err := eachBaseline(tx, link, keys, func(key tandem.Key, data string) error {
		stored, err := fromJSON[baseline](&data)
		if err == nil {
			found[key] = *stored
		}
		return err
	})
	return found, err
}

// eachBaseline visits the stored baselines of keys.
func eachBaseline(tx *gorm.DB, link int64, keys []tandem.Key, visit func(key tandem.Key, data string) error) error {
	err := inBatches(keys, func(batch []tandem.Key) error {
		args := make([]any, 1, len(batch)+1)
		args[0] = link
		for _, key := range batch {
			args = append(args, string(key))
		}
		return rawQuery(tx, "SELECT row_key, data FROM tandem_baselines WHERE link_number = ? AND row_key IN ("+questionMarks(len(batch))+")",
			args, visitBaseline(visit))
	})
	if err != nil {
		return fmt.Errorf("read baselines: %w", err)
	}
	return nil
}

// visitBaseline reads one line of row_key and data.
func visitBaseline(visit func(key tandem.Key, data string) error) func(row scanner) error {
	return func(row scanner) error {
		var key string
		var data *string
		if err := row.Scan(&key, &data); err != nil {
			return err
		}
		if data == nil {
			data = new("{}")
		}
		if err := visit(tandem.Key(key), *data); err != nil {
			return fmt.Errorf("baseline of row %q: %w", key, err)
		}
		return nil
	}
}

func texts(keys []tandem.Key) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = string(key)
	}
	return all
}

// Baselines returns what both sides last agreed on for the rows of keys, in the order of the link's columns. Rows that
// they never agreed on are not in the map.
func (s *Store) Baselines(ctx context.Context, link *tandem.Link, keys []tandem.Key) (map[tandem.Key][]tandem.Value, error) {
	values, columns := make(map[tandem.Key][]tandem.Value, len(keys)), newAgreedColumns(columnNames(link))
	err := eachBaseline(s.db.WithContext(ctx), link.Number, keys, func(key tandem.Key, data string) (err error) {
		values[key], err = columns.decode(data)
		return err
	})
	if err != nil {
		return nil, wrap(err, "link %s", link.ID)
	}
	return values, nil
}

// ScanBaselines returns up to limit baselines after a key, in the byte order of keys.
func (s *Store) ScanBaselines(ctx context.Context, link *tandem.Link, after tandem.Key, limit int) ([]tandem.BaselineRow, error) {
	rows, columns := make([]tandem.BaselineRow, 0, min(limit, 5000)), newAgreedColumns(columnNames(link))
	err := rawQuery(s.db.WithContext(ctx),
		"SELECT row_key, data FROM tandem_baselines WHERE link_number = ? AND row_key > ? ORDER BY row_key LIMIT ?",
		[]any{link.Number, string(after), limit}, visitBaseline(func(key tandem.Key, data string) error {
			values, err := columns.decode(data)
			rows = append(rows, tandem.BaselineRow{Key: key, Values: values})
			return err
		}))
	if err != nil {
		return nil, wrap(err, "scan baselines of link %s", link.ID)
	}
	return rows, nil
}

// CountBaselines returns how many rows both sides have agreed on.
func (s *Store) CountBaselines(ctx context.Context, link string) (int64, error) {
	n, _, err := queryOne(s.db.WithContext(ctx), scanNumber,
		"SELECT COUNT(*) FROM tandem_baselines WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)", link)
	return n, wrap(err, "count baselines of link %s", link)
}

// DiscardBaselines forgets what both sides agreed on, so that an initial sync starts over.
func (s *Store) DiscardBaselines(ctx context.Context, lease tandem.Lease, link string) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		number, err := linkNumber(tx, link)
		if err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM tandem_baselines WHERE link_number = ?", number).Error; err != nil {
			return err
		}
		return countAgreed(tx, number)
	})
	return wrap(err, "discard baselines of link %s", link)
}
