package reconcile

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/interpreter"

	"github.com/tandem-sync/tandem"
)

// Limits of a rule's cost, in CEL's units: about one for a comparison, and one for each ten characters that are looked at.
const (
	costLimit    = 100_000     // an evaluation stops here
	absurdCost   = 100_000_000 // what may cost more at worst, with cells as full as can be, is not accepted
	nestingLimit = 50
	regexSize    = 1000
)

// issuesAtMost is how many errors of one expression are told.
const issuesAtMost = 5

var (
	errTooLong = errors.New("its rule takes too long for these values")
	errUnfit   = errors.New("its rule does not fit the table any more, save the link's rules again")
)

// language is the language of rules: CEL with numbers of different types comparable, the functions of math, and the words
// of package reconcile.
type language struct {
	env *cel.Env
}

// expression is a compiled rule.
type expression struct {
	program cel.Program
	side    bool   // it gives DATABASE, SHEET, MANUAL or LAST_WRITE, never a value
	problem string // why it does not fit the columns any more; there is no program then
}

func newLanguage() (*language, error) {
	env, err := cel.NewEnv(
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(nestingLimit),
		cel.RegexProgramSizeLimit(regexSize),
		ext.Math(),
		cel.Constant("DATABASE", sideType, takeDatabase),
		cel.Constant("SHEET", sideType, takeSheet),
		cel.Constant("MANUAL", sideType, leaveOpen),
		cel.Constant("LAST_WRITE", sideType, lastWrite),
		cel.Variable("column", cel.StringType),
		cel.Variable("database_time", cel.TimestampType),
		cel.Variable("sheet_time", cel.TimestampType),
	)
	return &language{env}, err
}

// compile checks an expression for column, nil for every column. Problem says what is wrong with it; it is empty when
// nothing is.
func (l *language) compile(text string, column *tandem.Column) (e *expression, problem string) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, "the expression is empty"
	case len(text) > maxExpression:
		return nil, fmt.Sprintf("the expression is %d bytes long; %d are allowed", len(text), maxExpression)
	}
	env, err := l.env.Extend(variables(column)...)
	if err != nil {
		return nil, err.Error()
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, issueText(issues)
	}
	if problem = outputProblem(checked.OutputType(), column); problem == "" {
		problem = shapeProblem(checked)
	}
	if problem == "" {
		problem = costProblem(env, checked)
	}
	if problem != "" {
		return nil, problem
	}
	program, err := env.Program(checked, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, err.Error()
	}
	return &expression{program: program, side: checked.OutputType().IsExactType(sideType)}, ""
}

// variables are what a rule knows beside what all rules do.
func variables(column *tandem.Column) []cel.EnvOption {
	of := cel.DynType
	if column != nil {
		if of = celType(column.Type); of != cel.TimestampType { // which is nullable as it is
			of = cel.NullableType(of)
		}
	}
	options := []cel.EnvOption{cel.Variable("base", of), cel.Variable("database", of), cel.Variable("sheet", of)}
	if column == nil {
		options = append(options, cel.Variable("database_deleted", cel.BoolType), cel.Variable("sheet_deleted", cel.BoolType))
	}
	return options
}

// issueText returns CEL's own messages with their places: "1:5: undeclared reference to 'databse'".
func issueText(issues *cel.Issues) string {
	plain := strings.NewReplacer(" (in container '')", "", "wrapper(int)", "int", "wrapper(uint)", "uint", "wrapper(double)", "double",
		"wrapper(bool)", "bool", "wrapper(string)", "string")
	var texts []string
	for n, issue := range issues.Errors() {
		if n == issuesAtMost {
			texts = append(texts, "…")
			break
		}
		message := plain.Replace(issue.Message)
		if issue.Location.Line() > 0 {
			message = fmt.Sprintf("%d:%d: %s", issue.Location.Line(), issue.Location.Column()+1, message)
		}
		texts = append(texts, message)
	}
	return strings.Join(texts, "; ")
}

// outputProblem says what is wrong with the type of an expression's result.
func outputProblem(out *cel.Type, column *tandem.Column) string {
	const sides = "DATABASE, SHEET, MANUAL or LAST_WRITE"
	if out.IsExactType(sideType) || out.Kind() == types.NullTypeKind {
		return ""
	}
	if column != nil {
		if want := celType(column.Type); out.Kind() != want.Kind() {
			return fmt.Sprintf("the expression gives %s; a rule for column %s gives %s, or %s", cel.FormatCELType(out), column.Name, want, sides)
		}
		return ""
	}
	switch out.Kind() {
	case types.DynKind, types.BoolKind, types.IntKind, types.UintKind, types.DoubleKind, types.StringKind, types.TimestampKind:
		return ""
	}
	return fmt.Sprintf("the expression gives %s; a rule gives a column's value, or %s", cel.FormatCELType(out), sides)
}

// shapeProblem refuses two things that the types allow: going through the entries of a map, which have no order, so that
// the result could differ from one evaluation to the next; and patterns that come out of a cell.
func shapeProblem(checked *cel.Ast) (problem string) {
	tree := checked.NativeRep()
	refuse := func(e ast.Expr, text string) {
		if problem == "" {
			at := tree.SourceInfo().GetStartLocation(e.ID())
			problem = fmt.Sprintf("%d:%d: %s", at.Line(), at.Column()+1, text)
		}
	}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			over := e.AsComprehension().IterRange()
			if tree.GetType(over.ID()).Kind() != types.ListKind {
				refuse(over, "all, exists, exists_one, filter and map go through lists only; the entries of a map have no order")
			}
		case ast.CallKind:
			call := e.AsCall()
			if n := len(call.Args()); call.FunctionName() == overloads.Matches && n > 0 && call.Args()[n-1].Kind() != ast.LiteralKind {
				refuse(call.Args()[n-1], "the pattern of matches must be a text in quotes")
			}
		}
	}))
	return problem
}

func costProblem(env *cel.Env, checked *cel.Ast) string {
	estimate, err := env.EstimateCost(checked, sizes{})
	switch {
	case err != nil:
		return err.Error()
	case estimate.Min > costLimit || estimate.Max > absurdCost:
		return "the expression may take too long; compare less, or match shorter patterns"
	}
	return ""
}

// sizes tells the cost estimate how long the values of columns can be.
type sizes struct{}

func (sizes) EstimateSize(checker.AstNode) *checker.SizeEstimate {
	return &checker.SizeEstimate{Min: 0, Max: cellCharacters}
}

func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// facts are what an expression is evaluated with.
type facts struct {
	column                  string
	base, database, sheet   celValue
	moments                 moments
	databaseGone, sheetGone bool
}

// ResolveName returns the value of a variable.
func (f *facts) ResolveName(name string) (any, bool) {
	switch name {
	case "base":
		return f.base, true
	case "database":
		return f.database, true
	case "sheet":
		return f.sheet, true
	case "column":
		return types.String(f.column), true
	case "database_time":
		return timeToCEL(f.moments.database), true
	case "sheet_time":
		return timeToCEL(f.moments.to), true
	case "database_deleted":
		return types.Bool(f.databaseGone), true
	case "sheet_deleted":
		return types.Bool(f.sheetGone), true
	}
	return nil, false
}

// Parent returns nil: nothing else is known.
func (f *facts) Parent() interpreter.Activation { return nil }

// evaluate returns the expression's result.
func (e *expression) evaluate(f *facts) (celValue, error) {
	if e.problem != "" {
		return nil, fmt.Errorf("%w: %s", errUnfit, e.problem)
	}
	out, _, err := e.program.Eval(f)
	var cancelled interpreter.EvalCancelledError
	switch {
	case errors.As(err, &cancelled):
		return nil, errTooLong
	case err != nil:
		return nil, err
	case types.IsUnknown(out):
		return nil, errors.New("a value is not known")
	}
	return out, nil
}
