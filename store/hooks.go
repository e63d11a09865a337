package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// keepSignatures is how long the signature of a hint is remembered. It must outlast the time for which a hint is taken,
// which is five minutes before and after its timestamp: a signature that is forgotten earlier could be used twice.
const keepSignatures = 30 * time.Minute

// maxWaitingHints is how many hints may wait for one link. More of them are the whole tab, which one mark says.
const maxWaitingHints = 200

// lastMarks is how many of a link's marks are looked through for hints that wait.
const lastMarks = 1000

// HookSecret returns the secret that signs a link's hints. It is made when it is first asked for.
func (s *Store) HookSecret(ctx context.Context, link string) (string, error) {
	secret, err := s.KnownHookSecret(ctx, link)
	if err != nil || secret != "" {
		return secret, err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if _, err := findLink(tx, link, s.dialect.forUpdate); err != nil {
			return err
		}
		// Whoever asked at the same time may have been first.
		if secret, err = hookSecret(tx, link); err != nil || secret != "" {
			return err
		}
		secret = newSecret()
		return tx.Exec("UPDATE tandem_links SET hook_secret = ? WHERE id = ?", secret, link).Error
	})
	return secret, wrap(err, "make the hook secret of link %s", link)
}

// KnownHookSecret returns the secret that signs a link's hints, "" when nobody has asked for one yet.
func (s *Store) KnownHookSecret(ctx context.Context, link string) (string, error) {
	tx := s.db.WithContext(ctx)
	if _, err := findLink(tx, link, ""); err != nil {
		return "", wrap(err, "read the hook secret of link %s", link)
	}
	secret, err := hookSecret(tx, link)
	return secret, wrap(err, "read the hook secret of link %s", link)
}

func hookSecret(tx *gorm.DB, link string) (string, error) {
	secret, _, err := queryOne(tx, scanText, "SELECT hook_secret FROM tandem_links WHERE id = ?", link)
	return secret, err
}

// RotateHookSecret gives a link a new secret: what is signed with the old one is refused from now on.
func (s *Store) RotateHookSecret(ctx context.Context, link string) (string, error) {
	secret := newSecret()
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if _, err := findLink(tx, link, s.dialect.forUpdate); err != nil {
			return err
		}
		return tx.Exec("UPDATE tandem_links SET hook_secret = ? WHERE id = ?", secret, link).Error
	})
	return secret, wrap(err, "rotate the hook secret of link %s", link)
}

func newSecret() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// AddHint takes in a hint of a link's script: it remembers the signature, adds the mark, and records that the script
// delivered, all at once. It is not fresh when the signature was seen before, in whichever process: then nothing happens.
//
// Mark.At is the time of the edit, zero when the hint did not give it: the time of a receipt must not pass for it. A link at
// which nothing flows gets a single mark, of the whole tab, however long that lasts.
func (s *Store) AddHint(ctx context.Context, link, signature string, mark tandem.Mark) (fresh bool, err error) {
	now := s.moment()
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		found, err := findLink(tx, link, "")
		if err != nil {
			return err
		}
		seen, err := hintSeen(tx, found.Number, signature)
		if fresh = !seen; err != nil || seen {
			return err
		}
		err = tx.Exec("INSERT INTO tandem_signatures (link_number, signature, seen_at) VALUES (?,?,?)", found.Number, signature, moment{now}).Error
		if err != nil {
			return err
		}
		if err := s.markHint(tx, &found, mark); err != nil {
			return err
		}
		hint := tandem.Hint{Path: tandem.HintAppsScript, At: now}
		if !mark.At.IsZero() {
			hint.Delay = now.Sub(mark.At)
		}
		return setHint(tx, link, hint)
	})
	if err != nil {
		// Another process may have taken the same hint at the same moment.
		if found, lost := findLink(s.db.WithContext(ctx), link, ""); lost == nil {
			if seen, lost := hintSeen(s.db.WithContext(ctx), found.Number, signature); lost == nil && seen {
				return false, nil
			}
		}
		return false, wrap(err, "take a hint of link %s", link)
	}
	if fresh {
		s.onHint(link, tandem.HintAppsScript)
		s.wake(link)
	}
	return fresh, nil
}

func hintSeen(tx *gorm.DB, link int64, signature string) (bool, error) {
	_, seen, err := queryOne(tx, scanText, "SELECT signature FROM tandem_signatures WHERE link_number = ? AND signature = ?", link, signature)
	return seen, err
}

// markHint adds the mark of a hint, such that those that nobody looks at do not pile up. Only the last marks are looked
// through, however many wait: hints then grow no faster than what they hide among.
func (s *Store) markHint(tx *gorm.DB, link *tandem.Link, mark tandem.Mark) error {
	waiting, err := query(tx, func(row scanner) (w waitingHint, err error) { return w, row.Scan(&w.id, &w.whole) },
		`SELECT id, CASE WHEN places IS NULL THEN 1 ELSE 0 END FROM
			(SELECT id, source, cause, row_key, raw_key, places FROM tandem_marks WHERE link_number = ? ORDER BY id DESC LIMIT ?) m
			WHERE source = ? AND cause = ? AND row_key = '' AND raw_key = 0`,
		link.Number, lastMarks, string(tandem.Sheet), string(tandem.CauseSheet))
	if err != nil {
		return err
	}
	idle := link.State != tandem.StateActive
	if idle && slices.ContainsFunc(waiting, func(w waitingHint) bool { return w.whole }) {
		return nil
	}
	if idle || len(waiting) >= maxWaitingHints {
		ids := make([]int64, len(waiting))
		for i, hint := range waiting {
			ids[i] = hint.id
		}
		// A cycle under way that has read these marks deletes them, which it may find done; the new one stays for the next.
		err := inBatches(ids, func(batch []int64) error { return tx.Exec("DELETE FROM tandem_marks WHERE id IN (?)", batch).Error })
		if err != nil {
			return err
		}
		mark.Rows = nil
	}
	var places *string
	if len(mark.Rows) > 0 {
		if places, err = toJSON(&mark.Rows); err != nil {
			return err
		}
	}
	return tx.Exec(`INSERT INTO tandem_marks (link_number, source, row_key, raw_key, marked_at, cause, actor, places) VALUES (?,?,'',0,?,?,?,?)`,
		link.Number, string(tandem.Sheet), moment{mark.At}, string(tandem.CauseSheet), clip(mark.Actor), places).Error
}

// waitingHint is a mark of a hint that no cycle has looked at yet.
type waitingHint struct {
	id    int64
	whole bool
}

// SetHint records by which way a change of the tab last became known, and how fast. It is not part of what a cycle commits,
// and an older hint does not replace a newer one.
func (s *Store) SetHint(ctx context.Context, link string, hint tandem.Hint) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error { return setHint(tx, link, hint) })
	if err == nil {
		s.onHint(link, hint.Path)
	}
	return wrap(err, "record a hint of link %s", link)
}

func setHint(tx *gorm.DB, link string, hint tandem.Hint) error {
	return tx.Exec(`UPDATE tandem_links SET last_hint_path = ?, last_hint_at = ?, last_hint_delay = ?
		WHERE id = ? AND (last_hint_at IS NULL OR last_hint_at <= ?)`,
		string(hint.Path), moment{hint.At}, max(hint.Delay, 0).Microseconds(), link, moment{hint.At}).Error
}
