package sheets

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// Tab is the tab of one link. It is cheap to make; what was learnt about the tab is kept in its Client.
type Tab struct {
	client  *Client
	link    tandem.Link
	columns []tandem.Column
	keys    []int // the key columns, as indexes into columns, in key order
	header  int   // the header row, counted from 0
	calls   counter
	known   *memory
}

// memory is what is remembered of a tab between calls. Everything in it may be outdated: it saves reads and is checked
// against what the next read says before anything is concluded from it.
type memory struct {
	mu    sync.Mutex
	title string
	size  gridSize
	image *imageTab // nil when it is not known to be there
	last  *reading
	bytes int // of the answer to the last read of the whole tab
	// steady is since when reads show rows where the read before them did; zero when that is not known.
	steady time.Time
	stale  []string // values of operation metadata that is old enough to be removed
}

type gridSize struct{ rows, columns int }

// imageTab is the hidden tab of the spreadsheet.
type imageTab struct {
	id   int64
	size gridSize
}

// reading is what one read of all key cells told. It is never changed once it is remembered.
type reading struct {
	at     time.Time
	layout *layout
	places keyPlaces
	end    int    // the row after the last one with something in a key column, or in any linked one
	digest string // of a read of the whole tab; "" where only keys were read, or where we added, removed or renamed rows since
}

func newTab(c *Client, link *tandem.Link, columns []tandem.Column, known *memory) *Tab {
	t := &Tab{client: c, link: *link, columns: columns, header: max(link.HeaderRow, 1) - 1, known: known}
	for _, name := range link.Key {
		for i := range columns {
			if columns[i].Name == name {
				t.keys = append(t.keys, i)
			}
		}
	}
	return t
}

// Calls returns how many calls were made through this Tab.
func (t *Tab) Calls() (reads, writes int64) { return t.calls.read.Load(), t.calls.write.Load() }

// name is what people call a linked column: its header.
func (t *Tab) name(column int) string {
	if column < len(t.link.Columns) && t.link.Columns[column].Header != "" {
		return t.link.Columns[column].Header
	}
	return t.columns[column].Name
}

func (t *Tab) title() string {
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	return t.known.title
}

func (t *Tab) remembered() *reading {
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	return t.known.last
}

func (t *Tab) remember(r *reading) {
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	t.known.steady = t.known.steadyAfter(r, t.client.opt.Now())
	t.known.last = r
}

// forget drops where rows stand: they are known to have moved.
func (t *Tab) forget() { t.remember(nil) }

// located is what spreadsheets.get says of the tab and of the hidden one.
type located struct {
	zone     string
	tab      *api.Sheet
	image    *imageTab
	previous string // the title that was known before
}

const locateFields = googleapi.Field("properties.timeZone,sheets(properties(sheetId,title,hidden,gridProperties(rowCount,columnCount)),developerMetadata(metadataKey,metadataValue))")

// locate finds the tab by its id and remembers its title. It makes one small read.
func (t *Tab) locate(ctx context.Context) (*located, error) {
	answer, err := t.client.service.Spreadsheets.Get(t.link.SpreadsheetID).Fields(locateFields).Context(counting(ctx, &t.calls)).Do()
	if err != nil {
		return nil, t.failed(err, "look for tab %q", t.title())
	}
	return t.place(answer)
}

// place takes over what an answer says of the spreadsheet's tabs.
func (t *Tab) place(answer *api.Spreadsheet) (*located, error) {
	found := &located{}
	if answer.Properties != nil {
		found.zone = answer.Properties.TimeZone
	}
	for _, sheet := range answer.Sheets {
		p := sheet.Properties
		if p == nil {
			continue
		}
		if p.SheetId == t.link.SheetID {
			found.tab = sheet
		}
		if p.Title == imageTitle {
			found.image = &imageTab{id: p.SheetId, size: sizeOf(p)}
		}
	}
	if found.tab == nil {
		return nil, tandem.Errorf(tandem.CodePrecondition, tandem.HaltTabGone,
			"the tab %q is no longer in the spreadsheet; nothing was deleted in the database", t.title())
	}
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	found.previous = t.known.title
	t.known.stale = staleValues(found.tab.DeveloperMetadata, t.client.opt.Now())
	t.known.title, t.known.size, t.known.image = found.tab.Properties.Title, sizeOf(found.tab.Properties), found.image
	return found, nil
}

func sizeOf(p *api.SheetProperties) gridSize {
	if p.GridProperties == nil {
		return gridSize{}
	}
	return gridSize{int(p.GridProperties.RowCount), int(p.GridProperties.ColumnCount)}
}

// Confirm fails when the tab that was read is not, or no longer, the one that was linked: it is gone, another one carries
// its title, or the spreadsheet's time zone changed while timestamps are linked. It makes one small read.
func (t *Tab) Confirm(ctx context.Context) error {
	found, err := t.locate(ctx)
	if err != nil {
		return err
	}
	if title := found.tab.Properties.Title; title != found.previous {
		t.forget()
		return tandem.Errorf(tandem.CodeUnavailable, "TAB_RENAMED",
			"the tab %q was renamed to %q while it was read; it will be read again", found.previous, title)
	}
	return t.checkZone(found.zone)
}

func (t *Tab) checkZone(zone string) error {
	if zone == t.link.TimeZone || t.link.TimeZone == "" || zone == "" {
		return nil
	}
	for i := range t.columns {
		if t.columns[i].Type.Kind == tandem.Timestamp {
			return tandem.Errorf(tandem.CodePrecondition, tandem.HaltTimeZone,
				"the spreadsheet's time zone changed from %s to %s, so that every moment in the column %q would mean another one; set it back, or approve: the cells are then taken as times of the new zone, and the moments in the table follow",
				t.link.TimeZone, zone, t.name(i))
		}
	}
	return nil
}

// failed puts a failed call into words. A spreadsheet that is gone is a tab that is gone.
func (t *Tab) failed(err error, doing string, args ...any) error {
	var answer *googleapi.Error
	if errors.As(err, &answer) && answer.Code == 404 {
		return tandem.Errorf(tandem.CodePrecondition, tandem.HaltTabGone,
			"the spreadsheet of tab %q cannot be found any more (%s); nothing was deleted in the database. Bring it back from the trash of its owner, or make a link to another one",
			t.link.Tab, answer.Message)
	}
	return t.client.translate(err, doing, args...)
}

// withTitle makes a read that names the tab by its title, and makes it once more when the tab was renamed.
func (t *Tab) withTitle(ctx context.Context, read func(title string) error) error {
	err := read(t.title())
	if err == nil || !isUnknownRange(err) {
		return err
	}
	if _, located := t.locate(ctx); located != nil {
		return located
	}
	return read(t.title())
}
