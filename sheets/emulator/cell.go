package emulator

// cellKind is the kind of a cell's effective value.
type cellKind uint8

const (
	emptyCell cellKind = iota
	numberCell
	boolCell
	textCell
	errorCell
)

// cell is one cell in 40 bytes, for a spreadsheet may have ten million. What few cells have is in more.
type cell struct {
	num     float64 // the number; 1 for TRUE
	text    string  // the text; for an error its type, such as DIVIDE_BY_ZERO
	more    *extras
	style   styleID
	kind    cellKind
	spilled bool // shown here by an array formula elsewhere, entered by nobody
}

// extras is never changed once a cell points to it.
type extras struct {
	formula    *formula
	errMessage string
	note       string
	validation object
	runs       []any        // textFormatRuns
	hyperlink  string       // made by a HYPERLINK formula
	shownAs    numberFormat // of a formula whose cell has no number format: that of what it computes with
}

var noExtras = &extras{}

func (c *cell) extras() *extras {
	if c.more == nil {
		return noExtras
	}
	return c.more
}

// alter replaces the cell's extras by a changed copy, or by none when nothing is left in them.
func (c *cell) alter(change func(x *extras)) {
	x := *c.extras()
	change(&x)
	if x.formula == nil {
		x.errMessage, x.hyperlink, x.shownAs = "", "", numberFormat{}
	}
	if x.formula == nil && x.errMessage == "" && x.note == "" && x.validation == nil && x.runs == nil && x.hyperlink == "" {
		c.more = nil
		return
	}
	c.more = &x
}

func (c *cell) formula() *formula { return c.extras().formula }

// blank: nothing to show and nothing kept, format included.
func (c *cell) blank() bool { return c.kind == emptyCell && c.more == nil && c.style == 0 }

// hasValue: something is in the cell or shown in it.
func (c *cell) hasValue() bool { return c.kind != emptyCell || c.formula() != nil }

// put enters v and drops the value, formula or error that was there. Notes, validation and format stay.
func (c *cell) put(v value, f *formula) {
	c.setResult(v)
	c.spilled = false
	if f != nil || c.more != nil {
		c.alter(func(x *extras) {
			x.formula, x.errMessage, x.runs, x.hyperlink = f, v.errMessage(), nil, ""
		})
	}
}

func (c *cell) clear() { c.put(value{}, nil) }

// setResult changes what the cell shows, not what was entered.
func (c *cell) setResult(v value) {
	c.kind, c.num, c.text = v.kind, v.num, v.text
}

func (c *cell) value() value {
	v := value{kind: c.kind, num: c.num, text: c.text}
	if c.kind == errorCell {
		v.message = c.extras().errMessage
	}
	return v
}

// value is what a cell, or a step of a formula, comes to.
type value struct {
	kind    cellKind
	num     float64
	text    string
	message string // of an error
}

func (v value) errMessage() string {
	if v.kind == errorCell {
		return v.message
	}
	return ""
}

func numberValue(n float64) value { return value{kind: numberCell, num: n} }
func textValue(s string) value    { return value{kind: textCell, text: s} }
func boolValue(b bool) value {
	if b {
		return value{kind: boolCell, num: 1}
	}
	return value{kind: boolCell}
}

func errorValue(kind, message string) value {
	return value{kind: errorCell, text: kind, message: message}
}

// document is the value as ExtendedValue shows it.
func (v value) document() object {
	switch v.kind {
	case numberCell:
		return object{"numberValue": v.num}
	case boolCell:
		return object{"boolValue": v.num != 0}
	case textCell:
		return object{"stringValue": v.text}
	case errorCell:
		e := object{"type": v.text}
		if v.message != "" {
			e["message"] = v.message
		}
		return object{"errorValue": e}
	}
	return nil
}

// errorTexts are the names of errors as cells show them.
var errorTexts = map[string]string{
	"ERROR": "#ERROR!", "NULL_VALUE": "#NULL!", "DIVIDE_BY_ZERO": "#DIV/0!", "VALUE": "#VALUE!", "REF": "#REF!",
	"NAME": "#NAME?", "NUM": "#NUM!", "N_A": "#N/A", "LOADING": "Loading...",
}
