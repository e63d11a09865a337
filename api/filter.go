package api

import (
	"strings"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
)

// Limits of a filter, so that no caller can ask for more work than a list is worth.
const (
	maxFilter      = 10_000 // characters
	maxDepth       = 50     // parentheses and NOTs within each other
	maxComparisons = 100
	maxSought      = 1_000 // characters of a text that is searched for
)

// parseFilter reads a filter in the language of AIP-160, with the columns of a link for its fields. It returns nil for the
// empty filter. Beyond AIP-160: names that are no plain words stand between backticks. Short of it: there are no wildcards,
// functions and fields within fields, and one value stands at the right of a comparison.
func parseFilter(text string, columns []tandem.Column) (*tandem.Filter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if n := utf8.RuneCountInString(text); n > maxFilter {
		return nil, tandem.InvalidField("filter", "%d characters are more than the %d that it may have", n, maxFilter)
	}
	p := &filterParser{words: words{text: []rune(text)}, columns: columns}
	filter, err := p.whole()
	if err != nil {
		return nil, tandem.InvalidField("filter", "%v", err)
	}
	return filter, nil
}

// filterParser goes through a filter with one word of foresight.
type filterParser struct {
	words
	columns     []tandem.Column
	word        word
	depth       int
	comparisons int
}

func (p *filterParser) advance() (err error) {
	p.word, err = p.next(false)
	return err
}

func (p *filterParser) whole() (*tandem.Filter, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	filter, err := p.expression()
	if err == nil && p.word.kind != endWord {
		err = wrongAt(p.word.at, "%s is not expected here", p.word.shown())
	}
	return filter, err
}

// expression is: factors one after the other, with or without AND between them.
func (p *filterParser) expression() (*tandem.Filter, error) {
	var parts []*tandem.Filter
	for {
		part, err := p.factor()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		switch {
		case p.word.is(bareWord, "AND"):
			if err := p.advance(); err != nil {
				return nil, err
			}
		case p.word.kind == endWord || p.word.is(signWord, ")"):
			return joined(tandem.FilterAnd, parts), nil
		}
	}
}

// factor is: terms with OR between them, which binds closer than AND does, as AIP-160 has it.
func (p *filterParser) factor() (*tandem.Filter, error) {
	var parts []*tandem.Filter
	for {
		part, err := p.term()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.word.is(bareWord, "OR") {
			return joined(tandem.FilterOr, parts), nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func joined(op tandem.FilterOp, parts []*tandem.Filter) *tandem.Filter {
	if len(parts) == 1 {
		return parts[0]
	}
	return &tandem.Filter{Op: op, Parts: parts}
}

// term is: something in parentheses, a comparison or a text to search for; or NOT one of these.
func (p *filterParser) term() (*tandem.Filter, error) {
	at := p.word
	negated := at.is(bareWord, "NOT") || at.is(signWord, "-")
	nested := at.is(signWord, "(")
	if !negated && !nested {
		return p.restriction()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, wrongAt(at.at, "more than %d parentheses and NOTs within each other", maxDepth)
	}
	defer func() { p.depth-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	if negated {
		if at.text == "-" && p.word.at != at.at+1 {
			return nil, wrongAt(at.at, `"-" must stand right before what it negates`)
		}
		part, err := p.term()
		return &tandem.Filter{Op: tandem.FilterNot, Parts: []*tandem.Filter{part}}, err
	}
	inner, err := p.expression()
	if err != nil {
		return nil, err
	}
	if !p.word.is(signWord, ")") {
		return nil, wrongAt(at.at, "this parenthesis is never closed")
	}
	return inner, p.advance()
}

// lookalikes are what people write for the words of the language. As texts to search for they would be taken for an answer.
var lookalikes = map[string]string{"and": "AND", "or": "OR", "not": "NOT", "&&": "AND", "||": "OR", "&": "AND", "|": "OR"}

// restriction is: a column, an operator and a value; or a text that any of the columns of text may hold.
func (p *filterParser) restriction() (*tandem.Filter, error) {
	field := p.word
	switch {
	case field.kind == endWord, field.kind == signWord, field.kind == operatorWord, field.is(bareWord, "AND"), field.is(bareWord, "OR"):
		return nil, wrongAt(field.at, "a condition such as score > 8 is expected, not %s", field.shown())
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.word.is(signWord, "(") && p.word.at == field.at+utf8.RuneCountInString(field.text) {
		return nil, wrongAt(field.at, "there is no function %s", field.shown())
	}
	if p.word.kind != operatorWord {
		return p.search(field)
	}
	if p.comparisons++; p.comparisons > maxComparisons {
		return nil, wrongAt(field.at, "more than %d comparisons", maxComparisons)
	}
	column, err := columnAt(p.columns, field)
	if err != nil {
		return nil, err
	}
	operator := p.word.text
	value, err := p.next(true)
	if err != nil {
		return nil, err
	}
	filter, err := compare(p.columns, column, operator, value)
	if err != nil {
		return nil, err
	}
	return filter, p.advance()
}

// search looks for a text in every column of text.
func (p *filterParser) search(sought word) (*tandem.Filter, error) {
	if capital := lookalikes[strings.ToLower(sought.text)]; capital != "" && sought.kind == bareWord {
		return nil, wrongAt(sought.at, "write %s as %s, or in quotes to search for it", sought.shown(), capital)
	}
	if columnNamed(p.columns, sought.text) != nil && sought.kind != quotedWord || sought.kind == nameWord {
		return nil, wrongAt(sought.at, "the column %s stands alone: compare it, such as %s = …, or put the word in quotes to search for it", sought.shown(), sought.text)
	}
	if err := checkSought(sought); err != nil {
		return nil, err
	}
	var parts []*tandem.Filter
	for i := range p.columns {
		if p.columns[i].Type.Kind == tandem.String {
			parts = append(parts, &tandem.Filter{Op: tandem.FilterContains, Column: i, Value: tandem.Text(sought.text)})
		}
	}
	if len(parts) == 0 {
		return nil, wrongAt(sought.at, "%s cannot be searched for: the link has no column of text", sought.shown())
	}
	if p.comparisons += len(parts); p.comparisons > maxComparisons {
		return nil, wrongAt(sought.at, "more than %d comparisons: a text that is searched for counts once for each of the %d columns of text", maxComparisons, len(parts))
	}
	return joined(tandem.FilterOr, parts), nil
}

// columnAt finds a column by its name, or by the path that it has in a row: values.score.
func columnAt(columns []tandem.Column, name word) (int, error) {
	for _, spelled := range []string{name.text, strings.TrimPrefix(name.text, "values.")} {
		for i := range columns {
			switch {
			case columns[i].Name != spelled:
			case columns[i].Type.Kind == tandem.Unknown:
				return 0, wrongAt(name.at, "the column %s is paused", name.shown())
			default:
				return i, nil
			}
		}
	}
	return 0, wrongAt(name.at, "the link has no column %s; its columns are %s", name.shown(), columnList(columns))
}
