package emulator

// protectedMessage is Google's own.
const protectedMessage = "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if you need to edit."

// Protect makes a range of a tab one that only people may edit: calls of the API are refused there. An empty A1 protects
// the whole tab.
type Protect struct {
	Sheet string `json:"sheet"`
	A1    string `json:"a1"`
}

func (x *Protect) do(b *book) ([]int, undo, error) {
	s, err := b.tab(x.Sheet)
	if err != nil {
		return nil, undo{}, err
	}
	at := everything
	if x.A1 != "" {
		if s, at, err = b.place(x.Sheet, x.A1); err != nil {
			return nil, undo{}, err
		}
	}
	id := b.freshID()
	s.protected = append(s.protected[:len(s.protected):len(s.protected)], object{"protectedRangeId": id, "range": at.document(s.id)})
	return nil, undo{sheet: s.id, apply: func(b *book, _ *sheet, _ placer) error {
		_, err := deleteProtectedRange(b, object{"protectedRangeId": id})
		return err
	}}, nil
}

// Merge makes one cell of a range, as a person does.
type Merge struct {
	Sheet string `json:"sheet"`
	A1    string `json:"a1"`
}

func (x *Merge) do(b *book) ([]int, undo, error) {
	s, at, err := b.place(x.Sheet, x.A1)
	if err != nil {
		return nil, undo{}, err
	}
	taken := b.remember(s, at)
	values := taken.apply
	taken.apply = func(b *book, s *sheet, place placer) error {
		if _, err := unmergeCells(b, object{"range": at.document(s.id)}); err != nil {
			return err
		}
		return values(b, s, place)
	}
	_, err = mergeCells(b, object{"range": at.document(s.id)})
	return rowNumbers(at.r0, at.r1), taken, err
}

// mayEdit reports whether a caller of the API may edit what a protection covers.
func mayEdit(p object) bool { return flag(p, "requestingUserCanEdit") || flag(p, "warningOnly") }

// refuses returns Google's refusal when a caller of the API may not edit something in a range.
func (s *sheet) refuses(at bounds) error {
	at = at.closed(s)
	for _, p := range s.protected {
		if mayEdit(p) || !readBounds(child(p, "range")).closed(s).overlaps(at) {
			continue
		}
		free := false
		for _, o := range list(p, "unprotectedRanges") {
			o, _ := o.(object)
			free = free || readBounds(o).closed(s).covers(at)
		}
		if !free {
			return invalid(protectedMessage)
		}
	}
	return nil
}

// checkProtection refuses a request of a batch that would edit what is protected from callers of the API.
func (b *book) checkProtection(kind string, r object) error {
	for _, e := range b.edited(kind, r) {
		if s := b.sheet(e.sheet); s != nil {
			if err := s.refuses(e.at); err != nil {
				return err
			}
		}
	}
	return nil
}

// edited is a range that a request edits.
type edited struct {
	sheet int
	at    bounds
}

// edited tells which cells a request changes. Copying from a protected range is allowed.
func (b *book) edited(kind string, r object) []edited {
	ranged := func(name string) edited {
		o := child(r, name)
		return edited{integerOr(o, "sheetId", 0), readBounds(o)}
	}
	switch kind {
	case "updateCells":
		if start := child(r, "start"); start != nil {
			return b.editedRows(integerOr(start, "sheetId", 0), integerOr(start, "rowIndex", 0), integerOr(start, "columnIndex", 0), list(r, "rows"))
		}
		return []edited{ranged("range")}
	case "appendCells":
		if s := b.sheet(integerOr(r, "sheetId", 0)); s != nil {
			return b.editedRows(s.id, s.lastRow(), 0, list(r, "rows"))
		}
	case "copyPaste":
		return []edited{b.pasted(ranged("source"), ranged("destination"))}
	case "cutPaste":
		return []edited{ranged("source"), b.pasted(ranged("source"), ranged("destination"))}
	case "repeatCell", "sortRange", "deleteRange", "insertRange", "mergeCells", "unmergeCells", "setDataValidation":
		return []edited{ranged("range")}
	case "deleteDimension":
		return []edited{editedDimension(child(r, "range"))}
	case "insertDimension":
		// What is inserted at the edge of a protected range lies outside of it.
		e := editedDimension(child(r, "range"))
		if s := b.sheet(e.sheet); s != nil {
			return b.insertedWithin(s, e)
		}
	}
	return nil
}

func (b *book) editedRows(sheet, row, column int, rows []any) []edited {
	var out []edited
	for i, item := range rows {
		line, _ := item.(object)
		for j, v := range list(line, "values") {
			if data, _ := v.(object); data != nil {
				out = append(out, edited{sheet, bounds{row + i, row + i + 1, column + j, column + j + 1}})
			}
		}
	}
	return out
}

// pasted is where a copied range goes: at least its own size.
func (b *book) pasted(from, to edited) edited {
	source, target := b.sheet(from.sheet), b.sheet(to.sheet)
	if source == nil || target == nil {
		return to
	}
	size := from.at.closed(source)
	to.at = to.at.closed(target)
	to.at.r1, to.at.c1 = max(to.at.r1, to.at.r0+size.height()), max(to.at.c1, to.at.c0+size.width())
	return to
}

func editedDimension(r object) edited {
	at := bounds{integerOr(r, "startIndex", open), integerOr(r, "endIndex", open), open, open}
	if text(r, "dimension") == "COLUMNS" {
		at = bounds{open, open, at.r0, at.r1}
	}
	return edited{integerOr(r, "sheetId", 0), at}
}

// insertedWithin returns the places before which rows or columns are put into a protected range.
func (b *book) insertedWithin(s *sheet, e edited) []edited {
	before, after := e, e
	if e.at.c0 == open {
		before.at.r0, before.at.r1, after.at.r1 = e.at.r0-1, e.at.r0, e.at.r0+1
	} else {
		before.at.c0, before.at.c1, after.at.c1 = e.at.c0-1, e.at.c0, e.at.c0+1
	}
	for _, p := range s.protected {
		at := readBounds(child(p, "range")).closed(s)
		if !mayEdit(p) && at.overlaps(before.at.closed(s)) && at.overlaps(after.at.closed(s)) {
			return []edited{before}
		}
	}
	return nil
}
