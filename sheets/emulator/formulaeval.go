package emulator

import (
	"math"
	"strings"
)

// operand is what a part of a formula comes to: one value, or a block of them.
type operand struct {
	value value
	block *block
}

// block is a rectangle of values, read when needed. area tells where it lies when it is cells.
type block struct {
	rows, cols int
	at         func(r, c int) value
	area       *area
}

func scalar(v value) operand { return operand{value: v} }

// first is the value that a single cell shows of the operand.
func (o operand) first() value {
	if o.block == nil {
		return o.value
	}
	if o.block.rows == 0 || o.block.cols == 0 {
		return value{}
	}
	return o.block.at(0, 0)
}

// evaluator computes the formulas of a book, each once, in the order that they need each other.
type evaluator struct {
	book      *book
	functions map[string]function
	results   map[place]*result
	blocked   map[place]value // array formulas that have no room
}

type place struct {
	sheet    *sheet
	row, col int
}

type result struct {
	operand operand
	done    bool
	link    string
}

// scope is where a formula stands.
type scope struct {
	*evaluator
	place
	array bool // inside ARRAYFORMULA: operators work on whole blocks
	link  *string
}

// cell computes the formula at a place, or reads the value there.
func (e *evaluator) cell(at place) value {
	c := at.sheet.at(at.row, at.col)
	f := c.formula()
	if f == nil {
		return c.value()
	}
	return e.formula(at, f).operand.first()
}

func (e *evaluator) formula(at place, f *formula) *result {
	r := e.results[at]
	if r != nil {
		if !r.done {
			return &result{operand: scalar(errorValue("REF",
				"Circular dependency detected. To resolve with iterative calculation, see File > Settings.")), done: true}
		}
		return r
	}
	r = &result{}
	e.results[at] = r
	if f.root == nil {
		r.operand = scalar(errorValue("ERROR", "Formula parse error."))
	} else {
		x := &scope{evaluator: e, place: at, link: &r.link}
		r.operand = x.eval(f.root)
		if !f.array {
			r.operand = x.implicit(r.operand)
		}
		if v := r.operand.value; r.operand.block == nil && v.kind == numberCell && (math.IsInf(v.num, 0) || math.IsNaN(v.num)) {
			r.operand = scalar(errorValue("NUM", "Result was not a number."))
		}
	}
	r.done = true
	return r
}

// implicit picks from a range the cell in the formula's own row or column, as a formula outside ARRAYFORMULA does.
func (x *scope) implicit(o operand) operand {
	if o.block == nil || o.block.area == nil {
		return o
	}
	a := o.block.area
	switch {
	case o.block.rows == 1 && o.block.cols == 1:
		return scalar(o.block.at(0, 0))
	case o.block.cols == 1 && a.sheet == x.sheet && x.row >= a.r0 && x.row < a.r1:
		return scalar(o.block.at(x.row-a.r0, 0))
	case o.block.rows == 1 && a.sheet == x.sheet && x.col >= a.c0 && x.col < a.c1:
		return scalar(o.block.at(0, x.col-a.c0))
	}
	return o
}

func (x *scope) eval(n node) operand {
	switch n := n.(type) {
	case constNode:
		return scalar(n.value)
	case refNode:
		return x.reference(n.ref)
	case nameNode:
		return x.named(n.name)
	case unaryNode:
		return x.unary(n)
	case binaryNode:
		return x.binary(n)
	case callNode:
		return x.call(n)
	case arrayNode:
		return x.literal(n)
	}
	return operand{}
}

func (x *scope) reference(r *reference) operand {
	s := x.sheet
	if r.hasTitle {
		if s = x.book.titled(r.title); s == nil {
			return scalar(errorValue("REF", "Unresolved sheet name '"+r.title+"'."))
		}
	}
	return x.block(area{s, r.at})
}

func (x *scope) block(a area) operand {
	at := a.bounds.closed(a.sheet)
	if at.r0 >= a.sheet.rows && a.r1 != open || at.c0 >= a.sheet.cols && a.c1 != open {
		if at.height() == 1 && at.width() == 1 {
			return scalar(errorValue("REF", "Reference does not exist."))
		}
	}
	at = at.clipped(a.sheet)
	if at.height() == 1 && at.width() == 1 {
		v := x.cell(place{a.sheet, at.r0, at.c0})
		return operand{value: v, block: nil}.at(area{a.sheet, at})
	}
	full := &area{a.sheet, at}
	return operand{block: &block{rows: max(at.height(), 0), cols: max(at.width(), 0), area: full,
		at: func(r, c int) value { return x.cell(place{a.sheet, at.r0 + r, at.c0 + c}) }}}
}

// at keeps, for functions such as ROW, where a single cell came from.
func (o operand) at(a area) operand {
	v := o.value
	return operand{value: v, block: &block{rows: 1, cols: 1, area: &a, at: func(int, int) value { return v }}}
}

func (x *scope) named(name string) operand {
	for _, n := range x.book.names {
		if equalFold(n.name, name) {
			return x.block(area{x.book.sheet(n.sheet), n.at})
		}
	}
	return scalar(errorValue("NAME", "Unknown range name: '"+strings.ToUpper(name)+"'."))
}

func (x *scope) literal(n arrayNode) operand {
	var rows [][]value
	for _, line := range n.rows {
		var part [][]value
		for _, item := range line {
			o := x.eval(item)
			b := o.asBlock()
			for r := range b.rows {
				if r >= len(part) {
					part = append(part, nil)
				}
				for c := range b.cols {
					part[r] = append(part[r], b.at(r, c))
				}
			}
		}
		rows = append(rows, part...)
	}
	for _, line := range rows {
		if len(line) != len(rows[0]) {
			return scalar(errorValue("VALUE", "In ARRAY_LITERAL, an Array Literal was missing values for one or more rows."))
		}
	}
	return valuesBlock(rows)
}

func valuesBlock(rows [][]value) operand {
	if len(rows) == 0 {
		return operand{}
	}
	return operand{block: &block{rows: len(rows), cols: len(rows[0]), at: func(r, c int) value { return rows[r][c] }}}
}

func (o operand) asBlock() *block {
	if o.block != nil {
		return o.block
	}
	v := o.value
	return &block{rows: 1, cols: 1, at: func(int, int) value { return v }}
}

// lift applies f to single values: once, or within ARRAYFORMULA for each place of the larger operand.
func (x *scope) lift(f func(args []value) value, args ...operand) operand {
	rows, cols := 1, 1
	for i := range args {
		if !x.array {
			args[i] = x.implicit(args[i])
			if args[i].block != nil {
				if args[i].block.area != nil {
					return scalar(errorValue("VALUE", "An array value could not be found."))
				}
				args[i] = scalar(args[i].first())
			}
		}
		b := args[i].asBlock()
		rows, cols = max(rows, b.rows), max(cols, b.cols)
	}
	one := func(r, c int) value {
		values := make([]value, len(args))
		for i, a := range args {
			b := a.asBlock()
			if r >= b.rows && b.rows != 1 || c >= b.cols && b.cols != 1 {
				return errorValue("N_A", "Array arguments are of different size.")
			}
			values[i] = b.at(min(r, b.rows-1), min(c, b.cols-1))
		}
		return f(values)
	}
	if rows == 1 && cols == 1 {
		return scalar(one(0, 0))
	}
	return operand{block: &block{rows: rows, cols: cols, at: one}}
}

func (x *scope) unary(n unaryNode) operand {
	return x.lift(func(args []value) value {
		names := map[string]string{"-": "UMINUS", "+": "UPLUS", "%": "UNARY_PERCENT"}
		if n.op == "+" {
			return args[0]
		}
		v, bad := toNumber(args[0], names[n.op], 1)
		if bad != nil {
			return *bad
		}
		if n.op == "%" {
			return numberValue(v / 100)
		}
		return numberValue(-v)
	}, x.eval(n.arg))
}

func (x *scope) binary(n binaryNode) operand {
	return x.lift(func(args []value) value { return operate(n.op, args[0], args[1]) }, x.eval(n.left), x.eval(n.right))
}
