package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

const (
	// listedWithin is how long check waits for Drive to list what it changed.
	listedWithin = 30 * time.Second
	listedEvery  = time.Second
)

// driveCheck finds out whether Drive lists the spreadsheets that check tries. Serve works without: then it reads each tab in
// its turn, which is slower and takes more calls, so nothing that is found here is missing.
type driveCheck struct {
	list     *checklist
	client   *sheets.Client
	poll     time.Duration
	patience time.Duration
	token    string // of the list's end before anything was changed; "" when Drive is not tried
	changed  []string
}

// drive asks for the end of the list of changes.
func (l *checklist) drive(ctx context.Context, client *sheets.Client, config Config, options CheckOptions) *driveCheck {
	d := &driveCheck{list: l, client: client, poll: config.PollInterval, patience: listedWithin}
	if options.DrivePatience > 0 {
		d.patience = options.DrivePatience
	}
	if config.DriveInterval == 0 {
		l.advise("Google Drive: not tried, since drive-interval is 0; %s", d.otherwise())
		return d
	}
	token, err := client.ChangesStart(ctx)
	if err != nil {
		l.advise("Google Drive: %s; until then %s", plain(err), d.otherwise())
		return d
	}
	d.token = token
	return d
}

// otherwise is what serve does without Drive.
func (d *driveCheck) otherwise() string {
	return fmt.Sprintf("each linked tab is read every %s, which takes %d of Google's 60 reads a minute for each", d.poll, int(time.Minute/max(d.poll, time.Second)))
}

// touch changes a spreadsheet such that nobody sees a difference, and Drive has something to list.
func (d *driveCheck) touch(ctx context.Context, id string) {
	if d.token == "" {
		return
	}
	if err := d.client.Touch(ctx, id); err != nil {
		d.list.bad("spreadsheet "+id, err)
		return
	}
	d.changed = append(d.changed, id)
}

// report waits until what was touched is listed, and says of each file whether it was.
func (d *driveCheck) report(ctx context.Context) {
	open := slices.Clone(d.changed)
	began := time.Now()
	for len(open) > 0 {
		changes, next, err := d.client.Changes(ctx, d.token)
		if err != nil {
			d.list.advise("Google Drive: %s; until then %s", plain(err), d.otherwise())
			return
		}
		d.token = next
		for _, change := range changes {
			if at := slices.Index(open, change.ID); at >= 0 {
				open = slices.Delete(open, at, at+1)
				d.list.ok("spreadsheet %s: Google Drive lists its changes (%s after one)", change.ID, time.Since(began).Round(100*time.Millisecond))
			}
		}
		if len(open) == 0 || time.Since(began) >= d.patience {
			break
		}
		select {
		case <-time.After(min(listedEvery, d.patience)):
		case <-ctx.Done():
			return
		}
	}
	who := d.client.Account()
	if who == "" {
		who = "the account that Tandem uses"
	}
	for _, id := range open {
		d.list.advise("spreadsheet %s: Google Drive did not list a change of it within %s. Share it with %s itself, as an editor, not by a link or a folder only. "+
			"Until Drive lists it, %s", id, d.patience, who, d.otherwise())
	}
}

// plain is a failure in the words for people.
func plain(err error) string {
	var known *tandem.Error
	if errors.As(err, &known) {
		return known.Error()
	}
	return strings.TrimSpace(err.Error())
}

// advise says what would make things better, though serve works without.
func (l *checklist) advise(format string, args ...any) {
	_, _ = fmt.Fprintf(l.out, "advice   %s\n", fmt.Sprintf(format, args...))
}
