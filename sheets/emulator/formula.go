package emulator

import (
	"strings"
)

// formula is what was entered after "=", and what it means. It is never changed: a formula whose references
// move becomes another formula.
type formula struct {
	source string
	tokens []token
	root   node // nil when the source cannot be parsed
	array  bool // the result may fill the cells around
}

func parseFormula(source string) *formula {
	f := &formula{source: source, tokens: lex(source)}
	p := &parser{tokens: f.tokens}
	f.root = p.parse()
	f.array = f.fillsBlock()
	return f
}

// blockFunctions give whole blocks without ARRAYFORMULA around them.
var blockFunctions = map[string]bool{"ARRAYFORMULA": true, "TRANSPOSE": true, "SEQUENCE": true, "UNIQUE": true, "SORT": true,
	"FILTER": true, "SPLIT": true, "FLATTEN": true}

// fillsBlock: the result may go into the cells around.
func (f *formula) fillsBlock() bool {
	if c, ok := f.root.(callNode); ok {
		return blockFunctions[c.name]
	}
	_, ok := f.root.(arrayNode)
	return ok
}

// rewritten changes references one by one. change returns false for a reference that is lost, which becomes #REF!.
func (f *formula) rewritten(change func(r reference) (reference, bool)) *formula {
	var b strings.Builder
	last, changed := 0, false
	for _, t := range f.tokens {
		if t.kind != refToken {
			continue
		}
		next, ok := change(*t.ref)
		if ok && next == *t.ref {
			continue
		}
		changed = true
		b.WriteString(f.source[last:t.start])
		if ok {
			b.WriteString(next.write())
		} else {
			b.WriteString("#REF!")
		}
		last = t.end
	}
	if !changed {
		return f
	}
	b.WriteString(f.source[last:])
	return parseFormula(b.String())
}

// canonical writes references as Google stores them: upper case, corners in order, one corner for one cell, the
// tab's title as the tab has it. All else stays as typed.
func (b *book) canonical(f *formula) *formula {
	if f == nil {
		return nil
	}
	var out strings.Builder
	last := 0
	for _, t := range f.tokens {
		if t.kind != refToken {
			continue
		}
		r := *t.ref
		if s := b.titled(r.title); r.hasTitle && s != nil {
			r.title = s.title
		}
		if !r.single && r.at.height() == 1 && r.at.width() == 1 && r.at.r0 != open && r.at.c0 != open &&
			r.fixed[0] == r.fixed[1] && r.fixed[2] == r.fixed[3] {
			r.single = true
		}
		out.WriteString(f.source[last:t.start] + r.write())
		last = t.end
	}
	out.WriteString(f.source[last:])
	if out.String() == f.source {
		return f
	}
	return parseFormula(out.String())
}

// displaced is the formula as copying it down and right makes it: references that are not fixed move along.
func (f *formula) displaced(down, right int) *formula {
	if down == 0 && right == 0 {
		return f
	}
	return f.rewritten(func(r reference) (reference, bool) {
		ok := true
		move := func(at *int, by int, fixed bool) {
			if *at != open && !fixed {
				*at += by
				ok = ok && *at >= 0
			}
		}
		move(&r.at.r0, down, r.fixed[0])
		move(&r.at.r1, down, r.fixed[1])
		move(&r.at.c0, right, r.fixed[2])
		move(&r.at.c1, right, r.fixed[3])
		return r, ok
	})
}

// eachFormula visits every formula cell of the book and puts in place what change returns.
func (b *book) eachFormula(change func(s *sheet, f *formula) *formula) {
	for _, s := range b.sheets {
		if s.formulas == 0 {
			continue
		}
		for r := range s.data {
			if s.data[r] == nil || s.data[r].formulas == 0 {
				continue
			}
			for c := range s.line(r) {
				f := s.at(r, c).formula()
				if f == nil {
					continue
				}
				if next := change(s, f); next != f {
					b.edit(s, r, c, func(c *cell) { c.alter(func(x *extras) { x.formula = next }) })
				}
			}
		}
	}
}

// on tells whether a reference in a formula of tab own means tab s.
func (r *reference) on(own, s *sheet) bool {
	if !r.hasTitle {
		return own == s
	}
	return equalFold(r.title, s.title)
}

// carryFormulas makes formulas follow the cells they refer to.
func (b *book) carryFormulas(s *sheet, h shift) {
	b.eachFormula(func(own *sheet, f *formula) *formula {
		return f.rewritten(func(r reference) (reference, bool) {
			if !r.on(own, s) {
				return r, true
			}
			at, ok := h.bounds(r.at)
			r.at = at
			return r, ok
		})
	})
}

func (b *book) renameInFormulas(s *sheet, title string) {
	b.eachFormula(func(_ *sheet, f *formula) *formula {
		return f.rewritten(func(r reference) (reference, bool) {
			if r.hasTitle && equalFold(r.title, s.title) {
				r.title = title
			}
			return r, true
		})
	})
}

// forgetSheet turns references to a tab that was deleted into #REF!.
func (b *book) forgetSheet(s *sheet) {
	b.eachFormula(func(_ *sheet, f *formula) *formula {
		return f.rewritten(func(r reference) (reference, bool) {
			return r, !r.hasTitle || !equalFold(r.title, s.title)
		})
	})
}

// crossesArray: the cells that would move include some that an array formula fills, but not all of them.
func (b *book) crossesArray(a area, d dimension) bool {
	if a.sheet.formulas == 0 {
		return false
	}
	moving := bounds{a.r0, a.sheet.rows, a.c0, a.c1}
	if d == columnsDimension {
		moving = bounds{a.r0, a.r1, a.c0, a.sheet.cols}
	}
	for r := moving.r0; r < min(moving.r1, len(a.sheet.data)); r++ {
		for c := moving.c0; c < min(moving.c1, len(a.sheet.line(r))); c++ {
			x := a.sheet.at(r, c)
			if x.spilled || x.formula() != nil && x.formula().array {
				return true
			}
		}
	}
	return false
}
