package store

import (
	"context"

	"github.com/tandem-sync/tandem"
)

// OpenConflicts returns what is recorded of a link's conflicts beside the rows: enough to see whether one is still the
// same, and what people decided.
func (s *Store) OpenConflicts(ctx context.Context, link string) (map[tandem.Key]tandem.OpenConflict, error) {
	type recorded struct {
		key tandem.Key
		tandem.OpenConflict
	}
	rows, err := query(s.db.WithContext(ctx), func(row scanner) (r recorded, err error) {
		var key string
		var resolution *string
		if err := row.Scan(&key, &r.Digest, &resolution); err != nil {
			return r, err
		}
		r.key = tandem.Key(key)
		r.Resolution, err = fromJSON[tandem.Resolution](resolution)
		return r, err
	}, `SELECT row_key, digest, resolution FROM tandem_conflicts
		WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)`, link)
	if err != nil {
		return nil, wrap(err, "read conflicts of link %s", link)
	}
	open := make(map[tandem.Key]tandem.OpenConflict, len(rows))
	for _, r := range rows {
		open[r.key] = r.OpenConflict
	}
	return open, nil
}
