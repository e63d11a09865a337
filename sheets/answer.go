package sheets

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"google.golang.org/api/googleapi"
)

// readAgent asks for compressed answers: Google compresses only for clients whose name says "gzip". The transport takes the
// compression off again.
const readAgent = "tandem (gzip)"

// readValues makes one call that reads cells unformatted, and has its answer scanned while it arrives. path is a template as
// in Google's own client, whose requests these are.
func (t *Tab) readValues(ctx context.Context, path string, in map[string]string, query url.Values, scan func(io.Reader) error) error {
	ctx = counting(ctx, &t.calls)
	query.Set("valueRenderOption", "UNFORMATTED_VALUE")
	query.Set("dateTimeRenderOption", "SERIAL_NUMBER")
	query.Set("alt", "json")
	query.Set("prettyPrint", "false")
	in["spreadsheetId"] = t.link.SpreadsheetID
	address := googleapi.ResolveRelative(t.client.service.BasePath, path) + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	googleapi.Expand(request.URL, in)
	request.Header.Set("User-Agent", readAgent)
	answer, err := t.client.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	defer answer.Body.Close()
	if err := googleapi.CheckResponse(answer); err != nil {
		return err
	}
	return scan(answer.Body)
}

// readRanges reads ranges of cells in one call. each is called for every row of every range, both counted from 0. It fails
// with errTorn when the answer does not have just these ranges.
func (t *Tab) readRanges(ctx context.Context, ranges []string, each func(n, at int, row *cells) error) error {
	got := 0
	err := t.readValues(ctx, "v4/spreadsheets/{spreadsheetId}/values:batchGet", map[string]string{}, url.Values{"ranges": ranges},
		func(body io.Reader) (err error) {
			got, err = scanRanges(body, each)
			return err
		})
	if err == nil && got != len(ranges) {
		return errTorn
	}
	return err
}
