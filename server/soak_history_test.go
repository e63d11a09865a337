package server_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// change is one entry of a link's history, as the API tells it.
type change struct {
	key, kind, source, cause string
	before, after            map[string]string
	at                       time.Time
	name                     string
}

func (c *change) String() string {
	return fmt.Sprintf("%s history %s: %s from %s (%s): %v -> %v", clock(c.at), c.name, c.kind, c.source, c.cause, c.before, c.after)
}

// story is all that is known of a row, in order.
func (v *verdict) story(key string) string {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	for _, a := range v.byKey[key] {
		lines = append(lines, line{a.began, a.String()})
	}
	for _, c := range v.changes[key] {
		lines = append(lines, line{c.at, c.String()})
	}
	for _, e := range v.s.events {
		if len(lines) > 0 {
			lines = append(lines, line{e.at, clock(e.at) + " -- " + e.text})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var out strings.Builder
	for _, l := range lines {
		// What happened to the processes is told from the row's first moment on.
		if out.Len() > 0 || !strings.Contains(l.text, " -- ") {
			fmt.Fprintf(&out, "    %s\n", l.text)
		}
	}
	fmt.Fprintf(&out, "    now in the table: %v\n", v.table[key])
	if row, ok := v.sheet[key]; ok {
		fmt.Fprintf(&out, "    now in the sheet: row %d %q", row+2, v.tab.rows[row])
	} else {
		fmt.Fprintf(&out, "    now in the sheet: nothing")
	}
	return out.String()
}

// readTable reads a table past tandem.
func (s *soak) readTable(link *soakLink) map[string]map[string]string {
	rows, err := s.db.QueryContext(s.ctx, fmt.Sprintf("SELECT %s, COALESCE(%s, '') FROM %s", link.key, strings.Join(soakColumns, ", ''), COALESCE("), link.name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	table := map[string]map[string]string{}
	for rows.Next() {
		cells, into := make([]string, len(soakColumns)+1), make([]any, len(soakColumns)+1)
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			s.t.Fatal(err)
		}
		table[cells[0]] = map[string]string{}
		for i, column := range soakColumns {
			table[cells[0]][column] = cells[i+1]
		}
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return table
}

// readHistory reads a link's history over REST, oldest first.
func (s *soak) readHistory(link *soakLink) (all []*change) {
	for token := ""; ; {
		page := s.get(fmt.Sprintf("/v1/links/%s/changes?page_size=1000&page_token=%s", link.name, url.QueryEscape(token)))
		list, _ := page["changes"].([]any)
		for _, item := range list {
			entry := item.(map[string]any)
			c := &change{name: textOf(entry["name"]), key: textOf(entry["key"]), kind: textOf(entry["kind"]), source: strings.ToLower(textOf(entry["source"])),
				cause: textOf(entry["cause"]), before: textsOf(entry["before"]), after: textsOf(entry["after"])}
			c.at, _ = time.Parse(time.RFC3339Nano, textOf(entry["applyTime"]))
			all = append(all, c)
		}
		if token = textOf(page["nextPageToken"]); token == "" {
			slices.Reverse(all)
			return all
		}
	}
}

func textOf(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

func textsOf(value any) map[string]string {
	values, _ := value.(map[string]any)
	texts := map[string]string{}
	for name, v := range values {
		if name != "id" && name != "name" {
			texts[name] = textOf(v)
		}
	}
	return texts
}
