package sheets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
)

// layout says in which column of the tab each linked column stands, as one reading of the header row showed it.
type layout struct {
	at      []int    // by linked column; -1 when its header is not there, or stands twice
	headers []string // the header row
	missing []string // names of linked columns that were not found
	linked  span     // from the first linked column to the last
}

// headerText returns the text of a cell of the header row.
func headerText(cell any) string {
	switch cell := cell.(type) {
	case nil:
		return ""
	case string:
		return cell
	case float64:
		return plain(cell)
	}
	return strings.ToUpper(fmt.Sprint(cell))
}

// normal makes headers comparable: case, spaces and "_" do not count.
func normal(header string) string {
	return strings.NewReplacer(" ", "", "_", "", "\u00a0", "").Replace(strings.ToLower(header))
}

// layoutOf finds the linked columns by their headers. A missing key column is an error, and so is an empty header row:
// nothing may be concluded from what stands below.
func (t *Tab) layoutOf(headerRow []any) (*layout, error) {
	l := &layout{at: make([]int, len(t.columns)), linked: span{-1, -1}}
	byNormal := map[string][]int{}
	for i, cell := range headerRow {
		text := headerText(cell)
		l.headers = append(l.headers, text)
		if text != "" {
			byNormal[normal(text)] = append(byNormal[normal(text)], i)
		}
	}
	for i := range t.columns {
		// Two headers that differ only in case are not told apart: a person may have typed the second one later.
		found := byNormal[normal(t.name(i))]
		l.at[i] = -1
		if len(found) != 1 {
			if slices.Contains(t.keys, i) {
				return nil, t.keyGone(i, len(found))
			}
			l.missing = append(l.missing, t.columns[i].Name)
			continue
		}
		l.at[i] = found[0]
		if l.linked.first < 0 || found[0] < l.linked.first {
			l.linked.first = found[0]
		}
		l.linked.end = max(l.linked.end, found[0]+1)
	}
	if len(t.keys) == 0 || len(t.keys) != len(t.link.Key) {
		return nil, tandem.Errorf(tandem.CodePrecondition, tandem.HaltKeyColumnGone, "not every key column of the table is linked: %s",
			strings.Join(t.link.Key, ", "))
	}
	return l, nil
}

func (t *Tab) keyGone(column, found int) error {
	how := "is not in"
	if found > 1 {
		how = "stands more than once in"
	}
	return tandem.Errorf(tandem.CodePrecondition, tandem.HaltKeyColumnGone,
		"the header %q of the key column %s row %d of tab %q, so rows cannot be told apart; nothing was changed on either side",
		t.name(column), how, t.header+1, t.title())
}

// same reports whether the columns that are linked stand where they stood.
func (l *layout) same(other *layout) bool { return slices.Equal(l.at, other.at) }

// cell returns the cell of a linked column within a row that was read from the tab's first column on.
func (l *layout) cell(cells []any, column int) any {
	if at := l.at[column]; at >= 0 && at < len(cells) {
		return cells[at]
	}
	return nil
}
