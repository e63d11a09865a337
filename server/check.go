package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// CheckOptions say what `tandem check` tries beside what the configuration names.
type CheckOptions struct {
	Spreadsheets []string
	// DrivePatience is how long Drive may take to list a change; 0 is half a minute.
	DrivePatience time.Duration
}

// checkTimeout is how long Google may take to answer what check asks first, repetitions included.
const checkTimeout = 20 * time.Second

// errMissing means that the report says what is missing.
var errMissing = errors.New("something is missing; see above")

// checklist writes one line for each thing that was tried.
type checklist struct {
	out     io.Writer
	missing int
}

// Check is `tandem check`: it tries everything that Serve needs, says in plain words what is missing and how to give it,
// and fails when something is. Links and rows stay as they are.
func Check(ctx context.Context, config Config, options CheckOptions, out io.Writer) error {
	list := &checklist{out: out}
	links := list.database(ctx, config)
	list.google(ctx, config, options, sheetsToTry(links, options))
	if list.missing > 0 {
		return errMissing
	}
	_, _ = fmt.Fprintln(out, "\nEverything that serve needs is there.")
	return nil
}

func (l *checklist) ok(format string, args ...any) {
	_, _ = fmt.Fprintf(l.out, "ok       %s\n", fmt.Sprintf(format, args...))
}

func (l *checklist) bad(what string, err error) {
	l.missing++
	text := err.Error()
	var known *tandem.Error
	if errors.As(err, &known) {
		text = known.Error()
	}
	_, _ = fmt.Fprintf(l.out, "MISSING  %s: %s\n", what, text)
}

// database tries the database and returns the links in it.
func (l *checklist) database(ctx context.Context, config Config) []tandem.Link {
	if config.DatabaseURL == "" {
		l.bad("database", errors.New("no address; give --database-url or TANDEM_DATABASE_URL, sqlite:PATH or mysql://USER:PASS@HOST:PORT/DB"))
		return nil
	}
	if err := databaseAddress(config.DatabaseURL); err != nil {
		l.bad("database", err)
		return nil
	}
	st, err := store.Open(ctx, config.DatabaseURL, store.Options{Capture: config.Capture})
	if err != nil {
		l.bad("database", err)
		return nil
	}
	defer func() { _ = st.Close() }()
	l.ok("database: reachable, and Tandem's own tables are there")
	l.capture(ctx, st, config.Capture)
	tables, err := st.Tables(ctx)
	if err != nil {
		l.bad("tables", err)
		return nil
	}
	linkable := 0
	for _, table := range tables {
		if table.Linkable {
			linkable++
		}
	}
	l.ok("tables: %d, of which %d can be linked", len(tables), linkable)
	links, err := st.Links(ctx)
	if err != nil {
		l.bad("links", err)
	}
	return links
}

// capture tries what notices changes of the database.
func (l *checklist) capture(ctx context.Context, st *store.Store, by store.CaptureBy) {
	if by == store.ByBinlog {
		found, err := st.TryBinlog(ctx)
		if err != nil {
			l.bad("binary log", err)
		}
		for _, what := range found {
			l.ok("binary log: %s", what)
		}
		return
	}
	if err := st.TryCapture(ctx); err != nil {
		l.bad("triggers", err)
	} else {
		l.ok("triggers: can be made and removed")
	}
}

// silent says that what is asked for sheets does not answer as it should.
func (l *checklist) silent(config *Config, err error) {
	endpoint, bad := url.Parse(config.SheetsEndpoint)
	if config.SheetsEndpoint == "" || bad != nil {
		l.bad("Google", err)
		return
	}
	l.bad("Sheets API at "+endpoint.Redacted(), err)
	_, _ = fmt.Fprintln(l.out, "         Is the server that --sheets-endpoint names running? tandem emulator starts one")
}

// asked says what answered: Google, or the server that stands in its place.
func (l *checklist) asked(config *Config) {
	endpoint, err := url.Parse(config.SheetsEndpoint)
	switch {
	case config.SheetsEndpoint == "":
		l.ok("Google: takes the credentials, and the Sheets API is enabled for them")
	case err != nil: // it answered, so it can be read
		l.bad("Sheets API", err)
	default:
		l.ok("Sheets API: the server at %s answers. It gets no credentials, so none were tried, and Google was not asked", endpoint.Redacted())
	}
}

func sheetsToTry(links []tandem.Link, options CheckOptions) []string {
	ids := slices.Clone(options.Spreadsheets)
	for _, link := range links {
		if !slices.Contains(ids, link.SpreadsheetID) {
			ids = append(ids, link.SpreadsheetID)
		}
	}
	return ids
}

// google tries the credentials, whether each spreadsheet can be read and written, and whether Drive lists its changes.
func (l *checklist) google(ctx context.Context, config Config, options CheckOptions, ids []string) {
	client, err := openSheets(ctx, config, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		l.bad("Google", err)
		return
	}
	asking, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := client.TryCredentials(asking); err != nil {
		l.silent(&config, err)
		return
	}
	l.asked(&config)
	if len(ids) == 0 {
		_, _ = fmt.Fprintln(l.out, "not tried: no spreadsheet is linked yet; name one with --spreadsheet ID, the part of its address between /d/ and /edit")
		return
	}
	drive := l.drive(ctx, client, config, options)
	for _, id := range ids {
		sheet, err := client.Spreadsheet(ctx, id)
		if err != nil {
			l.bad("spreadsheet "+id, err)
			continue
		}
		tabs := "tabs"
		if len(sheet.Tabs) == 1 {
			tabs = "tab"
		}
		l.ok("spreadsheet %s: %q can be read, it has %d %s", id, sheet.Title, len(sheet.Tabs), tabs)
		if err := client.TryWrite(ctx, id); err != nil {
			l.bad("spreadsheet "+id, fmt.Errorf("it cannot be written to: %w", err))
			continue
		}
		l.ok("spreadsheet %s: can be written to", id)
		drive.touch(ctx, id)
	}
	drive.report(ctx)
}
