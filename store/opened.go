package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
)

// rememberFor is how long a link and its table, once read, serve the rows of the API. It is measured by the clock of the
// machine: it bounds how long a change of the table may go unnoticed by readers.
const rememberFor = time.Second

// forgetAfter is how long a link that nobody asks for stays in memory.
const forgetAfter = time.Minute

// remembered are the links whose rows were asked for lately.
type remembered struct {
	mu    sync.Mutex
	links map[string]*rememberedLink
	swept time.Time
}

// rememberedLink is a link as it was read. Who holds turn reads it; the others wait for what it finds.
type rememberedLink struct {
	turn  chan struct{}
	at    time.Time // zero: nothing was read
	link  *tandem.Link
	table *Table
}

// stillness is whether a link had no marks, row errors and conflicts when it was read, and how many transactions this
// process had committed before that.
type stillness struct {
	quiet   bool
	wrong   bool // it had row errors or conflicts
	commits int64
}

// quiet reports whether nothing but its baselines is known of the rows of a remembered link, and its settings are as they
// were. What this process commits, to whatever link, is taken into account at once, what others commit within the second for
// which a link is remembered.
func (t *Table) quiet() bool { return t.still.quiet && t.still.commits == t.store.commits.Load() }

// OpenRows returns a link, without its counts, and its table, for the API. Both may have been read up to a second ago by
// another call, unless anew; they must not be changed.
//
// What such a table is asked to do it does as if it had been read just now, or it returns tandem.ErrOutdated and has done
// nothing: when the settings of the link are others by now, when a statement fails or a row is refused or not found, and
// when a row that was written does not hold what was to be written (a column that was narrowed meanwhile may have rounded
// it). Only readers may miss, for that second, that a column is of another type, and what another process did to the link's
// settings, marks, row errors, conflicts and baselines. Cycles never use it.
func (s *Store) OpenRows(ctx context.Context, id string, anew bool) (*tandem.Link, *Table, error) {
	place := s.remembered.place(id)
	select {
	case place.turn <- struct{}{}:
		defer func() { <-place.turn }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if !anew && !place.at.IsZero() && time.Since(place.at) < rememberFor {
		return place.link, place.table, nil
	}
	place.at = time.Time{}
	link, table, err := s.readLink(ctx, id, place.table)
	if err != nil {
		return nil, nil, err
	}
	place.at, place.link, place.table = time.Now(), link, table
	if anew {
		fresh := *table
		fresh.config = ""
		return link, &fresh, nil
	}
	return link, table, nil
}

// place returns where a link is remembered. Links that nobody asked for lately are forgotten.
func (r *remembered) place(id string) *rememberedLink {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.links == nil {
		r.links = map[string]*rememberedLink{}
	}
	if now := time.Now(); now.Sub(r.swept) > forgetAfter {
		r.swept = now
		for other, place := range r.links {
			select {
			case place.turn <- struct{}{}:
				if now.Sub(place.at) > forgetAfter {
					delete(r.links, other)
				}
				<-place.turn
			default: // in use
			}
		}
	}
	place := r.links[id]
	if place == nil {
		place = &rememberedLink{turn: make(chan struct{}, 1)}
		r.links[id] = place
	}
	return place
}

// readLink reads a link and its table. The settings are read first: should they change meanwhile, the table seems outdated
// the next time, and never the other way round; and so with baselines, of which before has read some.
func (s *Store) readLink(ctx context.Context, id string, before *Table) (*tandem.Link, *Table, error) {
	tx := s.db.WithContext(ctx)
	still := stillness{commits: s.commits.Load()}
	var config string
	var agreed int64
	err := rawQuery(tx, "SELECT config, agreed FROM tandem_links WHERE id = ?", []any{id}, func(row scanner) error { return row.Scan(&config, &agreed) })
	if err != nil {
		return nil, nil, wrap(err, "read link %s", id)
	}
	link, err := findLink(tx, id, "")
	if err != nil {
		return nil, nil, wrap(err, "read link %s", id)
	}
	table, err := s.OpenTable(ctx, &link)
	if err != nil {
		return nil, nil, err
	}
	table.config, table.known = config, table.knownStatement()
	err = rawQuery(tx, "SELECT "+table.known.wrong+table.known.any, nil, func(row scanner) error {
		var busy bool
		err := row.Scan(&still.wrong, &busy)
		still.quiet = !busy
		return err
	})
	if err != nil {
		return nil, nil, wrap(err, "read link %s", id)
	}
	table.still, table.agreements = still, table.agreementsSince(before, agreed)
	return &link, table, nil
}

// remembered reports whether the table was not read just now, so that what it says has to be checked.
func (t *Table) remembered() bool { return t.config != "" }

// outdated is what becomes of an error of a remembered table: unless the database is away or the caller is, it may come from
// a table that is no longer as it was.
func (t *Table) outdated(err error) error {
	var known *tandem.Error
	switch {
	case err == nil, !t.remembered(), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(translate(err), &known) && known.Code == tandem.CodeUnavailable:
		return err
	}
	return fmt.Errorf("%w: %w", tandem.ErrOutdated, err)
}
