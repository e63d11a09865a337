package reconcile

import (
	"fmt"

	"github.com/tandem-sync/tandem"
)

// Policy is what a link's settings mean for the merge. Columns and Settings stand in the same order as row values.
type Policy struct {
	Columns   []tandem.Column
	Settings  []tandem.LinkColumn
	Default   tandem.Policy
	Preferred tandem.Source
	// Rules settle conflicts where a policy is tandem.ByRules; without any, the last write wins.
	Rules *Rules
}

// policy returns what settles column i when both sides changed it differently.
func (p *Policy) policy(i int) tandem.Policy {
	if own := p.Settings[i].Policy; own != "" {
		return own
	}
	return p.Default
}

// flows reports whether column i takes part at all.
func (p *Policy) flows(i int) bool {
	return p.Settings[i].Owner != tandem.OwnerIgnored && p.Settings[i].Paused == ""
}

// owner returns the side that alone may change column i, or "".
func (p *Policy) owner(i int) tandem.Source {
	switch {
	case p.Columns[i].Generated || p.Settings[i].Owner == tandem.OwnerDatabase:
		return tandem.Database
	case p.Settings[i].Owner == tandem.OwnerSheet:
		return tandem.Sheet
	}
	return ""
}

// rowOwner returns the side that owns every column that is not part of the key, and so decides which rows there are.
func (p *Policy) rowOwner() tandem.Source {
	var owner tandem.Source
	for i := range p.Columns {
		if p.Columns[i].KeyPosition > 0 || !p.flows(i) {
			continue
		}
		of := p.owner(i)
		if of == "" || owner != "" && owner != of {
			return ""
		}
		owner = of
	}
	return owner
}

// notWritable reports whether a new row's column i is left to target's defaults: target alone may change it.
func (p *Policy) notWritable(i int, target tandem.Source) bool {
	return p.Columns[i].KeyPosition == 0 && p.owner(i) == target || target == tandem.Database && p.Columns[i].Generated
}

// forTarget returns value as it is written to target: an empty cell becomes NULL where the column allows it, else ”.
func (p *Policy) forTarget(i int, value tandem.Value, target tandem.Source) tandem.Value {
	column := &p.Columns[i]
	if target == tandem.Database && value.IsNull() && !column.Nullable && column.Type.Kind == tandem.String {
		return tandem.Text("")
	}
	return value
}

func (p *Policy) base(row *Row, i int) tandem.Value {
	if row.Base == nil {
		return tandem.Absent
	}
	return row.Base[i]
}

// same reports whether values still are what the baseline holds, in every column that flows.
func (p *Policy) same(base, values []tandem.Value) bool {
	for i := range p.Columns {
		if p.flows(i) && !values[i].IsAbsent() && !p.Columns[i].Equal(base[i], values[i]) {
			return false
		}
	}
	return true
}

// untouched reports whether a row that gone no longer has is on the other side as both last agreed. A cell that only gone may
// change tells nothing.
func (p *Policy) untouched(base, values []tandem.Value, gone tandem.Source) bool {
	for i := range p.Columns {
		if base[i].IsAbsent() && values[i].IsEmpty() {
			continue // never agreed on, and nothing there
		}
		if p.flows(i) && !values[i].IsAbsent() && p.owner(i) != gone && !p.Columns[i].Equal(base[i], values[i]) {
			return false
		}
	}
	return true
}

// Same reports whether values hold what base does in every column that takes part; a nil side is only equal to nil.
func (p *Policy) Same(base, values []tandem.Value) bool {
	if base == nil || values == nil {
		return base == nil && values == nil
	}
	return p.same(base, values)
}

// named gives the values of linked columns their names; nil when there is no row.
func (p *Policy) named(values []tandem.Value) map[string]tandem.Value {
	if values == nil {
		return nil
	}
	byName := make(map[string]tandem.Value, len(values))
	for i, value := range values {
		if !value.IsAbsent() {
			byName[p.Settings[i].Column] = value
		}
	}
	return byName
}

// keyOf returns the key under which values stand: another than the row's while a key cell was edited in the sheet and the
// table has not followed yet. Otherwise is the answer where values hold no usable key.
func (p *Policy) keyOf(values []tandem.Value, otherwise tandem.Key) tandem.Key {
	var parts []tandem.Value
	for position, found := 1, true; found; position++ {
		found = false
		for i := range p.Columns {
			if p.Columns[i].KeyPosition == position {
				parts, found = append(parts, values[i]), true
			}
		}
	}
	if len(parts) > 0 {
		if key := tandem.MakeKey(parts...); key != "" {
			return key
		}
	}
	return otherwise
}

func (p *Policy) invalidText(i int, value tandem.Value) string {
	return fmt.Sprintf("%s: %q is not a value of the column's type (%s)", p.Settings[i].Column, value.Text(), p.Columns[i].Type.Kind)
}

func (p *Policy) firstInvalid(values []tandem.Value) int {
	for i, value := range values {
		if value.IsInvalid() && p.flows(i) {
			return i
		}
	}
	return -1
}
