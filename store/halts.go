package store

import (
	"context"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// storedApproval is a person's answer to a halt, as stored.
type storedApproval struct {
	Source  tandem.Source `json:"source"`
	PutBack bool          `json:"putBack"`
	Keys    []tandem.Key  `json:"keys"`
}

// SetHalt stops a link. Keys are all the rows that the halt is about, of which halt.Rows shows the first.
func (s *Store) SetHalt(ctx context.Context, lease tandem.Lease, id string, halt tandem.Halt, keys []tandem.Key) error {
	shown, err := toJSON(&halt)
	if err != nil {
		return err
	}
	all, err := toJSON(&keys)
	if err != nil {
		return err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		link, err := findLink(tx, id, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		err = tx.Exec("UPDATE tandem_links SET state = ?, halt = ?, halt_keys = ?, updated_at = ? WHERE number = ?",
			string(tandem.StateHalted), shown, all, moment{s.moment()}, link.Number).Error
		if err != nil || link.State == tandem.StateHalted && link.Halt != nil && link.Halt.Reason == halt.Reason {
			return err // people know
		}
		return s.alert(tx, &link, tandem.AlertHalted, halt.Reason, halt.Message)
	})
	return wrap(err, "halt link %s", id)
}

// Approve lets a halted link go on: it becomes ACTIVE, and its next cycle, which looks at both sides whole, finds the
// Approval.
func (s *Store) Approve(ctx context.Context, id string, putBack bool) (tandem.Link, error) {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		link, err := findLink(tx, id, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		if link.State != tandem.StateHalted || link.Halt == nil {
			return tandem.Errorf(tandem.CodePrecondition, "LINK_STATE", "link %q is %s; only a halted link can be approved", id, link.State)
		}
		keys, _, err := queryOne(tx, scanText, "SELECT halt_keys FROM tandem_links WHERE number = ?", link.Number)
		if err != nil {
			return err
		}
		halted, err := fromJSON[[]tandem.Key](&keys)
		if err != nil {
			return err
		}
		approval, err := toJSON(&storedApproval{Source: link.Halt.Source, PutBack: putBack, Keys: *halted})
		if err != nil {
			return err
		}
		if err := s.setState(tx, &link, tandem.StateActive); err != nil {
			return err
		}
		if err := tx.Exec("UPDATE tandem_links SET approval = ? WHERE number = ?", approval, link.Number).Error; err != nil {
			return err
		}
		return s.addMarks(tx, id, []tandem.Mark{
			{Source: tandem.Database, Cause: tandem.CauseAPI}, {Source: tandem.Sheet, Cause: tandem.CauseAPI}})
	})
	if err != nil {
		return tandem.Link{}, wrap(err, "approve halt of link %s", id)
	}
	s.wake(id)
	return s.Link(ctx, id)
}

// Approval returns the answer that waits to be carried out, nil when there is none.
func (s *Store) Approval(ctx context.Context, id string) (*tandem.Approval, error) {
	text, found, err := queryOne(s.db.WithContext(ctx), scanText, "SELECT approval FROM tandem_links WHERE id = ?", id)
	if err != nil {
		return nil, wrap(err, "read approval of link %s", id)
	}
	if !found || text == "" {
		return nil, nil
	}
	stored, err := fromJSON[storedApproval](&text)
	if err != nil {
		return nil, err
	}
	approval := &tandem.Approval{Source: stored.Source, PutBack: stored.PutBack, Keys: make(map[tandem.Key]bool, len(stored.Keys))}
	for _, key := range stored.Keys {
		approval.Keys[key] = true
	}
	return approval, nil
}

// ClearApproval forgets an answer that was carried out.
func (s *Store) ClearApproval(ctx context.Context, lease tandem.Lease, id string) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		return tx.Exec("UPDATE tandem_links SET approval = NULL WHERE id = ?", id).Error
	})
	return wrap(err, "clear approval of link %s", id)
}
