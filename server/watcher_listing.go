package server

import (
	"context"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

// echoPause is how often, at most, a tab is read because its file changed, as long as all that is known to have changed it
// is Tandem. What others changed has it read at once.
const echoPause = 5 * time.Second

// listing is a linked file that Drive listed, until the tabs in it are marked.
type listing struct {
	since time.Time // when it was listed
	due   time.Time // when they are to be marked
	at    time.Time // of the change; zero when it is not known
	token string    // from which it is listed again
	ours  bool      // it may be a change of ours and nothing else
}

// take notes the linked files among changes, and in positions that they were listed.
//
// Our own writes are listed like everybody's, and one entry may stand for several changes: that the last one was ours says
// nothing of those before. So such a file is looked at too, but no more often than echoPause. Whether we wrote is seen by the
// lease of the spreadsheet, which every write takes, in whichever process. Who is in doubt reads.
func (w *watcher) take(ctx context.Context, changes []sheets.FileChange, linked map[string][]tandem.Link, positions map[string]string) error {
	var leases []string
	for _, change := range changes {
		if linked[change.ID] != nil {
			leases = append(leases, "spreadsheets/"+change.ID)
		}
	}
	fences, err := w.store.Fences(ctx, leases)
	if err != nil {
		return err
	}
	now := w.now()
	for _, change := range changes {
		if linked[change.ID] == nil {
			continue
		}
		before, known := w.fences[change.ID]
		fence := fences["spreadsheets/"+change.ID]
		ours := known && fence > before && !change.Others
		w.fences[change.ID] = fence
		l, waits := w.waiting[change.ID]
		if !waits {
			l = listing{since: now, due: now, at: change.At, token: w.token, ours: ours}
			if next := w.marked[change.ID].Add(echoPause); ours && next.After(now) {
				l.due = next
			}
		} else if !ours {
			l.due, l.ours, l.at = now, false, change.At
		}
		w.waiting[change.ID] = l
		positions[w.name+"/"+change.ID] = change.At.UTC().Format(time.RFC3339Nano)
	}
	return nil
}

// deliver marks the tabs of the files whose time has come.
func (w *watcher) deliver(ctx context.Context, linked map[string][]tandem.Link) error {
	now := w.now()
	var links []string
	var done []string
	hints := map[string]tandem.Hint{}
	for id, l := range w.waiting {
		if now.Before(l.due) {
			continue
		}
		done = append(done, id)
		for _, link := range linked[id] {
			if link.State != tandem.StateActive {
				continue // it is read once it is active again
			}
			links = append(links, link.ID)
			// The echo of our own writes is no news, nor is what another path told of before.
			if !l.ours && !link.Status.LastHint.At.After(l.at) {
				hint := tandem.Hint{Path: tandem.HintDrive, At: now}
				if !l.at.IsZero() {
					hint.Delay = max(0, now.Sub(l.at))
				}
				hints[link.ID] = hint
			}
		}
	}
	if err := w.mark(ctx, links); err != nil {
		return err
	}
	for _, id := range done {
		delete(w.waiting, id)
		w.marked[id] = now
	}
	for link, hint := range hints {
		if err := w.store.SetHint(ctx, link, hint); err != nil {
			return err
		}
	}
	return nil
}

// mark has the whole tabs of links looked at.
func (w *watcher) mark(ctx context.Context, links []string) error {
	marks, err := w.store.MarkTabs(ctx, links, w.marks)
	if err != nil {
		return err
	}
	for link, mark := range marks {
		w.marks[link] = mark
	}
	return nil
}
