package emulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// parseQuery reads the q of files.list: comparisons joined by and, or, not and parentheses.
func parseQuery(q string) (func(f *file) bool, error) {
	if strings.TrimSpace(q) == "" {
		return func(*file) bool { return true }, nil
	}
	p := &queryParser{words: queryWords(q)}
	match := p.or()
	if p.bad || len(p.words) > 0 {
		return nil, driveError(http.StatusBadRequest, "invalid", "q", "Invalid Value")
	}
	return match, nil
}

type queryParser struct {
	words []string
	bad   bool
}

// queryWords splits a query. Quoted text keeps its opening quote, so that it is never taken for a keyword.
func queryWords(q string) []string {
	var out []string
	for i := 0; i < len(q); {
		switch c := q[i]; {
		case c == ' ':
			i++
		case c == '\'' || c == '"':
			word := []byte{'\''}
			for i++; i < len(q) && q[i] != c; i++ {
				if q[i] == '\\' && i+1 < len(q) {
					i++
				}
				word = append(word, q[i])
			}
			out = append(out, string(word))
			i++
		case strings.ContainsRune("()=", rune(c)):
			out = append(out, string(c))
			i++
		case strings.ContainsRune("!<>", rune(c)):
			n := 1
			if i+1 < len(q) && q[i+1] == '=' {
				n = 2
			}
			out = append(out, q[i:i+n])
			i += n
		default:
			n := i
			for n < len(q) && !strings.ContainsRune(" ()=!<>'\"", rune(q[n])) {
				n++
			}
			out = append(out, q[i:n])
			i = n
		}
	}
	return out
}

func (p *queryParser) next() string {
	if len(p.words) == 0 {
		p.bad = true
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

func (p *queryParser) peek(word string) bool {
	return len(p.words) > 0 && strings.EqualFold(p.words[0], word)
}

func (p *queryParser) or() func(f *file) bool {
	left := p.and()
	for p.peek("or") {
		p.next()
		l, r := left, p.and()
		left = func(f *file) bool { return l(f) || r(f) }
	}
	return left
}

func (p *queryParser) and() func(f *file) bool {
	left := p.term()
	for p.peek("and") {
		p.next()
		l, r := left, p.term()
		left = func(f *file) bool { return l(f) && r(f) }
	}
	return left
}

func (p *queryParser) term() func(f *file) bool {
	switch {
	case p.peek("not"):
		p.next()
		t := p.term()
		return func(f *file) bool { return !t(f) }
	case p.peek("("):
		p.next()
		t := p.or()
		if p.next() != ")" {
			p.bad = true
		}
		return t
	}
	field, operator, operand := p.next(), p.next(), p.next()
	quoted := strings.HasPrefix(operand, "'")
	operand = strings.TrimPrefix(operand, "'")
	if strings.HasPrefix(field, "'") && operator == "in" {
		id := strings.TrimPrefix(field, "'")
		return p.in(id, operand)
	}
	switch field {
	case "parents":
		if operator == "in" {
			return p.in(operand, "parents")
		}
	case "name", "title", "fullText":
		return p.text(operator, operand, func(f *file) string { return f.name })
	case "mimeType":
		return p.text(operator, operand, func(f *file) string { return f.mime })
	case "trashed":
		return func(f *file) bool { return f.trashed == (operand == "true") == (operator == "=") }
	case "starred", "sharedWithMe":
		return func(*file) bool { return (operand == "true") != (operator == "=") }
	case "modifiedTime", "createdTime":
		if quoted {
			return p.time(field, operator, operand)
		}
	}
	p.bad = true
	return func(*file) bool { return false }
}

func (p *queryParser) in(id, collection string) func(f *file) bool {
	switch collection {
	case "parents":
		if id == "root" {
			id = rootFolder
		}
		return func(f *file) bool { return slices.Contains(f.parents, id) }
	case "owners", "writers", "readers":
		return func(*file) bool { return id == "me" || id == text(driveUser, "emailAddress") }
	}
	p.bad = true
	return func(*file) bool { return false }
}

func (p *queryParser) text(operator, operand string, of func(f *file) string) func(f *file) bool {
	switch operator {
	case "=":
		return func(f *file) bool { return of(f) == operand }
	case "!=":
		return func(f *file) bool { return of(f) != operand }
	case "contains":
		operand = strings.ToLower(operand)
		return func(f *file) bool { return strings.Contains(strings.ToLower(of(f)), operand) }
	}
	p.bad = true
	return func(*file) bool { return false }
}

func (p *queryParser) time(field, operator, operand string) func(f *file) bool {
	var at time.Time
	var err error
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err = time.Parse(layout, operand); err == nil {
			break
		}
	}
	if err != nil {
		p.bad = true
	}
	return func(f *file) bool {
		t := f.modified
		if field == "createdTime" {
			t = f.created
		}
		n := t.Compare(at)
		switch operator {
		case "=":
			return n == 0
		case "!=":
			return n != 0
		case "<":
			return n < 0
		case "<=":
			return n <= 0
		case ">":
			return n > 0
		case ">=":
			return n >= 0
		}
		return false
	}
}
