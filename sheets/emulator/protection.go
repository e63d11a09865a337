package emulator

import (
	"slices"

	"google.golang.org/api/sheets/v4"
)

var protectedRangeOf = schemaOf[sheets.ProtectedRange]()

// The caller of the API may edit what it protected itself, or protected with itself among the editors. What a person
// protected by hand (see Protect) is refused.
func (b *book) protectedRange(o object) (*sheet, object, error) {
	p := copyObject(o)
	if name := text(p, "namedRangeId"); name != "" {
		i, err := b.nameIndex(name)
		if err != nil {
			return nil, nil, err
		}
		return b.sheet(b.names[i].sheet), ownedProtection(p), nil
	}
	if p["tableId"] != nil {
		return nil, nil, unsupported("protecting a table")
	}
	a, err := b.gridRange(child(p, "range"), "range")
	if err != nil {
		return nil, nil, err
	}
	p["range"] = readBounds(child(p, "range")).document(a.sheet.id)
	return a.sheet, ownedProtection(p), nil
}

func ownedProtection(p object) object {
	p["requestingUserCanEdit"] = true
	if !flag(p, "warningOnly") {
		delete(p, "warningOnly")
	}
	editors := object{}
	for name, v := range child(p, "editors") {
		if l, ok := v.([]any); ok && len(l) == 0 {
			continue
		}
		editors[name] = v
	}
	p["editors"] = editors
	if text(p, "description") == "" {
		delete(p, "description")
	}
	return p
}

// shownProtection is a protection as reading shows it: the owner is always among the editors.
func shownProtection(p object) object {
	p = copyObject(p)
	if !mayEdit(p) {
		return p // who may not edit is not shown who may
	}
	editors := copyObject(child(p, "editors"))
	users := []any{ownerEmail}
	for _, u := range list(editors, "users") {
		if u != ownerEmail {
			users = append(users, u)
		}
	}
	editors["users"] = users
	p["editors"] = editors
	return p
}

func addProtectedRange(b *book, r object) (object, error) {
	s, p, err := b.protectedRange(child(r, "protectedRange"))
	if err != nil {
		return nil, err
	}
	id, given := integer(p, "protectedRangeId")
	if !given {
		id = b.freshID()
	} else if _, i := b.findProtection(id); i >= 0 {
		return nil, invalid("A protected range with id %d already exists.", id)
	}
	p["protectedRangeId"] = id
	s.protected = append(slices.Clone(s.protected), p)
	return object{"protectedRange": p}, nil
}

func (b *book) findProtection(id int) (*sheet, int) {
	for _, s := range b.sheets {
		for i, p := range s.protected {
			if integerOr(p, "protectedRangeId", 0) == id {
				return s, i
			}
		}
	}
	return nil, -1
}

func updateProtectedRange(b *book, r object) (object, error) {
	o := child(r, "protectedRange")
	id := integerOr(o, "protectedRangeId", 0)
	s, i := b.findProtection(id)
	if s == nil {
		return nil, invalid("No protected range with id: %d", id)
	}
	m, err := readMask(r, protectedRangeOf)
	if err != nil {
		return nil, err
	}
	next := m.apply(s.protected[i], o)
	next["protectedRangeId"] = id
	target, p, err := b.protectedRange(next)
	if err != nil {
		return nil, err
	}
	s.protected = slices.Delete(slices.Clone(s.protected), i, i+1)
	if target == s {
		s.protected = slices.Insert(s.protected, i, p)
	} else {
		target.protected = append(slices.Clone(target.protected), p)
	}
	return nil, nil
}

func deleteProtectedRange(b *book, r object) (object, error) {
	id := integerOr(r, "protectedRangeId", 0)
	s, i := b.findProtection(id)
	if s == nil {
		return nil, invalid("No protected range with id: %d", id)
	}
	s.protected = slices.Delete(slices.Clone(s.protected), i, i+1)
	return nil, nil
}
