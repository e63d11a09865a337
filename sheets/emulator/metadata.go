package emulator

import (
	"slices"

	"google.golang.org/api/sheets/v4"
)

// metadataEntry is one piece of developer metadata. sheet is open for the spreadsheet as a whole, at is open for
// a tab as a whole.
type metadataEntry struct {
	id         int
	key, value string
	visibility string
	sheet      int
	dim        dimension
	at         int
}

var developerMetadataOf = schemaOf[sheets.DeveloperMetadata]()

func (e metadataEntry) locationType() string {
	switch {
	case e.sheet == open:
		return "SPREADSHEET"
	case e.at == open:
		return "SHEET"
	case e.dim == rowsDimension:
		return "ROW"
	}
	return "COLUMN"
}

func (e metadataEntry) document() object {
	location := object{"locationType": e.locationType()}
	switch location["locationType"] {
	case "SPREADSHEET":
		location["spreadsheet"] = true
	case "SHEET":
		location["sheetId"] = e.sheet
	default:
		r := object{"dimension": e.dim.String(), "startIndex": e.at, "endIndex": e.at + 1}
		if e.sheet != 0 {
			r["sheetId"] = e.sheet
		}
		location["dimensionRange"] = r
	}
	o := object{"metadataId": e.id, "metadataKey": e.key, "location": location, "visibility": e.visibility}
	if e.value != "" {
		o["metadataValue"] = e.value
	}
	return o
}

func (b *book) metadataAt(match func(e metadataEntry) bool) []any {
	var out []any
	for _, e := range b.metadata {
		if match(e) {
			out = append(out, e.document())
		}
	}
	return out
}

func (b *book) carryMetadata(s *sheet, h shift) {
	var out []metadataEntry
	for _, e := range b.metadata {
		if e.sheet == s.id && e.at != open && e.dim == h.dim {
			var ok bool
			if e.at, ok = h.point(e.at); !ok {
				continue
			}
		}
		out = append(out, e)
	}
	b.metadata = out
}

// metadataLocation reads a DeveloperMetadataLocation into e.
func (b *book) metadataLocation(l object, e *metadataEntry) error {
	e.sheet, e.at = open, open
	switch {
	case l == nil:
		return invalid("developerMetadata.location must be specified.")
	case l["locationType"] != nil && len(l) == 1:
		return invalid("developerMetadata.location must specify one of spreadsheet, sheetId or dimensionRange.")
	case flag(l, "spreadsheet"):
		return nil
	case child(l, "dimensionRange") != nil:
		s, d, start, end, err := b.dimensionRange(child(l, "dimensionRange"))
		if err != nil {
			return err
		}
		if end-start != 1 {
			return invalid("developerMetadata.location.dimensionRange must represent a single %s.", d.noun())
		}
		if end > s.count(d) {
			return invalid("developerMetadata.location.dimensionRange is outside of the sheet: there are only %d %ss.", s.count(d), d.noun())
		}
		e.sheet, e.dim, e.at = s.id, d, start
		return nil
	}
	id, ok := integer(l, "sheetId")
	if !ok {
		return invalid("developerMetadata.location must specify one of spreadsheet, sheetId or dimensionRange.")
	}
	if _, err := b.sheetOrError(id); err != nil {
		return err
	}
	e.sheet = id
	return nil
}

func (b *book) readMetadata(o object) (metadataEntry, error) {
	e := metadataEntry{id: integerOr(o, "metadataId", 0), key: text(o, "metadataKey"), value: text(o, "metadataValue"),
		visibility: text(o, "visibility")}
	if err := b.metadataLocation(child(o, "location"), &e); err != nil {
		return e, err
	}
	switch {
	case e.key == "":
		return e, invalid("developerMetadata.metadataKey must be specified.")
	case e.visibility != "DOCUMENT" && e.visibility != "PROJECT":
		return e, invalid("developerMetadata.visibility must be specified.")
	case e.id < 0:
		return e, invalid("developerMetadata.metadataId must be positive.")
	}
	return e, nil
}

// checkMetadataSize keeps Google's limit: keys and values of one tab, or of the spreadsheet itself.
func (b *book) checkMetadataSize(sheet int) error {
	total := 0
	for _, e := range b.metadata {
		if e.sheet == sheet {
			total += len([]rune(e.key)) + len([]rune(e.value))
		}
	}
	if total > maxMetadata {
		return invalid("The developer metadata exceeds the limit of %d characters.", maxMetadata)
	}
	return nil
}

func createDeveloperMetadata(b *book, r object) (object, error) {
	e, err := b.readMetadata(child(r, "developerMetadata"))
	if err != nil {
		return nil, err
	}
	taken := func(id int) bool {
		return slices.ContainsFunc(b.metadata, func(x metadataEntry) bool { return x.id == id })
	}
	if e.id != 0 && taken(e.id) {
		return nil, invalid("Cannot add developer metadata with ID [%d] because developer metadata with that ID already exists.", e.id)
	}
	for e.id == 0 || taken(e.id) {
		e.id = b.freshID()
	}
	b.metadata = append(slices.Clone(b.metadata), e)
	if err := b.checkMetadataSize(e.sheet); err != nil {
		return nil, err
	}
	return object{"developerMetadata": e.document()}, nil
}

func updateDeveloperMetadata(b *book, r object) (object, error) {
	m, err := readMask(r, developerMetadataOf)
	if err != nil {
		return nil, err
	}
	chosen, err := b.chooseMetadata(list(r, "dataFilters"))
	if err != nil {
		return nil, err
	}
	changes := child(r, "developerMetadata")
	next := slices.Clone(b.metadata)
	var changed []any
	for _, i := range chosen {
		o := next[i].document()
		old := child(o, "location")
		o = m.apply(o, changes)
		o["metadataId"] = next[i].id
		if !m.wants("location") || child(changes, "location") == nil {
			o["location"] = old
		}
		e, err := b.readMetadata(o)
		if err != nil {
			return nil, err
		}
		next[i] = e
		changed = append(changed, e.document())
	}
	b.metadata = next
	for _, i := range chosen {
		if err := b.checkMetadataSize(next[i].sheet); err != nil {
			return nil, err
		}
	}
	reply := object{}
	if changed != nil {
		reply["developerMetadata"] = changed
	}
	return reply, nil
}

func deleteDeveloperMetadata(b *book, r object) (object, error) {
	f := child(r, "dataFilter")
	if f == nil {
		return nil, invalid("dataFilter must be specified.")
	}
	chosen, err := b.chooseMetadata([]any{f})
	if err != nil {
		return nil, err
	}
	var gone []any
	var left []metadataEntry
	for i, e := range b.metadata {
		if slices.Contains(chosen, i) {
			gone = append(gone, e.document())
		} else {
			left = append(left, e)
		}
	}
	b.metadata = left
	reply := object{}
	if gone != nil {
		reply["deletedDeveloperMetadata"] = gone
	}
	return reply, nil
}
