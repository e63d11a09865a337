package store

import (
	"regexp"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/tandem-sync/tandem"
)

// maxLoggedRows is how many rows of one transaction are told apart; of a larger one, the tables are looked at whole.
const maxLoggedRows = 10_000

// loggedTransaction is what one transaction in the log means, gathered until it ends.
type loggedTransaction struct {
	id   replication.Event // its global id
	file logFile           // that it stands in
	open bool              // more events of it follow
	at   time.Time         // when it was committed, where the log says so exactly

	changes []loggedChange
	index   map[changedRow]int // into changes
	crowded map[*loggedTable]bool
	whole   map[int64]bool // links to look at whole
	// everything is set when it cannot be told what was changed: every link is looked at whole.
	everything bool

	// settled are rows that the transaction itself marked, or whose baseline it moved: it is one of our own, which wrote the
	// row because of what it knew already.
	settled map[markedRow]bool
	asked   []string // rows of tandem_positions that wait for the reader
	deleted []int64  // links
}

// changedRow is a row of a linked table, markedRow one of a link; the empty key is the whole link.
type (
	changedRow struct {
		table *loggedTable
		key   tandem.Key
	}
	markedRow struct {
		link int64
		key  tandem.Key
	}
)

// loggedChange is what befell a row: which of the table's links are concerned, and which others a foreign key takes along.
type loggedChange struct {
	changedRow
	links   map[int64]bool
	reached map[int64]bool
}

func newLoggedTransaction(id replication.Event) *loggedTransaction {
	return &loggedTransaction{id: id, index: map[changedRow]int{}, crowded: map[*loggedTable]bool{}, whole: map[int64]bool{}, settled: map[markedRow]bool{}}
}

// change notes a change of a row.
func (t *loggedTransaction) change(table *loggedTable, key tandem.Key, links, reached []int64) {
	if len(t.changes) >= maxLoggedRows {
		t.crowd(table)
		return
	}
	row := changedRow{table, key}
	at, known := t.index[row]
	if !known {
		at = len(t.changes)
		t.index[row] = at
		t.changes = append(t.changes, loggedChange{changedRow: row, links: map[int64]bool{}, reached: map[int64]bool{}})
	}
	for _, link := range links {
		t.changes[at].links[link] = true
	}
	for _, link := range reached {
		t.changes[at].reached[link] = true
	}
}

// crowd has the whole table looked at, and everything that its rows may have taken along.
func (t *loggedTransaction) crowd(table *loggedTable) {
	t.crowded[table] = true
	for i := range table.links {
		t.whole[table.links[i].Number] = true
	}
	for _, links := range [][]int64{table.onDelete, table.onUpdate} {
		for _, link := range links {
			t.whole[link] = true
		}
	}
}

// merge adds what another transaction did.
func (t *loggedTransaction) merge(other *loggedTransaction) {
	t.changes = append(t.changes, other.changes...)
	for link := range other.whole {
		t.whole[link] = true
	}
	for table := range other.crowded {
		t.crowded[table] = true
	}
	t.everything = t.everything || other.everything
}

// marks returns what has to be looked at, without what the transaction settled itself. Rows that go by a foreign key of a row
// that was settled were marked with it: see cascade.tell.
func (t *loggedTransaction) marks() map[markedRow]bool {
	found := map[markedRow]bool{}
	add := func(link int64, key tandem.Key) {
		if row := (markedRow{link, key}); !t.settled[row] {
			found[row] = true
		}
	}
	for _, change := range t.changes {
		if t.crowded[change.table] {
			continue
		}
		ours := false
		for i := range change.table.links {
			ours = ours || t.settled[markedRow{change.table.links[i].Number, change.key}]
		}
		for link := range change.links {
			add(link, change.key)
		}
		for link := range change.reached {
			if !ours {
				add(link, "")
			}
		}
	}
	for link := range t.whole {
		add(link, "")
	}
	return found
}

// What a statement in the log is. Rows of linked tables come as row events; a statement that changes rows itself comes from a
// session whose binlog_format is not ROW.
type statementKind int

const (
	harmless statementKind = iota
	begins
	ends
	prepares // XA
	definition
	unknown
)

var statementKinds = map[string]statementKind{
	"BEGIN": begins, "START": begins, "COMMIT": ends, "ROLLBACK": ends, "XA": prepares,
	"SAVEPOINT": harmless, "RELEASE": harmless, "GRANT": harmless, "REVOKE": harmless, "FLUSH": harmless, "ANALYZE": harmless, "OPTIMIZE": harmless, "CHECK": harmless,
	"REPAIR": harmless, "SET": harmless, "": harmless, "INSTALL": harmless, "UNINSTALL": harmless,
	"CREATE": definition, "ALTER": definition, "DROP": definition, "RENAME": definition, "TRUNCATE": definition,
}

// kindOf tells what a statement is by its first word.
func kindOf(statement string) (statementKind, string) {
	statement = withoutComments(statement)
	word := statement
	if end := strings.IndexFunc(statement, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }); end >= 0 {
		word = statement[:end]
	}
	word = strings.ToUpper(word)
	if word == "ROLLBACK" && strings.HasPrefix(strings.ToUpper(strings.Join(strings.Fields(statement), " ")), "ROLLBACK TO") {
		return harmless, word
	}
	if kind, known := statementKinds[word]; known && (word != "" || statement == "") {
		return kind, word
	}
	return unknown, word
}

// versioned begins a comment whose content the server runs.
var versioned = regexp.MustCompile(`^/\*M?![0-9]*`)

// withoutComments cuts off what stands before the first word.
func withoutComments(statement string) string {
	for {
		statement = strings.TrimLeft(statement, " \t\r\n(;")
		switch {
		case versioned.MatchString(statement):
			statement = versioned.ReplaceAllString(statement, "")
		case strings.HasPrefix(statement, "/*"):
			_, statement, _ = strings.Cut(statement, "*/")
		case strings.HasPrefix(statement, "#"), strings.HasPrefix(statement, "--"):
			_, statement, _ = strings.Cut(statement, "\n")
		default:
			return statement
		}
	}
}

// names reports whether a statement may speak of a table: too often rather than too seldom.
func names(statement, table string) bool {
	if strings.ContainsAny(table, "`\\") || !isASCII(table) {
		return true
	}
	return strings.Contains(strings.ToLower(statement), strings.ToLower(table))
}
