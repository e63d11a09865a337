package sheets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	htransport "google.golang.org/api/transport/http"

	"github.com/tandem-sync/tandem"
)

// ErrStartAnew means that Drive no longer knows a place in its list of changes: what came after it cannot be listed.
var ErrStartAnew = errors.New("drive does not know this place in its list of changes")

// FileChange is a file that Drive lists as changed, whatever changed in it.
type FileChange struct {
	ID string
	At time.Time // of the change, by Google's clock; zero when Drive does not say
	// Others is set when it is known that the last who changed the file is not the account that asks. Several changes
	// are one in the list, so a file that we changed last may have been changed by others just before.
	Others bool
}

// The limits of one look at Drive's list of changes.
const (
	changesCall  = 30 * time.Second // for one call: the next look asks again
	changesPages = 1000             // of a thousand files each
)

// driveCalls is the way to Drive. It is made when it is first needed, so that a process that does not watch asks for no
// more rights than Sheets takes.
type driveCalls struct {
	mu      sync.Mutex
	service *drive.Service

	written sync.Map // spreadsheet id -> time.Time of our last write
}

func (c *Client) driveService(ctx context.Context) (*drive.Service, error) {
	c.drive.mu.Lock()
	defer c.drive.mu.Unlock()
	if c.drive.service != nil {
		return c.drive.service, nil
	}
	base := http.DefaultTransport
	if c.opt.HTTPClient != nil && c.opt.HTTPClient.Transport != nil {
		base = c.opt.HTTPClient.Transport
	}
	var options []option.ClientOption
	if c.opt.Endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimSuffix(c.opt.Endpoint, "/")+"/drive/v3/"))
	} else {
		// Rights of its own: where they are refused, the calls of Sheets go on as they are.
		rights := []option.ClientOption{option.WithScopes(drive.DriveMetadataReadonlyScope)}
		if c.opt.CredentialsFile != "" {
			rights = append(rights, option.WithAuthCredentialsFile(option.ServiceAccount, c.opt.CredentialsFile))
		}
		authorized, err := htransport.NewTransport(context.WithoutCancel(ctx), base, rights...)
		if err != nil {
			return nil, tandem.Errorf(tandem.CodeUnauthenticated, "GOOGLE_CREDENTIALS", "the Google credentials cannot be used for Drive: %v", err)
		}
		base = authorized
	}
	options = append(options, option.WithHTTPClient(&http.Client{Transport: &driveTransport{base, &c.opt}}))
	service, err := drive.NewService(context.WithoutCancel(ctx), options...)
	if err != nil {
		return nil, fmt.Errorf("make drive client: %w", err)
	}
	c.drive.service = service
	return service, nil
}

// driveTransport tells of each call. Drive has a quota of its own, a thousand times that of Sheets, so none is kept here,
// and nothing is repeated: the next look asks the same again.
type driveTransport struct {
	base http.RoundTripper
	opt  *Options
}

// RoundTrip makes one call.
func (t *driveTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	began := t.opt.Now()
	response, err := t.base.RoundTrip(request)
	if t.opt.OnCall != nil {
		call := Call{Method: "drive.changes.list", Duration: t.opt.Now().Sub(began)}
		if strings.HasSuffix(request.URL.Path, "/startPageToken") {
			call.Method = "drive.changes.getStartPageToken"
		}
		if response != nil {
			call.Status = response.StatusCode
		}
		t.opt.OnCall(request.Context(), call)
	}
	return response, err
}

// ChangesStart returns the present end of Drive's list of changes.
func (c *Client) ChangesStart(ctx context.Context) (token string, err error) {
	service, err := c.driveService(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, changesCall)
	defer cancel()
	answer, err := service.Changes.GetStartPageToken().SupportsAllDrives(true).Context(ctx).Do()
	if err != nil {
		return "", c.driveFailure(err, "ask Drive where its list of changes ends")
	}
	if answer.StartPageToken == "" {
		return "", tandem.Errorf(tandem.CodeUnavailable, "DRIVE_ANSWER", "Drive's answer does not say where its list of changes ends")
	}
	return answer.StartPageToken, nil
}

const changesFields = "nextPageToken,newStartPageToken,changes(fileId,time,file(modifiedTime,lastModifyingUser(me)))"

// Changes returns the files of the account that changed since token, each once, and the token to go on from. It fails with
// ErrStartAnew when the token is no longer known. It is one call, and one more for every thousand files.
func (c *Client) Changes(ctx context.Context, token string) (changes []FileChange, next string, err error) {
	service, err := c.driveService(ctx)
	if err != nil {
		return nil, "", err
	}
	at := map[string]int{}
	for range changesPages {
		page, err := c.changesPage(ctx, service, token)
		if err != nil {
			return nil, "", err
		}
		for _, listed := range page.Changes {
			if listed.FileId == "" {
				continue // a shared drive as such
			}
			change := fileChange(listed)
			if i, ok := at[change.ID]; ok {
				changes[i] = change
				continue
			}
			at[change.ID] = len(changes)
			changes = append(changes, change)
		}
		if page.NewStartPageToken != "" {
			return changes, page.NewStartPageToken, nil
		}
		if page.NextPageToken == "" || page.NextPageToken == token {
			return nil, "", tandem.Errorf(tandem.CodeUnavailable, "DRIVE_ANSWER", "Drive's list of changes ends without saying where to go on")
		}
		token = page.NextPageToken
	}
	return nil, "", fmt.Errorf("%w: it goes on without end", ErrStartAnew)
}

func (c *Client) changesPage(ctx context.Context, service *drive.Service, token string) (*drive.ChangeList, error) {
	ctx, cancel := context.WithTimeout(ctx, changesCall)
	defer cancel()
	page, err := service.Changes.List(token).PageSize(1000).Spaces("drive").IncludeRemoved(true).SupportsAllDrives(true).
		IncludeItemsFromAllDrives(true).Fields(changesFields).Context(ctx).Do()
	var answer *googleapi.Error
	if errors.As(err, &answer) {
		switch answer.Code {
		case http.StatusBadRequest, http.StatusNotFound, http.StatusGone:
			return nil, fmt.Errorf("%w: %s", ErrStartAnew, answer.Message)
		}
	}
	if err != nil {
		return nil, c.driveFailure(err, "list what changed in Drive")
	}
	return page, nil
}

func fileChange(listed *drive.Change) FileChange {
	change := FileChange{ID: listed.FileId}
	times := []string{listed.Time}
	if listed.File != nil {
		times = append(times, listed.File.ModifiedTime)
		change.Others = listed.File.LastModifyingUser != nil && !listed.File.LastModifyingUser.Me
	}
	for _, text := range times {
		if at, err := time.Parse(time.RFC3339, text); err == nil && change.At.IsZero() {
			change.At = at
		}
	}
	return change
}

// driveFailure puts a failed call of Drive into words, with what to do.
func (c *Client) driveFailure(err error, doing string) error {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return c.translate(err, "%s", doing)
	}
	said := strings.TrimSpace(answer.Message + " " + reasonsOf(answer))
	switch {
	case strings.Contains(said, "ateLimitExceeded") || strings.Contains(said, "RATE_LIMIT"):
		return fmt.Errorf("%s: %w", doing, tandem.Errorf(tandem.CodeExhausted, "DRIVE_QUOTA", "Drive's limit of calls is used up (%s)", answer.Message))
	case answer.Code == http.StatusForbidden && (strings.Contains(said, "accessNotConfigured") || strings.Contains(said, "SERVICE_DISABLED")):
		return fmt.Errorf("%s: %w", doing, tandem.Errorf(tandem.CodePermission, "DRIVE_DISABLED",
			"the Google Drive API is not enabled in the project of the credentials: enable it, as was done for the Google Sheets API (%s)", answer.Message))
	case answer.Code == http.StatusForbidden:
		return fmt.Errorf("%s: %w", doing, tandem.Errorf(tandem.CodePermission, "DRIVE_PERMISSION",
			"Google refused to list changes (%s): give the credentials the scope %s", answer.Message, drive.DriveMetadataReadonlyScope))
	case answer.Code == http.StatusNotFound || answer.Code == http.StatusNotImplemented:
		return fmt.Errorf("%s: %w", doing, tandem.Errorf(tandem.CodePrecondition, "DRIVE_MISSING",
			"there is no Drive API at this address (%d %s)", answer.Code, answer.Message))
	}
	return c.translate(err, "%s", doing)
}

// reasonsOf are the machine-readable reasons in an answer of Google's, in whichever of its two places.
func reasonsOf(answer *googleapi.Error) string {
	var texts []string
	for _, item := range answer.Errors {
		texts = append(texts, item.Reason)
	}
	for _, detail := range answer.Details {
		if fields, ok := detail.(map[string]any); ok {
			if reason, ok := fields["reason"].(string); ok {
				texts = append(texts, reason)
			}
		}
	}
	return strings.Join(texts, " ")
}

// LastWrite returns when this process last wrote to a spreadsheet; the zero time when it did not.
func (c *Client) LastWrite(spreadsheetID string) time.Time {
	at, _ := c.drive.written.Load(spreadsheetID)
	moment, _ := at.(time.Time)
	return moment
}

// notingWrites remembers which spreadsheets were written to, by the answers that say so.
type notingWrites struct {
	http.RoundTripper
	c *Client
}

// RoundTrip makes the call.
func (n *notingWrites) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := n.RoundTripper.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusOK && request.Method == http.MethodPost {
		_, rest, _ := strings.Cut(request.URL.Path, "/spreadsheets/")
		if id, verb, _ := strings.Cut(rest, ":"); verb == "batchUpdate" {
			n.c.drive.written.Store(id, n.c.opt.Now())
		}
	}
	return response, err
}
