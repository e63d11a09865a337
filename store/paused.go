package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
)

// A linked column that is gone from the table, or has become of another type, stays in its place among the fields, without a
// type: it is not read, its values are absent, and nothing is written to it. All other columns flow.

// Problems says, by column, why a linked column cannot flow: it is gone from the table, or its type is another one now.
func (t *Table) Problems() map[string]string { return t.problems }

// linkedColumn returns the column as the table has it now, and why it cannot flow. For a column of the key that is an error:
// rows could not be told apart as they were.
func (t *Table) linkedColumn(linked *tandem.LinkColumn) (tandem.Column, string, error) {
	column := t.info.Column(linked.Column)
	why := ""
	switch {
	case column == nil:
		why = t.goneColumn(linked)
	case column.Type.Kind == tandem.Unknown:
		why = fmt.Sprintf("the column %q %s; change it back, or remove this column from the link", linked.Column, unlinkable(column))
	case linked.Type != "" && linked.Type != column.Type.Native: // MariaDB spells JSON and LONGTEXT alike
		was := t.store.dialect.typeOf(linked.Type)
		narrowed := t.store.dialect.narrowed(was, column.Type)
		if column.KeyPosition > 0 && was.Kind == column.Type.Kind {
			narrowed = ""
		}
		if narrowed != "" {
			why = fmt.Sprintf("the column %q was %s when it was linked and is %s now: %s; to go on with the new type, map the column again with an update of the link, or change it back",
				linked.Column, linked.Type, column.Type.Native, narrowed)
		}
	}
	switch {
	case why == "":
		return *column, "", nil
	case slices.Contains(t.info.Key, linked.Column):
		return tandem.Column{}, "", tableChanged(t.link, "%s", why)
	}
	return tandem.Column{Name: linked.Column, Nullable: true}, why, nil
}

// goneColumn names the columns that one which is gone may have become.
func (t *Table) goneColumn(linked *tandem.LinkColumn) string {
	var others []string
	for i := range t.info.Columns {
		c := &t.info.Columns[i]
		isLinked := slices.ContainsFunc(t.link.Columns, func(other tandem.LinkColumn) bool { return other.Column == c.Name })
		if !isLinked && c.Type.Kind != tandem.Unknown {
			others = append(others, fmt.Sprintf("%q", c.Name))
		}
	}
	if len(others) == 0 {
		return fmt.Sprintf("the column %q is no longer in the table; add it there again, or remove this column from the link", linked.Column)
	}
	return fmt.Sprintf("the column %q is no longer in the table; columns there that are not linked: %s; if it was renamed, map its new name with an update of the link, "+
		"or remove this column from the link", linked.Column, strings.Join(others, ", "))
}
