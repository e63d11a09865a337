package api

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// ownTab is the hidden tab that guarded writes use; it is nobody else's business.
const ownTab = "_tandem"

// Tables are the tables of the database, those that cannot be linked included.
type Tables interface {
	// Tables returns all tables by name, Tandem's own left out.
	Tables(ctx context.Context) ([]tandem.Table, error)
	// Table returns tandem.ErrNotFound when there is none of that name.
	Table(ctx context.Context, name string) (*tandem.Table, error)
}

// Spreadsheets are the spreadsheets that Tandem's Google account can open.
type Spreadsheets interface {
	// Spreadsheet returns a spreadsheet with its tabs; Headers are the texts of row headerRow, from 1.
	Spreadsheet(ctx context.Context, id string, headerRow int) (*tandem.Spreadsheet, error)
	// AddTab adds an empty tab.
	AddTab(ctx context.Context, spreadsheet, title string) (tandem.TabInfo, error)
	// SetUp writes the headers of a link's empty tab, with the columns' formats.
	SetUp(ctx context.Context, link *tandem.Link, columns []tandem.Column) error
}

// CatalogLinks are the stored links.
type CatalogLinks interface {
	Links(ctx context.Context) ([]tandem.Link, error)
}

// CatalogService shows what can be linked.
//
// Those who make links see everything there is. Others see the tables of the database, and the spreadsheets that are linked: not
// every sheet that the server's Google account can open is theirs to look at. Callers that are limited to certain links see the
// tables and tabs of these.
type CatalogService struct {
	tandemv1.UnimplementedCatalogServiceServer
	Links        CatalogLinks
	Tables       Tables
	Spreadsheets Spreadsheets
}

// ListTables lists the tables of the database.
func (s *CatalogService) ListTables(ctx context.Context, r *tandemv1.ListTablesRequest) (*tandemv1.ListTablesResponse, error) {
	page, err := parsePage("tables", r.GetPageToken())
	if err != nil {
		return nil, err
	}
	tables, err := s.Tables.Tables(ctx)
	if err != nil {
		return nil, err
	}
	if caller := tandem.CallerOf(ctx); caller.Limited() {
		links, err := s.seen(ctx, caller)
		if err != nil {
			return nil, err
		}
		tables = slices.DeleteFunc(tables, func(t tandem.Table) bool { return !tableLinked(links, t.Name) })
	}
	slices.SortFunc(tables, func(a, b tandem.Table) int { return strings.Compare(a.Name, b.Name) })
	tables = slices.DeleteFunc(tables, func(t tandem.Table) bool { return page.After != "" && t.Name <= page.After })
	response := &tandemv1.ListTablesResponse{}
	limit := pageSize(r.GetPageSize())
	for i := range tables[:min(limit, len(tables))] {
		response.Tables = append(response.Tables, tableMessage(&tables[i]))
	}
	if len(tables) > limit {
		response.NextPageToken = pageToken{Scope: "tables", After: tables[limit-1].Name}.encode()
	}
	return response, nil
}

// GetTable returns one table.
func (s *CatalogService) GetTable(ctx context.Context, r *tandemv1.GetTableRequest) (*tandemv1.Table, error) {
	name, err := url.PathUnescape(strings.TrimPrefix(r.GetName(), "tables/"))
	if err != nil {
		return nil, tandem.InvalidField("name", "%q is not percent-encoded as it should be: %v", r.GetName(), err)
	}
	if caller := tandem.CallerOf(ctx); caller.Limited() {
		links, err := s.seen(ctx, caller)
		if err != nil {
			return nil, err
		}
		if !tableLinked(links, name) {
			return nil, refused("this token is limited to certain links, and none of them has this table")
		}
	}
	table, err := s.Tables.Table(ctx, name)
	if err != nil {
		return nil, err
	}
	return tableMessage(table), nil
}

// ListTabs lists the tabs of a spreadsheet.
func (s *CatalogService) ListTabs(ctx context.Context, r *tandemv1.ListTabsRequest) (*tandemv1.ListTabsResponse, error) {
	id := strings.TrimPrefix(r.GetParent(), "spreadsheets/")
	hidden, err := s.hiddenTabs(ctx, id)
	if err != nil {
		return nil, err
	}
	sheet, err := s.Spreadsheets.Spreadsheet(ctx, id, 1)
	if err != nil {
		return nil, err
	}
	response := &tandemv1.ListTabsResponse{SpreadsheetTitle: sheet.Title, TimeZone: sheet.TimeZone, Locale: sheet.Locale}
	for _, tab := range sheet.Tabs {
		if tab.Title == ownTab || hidden(tab.SheetID) {
			continue
		}
		headers := tab.Headers
		for len(headers) > 0 && headers[len(headers)-1] == "" {
			headers = headers[:len(headers)-1]
		}
		response.Tabs = append(response.Tabs, &tandemv1.Tab{SheetId: int32(tab.SheetID), Title: tab.Title, RowCount: count(tab.Rows),
			ColumnCount: count(tab.Columns), Hidden: tab.Hidden, Headers: headers})
	}
	return response, nil
}

// seen returns the links that a caller may see.
func (s *CatalogService) seen(ctx context.Context, caller tandem.Caller) ([]tandem.Link, error) {
	links, err := s.Links.Links(ctx)
	return slices.DeleteFunc(links, func(l tandem.Link) bool { return !caller.Sees(l.ID) }), err
}

func tableLinked(links []tandem.Link, table string) bool {
	return slices.ContainsFunc(links, func(l tandem.Link) bool { return l.Table == table })
}

// hiddenTabs tells which tabs of a spreadsheet the caller may not see, before Google is asked.
func (s *CatalogService) hiddenTabs(ctx context.Context, spreadsheet string) (func(sheet int64) bool, error) {
	caller := tandem.CallerOf(ctx)
	if caller.Role.Includes(tandem.RoleAdmin) && !caller.Limited() {
		return func(int64) bool { return false }, nil
	}
	links, err := s.seen(ctx, caller)
	if err != nil {
		return nil, err
	}
	links = slices.DeleteFunc(links, func(l tandem.Link) bool { return l.SpreadsheetID != spreadsheet })
	if len(links) == 0 {
		return nil, refused("this token sees spreadsheets of its links only; any other needs the role ADMIN, without limits")
	}
	return func(sheet int64) bool {
		return caller.Limited() && !slices.ContainsFunc(links, func(l tandem.Link) bool { return l.SheetID == sheet })
	}, nil
}

func tableMessage(t *tandem.Table) *tandemv1.Table {
	out := &tandemv1.Table{Name: "tables/" + escapeKey(tandem.Key(t.Name)), Table: t.Name, PrimaryKey: t.Key, EstimatedRowCount: t.Rows,
		Linkable: t.Linkable, UnlinkableReason: t.Problem}
	for i := range t.Columns {
		out.Columns = append(out.Columns, columnMessage(&t.Columns[i]))
	}
	return out
}

func columnMessage(c *tandem.Column) *tandemv1.Column {
	return &tandemv1.Column{
		Name:           c.Name,
		Kind:           columnKind(c.Type),
		NativeType:     c.Type.Native,
		Nullable:       c.Nullable,
		Unsigned:       c.Type.Unsigned,
		Precision:      int32(c.Type.Precision),
		Scale:          int32(c.Type.Scale),
		Length:         int64(c.Type.Length),
		FractionDigits: int32(c.Type.Fraction),
		EnumValues:     c.Type.Values,
		KeyPosition:    int32(c.KeyPosition),
		HasDefault:     c.HasDefault,
		AutoIncrement:  c.AutoIncrement,
		Generated:      c.Generated,
	}
}

// columnKinds are the kinds that follow from the family of a type alone.
var columnKinds = map[tandem.Kind]tandemv1.Column_Kind{
	tandem.Decimal: tandemv1.Column_DECIMAL, tandem.Float: tandemv1.Column_FLOAT, tandem.Bool: tandemv1.Column_BOOLEAN,
	tandem.Date: tandemv1.Column_DATE, tandem.DateTime: tandemv1.Column_DATETIME, tandem.Timestamp: tandemv1.Column_TIMESTAMP,
	tandem.Time: tandemv1.Column_TIME, tandem.Year: tandemv1.Column_YEAR, tandem.Bytes: tandemv1.Column_BYTES,
}

func columnKind(t tandem.Type) tandemv1.Column_Kind {
	switch {
	case t.Kind == tandem.Int && formOf(t) == numberForm:
		return tandemv1.Column_INTEGER
	case t.Kind == tandem.Int:
		return tandemv1.Column_BIGINT
	case t.Kind == tandem.String && t.JSON:
		return tandemv1.Column_JSON
	case t.Kind == tandem.String && len(t.Values) > 0:
		return tandemv1.Column_ENUM
	case t.Kind == tandem.String:
		return tandemv1.Column_TEXT
	}
	if kind, known := columnKinds[t.Kind]; known {
		return kind
	}
	return tandemv1.Column_OTHER
}
