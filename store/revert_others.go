package store

import (
	"context"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
)

// What others did to rows whose changes are reverted: history tells more of it than the table.

// findMixed looks for changes of the same cells that were not selected and stand between selected ones: going back beyond
// them loses what they said.
func (p *selecting) findMixed(ctx context.Context) error {
	rows := map[tandem.Key][]*undo{}
	var first, last int64
	for _, u := range p.all {
		if len(u.seqs) < 2 {
			continue
		}
		for _, key := range append(slices.Clone(u.former), u.key) {
			rows[key] = append(rows[key], u)
		}
		if from := u.seqs[0]; first == 0 || from < first {
			first = from
		}
		last = max(last, u.seqs[len(u.seqs)-1])
	}
	err := inBatches(slices.Sorted(maps.Keys(rows)), func(keys []tandem.Key) error {
		for after, more := first, true; more; {
			page, err := query(p.t.store.db.WithContext(ctx), scanEntry, selectEntries+` WHERE link_number = ? AND row_key IN (?)
				AND seq > ? AND seq < ? ORDER BY seq LIMIT ?`, p.t.link.Number, texts(keys), after, last, revertPage)
			if err != nil {
				return err
			}
			for i := range page {
				after = page[i].Seq
				for _, u := range rows[page[i].Key] {
					p.mix(u, &page[i])
				}
			}
			more = len(page) == revertPage
		}
		return nil
	})
	return wrap(err, "read history of link %s", p.t.link.ID)
}

// follow finds the rows that got another key since, by changes that were not selected: they are not gone.
func (p *selecting) follow(ctx context.Context) error {
	gone, first, err := p.gone(ctx)
	for err == nil && len(gone) > 0 {
		var page []tandem.Entry
		page, err = query(p.t.store.db.WithContext(ctx), scanEntry, selectEntries+" WHERE link_number = ? AND kind = ? AND seq > ? ORDER BY seq LIMIT ?",
			p.t.link.Number, string(tandem.Update), first, revertPage)
		for i := range page {
			e := &page[i]
			first = e.Seq
			was, is := p.keyIn(e.Before), p.keyIn(e.After)
			if u := gone[was]; u != nil && is != "" && is != was && e.Seq > u.seqs[len(u.seqs)-1] {
				delete(gone, was)
				gone[is], u.key = u, is
			}
		}
		if len(page) < revertPage {
			break
		}
	}
	return wrap(err, "read history of link %s", p.t.link.ID)
}

// gone returns the rows that the table no longer has under the key that their changes left them, and the first of those
// changes.
func (p *selecting) gone(ctx context.Context) (map[tandem.Key]*undo, int64, error) {
	gone, first := map[tandem.Key]*undo{}, int64(0)
	var keys []tandem.Key
	for _, u := range p.all {
		if u.existed && u.exists {
			gone[u.key] = u
			keys = append(keys, u.key)
		}
	}
	there, err := p.t.hold(p.t.store.db.WithContext(ctx), keys, p.t.needed, "")
	if err != nil {
		return nil, 0, err
	}
	for key := range there {
		delete(gone, key)
	}
	for _, u := range gone {
		if last := u.seqs[len(u.seqs)-1]; first == 0 || last < first {
			first = last
		}
	}
	return gone, first, nil
}

// mix notes the cells of a row that an entry changed which was not selected, between two that were.
func (p *selecting) mix(u *undo, e *tandem.Entry) {
	if _, chosen := slices.BinarySearch(u.seqs, e.Seq); chosen {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(u.goal)) {
		was, is := e.Before[name], e.After[name]
		between := u.span[name][0] < e.Seq && e.Seq < u.span[name][1]
		if between && !p.equal(name, was, is) && !p.equal(name, is, u.goal[name]) && !slices.Contains(u.mixed, name) {
			u.mixed = append(u.mixed, name)
		}
	}
}
