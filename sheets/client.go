package sheets

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/api/option"
	api "google.golang.org/api/sheets/v4"
	htransport "google.golang.org/api/transport/http"

	"github.com/tandem-sync/tandem"
)

// imageTitle is the hidden tab that holds what stood where we wrote last. People have no use for it.
const imageTitle = "_tandem"

// Options say how to reach Google. The zero value is Google itself with Application Default Credentials.
type Options struct {
	// Endpoint is any server that speaks the Sheets API, called without credentials; "" is Google.
	Endpoint string
	// CredentialsFile is a service account's JSON key; "" means Application Default Credentials.
	CredentialsFile string
	// HTTPClient, when set, carries the calls: a transport to a handler in process.
	HTTPClient *http.Client
	Logger     *slog.Logger
	Now        func() time.Time
	// OnCall, when set, is told of every call that was made, each try by itself.
	OnCall func(ctx context.Context, call Call)
	// Sleep waits, or returns early with the context's error.
	Sleep func(context.Context, time.Duration) error
	// ReadsPerMinute and WritesPerMinute are our own budget, kept to before Google refuses; the others are those of the whole
	// project, which several credentials may share. 0 is Google's limit of 60 and 300 each when Endpoint is "", and no
	// limit otherwise.
	ReadsPerMinute, WritesPerMinute               int
	ProjectReadsPerMinute, ProjectWritesPerMinute int
	// Ledger counts the calls of all processes that share the budget of Credential in Project; nil when there is only this
	// one. Process tells this one from the others.
	Ledger              Ledger
	Process             string
	Project, Credential string // default: as the credentials say
}

// Call is one try of a call to Google.
type Call struct {
	Method   string // "spreadsheets.values.get", as Google names it
	Write    bool
	Status   int // of HTTP; 0 when there was no answer
	Duration time.Duration
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Endpoint == "" {
		o.ReadsPerMinute = cmp.Or(o.ReadsPerMinute, googlePerUser)
		o.WritesPerMinute = cmp.Or(o.WritesPerMinute, googlePerUser)
		o.ProjectReadsPerMinute = cmp.Or(o.ProjectReadsPerMinute, googlePerProject)
		o.ProjectWritesPerMinute = cmp.Or(o.ProjectWritesPerMinute, googlePerProject)
	}
	account, project := ownerOf(o.CredentialsFile)
	o.Credential = cmp.Or(o.Credential, account, "default")
	o.Project = cmp.Or(o.Project, project, o.Credential)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Client calls the Sheets API for every tab of a process, within one budget. It is safe for concurrent use.
type Client struct {
	opt      Options
	http     *http.Client // with the budget, the retries and the credentials
	service  *api.Service
	calls    counter
	governor *governor
	account  string // the service account's address, for messages; "" when not known
	drive    driveCalls

	mu   sync.Mutex
	tabs map[tabID]*memory
}

// tabID is whose memory it is: two links never share one, since their columns differ.
type tabID struct {
	spreadsheet string
	sheet       int64
	link        string
}

// New returns a Client. No call is made; bad credentials show at the first one.
func New(ctx context.Context, opt Options) (*Client, error) {
	opt.setDefaults()
	c := &Client{opt: opt, tabs: map[tabID]*memory{}}
	base := http.DefaultTransport
	timeout := longestCall
	if opt.HTTPClient != nil && opt.HTTPClient.Transport != nil {
		base = opt.HTTPClient.Transport
	}
	if opt.HTTPClient != nil && opt.HTTPClient.Timeout > 0 {
		timeout = opt.HTTPClient.Timeout
	}
	c.account, _ = ownerOf(opt.CredentialsFile)
	if opt.Endpoint == "" {
		options := []option.ClientOption{option.WithScopes(api.SpreadsheetsScope)}
		if opt.CredentialsFile == "" {
			c.account, _ = ownerOf(os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"))
		} else {
			options = append(options, option.WithAuthCredentialsFile(option.ServiceAccount, opt.CredentialsFile))
		}
		authorized, err := htransport.NewTransport(ctx, base, options...)
		if err != nil {
			return nil, tandem.Errorf(tandem.CodeUnauthenticated, "GOOGLE_CREDENTIALS",
				"the Google credentials cannot be used: %v; give a service account's key file (--google-credentials-file), or set up Application Default Credentials", err)
		}
		base = authorized
	}
	c.governor = newGovernor(&c.opt)
	retrying := &retrier{base: base, opt: &c.opt, timeout: timeout, calls: &c.calls, governor: c.governor}
	c.http = &http.Client{Transport: &notingWrites{retrying, c}}
	options := []option.ClientOption{option.WithHTTPClient(c.http)}
	if opt.Endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimSuffix(opt.Endpoint, "/")+"/"))
	}
	service, err := api.NewService(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("make sheets client: %w", err)
	}
	c.service = service
	return c, nil
}

// Calls returns how many calls of the Sheets API this Client has made, tries that Google turned down included.
func (c *Client) Calls() (reads, writes int64) { return c.calls.read.Load(), c.calls.write.Load() }

// Account is the address that spreadsheets are shared with, "" when it is not known.
func (c *Client) Account() string { return c.account }

// Spreadsheet returns a spreadsheet's tabs with the texts of their first rows.
func (c *Client) Spreadsheet(ctx context.Context, id string) (*tandem.Spreadsheet, error) {
	return c.SpreadsheetAt(ctx, id, 1)
}

// SpreadsheetAt returns a spreadsheet's tabs with the texts of a row of each, counted from 1. Our own hidden tab is left
// out. It makes two calls.
func (c *Client) SpreadsheetAt(ctx context.Context, id string, headerRow int) (*tandem.Spreadsheet, error) {
	answer, err := c.service.Spreadsheets.Get(id).Fields("properties(title,locale,timeZone)", sheetFields).Context(ctx).Do()
	if err != nil {
		return nil, c.translate(err, "read spreadsheet %s", id)
	}
	sheet := spreadsheetOf(id, answer)
	var ranges []string
	var of []int // which tab each range is of
	for i, tab := range sheet.Tabs {
		if tab.Rows >= int64(headerRow) {
			ranges = append(ranges, fmt.Sprintf("%s!%d:%d", quoteTitle(tab.Title), headerRow, headerRow))
			of = append(of, i)
		}
	}
	if len(ranges) == 0 {
		return sheet, nil
	}
	headers, err := c.service.Spreadsheets.Values.BatchGet(id).Ranges(ranges...).ValueRenderOption("UNFORMATTED_VALUE").Context(ctx).Do()
	if err != nil {
		return nil, c.translate(err, "read the header rows of spreadsheet %s", id)
	}
	for i := range headers.ValueRanges {
		if i >= len(of) || len(headers.ValueRanges[i].Values) == 0 {
			continue
		}
		tab := &sheet.Tabs[of[i]]
		for _, cell := range headers.ValueRanges[i].Values[0] {
			tab.Headers = append(tab.Headers, headerText(cell))
		}
	}
	return sheet, nil
}

const sheetFields = "sheets.properties(sheetId,title,hidden,gridProperties(rowCount,columnCount))"

func tabInfo(p *api.SheetProperties) tandem.TabInfo {
	info := tandem.TabInfo{SheetID: p.SheetId, Title: p.Title, Hidden: p.Hidden}
	if g := p.GridProperties; g != nil {
		info.Rows, info.Columns = g.RowCount, g.ColumnCount
	}
	return info
}

// AddTab adds an empty tab.
func (c *Client) AddTab(ctx context.Context, spreadsheetID, title string) (tandem.TabInfo, error) {
	request := &api.BatchUpdateSpreadsheetRequest{Requests: []*api.Request{
		{AddSheet: &api.AddSheetRequest{Properties: &api.SheetProperties{Title: title}}}}}
	answer, err := c.service.Spreadsheets.BatchUpdate(spreadsheetID, request).Context(ctx).Do()
	if err != nil {
		if isBadRequest(err, "already exists") {
			return tandem.TabInfo{}, tandem.Errorf(tandem.CodeAlreadyExists, "TAB_EXISTS", "the spreadsheet has a tab %q already", title)
		}
		return tandem.TabInfo{}, c.translate(err, "add tab %q", title)
	}
	if len(answer.Replies) == 0 || answer.Replies[0].AddSheet == nil {
		return tandem.TabInfo{}, fmt.Errorf("add tab %q: the answer does not name the tab", title)
	}
	return tabInfo(answer.Replies[0].AddSheet.Properties), nil
}

// Open returns the tab of a link. It makes no call. Columns stand in the link's order, each with its Zone where it shows
// timestamps. What is known of a tab from earlier reads is kept in the Client, so opening one for every cycle is cheap.
func (c *Client) Open(link *tandem.Link, columns []tandem.Column) *Tab {
	id := tabID{link.SpreadsheetID, link.SheetID, link.ID}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.tabs[id]
	if known == nil {
		known = &memory{title: link.Tab}
		c.tabs[id] = known
	}
	return newTab(c, link, columns, known)
}
