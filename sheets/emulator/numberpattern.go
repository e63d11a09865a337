package emulator

import (
	"strings"
)

// sectionsOf splits a pattern at the semicolons outside of quotes.
func sectionsOf(pattern string) []string {
	var out []string
	start := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '"':
			for i++; i < len(pattern) && pattern[i] != '"'; i++ {
			}
		case '\\', '_', '*':
			i++
		case ';':
			out = append(out, pattern[start:i])
			start = i + 1
		}
	}
	return append(out, pattern[start:])
}

// chooseSection picks the section for positive, negative or zero. One made for negatives gets the number
// without its sign.
func chooseSection(sections []string, f float64) (string, float64) {
	switch {
	case len(sections) == 1:
		return sections[0], f
	case f < 0:
		return sections[1], -f
	case f == 0 && len(sections) > 2:
		return sections[2], f
	}
	return sections[0], f
}

// patternPart is a literal, or a piece that shows a part of the value.
type patternPart struct {
	literal bool
	text    string
}

// splitPattern parts literals from the rest. spaces and fills become one of the character they name.
func splitPattern(pattern string) []patternPart {
	var out []patternPart
	add := func(literal bool, s string) {
		if s != "" {
			out = append(out, patternPart{literal, s})
		}
	}
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case '"':
			end := i + 1
			for end < len(runes) && runes[end] != '"' {
				end++
			}
			add(true, string(runes[i+1:end]))
			i = end
		case '\\':
			if i++; i < len(runes) {
				add(true, string(runes[i]))
			}
		case '_':
			i++
			add(true, " ")
		case '*':
			if i++; i < len(runes) {
				add(true, string(runes[i]))
			}
		case '[':
			end := i + 1
			for end < len(runes) && runes[end] != ']' {
				end++
			}
			inside := string(runes[i+1 : min(end, len(runes))])
			switch {
			case strings.HasPrefix(inside, "$"):
				symbol, _, _ := strings.Cut(inside[1:], "-")
				add(true, symbol)
			case isElapsed(inside):
				add(false, "["+inside+"]")
			} // colours and conditions show nothing
			i = end
		default:
			add(false, string(r))
		}
	}
	return out
}

func isElapsed(s string) bool {
	return s != "" && (strings.Trim(strings.ToLower(s), "h") == "" || strings.Trim(strings.ToLower(s), "m") == "" || strings.Trim(strings.ToLower(s), "s") == "")
}

func formatText(pattern, text string) string {
	var b strings.Builder
	for _, p := range splitPattern(pattern) {
		if !p.literal && p.text == "@" {
			b.WriteString(text)
			continue
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// numberPlan is what a section for numbers asks for.
type numberPlan struct {
	wholeZeros, wholeDigits int // least digits, and places
	zeros, places           int // decimals that are always shown, and all
	grouped                 bool
	percent, thousands      int
	exponent                int // least digits of the exponent; 0 is none
	exponentPlus            bool
}

func planNumber(parts []patternPart) numberPlan {
	var p numberPlan
	stage := 0 // whole, decimals, exponent
	for i, x := range parts {
		if x.literal {
			continue
		}
		switch x.text {
		case "0", "#", "?":
			switch {
			case stage == 2:
				p.exponent++
			case stage == 1:
				p.places++
				if x.text != "#" {
					p.zeros = p.places
				}
			default:
				p.wholeDigits++
				if x.text == "0" {
					p.wholeZeros++
				}
			}
		case ".":
			if stage == 0 {
				stage = 1
			}
		case ",":
			if stage == 0 && i+1 < len(parts) && isDigitPlace(parts[i+1]) {
				p.grouped = true
			} else if p.wholeDigits > 0 {
				p.thousands++
			}
		case "%":
			p.percent++
		case "E", "e":
			if i+1 < len(parts) && (parts[i+1].text == "+" || parts[i+1].text == "-") {
				stage, p.exponentPlus = 2, parts[i+1].text == "+"
			}
		}
	}
	return p
}

func isDigitPlace(p patternPart) bool {
	return !p.literal && (p.text == "0" || p.text == "#" || p.text == "?")
}
