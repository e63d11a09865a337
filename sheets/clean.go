package sheets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// cleanTries is how many batches of notes Clean sends; each clears up to a thousand cells.
const cleanTries = 20

// Clean takes back what Tandem left in a link's spreadsheet: notes and colours, marks (developer metadata) and, when no
// other tab carries marks, which means that no other link uses it, the hidden tab. What people made is left alone, and so
// is everything in the table and in the cells. It returns what it removed, in words.
//
// It may be called again after a failure, and removes nothing the second time. A spreadsheet or tab that is gone is no
// error. The link must not run meanwhile: its open intents rely on the marks.
func (c *Client) Clean(ctx context.Context, link *tandem.Link, shown []tandem.Note) (removed []string, err error) {
	t := c.cleaning(link)
	left, err := t.leftovers(ctx)
	if err != nil || left == nil {
		return nil, err
	}
	defer c.forgetLink(link)
	var failed error // notes that stay must not keep the rest from going
	if left.tab != nil {
		if removed, failed = t.cleanNotes(ctx, shown); failed != nil {
			failed = fmt.Errorf("clean tab %q: %w", t.title(), failed)
		}
		// Clearing notes made marks, and the hidden tab anew, if it was gone.
		if left, err = t.leftovers(ctx); err != nil || left == nil {
			return removed, errors.Join(failed, err)
		}
	}
	said, err := t.cleanMarks(ctx, left)
	return append(removed, said...), errors.Join(failed, err)
}

// cleaning is the link's tab with columns of whatever type: notes need none.
func (c *Client) cleaning(link *tandem.Link) *Tab {
	var columns []tandem.Column
	for _, column := range link.Columns {
		columns = append(columns, tandem.Column{Name: column.Column, Type: tandem.Type{Kind: tandem.String}})
	}
	return newTab(c, link, columns, &memory{title: link.Tab})
}

// forgetLink drops what is remembered of a link's tab.
func (c *Client) forgetLink(link *tandem.Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tabs, tabID{link.SpreadsheetID, link.SheetID, link.ID})
}

// leftovers is what there is to remove beside notes.
type leftovers struct {
	tab     *api.SheetProperties // nil when the tab is gone
	image   *api.SheetProperties // the hidden tab; nil when it is gone, or is somebody else's
	marks   int                  // of the tab
	checks  int                  // of TryWrite, in the whole spreadsheet
	foreign bool                 // other tabs carry marks
}

// leftovers looks through the spreadsheet in one small read. It returns nil when the spreadsheet is gone.
func (t *Tab) leftovers(ctx context.Context) (*leftovers, error) {
	answer, err := t.client.service.Spreadsheets.Get(t.link.SpreadsheetID).Context(counting(ctx, &t.calls)).
		Fields("developerMetadata(metadataKey)", "sheets(properties(sheetId,title,hidden,gridProperties(rowCount,columnCount)),"+
			"developerMetadata(metadataKey,metadataValue),protectedRanges(description))").Do()
	var refusal *googleapi.Error
	if errors.As(err, &refusal) && refusal.Code == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, t.client.translate(err, "look through spreadsheet %s", t.link.SpreadsheetID)
	}
	found := &leftovers{}
	for _, m := range answer.DeveloperMetadata {
		if m.MetadataKey == checkKey {
			found.checks++
		}
	}
	for _, sheet := range answer.Sheets {
		if sheet.Properties == nil {
			continue
		}
		marks := 0
		for _, m := range sheet.DeveloperMetadata {
			if m.MetadataKey == metadataKey || m.MetadataKey == setupKey {
				marks++
			}
		}
		switch {
		case sheet.Properties.SheetId == t.link.SheetID:
			found.tab, found.marks = sheet.Properties, marks
		case isImage(sheet, t.link.SpreadsheetID):
			found.image = sheet.Properties
		default:
			found.foreign = found.foreign || marks > 0
		}
	}
	if found.tab != nil {
		_, err = t.place(answer)
	}
	return found, err
}

// isImage tells our hidden tab from one that a person gave the same title.
func isImage(sheet *api.Sheet, spreadsheet string) bool {
	if sheet.Properties.Title != imageTitle {
		return false
	}
	for _, p := range sheet.ProtectedRanges {
		if strings.HasPrefix(p.Description, "Tandem keeps here ") {
			return true
		}
	}
	return sheet.Properties.SheetId == imageID(spreadsheet)
}

// cleanNotes takes away every note of ours in the tab, also outside of the linked columns.
func (t *Tab) cleanNotes(ctx context.Context, shown []tandem.Note) (removed []string, err error) {
	first, left := -1, 0
	defer func() {
		if first > left {
			removed = append(removed, fmt.Sprintf("%s in tab %q", counted(first-left, "note"), t.title()))
		}
	}()
	for range cleanTries {
		p := &notePlan{t: t, shown: shown, all: true}
		if err := p.prepare(ctx); err != nil {
			return nil, err
		}
		before := left
		if left = p.ours(); first < 0 {
			first, before = left, left+1
		}
		if len(p.ops) == 0 || left >= before {
			break
		}
		if err := t.sendNotes(ctx, p.batch()); err != nil {
			return nil, err
		}
	}
	if left > 0 {
		return nil, tandem.Errorf(tandem.CodePrecondition, "NOTES_LEFT",
			"%s of Tandem's cannot be taken away, since the cells are protected; lift the protection, or delete them by hand", counted(left, "note"))
	}
	return nil, nil
}

// ours counts the notes of ours.
func (p *notePlan) ours() int {
	n := 0
	for _, note := range p.notes {
		if isOurs(note) {
			n++
		}
	}
	return n
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// cleanMarks removes the marks of the link's tab and, when nobody else needs it, the hidden tab, in one call.
func (t *Tab) cleanMarks(ctx context.Context, found *leftovers) (removed []string, err error) {
	var requests []*api.Request
	forget := func(key string, location *api.DeveloperMetadataLocation) {
		requests = append(requests, &api.Request{DeleteDeveloperMetadata: &api.DeleteDeveloperMetadataRequest{DataFilter: &api.DataFilter{
			DeveloperMetadataLookup: &api.DeveloperMetadataLookup{MetadataKey: key, MetadataLocation: location}}}})
	}
	if found.tab != nil && found.marks > 0 {
		here := &api.DeveloperMetadataLocation{SheetId: t.link.SheetID, ForceSendFields: []string{"SheetId"}}
		forget(metadataKey, here)
		forget(setupKey, here)
		removed = append(removed, fmt.Sprintf("%s of tab %q", counted(found.marks, "mark"), found.tab.Title))
	}
	if found.checks > 0 {
		forget(checkKey, nil)
		removed = append(removed, counted(found.checks, "mark")+" of the spreadsheet")
	}
	if found.image != nil && !found.foreign {
		requests = append(requests, &api.Request{DeleteSheet: &api.DeleteSheetRequest{SheetId: found.image.SheetId, ForceSendFields: []string{"SheetId"}}})
		removed = append(removed, fmt.Sprintf("the hidden tab %q", imageTitle))
	}
	if len(requests) == 0 {
		return nil, nil
	}
	_, err = t.client.service.Spreadsheets.BatchUpdate(t.link.SpreadsheetID, &api.BatchUpdateSpreadsheetRequest{Requests: requests}).
		Fields("spreadsheetId").Context(counting(ctx, &t.calls)).Do()
	if err != nil {
		return nil, t.failed(err, "remove marks and the hidden tab from spreadsheet %s", t.link.SpreadsheetID)
	}
	return removed, nil
}
