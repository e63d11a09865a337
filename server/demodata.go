package server

import (
	"context"
	"database/sql"
	_ "embed" // for the anime
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	_ "github.com/glebarez/go-sqlite" // the driver that the store uses, too
	"github.com/tandem-sync/tandem/sheets/emulator"
)

//go:embed anime.tsv
var animeTSV string

// demoRow is one anime. Where nobody knows how many episodes there will be, Episodes is nil.
type demoRow struct {
	id       int
	title    string
	episodes any
	score    float64
	aired    time.Time
	genre    string
	airing   bool
	updated  time.Time
}

// demoColumns are the table's columns, which are also the tab's headers.
var demoColumns = []string{"id", "title", "episodes", "score", "aired", "genre", "airing", "updated_at"}

func demoRows() ([]demoRow, error) {
	var rows []demoRow
	began := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for i, line := range strings.Split(strings.TrimSpace(animeTSV), "\n") {
		if i == 0 {
			continue // headers
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 6 {
			return nil, fmt.Errorf("anime.tsv, line %d: %d cells instead of 6", i+1, len(cells))
		}
		row := demoRow{id: i, title: cells[0], genre: cells[4], airing: cells[5] == "true", updated: began.Add(time.Duration(i) * time.Minute)}
		var failed [3]error
		if cells[1] != "" {
			row.episodes, failed[0] = strconv.Atoi(cells[1])
		}
		row.score, failed[1] = strconv.ParseFloat(cells[2], 64)
		row.aired, failed[2] = time.Parse(time.DateOnly, cells[3])
		if err := errors.Join(failed[:]...); err != nil {
			return nil, fmt.Errorf("anime.tsv, line %d: %w", i+1, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Which rows the two sides do not have in common, and in which they differ. All others are equal.
func onlyInTable(id int) bool    { return id%16 == 0 }
func onlyInTab(id int) bool      { return id%19 == 0 && !onlyInTable(id) }
func differentScore(id int) bool { return id%23 == 0 }
func differentGenre(id int) bool { return id%29 == 0 && !differentScore(id) }

const demoSchema = `CREATE TABLE anime (
	id         INTEGER PRIMARY KEY,
	title      VARCHAR(200) NOT NULL,
	episodes   INTEGER,
	score      DECIMAL(4,2),
	aired      DATE,
	genre      VARCHAR(60),
	airing     BOOLEAN NOT NULL DEFAULT FALSE,
	updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TRIGGER anime_touch AFTER UPDATE ON anime FOR EACH ROW WHEN NEW.updated_at IS OLD.updated_at BEGIN
	UPDATE anime SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END`

// seedTable makes and fills the table, unless an earlier run has.
func seedTable(ctx context.Context, path string, rows []demoRow) (err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'anime'").Scan(&tables); err != nil || tables > 0 {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, demoSchema); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO anime ("+strings.Join(demoColumns, ", ")+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	for _, r := range rows {
		if onlyInTab(r.id) {
			continue
		}
		_, err := insert.ExecContext(ctx, r.id, r.title, r.episodes, r.score, r.aired.Format(time.DateOnly), r.genre, r.airing,
			r.updated.Format(time.DateTime))
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// seedTab makes the spreadsheet, with a tab that partly differs from the table.
func seedTab(google *emulator.Emulator, rows []demoRow) error {
	var header []any
	for _, name := range demoColumns {
		header = append(header, name)
	}
	cells := [][]any{header}
	for _, r := range rows {
		if onlyInTable(r.id) {
			continue
		}
		if differentScore(r.id) {
			r.score = 10
		}
		if differentGenre(r.id) {
			r.genre += " (TV)"
		}
		cells = append(cells, []any{r.id, r.title, r.episodes, r.score, r.aired, r.genre, r.airing, r.updated})
	}
	_, err := google.Create(emulator.Spreadsheet{ID: demoSpreadsheet, Title: "Tandem demo", TimeZone: "Etc/UTC",
		Tabs: []emulator.Tab{{Title: "Anime", Rows: cells}}})
	return err
}
