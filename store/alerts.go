package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

const (
	// stallAfter is how long an error has to stand before people are told that a link stalled.
	stallAfter = 5 * time.Minute
	// keepAlerts is how long an alert is tried; later it is no news.
	keepAlerts = 24 * time.Hour
)

// addAlert writes an alert of a link within the transaction of what it tells, when there is anyone to be told. It reports
// whether there is.
func (s *Store) addAlert(tx *gorm.DB, link *tandem.Link, event, reason, message string) (bool, error) {
	if link.AlertURL == "" && s.alertURL == "" {
		return false, nil
	}
	now := moment{s.moment()}
	err := tx.Exec(`INSERT INTO tandem_alerts (link_id, url, event, reason, message, created_at, next_at, attempts)
		VALUES (?,?,?,?,?,?,?,0)`, link.ID, link.AlertURL, event, reason, message, now, now).Error
	if err != nil {
		return false, fmt.Errorf("add alert: %w", err)
	}
	return true, nil
}

// alert tells that a link is in trouble, and remembers it, so that people are told when it is over.
func (s *Store) alert(tx *gorm.DB, link *tandem.Link, event, reason, message string) error {
	told, err := s.addAlert(tx, link, event, reason, message)
	if err != nil {
		return err
	}
	if !told {
		event = ""
	}
	return setAlerted(tx, link, event)
}

// recovered tells that the trouble event is over, when people were told of it.
func (s *Store) recovered(tx *gorm.DB, link *tandem.Link, event, message string) error {
	known, err := readTrouble(tx, link)
	if err != nil || known.alerted != event {
		return err
	}
	if _, err := s.addAlert(tx, link, tandem.AlertRecovered, "", message); err != nil {
		return err
	}
	return setAlerted(tx, link, "")
}

func setAlerted(tx *gorm.DB, link *tandem.Link, event string) error {
	return tx.Exec("UPDATE tandem_links SET alerted = ? WHERE number = ?", event, link.Number).Error
}

// trouble is since when an error of a link stands, and the event that people were told of and that is not over.
type trouble struct {
	since   moment
	alerted string
}

func readTrouble(tx *gorm.DB, link *tandem.Link) (trouble, error) {
	known, _, err := queryOne(tx, func(row scanner) (t trouble, err error) {
		return t, row.Scan(&t.since, &t.alerted)
	}, "SELECT error_since, alerted FROM tandem_links WHERE number = ?", link.Number)
	return known, err
}

// SetLastError stores why a link's last cycle failed; "" when it did not. An error that stands for five minutes is told
// once, and once more when it is over.
func (s *Store) SetLastError(ctx context.Context, id, message string) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		link, err := findLink(tx, id, s.dialect.forUpdate)
		if errors.Is(err, tandem.ErrNotFound) {
			return nil // it was deleted meanwhile
		}
		if err != nil {
			return err
		}
		if message == "" {
			err := tx.Exec("UPDATE tandem_links SET last_error = '', error_since = NULL WHERE number = ?", link.Number).Error
			if err != nil {
				return err
			}
			return s.recovered(tx, &link, tandem.AlertStalled, fmt.Sprintf("link %q works again", link.ID))
		}
		return s.failed(tx, &link, message)
	})
	return wrap(err, "set last error of link %s", id)
}

// failed stores an error of a link that is locked.
func (s *Store) failed(tx *gorm.DB, link *tandem.Link, message string) error {
	known, err := readTrouble(tx, link)
	if err != nil {
		return err
	}
	if known.since.IsZero() {
		known.since = moment{s.moment()}
	}
	err = tx.Exec("UPDATE tandem_links SET last_error = ?, error_since = ? WHERE number = ?", message, known.since, link.Number).Error
	if err != nil {
		return err
	}
	works := link.State == tandem.StateActive || link.State == tandem.StateInitialSync
	if !works || known.alerted != "" || s.moment().Sub(known.since.Time) < stallAfter {
		return nil
	}
	return s.alert(tx, link, tandem.AlertStalled, "",
		fmt.Sprintf("link %q has not worked since %s: %s", link.ID, known.since.Format(time.RFC3339), message))
}

func scanAlert(row scanner) (alert tandem.Alert, err error) {
	var url, message *string
	var at moment
	err = row.Scan(&alert.ID, &alert.Link, &url, &alert.Event, &alert.Reason, &message, &at, &alert.Attempts)
	if url != nil {
		alert.URL = *url
	}
	if message != nil {
		alert.Message = *message
	}
	alert.At = at.Time
	return alert, err
}

// Alerts returns up to limit alerts that are due, the oldest first. Of those of one link to one address only the oldest is
// ever among them: a later one waits until that arrived or is too old, so that what people read last is how it stands.
func (s *Store) Alerts(ctx context.Context, now time.Time, limit int) ([]tandem.Alert, error) {
	fresh := moment{now.Add(-keepAlerts)}
	alerts, err := query(s.db.WithContext(ctx), scanAlert, `SELECT id, link_id, url, event, reason, message, created_at, attempts
		FROM tandem_alerts a WHERE next_at <= ? AND created_at > ? AND NOT EXISTS (SELECT 1 FROM tandem_alerts earlier
			WHERE earlier.link_id = a.link_id AND earlier.id < a.id AND earlier.url = a.url AND earlier.created_at > ?)
		ORDER BY id LIMIT ?`, moment{now}, fresh, fresh, limit)
	return alerts, wrap(err, "read alerts")
}

// AlertDone forgets an alert that arrived.
func (s *Store) AlertDone(ctx context.Context, id int64) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM tandem_alerts WHERE id = ?", id).Error
	})
	return wrap(err, "forget alert %d", id)
}

// AlertFailed has an alert that did not arrive wait until next.
func (s *Store) AlertFailed(ctx context.Context, id int64, next time.Time) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE tandem_alerts SET attempts = attempts + 1, next_at = ? WHERE id = ?", moment{next}, id).Error
	})
	return wrap(err, "put off alert %d", id)
}
