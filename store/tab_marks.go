package store

import (
	"context"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// MarkTabs says that the whole tabs of links are to be looked at; links that are not active are passed over. It returns, by
// link, the ids of the marks that say so now, to be handed in at the next call as before: with them, two wait for a link at
// most, however long nobody looks. The older stays, since by its age the link has its turn; the newer is replaced.
//
// That a mark waits already is never enough: the cycle under way may have read it, and the tab before the change, and
// deletes it when it ends. A new one it does not know, and leaves it to the next.
func (s *Store) MarkTabs(ctx context.Context, links []string, before map[string][]int64) (map[string][]int64, error) {
	if len(links) == 0 {
		return nil, nil
	}
	var known []int64
	for _, link := range links {
		known = append(known, before[link]...)
	}
	var now map[string][]int64
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		now = map[string][]int64{}
		waiting := map[int64]bool{}
		if len(known) > 0 {
			ids, err := query(tx, scanNumber, "SELECT id FROM tandem_marks WHERE id IN (?)", known)
			if err != nil {
				return err
			}
			for _, id := range ids {
				waiting[id] = true
			}
		}
		fresh, err := markTabs(tx, links)
		if err != nil {
			return err
		}
		var replaced []int64
		for link, id := range fresh {
			for _, old := range before[link] {
				switch {
				case !waiting[old] || old == id:
				case now[link] == nil:
					now[link] = []int64{old}
				default:
					replaced = append(replaced, old)
				}
			}
			now[link] = append(now[link], id)
		}
		if len(replaced) == 0 {
			return nil
		}
		// Last, and only what is there: a deletion that finds nothing locks the end of the index, where triggers add their marks.
		return tx.Exec("DELETE FROM tandem_marks WHERE id IN (?)", replaced).Error
	})
	if err != nil {
		return nil, wrap(err, "mark tabs")
	}
	for link := range now {
		s.wake(link)
	}
	return now, nil
}

// markTabs adds a mark for each active link and returns its id.
func markTabs(tx *gorm.DB, links []string) (map[string]int64, error) {
	active := "id IN (?) AND state = '" + string(tandem.StateActive) + "'"
	err := tx.Exec(`INSERT INTO tandem_marks (link_number, source, row_key, raw_key, cause, actor)
		SELECT number, ?, '', 0, ?, '' FROM tandem_links WHERE `+active, string(tandem.Sheet), string(tandem.CauseSheet), links).Error
	if err != nil {
		return nil, err
	}
	type placed struct {
		link string
		id   *int64
	}
	// The newest such mark is the one just added, or one that came meanwhile and says the same.
	marks, err := query(tx, func(row scanner) (p placed, err error) { return p, row.Scan(&p.link, &p.id) },
		`SELECT l.id, (SELECT m.id FROM tandem_marks m WHERE m.link_number = l.number AND m.source = ? AND m.row_key = '' AND m.raw_key = 0
			AND m.places IS NULL ORDER BY m.id DESC LIMIT 1) FROM tandem_links l WHERE l.`+active, string(tandem.Sheet), links)
	fresh := make(map[string]int64, len(marks))
	for _, mark := range marks {
		if mark.id != nil {
			fresh[mark.link] = *mark.id
		}
	}
	return fresh, err
}
