package store

import (
	"context"
	"fmt"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// typedRow is one row of tandem_typed. Values are stored by column name, so that they outlive changes of a link's columns.
type typedRow struct {
	key      tandem.Key
	data     baseline
	position int
	at       moment
}

const selectTyped = "SELECT row_key, data, position, made_at FROM tandem_typed"

func scanTyped(row scanner) (typed typedRow, err error) {
	var key string
	var data *string
	if err = row.Scan(&key, &data, &typed.position, &typed.at); err != nil {
		return typed, err
	}
	stored, err := fromJSON[baseline](data)
	if err != nil {
		return typed, fmt.Errorf("typed row %q: %w", key, err)
	}
	if stored != nil {
		typed.data = *stored
	}
	typed.key = tandem.Key(key)
	return typed, nil
}

// readTyped returns the typed rows among keys.
func readTyped(tx *gorm.DB, link int64, keys []tandem.Key) (map[tandem.Key]typedRow, error) {
	found := map[tandem.Key]typedRow{}
	err := inBatches(keys, func(batch []tandem.Key) error {
		rows, err := query(tx, scanTyped, selectTyped+" WHERE link_number = ? AND row_key IN (?)", link, texts(batch))
		for _, row := range rows {
			found[row.key] = row
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read typed rows: %w", err)
	}
	return found, nil
}

// TypedRows returns the rows of a link whose key does not stand in the sheet yet, oldest first. A column that was linked
// since is absent.
func (s *Store) TypedRows(ctx context.Context, link *tandem.Link) ([]tandem.Typed, error) {
	rows, err := query(s.db.WithContext(ctx), scanTyped, selectTyped+" WHERE link_number = ? ORDER BY made_at, position, row_key", link.Number)
	if err != nil {
		return nil, wrap(err, "read typed rows of link %s", link.ID)
	}
	columns := columnNames(link)
	typed := make([]tandem.Typed, len(rows))
	for i, row := range rows {
		typed[i] = tandem.Typed{Key: row.key, Values: row.data.values(columns), Position: row.position, At: row.at.Time}
	}
	return typed, nil
}
