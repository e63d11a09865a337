package emulator

import (
	"sync"
	"sync/atomic"
	"time"
)

// document is a spreadsheet that lives: its present state and those who want to know when it changes.
type document struct {
	id       string
	emulator *Emulator
	current  atomic.Pointer[book]

	mu       sync.Mutex // held by the one change under way
	history  []shiftRecord
	undos    []undo
	hook     hook
	watchers map[chan struct{}]bool
}

// state is what the spreadsheet is at this moment. It never changes: a reader may take its time.
func (d *document) state() *book { return d.current.Load() }

// change applies fn to a clone of the state and makes that the state, or leaves all as it was when fn fails.
func (d *document) change(fn func(b *book) error) (*book, error) {
	d.mu.Lock()
	b, err := d.changeLocked(fn)
	d.mu.Unlock()
	if err == nil {
		d.emulator.touched(d.id, text(b.props, "title"), b.now, false)
	}
	return b, err
}

// changeLocked is change for a caller that holds the lock, who then has to tell Drive, once it let go of it.
func (d *document) changeLocked(fn func(b *book) error) (*book, error) {
	next := d.state().clone(d.emulator.now())
	if err := fn(next); err != nil {
		return nil, err
	}
	next.recalculate()
	d.history = append(d.history, next.shifts...)
	d.current.Store(next)
	d.wake()
	return next, nil
}

// wake tells the pages that show this spreadsheet. A watcher that has not looked yet needs no second telling.
func (d *document) wake() {
	for w := range d.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// watch returns a channel that gets a value after changes, and a function that ends it.
func (d *document) watch() (<-chan struct{}, func()) {
	w := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watchers == nil {
		d.watchers = map[chan struct{}]bool{}
	}
	d.watchers[w] = true
	return w, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watchers, w)
	}
}

// add makes a new spreadsheet known, to Sheets and to Drive.
func (e *Emulator) add(b *book) *document {
	d := &document{id: b.id, emulator: e}
	d.current.Store(b)
	e.addFile(&file{id: b.id, name: text(b.props, "title"), mime: spreadsheetType, document: d})
	return d
}

// Spreadsheet describes one to be made from Go. Without an ID one is made up; without tabs there is one, empty.
type Spreadsheet struct {
	ID       string
	Title    string
	TimeZone string // such as Europe/Lisbon; empty is Etc/GMT
	Locale   string // such as en_US, the default
	Tabs     []Tab
}

// Tab is a tab of a new spreadsheet. Rows hold nil, string, bool, int, int64, float64 or time.Time, stored as
// such and never parsed, but for a Formula. The grid is 1000 by 26, or larger when the rows are.
type Tab struct {
	Title  string
	Rows   [][]any
	Hidden bool
}

// Formula is a cell that computes, such as "=A1+1".
type Formula string

// Create adds a spreadsheet and returns its id. The error tells of a bad description, or an id in use.
func (e *Emulator) Create(s Spreadsheet) (string, error) {
	id := s.ID
	if id == "" {
		id = e.newSpreadsheetID()
	}
	if e.document(id) != nil {
		return "", invalid("A spreadsheet with id %s already exists.", id)
	}
	b := newBook(id, e.randomID)
	b.now = e.now()
	props := object{}
	for name, v := range map[string]string{"title": s.Title, "timeZone": s.TimeZone, "locale": s.Locale} {
		if v != "" {
			props[name] = v
		}
	}
	var tabs []any
	for _, t := range s.Tabs {
		width := defaultCols
		for _, line := range t.Rows {
			width = max(width, len(line))
		}
		tabs = append(tabs, object{"properties": object{"title": t.Title, "hidden": t.Hidden,
			"gridProperties": object{"rowCount": max(defaultRows, len(t.Rows)), "columnCount": width}}})
	}
	if err := b.fill(object{"properties": props, "sheets": tabs}); err != nil {
		return "", err
	}
	for i, t := range s.Tabs {
		if err := b.fillRows(b.sheets[i], t.Rows); err != nil {
			return "", err
		}
	}
	b.recalculate()
	e.add(b)
	return id, nil
}

func (b *book) fillRows(s *sheet, rows [][]any) error {
	for r, line := range rows {
		for c, v := range line {
			in, err := goInput(v)
			if err != nil {
				return prefixed(err, "Row %d, column %s: ", r+1, columnName(c))
			}
			if in.value.kind == emptyCell && in.formula == nil {
				continue
			}
			b.edit(s, r, c, func(c *cell) { b.accept(c, in) })
		}
	}
	return nil
}

func goInput(v any) (input, error) {
	switch v := v.(type) {
	case nil:
		return input{}, nil
	case string:
		if v == "" {
			return input{}, nil
		}
		return input{value: textValue(v)}, nil
	case bool:
		return input{value: boolValue(v)}, nil
	case int:
		return input{value: numberValue(float64(v))}, nil
	case int64:
		return input{value: numberValue(float64(v))}, nil
	case float64:
		return input{value: numberValue(v)}, nil
	case Formula:
		return input{formula: parseFormula(string(v))}, nil
	case time.Time:
		n := serial(v)
		if n == float64(int64(n)) {
			return input{value: numberValue(n), format: numberFormat{"DATE", "yyyy-mm-dd"}}, nil
		}
		return input{value: numberValue(n), format: numberFormat{"DATE_TIME", "yyyy-mm-dd hh:mm:ss"}}, nil
	}
	return input{}, invalid("Cannot store a value of type %T.", v)
}
