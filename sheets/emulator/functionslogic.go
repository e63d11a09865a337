package emulator

import (
	"time"
)

// truth folds booleans for AND and OR.
func truth(name string, start bool, fold func(a, b bool) bool) function {
	return function{1, -1, func(x *scope, args []node) operand {
		out := start
		var failed *value
		x.each(args, func(v value, direct bool) bool {
			if !direct && v.kind != boolCell && v.kind != numberCell && v.kind != errorCell {
				return true
			}
			b, bad := toBool(v, name, 1)
			failed = bad
			out = fold(out, b)
			return bad == nil
		})
		if failed != nil {
			return scalar(*failed)
		}
		return scalar(boolValue(out))
	}}
}

// test makes a function that looks at one value, errors included.
func test(f func(v value) bool) function {
	return function{1, 1, func(x *scope, args []node) operand {
		return x.lift(func(v []value) value { return boolValue(f(v[0])) }, x.eval(args[0]))
	}}
}

func fallback(applies func(v value) bool) function {
	return function{1, 2, func(x *scope, args []node) operand {
		o := x.eval(args[0])
		other := func() value {
			if len(args) < 2 {
				return value{}
			}
			return x.eval(args[1]).first()
		}
		return x.lift(func(v []value) value {
			if applies(v[0]) {
				return other()
			}
			return v[0]
		}, o)
	}}
}

var logicFunctions = map[string]function{
	"IF": {2, 3, func(x *scope, args []node) operand {
		condition := x.eval(args[0])
		if x.array && condition.block != nil {
			branches := []operand{x.eval(args[1]), scalar(boolValue(false))}
			if len(args) == 3 {
				branches[1] = x.eval(args[2])
			}
			return x.lift(func(v []value) value {
				b, bad := toBool(v[0], "IF", 1)
				if bad != nil {
					return *bad
				}
				if b {
					return v[1]
				}
				return v[2]
			}, condition, branches[0], branches[1])
		}
		b, bad := toBool(x.implicit(condition).first(), "IF", 1)
		switch {
		case bad != nil:
			return scalar(*bad)
		case b:
			return x.eval(args[1])
		case len(args) == 3:
			return x.eval(args[2])
		}
		return scalar(boolValue(false))
	}},
	"IFS": {2, -1, func(x *scope, args []node) operand {
		for i := 0; i+1 < len(args); i += 2 {
			b, bad := toBool(x.eval(args[i]).first(), "IFS", i+1)
			if bad != nil {
				return scalar(*bad)
			}
			if b {
				return x.eval(args[i+1])
			}
		}
		return scalar(errorValue("N_A", "No match."))
	}},
	"IFERROR": fallback(func(v value) bool { return v.kind == errorCell }),
	"IFNA":    fallback(func(v value) bool { return v.kind == errorCell && v.text == "N_A" }),
	"AND":     truth("AND", true, func(a, b bool) bool { return a && b }),
	"OR":      truth("OR", false, func(a, b bool) bool { return a || b }),
	"NOT": lifted(1, 1, func(_ *scope, a []value) value {
		b, bad := toBool(a[0], "NOT", 1)
		if bad != nil {
			return *bad
		}
		return boolValue(!b)
	}),
	"TRUE":      {0, 0, func(*scope, []node) operand { return scalar(boolValue(true)) }},
	"FALSE":     {0, 0, func(*scope, []node) operand { return scalar(boolValue(false)) }},
	"NA":        {0, 0, func(*scope, []node) operand { return scalar(errorValue("N_A", "")) }},
	"ISBLANK":   test(func(v value) bool { return v.kind == emptyCell }),
	"ISNUMBER":  test(func(v value) bool { return v.kind == numberCell }),
	"ISTEXT":    test(func(v value) bool { return v.kind == textCell }),
	"ISLOGICAL": test(func(v value) bool { return v.kind == boolCell }),
	"ISERROR":   test(func(v value) bool { return v.kind == errorCell }),
	"ISERR":     test(func(v value) bool { return v.kind == errorCell && v.text != "N_A" }),
	"ISNA":      test(func(v value) bool { return v.kind == errorCell && v.text == "N_A" }),
	"N": lifted(1, 1, func(_ *scope, a []value) value {
		if a[0].kind == textCell {
			return numberValue(0)
		}
		return numberValue(a[0].num)
	}),
	"ARRAYFORMULA": {1, 1, func(x *scope, args []node) operand {
		inside := *x
		inside.array = true
		return inside.eval(args[0])
	}},
}

// clock makes a function that takes one part of a date and time.
func clock(name string, f func(t time.Time) int) function {
	return lifted(1, 1, func(_ *scope, a []value) value {
		n, bad := toNumber(a[0], name, 1)
		if bad != nil {
			return *bad
		}
		return numberValue(float64(f(fromSerial(n))))
	})
}

var dateFunctions = map[string]function{
	"NOW": {0, 0, func(x *scope, _ []node) operand { return scalar(numberValue(serial(x.book.localNow()))) }},
	"TODAY": {0, 0, func(x *scope, _ []node) operand {
		return scalar(numberValue(float64(int64(serial(x.book.localNow())))))
	}},
	"YEAR":    clock("YEAR", time.Time.Year),
	"MONTH":   clock("MONTH", func(t time.Time) int { return int(t.Month()) }),
	"DAY":     clock("DAY", time.Time.Day),
	"HOUR":    clock("HOUR", time.Time.Hour),
	"MINUTE":  clock("MINUTE", time.Time.Minute),
	"SECOND":  clock("SECOND", time.Time.Second),
	"WEEKDAY": clock("WEEKDAY", func(t time.Time) int { return int(t.Weekday()) + 1 }),
	"DATE": numeric("DATE", 3, 3, func(n []float64) value {
		return numberValue(serial(time.Date(int(n[0]), time.Month(int(n[1])), int(n[2]), 0, 0, 0, 0, time.UTC)))
	}),
	"TIME": numeric("TIME", 3, 3, func(n []float64) value {
		seconds := n[0]*3600 + n[1]*60 + n[2]
		return numberValue(float64(int64(seconds)%86400) / 86400)
	}),
}

// localNow is the moment of the change, as the clock on the spreadsheet's wall shows it.
func (b *book) localNow() time.Time {
	zone, err := time.LoadLocation(b.timeZone())
	if err != nil {
		zone = time.UTC
	}
	return b.now.In(zone)
}
