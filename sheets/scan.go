package sheets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tandem-sync/tandem"
)

// Scan and BadRow are what a read of a tab found; they belong to the words that all packages share.
type (
	Scan   = tandem.Scan
	BadRow = tandem.BadRow
)

// line is one row of the tab as it was read, from the first column on.
type line struct {
	at    int // counted from 0
	cells []any
}

// errTorn means that two reads of one tab do not fit together, since somebody moved rows in between.
var errTorn = errors.New("rows moved while they were read")

const readTries = 4

// Scan reads the whole tab in a single call, so that it shows one moment: a sort can tear what is read in pieces. Cells
// of text columns that hold a number, or what looks like a formula error, are looked at once more in a second call.
//
// It fails rather than return less than there is: a missing header row, a missing key column, an empty answer and one that
// ends early are errors.
func (t *Tab) Scan(ctx context.Context) (*Scan, error) { return t.ScanUnless(ctx, "") }

// ScanUnless is Scan, but where the tab's digest is still known, which an earlier Scan.Digest said, it returns a Scan that is
// Same and has no rows: such a read costs little memory and makes no rows. Whoever needs rows for any other reason than
// that something in the tab changed has to Scan.
func (t *Tab) ScanUnless(ctx context.Context, known string) (*Scan, error) {
	for try := 0; ; try++ {
		scan, err := t.scanOnce(ctx, known)
		if !errors.Is(err, errTorn) {
			return scan, err
		}
		if try == readTries {
			return nil, tandem.Errorf(tandem.CodeUnavailable, "ROWS_MOVING", "rows of tab %q keep moving while they are read", t.title())
		}
	}
}

func (t *Tab) scanOnce(ctx context.Context, known string) (*Scan, error) {
	scan := &Scan{Began: t.client.opt.Now(), Whole: true}
	p := &pass{t: t, build: known == ""}
	var kept *spool
	var copied io.Writer
	if known != "" {
		kept = t.newSpool()
		copied = kept
	}
	begin := func() {
		p.begin()
		kept.reset()
	}
	if err := t.readWhole(ctx, copied, begin, telling(ctx, p.row)); err != nil {
		return nil, err
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	scan.Ended = t.client.opt.Now()
	shown, err := t.clarify(ctx, p.layout, p.unclear)
	if err != nil {
		return nil, err
	}
	scan.Missing, scan.Title, scan.Digest = p.layout.missing, t.title(), p.digest.sum(p.unclear, shown)
	switch {
	case known == "":
	case scan.Digest == known:
		scan.Same = true
		t.stillAs(scan, p)
		return scan, nil
	case kept.over:
		return t.scanOnce(ctx, "") // too large to be kept: read once more
	default:
		p.build = true
		p.begin()
		if err := scanValues(kept.read(), p.row); err != nil {
			return nil, fmt.Errorf("go through tab %q again: %w", t.title(), err)
		}
	}
	p.clear(shown)
	found := t.separate(p.layout, p.rows)
	scan.Rows, scan.Bad = found.rows, found.bad
	t.remember(&reading{at: scan.Began, layout: p.layout, places: found.places, end: p.end, digest: scan.Digest})
	return scan, nil
}

// stillAs remembers that the tab is as it was last read.
func (t *Tab) stillAs(scan *Scan, p *pass) {
	last := t.remembered()
	if last == nil || last.digest != scan.Digest {
		// What is remembered is of another moment, and says so itself: rows moved, and moved back.
		t.known.mu.Lock()
		t.known.steady = t.client.opt.Now()
		t.known.mu.Unlock()
		return
	}
	t.remember(&reading{at: scan.Began, layout: p.layout, places: last.places, end: p.end, digest: scan.Digest})
}

// sorted is a tab's rows, told apart by whether their keys can be used.
type sorted struct {
	rows   []tandem.Row
	bad    []BadRow
	places keyPlaces
}

// sortOut makes rows of lines. Rows without a usable key are bad, and so are all rows of a key that stands twice. A row of
// nothing but unticked boxes is none: a column of checkboxes reaches down to the end of the grid.
func (t *Tab) sortOut(l *layout, lines []line) *sorted {
	rows := make([]tandem.Row, 0, len(lines))
	for _, line := range lines {
		row := t.row(l, line)
		if t.isKeyless(&row) && l.isUnticked(line.cells) {
			continue
		}
		rows = append(rows, row)
	}
	return t.separate(l, rows)
}

// separate gives rows their keys and takes out, in place, those that cannot be told by one.
func (t *Tab) separate(l *layout, rows []tandem.Row) *sorted {
	s := &sorted{places: make(keyPlaces, 0, len(rows))}
	problems := map[int]string{} // by index into rows
	for i := range rows {
		key, problem := t.key(&rows[i], l)
		if problem != "" {
			problems[i] = problem
			continue
		}
		rows[i].Key = key
		s.places = append(s.places, placed(markOf(key), rows[i].Position-1))
	}
	s.places = sortPlaces(s.places)
	atRow := map[int][]int{} // all rows of a key that stands more than once, by each of them
	s.places.repeated(func(same keyPlaces) {
		all := same.rows()
		for _, row := range all {
			atRow[row] = all
		}
	})
	if len(problems)+len(atRow) == 0 {
		s.rows = rows
		return s
	}
	s.rows = rows[:0]
	for i, row := range rows {
		switch doubled := atRow[row.Position-1]; {
		case problems[i] != "":
			s.bad = append(s.bad, BadRow{Row: row, Message: problems[i], Keyless: t.isKeyless(&row)})
		case doubled != nil:
			s.bad = append(s.bad, BadRow{Row: row, Message: fmt.Sprintf("the key %q stands more than once, in rows %s; remove all but one",
				row.Key, rowNumbers(doubled))})
		default:
			s.rows = append(s.rows, row)
		}
	}
	return s
}

func rowNumbers(rows []int) string {
	var texts []string
	for i, row := range rows {
		if i == 10 {
			texts = append(texts, "…")
			break
		}
		texts = append(texts, strconv.Itoa(row+1))
	}
	return strings.Join(texts, ", ")
}

// row decodes the linked columns of a line.
func (t *Tab) row(l *layout, line line) tandem.Row {
	row := tandem.Row{Values: make([]tandem.Value, len(t.columns)), Position: line.at + 1}
	for i := range t.columns {
		if l.at[i] < 0 {
			continue
		}
		value, problem := decode(l.cell(line.cells, i), &t.columns[i], t.name(i))
		row.Values[i] = value
		if problem != "" {
			if row.Problems == nil {
				row.Problems = map[int]string{}
			}
			row.Problems[i] = problem
		}
	}
	return row
}

// isKeyless reports whether every key cell of a decoded row is empty.
func (t *Tab) isKeyless(row *tandem.Row) bool {
	for _, i := range t.keys {
		if !row.Values[i].IsEmpty() {
			return false
		}
	}
	return len(t.keys) > 0
}

// isUnticked reports whether the linked columns of a row hold nothing but unticked boxes.
func (l *layout) isUnticked(cells []any) bool {
	for _, at := range l.at {
		if at >= 0 && at < len(cells) && cells[at] != nil && cells[at] != "" && cells[at] != false {
			return false
		}
	}
	return true
}

// key returns the key of a decoded row, or why it has none.
func (t *Tab) key(row *tandem.Row, l *layout) (tandem.Key, string) {
	var few [4]tandem.Value
	parts := few[:0]
	for _, i := range t.keys {
		parts = append(parts, row.Values[i])
		if problem, ok := row.Problems[i]; ok {
			return "", problem
		}
		if row.Values[i].IsEmpty() {
			return "", fmt.Sprintf("%s is empty in row %d; a row needs a value in every key column", t.name(i), row.Position)
		}
	}
	return tandem.MakeKey(parts...), ""
}
