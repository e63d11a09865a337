package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// pairing pairs columns of a table with headers of a tab.
type pairing struct {
	table   *tandem.Table
	headers []string
	empty   bool // the tab has no headers yet: they will be written
	missing *violations
	bad     *violations
}

// pair returns the columns of a link: those given, or all that have a header when none is given. Violations are recorded.
func (p *pairing) pair(given []*tandemv1.Link_Column) []tandem.LinkColumn {
	columns := p.given(given)
	if len(given) == 0 {
		columns = p.byHeader()
	}
	p.unique(columns)
	for _, key := range p.table.Key {
		if !slices.ContainsFunc(columns, func(c tandem.LinkColumn) bool { return c.Column == key }) {
			p.missing.add("link.columns", "the key column %q is not among the columns: the tab needs a header for it", key)
		}
	}
	if len(columns) == 0 && len(*p.missing) == 0 {
		p.missing.add("link.columns", "no column of table %q has a header in the tab", p.table.Name)
	}
	return columns
}

// given checks columns that the caller named, and finds their headers.
func (p *pairing) given(given []*tandemv1.Link_Column) []tandem.LinkColumn {
	var columns []tandem.LinkColumn
	for i, g := range given {
		field := fmt.Sprintf("link.columns[%d]", i)
		c := tandem.LinkColumn{Column: g.GetColumn(), Header: g.GetHeader(), Owner: ownerOf(g.GetOwner()), Policy: policyOf(g.GetConflictPolicy())}
		column := p.table.Column(c.Column)
		switch {
		case column == nil:
			p.bad.add(field+".column", "table %q has no column %q; its columns are %s", p.table.Name, c.Column, columnList(p.table.Columns))
			continue
		case column.Type.Kind == tandem.Unknown:
			p.bad.add(field+".column", "column %q holds %s, which cannot be linked", c.Column, column.Type.Native)
			continue
		}
		c.Type = column.Type.Native
		switch {
		case c.Header == "" && p.empty:
			c.Header = c.Column
		case c.Header == "":
			c.Header = p.headerOf(field+".header", c.Column)
		case !p.empty:
			p.stands(field+".header", c.Header)
		}
		columns = append(columns, c)
	}
	return columns
}

// stands records a violation unless header stands in the tab once.
func (p *pairing) stands(field, header string) {
	n := 0
	for _, h := range p.headers {
		if h == header {
			n++
		}
	}
	switch {
	case n == 0:
		p.missing.add(field, "the tab has no header %q", header)
	case n > 1:
		p.missing.add(field, "the header %q stands %d times in the tab; rename all but one", header, n)
	}
}

// headerOf returns the header that equals a column's name, case and "_" or space aside; an exact one goes first.
func (p *pairing) headerOf(field, column string) string {
	var found []string
	for _, h := range p.headers {
		if h != "" && plain(h) == plain(column) {
			found = append(found, h)
		}
	}
	exact := slices.DeleteFunc(slices.Clone(found), func(h string) bool { return h != column })
	switch {
	case len(exact) == 1:
		return exact[0]
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		p.missing.add(field, "the headers %q all fit column %q; rename all but one, or say which one to link", found, column)
	default:
		p.missing.add(field, "the tab has no header for column %q", column)
	}
	return ""
}

// byHeader pairs every column that has a header; on an empty tab, every column. Columns of bytes are linked only when they
// are named.
func (p *pairing) byHeader() []tandem.LinkColumn {
	var columns []tandem.LinkColumn
	for _, column := range p.table.Columns {
		if column.Type.Kind == tandem.Unknown || column.Type.Kind == tandem.Bytes && column.KeyPosition == 0 {
			continue
		}
		header := column.Name
		if !p.empty {
			if !slices.ContainsFunc(p.headers, func(h string) bool { return h != "" && plain(h) == plain(column.Name) }) {
				continue
			}
			if header = p.headerOf("link.columns", column.Name); header == "" {
				continue
			}
		}
		columns = append(columns, tandem.LinkColumn{Column: column.Name, Header: header, Owner: tandem.OwnerShared, Type: column.Type.Native})
	}
	return columns
}

// unique records a violation for a column or header that is linked twice.
func (p *pairing) unique(columns []tandem.LinkColumn) {
	names, headers := map[string]bool{}, map[string]bool{}
	for _, c := range columns {
		if names[c.Column] {
			p.bad.add("link.columns", "the column %q is linked twice", c.Column)
		}
		if c.Header != "" && headers[c.Header] {
			p.bad.add("link.columns", "the header %q is linked twice", c.Header)
		}
		names[c.Column], headers[c.Header] = true, true
	}
}

// tableColumns returns the table's columns in the order of the link's.
func (p *pairing) tableColumns(columns []tandem.LinkColumn) []tandem.Column {
	found := make([]tandem.Column, 0, len(columns))
	for _, c := range columns {
		if column := p.table.Column(c.Column); column != nil {
			found = append(found, *column)
		}
	}
	return found
}

func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", " ", "").Replace(name))
}

// settingsNamed returns the fields of a link that an update_mask names; those present when there is none. Paths may be
// spelled as in the contract or as in JSON. Output-only fields and the name are passed over.
func settingsNamed(given *tandemv1.Link, paths []string, bad *violations) []string {
	message := given.ProtoReflect()
	fields := message.Descriptor().Fields()
	if slices.Contains(paths, "*") {
		return []string{"display_name", "columns", "conflict_policy", "preferred_source", "update_time_column", "delete_limit", "rules", "show_errors_in_sheet",
			"show_status_in_sheet", "alert_url", "table", "spreadsheet_id", "tab", "header_row"}
	}
	var named []string
	if len(paths) == 0 {
		message.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			named = append(named, string(field.Name()))
			return true
		})
		return named
	}
	for _, path := range paths {
		name, rest, nested := strings.Cut(path, ".")
		field := fields.ByName(protoreflect.Name(name))
		if field == nil {
			field = fields.ByJSONName(name)
		}
		switch {
		case path == "": // made by the gateway of an empty body
		case field == nil:
			bad.add("update_mask", "a link has no field %q", path)
		case nested && field.Name() == "delete_limit":
			if rest != "count" && rest != "percent" {
				bad.add("update_mask", "a link has no field %q", path)
			}
			named = append(named, "delete_limit."+rest)
		default:
			named = append(named, string(field.Name()))
		}
	}
	return named
}
