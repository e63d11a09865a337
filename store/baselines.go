package store

import (
	"context"
	"fmt"

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

// keyed is one row of tandem_baselines.
type keyed struct {
	key  tandem.Key
	data baseline
}

func scanBaseline(row scanner) (k keyed, err error) {
	var key string
	var data *string
	if err = row.Scan(&key, &data); err != nil {
		return k, err
	}
	stored, err := fromJSON[baseline](data)
	if err != nil {
		return k, fmt.Errorf("baseline of row %q: %w", key, err)
	}
	if stored == nil {
		stored = &baseline{}
	}
	return keyed{key: tandem.Key(key), data: *stored}, nil
}

// readBaselines returns the stored baselines of keys.
func readBaselines(tx *gorm.DB, link int64, keys []tandem.Key) (map[tandem.Key]baseline, error) {
	found := make(map[tandem.Key]baseline, len(keys))
	err := inBatches(keys, func(batch []tandem.Key) error {
		rows, err := query(tx, scanBaseline, "SELECT row_key, data FROM tandem_baselines WHERE link_number = ? AND row_key IN (?)",
			link, texts(batch))
		for _, row := range rows {
			found[row.key] = row.data
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read baselines: %w", err)
	}
	return found, nil
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
	stored, err := readBaselines(s.db.WithContext(ctx), link.Number, keys)
	if err != nil {
		return nil, wrap(err, "link %s", link.ID)
	}
	columns := columnNames(link)
	values := make(map[tandem.Key][]tandem.Value, len(stored))
	for key, data := range stored {
		values[key] = data.values(columns)
	}
	return values, nil
}

// ScanBaselines returns up to limit baselines after a key, in the byte order of keys.
func (s *Store) ScanBaselines(ctx context.Context, link *tandem.Link, after tandem.Key, limit int) ([]tandem.BaselineRow, error) {
	stored, err := query(s.db.WithContext(ctx), scanBaseline,
		"SELECT row_key, data FROM tandem_baselines WHERE link_number = ? AND row_key > ? ORDER BY row_key LIMIT ?",
		link.Number, string(after), limit)
	if err != nil {
		return nil, wrap(err, "scan baselines of link %s", link.ID)
	}
	columns := columnNames(link)
	rows := make([]tandem.BaselineRow, len(stored))
	for i, row := range stored {
		rows[i] = tandem.BaselineRow{Key: row.key, Values: row.data.values(columns)}
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
		return tx.Exec("DELETE FROM tandem_baselines WHERE link_number = ?", number).Error
	})
	return wrap(err, "discard baselines of link %s", link)
}
