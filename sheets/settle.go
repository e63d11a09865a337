package sheets

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// Settle finds out whether a batch took effect whose answer was lost, also in another process. If it did not, it makes
// sure that it never will: a late original then fails as a whole. If it did, Settle finishes what Send would have done,
// putting back what landed astray, and returns what became of each change.
func (t *Tab) Settle(ctx context.Context, b *Batch) ([]tandem.Applied, bool, error) {
	took, err := t.took(ctx, b)
	if err != nil || !took {
		return nil, false, err
	}
	t.forget()
	images, err := t.readImages(ctx, b)
	if err != nil {
		return nil, true, err
	}
	if images == nil {
		applied, err := t.settleByRows(ctx, b)
		return applied, true, err
	}
	applied, err := t.judge(ctx, b, images)
	return applied, true, err
}

// took reports whether a batch took effect, by its metadata; if it did not, the metadata is made now.
func (t *Tab) took(ctx context.Context, b *Batch) (bool, error) {
	for range 3 {
		found, err := t.metadata(ctx, b)
		if err != nil {
			return false, err
		}
		if found != nil {
			return !strings.HasSuffix(found.MetadataValue, burnt), nil
		}
		burn := createMetadata(b.metadataID(), t.link.SheetID, metadataValue(t.client.opt.Now())+burnt)
		request := &api.BatchUpdateSpreadsheetRequest{Requests: []*api.Request{burn}}
		_, err = t.client.service.Spreadsheets.BatchUpdate(t.link.SpreadsheetID, request).Fields("spreadsheetId").
			Context(counting(ctx, &t.calls)).Do()
		if err == nil {
			return false, nil
		}
		if isClean(err) && !isBadRequest(err, "already exists") {
			if _, located := t.locate(ctx); located != nil {
				return false, located // the tab is gone, and the batch with it
			}
			return false, t.failed(err, "settle an earlier write to tab %q", t.title())
		}
		if !isClean(err) {
			return false, fmt.Errorf("%w: %w", ErrUnknownOutcome, t.failed(err, "settle an earlier write to tab %q", t.title()))
		}
	}
	return false, fmt.Errorf("%w: the traces of the write come and go", ErrUnknownOutcome)
}

// metadata returns the batch's metadata, nil when there is none.
func (t *Tab) metadata(ctx context.Context, b *Batch) (*api.DeveloperMetadata, error) {
	found, err := t.client.service.Spreadsheets.DeveloperMetadata.Get(t.link.SpreadsheetID, b.metadataID()).
		Context(counting(ctx, &t.calls)).Do()
	var answer *googleapi.Error
	if errors.As(err, &answer) && answer.Code == 404 {
		return nil, nil
	}
	if err != nil {
		return nil, t.failed(err, "look for an earlier write to tab %q", t.title())
	}
	return found, nil
}

// readImages reads what the hidden tab keeps of a batch; nil when it is gone, or keeps what a later batch wrote over.
func (t *Tab) readImages(ctx context.Context, b *Batch) (*gridCells, error) {
	width := b.tailColumn(len(b.Keys))
	whole := func(rows span) string { return area{rows, span{0, width}}.in(imageTitle) }
	ranges := []string{whole(span{b.Header + b.Offset, b.Header + b.Offset + 1})}
	var rows []int
	for i := range b.Ops {
		if b.Ops[i].Kind != tandem.Insert {
			rows = append(rows, b.Ops[i].Row+b.Offset)
		}
	}
	for _, run := range runs(rows, 3, rangeLimit-1) {
		ranges = append(ranges, whole(run))
	}
	if b.has(tandem.Insert) {
		ranges = append(ranges, area{span{b.Tail + b.Offset, endless}, span{b.tailColumn(0), width}}.in(imageTitle))
	}
	answer, err := t.client.service.Spreadsheets.Get(t.link.SpreadsheetID).Ranges(ranges...).Context(counting(ctx, &t.calls)).
		Fields("sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),data(startRow,startColumn,rowData(values(" + imageCells + "))))").Do()
	if isUnknownRange(err) {
		return nil, nil
	}
	if err != nil {
		return nil, t.failed(err, "read what stood where an earlier write landed")
	}
	for _, sheet := range answer.Sheets {
		if sheet.Properties == nil || sheet.Properties.Title != imageTitle {
			continue
		}
		images := &gridCells{parts: sheet.Data}
		stamp := shownValue(images.cell(b.Header+b.Offset, b.stampColumn()))
		if stringOf(orEmpty(stamp)) != b.ID {
			return nil, nil
		}
		t.known.mu.Lock()
		t.known.image = &imageTab{id: sheet.Properties.SheetId, size: sizeOf(sheet.Properties)}
		t.known.mu.Unlock()
		return images, nil
	}
	return nil, nil
}

// settleByRows judges a batch by the rows as they stand now, where its images are gone: what shows its values has landed.
func (t *Tab) settleByRows(ctx context.Context, b *Batch) ([]tandem.Applied, error) {
	scan, err := t.Scan(ctx)
	if err != nil {
		return nil, err
	}
	rows := make(map[tandem.Key]*tandem.Row, len(scan.Rows))
	for i := range scan.Rows {
		rows[scan.Rows[i].Key] = &scan.Rows[i]
	}
	applied := make([]tandem.Applied, len(b.Ops))
	for i := range b.Ops {
		o := &b.Ops[i]
		want := t.rowOf(o)
		if o.Kind == tandem.Delete {
			if rows[o.Key] != nil {
				applied[i] = tandem.Applied{Outcome: tandem.Moved, Row: rows[o.Key]}
			}
			continue
		}
		have := rows[want.Key]
		applied[i] = tandem.Applied{Outcome: tandem.Landed, Row: have}
		if have == nil {
			applied[i].Outcome = tandem.Moved
			continue
		}
		for n := range t.columns {
			if !want.Values[n].IsAbsent() && !have.Values[n].IsAbsent() && !t.columns[n].Equal(want.Values[n], have.Values[n]) {
				applied[i].Outcome = tandem.Moved
			}
		}
	}
	return applied, nil
}
