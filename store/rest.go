package store

import "github.com/tandem-sync/tandem"

// What a deleted row held in columns outside the link stands nowhere else: not in the sheet, and in no baseline. It goes with the
// mark of the deletion, and with the deletion into history, so that a revert restores the whole row; so does a cycle that takes the
// deletion back. A later mark of the row says that it was there again meanwhile: then what an earlier one held is past.

// restColumns belong to schema version 7.
var restColumns = []ownColumn{{"tandem_marks", "rest", "{text}"}}

// rest returns what a row that was deleted held in columns outside the link; nil when the link has all columns.
func (t *Table) rest(w *write) map[string]tandem.Value {
	if w.kind != tandem.Delete || w.now == nil {
		return nil
	}
	var rest map[string]tandem.Value
	for i := t.linked; i < len(t.fields); i++ {
		if value, has := w.applied.Whole[t.fields[i].Name]; has {
			if rest == nil {
				rest = map[string]tandem.Value{}
			}
			rest[t.fields[i].Name] = value
		}
	}
	return rest
}

// giveBack adds to an insert what the row held outside the link when it was deleted.
func (t *Table) giveBack(w *write, rest map[string]tandem.Value) {
	if len(rest) == 0 || w.kind != tandem.Insert || w.refusal != nil {
		return
	}
	for i := t.linked; i < len(t.fields); i++ {
		if arg, ok := t.restArg(i, rest[t.fields[i].Name]); ok {
			w.fields, w.args = append(w.fields, i), append(w.args, arg)
		}
	}
}

// restArg is the argument by which a column outside the link gets back what it held. It is not there for columns that the table
// fills in, or that can no longer hold it.
func (t *Table) restArg(i int, value tandem.Value) (arg any, ok bool) {
	c := &t.fields[i]
	if value.IsAbsent() || value.IsInvalid() || c.Generated || c.Type.Kind == tandem.Unknown || !t.exists(i) {
		return nil, false
	}
	arg, err := t.store.dialect.encode(c, value)
	return arg, err == nil && (arg != nil || c.Nullable)
}
