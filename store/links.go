package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// CreateLink stores a new link and returns it with its number. A tab belongs to one link.
func (s *Store) CreateLink(ctx context.Context, link tandem.Link) (tandem.Link, error) {
	if link.State == "" {
		link.State = tandem.StateNew
	}
	config, err := toJSON(configOf(&link))
	if err != nil {
		return link, err
	}
	var created tandem.Link
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if err := linkConflict(tx, &link); err != nil {
			return err
		}
		now := moment{s.moment()}
		err := tx.Exec(`INSERT INTO tandem_links (id, version, state, spreadsheet_id, sheet_id, config, created_at, updated_at)
			VALUES (?,1,?,?,?,?,?,?)`, link.ID, string(link.State), link.SpreadsheetID, link.SheetID, config, now, now).Error
		if err != nil {
			return err
		}
		created, err = findLink(tx, link.ID, "")
		return err
	})
	return created, s.linkWriteError(ctx, err, &link, "create")
}

// linkConflict fails when another link has the id of a new link, or the tab.
func linkConflict(tx *gorm.DB, link *tandem.Link) error {
	others, err := query(tx, scanLink, selectLinks+" WHERE (id = ? OR spreadsheet_id = ? AND sheet_id = ?) AND number <> ?",
		link.ID, link.SpreadsheetID, link.SheetID, link.Number)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.ID == link.ID && link.Number == 0 {
			return tandem.Errorf(tandem.CodeAlreadyExists, "LINK_EXISTS", "there is a link %q already", link.ID)
		}
	}
	for _, other := range others {
		if other.SpreadsheetID == link.SpreadsheetID && other.SheetID == link.SheetID {
			return tandem.Errorf(tandem.CodeAlreadyExists, "TAB_LINKED", "the tab %q belongs to link %q already; delete that link first, or use another tab",
				link.Tab, other.ID)
		}
	}
	return nil
}

// linkWriteError explains a failed write: whoever lost a race for an id or a tab sees the same error as who came later.
func (s *Store) linkWriteError(ctx context.Context, err error, link *tandem.Link, doing string) error {
	var known *tandem.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if conflict := linkConflict(s.db.WithContext(ctx), link); errors.As(conflict, &known) {
		return conflict
	}
	return wrap(err, "%s link %s", doing, link.ID)
}

// Link returns a link with its status.
func (s *Store) Link(ctx context.Context, id string) (tandem.Link, error) {
	tx := s.db.WithContext(ctx)
	link, err := findLink(tx, id, "")
	if err != nil {
		return link, wrap(err, "read link %s", id)
	}
	links := []tandem.Link{link}
	err = addCounts(tx, links, " WHERE link_number = ?", link.Number)
	return links[0], err
}

// Links returns all links with their status, by id.
func (s *Store) Links(ctx context.Context) ([]tandem.Link, error) {
	tx := s.db.WithContext(ctx)
	links, err := query(tx, scanLink, selectLinks+" ORDER BY id")
	if err != nil {
		return nil, wrap(err, "read links")
	}
	if len(links) == 0 {
		return nil, nil
	}
	return links, addCounts(tx, links, "")
}

// BareLinks is Links without what is counted: marks, row errors and conflicts. Its cost does not follow their number.
func (s *Store) BareLinks(ctx context.Context) ([]tandem.Link, error) {
	links, err := query(s.db.WithContext(ctx), scanLink, selectLinks+" ORDER BY id")
	return links, wrap(err, "read links")
}

// addCounts sets how many rows on the way, row errors and open conflicts each link has, in two queries for all. No row of a link
// that was never synced is on the way.
func addCounts(tx *gorm.DB, links []tandem.Link, where string, args ...any) error {
	type count struct {
		link, marks, errors, conflicts int64
	}
	counts, err := query(tx, func(row scanner) (c count, err error) {
		return c, row.Scan(&c.link, &c.marks, &c.errors, &c.conflicts)
	}, `SELECT link_number, COUNT(*), 0, 0 FROM tandem_marks`+where+` GROUP BY link_number
		UNION ALL SELECT link_number, 0, COUNT(*), 0 FROM tandem_row_errors`+where+` GROUP BY link_number
		UNION ALL SELECT link_number, 0, 0, COUNT(*) FROM tandem_conflicts`+where+` GROUP BY link_number`,
		slices.Concat(args, args, args)...)
	if err != nil {
		return wrap(err, "count marks, row errors and conflicts")
	}
	at, marks := make(map[int64]*tandem.Status, len(links)), map[int64]int{}
	for i := range links {
		at[links[i].Number] = &links[i].Status
		if links[i].State != tandem.StateNew {
			marks[links[i].Number] = 0
		}
	}
	for _, c := range counts {
		if status := at[c.link]; status != nil {
			status.RowErrors += int(c.errors)
			status.Conflicts += int(c.conflicts)
		}
		if _, flows := marks[c.link]; flows {
			marks[c.link] += int(c.marks)
		}
	}
	if err := markedRows(tx, marks); err != nil {
		return wrap(err, "count the rows that are marked")
	}
	for number, rows := range marks {
		at[number].Pending = rows
	}
	return nil
}

// UpdateLink stores what a user set. Version is the one it was based on; 0 means any. A cycle under way is fenced off,
// since it goes by the old settings: the next one reads the new ones.
func (s *Store) UpdateLink(ctx context.Context, link tandem.Link, version int64) (tandem.Link, error) {
	config, err := toJSON(configOf(&link))
	if err != nil {
		return link, err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if err := revoke(tx, linkLease(link.ID)); err != nil {
			return err
		}
		stored, err := findLink(tx, link.ID, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		if version != 0 && stored.Version != version {
			return tandem.Errorf(tandem.CodeAborted, "ETAG_MISMATCH", "link %q was changed meanwhile; read it again and repeat the change", link.ID)
		}
		link.Number = stored.Number
		if err := linkConflict(tx, &link); err != nil {
			return err
		}
		return tx.Exec("UPDATE tandem_links SET config = ?, spreadsheet_id = ?, sheet_id = ?, version = version + 1, updated_at = ? WHERE number = ?",
			config, link.SpreadsheetID, link.SheetID, moment{s.moment()}, stored.Number).Error
	})
	if err = s.linkWriteError(ctx, err, &link, "update"); err != nil {
		return tandem.Link{}, err
	}
	s.wake(link.ID)
	return s.Link(ctx, link.ID)
}

// DeleteLink removes a link and all that we stored for it. The linked table, its triggers and the tab are the caller's.
// The lease's row stays, so that a cycle under way is fenced off even when the id is used again.
func (s *Store) DeleteLink(ctx context.Context, id string) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := revoke(tx, linkLease(id)); err != nil {
			return err
		}
		link, err := findLink(tx, id, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		err = tx.Exec("DELETE FROM tandem_plan_rows WHERE plan_number IN (SELECT number FROM tandem_plans WHERE link_number = ?)", link.Number).Error
		if err != nil {
			return err
		}
		err = tx.Exec("DELETE FROM tandem_results WHERE write_id IN (SELECT id FROM tandem_writes WHERE link_number = ?)", link.Number).Error
		if err != nil {
			return err
		}
		for _, table := range []string{"tandem_marks", "tandem_baselines", "tandem_changes", "tandem_row_errors", "tandem_intents",
			"tandem_operations", "tandem_plans", "tandem_writes", "tandem_requests", "tandem_conflicts", "tandem_typed", "tandem_notes", "tandem_signatures", "tandem_pruned"} {
			if err := tx.Exec("DELETE FROM "+table+" WHERE link_number = ?", link.Number).Error; err != nil {
				return err
			}
		}
		if err := tx.Exec("DELETE FROM tandem_alerts WHERE link_id = ?", link.ID).Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM tandem_links WHERE number = ?", link.Number).Error
	})
	if err == nil {
		s.finished.announce()
		return nil
	}
	return wrap(err, "delete link %s", id)
}

// SetState moves a link from one of the states in from (empty: any) to another. Once a link is PAUSED, a cycle under way
// commits nothing more.
func (s *Store) SetState(ctx context.Context, id string, from []tandem.State, to tandem.State) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if to == tandem.StatePaused {
			if err := revoke(tx, linkLease(id)); err != nil {
				return err
			}
		}
		link, err := findLink(tx, id, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		if len(from) > 0 && !slices.Contains(from, link.State) {
			help := ""
			if link.State == tandem.StateHalted {
				help = fmt.Sprintf("; look at its halt, and end it with POST /v1/links/%s:approve", id)
			}
			return tandem.Errorf(tandem.CodePrecondition, "LINK_STATE", "link %q is %s; this needs it to be %s%s", id, link.State, orList(from), help)
		}
		return s.setState(tx, &link, to)
	})
	if err == nil {
		s.wake(id)
	}
	return wrap(err, "set state of link %s", id)
}

// BeginSync moves a link to INITIAL_SYNC, unless it is halted. It fails with tandem.ErrFenced: a worker that was held up must
// not begin once more what its successor has finished.
func (s *Store) BeginSync(ctx context.Context, lease tandem.Lease, id string) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		link, err := findLink(tx, id, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		if link.State == tandem.StateHalted {
			return tandem.Errorf(tandem.CodePrecondition, "LINK_STATE",
				"link %q is HALTED; look at its halt, and end it with POST /v1/links/%s:approve", id, id)
		}
		return s.setState(tx, &link, tandem.StateInitialSync)
	})
	return wrap(err, "begin the initial sync of link %s", id)
}

// setState stores a state other than HALTED of a link that is locked; a halt ends with its state. An error has to stand in
// the new state before it counts as a stall: while the link was paused, nothing was tried.
func (s *Store) setState(tx *gorm.DB, link *tandem.Link, to tandem.State) error {
	err := tx.Exec("UPDATE tandem_links SET state = ?, halt = NULL, halt_keys = NULL, error_since = NULL, updated_at = ? WHERE number = ?",
		string(to), moment{s.moment()}, link.Number).Error
	if err != nil || link.State != tandem.StateHalted {
		return err
	}
	return s.recovered(tx, link, tandem.AlertHalted, fmt.Sprintf("link %q is no longer halted; it is %s", link.ID, to))
}

func orList(states []tandem.State) string {
	words := make([]string, len(states))
	for i, state := range states {
		words[i] = string(state)
	}
	return strings.Join(words, " or ")
}
