package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
)

// maxExpression is how long a rule may be, in bytes.
const maxExpression = 2000

// Rules are a link's rules, type-checked and ready to be evaluated, any number of times and by many goroutines at once. The
// same conflict always gets the same answer: there is no clock, no randomness and no order of maps in the language.
//
// What a rule does not settle, by MANUAL or because it fails, is left to people; a column without a rule goes by the last
// write. Nil is a set without rules.
type Rules struct {
	// Preferred is the link's preferred source, for Try: the one that wins where the change times do not decide. Empty means
	// the database.
	Preferred tandem.Source

	columns map[string]*tandem.Column
	own     map[string]*expression
	rest    *expression // of every other column, and of whole rows; nil when there is none
}

// CompileRules checks rules against the types of columns. The error names every rule that is wrong, by its place in rules
// and with the place in its expression.
func CompileRules(columns []tandem.Column, rules []tandem.Rule) (*Rules, error) {
	r, wrong, err := compileRules(columns, rules)
	switch {
	case err != nil:
		return nil, err
	case wrong != nil:
		return nil, &tandem.Error{Code: tandem.CodeInvalid, Reason: "INVALID_FIELD", Message: "the rules are not valid", Fields: wrong}
	}
	return r, nil
}

// SavedRules compiles rules that were checked when they were saved. One that does not fit the columns any more, after the
// table was altered, leaves its conflicts to people and says why; the others hold.
func SavedRules(columns []tandem.Column, rules []tandem.Rule) (*Rules, error) {
	r, _, err := compileRules(columns, rules)
	return r, err
}

func compileRules(columns []tandem.Column, rules []tandem.Rule) (r *Rules, wrong []tandem.FieldViolation, err error) {
	r = &Rules{columns: make(map[string]*tandem.Column, len(columns)), own: make(map[string]*expression)}
	columns = slices.Clone(columns)
	for i := range columns {
		r.columns[columns[i].Name] = &columns[i]
	}
	language, err := newLanguage()
	if err != nil {
		return nil, nil, fmt.Errorf("set up the language of rules: %w", err)
	}
	refuse := func(n int, field, text string) {
		wrong = append(wrong, tandem.FieldViolation{Field: fmt.Sprintf("link.rules[%d].%s", n, field), Description: text})
	}
	first := map[string]int{}
	for n, rule := range rules {
		column := r.columns[rule.Column]
		if before, twice := first[rule.Column]; twice {
			of := "column " + rule.Column
			if rule.Column == "" {
				of = "every column without a rule of its own"
			}
			refuse(n, "column", fmt.Sprintf("rules[%d] is for %s already; put them into one expression", before, of))
			continue
		}
		first[rule.Column] = n
		if rule.Column != "" && column == nil {
			refuse(n, "column", fmt.Sprintf("the link has no column %q", rule.Column))
			continue
		}
		compiled, problem := language.compile(rule.Expression, column)
		if problem != "" {
			refuse(n, "expression", problem)
			compiled = &expression{problem: problem}
		}
		r.add(rule.Column, compiled)
	}
	return r, wrong, nil
}

func (r *Rules) add(column string, e *expression) {
	if column == "" {
		r.rest = e
	} else {
		r.own[column] = e
	}
}

// cell rules on one cell.
func (r *Rules) cell(name string, base, database, sheet tandem.Value, when moments) ruling {
	last := ruling{winner: when.lastWrite()}
	if r == nil {
		return last
	}
	e := r.own[name]
	if e == nil {
		e = r.rest
	}
	if e == nil {
		return last
	}
	column := r.columns[name]
	if column == nil {
		return ruling{reason: "the column is not one of those that the rules were made for; save the rules again"}
	}
	held, err := cellFacts(column, base, database, sheet, when)
	if err != nil {
		return ruling{reason: err.Error()}
	}
	out, err := e.evaluate(held)
	switch {
	case err != nil:
		return ruling{reason: inWords(err)}
	case isSide(out):
		return when.ruling(out)
	case e.side: // null, which CEL lets stand for a constant of ours
		return ruling{reason: "its rule gave null instead of a side"}
	}
	return valueRuling(column, out, held, database, sheet)
}

func cellFacts(column *tandem.Column, base, database, sheet tandem.Value, when moments) (*facts, error) {
	held := &facts{column: column.Name, moments: when}
	var err error
	if held.base, err = toCEL(column, base); err != nil {
		return nil, err
	}
	if held.database, err = toCEL(column, database); err != nil {
		return nil, err
	}
	held.sheet, err = toCEL(column, sheet)
	return held, err
}

// row rules on a row that is gone on one side, where the named values are nil, and changed on the other.
func (r *Rules) row(base, database, sheet map[string]tandem.Value, when moments) ruling {
	if r == nil || r.rest == nil {
		winner := tandem.Database // a deletion's time is not known, so an update beats it
		if database == nil {
			winner = tandem.Sheet
		}
		return ruling{winner: winner}
	}
	held := facts{moments: when, databaseGone: database == nil, sheetGone: sheet == nil,
		base: r.rowToCEL(base), database: r.rowToCEL(database), sheet: r.rowToCEL(sheet)}
	out, err := r.rest.evaluate(&held)
	switch {
	case err != nil:
		return ruling{reason: inWords(err)}
	case !isSide(out):
		return ruling{reason: "the rule gave a value; a row that is deleted on one side needs DATABASE, SHEET or MANUAL"}
	case out == lastWrite:
		return (*Rules)(nil).row(base, database, sheet, when)
	}
	return when.ruling(out)
}

// ruling returns what a constant of the language means.
func (m *moments) ruling(constant celValue) ruling {
	switch constant {
	case takeDatabase:
		return ruling{winner: tandem.Database}
	case takeSheet:
		return ruling{winner: tandem.Sheet}
	case lastWrite:
		return ruling{winner: m.lastWrite()}
	}
	return ruling{}
}

// Try returns what the rules make of recorded conflicts: a verdict for each cell, or for the whole row, in order.
func (r *Rules) Try(conflicts []tandem.Conflict) []tandem.Verdict {
	verdicts := make([]tandem.Verdict, 0, len(conflicts))
	for i := range conflicts {
		c := &conflicts[i]
		if len(c.Columns) == 0 {
			verdicts = append(verdicts, verdict(c, "", r.row(c.Base, c.Database, c.Sheet, r.moments(c))))
		}
		for _, name := range c.Columns {
			settled := ruling{reason: fmt.Sprintf("the link no longer has the column %s", name)}
			if r.columns[name] != nil {
				settled = r.cell(name, c.Base[name], c.Database[name], c.Sheet[name], r.moments(c))
			}
			verdicts = append(verdicts, verdict(c, name, settled))
		}
	}
	return verdicts
}

func (r *Rules) moments(c *tandem.Conflict) moments {
	m := moments{database: c.DatabaseTime, from: c.SheetFrom, to: c.SheetTo, preferred: tandem.Database}
	if r.Preferred != "" {
		m.preferred = r.Preferred
	}
	return m
}

func verdict(c *tandem.Conflict, column string, r ruling) tandem.Verdict {
	return tandem.Verdict{Key: c.Key, Column: column, Was: c.Winner, Would: r.winner, Value: r.value,
		Manual: r.open() && r.reason == "", Problem: r.reason, At: c.Since}
}

// inWords says why an evaluation failed.
func inWords(err error) string {
	text := strings.TrimSpace(err.Error())
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, errUnfit):
		return text
	case strings.HasPrefix(text, "no such overload"):
		text = "it does something that these values do not allow, such as comparing or adding an empty cell"
	}
	return "its rule failed: " + text
}
