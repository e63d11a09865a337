package sheets

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

const noteImageFields = googleapi.Field("sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),data(startRow,startColumn,rowData(values(" + notedFields + "))))")

// noteStray is an op that did not land where it was meant to, with what stood where it did land.
type noteStray struct {
	op      noteOp
	key     tandem.Key // of the row on which it landed; "" when it has none
	headers []string   // the header row at the moment of the write
	was     noted
}

// sendNotes sends the batch, and then batches that take back what went astray, until nothing is left to take back.
func (t *Tab) sendNotes(ctx context.Context, b *noteBatch) error {
	var pending []noteStray
	for try := range repairTries {
		images, err := t.postNotes(ctx, b)
		if err != nil && (try == 0 || errors.Is(err, ErrUnknownOutcome) || ctx.Err() != nil) {
			return err
		}
		var more []noteStray
		if images != nil {
			more = t.noteStrays(b, images)
		}
		if try > 0 {
			pending = notesLeft(pending, b, images != nil, more)
		}
		pending = append(pending, more...)
		if len(pending) == 0 {
			return nil
		}
		t.client.opt.Logger.Warn("notes landed astray, taking back", "spreadsheet", t.link.SpreadsheetID, "tab", t.title(), "cells", len(pending))
		if b, err = t.takeBack(ctx, pending); err != nil {
			return fmt.Errorf("take back notes on wrong rows: %w", err)
		}
		if b == nil {
			return nil
		}
	}
	return tandem.Errorf(tandem.CodeUnavailable, "ROWS_MOVING", "rows keep moving while notes on wrong rows are taken back")
}

// notesLeft returns the strays that the batch did not take back: all when it took no effect, else those that it had no op
// for, since another stray hid them, and those whose op went astray itself.
func notesLeft(pending []noteStray, b *noteBatch, took bool, more []noteStray) []noteStray {
	if !took {
		return pending
	}
	done := map[int]bool{}
	for i := range b.Ops {
		done[b.Ops[i].undoes] = true
	}
	for i := range more {
		done[more[i].op.undoes] = false
	}
	var left []noteStray
	for i := range pending {
		if !done[i] {
			left = append(left, pending[i])
		}
	}
	return left
}

// postNotes makes the call and returns the images of where it landed; nil when nothing is left that Google takes, or when the
// call certainly took no effect. Cells that Google refuses are left out.
func (t *Tab) postNotes(ctx context.Context, b *noteBatch) (*gridCells, error) {
	for try := 0; len(b.Ops) > 0; try++ {
		t.known.mu.Lock()
		image, stale := t.known.image, t.known.stale
		t.known.mu.Unlock()
		c := t.noteRequests(b, image, stale)
		request := &api.BatchUpdateSpreadsheetRequest{Requests: c.requests, IncludeSpreadsheetInResponse: true,
			ResponseIncludeGridData: true, ResponseRanges: c.ranges}
		answer, err := t.client.service.Spreadsheets.BatchUpdate(t.link.SpreadsheetID, request).
			Fields("updatedSpreadsheet(" + noteImageFields + ")").Context(counting(ctx, &t.calls)).Do()
		if err == nil {
			t.known.mu.Lock()
			t.known.stale = nil
			t.known.image = &imageTab{id: c.image, size: grown(image, c.batch.imageSize())}
			t.known.mu.Unlock()
			if sheet := sheetByID(answer.UpdatedSpreadsheet, c.image); sheet != nil {
				return &gridCells{parts: sheet.Data}, nil
			}
			return t.noteImages(ctx, b)
		}
		if refused := c.refusedOps(err); refused != nil && try < refusalTries {
			t.client.opt.Logger.Info("google refuses notes", "spreadsheet", t.link.SpreadsheetID, "tab", t.title(), "cells", len(refused), "error", err)
			b.Ops = without(b.Ops, refused)
			t.forget() // the rows may be gone
			continue
		}
		failure := t.sendError(err)
		if errors.Is(failure, ErrUnknownOutcome) {
			return t.lostNotes(ctx, b, err)
		}
		if c.refusedOps(err) != nil {
			return nil, nil
		}
		return nil, failure
	}
	return nil, nil
}

// lostNotes finds out what became of a batch whose answer was lost. If it took no effect, it never will.
func (t *Tab) lostNotes(ctx context.Context, b *noteBatch, lost error) (*gridCells, error) {
	t.known.mu.Lock()
	t.known.image = nil // it may be gone: the next Prepare looks
	t.known.mu.Unlock()
	took, err := t.took(ctx, b.cover(t.header, len(t.keys)))
	for try := 1; errors.Is(err, ErrUnknownOutcome) && try < tries; try++ {
		if err := t.client.opt.Sleep(ctx, pause(try)); err != nil {
			return nil, err
		}
		took, err = t.took(ctx, b.cover(t.header, len(t.keys)))
	}
	if err != nil {
		return nil, err
	}
	if !took {
		return nil, t.failed(lost, "write notes")
	}
	return t.noteImages(ctx, b)
}

// noteImages reads what the hidden tab keeps of the batch; nil when it keeps what a later one wrote over.
func (t *Tab) noteImages(ctx context.Context, b *noteBatch) (*gridCells, error) {
	cover := b.cover(t.header, len(t.keys))
	whole := func(rows span) string { return area{rows, span{0, cover.stampColumn() + 1}}.in(imageTitle) }
	ranges := []string{whole(span{t.header, t.header + 1})}
	var rows []int
	for i := range b.Ops {
		if b.Ops[i].Row != t.header {
			rows = append(rows, b.Ops[i].Row)
		}
	}
	for _, run := range runs(rows, 3, rangeLimit-1) {
		ranges = append(ranges, whole(run))
	}
	answer, err := t.client.service.Spreadsheets.Get(t.link.SpreadsheetID).Ranges(ranges...).Fields(noteImageFields).
		Context(counting(ctx, &t.calls)).Do()
	if isUnknownRange(err) {
		return nil, nil
	}
	if err != nil {
		return nil, t.failed(err, "read what stood where notes landed")
	}
	for _, sheet := range answer.Sheets {
		images := &gridCells{parts: sheet.Data}
		if stringOf(orEmpty(shownValue(images.cell(t.header, cover.stampColumn())))) == b.ID {
			return images, nil
		}
	}
	return nil, nil
}

// noteStrays compares the images with what the batch expected, and returns the ops that went astray: on another row or
// column, or on a cell whose note or colour is not the one that was read.
func (t *Tab) noteStrays(b *noteBatch, images *gridCells) []noteStray {
	byRow := images.index()
	header := headerCells(byRow[t.header], t.header)
	headers := make([]string, max(b.Width, len(b.Headers)))
	for at := range min(len(header), len(headers)) {
		headers[at] = headerText(header[at])
	}
	l, err := t.layoutOf(header)
	if err != nil {
		l = nil // the key column is gone, and no row can be told
	}
	type cell struct {
		key    string // its keyMark
		column int
	}
	known := map[cell]string{}
	for _, n := range b.Notes {
		known[cell{n.Key, n.Column}] = n.Note
	}
	copied := showsNotes(images) // then cells without one had none
	var strays []noteStray
	for _, o := range b.Ops {
		parts := &gridCells{parts: byRow[o.Row]}
		s := noteStray{op: o, headers: headers, was: notedOf(parts.cell(o.Row, o.At))}
		right := headers[o.At] == headerAt(b.Headers, o.At)
		if o.Row != t.header && l != nil {
			row := t.notedRow(l, parts, o.Row)
			s.key, right = row.Key, right && o.is(&row)
		}
		if right && (l != nil || o.Row == t.header) && s.was.fits(&o) {
			continue
		}
		if s.was.note == "" && !copied {
			then := headed(b.Headers, headers[o.At], o.At)
			if note, ok := known[cell{markOf(s.key).text(), then}]; ok && !right {
				s.was.note = note
			} else if right || isNoteColour(s.was.colour) && isOurs(o.WasNote) {
				s.was.note = o.WasNote // the same cell, whose row got another key
			}
		}
		strays = append(strays, s)
	}
	return strays
}

// showsNotes reports whether copied cells came with their notes. That is not documented; where none shows one, what was read
// before the write has to do.
func showsNotes(images *gridCells) bool {
	for _, part := range images.parts {
		for _, row := range part.RowData {
			if slices.ContainsFunc(row.Values, func(c *api.CellData) bool { return c != nil && c.Note != "" }) {
				return true
			}
		}
	}
	return false
}

func headerAt(headers []string, at int) string {
	if at < len(headers) {
		return headers[at]
	}
	return ""
}

// fits reports whether a cell was as the op found it.
func (n noted) fits(o *noteOp) bool {
	return (n.note == "" || n.note == o.WasNote) && (o.Colour == nil || sameColour(n.colour, o.WasColour))
}
