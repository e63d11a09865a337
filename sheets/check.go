package sheets

import (
	"context"
	"errors"

	"github.com/tandem-sync/tandem"
	api "google.golang.org/api/sheets/v4"
)

// checkKey is the developer metadata that TryWrite makes and removes.
const checkKey = "tandem.check"

// noSpreadsheet is the id of no spreadsheet.
const noSpreadsheet = "tandem-check-of-credentials"

// TryCredentials finds out whether Google takes the credentials, and has the Sheets API enabled for them, without a
// spreadsheet: it asks for one that is not there, and Google says so only to those whom it knows.
func (c *Client) TryCredentials(ctx context.Context) error {
	_, err := c.service.Spreadsheets.Get(noSpreadsheet).Fields("spreadsheetId").Context(ctx).Do()
	if err == nil {
		return nil // somebody made one
	}
	if err = c.translate(err, "ask for a spreadsheet"); errors.Is(err, tandem.ErrNotFound) {
		return nil
	}
	return err
}

// TryWrite finds out whether a spreadsheet can be written to, in one write that leaves it as it was.
func (c *Client) TryWrite(ctx context.Context, spreadsheetID string) error {
	location := &api.DeveloperMetadataLocation{Spreadsheet: true}
	_, err := c.service.Spreadsheets.BatchUpdate(spreadsheetID, &api.BatchUpdateSpreadsheetRequest{Requests: []*api.Request{
		{CreateDeveloperMetadata: &api.CreateDeveloperMetadataRequest{DeveloperMetadata: &api.DeveloperMetadata{
			MetadataKey: checkKey, Location: location, Visibility: "DOCUMENT"}}},
		{DeleteDeveloperMetadata: &api.DeleteDeveloperMetadataRequest{DataFilter: &api.DataFilter{
			DeveloperMetadataLookup: &api.DeveloperMetadataLookup{MetadataKey: checkKey}}}},
	}}).Context(ctx).Do()
	if err != nil {
		return c.translate(err, "try to write to spreadsheet %s", spreadsheetID)
	}
	return nil
}

// Touch changes a spreadsheet and takes the change back, in two writes, so that Drive lists it as changed. People see nothing
// of it. What a call that failed in between left behind is removed by the next one.
func (c *Client) Touch(ctx context.Context, spreadsheetID string) error {
	steps := []*api.Request{
		{CreateDeveloperMetadata: &api.CreateDeveloperMetadataRequest{DeveloperMetadata: &api.DeveloperMetadata{
			MetadataKey: checkKey, Location: &api.DeveloperMetadataLocation{Spreadsheet: true}, Visibility: "DOCUMENT"}}},
		{DeleteDeveloperMetadata: &api.DeleteDeveloperMetadataRequest{DataFilter: &api.DataFilter{
			DeveloperMetadataLookup: &api.DeveloperMetadataLookup{MetadataKey: checkKey}}}},
	}
	for _, step := range steps {
		_, err := c.service.Spreadsheets.BatchUpdate(spreadsheetID, &api.BatchUpdateSpreadsheetRequest{Requests: []*api.Request{step}}).Context(ctx).Do()
		if err != nil {
			return c.translate(err, "change spreadsheet %s and take that back", spreadsheetID)
		}
	}
	return nil
}
