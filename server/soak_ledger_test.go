package server_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// act is what somebody other than tandem did to a row of one side, and what became of it.
type act struct {
	number int
	link   string
	side   string // "database" or "sheet"
	who    string
	kind   string
	key    string            // "" while nobody knows the key that the table makes
	values map[string]string // column -> value; nil for a deletion
	gone   bool              // the row was deleted
	of     *act              // the act that typed the row, where the key was not known
	never  bool              // rolled back: it must not be seen anywhere

	began   time.Time
	ended   time.Time // zero: the outcome is not known
	refused string    // why it did not take place; then it must not be seen anywhere either
}

// until is the last moment at which the act may have taken effect.
func (a *act) until() time.Time {
	if a.ended.IsZero() {
		return a.began.Add(24 * time.Hour)
	}
	return a.ended
}

// happened reports whether the act was acknowledged.
func (a *act) happened() bool { return !a.ended.IsZero() && a.refused == "" && !a.never }

// mayHave reports whether the act may have taken place.
func (a *act) mayHave() bool { return a.refused == "" && !a.never }

// at returns the key, also of a row that got it from the table.
func (a *act) at() string {
	if a.key == "" && a.of != nil {
		return a.of.key
	}
	return a.key
}

func (a *act) String() string {
	what := "deleted"
	if !a.gone {
		var cells []string
		for _, column := range slices.Sorted(maps.Keys(a.values)) {
			cells = append(cells, column+"="+a.values[column])
		}
		what = strings.Join(cells, " ")
	}
	outcome := "acknowledged " + clock(a.ended)
	switch {
	case a.never:
		outcome = "rolled back"
	case a.refused != "":
		outcome = "refused: " + a.refused
	case a.ended.IsZero():
		outcome = "outcome unknown"
	}
	return fmt.Sprintf("%s #%d %s of %s (%s): %s; %s", clock(a.began), a.number, a.kind, a.who, a.side, what, outcome)
}

func clock(at time.Time) string { return at.UTC().Format("15:04:05.000") }

// ledger is all that was done, in the order in which it began.
type ledger struct {
	mu     sync.Mutex
	acts   []*act
	serial int
	last   time.Time
}

// value returns a text that nobody else writes.
func (l *ledger) value(who string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serial++
	return fmt.Sprintf("%s-%06d", who, l.serial)
}

// begin notes an act before it is tried.
func (l *ledger) begin(a act) *act {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.number, a.began = len(l.acts)+1, time.Now()
	l.acts = append(l.acts, &a)
	return &a
}

// done notes that acts were acknowledged.
func (l *ledger) done(acts ...*act) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	for _, a := range acts {
		a.ended = l.last
	}
}

// refuse notes that acts did not take place.
func (l *ledger) refuse(why string, acts ...*act) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range acts {
		a.ended, a.refused = time.Now(), why
	}
}

// rolledBack notes that acts were taken back, or never committed.
func (l *ledger) rolledBack(acts ...*act) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range acts {
		a.ended, a.never = time.Now(), true
	}
}

// named notes the key that the table made.
func (l *ledger) named(a *act, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.key = key
}

// counts tells how many acts of each kind were acknowledged, and how many have an unknown outcome.
func (l *ledger) counts() (kinds map[string]int, acknowledged, unknown, refused int) {
	kinds = map[string]int{}
	for _, a := range l.acts {
		switch {
		case a.happened():
			kinds[a.side+": "+a.kind]++
			acknowledged++
		case a.refused != "":
			refused++
		case !a.never:
			unknown++
		}
	}
	return kinds, acknowledged, unknown, refused
}
