package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

const (
	// previewWhole is up to how many rows a table is read whole for a preview.
	previewWhole = 10_000
	// previewExamples is how many rows of each kind a preview shows.
	previewExamples = 20
)

// Preview says what the first initial sync of a link would do that is not made, as far as a sample of its tab tells. It is the
// very plan of such a sync, over these rows and with nothing that was ever agreed on. Nothing is stored, and nothing is written.
//
// A table of no more than 10,000 rows is read whole where the sample is the whole tab; of a larger one, and beside a part of a tab,
// only the rows are read whose keys the sample shows.
func (w *Worker) Preview(ctx context.Context, link *tandem.Link, table Table, sample *tandem.Sample) (*tandem.Preview, error) {
	return w.preview(ctx, link, table, sample, previewWhole)
}

func (w *Worker) preview(ctx context.Context, link *tandem.Link, table Table, sample *tandem.Sample, whole int64) (*tandem.Preview, error) {
	total, err := table.Count(ctx)
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	scan := *sample.Scan
	p := &tandem.Preview{TableRows: total, TabRows: len(scan.Rows) + len(scan.Bad), Complete: sample.Complete}
	seen := &seenRows{Table: table}
	if !sample.Complete || total > whole {
		if err := seen.read(ctx, &scan); err != nil {
			return nil, err
		}
		table = seen
	}
	c := (&Worker{opt: w.opt}).newCycle(*link, tandem.Lease{}, &memory{})
	c.w.opt.Store = unmade{}
	if err := c.openTable(table); err != nil {
		return nil, err
	}
	if err := c.readTyped(ctx); err != nil {
		return nil, err
	}
	c.observeSheet(&scan)
	c.sync = &syncRun{c: c, request: tandem.SyncRequest{ValidateOnly: true}, examples: map[string]int{}}
	if err := c.gatherAll(ctx, &scan); err != nil {
		return nil, err
	}
	c.sync.countBad(&scan)
	c.sync.eachPlanned(c.sync.count)
	for _, bad := range scan.Bad {
		if !bad.Keyless || c.keyColumn() < 0 {
			c.sync.remark("REFUSED", bad.Row.Key, bad.Message)
		}
	}
	p.Columns = c.checkedColumns(sample.Checks)
	if table == seen && sample.Complete {
		if err := c.addUnseen(ctx, seen, total); err != nil {
			return nil, err
		}
	}
	p.Counts, p.Examples = c.sync.report.Counts, fewOfEach(c.sync.report.Examples)
	return p, nil
}

// checkedColumns leaves out the checks of cells that never reach the table, and says which columns would not flow.
func (c *cycle) checkedColumns(checks []tandem.ColumnCheck) []tandem.ColumnCheck {
	checked := slices.Clone(checks)
	for i := range checked {
		setting, column := &c.policy.Settings[i], &c.policy.Columns[i]
		theirs := column.Generated || setting.Owner == tandem.OwnerDatabase || setting.Owner == tandem.OwnerIgnored
		if theirs && column.KeyPosition == 0 {
			checked[i] = tandem.ColumnCheck{}
		}
		checked[i].Paused = setting.Paused
	}
	return checked
}

// addUnseen counts the rows of the table that a whole tab lacks, where the table is too large to be read. What it shows of them
// are the first ones.
func (c *cycle) addUnseen(ctx context.Context, seen *seenRows, total int64) error {
	counts := &c.sync.report.Counts
	counts.InsertSheet += max(0, total-int64(len(seen.rows)))
	page, err := seen.Table.Scan(ctx, "", min(len(seen.rows)+previewExamples, pageRows))
	if err != nil {
		return fmt.Errorf("read table %q: %w", c.link.Table, err)
	}
	known := make(map[tandem.Key]bool, len(seen.rows))
	for i := range seen.rows {
		known[seen.rows[i].Key] = true
	}
	for i := range page {
		if known[page[i].Key] {
			continue
		}
		d := c.policy.Decide(reconcile.Row{Key: page[i].Key, Database: page[i].Values})
		if d.Sheet != nil {
			c.sync.example("INSERT_SHEET", &d, d.Sheet)
		}
	}
	return nil
}

// fewOfEach keeps the first examples of each kind.
func fewOfEach(examples []tandem.SyncExample) []tandem.SyncExample {
	shown := map[string]int{}
	return slices.DeleteFunc(examples, func(e tandem.SyncExample) bool {
		shown[e.Kind]++
		return shown[e.Kind] > previewExamples
	})
}

// seenRows is a table of which only the rows are there whose keys were seen in a tab.
type seenRows struct {
	Table
	rows []tandem.Row // by key
}

// read reads the rows of a tab's keys. The table's own spelling of a key comes back once, however often the tab spells it.
func (t *seenRows) read(ctx context.Context, scan *tandem.Scan) error {
	keys := map[tandem.Key]bool{}
	for i := range scan.Rows {
		keys[scan.Rows[i].Key] = true
	}
	for i := range scan.Bad {
		if key := scan.Bad[i].Row.Key; key != "" {
			keys[key] = true
		}
	}
	found := map[tandem.Key]tandem.Row{}
	for page := range slices.Chunk(slices.Sorted(maps.Keys(keys)), pageRows) {
		rows, err := t.Get(ctx, page)
		if err != nil {
			return err
		}
		for _, row := range rows {
			found[row.Key] = row
		}
	}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		t.rows = append(t.rows, found[key])
	}
	return nil
}

// Scan returns up to limit rows after a key.
func (t *seenRows) Scan(_ context.Context, after tandem.Key, limit int) ([]tandem.Row, error) {
	from, found := slices.BinarySearchFunc(t.rows, after, func(row tandem.Row, key tandem.Key) int {
		switch {
		case row.Key < key:
			return -1
		case row.Key > key:
			return 1
		}
		return 0
	})
	if found {
		from++
	}
	return t.rows[from:min(from+limit, len(t.rows))], nil
}

// unmade is what the database knows of a link that is not made: nothing. Whatever else would be asked of it, or stored, is a
// mistake, and fails.
type unmade struct{ Store }

// Baselines are none.
func (unmade) Baselines(context.Context, *tandem.Link, []tandem.Key) (map[tandem.Key][]tandem.Value, error) {
	return nil, nil
}

// CountBaselines is 0.
func (unmade) CountBaselines(context.Context, string) (int64, error) { return 0, nil }

// ScanBaselines has nothing to visit.
func (unmade) ScanBaselines(context.Context, *tandem.Link, tandem.Key, int) ([]tandem.BaselineRow, error) {
	return nil, nil
}

// TypedRows are none.
func (unmade) TypedRows(context.Context, *tandem.Link) ([]tandem.Typed, error) { return nil, nil }
