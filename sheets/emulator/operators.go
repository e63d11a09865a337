package emulator

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var operatorNames = map[string]string{"+": "ADD", "-": "MINUS", "*": "MULTIPLY", "/": "DIVIDE", "^": "POW"}

func operate(op string, a, b value) value {
	if a.kind == errorCell {
		return a
	}
	if b.kind == errorCell {
		return b
	}
	if name, ok := operatorNames[op]; ok {
		return arithmetic(name, a, b)
	}
	if op == "&" {
		return textValue(toText(a) + toText(b))
	}
	n := compareLoosely(a, b)
	return boolValue(map[string]bool{"=": n == 0, "<>": n != 0, "<": n < 0, ">": n > 0, "<=": n <= 0, ">=": n >= 0}[op])
}

func arithmetic(name string, a, b value) value {
	m, bad := toNumber(a, name, 1)
	if bad != nil {
		return *bad
	}
	n, bad := toNumber(b, name, 2)
	if bad != nil {
		return *bad
	}
	switch name {
	case "ADD":
		return numberValue(m + n)
	case "MINUS":
		return numberValue(m - n)
	case "MULTIPLY":
		return numberValue(m * n)
	case "POW":
		return numberValue(math.Pow(m, n))
	}
	if n == 0 {
		return errorValue("DIVIDE_BY_ZERO", "Function DIVIDE parameter 2 cannot be zero.")
	}
	return numberValue(m / n)
}

// compareLoosely lets an empty cell equal 0, "" and FALSE, as comparisons do.
func compareLoosely(a, b value) int {
	if a.kind == emptyCell && b.kind == emptyCell {
		return 0
	}
	if a.kind == emptyCell {
		a = value{kind: b.kind}
	}
	if b.kind == emptyCell {
		b = value{kind: a.kind}
	}
	return compareValues(a, b)
}

// compareValues orders numbers before texts before booleans before errors; texts without regard to case.
func compareValues(x, y value) int {
	order := [...]int{emptyCell: 4, numberCell: 0, textCell: 1, boolCell: 2, errorCell: 3}
	if n := order[x.kind] - order[y.kind]; n != 0 {
		return n
	}
	if x.kind == textCell || x.kind == errorCell {
		return strings.Compare(strings.ToLower(x.text), strings.ToLower(y.text))
	}
	switch {
	case x.num < y.num:
		return -1
	case x.num > y.num:
		return 1
	}
	return 0
}

// toNumber reads a value as a number, or returns the error that the function shows.
func toNumber(v value, function string, parameter int) (float64, *value) {
	switch v.kind {
	case numberCell, boolCell:
		return v.num, nil
	case emptyCell:
		return 0, nil
	case errorCell:
		return 0, &v
	}
	if in := parseNumberText(v.text); in.value.kind == numberCell {
		return in.value.num, nil
	}
	shown := "'" + v.text + "' is a text"
	if v.text == "" {
		shown = "'' is an empty text"
	}
	bad := errorValue("VALUE", fmt.Sprintf("Function %s parameter %d expects number values. But %s and cannot be coerced to a number.",
		function, parameter, shown))
	return 0, &bad
}

func toText(v value) string {
	switch v.kind {
	case numberCell:
		return generalText(v.num)
	case boolCell:
		return strings.ToUpper(strconv.FormatBool(v.num != 0))
	case errorCell:
		return errorTexts[v.text]
	}
	return v.text
}

func toBool(v value, function string, parameter int) (bool, *value) {
	switch v.kind {
	case boolCell, numberCell:
		return v.num != 0, nil
	case emptyCell:
		return false, nil
	case errorCell:
		return false, &v
	}
	switch strings.ToUpper(v.text) {
	case "TRUE":
		return true, nil
	case "FALSE":
		return false, nil
	}
	bad := errorValue("VALUE", fmt.Sprintf("Function %s parameter %d expects boolean values. But '%s' is a text and cannot be coerced to a boolean.",
		function, parameter, v.text))
	return false, &bad
}
