package sheets

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

const (
	// exactDigits is how many digits of a number Google keeps. Longer ones are written as text.
	exactDigits = 15
	// cellCharacters is how much text a cell holds, in UTF-16 units.
	cellCharacters = 50000
	// serialFraction is how many digits of a second a serial number holds in all years.
	serialFraction = 3
	dayMillis      = 24 * 60 * 60 * 1000
)

// epoch is day 0 of serial numbers. Earlier days are negative.
var epoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// format is a number format that a cell needs to show its value, by its short name within a Batch; "" for none.
type format string

const (
	formatText   format = "text"
	formatDate   format = "date"
	formatSecond format = "second"
	formatMillis format = "millis"
)

var numberFormats = map[format]*api.NumberFormat{
	formatText:   {Type: "TEXT", Pattern: "@"},
	formatDate:   {Type: "DATE", Pattern: "yyyy-mm-dd"},
	formatSecond: {Type: "DATE_TIME", Pattern: "yyyy-mm-dd hh:mm:ss"},
	formatMillis: {Type: "DATE_TIME", Pattern: "yyyy-mm-dd hh:mm:ss.000"},
}

// shownBy reports whether a cell that has number format f shows the value as it should already. Any date format that a
// person chose is left as it is.
func (want format) shownBy(f *api.NumberFormat) bool {
	if want == "" {
		return true
	}
	if f == nil {
		return false
	}
	switch want {
	case formatText:
		return f.Type == "TEXT"
	case formatDate:
		return f.Type == "DATE" || f.Type == "DATE_TIME"
	}
	return f.Type == "DATE_TIME"
}

// asText reports whether every value of the type stands in a cell as text, so that the column's format is text. Dates and
// numbers that are text only when they are long are not among them.
func asText(t tandem.Type) bool {
	switch t.Kind {
	case tandem.String, tandem.Bytes, tandem.Time:
		return true
	case tandem.Decimal:
		return t.Precision > exactDigits
	case tandem.DateTime, tandem.Timestamp:
		return t.Fraction > serialFraction
	}
	return false
}

// encode returns the typed content of a cell that holds value, nil for an empty cell, with the number format that it
// needs. What a cell cannot hold exactly is an error in words.
func encode(value tandem.Value, column *tandem.Column) (*api.ExtendedValue, format, error) {
	if value.IsInvalid() || value.IsAbsent() {
		return nil, "", fmt.Errorf("it is not a value of the column")
	}
	if value.IsEmpty() {
		return nil, "", nil
	}
	text := value.Text()
	switch column.Type.Kind {
	case tandem.Int:
		if len(strings.TrimPrefix(text, "-")) <= exactDigits {
			return numberCell(text)
		}
	case tandem.Decimal:
		if column.Type.Precision <= exactDigits {
			return numberCell(text)
		}
	case tandem.Float, tandem.Year:
		return numberCell(text)
	case tandem.Bool:
		b := text == "true"
		return &api.ExtendedValue{BoolValue: &b}, "", nil
	case tandem.Date:
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, "", fmt.Errorf("%q is not a date", text)
		}
		return serialCell(at, formatDate)
	case tandem.DateTime:
		if column.Type.Fraction <= serialFraction {
			at, err := time.Parse("2006-01-02T15:04:05", text)
			if err != nil {
				return nil, "", fmt.Errorf("%q is not a date and time", text)
			}
			return serialCell(at, timeFormat(column.Type))
		}
	case tandem.Timestamp:
		return encodeTimestamp(text, column)
	}
	return textCell(text)
}

// encodeTimestamp shows an instant as the clocks of the column's zone do. As text it carries the zone's offset, as a
// number it cannot: there the hour that clocks repeat in autumn reads as the first of the two.
func encodeTimestamp(text string, column *tandem.Column) (*api.ExtendedValue, format, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, "", fmt.Errorf("%q is not a moment", text)
	}
	local := at.In(zoneOf(column))
	if local.Year() > 9999 || local.Year() < 1 {
		return nil, "", fmt.Errorf("%q is outside the years 1 to 9999 in the spreadsheet's time zone", text)
	}
	if column.Type.Fraction > serialFraction {
		if _, offset := local.Zone(); offset%60 != 0 {
			local = at.UTC() // the local time of a place before time zones, which ISO texts cannot name
		}
		return textCell(local.Format("2006-01-02T15:04:05." + strings.Repeat("0", column.Type.Fraction) + "Z07:00"))
	}
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	return serialCell(wall, timeFormat(column.Type))
}

func zoneOf(column *tandem.Column) *time.Location {
	if column.Zone == nil {
		return time.UTC
	}
	return column.Zone
}

func timeFormat(t tandem.Type) format {
	if t.Fraction == 0 {
		return formatSecond
	}
	return formatMillis
}

func numberCell(text string) (*api.ExtendedValue, format, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return nil, "", fmt.Errorf("%q is not a number that a cell can hold", text)
	}
	return &api.ExtendedValue{NumberValue: &n}, "", nil
}

func serialCell(at time.Time, f format) (*api.ExtendedValue, format, error) {
	millis := at.UnixMilli() - epoch.UnixMilli()
	n := float64(millis) / dayMillis
	return &api.ExtendedValue{NumberValue: &n}, f, nil
}

func textCell(text string) (*api.ExtendedValue, format, error) {
	if n := utf16Length(text); n > cellCharacters {
		return nil, "", fmt.Errorf("a cell holds at most 50,000 characters, and the value has %d", n)
	}
	if !utf8.ValidString(text) {
		return nil, "", fmt.Errorf("the text is not valid UTF-8")
	}
	return &api.ExtendedValue{StringValue: &text}, formatText, nil
}

func utf16Length(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}
