package emulator

import (
	"regexp"
	"slices"
	"strconv"

	"google.golang.org/api/sheets/v4"
)

// namedRange is a name that formulas and ranges may use for a place.
type namedRange struct {
	id, name string
	sheet    int
	at       bounds
}

var (
	namedRangeOf = schemaOf[sheets.NamedRange]()
	goodName     = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_.]*$`)
)

func (n namedRange) document() object {
	return object{"namedRangeId": n.id, "name": n.name, "range": n.at.document(n.sheet)}
}

func (b *book) nameDocuments() []any {
	var out []any
	for _, n := range b.names {
		out = append(out, n.document())
	}
	return out
}

// namedAt reads the range of a name; open bounds stay as given.
func (b *book) namedAt(o object) (int, bounds, error) {
	a, err := b.gridRange(child(o, "range"), "range")
	if err != nil {
		return 0, bounds{}, err
	}
	return a.sheet.id, readBounds(child(o, "range")), nil
}

func (b *book) checkName(name, except string) error {
	if _, cell := parseCorners(name, true); cell || !goodName.MatchString(name) || len(name) > 250 {
		return invalid("The name for the named range is invalid: %s", name)
	}
	for _, n := range b.names {
		if n.id != except && equalFold(n.name, name) {
			return invalid("Cannot add named range with name %s, a named range with that name already exists.", name)
		}
	}
	return nil
}

func addNamedRange(b *book, r object) (object, error) {
	o := child(r, "namedRange")
	n := namedRange{id: text(o, "namedRangeId"), name: text(o, "name")}
	if n.id == "" {
		n.id = strconv.Itoa(b.freshID())
	}
	for _, x := range b.names {
		if x.id == n.id {
			return nil, invalid("A named range with id \"%s\" already exists.", n.id)
		}
	}
	if err := b.checkName(n.name, ""); err != nil {
		return nil, err
	}
	var err error
	if n.sheet, n.at, err = b.namedAt(o); err != nil {
		return nil, err
	}
	b.names = append(slices.Clone(b.names), n)
	b.newNames = true
	return object{"namedRange": n.document()}, nil
}

func (b *book) nameIndex(id string) (int, error) {
	for i, n := range b.names {
		if n.id == id {
			return i, nil
		}
	}
	return 0, invalid("No named range with id: %s", id)
}

func updateNamedRange(b *book, r object) (object, error) {
	o := child(r, "namedRange")
	i, err := b.nameIndex(text(o, "namedRangeId"))
	if err != nil {
		return nil, err
	}
	m, err := readMask(r, namedRangeOf)
	if err != nil {
		return nil, err
	}
	n := b.names[i]
	changed := m.apply(n.document(), o)
	if changed["name"] != n.name {
		if err := b.checkName(text(changed, "name"), n.id); err != nil {
			return nil, err
		}
		n.name = text(changed, "name")
	}
	if m.wants("range") {
		if n.sheet, n.at, err = b.namedAt(changed); err != nil {
			return nil, err
		}
	}
	b.names = slices.Clone(b.names)
	b.names[i] = n
	b.newNames = true
	return nil, nil
}

func deleteNamedRange(b *book, r object) (object, error) {
	i, err := b.nameIndex(text(r, "namedRangeId"))
	if err != nil {
		return nil, err
	}
	b.names = slices.Delete(slices.Clone(b.names), i, i+1)
	b.newNames = true
	return nil, nil
}
