package store

import (
	"context"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Notes returns what Tandem shows in the tab of a link.
func (s *Store) Notes(ctx context.Context, link string) ([]tandem.Note, error) {
	text, found, err := queryOne(s.db.WithContext(ctx), scanText,
		"SELECT data FROM tandem_notes WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)", link)
	if err != nil || !found {
		return nil, wrap(err, "read notes of link %s", link)
	}
	notes, err := fromJSON[[]tandem.Note](&text)
	if err != nil {
		return nil, wrap(err, "read notes of link %s", link)
	}
	return *notes, nil
}

// SetNotes stores what Tandem shows, or is about to show, in the tab of a link. It fails with tandem.ErrFenced.
func (s *Store) SetNotes(ctx context.Context, lease tandem.Lease, link string, notes []tandem.Note) error {
	text, err := toJSON(&notes)
	if err != nil {
		return err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		number, err := linkNumber(tx, link)
		if err != nil {
			return err
		}
		if len(notes) == 0 {
			return tx.Exec("DELETE FROM tandem_notes WHERE link_number = ?", number).Error
		}
		return insertRows(tx, "INSERT INTO tandem_notes (link_number, data) VALUES", [][]any{{number, text}},
			s.dialect.upsert([]string{"link_number"}, []string{"data"}))
	})
	return wrap(err, "store notes of link %s", link)
}
