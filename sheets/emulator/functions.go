package emulator

import (
	"maps"
)

// function computes a call. Its arguments are not evaluated yet: IF needs only one of its two.
type function struct {
	least, most int // arguments; most < 0 is any number
	do          func(x *scope, args []node) operand
}

// call finds the function and checks how many arguments it got. What the emulator does not know is #NAME?, as a
// function that Google does not know.
func (x *scope) call(n callNode) operand {
	f, ok := x.functions[n.name]
	if !ok {
		return scalar(errorValue("NAME", "Unknown function: '"+n.name+"'."))
	}
	if len(n.args) < f.least || f.most >= 0 && len(n.args) > f.most {
		return scalar(errorValue("N_A", "Wrong number of arguments to "+n.name+". Expected "+expected(f)+" arguments, but got "+
			generalText(float64(len(n.args)))+" arguments."))
	}
	return f.do(x, n.args)
}

func expected(f function) string {
	least, most := generalText(float64(f.least)), generalText(float64(f.most))
	switch {
	case f.most < 0:
		return "at least " + least
	case f.least == f.most:
		return least
	}
	return "between " + least + " and " + most
}

// functions are the ones that tests of spreadsheets need. An evaluator carries them, for they call themselves.
var functions = joined(mathFunctions, textFunctions, logicFunctions, dateFunctions, lookupFunctions)

func joined(tables ...map[string]function) map[string]function {
	out := map[string]function{}
	for _, table := range tables {
		maps.Copy(out, table)
	}
	return out
}

// lifted makes a function of single values, which ARRAYFORMULA applies to each.
func lifted(least, most int, f func(x *scope, args []value) value) function {
	return function{least, most, func(x *scope, args []node) operand {
		operands := make([]operand, len(args))
		for i, a := range args {
			operands[i] = x.eval(a)
		}
		return x.lift(func(values []value) value {
			for _, v := range values {
				if v.kind == errorCell {
					return v
				}
			}
			return f(x, values)
		}, operands...)
	}}
}

// numeric makes a function of numbers.
func numeric(name string, least, most int, f func(n []float64) value) function {
	return lifted(least, most, func(_ *scope, args []value) value {
		numbers := make([]float64, len(args))
		for i, a := range args {
			n, bad := toNumber(a, name, i+1)
			if bad != nil {
				return *bad
			}
			numbers[i] = n
		}
		return f(numbers)
	})
}

// each visits the values of all arguments. direct tells a value written into the call from one that is read
// from cells, where texts and booleans count for nothing.
func (x *scope) each(args []node, visit func(v value, direct bool) bool) {
	for _, a := range args {
		o := x.eval(a)
		if o.block == nil {
			if !visit(o.value, true) {
				return
			}
			continue
		}
		for r := range o.block.rows {
			for c := range o.block.cols {
				if !visit(o.block.at(r, c), false) {
					return
				}
			}
		}
	}
}

// aggregate folds the numbers of the arguments.
func aggregate(name string, fold func(numbers []float64) value) function {
	return function{1, -1, func(x *scope, args []node) operand {
		var numbers []float64
		var failed *value
		parameter := 0
		x.each(args, func(v value, direct bool) bool {
			parameter++
			switch {
			case v.kind == errorCell:
				failed = &v
			case v.kind == numberCell:
				numbers = append(numbers, v.num)
			case direct && v.kind != emptyCell:
				n, bad := toNumber(v, name, parameter)
				failed = bad
				numbers = append(numbers, n)
			}
			return failed == nil
		})
		if failed != nil {
			return scalar(*failed)
		}
		return scalar(fold(numbers))
	}}
}

func sum(numbers []float64) float64 {
	total := 0.0
	for _, n := range numbers {
		total += n
	}
	return total
}
