package emulator

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var epoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// serial is a wall-clock time as Sheets counts it: days since 1899-12-30, the time of day as a fraction.
func serial(t time.Time) float64 {
	wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	days := math.Floor(float64(wall.Unix()-epoch.Unix()) / 86400)
	midnight := epoch.AddDate(0, 0, int(days))
	return days + float64(wall.Sub(midnight).Milliseconds())/86_400_000
}

// fromSerial rounds to the millisecond, which is all that a serial number of our days can hold.
func fromSerial(f float64) time.Time {
	days := math.Floor(f)
	ms := math.Round((f - days) * 86_400_000)
	return epoch.AddDate(0, 0, int(days)).Add(time.Duration(ms) * time.Millisecond)
}

func isDateFormat(n numberFormat) bool {
	return n.kind == "DATE" || n.kind == "TIME" || n.kind == "DATE_TIME"
}

// isDatePattern: a pattern shows dates when a letter of theirs stands outside of quotes.
func isDatePattern(pattern string) bool {
	for _, p := range splitPattern(pattern) {
		if !p.literal && (strings.ContainsAny(strings.ToLower(p.text), "ymdhs") || isElapsed(strings.Trim(p.text, "[]"))) {
			return true
		}
	}
	return false
}

// dateToken is a run of one letter, or a literal.
type dateToken struct {
	literal bool
	text    string
}

// dateTokens joins the letters of a pattern into runs, and am/pm into one.
func dateTokens(pattern string) []dateToken {
	var out []dateToken
	parts := splitPattern(pattern)
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		if p.literal {
			out = append(out, dateToken{true, p.text})
			continue
		}
		if n := meridiemLength(parts[i:]); n > 0 {
			out = append(out, dateToken{text: map[int]string{5: "am/pm", 3: "a/p"}[n]})
			i += n - 1
			continue
		}
		lower := strings.ToLower(p.text)
		if last := len(out) - 1; last >= 0 && !out[last].literal && lower != "" && strings.HasSuffix(out[last].text, lower) &&
			strings.Contains("ymdhs0", lower) {
			out[last].text += lower
			continue
		}
		out = append(out, dateToken{text: lower})
	}
	return out
}

func meridiemLength(parts []patternPart) int {
	for _, word := range []string{"am/pm", "a/p"} {
		if len(parts) < len(word) {
			continue
		}
		s := ""
		for _, p := range parts[:len(word)] {
			if p.literal {
				return 0
			}
			s += p.text
		}
		if strings.EqualFold(s, word) {
			return len(word)
		}
	}
	return 0
}

func formatDate(pattern string, f float64) string {
	tokens := dateTokens(pattern)
	t := fromSerial(f)
	meridiem := false
	for _, k := range tokens {
		meridiem = meridiem || k.text == "am/pm" || k.text == "a/p"
	}
	var b strings.Builder
	for i, k := range tokens {
		if k.literal {
			b.WriteString(k.text)
			continue
		}
		b.WriteString(datePart(tokens, i, t, f, meridiem))
	}
	return b.String()
}

func datePart(tokens []dateToken, i int, t time.Time, f float64, meridiem bool) string {
	k := tokens[i].text
	pad := func(n, width int) string { return fmt.Sprintf("%0*d", width, n) }
	switch k {
	case "y", "yy":
		return pad(t.Year()%100, 2)
	case "yyy", "yyyy":
		return pad(t.Year(), 4)
	case "m", "mm":
		if isMinute(tokens, i) {
			return pad(t.Minute(), len(k))
		}
		return pad(int(t.Month()), len(k))
	case "mmm":
		return t.Month().String()[:3]
	case "mmmm":
		return t.Month().String()
	case "mmmmm":
		return t.Month().String()[:1]
	case "d", "dd":
		return pad(t.Day(), len(k))
	case "ddd":
		return t.Weekday().String()[:3]
	case "dddd":
		return t.Weekday().String()
	case "h", "hh":
		if meridiem {
			return pad((t.Hour()+11)%12+1, len(k))
		}
		return pad(t.Hour(), len(k))
	case "s", "ss":
		return pad(t.Second(), len(k))
	case "0", "00", "000":
		return pad(t.Nanosecond()/1e6, 3)[:len(k)]
	case "am/pm":
		return t.Format("PM")
	case "a/p":
		return t.Format("PM")[:1]
	}
	if strings.HasPrefix(k, "[") {
		return elapsed(strings.Trim(k, "[]"), f)
	}
	return k
}

// isMinute: an m is the minute when an hour stands before it or a second after it.
func isMinute(tokens []dateToken, i int) bool {
	near := func(from, step int, letter string) bool {
		for j := from; j >= 0 && j < len(tokens); j += step {
			if tokens[j].literal || !strings.ContainsAny(tokens[j].text, "ymdhs") {
				continue
			}
			return strings.Contains(tokens[j].text, letter)
		}
		return false
	}
	return near(i-1, -1, "h") || near(i+1, 1, "s")
}

func elapsed(unit string, f float64) string {
	ms := math.Round(f * 86_400_000)
	per := map[byte]float64{'h': 3_600_000, 'm': 60_000, 's': 1000}[unit[0]|0x20]
	s := strconv.FormatFloat(math.Floor(math.Abs(ms)/per), 'f', 0, 64)
	for len(s) < len(unit) {
		s = "0" + s
	}
	return signed(f, s)
}
