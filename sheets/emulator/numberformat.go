package emulator

import (
	"math"
	"strconv"
	"strings"
)

// displayText is the text of a value in a number format, as a person sees it.
func displayText(v value, n numberFormat, locale string) string {
	switch v.kind {
	case boolCell:
		return strings.ToUpper(strconv.FormatBool(v.num != 0))
	case errorCell:
		return errorTexts[v.text]
	case textCell:
		if s := sectionsOf(n.pattern); len(s) == 4 || len(s) == 1 && strings.Contains(s[0], "@") && n.kind != "TEXT" {
			return formatText(s[len(s)-1], v.text)
		}
		return v.text
	case numberCell:
		return displayNumber(v.num, n, conventionsOf(locale))
	}
	return ""
}

func displayNumber(f float64, n numberFormat, c conventions) string {
	pattern := n.pattern
	if pattern == "" {
		pattern = defaultPattern(n.kind, c)
	}
	if pattern == "" || n.kind == "TEXT" || strings.EqualFold(pattern, "general") || pattern == "@" {
		return strings.Replace(generalText(f), ".", c.decimal, 1)
	}
	section, f := chooseSection(sectionsOf(pattern), f)
	if isDatePattern(section) {
		return formatDate(section, f)
	}
	return formatNumber(section, f, c)
}

func defaultPattern(kind string, c conventions) string {
	switch kind {
	case "NUMBER":
		return "#,##0.00"
	case "PERCENT":
		return "0.00%"
	case "CURRENCY":
		return c.currency
	case "DATE":
		return c.date
	case "TIME":
		return "h:mm:ss am/pm"
	case "DATE_TIME":
		return c.date + " H:mm:ss"
	case "SCIENTIFIC":
		return "0.00E+00"
	}
	return ""
}

// generalText writes a number without a format: whole numbers in full up to 15 digits, others to 10 significant
// digits, very large and very small ones with an exponent.
func generalText(f float64) string {
	a := math.Abs(f)
	switch {
	case f == 0:
		return "0"
	case a >= 1e15 || a < 1e-9:
		s := strconv.FormatFloat(f, 'E', 5, 64)
		mantissa, exponent, _ := strings.Cut(s, "E")
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		return mantissa + "E" + exponent
	case f == math.Trunc(f):
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	whole := len(strconv.FormatFloat(math.Trunc(a), 'f', 0, 64))
	if a < 1 {
		whole = 1 + int(math.Floor(math.Log10(a)))
	}
	s := strconv.FormatFloat(f, 'f', max(0, 10-whole), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func formatNumber(pattern string, f float64, c conventions) string {
	parts := splitPattern(pattern)
	p := planNumber(parts)
	if p.wholeDigits == 0 && p.places == 0 {
		return signed(f, literals(parts, f, c))
	}
	f *= math.Pow(100, float64(p.percent))
	f /= math.Pow(1000, float64(p.thousands))
	exponent := 0
	if p.exponent > 0 && f != 0 {
		exponent = int(math.Floor(math.Log10(math.Abs(f))))
		f /= math.Pow(10, float64(exponent))
		if r := roundPlaces(math.Abs(f), p.places); r >= 10 {
			f /= 10
			exponent++
		}
	}
	whole, decimals := splitDigits(math.Abs(f), p)
	if p.grouped {
		whole = grouped(whole, c.group)
	}
	var b strings.Builder
	wrote, stage := false, 0
	for i := 0; i < len(parts); i++ {
		x := parts[i]
		switch {
		case x.literal:
			b.WriteString(x.text)
		case isDigitPlace(x) && stage == 0 && !wrote:
			b.WriteString(whole)
			wrote = true
		case isDigitPlace(x):
		case x.text == "." && stage == 0:
			if !wrote {
				b.WriteString(whole)
				wrote = true
			}
			stage = 1
			if decimals != "" || p.places == 0 {
				b.WriteString(c.decimal + decimals)
			}
		case x.text == "," && p.wholeDigits > 0:
		case (x.text == "E" || x.text == "e") && p.exponent > 0 && stage < 2:
			b.WriteString(exponentText(exponent, p))
			stage = 2
			i++
		default:
			b.WriteString(x.text)
		}
	}
	if isZeroText(whole + decimals) {
		f = 0
	}
	return signed(f, b.String())
}

func literals(parts []patternPart, f float64, c conventions) string {
	var b strings.Builder
	for _, x := range parts {
		if !x.literal && (x.text == "@" || strings.EqualFold(x.text, "General")) {
			b.WriteString(strings.Replace(generalText(math.Abs(f)), ".", c.decimal, 1))
		} else {
			b.WriteString(x.text)
		}
	}
	return b.String()
}

func signed(f float64, s string) string {
	if f < 0 {
		return "-" + s
	}
	return s
}

func isZeroText(s string) bool { return strings.Trim(s, "0,. ’\u00a0\u202f") == "" }

// roundPlaces rounds half away from zero on the number as it is written, not as it is stored: 1.005 is 1.01.
func roundPlaces(f float64, places int) float64 {
	scale := math.Pow(10, float64(places))
	if f*scale > 1e15 {
		return f
	}
	return math.Round(f*scale*(1+1e-15)) / scale
}

func splitDigits(f float64, p numberPlan) (whole, decimals string) {
	s := strconv.FormatFloat(roundPlaces(f, p.places), 'f', p.places, 64)
	whole, decimals, _ = strings.Cut(s, ".")
	for len(decimals) > p.zeros && strings.HasSuffix(decimals, "0") {
		decimals = decimals[:len(decimals)-1]
	}
	if whole == "0" && p.wholeZeros == 0 {
		whole = ""
	}
	for len(whole) < p.wholeZeros {
		whole = "0" + whole
	}
	return whole, decimals
}

func grouped(whole, separator string) string {
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + separator + whole[i:]
	}
	return whole
}

func exponentText(exponent int, p numberPlan) string {
	sign := ""
	if exponent < 0 {
		sign = "-"
	} else if p.exponentPlus {
		sign = "+"
	}
	digits := strconv.Itoa(max(exponent, -exponent))
	for len(digits) < p.exponent {
		digits = "0" + digits
	}
	return "E" + sign + digits
}
