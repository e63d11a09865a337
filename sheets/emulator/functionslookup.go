package emulator

import (
	"slices"
	"strings"
)

// whereabouts makes ROW and COLUMN.
func whereabouts(of func(p place) int, d dimension) function {
	return function{0, 1, func(x *scope, args []node) operand {
		if len(args) == 0 {
			return scalar(numberValue(float64(of(x.place) + 1)))
		}
		b := x.eval(args[0]).asBlock()
		if b.area == nil {
			return scalar(errorValue("VALUE", "Argument must be a range."))
		}
		a := *b.area
		if d == rowsDimension {
			return operand{block: &block{rows: b.rows, cols: 1, at: func(r, _ int) value { return numberValue(float64(a.r0 + r + 1)) }}}
		}
		return operand{block: &block{rows: 1, cols: b.cols, at: func(_, c int) value { return numberValue(float64(a.c0 + c + 1)) }}}
	}}
}

var lookupFunctions = map[string]function{
	"ROW":    whereabouts(func(p place) int { return p.row }, rowsDimension),
	"COLUMN": whereabouts(func(p place) int { return p.col }, columnsDimension),
	"ROWS": {1, 1, func(x *scope, args []node) operand {
		return scalar(numberValue(float64(x.eval(args[0]).asBlock().rows)))
	}},
	"COLUMNS": {1, 1, func(x *scope, args []node) operand {
		return scalar(numberValue(float64(x.eval(args[0]).asBlock().cols)))
	}},
	"INDEX": {1, 3, func(x *scope, args []node) operand {
		b := x.eval(args[0]).asBlock()
		r, c := 1, 1
		if len(args) > 1 {
			n, bad := toNumber(x.eval(args[1]).first(), "INDEX", 2)
			if bad != nil {
				return scalar(*bad)
			}
			r = int(n)
		}
		if len(args) > 2 {
			n, bad := toNumber(x.eval(args[2]).first(), "INDEX", 3)
			if bad != nil {
				return scalar(*bad)
			}
			c = int(n)
		} else if b.rows == 1 {
			r, c = 1, r
		}
		if r < 1 || c < 1 || r > b.rows || c > b.cols {
			return scalar(errorValue("NUM", "Function INDEX parameter 2 value is out of range."))
		}
		return scalar(b.at(r-1, c-1))
	}},
	"MATCH": {2, 3, func(x *scope, args []node) operand {
		key := x.eval(args[0]).first()
		b := x.eval(args[1]).asBlock()
		i := b.find(key, len(args) < 3 || x.eval(args[2]).first().num != 0, b.rows == 1)
		if i < 0 {
			return scalar(errorValue("N_A", "Did not find value '"+toText(key)+"' in MATCH evaluation."))
		}
		return scalar(numberValue(float64(i + 1)))
	}},
	"VLOOKUP": {3, 4, func(x *scope, args []node) operand {
		key := x.eval(args[0]).first()
		b := x.eval(args[1]).asBlock()
		n, bad := toNumber(x.eval(args[2]).first(), "VLOOKUP", 3)
		if bad != nil {
			return scalar(*bad)
		}
		if n < 1 || int(n) > b.cols {
			return scalar(errorValue("VALUE", "Function VLOOKUP parameter 3 value is out of range."))
		}
		i := b.find(key, len(args) < 4 || x.eval(args[3]).first().num != 0, false)
		if i < 0 {
			return scalar(errorValue("N_A", "Did not find value '"+toText(key)+"' in VLOOKUP evaluation."))
		}
		return scalar(b.at(i, int(n)-1))
	}},
	"TRANSPOSE": {1, 1, func(x *scope, args []node) operand {
		b := x.eval(args[0]).asBlock()
		return operand{block: &block{rows: b.cols, cols: b.rows, at: func(r, c int) value { return b.at(c, r) }}}
	}},
	"SEQUENCE": {1, 4, func(x *scope, args []node) operand {
		n := []float64{1, 1, 1, 1}
		for i, a := range args {
			v, bad := toNumber(x.eval(a).first(), "SEQUENCE", i+1)
			if bad != nil {
				return scalar(*bad)
			}
			n[i] = v
		}
		cols := max(int(n[1]), 1)
		return operand{block: &block{rows: max(int(n[0]), 1), cols: cols,
			at: func(r, c int) value { return numberValue(n[2] + n[3]*float64(r*cols+c)) }}}
	}},
	"UNIQUE": {1, 1, func(x *scope, args []node) operand {
		var out [][]value
		seen := map[string]bool{}
		for _, line := range x.eval(args[0]).asBlock().values() {
			var key strings.Builder
			for _, v := range line {
				key.WriteString(string(rune('0'+v.kind)) + toText(v) + "\x00")
			}
			if !seen[key.String()] {
				seen[key.String()] = true
				out = append(out, line)
			}
		}
		return valuesBlock(out)
	}},
	"SORT": {1, 3, func(x *scope, args []node) operand {
		lines := x.eval(args[0]).asBlock().values()
		by, up := 0, true
		if len(args) > 1 {
			by = max(0, int(x.eval(args[1]).first().num)-1)
		}
		if len(args) > 2 {
			up = x.eval(args[2]).first().num != 0
		}
		slices.SortStableFunc(lines, func(a, b []value) int {
			if by >= len(a) {
				return 0
			}
			n := compareValues(a[by], b[by])
			if !up {
				return -n
			}
			return n
		})
		return valuesBlock(lines)
	}},
	"FILTER": {2, -1, func(x *scope, args []node) operand {
		inside := *x
		inside.array = true
		lines := x.eval(args[0]).asBlock().values()
		for _, a := range args[1:] {
			keep := inside.eval(a).asBlock()
			if keep.rows < len(lines) {
				return scalar(errorValue("N_A", "FILTER has mismatched range sizes."))
			}
			for i := range lines {
				if lines[i] != nil && keep.at(i, 0).num == 0 {
					lines[i] = nil
				}
			}
		}
		lines = slices.DeleteFunc(lines, func(l []value) bool { return l == nil })
		if len(lines) == 0 {
			return scalar(errorValue("N_A", "No matches are found in FILTER evaluation."))
		}
		return valuesBlock(lines)
	}},
	"FLATTEN": {1, -1, func(x *scope, args []node) operand {
		var out [][]value
		x.each(args, func(v value, _ bool) bool { out = append(out, []value{v}); return true })
		return valuesBlock(out)
	}},
	"SPLIT": {2, 2, func(x *scope, args []node) operand {
		cut := toText(x.eval(args[1]).first())
		var line []value
		for _, part := range strings.FieldsFunc(toText(x.eval(args[0]).first()), func(r rune) bool { return strings.ContainsRune(cut, r) }) {
			line = append(line, x.book.parseInput(part, numberFormat{}).value)
		}
		return valuesBlock([][]value{line})
	}},
}

func (b *block) values() [][]value {
	out := make([][]value, b.rows)
	for r := range out {
		out[r] = make([]value, b.cols)
		for c := range out[r] {
			out[r][c] = b.at(r, c)
		}
	}
	return out
}

// find looks for key in the first column, or row. sorted takes the last that is not greater, as a lookup in
// sorted data does.
func (b *block) find(key value, sorted, across bool) int {
	n, at := b.rows, func(i int) value { return b.at(i, 0) }
	if across {
		n, at = b.cols, func(i int) value { return b.at(0, i) }
	}
	found := -1
	for i := range n {
		v := at(i)
		if v.kind != key.kind {
			continue
		}
		order := compareValues(v, key)
		if order == 0 && !sorted {
			return i
		}
		if order <= 0 && sorted {
			found = i
		}
	}
	return found
}
