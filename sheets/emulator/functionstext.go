package emulator

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

func wildcard(pattern string) func(s string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, ".*"), `\?`, ".")
	r, err := regexp.Compile("(?is)^" + quoted + "$")
	if err != nil {
		return func(s string) bool { return strings.EqualFold(s, pattern) }
	}
	return r.MatchString
}

// textual makes a function of one text.
func textual(f func(s string) value) function {
	return lifted(1, 1, func(_ *scope, args []value) value { return f(toText(args[0])) })
}

func count(args []value, i, fallback int) int {
	if i >= len(args) {
		return fallback
	}
	n, _ := toNumber(args[i], "", 0)
	return max(0, int(n))
}

var textFunctions = map[string]function{
	"LEN":   textual(func(s string) value { return numberValue(float64(utf8.RuneCountInString(s))) }),
	"UPPER": textual(func(s string) value { return textValue(strings.ToUpper(s)) }),
	"LOWER": textual(func(s string) value { return textValue(strings.ToLower(s)) }),
	"TRIM":  textual(func(s string) value { return textValue(strings.Join(strings.Fields(s), " ")) }),
	"T": lifted(1, 1, func(_ *scope, a []value) value {
		if a[0].kind == textCell {
			return a[0]
		}
		return textValue("")
	}),
	"LEFT": lifted(1, 2, func(_ *scope, a []value) value {
		s := []rune(toText(a[0]))
		return textValue(string(s[:min(len(s), count(a, 1, 1))]))
	}),
	"RIGHT": lifted(1, 2, func(_ *scope, a []value) value {
		s := []rune(toText(a[0]))
		return textValue(string(s[len(s)-min(len(s), count(a, 1, 1)):]))
	}),
	"MID": lifted(3, 3, func(_ *scope, a []value) value {
		s := []rune(toText(a[0]))
		from := min(len(s), max(0, count(a, 1, 1)-1))
		return textValue(string(s[from:min(len(s), from+count(a, 2, 0))]))
	}),
	"REPT": lifted(2, 2, func(_ *scope, a []value) value {
		return textValue(strings.Repeat(toText(a[0]), min(count(a, 1, 0), maxCellText)))
	}),
	"EXACT": lifted(2, 2, func(_ *scope, a []value) value { return boolValue(toText(a[0]) == toText(a[1])) }),
	"FIND": lifted(2, 2, func(_ *scope, a []value) value {
		i := strings.Index(toText(a[1]), toText(a[0]))
		if i < 0 {
			return errorValue("VALUE", "In FIND evaluation, cannot find '"+toText(a[0])+"' within '"+toText(a[1])+"'.")
		}
		return numberValue(float64(utf8.RuneCountInString(toText(a[1])[:i]) + 1))
	}),
	"SUBSTITUTE": lifted(3, 3, func(_ *scope, a []value) value {
		return textValue(strings.ReplaceAll(toText(a[0]), toText(a[1]), toText(a[2])))
	}),
	"REGEXMATCH": lifted(2, 2, func(_ *scope, a []value) value {
		r, err := regexp.Compile(toText(a[1]))
		if err != nil {
			return errorValue("REF", "Function REGEXMATCH parameter 2 value '"+toText(a[1])+"' is not a valid regular expression.")
		}
		return boolValue(r.MatchString(toText(a[0])))
	}),
	"CONCAT":      lifted(2, 2, func(_ *scope, a []value) value { return textValue(toText(a[0]) + toText(a[1])) }),
	"CONCATENATE": {1, -1, func(x *scope, args []node) operand { return x.concatenate("", args) }},
	"JOIN": {2, -1, func(x *scope, args []node) operand {
		return x.concatenate(toText(x.eval(args[0]).first()), args[1:])
	}},
	"TEXT": lifted(2, 2, func(x *scope, a []value) value {
		pattern := toText(a[1])
		if a[0].kind == textCell {
			if in := parseNumberText(a[0].text); in.value.kind == numberCell {
				a[0] = in.value
			}
		}
		kind := "NUMBER"
		if isDatePattern(pattern) {
			kind = "DATE_TIME"
		}
		return textValue(displayText(a[0], numberFormat{kind, pattern}, x.book.locale()))
	}),
	"VALUE": lifted(1, 1, func(x *scope, a []value) value {
		if a[0].kind == textCell {
			in := x.book.parseInput(a[0].text, numberFormat{})
			if in.value.kind != numberCell || in.formula != nil {
				return errorValue("VALUE", "VALUE parameter '"+a[0].text+"' cannot be parsed to number.")
			}
			return in.value
		}
		return numberValue(a[0].num)
	}),
	"HYPERLINK": lifted(1, 2, func(x *scope, a []value) value {
		*x.link = toText(a[0])
		return a[len(a)-1]
	}),
}

func (x *scope) concatenate(separator string, args []node) operand {
	var parts []string
	var failed *value
	x.each(args, func(v value, _ bool) bool {
		if v.kind == errorCell {
			failed = &v
			return false
		}
		parts = append(parts, toText(v))
		return true
	})
	if failed != nil {
		return scalar(*failed)
	}
	return scalar(textValue(strings.Join(parts, separator)))
}
