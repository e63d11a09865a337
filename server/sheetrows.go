package server

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

// usualStaleness is how old an answer from the sheet may be when the caller does not say: many readers then share a read.
const usualStaleness = 2 * time.Second

// keptScan is how long a scan that nobody asked for again stays in memory.
const keptScan = time.Minute

// sheetRows is a linked tab as one source of the API: reads go to the sheet, writes to the journal, from where the
// worker that holds the link carries them out.
type sheetRows struct {
	api.RowWriter
	columns []tandem.Column
	tab     interface {
		Scan(ctx context.Context) (*tandem.Scan, error)
	}
	scans *scans
	link  string // its id
	name  string // of the link and the version of its settings
	key   []string
}

// Columns are the linked columns.
func (s *sheetRows) Columns() []tandem.Column { return s.columns }

// Mutate writes through the journal; what was read before is then too old for anybody.
func (s *sheetRows) Mutate(ctx context.Context, mutations []tandem.Mutation, atomic bool) ([]tandem.MutationResult, error) {
	defer s.scans.forget(s.name)
	return s.RowWriter.Mutate(ctx, mutations, atomic)
}

// List pages through the rows that are wanted, and then through those of them without a usable key by position. The tab is
// read as a whole, so that readers who ask for different rows share a read.
func (s *sheetRows) List(ctx context.Context, query api.RowQuery) (api.RowPage, error) {
	scan, err := s.read(ctx, query.Staleness)
	if err != nil {
		return api.RowPage{}, err
	}
	wanted := untilDone(ctx, query.Filter.Matcher(s.columns))
	page := api.RowPage{Snapshot: scan.began}
	if query.Total {
		page.Total = scan.count(wanted)
	}
	if query.After.Position == 0 {
		if err := s.listKeyed(scan, query, wanted, &page); err != nil {
			return page, err
		}
	}
	for _, b := range scan.bad {
		switch {
		case page.More || b.Row.Position <= query.After.Position || !wanted(b.Row.Values):
		case len(page.Rows) == query.Limit:
			page.More = true
		default:
			page.Rows = append(page.Rows, api.ListedRow{Row: b.Row, Problem: b.Message})
		}
	}
	return page, ctx.Err()
}

// untilDone is wanted as long as ctx lasts, and then wants nothing, so that nobody works for a caller who is gone.
func untilDone(ctx context.Context, wanted func([]tandem.Value) bool) func([]tandem.Value) bool {
	rows, done := 0, false
	return func(values []tandem.Value) bool {
		if rows++; rows%64 == 0 {
			done = done || ctx.Err() != nil
		}
		return !done && wanted(values)
	}
}

// listKeyed lists the rows that have a key.
func (s *sheetRows) listKeyed(scan *sortedScan, query api.RowQuery, wanted func([]tandem.Value) bool, page *api.RowPage) error {
	var rows []*tandem.Row
	if len(query.Order) > 0 {
		sorted, err := scan.sorted(s.columns, query, wanted)
		if err != nil {
			return err
		}
		rows = sorted
	} else {
		from := 0
		if query.After.Key != "" {
			from = scan.after(query.After.Key)
		}
		for i := from; i < len(scan.rows) && len(rows) <= query.Limit; i++ {
			if wanted(scan.rows[i].Values) {
				rows = append(rows, &scan.rows[i])
			}
		}
	}
	if page.More = len(rows) > query.Limit; page.More {
		rows = rows[:query.Limit]
	}
	for _, row := range rows {
		page.Rows = append(page.Rows, api.ListedRow{Row: *row})
	}
	if n := len(rows); n > 0 && len(query.Order) > 0 {
		page.Marks = sheetMarks(s.columns, query.Order, rows[n-1].Values)
	}
	return nil
}

// Get returns one row.
func (s *sheetRows) Get(ctx context.Context, key tandem.Key, staleness time.Duration) (*api.ListedRow, error) {
	scan, err := s.read(ctx, staleness)
	if err != nil {
		return nil, err
	}
	if at, found := scan.find(key); found {
		return &api.ListedRow{Row: scan.rows[at]}, nil
	}
	for _, bad := range scan.bad {
		if bad.Row.Key == key {
			return nil, tandem.Errorf(tandem.CodePrecondition, "DUPLICATE_KEY", "row %d of the sheet: %s", bad.Row.Position, bad.Message)
		}
	}
	return nil, noSuchRow(key, "sheet")
}

func (s *sheetRows) read(ctx context.Context, staleness time.Duration) (*sortedScan, error) {
	if staleness == api.AnyAge {
		staleness = usualStaleness
	}
	return s.scans.read(ctx, s.name, staleness, func(ctx context.Context) (*sortedScan, error) {
		scan, err := s.tab.Scan(tandem.WithWork(ctx, s.link, tandem.People))
		if err != nil {
			return nil, err
		}
		return sortScan(scan, s.columns, s.key), nil
	})
}

// scans are the last reads of tabs, shared by those who read at the same time.
type scans struct {
	now func() time.Time

	mu     sync.Mutex
	byName map[string]*lastScan
}

type lastScan struct {
	turn chan struct{} // held by the one who reads the tab
	// Below is guarded by scans.mu.
	scan    *sortedScan
	tooOld  time.Time // scans that began before do not show what we wrote since
	touched time.Time
}

func newScans(now func() time.Time) *scans { return &scans{now: now, byName: map[string]*lastScan{}} }

// read returns a scan that began at most staleness before now, reading when there is none. Whoever comes while a tab is
// being read waits for that, and takes it when it is young enough.
func (s *scans) read(ctx context.Context, name string, staleness time.Duration, read func(ctx context.Context) (*sortedScan, error)) (*sortedScan, error) {
	oldest := s.now().Add(-staleness)
	last := s.last(name)
	if scan := s.young(last, oldest); scan != nil {
		return scan, nil
	}
	select {
	case last.turn <- struct{}{}:
		defer func() { <-last.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if scan := s.young(last, oldest); scan != nil {
		return scan, nil
	}
	scan, err := read(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last.scan = scan
	return scan, nil
}

func (s *scans) last(name string) *lastScan {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for other, last := range s.byName {
		if other != name && now.Sub(last.touched) > keptScan {
			delete(s.byName, other)
		}
	}
	if s.byName[name] == nil {
		s.byName[name] = &lastScan{turn: make(chan struct{}, 1)}
	}
	s.byName[name].touched = now
	return s.byName[name]
}

func (s *scans) young(last *lastScan, oldest time.Time) *sortedScan {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last.scan == nil || last.scan.began.Before(oldest) || last.scan.began.Before(last.tooOld) {
		return nil
	}
	return last.scan
}

// forget makes every scan so far too old.
func (s *scans) forget(name string) {
	last := s.last(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	last.tooOld = s.now()
}

// sortedScan is a scan in the order of keys. It is shared, so nobody changes it.
type sortedScan struct {
	began time.Time
	rows  []tandem.Row
	bad   []tandem.BadRow // by position
	order []tandem.Column // the key columns
}

func sortScan(scan *tandem.Scan, columns []tandem.Column, key []string) *sortedScan {
	sorted := &sortedScan{began: scan.Began, rows: slices.Clone(scan.Rows), bad: slices.Clone(scan.Bad)}
	for _, name := range key {
		for i := range columns {
			if columns[i].Name == name {
				sorted.order = append(sorted.order, columns[i])
			}
		}
	}
	slices.SortFunc(sorted.rows, func(a, b tandem.Row) int { return sorted.compare(a.Key, b.Key) })
	slices.SortFunc(sorted.bad, func(a, b tandem.BadRow) int { return cmp.Compare(a.Row.Position, b.Row.Position) })
	return sorted
}

func (s *sortedScan) find(key tandem.Key) (int, bool) {
	return slices.BinarySearchFunc(s.rows, key, func(row tandem.Row, key tandem.Key) int { return s.compare(row.Key, key) })
}

// after returns the index of the first row after key, whether or not the key is still there.
func (s *sortedScan) after(key tandem.Key) int {
	at, found := s.find(key)
	if found {
		at++
	}
	return at
}

// compare orders keys part by part: numbers by value, texts by their bytes.
func (s *sortedScan) compare(a, b tandem.Key) int {
	if a == b {
		return 0
	}
	if len(s.order) == 1 && !strings.Contains(string(a)+string(b), "~") {
		return s.order[0].Type.Compare(string(a), string(b))
	}
	left, err := a.Parts(len(s.order))
	right, failed := b.Parts(len(s.order))
	if err != nil || failed != nil {
		return cmp.Compare(a, b)
	}
	for i := range left {
		if c := s.order[i].Type.Compare(left[i], right[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(a, b)
}
