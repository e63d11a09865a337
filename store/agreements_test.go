package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

// Rows that are known to hold what was agreed on are told so without their baselines being read, until one of those moves:
// by this process at once, by another one when the link is read again.
func TestAgreements(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		link, _ := w.people(t)
		rows, err := w.open(t, &link).Scan(t.Context(), "", 10)
		if err != nil || len(rows) < 2 {
			t.Fatal(rows, err)
		}
		agree := func(values []tandem.Value) {
			t.Helper()
			lease, claimed, err := w.Claim(t.Context(), "links/"+link.ID, "a", time.Minute)
			if err != nil || !claimed {
				t.Fatal(claimed, err)
			}
			_, err = w.open(t, &link).Commit(t.Context(), lease, tandem.Commit{Link: link.ID, Settlements: []tandem.Settlement{
				{Key: rows[0].Key, Baseline: values}, {Key: rows[1].Key, Baseline: rows[1].Values}}})
			if err := errors.Join(err, w.Release(t.Context(), lease)); err != nil {
				t.Fatal(err)
			}
		}
		check := func(what string, want []tandem.Value) {
			t.Helper()
			table := w.remembered(t, &link)
			for range 3 {
				one, err := table.GetKnown(t.Context(), rows[0].Key)
				if err != nil || one == nil || one.State == nil {
					t.Fatalf("%s: %+v, %v", what, one, err)
				}
				same(t, what+", alone", one.State.Baseline, want)
				page, err := table.ScanKnown(t.Context(), "", 2)
				if err != nil || len(page) != 2 || page[0].State == nil || page[1].State == nil {
					t.Fatalf("%s: %+v, %v", what, page, err)
				}
				same(t, what+", in a page", page[0].State.Baseline, want)
				same(t, what+", the next in the page", page[1].State.Baseline, rows[1].Values)
			}
		}
		agree(rows[0].Values)
		check("agreed", rows[0].Values)
		other := append([]tandem.Value(nil), rows[0].Values...)
		other[1] = tandem.Text("somebody else")
		earlier := w.remembered(t, &link)
		agree(other)
		seen, err := earlier.GetKnown(t.Context(), rows[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "right after this process moved it", seen.State.Baseline, other)
		check("agreed on something else", other)
		agree(rows[0].Values)
		check("agreed again", rows[0].Values)

		table := w.remembered(t, &link)
		before, err := table.GetKnown(t.Context(), rows[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		w.exec(t, "DELETE FROM tandem_marks", "UPDATE p SET name = 'Changed' WHERE id = "+string(rows[0].Key), "DELETE FROM tandem_marks") // without a mark
		now, err := table.GetKnown(t.Context(), rows[0].Key)
		if err != nil || now.Values[1] == before.Values[1] {
			t.Fatalf("a row that was changed by others: %+v, %v", now, err)
		}
		same(t, "its baseline", now.State.Baseline, rows[0].Values)
		page, err := table.ScanKnown(t.Context(), "", 2)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "its baseline in a page", page[0].State.Baseline, rows[0].Values)

		// Another process moves a baseline.
		w.exec(t, "UPDATE p SET name = '"+before.Values[1].Text()+"' WHERE id = "+string(rows[0].Key), "DELETE FROM tandem_marks")
		check("as before", rows[0].Values)
		w.exec(t, "UPDATE tandem_baselines SET data = '{}' WHERE row_key = '"+string(rows[0].Key)+"'", "UPDATE tandem_links SET agreed = agreed + 1")
		check("moved by another process", make([]tandem.Value, len(rows[0].Values)))
	})
}
