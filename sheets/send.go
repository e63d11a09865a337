package sheets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// refusalTries is how many calls are spent on finding out which rows Google refuses.
const refusalTries = 12

// Send writes the batch in one atomic call and judges where it landed by the copies that come back. What landed on other
// rows or columns than it was meant for, or over something that changed meanwhile, is put back at once and has Moved.
//
// The result is aligned with the batch's changes. An error that is ErrUnknownOutcome leaves open whether the batch took
// effect: Settle must tell before anything else is done. After any other error nothing was written.
func (t *Tab) Send(ctx context.Context, b *Batch) ([]tandem.Applied, error) {
	applied := make([]tandem.Applied, len(b.Ops))
	rest, index := *b, make([]int, len(b.Ops)) // index: where each op left in rest stands in b
	for i := range index {
		index[i] = i
	}
	alone := map[int]bool{}
	for try := 0; ; try++ {
		if len(rest.Ops) == 0 {
			return applied, nil
		}
		images, refused, err := t.post(ctx, &rest, alone)
		if err == nil {
			rest.whole = whole(b, index)
			results, err := t.judge(ctx, &rest, images)
			for i, result := range results {
				applied[index[i]] = result
			}
			return applied, err
		}
		if refused == nil {
			return nil, err
		}
		if isProtected(err) && try < refusalTries {
			found, lookErr := t.refuseProtected(ctx, &rest)
			if lookErr != nil {
				return nil, lookErr
			}
			for i, result := range found {
				applied[index[i]] = result
			}
			if len(found) > 0 {
				gone := slices.Collect(maps.Keys(found))
				rest.Ops, index, alone = without(rest.Ops, gone), without(index, gone), map[int]bool{}
				continue
			}
		}
		if len(refused) == 0 {
			return nil, t.sendError(err)
		}
		if len(refused) > 1 && try < refusalTries {
			for _, i := range refused {
				alone[i] = true
			}
			continue
		}
		for _, i := range refused {
			applied[index[i]] = t.refusedOp(&rest.Ops[i], err)
		}
		rest.Ops, index, alone = without(rest.Ops, refused), without(index, refused), map[int]bool{}
		if try >= 2*refusalTries {
			return nil, t.failed(err, "write to tab %q", t.title())
		}
	}
}

// whole returns a batch of which only the ops at index were sent.
func whole(b *Batch, index []int) *Batch {
	all := *b
	all.Ops = slices.Clone(b.Ops)
	for i := range all.Ops {
		_, sent := slices.BinarySearch(index, i)
		all.Ops[i].Unsent = !sent
	}
	return &all
}

func without[T any](list []T, gone []int) []T {
	var kept []T
	for i := range list {
		if !slices.Contains(gone, i) {
			kept = append(kept, list[i])
		}
	}
	return kept
}

// refusedOp is what became of an op that Google refused: rows that are not there any more have moved.
func (t *Tab) refusedOp(o *op, err error) tandem.Applied {
	var answer *googleapi.Error
	errors.As(err, &answer)
	for _, sign := range []string{"doesn't exist", "exceeds grid limits", "beyond the last", "there are only", "out of bounds", "outside"} {
		if strings.Contains(answer.Message, sign) {
			t.forget()
			return tandem.Applied{Outcome: tandem.Moved}
		}
	}
	where := "a new row"
	if o.Row >= 0 {
		where = fmt.Sprintf("row %d", o.Row+1)
	}
	return tandem.Applied{Outcome: tandem.Refused, Err: tandem.Errorf(tandem.CodePermission, "GOOGLE_REFUSED",
		"Google refuses to write %s of tab %q: %s", where, t.title(), answer.Message)}
}

// imageCells is what is asked of copied cells.
const imageCells = "userEnteredValue,effectiveValue,formattedValue,userEnteredFormat.numberFormat"

const imageFields = googleapi.Field("updatedSpreadsheet(sheets(properties.sheetId,data(startRow,startColumn,rowData(values(" + imageCells + ")))))")

// post makes the call. On a refusal that names ops it returns these with Google's own error; nothing was written then.
func (t *Tab) post(ctx context.Context, b *Batch, alone map[int]bool) (images *gridCells, refused []int, err error) {
	t.known.mu.Lock()
	image, stale := t.known.image, t.known.stale
	t.known.mu.Unlock()
	c := t.requests(b, image, stale, alone)
	request := &api.BatchUpdateSpreadsheetRequest{Requests: c.requests, IncludeSpreadsheetInResponse: true,
		ResponseIncludeGridData: true, ResponseRanges: c.ranges}
	answer, err := t.client.service.Spreadsheets.BatchUpdate(t.link.SpreadsheetID, request).Fields(imageFields).
		Context(counting(ctx, &t.calls)).Do()
	if err != nil {
		if refused := c.refusedOps(err); refused != nil || isProtected(err) {
			return nil, append([]int{}, refused...), err
		}
		return nil, nil, t.sendError(err)
	}
	t.known.mu.Lock()
	t.known.stale = nil
	t.known.image = &imageTab{id: c.image, size: grown(image, b.imageSize())}
	t.known.mu.Unlock()
	sheet := sheetByID(answer.UpdatedSpreadsheet, c.image)
	if sheet == nil {
		return nil, nil, fmt.Errorf("%w: the answer does not show what stood there", ErrUnknownOutcome)
	}
	return &gridCells{parts: sheet.Data}, nil, nil
}

func grown(image *imageTab, need gridSize) gridSize {
	if image == nil {
		return need
	}
	return gridSize{max(image.size.rows, need.rows), max(image.size.columns, need.columns)}
}

// refusedOps returns the ops of the request that Google refused the batch for; nil when it was none of theirs.
func (c *call) refusedOps(err error) []int {
	n := failedRequest(err)
	if !isClean(err) || n < 0 || n >= len(c.of) {
		return nil
	}
	return c.of[n]
}

// sendError tells failures after which nothing was written from those that leave it open.
func (t *Tab) sendError(err error) error {
	if isClean(err) && failedRequest(err) >= 0 && isUnknownRange(err) && strings.Contains(err.Error(), imageTitle) {
		t.known.mu.Lock()
		t.known.image = nil
		t.known.mu.Unlock()
		return tandem.Errorf(tandem.CodeUnavailable, "HIDDEN_TAB", "the hidden tab %q is smaller than it was; nothing was written, and the write is made again", imageTitle)
	}
	switch {
	case isBadRequest(err, "already exists"), isUnknownRange(err), !isClean(err):
		// The id is taken, so an earlier try took effect; or the answer's ranges were at fault, after the effect.
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, t.failed(err, "write to tab %q", t.title()))
	}
	t.known.mu.Lock()
	t.known.image = nil // it may be gone: the next Prepare looks
	t.known.mu.Unlock()
	t.forget()
	return t.failed(err, "write to tab %q", t.title())
}

// judge compares the images with what the batch expected to write over, has strays put back, and returns what landed.
func (t *Tab) judge(ctx context.Context, b *Batch, images *gridCells) ([]tandem.Applied, error) {
	applied := make([]tandem.Applied, len(b.Ops))
	strays := t.strays(b, images)
	astray := map[int]bool{}
	for _, s := range strays {
		astray[s.op] = true
		applied[s.op] = tandem.Applied{Outcome: tandem.Moved}
	}
	if err := t.placeAdded(ctx, b, images, astray); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	for i := range b.Ops {
		o := &b.Ops[i]
		switch {
		case astray[i]:
		case o.Unsent:
			applied[i] = tandem.Applied{Outcome: tandem.Moved}
		case o.Kind == tandem.Insert && o.Row < 0:
			applied[i] = tandem.Applied{Outcome: tandem.Moved}
		default:
			applied[i] = tandem.Applied{Outcome: tandem.Landed, Row: t.rowOf(o)}
		}
	}
	if len(strays) > 0 {
		t.forget()
		t.client.opt.Logger.Warn("write landed astray, putting back", "spreadsheet", t.link.SpreadsheetID, "tab", t.title(), "rows", len(strays))
		if err := t.repair(ctx, b, strays); err != nil {
			return nil, err
		}
		return applied, nil
	}
	t.follow(b)
	return applied, nil
}
