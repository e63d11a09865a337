package store

import (
	"fmt"
	"strings"

	"github.com/tandem-sync/tandem"
)

// triggerEvents are the triggers of a link, and the rows each sees.
var triggerEvents = []struct {
	short, event string
	old, new     bool
}{
	{"ins", "INSERT", false, true},
	{"upd", "UPDATE", true, true},
	{"del", "DELETE", true, false},
}

func triggerName(link int64, short string) string { return fmt.Sprintf("tandem_%d_%s", link, short) }

// rawKey is the SQL that joins the key's parts: "~1" between them, "~" inside a part written "~0". See decodeRawKey.
func (c *capture) rawKey(row string) string {
	parts := make([]string, len(c.key))
	for i := range c.key {
		parts[i] = c.dialect.keyText(&c.key[i], row+"."+c.dialect.quote(c.key[i].Name))
	}
	if c.dialect.scheme == "sqlite" {
		return strings.Join(parts, " || '~1' || ")
	}
	return "CONCAT(" + strings.Join(parts, ", '~1', ") + ")"
}

// markedColumns are those that a trigger writes.
const markedColumns = "INSERT INTO tandem_marks (link_number, source, row_key, raw_key, marked_at, cause, actor) "

// gaveUp are the errors after which MySQL or MariaDB has undone the statement, or the whole transaction, or has to. They are
// the application's to know: who takes a deadlock for success goes on without the work that was undone.
const gaveUp = "DECLARE EXIT HANDLER FOR 1020, 1205, 1206, 1213 RESIGNAL;\n"

// mysqlTriggers mark the old and the new key, when they differ, of rows whose linked columns changed. Texts are compared
// as bytes, since a collation may find different ones equal. What foreign keys change by themselves fires no triggers there,
// so the tables that they reach are marked as a whole; our own writes mark those themselves, see cascade.tell.
//
// When a mark cannot be written (the trigger names a column that is gone, the key is too long, tandem_marks is missing), all
// that the statement may have changed is marked as a whole, and when that fails too, the statement goes on without.
func mysqlTriggers(c *capture) []trigger {
	mark := func(row string) string {
		return fmt.Sprintf("%sVALUES (%d, 'database', %s, 1, UTC_TIMESTAMP(6), 'SQL', LEFT(USER(), 255));\n", markedColumns, c.link, c.rawKey(row))
	}
	var all []trigger
	for _, e := range triggerEvents {
		var b strings.Builder
		b.WriteString("BEGIN\n" + gaveUp)
		switch {
		case e.old && e.new:
			fmt.Fprintf(&b, "%sIF NOT (@tandem_link <=> %d OR %s) THEN\n%s", orWhole(c.link, c.onUpdate), c.link, c.unchanged(c.linked), mark("NEW"))
			fmt.Fprintf(&b, "IF NOT (%s) THEN\n%sEND IF;\nEND IF;\n", c.unchanged(c.key), mark("OLD"))
			if len(c.onUpdate) > 0 {
				fmt.Fprintf(&b, "IF NOT (@tandem_link <=> %d OR %s) THEN\n%sEND IF;\n", c.link, c.unchanged(c.referenced), markWhole(c.onUpdate))
			}
		case e.new:
			fmt.Fprintf(&b, "%sIF NOT (@tandem_link <=> %d) THEN\n%sEND IF;\n", orWhole(c.link, nil), c.link, mark("NEW"))
		default:
			fmt.Fprintf(&b, "%sIF NOT (@tandem_link <=> %d) THEN\n%s%sEND IF;\n", orWhole(c.link, c.onDelete), c.link, mark("OLD"), markWhole(c.onDelete))
		}
		b.WriteString("END")
		name, fires := triggerName(c.link, e.short), "AFTER "+e.event
		all = append(all, trigger{name: name, body: fires + " " + b.String(),
			create: fmt.Sprintf("CREATE TRIGGER %s %s ON %s FOR EACH ROW %s", name, fires, c.dialect.quote(c.table), b.String())})
	}
	return all
}

// orWhole is the handler for marks that cannot be written.
func orWhole(link int64, reached []int64) string {
	return "DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN\n" + gaveUp + "DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END;\n" +
		markWhole(append([]int64{link}, reached...)) + "END;\n"
}

// markWhole marks all rows of links; "" when there are none.
func markWhole(links []int64) string {
	if len(links) == 0 {
		return ""
	}
	marks := make([]string, len(links))
	for i, link := range links {
		marks[i] = fmt.Sprintf("(%d, 'database', '', 1, UTC_TIMESTAMP(6), 'SQL', '')", link)
	}
	return markedColumns + "VALUES " + strings.Join(marks, ", ") + ";\n"
}

// unchanged is the SQL that compares the old row with the new.
func (c *capture) unchanged(columns []tandem.Column) string {
	parts := make([]string, len(columns))
	for i := range columns {
		name := c.dialect.quote(columns[i].Name)
		parts[i] = "OLD." + name + " <=> NEW." + name
		switch columns[i].Type.Kind {
		case tandem.String, tandem.Bytes:
			parts[i] = "CAST(OLD." + name + " AS BINARY) <=> CAST(NEW." + name + " AS BINARY)"
		case tandem.Timestamp: // as instants: the writer's clocks may show two of them alike
			parts[i] = "UNIX_TIMESTAMP(OLD." + name + ") <=> UNIX_TIMESTAMP(NEW." + name + ")"
		}
	}
	return strings.Join(parts, " AND ")
}

// mysqlKeyText is the same whatever time zone, character set and mode the writer's session has.
func mysqlKeyText(c *tandem.Column, ref string) string {
	switch {
	case c.Type.Kind == tandem.Timestamp:
		ref = "UNIX_TIMESTAMP(" + ref + ")"
	case c.Type.Kind == tandem.Bytes:
		ref = "HEX(" + ref + ")"
	case strings.HasPrefix(c.Type.Native, "bit"):
		ref += "+0"
	}
	text := "CONVERT(" + ref + " USING utf8mb4)"
	if c.Type.Kind == tandem.String {
		return "REPLACE(" + text + ", '~', '~0')"
	}
	return text
}

// sqliteTriggers name the key's columns only, so that they stand in the way of no ALTER TABLE … DROP COLUMN but the key's.
func sqliteTriggers(c *capture) []trigger {
	mark := func(row, where string) string {
		return fmt.Sprintf(markedColumns+"SELECT %d, 'database', %s, 1, strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now'), 'SQL', ''%s;\n", c.link, c.rawKey(row), where)
	}
	var all []trigger
	for _, e := range triggerEvents {
		body := ""
		if e.new {
			body += mark("NEW", "")
		}
		if e.old && e.new {
			body += mark("OLD", " WHERE "+c.rawKey("OLD")+" IS NOT "+c.rawKey("NEW"))
		} else if e.old {
			body += mark("OLD", "")
		}
		name := triggerName(c.link, e.short)
		create := fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s BEGIN\n%sEND", name, e.event, c.dialect.quote(c.table), body)
		all = append(all, trigger{name: name, create: create, body: create})
	}
	return all
}

// sqliteKeyText spells what decodeRawKey reads. A key column of another storage class than its type's has no usable key anyway.
func sqliteKeyText(c *tandem.Column, ref string) string {
	if c.Type.Kind == tandem.String {
		return "replace(" + ref + ", '~', '~0')"
	}
	return "CAST(" + ref + " AS TEXT)"
}
