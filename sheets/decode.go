package sheets

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
)

// errorCell is a cell that shows a formula error.
type errorCell string

// shownCell is a number or a boolean together with the text that people see in its place.
type shownCell struct {
	value any
	shown string
}

var errorTexts = map[string]bool{"#N/A": true, "#REF!": true, "#DIV/0!": true, "#VALUE!": true, "#NAME?": true, "#NUM!": true,
	"#NULL!": true, "#ERROR!": true}

// isAmbiguous reports whether an unformatted reading of a cell does not tell its value: a text that may be an error, or a
// number where people see text such as "00123" or "1/1/2020".
func isAmbiguous(cell any, column *tandem.Column) bool {
	if !isPlain(column) {
		return false
	}
	switch cell := cell.(type) {
	case string:
		return errorTexts[cell]
	case float64, bool:
		return true
	}
	return false
}

// isPlain reports whether a column holds whatever text people see.
func isPlain(column *tandem.Column) bool {
	return column.Type.Kind == tandem.String || column.Type.Kind == tandem.Bytes
}

// decode returns the value of a cell as read unformatted (nil, string, float64, bool, errorCell or shownCell), and, where
// the column's type cannot hold it, an invalid value and the reason in words. name is the column's header.
func decode(cell any, column *tandem.Column, name string) (tandem.Value, string) {
	text, reason := "", ""
	switch cell := cell.(type) {
	case nil:
		return tandem.Null, ""
	case errorCell:
		return tandem.Invalid(string(cell)), fmt.Sprintf("%s shows the error %s", name, string(cell))
	case shownCell:
		text = cell.shown
	case string:
		if cell == "" {
			return tandem.Null, ""
		}
		if errorTexts[cell] && column.Type.Kind != tandem.String && column.Type.Kind != tandem.Bytes {
			return tandem.Invalid(cell), fmt.Sprintf("%s shows the error %s", name, cell)
		}
		text = decodeText(cell, column)
	case float64:
		text, reason = decodeNumber(cell, column)
	case bool:
		text = decodeBool(cell, column)
	default:
		text, reason = fmt.Sprint(cell), "cannot be read"
	}
	if reason == "" {
		value, err := column.Type.Parse(text)
		if err == nil {
			return value, ""
		}
		reason = err.Error()
	}
	return tandem.Invalid(text), explain(name, text, reason, column.Type)
}

// decodeText brings what a person typed as text nearer to the canonical form. Text columns are taken as they are.
func decodeText(text string, column *tandem.Column) string {
	switch column.Type.Kind {
	case tandem.String:
		return text
	case tandem.DateTime:
		text = strings.Replace(strings.TrimSpace(text), " ", "T", 1)
		if at, ok := parseWall(text); ok {
			return at.Format("2006-01-02T15:04:05.999999999") // an hour of one digit gets its second one
		}
		return text
	case tandem.Timestamp:
		text = strings.Replace(strings.TrimSpace(text), " ", "T", 1)
		if _, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return text
		}
		if at, ok := parseWall(text); ok {
			if instant, ok := inZone(at, zoneOf(column)); ok {
				return instant.UTC().Format(time.RFC3339Nano)
			}
		}
		return text
	}
	return strings.TrimSpace(text)
}

func parseWall(text string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// inZone returns the instant at which the clocks of a zone show wall; ok is false when they never do, in the hour that
// they skip in spring.
func inZone(wall time.Time, zone *time.Location) (at time.Time, ok bool) {
	at = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	return at, at.Hour() == wall.Hour() && at.Minute() == wall.Minute() && at.Day() == wall.Day()
}

func decodeBool(b bool, column *tandem.Column) string {
	text := strconv.FormatBool(b)
	if column.Type.Kind == tandem.String || column.Type.Kind == tandem.Bytes {
		return strings.ToUpper(text) // as it is shown
	}
	return text
}

// decodeNumber returns the text of a number cell for the column's type.
func decodeNumber(n float64, column *tandem.Column) (text, reason string) {
	switch column.Type.Kind {
	case tandem.Float:
		return strconv.FormatFloat(n, 'g', -1, 64), ""
	case tandem.Bool:
		return strconv.FormatFloat(n, 'f', -1, 64), ""
	case tandem.Date, tandem.DateTime, tandem.Timestamp:
		return decodeSerial(n, column)
	case tandem.Time:
		return decodeDuration(n)
	}
	if math.Abs(n) >= 1e15 {
		return plain(n), "has more than 15 digits, which a number in a cell cannot hold exactly; type it as text, with ' before it"
	}
	return plain(n), ""
}

// plain writes a number without exponent, to the 15 digits that Google keeps.
func plain(n float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(n, 'e', exactDigits-1, 64), 64)
	if err != nil {
		rounded = n
	}
	if rounded == 0 {
		return "0"
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// maxSerial is the day after 9999-12-31, minSerial is 0001-01-01.
const (
	maxSerial = 2958466
	minSerial = -693593
)

// decodeSerial reads a day number with a fraction. It is exact to the millisecond, and what does not fit the column then
// is left to Type.Parse to refuse.
func decodeSerial(n float64, column *tandem.Column) (text, reason string) {
	if n < minSerial || n >= maxSerial {
		return plain(n), "is not a day of the years 1 to 9999"
	}
	wall := time.UnixMilli(epoch.UnixMilli() + int64(math.Round(n*dayMillis))).UTC()
	shown := wall.Format("2006-01-02T15:04:05.999")
	switch column.Type.Kind {
	case tandem.Date:
		if wall.Hour()+wall.Minute()+wall.Second()+wall.Nanosecond() > 0 {
			return shown, "has a time of day"
		}
		return wall.Format(time.DateOnly), ""
	case tandem.Timestamp:
		at, ok := inZone(wall, zoneOf(column))
		if !ok {
			return shown, fmt.Sprintf("does not exist in the time zone %s, where clocks skip that hour", zoneOf(column))
		}
		return at.UTC().Format(time.RFC3339Nano), ""
	}
	return shown, ""
}

// decodeDuration reads a time of day or a duration that a person typed and Google took for a number.
func decodeDuration(n float64) (text, reason string) {
	if math.Abs(n) > 40 {
		return plain(n), "is not a time"
	}
	millis := int64(math.Round(n * dayMillis))
	sign := ""
	if millis < 0 {
		sign, millis = "-", -millis
	}
	return fmt.Sprintf("%s%02d:%02d:%02d.%03d", sign, millis/3600000, millis/60000%60, millis/1000%60, millis%1000), ""
}

// explain says which column must hold what, and what it holds instead.
func explain(name, text, reason string, t tandem.Type) string {
	if r := []rune(text); len(r) > 40 {
		text = string(r[:40]) + "…"
	}
	must := ""
	switch t.Kind {
	case tandem.Int:
		must = "a whole number"
	case tandem.Decimal:
		must = fmt.Sprintf("a number with at most %d decimals", t.Scale)
	case tandem.Float:
		must = "a number"
	case tandem.Bool:
		must = "true or false"
	case tandem.Date:
		must = "a date"
	case tandem.DateTime, tandem.Timestamp:
		must = "a date and time"
	case tandem.Time:
		must = "a time like 23:59:59"
	case tandem.Year:
		must = "a year"
	default:
		return fmt.Sprintf("%s: %s", name, reason)
	}
	if quoted, err := strconv.QuotedPrefix(reason); err == nil {
		reason = strings.TrimPrefix(reason, quoted+" ")
	}
	return fmt.Sprintf("%s must be %s, not %s (it %s)", name, must, strconv.Quote(text), reason)
}
