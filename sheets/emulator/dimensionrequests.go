package emulator

import (
	"google.golang.org/api/sheets/v4"
)

var dimensionPropertiesOf = schemaOf[sheets.DimensionProperties]()

func readDimension(name string) (dimension, error) {
	switch name {
	case "ROWS":
		return rowsDimension, nil
	case "COLUMNS":
		return columnsDimension, nil
	}
	return 0, invalid("No dimension specified.")
}

// dimensionRange reads a DimensionRange. What Google says of open ends is kept: they go to the edge of the grid,
// which a client that forgot endIndex finds out the hard way.
func (b *book) dimensionRange(r object) (s *sheet, d dimension, start, end int, err error) {
	if r == nil {
		return nil, 0, 0, 0, invalid("No range specified.")
	}
	if s, err = b.sheetOrError(integerOr(r, "sheetId", 0)); err != nil {
		return
	}
	if d, err = readDimension(text(r, "dimension")); err != nil {
		return
	}
	start, end = integerOr(r, "startIndex", 0), integerOr(r, "endIndex", s.count(d))
	switch {
	case start < 0, end < 0:
		err = invalid("DimensionRange indexes must be >= 0")
	case end < start, end == start && r["endIndex"] != nil:
		err = invalid("range.endIndex[%d] must be greater than range.startIndex[%d]", end, start)
	}
	return
}

func insertDimension(b *book, r object) (object, error) {
	fields := child(r, "range")
	for _, name := range []string{"startIndex", "endIndex"} {
		if fields != nil && fields[name] == nil {
			return nil, invalid("range.%s must be set", name)
		}
	}
	s, d, start, end, err := b.dimensionRange(fields)
	if err != nil {
		return nil, err
	}
	before := flag(r, "inheritFromBefore")
	switch {
	case before && start == 0:
		return nil, invalid("inheritFromBefore cannot be true if inserting at the beginning of a sheet.")
	case start > s.count(d):
		return nil, invalid("range.startIndex is larger than current grid size (%d)", s.count(d))
	case start == s.count(d) && !before:
		return nil, invalid("range.startIndex must be less than the grid size (%d) if inheritFromBefore is false.", s.count(d))
	}
	return nil, b.insert(s, d, start, end-start, before)
}

func deleteDimension(b *book, r object) (object, error) {
	s, d, start, end, err := b.dimensionRange(child(r, "range"))
	if err != nil {
		return nil, err
	}
	if end > s.count(d) && start < s.count(d) {
		start = s.count(d)
	}
	return nil, b.remove(s, d, start, end-start)
}

func appendDimension(b *book, r object) (object, error) {
	s, err := b.sheetOrError(integerOr(r, "sheetId", 0))
	if err != nil {
		return nil, err
	}
	d, err := readDimension(text(r, "dimension"))
	if err != nil {
		return nil, err
	}
	n := integerOr(r, "length", 0)
	if n <= 0 {
		return nil, invalid("length must be greater than 0.")
	}
	return nil, b.grow(s, d, n)
}

func moveDimension(b *book, r object) (object, error) {
	s, d, start, end, err := b.dimensionRange(child(r, "source"))
	if err != nil {
		return nil, err
	}
	if end > s.count(d) {
		return nil, invalid("source.endIndex[%d] is too large: there are only %d %ss.", end, s.count(d), d.noun())
	}
	to := integerOr(r, "destinationIndex", 0)
	if to < 0 || to > s.count(d) {
		return nil, invalid("destinationIndex[%d] must be between 0 and %d.", to, s.count(d))
	}
	if to > start && to < end {
		return nil, invalid("destinationIndex[%d] cannot be inside of the source range.", to)
	}
	for _, m := range s.merges {
		from, until := m.r0, m.r1
		if d == columnsDimension {
			from, until = m.c0, m.c1
		}
		whole := from >= start && until <= end
		if !whole && from < end && until > start || to > from && to < until {
			return nil, invalid("Sorry, it is not possible to move a %s to a position that crosses a merged cell. Please unmerge and try again.", d.noun())
		}
	}
	b.move(s, d, start, end-start, to)
	return nil, nil
}

// dimensionProperties of one row or column, defaults included.
func (s *sheet) dimensionProperties(d dimension, i int) object {
	if p, ok := s.dims[d][i]; ok {
		return p
	}
	if d == rowsDimension {
		return defaultRowProperties
	}
	return defaultColumnProperties
}

var (
	defaultRowProperties    = object{"pixelSize": defaultHeight}
	defaultColumnProperties = object{"pixelSize": defaultWidth}
)

func updateDimensionProperties(b *book, r object) (object, error) {
	if r["dataSourceSheetRange"] != nil {
		return nil, unsupported("updateDimensionProperties of a data source sheet")
	}
	s, d, start, end, err := b.dimensionRange(child(r, "range"))
	if err != nil {
		return nil, err
	}
	if end > s.count(d) {
		return nil, invalid("range.endIndex[%d] is too large: there are only %d %ss.", end, s.count(d), d.noun())
	}
	m, err := readMask(r, dimensionPropertiesOf)
	if err != nil {
		return nil, err
	}
	s.alterDimensions(d, start, end, func(p object) object {
		p = m.apply(p, child(r, "properties"))
		if !flag(p, "hiddenByUser") {
			delete(p, "hiddenByUser")
		}
		if p["pixelSize"] == nil {
			p["pixelSize"] = s.dimensionProperties(d, open)["pixelSize"]
		}
		return p
	})
	return nil, nil
}

func (s *sheet) alterDimensions(d dimension, start, end int, change func(p object) object) {
	next := make(map[int]object, len(s.dims[d])+end-start)
	for i, p := range s.dims[d] {
		next[i] = p
	}
	for i := start; i < end; i++ {
		next[i] = change(s.dimensionProperties(d, i))
	}
	s.dims[d] = next
}

// autoResizeDimensions is accepted and changes nothing: the emulator draws no text and so knows no widths.
func autoResizeDimensions(b *book, r object) (object, error) {
	if r["dataSourceSheetDimensions"] != nil {
		return nil, unsupported("autoResizeDimensions of a data source sheet")
	}
	_, _, _, _, err := b.dimensionRange(child(r, "dimensions"))
	return nil, err
}
