package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// person has one tab open and sees it as it is: what is typed goes into the row that the person means.
type person struct {
	s    *soak
	r    *rand.Rand
	link *soakLink
	who  string
	tab  soakTab
	own  []*act // rows that the person typed and has not deleted
	// marks are what by_person holds in rows that were typed without a key. Nobody else writes the column; what the key cell
	// shows may be another row's key for a moment, until that is put back.
	marks  map[*act]string
	serial int
}

// work edits until ctx ends. Each look with what is done upon it happens at one moment.
func (p *person) work(ctx context.Context) {
	for ctx.Err() == nil {
		p.once()
		wait(ctx, time.Duration(p.r.IntN(4*p.s.pace))*time.Millisecond)
	}
}

func (p *person) once() {
	p.s.google.turn.Lock()
	defer p.s.google.turn.Unlock()
	tab, err := p.s.google.look(p.link.name)
	if err != nil {
		p.s.violate("%v", err)
		return
	}
	p.tab = tab
	switch n := p.r.IntN(100); {
	case n < 25:
		p.typeCell(p.link.kept(p.r), "by_person")
	case n < 33:
		p.typeCell(p.link.kept(p.r), "shared")
	case n < 38:
		p.typeCell(p.link.fought(p.r), "shared")
	case n < 48:
		p.typeCell(p.link.kept(p.r), "mine")
	case n < 58:
		p.pasteBlock()
	case n < 66 && len(p.own) < 12:
		p.typeRow(len(p.tab.rows))
	case n < 70 && len(p.own) < 12:
		p.insertRow()
	case n < 78 && len(p.own) > 0:
		p.typeOwn(p.own[p.r.IntN(len(p.own))])
	case n < 84 && len(p.own) > 4:
		p.deleteOwn(p.r.IntN(len(p.own)))
	case n < 85:
		p.deleteRow(p.tab.find(p.link.key, p.link.fought(p.r)), "delete")
	case n < 93:
		column := p.tab.header[p.r.IntN(len(p.tab.header))]
		p.do(emulator.Edit{Sort: &emulator.Sort{Sheet: p.link.name, Column: column, Descending: p.r.IntN(2) == 0}})
		p.s.counters.sorts.Add(1)
	default:
		p.moveRows()
	}
}

func (p *person) do(edit emulator.Edit) bool {
	if err := p.s.google.emulator.Edit(soakSheet, edit); err != nil {
		p.s.violate("a person's edit: %v", err)
		return false
	}
	return true
}

func (p *person) begin(kind, key string, values map[string]string) *act {
	return p.s.ledger.begin(act{link: p.link.name, side: "sheet", who: p.who, kind: kind, key: key, values: values, gone: values == nil})
}

// typeCell types into the row of a key, which may be gone.
func (p *person) typeCell(key, column string) {
	if row := p.tab.find(p.link.key, key); row >= 0 {
		p.typeAt(row, p.begin("typing", key, map[string]string{column: p.s.ledger.value(p.who)}))
	}
}

func (p *person) typeAt(row int, a *act) {
	for column, value := range a.values {
		if !p.do(emulator.Edit{SetCell: &emulator.SetCell{Sheet: p.link.name, A1: p.tab.a1(row, column), Input: value}}) {
			return
		}
	}
	p.s.ledger.done(a)
}

// pasteBlock pastes over two columns of neighbouring rows, as far as these belong to nobody.
func (p *person) pasteBlock() {
	if len(p.tab.rows) == 0 {
		return
	}
	var acts []*act
	var block [][]string
	first := p.r.IntN(len(p.tab.rows))
	for row := first; row < min(first+1+p.r.IntN(4), len(p.tab.rows)); row++ {
		key := p.tab.cell(row, p.link.key)
		if !slices.Contains(p.link.keep, key) && !slices.Contains(p.link.fight, key) {
			break
		}
		a := p.begin("paste", key, map[string]string{"by_person": p.s.ledger.value(p.who), "shared": p.s.ledger.value(p.who)})
		acts, block = append(acts, a), append(block, []string{a.values["by_person"], a.values["shared"]})
	}
	if len(acts) == 0 {
		return
	}
	// The two columns stand side by side in the tab.
	if p.do(emulator.Edit{Paste: &emulator.Paste{Sheet: p.link.name, A1: p.tab.a1(first, "by_person"), Values: block}}) {
		p.s.ledger.done(acts...)
	}
}

// typeRow types a new row, with a key of its own, or without one where the table makes keys.
func (p *person) typeRow(row int) {
	key := ""
	if !p.link.counts || p.r.IntN(3) == 0 {
		p.serial++
		key = p.link.newKey(p.who, p.serial)
	}
	a := p.begin(map[bool]string{true: "row without key", false: "row with key"}[key == ""], key, map[string]string{"by_person": p.s.ledger.value(p.who)})
	if err := p.s.google.makeRoom(p.link.name, row+2); err != nil {
		p.s.violate("%v", err)
		return
	}
	line := make([]string, len(p.tab.header))
	line[p.tab.column(p.link.key)] = key
	if p.r.IntN(2) == 0 {
		a.values["shared"] = p.s.ledger.value(p.who)
	}
	if p.r.IntN(2) == 0 {
		a.values["mine"] = p.s.ledger.value(p.who)
	}
	for column, value := range a.values {
		line[p.tab.column(column)] = value
	}
	if p.do(emulator.Edit{Paste: &emulator.Paste{Sheet: p.link.name, A1: fmt.Sprintf("A%d", row+2), Values: [][]string{line}}}) {
		p.s.ledger.done(a)
		p.own = append(p.own, a)
		if key == "" {
			p.marks[a] = a.values["by_person"]
		}
	}
}

// insertRow makes room between other rows and types there.
func (p *person) insertRow() {
	row := p.r.IntN(len(p.tab.rows) + 1)
	if p.do(emulator.Edit{InsertRows: &emulator.RowSpan{Sheet: p.link.name, Start: row + 2, Count: 1}}) {
		p.typeRow(row)
	}
}

// placeOf finds a row that the person typed, by its key, or by what was typed into it where the table makes the key. -1 is no promise broken: a write that landed on a row which a person had just moved is put back at once,
// or, when the process dies first, by the next one. Whether it was is judged in the end.
func (p *person) placeOf(row *act) int {
	if row.key != "" {
		return p.tab.find(p.link.key, row.key)
	}
	return p.tab.find("by_person", p.marks[row])
}

// typeOwn types one more cell into a row that the person typed, which may still be without its key.
func (p *person) typeOwn(of *act) {
	row := p.placeOf(of)
	if row < 0 {
		p.s.counters.astray.Add(1)
		return
	}
	columns := []string{"shared", "mine", "by_person"}
	a := p.begin("typing into an own row", of.key, map[string]string{columns[p.r.IntN(len(columns))]: p.s.ledger.value(p.who)})
	a.of = of
	p.typeAt(row, a)
	if value := a.values["by_person"]; value != "" && of.key == "" {
		p.marks[of] = value
	}
}

func (p *person) deleteOwn(at int) {
	of := p.own[at]
	row := p.placeOf(of)
	if row < 0 {
		p.s.counters.astray.Add(1)
		return
	}
	a := p.deleteRow(row, "delete of an own row")
	a.of = of
	p.s.ledger.named(a, of.key)
	p.own = slices.Delete(p.own, at, at+1)
}

func (p *person) deleteRow(row int, kind string) *act {
	if row < 0 {
		return nil
	}
	a := p.begin(kind, p.tab.cell(row, p.link.key), nil)
	if p.do(emulator.Edit{DeleteRows: &emulator.RowSpan{Sheet: p.link.name, Start: row + 2, Count: 1}}) {
		p.s.ledger.done(a)
	}
	return a
}

func (p *person) moveRows() {
	if len(p.tab.rows) < 4 {
		return
	}
	start, count := 2+p.r.IntN(len(p.tab.rows)-2), 1+p.r.IntN(2)
	before := 2 + p.r.IntN(len(p.tab.rows))
	if before >= start && before <= start+count {
		return
	}
	p.do(emulator.Edit{MoveRows: &emulator.MoveRows{Sheet: p.link.name, Start: start, Count: count, Before: before}})
}
