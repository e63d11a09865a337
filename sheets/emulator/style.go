package emulator

// styleID names a format of a book; 0 is no format of its own.
type styleID uint32

// style is one userEnteredFormat, kept once for however many cells have it.
type style struct {
	key       string
	format    object
	number    numberFormat
	effective [errorCell + 1]object // by kind of value, which decides the alignment
	shown     [errorCell + 1]string // effective as JSON: it goes with every cell of a reading
}

type numberFormat struct{ kind, pattern string }

var plainStyle = newStyle("", object{})

// newStyle works out what cells of this format look like: the default, the format laid over it, and for what has
// no alignment the one of its kind.
func newStyle(key string, format object) *style {
	s := &style{key: key, format: format}
	if n := child(format, "numberFormat"); n != nil {
		s.number = numberFormat{kind: text(n, "type"), pattern: text(n, "pattern")}
	}
	alignments := [...]string{numberCell: "RIGHT", boolCell: "CENTER", textCell: "LEFT", errorCell: "CENTER"}
	for kind := range s.effective {
		look := merged(defaultFormat, object{"hyperlinkDisplayType": "PLAIN_TEXT", "textFormat": object{"fontFamily": "Arial"}})
		if alignments[kind] != "" {
			look["horizontalAlignment"] = alignments[kind]
		}
		s.effective[kind] = merged(look, format)
		s.shown[kind] = string(appendJSON(nil, s.effective[kind]))
	}
	return s
}

// intern returns the id of format, adding it when new. The index may know styles of changes that were undone,
// so a hit counts only when the list agrees.
func (b *book) intern(format object) styleID {
	if len(format) == 0 {
		return 0
	}
	key := string(appendJSON(nil, format))
	if id, ok := b.styleIndex[key]; ok && int(id) < len(b.styles) && b.styles[id].key == key {
		return id
	}
	id := styleID(len(b.styles))
	b.styles = append(b.styles, newStyle(key, format))
	b.styleIndex[key] = id
	return id
}

func (b *book) style(id styleID) *style { return b.styles[id] }

// withNumberFormat is the style with another number format and all else as it is.
func (b *book) withNumberFormat(id styleID, n numberFormat) styleID {
	format := copyObject(b.style(id).format)
	delete(format, "numberFormat")
	if n.kind != "" {
		f := object{"type": n.kind}
		if n.pattern != "" {
			f["pattern"] = n.pattern
		}
		format["numberFormat"] = f
	}
	return b.intern(format)
}

// colorTwins are the fields that Google answers in two forms: the old one and the one that may hold a theme colour.
var colorTwins = map[string]string{
	"backgroundColor": "backgroundColorStyle", "foregroundColor": "foregroundColorStyle", "tabColor": "tabColorStyle",
	"color": "colorStyle",
}

// paired gives every colour of v its twin and rounds it to the 8 bits a channel that Google keeps.
func paired(v object) object {
	out := make(object, len(v))
	for name, x := range v {
		if sub, ok := x.(object); ok {
			x = paired(sub)
			if isColor(name) {
				x = rounded(sub)
			}
		}
		out[name] = x
	}
	for old, twin := range colorTwins {
		if s := child(out, twin); s != nil {
			if c, ok := s["rgbColor"].(object); ok {
				out[old] = c
			}
		} else if c := child(out, old); c != nil && isColor(old) {
			out[twin] = object{"rgbColor": c}
		}
	}
	return out
}

func isColor(name string) bool {
	return name == "rgbColor" || name == "backgroundColor" || name == "foregroundColor" || name == "tabColor" || name == "color"
}

func rounded(c object) object {
	out := object{}
	for name, x := range c {
		n, ok := x.(float64)
		if !ok {
			if f, single := x.(float32); single {
				n = float64(f)
			}
		}
		// Google cuts: 0.5 comes back as 127/255. The small lift keeps k/255 at k.
		level := float32(int(n*255+1e-3)) / 255
		if level != 0 {
			out[name] = level
		}
	}
	return out
}

// maskTwins makes a mask that names one of two twins name both, for setting one sets the other.
func maskTwins(m mask) mask {
	if m == nil {
		return nil
	}
	out := mask{}
	for name, sub := range m {
		out[name] = maskTwins(sub)
		for old, twin := range colorTwins {
			if name == old {
				out[twin] = nil
			} else if name == twin {
				out[old] = nil
			}
		}
	}
	return out
}

func rgb(red, green, blue float32) object {
	c := object{}
	for name, level := range map[string]float32{"red": red, "green": green, "blue": blue} {
		if level != 0 {
			c[name] = level
		}
	}
	return c
}

var defaultFormat = object{
	"backgroundColor": rgb(1, 1, 1), "backgroundColorStyle": object{"rgbColor": rgb(1, 1, 1)},
	"padding":           object{"top": 2, "right": 3, "bottom": 2, "left": 3},
	"verticalAlignment": "BOTTOM", "wrapStrategy": "OVERFLOW_CELL",
	"textFormat": object{"foregroundColor": object{}, "foregroundColorStyle": object{"rgbColor": object{}},
		"fontFamily": "arial,sans,sans-serif", "fontSize": 10, "bold": false, "italic": false,
		"strikethrough": false, "underline": false},
}

var spreadsheetTheme = object{"primaryFontFamily": "Arial", "themeColors": []any{
	themeColor("TEXT", 0, 0, 0), themeColor("BACKGROUND", 1, 1, 1),
	themeColor("ACCENT1", 0.25882354, 0.52156866, 0.95686275), themeColor("ACCENT2", 0.91764706, 0.2627451, 0.20784314),
	themeColor("ACCENT3", 0.9843137, 0.7372549, 0.015686275), themeColor("ACCENT4", 0.20392157, 0.65882355, 0.3254902),
	themeColor("ACCENT5", 1, 0.42745098, 0.003921569), themeColor("ACCENT6", 0.27450982, 0.7411765, 0.7764706),
	themeColor("LINK", 0.06666667, 0.33333334, 0.8)}}

func themeColor(kind string, red, green, blue float32) object {
	return object{"colorType": kind, "color": object{"rgbColor": rgb(red, green, blue)}}
}
