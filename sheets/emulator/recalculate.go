package emulator

import (
	"fmt"
	"strconv"
)

// recalculate brings every formula of the book up to date. It does all of them: tests have few, and a wrong
// guess at what depends on what would be a wrong answer.
func (b *book) recalculate() {
	var cells, arrays []place
	for _, s := range b.sheets {
		if s.formulas == 0 && !s.spills {
			continue
		}
		for r, line := range s.data {
			if line == nil || line.formulas == 0 && !s.spills {
				continue
			}
			for c := range line.cells {
				if f := line.cells[c].formula(); f != nil {
					if f.fillsBlock() {
						arrays = append(arrays, place{s, r, c})
					}
					cells = append(cells, place{s, r, c})
				}
			}
		}
	}
	b.unspill()
	if len(cells) == 0 {
		return
	}
	e := &evaluator{book: b, functions: functions, results: make(map[place]*result, len(cells)), blocked: map[place]value{}}
	for range min(len(arrays), 2) { // twice, for an array formula that reads what another one fills
		for _, at := range arrays {
			e.spill(at)
		}
		clear(e.results)
	}
	for _, at := range cells {
		e.settle(at)
	}
}

// settle stores the result of a formula in its cell, when it is not what the cell shows already.
func (e *evaluator) settle(at place) {
	c := at.sheet.at(at.row, at.col)
	r := e.formula(at, c.formula())
	v := r.operand.first()
	if bad, ok := e.blocked[at]; ok {
		v = bad
	}
	if v.kind == emptyCell && !c.formula().fillsBlock() {
		v = numberValue(0) // a formula that comes to an empty cell shows 0
	}
	if v.kind == textCell && len(v.text) > maxCellText {
		v = errorValue("VALUE", fmt.Sprintf("Text result of the formula is longer than the limit of %d characters.", maxCellText))
	}
	hint := numberFormat{}
	if v.kind == numberCell {
		hint = e.hint(at, c.formula().root)
	}
	x := c.extras()
	if c.kind == v.kind && c.num == v.num && c.text == v.text && x.errMessage == v.errMessage() && x.hyperlink == r.link && x.shownAs == hint {
		return
	}
	e.book.edit(at.sheet, at.row, at.col, func(c *cell) {
		c.setResult(v)
		c.alter(func(x *extras) { x.errMessage, x.hyperlink, x.shownAs = v.errMessage(), r.link, hint })
	})
}

// unspill empties what array formulas filled, before they fill it anew.
func (b *book) unspill() {
	for _, s := range b.sheets {
		if !s.spills {
			continue
		}
		for r := range s.data {
			for c := range s.line(r) {
				if s.at(r, c).spilled {
					b.edit(s, r, c, func(c *cell) {
						c.setResult(value{})
						c.spilled = false
					})
				}
			}
		}
		s.spills = false
	}
}

// spill puts the result of an array formula into the cells right of it and below. When one of them is taken,
// none is filled and the formula shows #REF!.
func (e *evaluator) spill(at place) {
	r := e.formula(at, at.sheet.at(at.row, at.col).formula())
	blk := r.operand.block
	if blk == nil || blk.rows*blk.cols <= 1 {
		return
	}
	s := at.sheet
	delete(e.blocked, at)
	if err := e.book.growTo(s, at.row+blk.rows, at.col+blk.cols); err != nil {
		e.blocked[at] = errorValue("REF", err.Error())
		return
	}
	for i := range blk.rows {
		for j := range blk.cols {
			if c := s.at(at.row+i, at.col+j); (i > 0 || j > 0) && c.hasValue() && !c.spilled {
				e.blocked[at] = errorValue("REF", "Array result was not expanded because it would overwrite data in "+
					columnName(at.col+j)+strconv.Itoa(at.row+i+1)+".")
				return
			}
		}
	}
	for i := range blk.rows {
		for j := range blk.cols {
			if i == 0 && j == 0 {
				continue
			}
			v := blk.at(i, j)
			if v.kind == emptyCell {
				continue
			}
			e.book.edit(s, at.row+i, at.col+j, func(c *cell) {
				c.setResult(v)
				c.spilled = true
			})
			s.spills = true
		}
	}
}

// hint is the number format that a formula's result shows itself in when its cell has none: that of the cells
// it adds up, or of the function that makes a date.
func (e *evaluator) hint(at place, n node) numberFormat {
	switch n := n.(type) {
	case refNode:
		s := at.sheet
		if n.ref.hasTitle {
			if s = e.book.titled(n.ref.title); s == nil {
				return numberFormat{}
			}
		}
		from := n.ref.at.closed(s)
		c := s.at(from.r0, from.c0)
		if f := e.book.style(c.style).number; f.kind != "" && f.kind != "TEXT" {
			return f
		}
		return c.extras().shownAs
	case unaryNode:
		if n.op == "%" {
			return numberFormat{kind: "PERCENT", pattern: "0.00%"}
		}
		return e.hint(at, n.arg)
	case binaryNode:
		return e.hintOfTwo(n.op, e.hint(at, n.left), e.hint(at, n.right))
	case callNode:
		switch n.name {
		case "NOW":
			return numberFormat{kind: "DATE_TIME"}
		case "TODAY", "DATE":
			return numberFormat{kind: "DATE"}
		case "TIME":
			return numberFormat{kind: "TIME"}
		case "SUM", "MIN", "MAX", "AVERAGE", "ARRAYFORMULA":
			if len(n.args) > 0 {
				return e.hint(at, n.args[0])
			}
		}
	}
	return numberFormat{}
}

func (e *evaluator) hintOfTwo(op string, left, right numberFormat) numberFormat {
	switch op {
	case "-":
		if isDateFormat(left) && isDateFormat(right) {
			return numberFormat{}
		}
		fallthrough
	case "+":
		if isDateFormat(right) && !isDateFormat(left) || left.kind == "" {
			return right
		}
		return left
	case "*":
		if left.kind == "CURRENCY" {
			return left
		}
		if right.kind == "CURRENCY" {
			return right
		}
	}
	return numberFormat{}
}
