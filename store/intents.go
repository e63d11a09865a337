package store

import (
	"context"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// OpenIntent stores a batch before it is sent. The lease is checked, so that who was fenced off does not send.
func (s *Store) OpenIntent(ctx context.Context, lease tandem.Lease, intent tandem.Intent) error {
	settlements, err := toJSON(storeSettlements(intent.Settlements))
	if err != nil {
		return err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		link, err := findLink(tx, intent.Link, "")
		if err != nil {
			return err
		}
		names := columnNames(&link)
		columns, err := toJSON(&names)
		if err != nil {
			return err
		}
		created := intent.Created
		if created.IsZero() {
			created = s.moment()
		}
		// Two statements: together the batch and its settlements may be more than one packet holds.
		err = tx.Exec("INSERT INTO tandem_intents (id, link_number, spreadsheet_id, link_columns, batch, created_at) VALUES (?,?,?,?,?,?)",
			intent.ID, link.Number, intent.SpreadsheetID, columns, intent.Batch, moment{created}).Error
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE tandem_intents SET settlements = ? WHERE id = ?", settlements, intent.ID).Error
	})
	return wrap(err, "open intent of link %s", intent.Link)
}

// UpdateIntent replaces the batch of an open intent, before more is sent than it said. It is tandem.ErrFenced when the intent is
// no longer open: somebody else settled it.
func (s *Store) UpdateIntent(ctx context.Context, lease tandem.Lease, id string, batch []byte) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		done := tx.Exec("UPDATE tandem_intents SET batch = ? WHERE id = ?", batch, id)
		if done.Error == nil && done.RowsAffected == 0 {
			return tandem.ErrFenced
		}
		return done.Error
	})
	return wrap(err, "record a repair of intent %s", id)
}

// Intents returns the open intents of a spreadsheet, oldest first. Their settlements stand in the order of the columns that
// the link has now, even when they were edited since.
func (s *Store) Intents(ctx context.Context, spreadsheetID string) ([]tandem.Intent, error) {
	intents, err := query(s.db.WithContext(ctx), scanIntent, `SELECT i.id, l.id, l.config, i.link_columns, i.batch, i.settlements, i.created_at
		FROM tandem_intents i JOIN tandem_links l ON l.number = i.link_number WHERE i.spreadsheet_id = ? ORDER BY i.created_at, i.id`, spreadsheetID)
	if err != nil {
		return nil, wrap(err, "read intents of spreadsheet %s", spreadsheetID)
	}
	for i := range intents {
		intents[i].SpreadsheetID = spreadsheetID
	}
	return intents, nil
}

func scanIntent(row scanner) (intent tandem.Intent, err error) {
	var (
		config, columns, settlements *string
		created                      moment
	)
	if err = row.Scan(&intent.ID, &intent.Link, &config, &columns, &intent.Batch, &settlements, &created); err != nil {
		return intent, err
	}
	intent.Created = created.Time
	now, err := fromJSON[linkConfig](config)
	if err != nil {
		return intent, err
	}
	names, err := fromJSON[[]string](columns)
	if err != nil {
		return intent, err
	}
	stored, err := fromJSON[[]storedSettlement](settlements)
	if err != nil {
		return intent, err
	}
	link := now.link()
	to := columnNames(&link)
	for _, settlement := range *stored {
		intent.Settlements = append(intent.Settlements, settlement.settlement(*names, to))
	}
	return intent, nil
}

// CloseIntent forgets a batch that is known to have had no effect; one that had is closed by the Commit of its
// settlements.
func (s *Store) CloseIntent(ctx context.Context, lease tandem.Lease, id string) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM tandem_intents WHERE id = ?", id).Error
	})
	return wrap(err, "close intent %s", id)
}
