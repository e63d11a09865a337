package emulator

import (
	"strconv"
	"strings"
)

// node is a part of a parsed formula.
type node any

type (
	constNode struct{ value value }
	refNode   struct{ ref *reference }
	nameNode  struct{ name string }
	unaryNode struct {
		op  string
		arg node
	}
	binaryNode struct {
		op          string
		left, right node
	}
	callNode struct {
		name string
		args []node
	}
	arrayNode struct{ rows [][]node }
	emptyNode struct{} // an argument left out
)

// parser reads a formula with the usual precedence: comparison, &, + -, * /, ^, %, sign.
type parser struct {
	tokens []token
	pos    int
	bad    bool
}

// parse returns nil for a formula that makes no sense, which a cell shows as #ERROR!.
func (p *parser) parse() node {
	n := p.binary(0)
	if p.bad || p.peek().kind != endToken {
		return nil
	}
	return n
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) take() token {
	t := p.tokens[p.pos]
	if p.pos < len(p.tokens)-1 {
		p.pos++
	}
	return t
}

func (p *parser) operator(ops ...string) (string, bool) {
	t := p.peek()
	if t.kind != operatorToken {
		return "", false
	}
	for _, op := range ops {
		if t.text == op {
			p.take()
			return op, true
		}
	}
	return "", false
}

var precedence = [][]string{{"=", "<>", "<=", ">=", "<", ">"}, {"&"}, {"+", "-"}, {"*", "/"}, {"^"}}

func (p *parser) binary(level int) node {
	if level == len(precedence) {
		return p.sign()
	}
	left := p.binary(level + 1)
	for {
		op, ok := p.operator(precedence[level]...)
		if !ok {
			return left
		}
		left = binaryNode{op, left, p.binary(level + 1)}
	}
}

func (p *parser) sign() node {
	if op, ok := p.operator("-", "+"); ok {
		return unaryNode{op, p.sign()}
	}
	n := p.primary()
	for {
		if _, ok := p.operator("%"); !ok {
			return n
		}
		n = unaryNode{"%", n}
	}
}

func (p *parser) primary() node {
	t := p.take()
	switch t.kind {
	case numberToken:
		n, err := strconv.ParseFloat(t.text, 64)
		p.bad = p.bad || err != nil
		return constNode{numberValue(n)}
	case textToken:
		return constNode{textValue(t.text)}
	case refToken:
		return refNode{t.ref}
	case errorToken:
		for kind, name := range errorTexts {
			if strings.EqualFold(name, t.text) {
				return constNode{errorValue(kind, "Reference does not exist")}
			}
		}
	case nameToken:
		return p.name(t)
	case operatorToken:
		switch t.text {
		case "(":
			n := p.binary(0)
			p.expect(")")
			return n
		case "{":
			return p.array()
		}
	}
	p.bad = true
	return constNode{}
}

func (p *parser) expect(op string) {
	if _, ok := p.operator(op); !ok {
		p.bad = true
	}
}

func (p *parser) name(t token) node {
	upper := strings.ToUpper(t.text)
	if _, ok := p.operator("("); ok {
		return callNode{upper, p.arguments(")")}
	}
	switch upper {
	case "TRUE":
		return constNode{boolValue(true)}
	case "FALSE":
		return constNode{boolValue(false)}
	}
	return nameNode{t.text}
}

func (p *parser) arguments(end string) []node {
	var args []node
	if _, ok := p.operator(end); ok {
		return args
	}
	for !p.bad {
		if t := p.peek(); t.kind == operatorToken && (t.text == "," || t.text == ";" || t.text == end) {
			args = append(args, emptyNode{})
		} else {
			args = append(args, p.binary(0))
		}
		if _, ok := p.operator(",", ";"); ok {
			continue
		}
		p.expect(end)
		return args
	}
	return args
}

// array reads {1,2;3,4}: commas part columns, semicolons rows.
func (p *parser) array() node {
	a := arrayNode{rows: [][]node{{}}}
	for !p.bad {
		last := len(a.rows) - 1
		a.rows[last] = append(a.rows[last], p.binary(0))
		if _, ok := p.operator(","); ok {
			continue
		}
		if _, ok := p.operator(";"); ok {
			a.rows = append(a.rows, []node{})
			continue
		}
		p.expect("}")
		break
	}
	return a
}
