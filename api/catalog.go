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

// CatalogService shows what can be linked.
type CatalogService struct {
	tandemv1.UnimplementedCatalogServiceServer
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
	table, err := s.Tables.Table(ctx, name)
	if err != nil {
		return nil, err
	}
	return tableMessage(table), nil
}

// ListTabs lists the tabs of a spreadsheet.
func (s *CatalogService) ListTabs(ctx context.Context, r *tandemv1.ListTabsRequest) (*tandemv1.ListTabsResponse, error) {
	sheet, err := s.Spreadsheets.Spreadsheet(ctx, strings.TrimPrefix(r.GetParent(), "spreadsheets/"), 1)
	if err != nil {
		return nil, err
	}
	response := &tandemv1.ListTabsResponse{SpreadsheetTitle: sheet.Title, TimeZone: sheet.TimeZone, Locale: sheet.Locale}
	for _, tab := range sheet.Tabs {
		if tab.Title == ownTab {
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
