package emulator

import (
	"math"
	"strings"
)

var mathFunctions = map[string]function{
	"SUM": aggregate("SUM", func(n []float64) value { return numberValue(sum(n)) }),
	"PRODUCT": aggregate("PRODUCT", func(n []float64) value {
		out := 1.0
		for _, f := range n {
			out *= f
		}
		return numberValue(out)
	}),
	"AVERAGE": aggregate("AVERAGE", func(n []float64) value {
		if len(n) == 0 {
			return errorValue("DIVIDE_BY_ZERO", "Evaluation of function AVERAGE caused a divide by zero error.")
		}
		return numberValue(sum(n) / float64(len(n)))
	}),
	"MIN": aggregate("MIN", func(n []float64) value { return extreme(n, math.Min) }),
	"MAX": aggregate("MAX", func(n []float64) value { return extreme(n, math.Max) }),
	"COUNT": {1, -1, func(x *scope, args []node) operand {
		n := 0
		x.each(args, func(v value, _ bool) bool {
			if v.kind == numberCell {
				n++
			}
			return true
		})
		return scalar(numberValue(float64(n)))
	}},
	"COUNTA": {1, -1, func(x *scope, args []node) operand {
		n := 0
		x.each(args, func(v value, _ bool) bool {
			if v.kind != emptyCell {
				n++
			}
			return true
		})
		return scalar(numberValue(float64(n)))
	}},
	"COUNTBLANK": {1, -1, func(x *scope, args []node) operand {
		n := 0
		x.each(args, func(v value, _ bool) bool {
			if v.kind == emptyCell || v.kind == textCell && v.text == "" {
				n++
			}
			return true
		})
		return scalar(numberValue(float64(n)))
	}},
	"ABS":  numeric("ABS", 1, 1, func(n []float64) value { return numberValue(math.Abs(n[0])) }),
	"INT":  numeric("INT", 1, 1, func(n []float64) value { return numberValue(math.Floor(n[0])) }),
	"SIGN": numeric("SIGN", 1, 1, func(n []float64) value { return numberValue(float64(compareFloats(n[0], 0))) }),
	"SQRT": numeric("SQRT", 1, 1, func(n []float64) value {
		if n[0] < 0 {
			return errorValue("NUM", "Function SQRT parameter 1 value is negative. It should be positive or zero.")
		}
		return numberValue(math.Sqrt(n[0]))
	}),
	"EXP":   numeric("EXP", 1, 1, func(n []float64) value { return numberValue(math.Exp(n[0])) }),
	"LN":    numeric("LN", 1, 1, func(n []float64) value { return numberValue(math.Log(n[0])) }),
	"LOG10": numeric("LOG10", 1, 1, func(n []float64) value { return numberValue(math.Log10(n[0])) }),
	"PI":    numeric("PI", 0, 0, func([]float64) value { return numberValue(math.Pi) }),
	"MOD": numeric("MOD", 2, 2, func(n []float64) value {
		if n[1] == 0 {
			return errorValue("DIVIDE_BY_ZERO", "Function MOD parameter 2 cannot be zero.")
		}
		return numberValue(n[0] - n[1]*math.Floor(n[0]/n[1]))
	}),
	"POWER":     numeric("POWER", 2, 2, func(n []float64) value { return numberValue(math.Pow(n[0], n[1])) }),
	"POW":       numeric("POW", 2, 2, func(n []float64) value { return numberValue(math.Pow(n[0], n[1])) }),
	"ROUND":     numeric("ROUND", 1, 2, func(n []float64) value { return numberValue(roundTo(n, math.Round)) }),
	"ROUNDUP":   numeric("ROUNDUP", 1, 2, func(n []float64) value { return numberValue(roundTo(n, awayFromZero)) }),
	"ROUNDDOWN": numeric("ROUNDDOWN", 1, 2, func(n []float64) value { return numberValue(roundTo(n, math.Trunc)) }),
	"TRUNC":     numeric("TRUNC", 1, 2, func(n []float64) value { return numberValue(roundTo(n, math.Trunc)) }),
	"CEILING":   numeric("CEILING", 1, 2, func(n []float64) value { return numberValue(toMultiple(n, math.Ceil)) }),
	"FLOOR":     numeric("FLOOR", 1, 2, func(n []float64) value { return numberValue(toMultiple(n, math.Floor)) }),
	"ADD":       lifted(2, 2, func(_ *scope, a []value) value { return arithmetic("ADD", a[0], a[1]) }),
	"MINUS":     lifted(2, 2, func(_ *scope, a []value) value { return arithmetic("MINUS", a[0], a[1]) }),
	"MULTIPLY":  lifted(2, 2, func(_ *scope, a []value) value { return arithmetic("MULTIPLY", a[0], a[1]) }),
	"DIVIDE":    lifted(2, 2, func(_ *scope, a []value) value { return arithmetic("DIVIDE", a[0], a[1]) }),
	"SUMPRODUCT": {1, -1, func(x *scope, args []node) operand {
		first := x.eval(args[0]).asBlock()
		total := 0.0
		for r := range first.rows {
			for c := range first.cols {
				product := 1.0
				for _, a := range args {
					v := x.eval(a).asBlock().at(r, c)
					if v.kind == errorCell {
						return scalar(v)
					}
					if v.kind != numberCell {
						v.num = 0
					}
					product *= v.num
				}
				total += product
			}
		}
		return scalar(numberValue(total))
	}},
	"COUNTIF": {2, 2, func(x *scope, args []node) operand {
		match := criterion(x.eval(args[1]).first())
		n := 0
		x.each(args[:1], func(v value, _ bool) bool {
			if match(v) {
				n++
			}
			return true
		})
		return scalar(numberValue(float64(n)))
	}},
	"SUMIF": {2, 3, func(x *scope, args []node) operand {
		match := criterion(x.eval(args[1]).first())
		tested := x.eval(args[0]).asBlock()
		summed := tested
		if len(args) == 3 {
			summed = x.eval(args[2]).asBlock()
		}
		total := 0.0
		for r := range tested.rows {
			for c := range tested.cols {
				if match(tested.at(r, c)) && r < summed.rows && c < summed.cols {
					if v := summed.at(r, c); v.kind == numberCell {
						total += v.num
					}
				}
			}
		}
		return scalar(numberValue(total))
	}},
}

func extreme(n []float64, pick func(a, b float64) float64) value {
	if len(n) == 0 {
		return numberValue(0)
	}
	out := n[0]
	for _, f := range n[1:] {
		out = pick(out, f)
	}
	return numberValue(out)
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func awayFromZero(f float64) float64 {
	if f < 0 {
		return math.Floor(f)
	}
	return math.Ceil(f)
}

func roundTo(n []float64, round func(float64) float64) float64 {
	if len(n) < 2 || n[1] == 0 {
		return round(n[0])
	}
	scale := math.Pow(10, math.Trunc(n[1]))
	// 1.005*100 is 100.49999999999999; people, and Sheets, mean 100.5.
	scaled := n[0] * scale
	return round(scaled+math.Copysign(math.Abs(scaled)*1e-15, scaled)) / scale
}

func toMultiple(n []float64, round func(float64) float64) float64 {
	step := 1.0
	if len(n) > 1 {
		step = n[1]
	}
	if step == 0 {
		return 0
	}
	return round(n[0]/step) * step
}

// criterion reads the second argument of COUNTIF: a value, or a comparison such as ">5" or "a*".
func criterion(v value) func(v value) bool {
	if v.kind != textCell {
		return func(c value) bool { return c.kind == v.kind && compareValues(c, v) == 0 }
	}
	op, rest := "=", v.text
	for _, o := range []string{"<=", ">=", "<>", "<", ">", "="} {
		if strings.HasPrefix(v.text, o) {
			op, rest = o, v.text[len(o):]
			break
		}
	}
	want := textValue(rest)
	if in := parseNumberText(rest); in.value.kind == numberCell {
		want = in.value
	}
	pattern := wildcard(rest)
	return func(c value) bool {
		if want.kind == textCell && c.kind == textCell && (op == "=" || op == "<>") {
			return pattern(c.text) == (op == "=")
		}
		if c.kind != want.kind {
			return op == "<>"
		}
		n := compareValues(c, want)
		return map[string]bool{"=": n == 0, "<>": n != 0, "<": n < 0, ">": n > 0, "<=": n <= 0, ">=": n >= 0}[op]
	}
}
