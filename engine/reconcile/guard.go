package reconcile

import "github.com/tandem-sync/tandem"

// Defaults of tandem.DeleteLimit, and what no setting lifts.
const (
	defaultDeleteCount   = 10
	defaultDeletePercent = 20
	deleteCeiling        = 1000
)

// Exceeds reports whether removing now rows, after recent ones in the last hour, is more than the limit lets through
// without a person: more than Count rows and more than Percent of all, or more than 1,000, or every row of a link that
// had more than ten. All is how many rows the link holds before.
func Exceeds(limit tandem.DeleteLimit, now, recent, all int) bool {
	if now == 0 {
		return false
	}
	if limit.Count == 0 && limit.Percent == 0 {
		limit = tandem.DeleteLimit{Count: defaultDeleteCount, Percent: defaultDeletePercent}
	}
	removed := now + recent
	all += recent // rows removed in the last hour were there before
	switch {
	case removed > deleteCeiling:
		return true
	case all > 10 && removed >= all:
		return true
	}
	return removed > limit.Count && removed*100 > limit.Percent*all
}
