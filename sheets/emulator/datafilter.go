package emulator

import (
	"net/http"
	"slices"
	"strconv"

	"google.golang.org/api/sheets/v4"
)

var searchMetadataOf = schemaOf[sheets.SearchDeveloperMetadataRequest]()

// chooseMetadata returns the places in b.metadata that any of the filters matches, in order, each once.
func (b *book) chooseMetadata(filters []any) ([]int, error) {
	var out []int
	for _, item := range filters {
		f, _ := item.(object)
		match, err := b.metadataFilter(f)
		if err != nil {
			return nil, err
		}
		for i, e := range b.metadata {
			if match(e) && !slices.Contains(out, i) {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// metadataFilter reads a DataFilter as one that chooses metadata: a lookup, or all that stands within a range.
func (b *book) metadataFilter(f object) (func(e metadataEntry) bool, error) {
	if l := child(f, "developerMetadataLookup"); l != nil {
		return b.metadataLookup(l)
	}
	var at area
	var err error
	if name := text(f, "a1Range"); name != "" {
		at, err = b.parseRange(name)
	} else if r := child(f, "gridRange"); r != nil {
		at, err = b.gridRange(r, "gridRange")
	} else {
		return nil, invalid("dataFilter must specify one of developerMetadataLookup, a1Range or gridRange.")
	}
	if err != nil {
		return nil, err
	}
	full := at.bounds.closed(at.sheet)
	return func(e metadataEntry) bool {
		if e.sheet != at.sheet.id || e.at == open {
			return e.sheet == at.sheet.id && full == at.sheet.all()
		}
		if e.dim == rowsDimension {
			return e.at >= full.r0 && e.at < full.r1 && full.c0 == 0 && full.c1 >= at.sheet.cols
		}
		return e.at >= full.c0 && e.at < full.c1 && full.r0 == 0 && full.r1 >= at.sheet.rows
	}, nil
}

func (b *book) metadataLookup(l object) (func(e metadataEntry) bool, error) {
	id, hasID := integer(l, "metadataId")
	key, kind, visibility := text(l, "metadataKey"), text(l, "locationType"), text(l, "visibility")
	value, hasValue := l["metadataValue"].(string)
	var place metadataEntry
	location := child(l, "metadataLocation")
	if location != nil {
		if err := b.metadataLocation(location, &place); err != nil {
			return nil, err
		}
	}
	intersecting := text(l, "locationMatchingStrategy") == "INTERSECTING_LOCATION"
	return func(e metadataEntry) bool {
		switch {
		case hasID && e.id != id, key != "" && e.key != key, hasValue && e.value != value,
			kind != "" && kind != "DEVELOPER_METADATA_LOCATION_TYPE_UNSPECIFIED" && e.locationType() != kind,
			visibility != "" && visibility != "DEVELOPER_METADATA_VISIBILITY_UNSPECIFIED" && e.visibility != visibility:
			return false
		case location == nil:
			return true
		}
		exact := e.sheet == place.sheet && e.at == place.at && (e.at == open || e.dim == place.dim)
		return exact || intersecting && place.meets(e)
	}, nil
}

// meets: a tab's location meets all on that tab, the spreadsheet's meets everything, a row meets every column.
func (e metadataEntry) meets(o metadataEntry) bool {
	if e.sheet == open || o.sheet == open {
		return true
	}
	return e.sheet == o.sheet && (e.at == open || o.at == open || e.dim != o.dim || e.at == o.at)
}

// filterAreas are the cells that a DataFilter stands for.
func (b *book) filterAreas(f object) ([]area, error) {
	if name := text(f, "a1Range"); name != "" {
		a, err := b.parseRange(name)
		return []area{a}, err
	}
	if r := child(f, "gridRange"); r != nil {
		a, err := b.gridRange(r, "gridRange")
		return []area{a}, err
	}
	if child(f, "developerMetadataLookup") == nil {
		return nil, invalid("Must specify one of developerMetadataLookup, a1Range or gridRange.")
	}
	chosen, err := b.chooseMetadata([]any{f})
	if err != nil {
		return nil, err
	}
	var out []area
	for _, i := range chosen {
		e := b.metadata[i]
		s := b.sheet(e.sheet)
		switch {
		case s == nil:
			for _, s := range b.sheets {
				out = append(out, area{s, s.all()})
			}
		case e.at == open:
			out = append(out, area{s, s.all()})
		case e.dim == rowsDimension:
			out = append(out, area{s, bounds{e.at, e.at + 1, 0, s.cols}})
		default:
			out = append(out, area{s, bounds{0, s.rows, e.at, e.at + 1}})
		}
	}
	return out, nil
}

// echoed is a filter as an answer repeats it: the zeros of a grid range are left out.
func echoed(f object) object {
	r := child(f, "gridRange")
	if r == nil {
		return f
	}
	kept := object{}
	for name, v := range r {
		if v != 0.0 {
			kept[name] = v
		}
	}
	return object{"gridRange": kept}
}

// searchMetadata is spreadsheets.developerMetadata.search.
func (c *call) searchMetadata() (any, error) {
	body, err := c.body(searchMetadataOf)
	if err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	b := d.state()
	filters := list(body, "dataFilters")
	if len(filters) == 0 {
		return nil, invalid("At least one data filter must be specified.")
	}
	var found []any
	for i, e := range b.metadata {
		var matched []any
		for n, f := range filters {
			chosen, err := b.chooseMetadata([]any{f})
			if err != nil {
				return nil, prefixed(err, "Invalid dataFilters[%d]: ", n)
			}
			if slices.Contains(chosen, i) {
				matched = append(matched, echoed(f.(object)))
			}
		}
		if matched != nil {
			found = append(found, object{"developerMetadata": e.document(), "dataFilters": matched})
		}
	}
	answer := object{}
	if found != nil {
		answer["matchedDeveloperMetadata"] = found
	}
	return answer, nil
}

// getMetadata is spreadsheets.developerMetadata.get.
func (c *call) getMetadata() (any, error) {
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	id, err := strconv.Atoi(c.params["metadataId"])
	if err != nil {
		return nil, &apiError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT",
			message: "Invalid value at 'metadata_id' (TYPE_INT32), \"" + c.params["metadataId"] + "\""}
	}
	for _, e := range d.state().metadata {
		if e.id == id {
			return e.document(), nil
		}
	}
	return nil, &apiError{code: http.StatusNotFound, status: "NOT_FOUND",
		message: "No developer metadata with ID " + strconv.Itoa(id)}
}
