package api

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// linkDraft is a link that was checked against its table and its tab, and is not stored yet.
type linkDraft struct {
	link    tandem.Link
	columns []tandem.Column // of the table, in the order of link.Columns
	addTab  bool            // the tab is not there yet
	empty   bool            // the tab has no headers yet
}

// reader reads a spreadsheet's tabs and their headers, as Spreadsheets does. Headers of other tabs than the draft's are not needed.
type reader func(ctx context.Context, id string, headerRow int) (*tandem.Spreadsheet, error)

const reasonCannotLink = "CANNOT_LINK"

// draft checks everything about a new link, so that a caller learns at once all that is in the way.
func (s *LinkService) draft(ctx context.Context, id string, given *tandemv1.Link, read reader) (*linkDraft, error) {
	d := &linkDraft{link: tandem.Link{
		ID:               id,
		DisplayName:      given.GetDisplayName(),
		Table:            given.GetTable(),
		SpreadsheetID:    given.GetSpreadsheetId(),
		Tab:              given.GetTab(),
		HeaderRow:        max(1, int(given.GetHeaderRow())),
		Policy:           policyOf(given.GetConflictPolicy()),
		PreferredSource:  sourceOf(given.GetPreferredSource()),
		UpdateTimeColumn: given.GetUpdateTimeColumn(),
		DeleteLimit:      tandem.DeleteLimit{Count: int(given.GetDeleteLimit().GetCount()), Percent: int(given.GetDeleteLimit().GetPercent())},
		Rules:            rulesOf(given.GetRules()),
		HideErrors:       hidden(given.ShowErrorsInSheet),
		HideStatus:       hidden(given.ShowStatusInSheet),
		AlertURL:         given.GetAlertUrl(),
		State:            tandem.StateNew,
	}}
	setDefaults(&d.link)
	var missing, bad violations
	checkAlertURL(d.link.AlertURL, &bad)
	table, err := s.linkable(ctx, d.link.Table, &missing)
	if err != nil {
		return nil, err
	}
	headers, err := s.tab(ctx, d, given.GetCreateTab(), &missing, read)
	if err != nil {
		return nil, err
	}
	if table != nil {
		d.link.Key = table.Key
		checkUpdateTime(table, d.link.UpdateTimeColumn, &bad)
	}
	if table != nil && headers != nil {
		p := pairing{table: table, headers: headers, empty: d.empty, missing: &missing, bad: &bad}
		d.link.Columns = p.pair(given.GetColumns())
		d.columns = p.tableColumns(d.link.Columns)
		if err := s.checkRules(d.columns, d.link.Rules, &bad); err != nil {
			return nil, err
		}
	}
	if len(bad) > 0 {
		return nil, append(bad, missing...).err()
	}
	if problem := missing.problem(); problem != nil {
		problem.Code, problem.Reason, problem.Message = tandem.CodePrecondition, reasonCannotLink, "this table and this tab cannot be linked as they are"
		return nil, problem
	}
	return d, nil
}

// setDefaults spells out what the contract says of settings that are not given.
func setDefaults(link *tandem.Link) {
	if link.Policy == "" {
		link.Policy = tandem.LastWriteWins
	}
	if link.PreferredSource == "" {
		link.PreferredSource = tandem.Database
	}
}

// hidden reports whether something that is shown unless said otherwise is not to be shown.
func hidden(show *bool) bool { return show != nil && !*show }

// checkAlertURL records a violation unless alerts can be posted to address, or there is none.
func checkAlertURL(address string, bad *violations) {
	if address == "" {
		return
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" {
		bad.add("link.alert_url", "it must be an address such as https://example.com/alerts")
	}
}

// linkable returns the table, or nil and why it cannot be linked.
func (s *LinkService) linkable(ctx context.Context, name string, missing *violations) (*tandem.Table, error) {
	table, err := s.Tables.Table(ctx, name)
	switch {
	case errors.Is(err, tandem.ErrNotFound):
		missing.add("link.table", "the database has no table %q", name)
		return nil, nil
	case err != nil:
		return nil, err
	case !table.Linkable:
		missing.add("link.table", "table %q cannot be linked: %s", name, table.Problem)
		return nil, nil
	}
	return table, nil
}

// tab completes the draft with what the spreadsheet says, and returns the tab's headers; nil where there is no such tab.
func (s *LinkService) tab(ctx context.Context, d *linkDraft, create bool, missing *violations, read reader) ([]string, error) {
	sheet, err := read(ctx, d.link.SpreadsheetID, d.link.HeaderRow)
	var known *tandem.Error
	if errors.As(err, &known) && (known.Code == tandem.CodeNotFound || known.Code == tandem.CodePermission || known.Code == tandem.CodePrecondition) {
		missing.add("link.spreadsheet_id", "%s", known.Message)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d.link.TimeZone = sheet.TimeZone
	var titles []string
	for _, tab := range sheet.Tabs {
		if tab.Title == d.link.Tab && tab.Title != ownTab {
			d.link.SheetID = tab.SheetID
			d.empty = strings.Join(tab.Headers, "") == ""
			return append([]string{}, tab.Headers...), nil
		}
		if tab.Title != ownTab {
			titles = append(titles, fmt.Sprintf("%q", tab.Title))
		}
	}
	if !create || d.link.Tab == ownTab {
		missing.add("link.tab", "the spreadsheet has no tab %q; it has %s", d.link.Tab, strings.Join(titles, ", "))
		return nil, nil
	}
	d.addTab, d.empty = true, true
	return []string{}, nil
}

func checkUpdateTime(table *tandem.Table, name string, bad *violations) {
	if name == "" {
		return
	}
	column := table.Column(name)
	switch {
	case column == nil:
		bad.add("link.update_time_column", "table %q has no column %q", table.Name, name)
	case column.Type.Kind != tandem.DateTime && column.Type.Kind != tandem.Timestamp:
		bad.add("link.update_time_column", "column %q holds %s, not a date and time", name, column.Type.Native)
	}
}

// change lays the settings that paths name over link. With compare, both sides have to be compared again under them.
func (s *LinkService) change(ctx context.Context, link *tandem.Link, given *tandemv1.Link, paths []string) (compare bool, err error) {
	var bad violations
	for _, field := range settingsNamed(given, paths, &bad) {
		switch field {
		case "display_name":
			link.DisplayName = given.GetDisplayName()
		case "conflict_policy":
			link.Policy, compare = policyOf(given.GetConflictPolicy()), true
		case "preferred_source":
			link.PreferredSource = sourceOf(given.GetPreferredSource())
		case "update_time_column":
			link.UpdateTimeColumn = given.GetUpdateTimeColumn()
		case "delete_limit":
			link.DeleteLimit = tandem.DeleteLimit{Count: int(given.GetDeleteLimit().GetCount()), Percent: int(given.GetDeleteLimit().GetPercent())}
		case "delete_limit.count":
			link.DeleteLimit.Count = int(given.GetDeleteLimit().GetCount())
		case "delete_limit.percent":
			link.DeleteLimit.Percent = int(given.GetDeleteLimit().GetPercent())
		case "columns":
			compare = true
		case "rules":
			link.Rules, compare = rulesOf(given.GetRules()), true
		case "show_errors_in_sheet": // what the tab shows is looked at in a cycle
			compare = compare || link.HideErrors != hidden(given.ShowErrorsInSheet)
			link.HideErrors = hidden(given.ShowErrorsInSheet)
		case "show_status_in_sheet":
			compare = compare || link.HideStatus != hidden(given.ShowStatusInSheet)
			link.HideStatus = hidden(given.ShowStatusInSheet)
		case "alert_url":
			link.AlertURL = given.GetAlertUrl()
			checkAlertURL(link.AlertURL, &bad)
		default:
			unchanged(link, given, field, &bad)
		}
	}
	setDefaults(link)
	if err := bad.err(); err != nil {
		return false, err
	}
	return compare, s.recheck(ctx, link, given, paths)
}

// recheck checks changed settings against the table and the tab.
func (s *LinkService) recheck(ctx context.Context, link *tandem.Link, given *tandemv1.Link, paths []string) error {
	named := settingsNamed(given, paths, &violations{})
	columns, rules := slices.Contains(named, "columns"), slices.Contains(named, "rules")
	if !columns && !rules && !slices.Contains(named, "update_time_column") {
		return nil
	}
	var missing, bad violations
	table, err := s.linkable(ctx, link.Table, &missing)
	if err != nil {
		return err
	}
	if table != nil {
		checkUpdateTime(table, link.UpdateTimeColumn, &bad)
	}
	if table != nil && columns {
		d := &linkDraft{link: *link}
		headers, err := s.tab(ctx, d, false, &missing, s.Spreadsheets.Spreadsheet)
		if err != nil {
			return err
		}
		if headers != nil {
			p := pairing{table: table, headers: headers, empty: d.empty, missing: &missing, bad: &bad}
			link.Columns = p.pair(given.GetColumns())
		}
	}
	if table != nil && (columns || rules) && len(bad)+len(missing) == 0 {
		p := pairing{table: table}
		if err := s.checkRules(p.tableColumns(link.Columns), link.Rules, &bad); err != nil {
			return err
		}
	}
	return append(bad, missing...).err()
}

// unchanged records a violation when a field that cannot change has another value than now.
func unchanged(link *tandem.Link, given *tandemv1.Link, field string, bad *violations) {
	same := true
	switch field {
	case "table":
		same = given.GetTable() == link.Table
	case "spreadsheet_id":
		same = given.GetSpreadsheetId() == link.SpreadsheetID
	case "tab":
		same = given.GetTab() == link.Tab
	case "header_row":
		same = given.GetHeaderRow() == 0 || int(given.GetHeaderRow()) == link.HeaderRow
	}
	if !same {
		bad.add("link."+field, "it cannot change; make another link")
	}
}
