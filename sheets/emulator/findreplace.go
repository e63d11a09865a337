package emulator

import (
	"regexp"
	"strings"
)

// replacer finds and replaces as findReplace says.
type replacer struct {
	find       *regexp.Regexp
	with       string
	isRegex    bool
	inFormulas bool
	whole      bool

	values, formulas, rows, sheets, occurrences int
}

func findReplace(b *book, r object) (object, error) {
	pattern := text(r, "find")
	if pattern == "" {
		return nil, invalid("find must be specified.")
	}
	x := &replacer{with: text(r, "replacement"), isRegex: flag(r, "searchByRegex"), inFormulas: flag(r, "includeFormulas"),
		whole: flag(r, "matchEntireCell")}
	if !x.isRegex {
		pattern = regexp.QuoteMeta(pattern)
	} else {
		x.with = strings.ReplaceAll(strings.ReplaceAll(x.with, "$$", "\x00"), "\x00", "$$")
	}
	if x.whole {
		pattern = "^(?:" + pattern + ")$"
	}
	if !flag(r, "matchCase") {
		pattern = "(?i)" + pattern
	}
	var err error
	if x.find, err = regexp.Compile(pattern); err != nil {
		return nil, invalid("Invalid regular expression: %s", text(r, "find"))
	}
	areas, err := b.searchAreas(r)
	if err != nil {
		return nil, err
	}
	for _, a := range areas {
		x.replaceIn(b, a)
	}
	reply := object{}
	for name, n := range map[string]int{"valuesChanged": x.values, "formulasChanged": x.formulas, "rowsChanged": x.rows,
		"sheetsChanged": x.sheets, "occurrencesChanged": x.occurrences} {
		if n > 0 {
			reply[name] = n
		}
	}
	return reply, nil
}

func (b *book) searchAreas(r object) ([]area, error) {
	if flag(r, "allSheets") {
		var out []area
		for _, s := range b.sheets {
			out = append(out, area{s, s.all()})
		}
		return out, nil
	}
	if o := child(r, "range"); o != nil {
		a, err := b.gridRange(o, "range")
		return []area{a}, err
	}
	id, ok := integer(r, "sheetId")
	if !ok {
		return nil, invalid("Must specify one of range, sheetId or allSheets.")
	}
	s, err := b.sheetOrError(id)
	if err != nil {
		return nil, err
	}
	return []area{{s, s.all()}}, nil
}

func (x *replacer) replaceIn(b *book, a area) {
	touched := false
	for r := a.r0; r < min(a.r1, len(a.sheet.data)); r++ {
		rowTouched := false
		for c := a.c0; c < min(a.c1, len(a.sheet.line(r))); c++ {
			if x.replaceCell(b, a.sheet, r, c) {
				rowTouched = true
			}
		}
		if rowTouched {
			x.rows++
			touched = true
		}
	}
	if touched {
		x.sheets++
	}
}

func (x *replacer) replaceCell(b *book, s *sheet, r, c int) bool {
	target := s.at(r, c)
	if !target.hasValue() || target.spilled {
		return false
	}
	f := target.formula()
	source := b.display(target)
	if f != nil {
		if !x.inFormulas {
			return false
		}
		source = f.source
	}
	n := len(x.find.FindAllStringIndex(source, -1))
	if n == 0 {
		return false
	}
	next := x.find.ReplaceAllLiteralString(source, x.with)
	if x.isRegex {
		next = x.find.ReplaceAllString(source, x.with)
	}
	x.occurrences += n
	if f != nil {
		x.formulas++
	} else {
		x.values++
	}
	in := b.parseInput(next, b.style(target.style).number)
	b.edit(s, r, c, func(c *cell) { b.accept(c, in) })
	return true
}
