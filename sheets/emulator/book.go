package emulator

import (
	"slices"
	"time"
)

// Google's limits, which the emulator keeps.
const (
	maxCells      = 10_000_000
	maxCellText   = 50_000
	maxColumns    = 18_278
	maxMetadata   = 30_000
	maxTitle      = 100
	defaultRows   = 1000
	defaultCols   = 26
	defaultHeight = 21
	defaultWidth  = 100
)

// book is one state of a spreadsheet. A change works on a clone, which becomes the state when all of it
// succeeded; a state that anyone else can see is never written again, so readers need no lock.
type book struct {
	id       string
	props    object // title, locale, timeZone, autoRecalc
	sheets   []*sheet
	names    []namedRange
	metadata []metadataEntry

	styles     []*style
	styleIndex map[string]styleID // shared by all states, used under the document's lock only

	epoch    uint64
	now      time.Time
	freshID  func() int
	shifts   []shiftRecord // structural changes made by the change under way
	newNames bool          // names changed: formulas must be looked at again
}

func newBook(id string, freshID func() int) *book {
	return &book{id: id, styles: []*style{plainStyle}, styleIndex: map[string]styleID{}, freshID: freshID,
		props: object{"title": "Untitled spreadsheet", "locale": "en_US", "autoRecalc": "ON_CHANGE", "timeZone": "Etc/GMT"}}
}

func (b *book) clone(now time.Time) *book {
	next := *b
	next.epoch++
	next.now = now
	next.shifts = nil
	next.sheets = make([]*sheet, len(b.sheets))
	for i, s := range b.sheets {
		copied := *s
		next.sheets[i] = &copied
	}
	return &next
}

func (b *book) sheet(id int) *sheet {
	for _, s := range b.sheets {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (b *book) sheetOrError(id int) (*sheet, error) {
	if s := b.sheet(id); s != nil {
		return s, nil
	}
	return nil, invalid("No grid with id: %d", id)
}

// tabOrError is sheetOrError for requests that are about the tab itself, which Google words differently.
func (b *book) tabOrError(id int) (*sheet, error) {
	if s := b.sheet(id); s != nil {
		return s, nil
	}
	return nil, invalid("No sheet with id: %d", id)
}

func (b *book) titled(title string) *sheet {
	for _, s := range b.sheets {
		if s.title == title {
			return s
		}
	}
	// Google compares titles without regard to case when it looks a range up.
	for _, s := range b.sheets {
		if equalFold(s.title, title) {
			return s
		}
	}
	return nil
}

func (b *book) index(s *sheet) int { return slices.Index(b.sheets, s) }

// firstVisible is the tab that a range without a tab's name means.
func (b *book) firstVisible() *sheet {
	for _, s := range b.sheets {
		if !s.hidden {
			return s
		}
	}
	return b.sheets[0]
}

func (b *book) cellCount() int {
	total := 0
	for _, s := range b.sheets {
		total += s.rows * s.cols
	}
	return total
}

// checkSize refuses a grid that Google would refuse. It is asked after each change of a grid.
func (b *book) checkSize() error {
	for _, s := range b.sheets {
		if s.cols > maxColumns {
			return invalid("This action would increase the number of columns in the sheet above the limit of %d columns.", maxColumns)
		}
	}
	if b.cellCount() > maxCells {
		return invalid("This action would increase the number of cells in the workbook above the limit of %d cells.", maxCells)
	}
	return nil
}

func (b *book) edit(s *sheet, r, c int, change func(c *cell)) { s.edit(b.epoch, r, c, change) }

func (b *book) visibleCount() int {
	n := 0
	for _, s := range b.sheets {
		if !s.hidden {
			n++
		}
	}
	return n
}

// freshSheetID is a sheet id that no tab of the book has.
func (b *book) freshSheetID() int {
	for {
		if id := b.freshID(); b.sheet(id) == nil {
			return id
		}
	}
}

func (b *book) locale() string   { return text(b.props, "locale") }
func (b *book) timeZone() string { return text(b.props, "timeZone") }

func (b *book) properties() object {
	p := copyObject(b.props)
	p["defaultFormat"], p["spreadsheetTheme"] = defaultFormat, spreadsheetTheme
	return p
}
