package simulation_test

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// mix is what may happen in a run. Each run draws its own: what is rare among everything is common where little else
// happens, and what hides a fault in one run is missing in the next.
type mix map[string]bool

// features are all that a mix may hold, with how often of a hundred they are drawn.
var features = []struct {
	name  string
	often int
}{
	{"google", 60},   // Google's calls fail, before and after their effect, with 429 and 5xx
	{"store", 60},    // calls of the store fail, before and after their effect
	{"crashes", 60},  // workers crash between any two calls
	{"holdups", 50},  // a call hangs; leases run out meanwhile, and the other worker takes over
	{"late", 50},     // a write arrives after its caller gave up, or twice
	{"empty", 30},    // Google answers a read with nothing, or with half an answer
	{"disturb", 70},  // rows move and change in the middle of a cycle
	{"hints", 60},    // the script tells of edits: late, twice, or naming rows that have moved
	{"api", 60},      // programs write to both sides through the API
	{"undo", 40},     // people undo
	{"columns", 40},  // people insert, move and delete columns
	{"keys", 50},     // people edit key cells
	{"keyless", 40},  // people type rows without a key
	{"blocks", 60},   // people paste, and other programs append
	{"wrong", 40},    // people type what a column cannot hold
	{"rename", 30},   // people rename tabs
	{"filter", 30},   // people filter and group
	{"removal", 40},  // people and programs delete many rows at once
	{"limit", 40},    // few deletions halt the link
	{"pauses", 30},   // the link is paused, and goes on
	{"syncs", 40},    // initial syncs, plans, cancellations
	{"owners", 30},   // columns belong to one side, or are ignored
	{"policies", 30}, // columns have policies of their own, and rules decide
	{"settings", 20}, // the link's policy is changed
	{"reverts", 20},  // changes are reverted
	{"floats", 40},   // a column of floating point numbers with 15 digits and more
	{"split", 40},    // few rows fit into one call
	{"two", 35},      // two links in one spreadsheet
	{"hidden", 20},   // a linked tab is hidden
	{"small", 30},    // a table of a few rows
	{"calm", 15},     // no conflicts: people and programs change different rows
}

func drawMix(r *rand.Rand) mix {
	m := mix{}
	for _, f := range features {
		if r.IntN(100) < f.often {
			m[f.name] = true
		}
	}
	if *only != "" {
		m = mix{}
		for _, name := range strings.Split(*only, ",") {
			m[name] = true
		}
	}
	return m
}

func (m mix) String() string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
