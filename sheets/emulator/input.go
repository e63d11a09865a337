package emulator

import (
	"regexp"
	"strconv"
	"strings"
)

// input is what a text turns into when it is entered: a value or a formula, and the number format it implies.
type input struct {
	value   value
	formula *formula
	format  numberFormat
}

// parseInput reads a text as if a person had typed it into a cell that has the given number format.
func (b *book) parseInput(s string, have numberFormat) input {
	switch {
	case s == "":
		return input{}
	case have.kind == "TEXT" || have.pattern == "@":
		return input{value: textValue(s)}
	case s[0] == '\'':
		if len(s) == 1 {
			return input{}
		}
		return input{value: textValue(s[1:])}
	case s[0] == '=' && len(s) > 1:
		return input{formula: parseFormula(s)}
	}
	trimmed := strings.TrimSpace(s)
	if in := parseNumber(trimmed, conventionsOf(b.locale())); in.value.kind != emptyCell {
		if in.format.kind == "" && have.kind == "PERCENT" {
			in.value.num /= 100 // 5 typed into a cell of percents is 5 %
		}
		return in
	}
	if in, ok := parseDateTime(trimmed, conventionsOf(b.locale()), b.localNow()); ok {
		return in
	}
	switch strings.ToUpper(trimmed) {
	case "TRUE":
		return input{value: boolValue(true)}
	case "FALSE":
		return input{value: boolValue(false)}
	}
	for kind, name := range errorTexts {
		if name == strings.ToUpper(trimmed) {
			return input{value: errorValue(kind, "")}
		}
	}
	if s[0] == '+' && len(s) > 1 {
		return input{formula: parseFormula("=" + s)}
	}
	return input{value: textValue(s)}
}

// parseNumberText reads a number as formulas coerce texts: en_US, dates included.
func parseNumberText(s string) input {
	s = strings.TrimSpace(s)
	if in := parseNumber(s, americans); in.value.kind != emptyCell {
		return in
	}
	in, _ := parseDateTime(s, americans, epoch)
	return in
}

var (
	plainNumber   = regexp.MustCompile(`^\d*\.?\d*$`)
	groupedNumber = regexp.MustCompile(`^\d{1,3}(,\d{3})+(\.\d*)?$`)
	scientific    = regexp.MustCompile(`^\d*\.?\d*[eE][+-]?\d+$`)
)

// currencies are the signs that make a number an amount, each with the pattern it leaves on the cell.
var currencies = map[string]string{"$": `"$"`, "€": "[$€]", "£": "[$£]", "¥": "[$¥]"}

// parseNumber reads digits with sign, grouping, decimals, exponent, percent and currency. An empty value means
// that the text is no number.
func parseNumber(s string, c conventions) input {
	negative := false
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") && len(s) > 2 {
		negative, s = true, s[1:len(s)-1]
	}
	s, minus := cutSign(s)
	symbol, pattern := "", ""
	for sign, p := range currencies {
		if rest, ok := strings.CutPrefix(s, sign); ok {
			symbol, pattern, s = sign, p, strings.TrimSpace(rest)
		} else if rest, ok := strings.CutSuffix(s, sign); ok && sign != "$" {
			symbol, pattern, s = sign, p, strings.TrimSpace(rest)
		}
	}
	if symbol != "" && !minus {
		s, minus = cutSign(s)
	}
	percent := false
	if rest, ok := strings.CutSuffix(s, "%"); ok && symbol == "" {
		percent, s = true, strings.TrimSpace(rest)
	}
	s = neutral(s, c)
	isGrouped := groupedNumber.MatchString(s)
	s = strings.ReplaceAll(s, ",", map[bool]string{true: "", false: ","}[isGrouped])
	isScientific := scientific.MatchString(s)
	if !isScientific && !plainNumber.MatchString(s) || !strings.ContainsAny(s, "0123456789") {
		return input{}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return input{}
	}
	if minus != negative {
		f = -f
	}
	if percent {
		f /= 100
	}
	decimals := ""
	if strings.Contains(s, ".") {
		decimals = ".00"
	}
	in := input{value: numberValue(f)}
	switch {
	case percent:
		in.format = numberFormat{"PERCENT", "0" + decimals + "%"}
	case symbol != "":
		in.format = numberFormat{"CURRENCY", pattern + "#,##0" + decimals}
	case isScientific:
		in.format = numberFormat{"SCIENTIFIC", "0.00E+00"}
	case isGrouped:
		in.format = numberFormat{"NUMBER", "#,##0" + decimals}
	}
	return in
}

func cutSign(s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return strings.TrimSpace(rest), true
	}
	rest, _ := strings.CutPrefix(s, "+")
	return rest, false
}

// neutral writes a number of a locale with comma for groups and point for decimals.
func neutral(s string, c conventions) string {
	if c.decimal == "." && c.group == "," {
		return s
	}
	if strings.Contains(s, ",") && c.group != "," && c.decimal != "," {
		return "x"
	}
	s = strings.ReplaceAll(s, c.group, "\x00")
	s = strings.ReplaceAll(s, " ", "\x00")
	if c.decimal != "." && strings.Contains(s, ".") {
		return "x"
	}
	s = strings.ReplaceAll(s, c.decimal, ".")
	return strings.ReplaceAll(s, "\x00", ",")
}
