package simulation_test

import (
	"fmt"
	"strconv"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

func letter(column int) string { return string(rune('A' + column)) }

// at is where a linked column stands now.
func (p *picture) at(name string) int {
	for i, header := range p.header {
		if header == name {
			return i
		}
	}
	return -1
}

func (p *picture) row(r interface{ IntN(int) int }) int { return 2 + r.IntN(max(len(p.raw)-1, 1)) }

// actPerson does one thing that people do to sheets.
func (w *pair) actPerson(p *picture) {
	row, column := p.row(w.r), w.keys+w.r.IntN(len(w.names)-w.keys)
	if at := find(p.sheet, w.keyOf(w.anyKey())); at != nil && w.chance(60) {
		row = at.position
	}
	at := p.at(w.names[column])
	if at < 0 {
		return
	}
	cell := fmt.Sprintf("%s%d", letter(at), row)
	set := func(a1, input string) {
		w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.title, A1: a1, Input: input}})
	}
	span := &emulator.RowSpan{Sheet: p.title, Start: row, Count: 1 + w.r.IntN(3)}
	switch n := w.r.IntN(28); n {
	case 0, 1, 2, 3, 4, 5:
		text := w.typed(column)
		if w.names[column] == "ratio" && w.chance(60) {
			text = p.shown(row, column, text)
		}
		set(cell, text)
	case 6:
		if w.mix["wrong"] && (w.names[column] != "title" || w.state() != tandem.StateNew) {
			set(cell, []string{"many", "1.555", "5000", "=1/0", "=1+2", "#N/A", "TRUE", "2026-02-30"}[w.r.IntN(8)])
		}
	case 7, 8:
		w.edit(emulator.Edit{Sort: &emulator.Sort{Sheet: p.title, Column: p.header[w.r.IntN(len(p.header))], Descending: w.chance(50)}})
	case 9:
		w.edit(emulator.Edit{InsertRows: span})
	case 10:
		if w.when("removal", 40) {
			span.Count = 1 + w.r.IntN(len(p.raw))
		}
		w.edit(emulator.Edit{DeleteRows: span})
	case 11:
		w.edit(emulator.Edit{MoveRows: &emulator.MoveRows{Sheet: p.title, Start: row, Count: 1 + w.r.IntN(2), Before: p.row(w.r)}})
	case 12, 13, 14:
		w.actBlock(p, row)
	case 15:
		w.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: p.title, A1: fmt.Sprintf("%s%d:%s%d", letter(at), row, letter(at), row+w.r.IntN(3))}})
	case 16:
		w.edit(emulator.Edit{Clear: &emulator.Clear{Sheet: p.title, A1: fmt.Sprintf("A%d:%s%d", row, letter(len(p.header)-1), row)}})
	case 22:
		set(fmt.Sprintf("%s%d", letter(p.at("mine")), row), fmt.Sprintf("mine %d", w.serial))
	default:
		w.actSeldom(p, n, row, w.names[column])
	}
}

// shown is the number in a cell to the digits that a sheet shows, otherwise where there is none: people type what they see.
func (p *picture) shown(position, column int, otherwise string) string {
	for _, row := range p.sheet {
		if n, err := strconv.ParseFloat(row.values[column].Text(), 64); err == nil && row.position == position {
			return strconv.FormatFloat(n, 'g', 15, 64)
		}
	}
	return otherwise
}

// actSeldom does what only some mixes have.
func (w *pair) actSeldom(p *picture, n, row int, linked string) {
	switch n {
	case 17, 18:
		w.actColumn(p, linked)
	case 19:
		if w.when("rename", 60) {
			w.serial++
			w.edit(emulator.Edit{RenameSheet: &emulator.RenameSheet{Sheet: p.title, Title: fmt.Sprintf("Tab %d", w.serial)}})
		}
	case 20, 21:
		if w.mix["undo"] {
			w.undo()
		}
	case 23:
		if w.mix["keys"] {
			w.editKey(p, row)
		}
	case 24, 25:
		if w.mix["blocks"] {
			w.clientWrites(p, row)
		}
	case 26:
		if w.mix["filter"] {
			w.filter(p)
		}
	case 27:
		if w.mix["keyless"] {
			w.typeRow(p)
		}
	}
}

// actBlock pastes a block of rows, below the others or over them.
func (w *pair) actBlock(p *picture, row int) {
	switch {
	case !w.mix["blocks"]:
	case w.chance(70):
		w.pasteRows(p, len(p.raw)+1)
	default:
		w.pasteRows(p, row)
	}
}

// actColumn moves columns about, or takes one that is linked away, or its header.
func (w *pair) actColumn(p *picture, linked string) {
	switch {
	case !w.mix["columns"]:
	case w.chance(10):
		w.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: p.title, Column: linked}})
	case w.chance(10):
		w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.title, A1: letter(p.at(linked)) + "1", Input: []string{"", "other"}[w.r.IntN(2)]}})
	case w.chance(50) && len(p.header) < 14:
		w.serial++
		w.edit(emulator.Edit{InsertColumn: &emulator.InsertColumn{Sheet: p.title, Before: p.header[w.r.IntN(len(p.header))], Header: fmt.Sprintf("extra%d", w.serial)}})
	default:
		w.moveColumn(p)
	}
}

// undo takes back the last edit of people, in whichever tab that was.
func (w *pair) undo() {
	before := map[*pair]*picture{}
	for _, other := range w.pairs {
		if other != w {
			before[other] = other.look()
		}
	}
	w.edit(emulator.Edit{Undo: &emulator.Undo{}})
	for other, picture := range before {
		other.learn(picture, other.look())
	}
}

// typeRow types a row below the others, cell by cell, without a key.
func (w *pair) typeRow(p *picture) {
	var cells []string
	for i := w.keys; i < len(w.names); i++ {
		if at := p.at(w.names[i]); at >= 0 {
			cells = append(cells, w.names[i])
		}
	}
	for _, name := range cells[:1+w.r.IntN(len(cells))] {
		for i := range w.names {
			if w.names[i] == name {
				w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.title, A1: fmt.Sprintf("%s%d", letter(p.at(name)), len(p.raw)+1), Input: w.typed(i)}})
			}
		}
	}
}

// typed is what a person types for a value.
func (w *pair) typed(column int) string {
	value := w.randomValue(column)
	if value == nil {
		return ""
	}
	text := fmt.Sprint(w.asArg(column, value))
	if w.names[column] == "title" && w.state() == tandem.StateNew {
		// Setup makes the column plain text, which changes how a number shows that was typed there before.
		return "typed " + text
	}
	return text
}

// pasteRows pastes rows, with keys that are new, or there already, or left out.
func (w *pair) pasteRows(p *picture, row int) {
	var block [][]string
	for range 1 + w.r.IntN(3) {
		line := make([]string, len(p.header))
		key := w.anyKey()
		for at, header := range p.header {
			for i, name := range w.names {
				if name != header {
					continue
				}
				if i < w.keys {
					line[at] = key[i]
				} else {
					line[at] = w.typed(i)
				}
			}
			if header == "mine" {
				w.serial++
				line[at] = fmt.Sprintf("pasted %d", w.serial)
			}
		}
		if w.when("keyless", 25) {
			line[p.at(w.names[0])] = ""
		}
		block = append(block, line)
	}
	w.edit(emulator.Edit{Paste: &emulator.Paste{Sheet: p.title, A1: fmt.Sprintf("A%d", row), Values: block}})
}

// editKey types another key over one, which may be nonsense.
func (w *pair) editKey(p *picture, row int) {
	part := w.r.IntN(w.keys)
	input := w.anyKey()[part]
	if w.chance(20) {
		input = []string{"", "x y", "1.5"}[w.r.IntN(3)]
	}
	w.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.title, A1: fmt.Sprintf("%s%d", letter(p.at(w.names[part])), row), Input: input}})
}
