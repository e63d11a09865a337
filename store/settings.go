package store

import (
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// linkConfig is what a user sets of a link, as stored.
type linkConfig struct {
	DisplayName      string              `json:"displayName,omitempty"`
	Table            string              `json:"table"`
	SpreadsheetID    string              `json:"spreadsheetId"`
	SheetID          int64               `json:"sheetId"`
	Tab              string              `json:"tab"`
	HeaderRow        int                 `json:"headerRow"`
	TimeZone         string              `json:"timeZone,omitempty"`
	Columns          []tandem.LinkColumn `json:"columns"`
	Key              []string            `json:"key"`
	Policy           tandem.Policy       `json:"policy,omitempty"`
	PreferredSource  tandem.Source       `json:"preferredSource,omitempty"`
	UpdateTimeColumn string              `json:"updateTimeColumn,omitempty"`
	DeleteLimit      tandem.DeleteLimit  `json:"deleteLimit"`
	Rules            []tandem.Rule       `json:"rules,omitempty"`
	HideErrors       bool                `json:"hideErrors,omitempty"`
	HideStatus       bool                `json:"hideStatus,omitempty"`
	AlertURL         string              `json:"alertUrl,omitempty"`
}

func configOf(l *tandem.Link) *linkConfig {
	return &linkConfig{DisplayName: l.DisplayName, Table: l.Table, SpreadsheetID: l.SpreadsheetID, SheetID: l.SheetID, Tab: l.Tab,
		HeaderRow: l.HeaderRow, TimeZone: l.TimeZone, Columns: l.Columns, Key: l.Key, Policy: l.Policy,
		PreferredSource: l.PreferredSource, UpdateTimeColumn: l.UpdateTimeColumn, DeleteLimit: l.DeleteLimit,
		Rules: l.Rules, HideErrors: l.HideErrors, HideStatus: l.HideStatus, AlertURL: l.AlertURL}
}

func (c *linkConfig) link() tandem.Link {
	return tandem.Link{DisplayName: c.DisplayName, Table: c.Table, SpreadsheetID: c.SpreadsheetID, SheetID: c.SheetID, Tab: c.Tab,
		HeaderRow: c.HeaderRow, TimeZone: c.TimeZone, Columns: c.Columns, Key: c.Key, Policy: c.Policy,
		PreferredSource: c.PreferredSource, UpdateTimeColumn: c.UpdateTimeColumn, DeleteLimit: c.DeleteLimit,
		Rules: c.Rules, HideErrors: c.HideErrors, HideStatus: c.HideStatus, AlertURL: c.AlertURL}
}

// selectLinks leaves out halt_keys and approval, which may be long.
const selectLinks = `SELECT number, id, version, state, config, halt, equal_as_of, scanned_at, last_error, last_hint_at,
	last_hint_path, last_hint_delay, created_at, updated_at FROM tandem_links`

func scanLink(row scanner) (link tandem.Link, err error) {
	var (
		number, version         int64
		id, state               string
		config, halt, lastError *string
		equal, scanned, hint    moment
		created, updated        moment
		path                    string
		delay                   int64
	)
	err = row.Scan(&number, &id, &version, &state, &config, &halt, &equal, &scanned, &lastError, &hint, &path, &delay, &created, &updated)
	if err != nil {
		return link, err
	}
	set, err := fromJSON[linkConfig](config)
	if err != nil {
		return link, err
	}
	link = set.link()
	if link.Halt, err = fromJSON[tandem.Halt](halt); err != nil {
		return link, err
	}
	link.ID, link.Number, link.Version, link.State = id, number, version, tandem.State(state)
	link.Created, link.Updated = created.Time, updated.Time
	link.Status = tandem.Status{EqualAsOf: equal.Time, ScannedAt: scanned.Time, LastHint: tandem.Hint{
		Path: tandem.HintPath(path), At: hint.Time, Delay: time.Duration(delay) * time.Microsecond}}
	if lastError != nil {
		link.Status.LastError = *lastError
	}
	return link, nil
}

func noSuchLink(id string) error {
	return tandem.Errorf(tandem.CodeNotFound, "LINK_NOT_FOUND", "there is no link %q", id)
}

// findLink reads a link without its counts. Collations that ignore trailing spaces find "a" for "a ", so ids are compared
// once more.
func findLink(tx *gorm.DB, id, lock string) (tandem.Link, error) {
	link, found, err := queryOne(tx, scanLink, selectLinks+" WHERE id = ?"+lock, id)
	if err != nil {
		return link, fmt.Errorf("read link %s: %w", id, err)
	}
	if !found || link.ID != id {
		return link, noSuchLink(id)
	}
	return link, nil
}

// linkNumber returns the number of a link.
func linkNumber(tx *gorm.DB, id string) (int64, error) {
	number, found, err := queryOne(tx, scanNumber, "SELECT number FROM tandem_links WHERE id = ?", id)
	if err != nil {
		return 0, fmt.Errorf("read link %s: %w", id, err)
	}
	if !found {
		return 0, noSuchLink(id)
	}
	return number, nil
}
