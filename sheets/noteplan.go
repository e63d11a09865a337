package sheets

import (
	"slices"

	"github.com/tandem-sync/tandem"
)

// notePlan is the way from the notes that are wanted to a batch.
type notePlan struct {
	t           *Tab
	shown, want []tandem.Note
	all         bool // look for notes in the whole tab, whatever shown says

	known *reading
	fresh bool             // known was read by this plan
	moved bool             // known is outdated
	notes map[place]string // every note of the tab; nil when not all were looked for
	found *notedRows

	entries map[place]*tandem.Note // what is in shown, by where it is shown now
	kept    map[place]bool         // cells whose notes stay, or come
	next    []tandem.Note
	ops     []noteOp
}

// identity is what a note is about; its text and colour may change.
func identity(n *tandem.Note) tandem.Note {
	return tandem.Note{Key: n.Key, Position: n.Position, Header: n.Header, Column: n.Column}
}

// takesAway reports whether notes have to be looked for in the whole tab: some are shown that are no longer wanted, or
// nothing is known of what is shown.
func (p *notePlan) takesAway() bool {
	if p.all || len(p.shown) == 0 {
		return true
	}
	wanted := make(map[tandem.Note]bool, len(p.want))
	for i := range p.want {
		wanted[identity(&p.want[i])] = true
	}
	return slices.ContainsFunc(p.shown, func(n tandem.Note) bool { return !n.Header && !wanted[identity(&n)] })
}

// guess returns the row where a note's row should stand.
func (p *notePlan) guess(n *tandem.Note) (row int, ok bool) {
	if n.Header {
		return 0, false
	}
	if n.Key != "" {
		if at, ok := p.known.place(n.Key); ok {
			return at, true
		}
		rows := p.known.doubled(n.Key)
		if len(rows) == 0 {
			return 0, false
		}
		if slices.Contains(rows, n.Position-1) {
			return n.Position - 1, true
		}
		return rows[0], true
	}
	size, _ := p.t.sizes()
	return n.Position - 1, n.Position-1 > p.t.header && n.Position <= size.rows
}

// placeOf returns the cell that a note is about. A row without a usable key is only where it is said to be.
func (p *notePlan) placeOf(n *tandem.Note) (at place, ok bool) {
	l := p.known.layout
	if n.Header {
		return place{p.t.header, l.linked.first}, true
	}
	row, ok := p.guess(n)
	if !ok {
		return place{}, false
	}
	read, ok := p.found.rows[row]
	if !ok || n.Key == "" && read.Key != "" && len(p.known.doubled(read.Key)) == 0 {
		return place{}, false
	}
	column := p.column(n)
	return place{row, column}, column >= 0
}

// column returns where the note's column stands, -1 when it is not in the tab.
func (p *notePlan) column(n *tandem.Note) int {
	for i := range p.t.columns {
		if n.Column == "" && i == p.t.keys[0] || n.Column != "" && p.t.columns[i].Name == n.Column {
			return p.known.layout.at[i]
		}
	}
	return -1
}

// decide makes the ops and next. It reports whether all notes of the tab have to be known before anything is written: what
// goes astray may hit another one.
func (p *notePlan) decide() (all bool) {
	p.next, p.ops, p.kept = nil, nil, map[place]bool{}
	lost := p.matchEntries()
	shown := 0
	for i := range p.want {
		if p.want[i].Header || shown < noteLimit {
			if p.show(&p.want[i]) && !p.want[i].Header {
				shown++
			}
		}
	}
	p.takeAway()
	return lost || slices.ContainsFunc(p.ops, func(o noteOp) bool { return o.Row != p.t.header })
}

// matchEntries finds where the notes of shown stand now: at their cells, else, where rows moved that have no key or got
// another one, by their texts. It reports whether some are nowhere to be seen.
func (p *notePlan) matchEntries() (lost bool) {
	p.entries = map[place]*tandem.Note{}
	var missing []*tandem.Note
	for i := range p.shown {
		n := &p.shown[i]
		if n.Header {
			continue
		}
		if at, ok := p.placeOf(n); ok && p.entries[at] == nil && isOurs(p.found.cells[at].note) {
			p.entries[at] = n
		} else {
			missing = append(missing, n)
		}
	}
	ours := slices.DeleteFunc(sortedPlaces(p.found.cells), func(at place) bool {
		return at.row <= p.t.header || p.entries[at] != nil || !isOurs(p.found.cells[at].note)
	})
	for _, n := range missing {
		column := p.column(n)
		i := slices.IndexFunc(ours, func(at place) bool {
			return p.found.cells[at].note == noteText(n.Text) && (at.column == column || column < 0)
		})
		if i >= 0 {
			p.entries[ours[i]] = n
			ours = slices.Delete(ours, i, i+1)
		} else if at, ok := p.placeOf(n); ok && p.entries[at] == nil {
			p.entries[at] = n // somebody took the note away, or it was never sent
		} else {
			lost = true
		}
	}
	return lost
}

// show decides about one note that is wanted.
func (p *notePlan) show(n *tandem.Note) bool {
	at, ok := p.placeOf(n)
	if !ok || p.kept[at] {
		return false
	}
	cell, entry := p.found.cells[at], p.entries[at]
	if cell.note != "" && !isOurs(cell.note) {
		return false // a person's
	}
	if p.found.isLocked(at) {
		if !isOurs(cell.note) || entry == nil {
			return false
		}
		p.kept[at], p.next = true, append(p.next, *entry)
		return true
	}
	o := noteOp{Row: at.row, At: at.column, WasNote: cell.note, WasColour: cell.colour}
	if text := noteText(n.Text); cell.note != text {
		o.Note = &text
	}
	next := *n
	next.Before = ""
	switch {
	case n.Header:
	case isNoteColour(cell.colour) || isOurs(cell.note):
		// Where a note of ours has lost its colour, a person gave it another: that stays.
		if entry != nil {
			next.Before = entry.Before
		}
	default:
		colour := noteColour()
		next.Before, o.Colour = cell.colour, &colour
	}
	p.kept[at], p.next = true, append(p.next, next)
	p.add(o)
	return true
}

// takeAway clears the cells whose notes are no longer wanted: of a note of ours, and of our colour. What a person changed
// stays.
func (p *notePlan) takeAway() {
	cells := map[place]bool{}
	for at, cell := range p.found.cells {
		inherited := p.notes != nil && cell.note == "" && isNoteColour(cell.colour) && p.found.has(at)
		if isOurs(cell.note) && at.row >= p.t.header || inherited {
			cells[at] = true
		}
	}
	for at := range p.entries {
		cells[at] = true
	}
	cleared := 0
	for _, at := range sortedPlaces(cells) {
		if p.kept[at] {
			continue
		}
		cell, entry := p.found.cells[at], p.entries[at]
		o := noteOp{Row: at.row, At: at.column, WasNote: cell.note, WasColour: cell.colour}
		if none := ""; isOurs(cell.note) {
			o.Note = &none
		}
		if before := ""; at.row > p.t.header && isNoteColour(cell.colour) {
			if entry != nil {
				before = entry.Before
			}
			o.Colour = &before
		}
		if o.Note == nil && o.Colour == nil {
			continue
		}
		if entry != nil {
			p.next = append(p.next, *entry) // until it is seen to be gone: only the list knows the colour
		}
		if cleared++; cleared <= clearLimit && !p.found.isLocked(at) {
			p.add(o)
		}
	}
}

// add takes an op with what tells its row.
func (p *notePlan) add(o noteOp) {
	if o.Note == nil && o.Colour == nil {
		return
	}
	p.ops = append(p.ops, p.t.identify(o, p.found, p.known))
}

// batch is what is sent.
func (p *notePlan) batch() *noteBatch {
	b := p.t.newNoteBatch(p.found, p.ops)
	keys := map[int]keyMark{}
	for at := range p.notes {
		keys[at.row] = keyMark{}
	}
	for _, at := range p.known.places {
		if _, ok := keys[int(at.row)]; ok && len(p.known.places.of(at.mark())) == 1 {
			keys[int(at.row)] = at.mark()
		}
	}
	for _, at := range sortedPlaces(p.notes) {
		if key := keys[at.row]; key != (keyMark{}) {
			b.Notes = append(b.Notes, keyedNote{key.text(), at.column, p.notes[at]})
		}
	}
	return b
}
