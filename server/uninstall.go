package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/store"
)

// UninstallOptions say how far `tandem uninstall` goes.
type UninstallOptions struct {
	Sheets bool // also remove what Tandem made in the linked spreadsheets
	Force  bool // although a server seems to be running
}

// uninstallLease is how long nobody else may work on a link while it is removed, from one renewal to the next.
const uninstallLease = time.Minute

var (
	errStillRunning = errors.New("a server is still running on this database: its triggers and tables would be made again, or be missing under it. " +
		"Stop it first; after one that was killed, wait half a minute. --force goes on all the same")
	errLeftBehind = errors.New("not everything could be removed; see above")
)

// Uninstall is `tandem uninstall`: it removes every trigger and table that Tandem made and tells each. The linked tables and
// tabs keep their data. It can be run again after a failure.
func Uninstall(ctx context.Context, config Config, options UninstallOptions, out io.Writer) error {
	if config.DatabaseURL == "" {
		return errors.New("no database: give --database-url or TANDEM_DATABASE_URL, sqlite:PATH or mysql://USER:PASS@HOST:PORT/DB")
	}
	if err := databaseAddress(config.DatabaseURL); err != nil {
		return err
	}
	var client *sheets.Client
	if options.Sheets {
		var err error
		if client, err = openSheets(ctx, config, slog.New(slog.DiscardHandler), nil); err != nil {
			return fmt.Errorf("%w; without --sheets the spreadsheets are left as they are", err)
		}
	}
	untouched, err := store.Untouched(ctx, config.DatabaseURL)
	if err != nil {
		return err
	}
	if untouched {
		_, err := fmt.Fprintln(out, "nothing to remove: Tandem has made nothing in this database. Is it the one that --database-url should name?")
		return err
	}
	st, err := store.Open(ctx, config.DatabaseURL, store.Options{})
	if err != nil {
		return err
	}
	links, err := st.Links(ctx)
	if err != nil {
		return errors.Join(err, st.Close())
	}
	u := &uninstall{store: st, sheets: client, out: out}
	err = u.run(ctx, links, options.Force)
	return errors.Join(err, st.Close())
}

// uninstall is one run.
type uninstall struct {
	store  *store.Store
	sheets *sheets.Client // nil: spreadsheets are left as they are
	out    io.Writer
	leases []tandem.Lease
	failed bool
}

func (u *uninstall) run(ctx context.Context, links []tandem.Link, force bool) error {
	if err := u.stopOthers(ctx, links, force); err != nil {
		u.release(ctx)
		return err
	}
	for i := range links {
		if u.sheets == nil {
			u.say("left", "spreadsheet %s, tab %q: Tandem's hidden tab, notes and metadata, if any; --sheets removes them", links[i].SpreadsheetID, links[i].Tab)
			continue
		}
		u.clean(ctx, &links[i])
	}
	removed, err := u.store.Uninstall(ctx)
	for _, what := range removed {
		u.say("removed", "%s", what)
	}
	if err != nil {
		u.release(ctx)
		return err
	}
	if u.failed {
		return errLeftBehind
	}
	return nil
}

func (u *uninstall) say(what, format string, args ...any) {
	_, _ = fmt.Fprintf(u.out, "%-8s %s\n", what, fmt.Sprintf(format, args...))
}

// stopOthers takes the leases by which servers work, and fails when one of them is held. With force it goes on without.
func (u *uninstall) stopOthers(ctx context.Context, links []tandem.Link, force bool) error {
	names := []string{serverLease}
	seen := map[string]bool{}
	for _, link := range links {
		for _, name := range []string{"links/" + link.ID, "spreadsheets/" + link.SpreadsheetID} {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		lease, got, err := u.store.Claim(ctx, name, "uninstall", uninstallLease)
		switch {
		case err != nil:
			return err
		case got:
			u.leases = append(u.leases, lease)
		case !force:
			return errStillRunning
		}
	}
	return nil
}

// renew keeps the leases for as long as the next spreadsheet takes.
func (u *uninstall) renew(ctx context.Context) error {
	for i, lease := range u.leases {
		renewed, err := u.store.Renew(ctx, lease, uninstallLease)
		if err != nil {
			return err
		}
		u.leases[i] = renewed
	}
	return nil
}

// release hands the leases back where the tables stay.
func (u *uninstall) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	for _, lease := range u.leases {
		_ = u.store.Release(ctx, lease) // it runs out by itself
	}
}

// clean removes what Tandem made in a link's spreadsheet. What fails is told and holds up nothing else.
func (u *uninstall) clean(ctx context.Context, link *tandem.Link) {
	err := u.renew(ctx)
	var notes []tandem.Note
	if err == nil {
		notes, err = u.store.Notes(ctx, link.ID)
	}
	var removed []string
	if err == nil {
		removed, err = u.sheets.Clean(ctx, link, notes)
	}
	for _, what := range removed {
		u.say("removed", "spreadsheet %s: %s", link.SpreadsheetID, what)
	}
	switch {
	case err == nil && len(removed) == 0:
		u.say("nothing", "spreadsheet %s, tab %q: there is nothing of Tandem's in it, or it is not there any more", link.SpreadsheetID, link.Tab)
	case err != nil:
		u.failed = true
		u.say("FAILED", "spreadsheet %s, tab %q: %v; what is left there is the hidden tab %q, which can be deleted by hand, notes that begin with Tandem's name, and metadata that nobody sees",
			link.SpreadsheetID, link.Tab, err, "_tandem")
	}
}
