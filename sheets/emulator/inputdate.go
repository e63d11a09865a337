package emulator

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	isoDate    = regexp.MustCompile(`^(\d{4})([-/.])(\d{1,2})[-/.](\d{1,2})$`)
	localDate  = regexp.MustCompile(`^(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4}|\d{2})$`)
	shortDate  = regexp.MustCompile(`^(\d{1,2})([-/])(\d{1,2})$`)
	monthDay   = regexp.MustCompile(`^([A-Za-z]{3,9})\.? (\d{1,2})(?:, ?| )(\d{4})$`)
	dayMonth   = regexp.MustCompile(`^(\d{1,2})[- ]([A-Za-z]{3,9})\.?[- ](\d{4}|\d{2})$`)
	monthYear  = regexp.MustCompile(`^([A-Za-z]{3,9}) (\d{4})$`)
	timeOfDay  = regexp.MustCompile(`^(\d{1,3}):(\d{2})(?::(\d{2})(\.\d{1,3})?)?(?: ?([AaPp])\.?[Mm]\.?)?$`)
	hourOfDay  = regexp.MustCompile(`^(\d{1,2}) ?([AaPp])[Mm]$`)
	dateEnd    = regexp.MustCompile(`^(.*\d{1,4}) +(\d{1,2}:\d{2}.*)$`)
	monthNames = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
)

// parseDateTime reads the ways to write a date, a time, or both.
func parseDateTime(s string, c conventions, now time.Time) (input, bool) {
	if days, pattern, ok := parseDate(s, c, now); ok {
		return input{value: numberValue(days), format: numberFormat{"DATE", pattern}}, true
	}
	if fraction, pattern, ok := parseTime(s); ok {
		kind := "TIME"
		return input{value: numberValue(fraction), format: numberFormat{kind, pattern}}, true
	}
	if m := dateEnd.FindStringSubmatch(s); m != nil {
		days, pattern, ok := parseDate(strings.TrimSpace(m[1]), c, now)
		fraction, clock, ok2 := parseTime(m[2])
		if ok && ok2 && fraction < 1 {
			return input{value: numberValue(days + fraction), format: numberFormat{"DATE_TIME", pattern + " " + clock}}, true
		}
	}
	return input{}, false
}

func parseDate(s string, c conventions, now time.Time) (days float64, pattern string, ok bool) {
	if m := isoDate.FindStringSubmatch(s); m != nil {
		return date(m[1], m[3], m[4], "yyyy"+m[2]+"mm"+m[2]+"dd")
	}
	if m := localDate.FindStringSubmatch(s); m != nil {
		month, day, pattern := m[1], m[3], "M"+m[2]+"d"+m[2]+strings.Repeat("y", len(m[4]))
		if c.dayFirst {
			month, day, pattern = day, month, c.date
		} else if m[2] == "/" && len(m[4]) == 4 {
			pattern = c.date
		}
		return date(fullYear(m[4]), month, day, pattern)
	}
	if m := shortDate.FindStringSubmatch(s); m != nil {
		month, day, pattern := m[1], m[3], "M"+m[2]+"d"
		if c.dayFirst {
			month, day, pattern = day, month, "d"+m[2]+"M"
		}
		return date(strconv.Itoa(now.Year()), month, day, pattern)
	}
	if m := monthDay.FindStringSubmatch(s); m != nil {
		return date(m[3], monthNumber(m[1]), m[2], monthPattern(m[1])+" d, yyyy")
	}
	if m := dayMonth.FindStringSubmatch(s); m != nil {
		return date(fullYear(m[3]), monthNumber(m[2]), m[1], "d "+monthPattern(m[2])+" yyyy")
	}
	if m := monthYear.FindStringSubmatch(s); m != nil {
		return date(m[2], monthNumber(m[1]), "1", monthPattern(m[1])+" yyyy")
	}
	return 0, "", false
}

// fullYear reads two digits as Sheets does: 00 to 29 are of this century.
func fullYear(y string) string {
	if len(y) > 2 {
		return y
	}
	if y < "30" {
		return "20" + y
	}
	return "19" + y
}

func monthNumber(name string) string {
	for i, full := range monthNames {
		if lower := strings.ToLower(name); lower == full || lower == full[:3] {
			return strconv.Itoa(i + 1)
		}
	}
	return ""
}

func monthPattern(name string) string {
	if len(name) > 3 {
		return "mmmm"
	}
	return "mmm"
}

func date(year, month, day, pattern string) (float64, string, bool) {
	y, err1 := strconv.Atoi(year)
	m, err2 := strconv.Atoi(month)
	d, err3 := strconv.Atoi(day)
	if err1 != nil || err2 != nil || err3 != nil {
		return 0, "", false
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Year() != y || int(t.Month()) != m || t.Day() != d {
		return 0, "", false // the 31st of February stays text
	}
	return serial(t), pattern, true
}

func parseTime(s string) (fraction float64, pattern string, ok bool) {
	if m := hourOfDay.FindStringSubmatch(s); m != nil {
		h, _ := strconv.Atoi(m[1])
		return float64(meridiemHour(h, m[2])) / 24, "h am/pm", h >= 1 && h <= 12
	}
	m := timeOfDay.FindStringSubmatch(s)
	if m == nil {
		return 0, "", false
	}
	h, _ := strconv.Atoi(m[1])
	minute, _ := strconv.Atoi(m[2])
	second, _ := strconv.Atoi(m[3])
	ms := 0.0
	if m[4] != "" {
		ms, _ = strconv.ParseFloat(m[4], 64)
	}
	if minute > 59 || second > 59 {
		return 0, "", false
	}
	pattern = "h:mm"
	if m[3] != "" {
		pattern = "h:mm:ss"
	}
	if m[4] != "" {
		pattern += ".000"
	}
	if m[5] != "" {
		if h < 1 || h > 12 {
			return 0, "", false
		}
		h = meridiemHour(h, m[5])
		pattern += " am/pm"
	} else if h > 23 {
		pattern = "[h]" + pattern[1:]
	}
	return (float64(h)*3600 + float64(minute)*60 + float64(second) + ms) / 86400, pattern, true
}

func meridiemHour(h int, letter string) int {
	h %= 12
	if strings.EqualFold(letter, "p") {
		h += 12
	}
	return h
}
