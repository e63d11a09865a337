package sheets

import (
	"encoding/json"
	"math"
	"strings"

	api "google.golang.org/api/sheets/v4"
)

// A note of ours begins with noteBegin and ends with noteEnd. That tells it from people's notes when nothing else is known
// any more; one to which somebody added a word is that person's.
const (
	noteBegin = "Tandem: "
	noteEnd   = "\n(Tandem wrote this note and takes it away by itself.)"
	noteRunes = 500 // of the message, so that a full batch stays small
)

// noteText is a message as it stands in a cell's note.
func noteText(message string) string {
	runes := []rune(strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(message, "\uFFFD"), "\r", "")))
	if len(runes) > noteRunes {
		runes = append(runes[:noteRunes-1], '…')
	}
	return noteBegin + string(runes) + noteEnd
}

// isOurs tells a note of ours by its beginning and its end.
func isOurs(note string) bool {
	return len(note) >= len(noteBegin)+len(noteEnd) && strings.HasPrefix(note, noteBegin) && strings.HasSuffix(note, noteEnd)
}

// noted is what a cell shows beside its value.
type noted struct {
	note   string
	colour string // the background as entered, in the form of tandem.Note's Before; "" for none
}

// notedFields is what is asked of cells to tell their row and what notes and colours they have.
const notedFields = "effectiveValue,formattedValue,note,userEnteredFormat(backgroundColor,backgroundColorStyle)"

func notedOf(c *api.CellData) noted {
	if c == nil {
		return noted{}
	}
	return noted{note: strings.ReplaceAll(c.Note, "\r", ""), colour: colourOf(c.UserEnteredFormat)}
}

// colourOf returns the background that was entered into a cell as JSON: a colour of the theme stays one. "" is none.
func colourOf(f *api.CellFormat) string {
	if f == nil {
		return ""
	}
	style := f.BackgroundColorStyle
	if style == nil && f.BackgroundColor != nil {
		style = &api.ColorStyle{RgbColor: f.BackgroundColor}
	}
	if style == nil || style.RgbColor == nil && style.ThemeColor == "" {
		return ""
	}
	text, err := json.Marshal(style)
	if err != nil {
		return ""
	}
	return string(text)
}

// styleOf is the inverse of colourOf; nil is no colour.
func styleOf(colour string) *api.ColorStyle {
	style := &api.ColorStyle{}
	if colour == "" || json.Unmarshal([]byte(colour), style) != nil {
		return nil
	}
	return style
}

// noteColour is the light red of cells in error. It is none of the colours that Google offers, so that whoever sees exactly
// this one may take it for ours.
func noteColour() string {
	const full = 255.0
	return colourOf(&api.CellFormat{BackgroundColor: &api.Color{Red: 251 / full, Green: 217 / full, Blue: 215 / full}})
}

func isNoteColour(colour string) bool { return sameColour(colour, noteColour()) }

// sameColour compares to the 8 bits a channel that Google keeps.
func sameColour(a, b string) bool {
	x, y := styleOf(a), styleOf(b)
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	if x.RgbColor == nil || y.RgbColor == nil {
		return x.RgbColor == y.RgbColor && x.ThemeColor == y.ThemeColor
	}
	same := func(p, q float64) bool { return math.Abs(p-q) < 1.0/512 }
	return same(x.RgbColor.Red, y.RgbColor.Red) && same(x.RgbColor.Green, y.RgbColor.Green) && same(x.RgbColor.Blue, y.RgbColor.Blue)
}
