package emulator

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	numberToken
	textToken
	nameToken     // a function, TRUE, or a named range
	refToken      // a cell, a range, whole rows or columns, with its tab
	operatorToken // one of + - * / ^ & = < > <= >= <> % ( ) , ; { }
	errorToken    // #REF! and its kin, written out
	badToken
)

// token is a piece of a formula and where it stands in the source, so that references can be rewritten in place
// and all else stays as typed.
type token struct {
	kind       tokenKind
	text       string
	start, end int
	ref        *reference
}

// reference is a place that a formula names. fixed parts do not move when the formula is copied.
type reference struct {
	title    string // of the tab; empty is the formula's own
	hasTitle bool
	at       bounds
	single   bool
	fixed    [4]bool // $ before the first row, last row, first column, last column
}

// lexer splits a formula, which begins after its "=".
type lexer struct {
	source string
	pos    int
}

func lex(source string) []token {
	l := &lexer{source: source, pos: 1}
	var out []token
	for {
		t := l.next()
		out = append(out, t)
		if t.kind == endToken || t.kind == badToken {
			return out
		}
	}
}

func (l *lexer) next() token {
	for l.pos < len(l.source) && strings.ContainsRune(" \t\n\r\u00a0", rune(l.source[l.pos])) {
		l.pos++
	}
	start := l.pos
	if start >= len(l.source) {
		return token{kind: endToken, start: start, end: start}
	}
	c := l.source[start]
	if c == '"' {
		return l.text()
	}
	if c == '#' {
		return l.errorName()
	}
	if t, ok := l.reference(); ok {
		return t
	}
	if c >= '0' && c <= '9' || c == '.' {
		return l.number()
	}
	for _, op := range []string{"<=", ">=", "<>"} {
		if strings.HasPrefix(l.source[start:], op) {
			return l.take(operatorToken, len(op))
		}
	}
	if strings.IndexByte("+-*/^&=<>%(),;{}", c) >= 0 {
		return l.take(operatorToken, 1)
	}
	if n := nameLength(l.source[start:]); n > 0 {
		return l.take(nameToken, n)
	}
	return l.take(badToken, 1)
}

func (l *lexer) take(kind tokenKind, n int) token {
	t := token{kind: kind, text: l.source[l.pos : l.pos+n], start: l.pos, end: l.pos + n}
	l.pos += n
	return t
}

func (l *lexer) text() token {
	var b strings.Builder
	start := l.pos
	for i := start + 1; i < len(l.source); i++ {
		if l.source[i] != '"' {
			b.WriteByte(l.source[i])
			continue
		}
		if i+1 < len(l.source) && l.source[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		l.pos = i + 1
		return token{kind: textToken, text: b.String(), start: start, end: l.pos}
	}
	return l.take(badToken, len(l.source)-start)
}

func (l *lexer) errorName() token {
	for _, name := range errorTexts {
		if strings.HasPrefix(strings.ToUpper(l.source[l.pos:]), name) && strings.HasPrefix(name, "#") {
			return l.take(errorToken, len(name))
		}
	}
	return l.take(badToken, 1)
}

func (l *lexer) number() token {
	n := 0
	s := l.source[l.pos:]
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '.') {
		n++
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if m < len(s) && s[m] >= '0' && s[m] <= '9' {
			for n = m; n < len(s) && s[n] >= '0' && s[n] <= '9'; {
				n++
			}
		}
	}
	return l.take(numberToken, n)
}

func nameLength(s string) int {
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !unicode.IsLetter(r) && r != '_' && (n == 0 || !unicode.IsDigit(r) && r != '.') {
			break
		}
		n += size
	}
	return n
}

// reference reads [Tab!]A1[:B2], A:B, 1:2. A name that only looks like one, such as LOG10(, is left to others.
func (l *lexer) reference() (token, bool) {
	s := l.source[l.pos:]
	ref := &reference{}
	n := 0
	if title, size, ok := titlePrefix(s); ok {
		ref.title, ref.hasTitle, n = title, true, size
	}
	first, fixed1, size := refCorner(s[n:])
	if size == 0 {
		return token{}, false
	}
	n += size
	ref.at = bounds{first[0], first[0] + 1, first[1], first[1] + 1}
	ref.fixed = [4]bool{fixed1[0], fixed1[0], fixed1[1], fixed1[1]}
	ref.single = true
	if n < len(s) && s[n] == ':' {
		if last, fixed2, size := refCorner(s[n+1:]); size > 0 {
			n += 1 + size
			ref.single = false
			ref.at.r0, ref.at.r1 = order(first[0], last[0])
			ref.at.c0, ref.at.c1 = order(first[1], last[1])
			ref.fixed[1], ref.fixed[3] = fixed2[0], fixed2[1]
		}
	}
	whole := first[0] != open && first[1] != open
	if ref.single && !whole || n < len(s) && (s[n] == '(' || nameLength(s[n:]) > 0 || s[n] >= '0' && s[n] <= '9' || s[n] == '.') {
		return token{}, false
	}
	t := l.take(refToken, n)
	t.ref = ref
	return t, true
}

func titlePrefix(s string) (title string, size int, ok bool) {
	if strings.HasPrefix(s, "'") {
		for i := 1; i < len(s); i++ {
			if s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'' {
				i++
			} else if s[i] == '\'' {
				if i+1 < len(s) && s[i+1] == '!' {
					return strings.ReplaceAll(s[1:i], "''", "'"), i + 2, true
				}
				return "", 0, false
			}
		}
		return "", 0, false
	}
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' {
			break
		}
		n += size
	}
	if n > 0 && n < len(s) && s[n] == '!' {
		return s[:n], n + 1, true
	}
	return "", 0, false
}

// refCorner reads one corner, row and column, either of which may be missing.
func refCorner(s string) (at [2]int, fixed [2]bool, size int) {
	at = [2]int{open, open}
	n := 0
	if strings.HasPrefix(s, "$") && len(s) > 1 && isLetter(s[1]) {
		fixed[1] = true
		n++
	}
	from := n
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	if n > from {
		if at[1] = columnIndex(s[from:n]); at[1] < 0 || at[1] >= maxColumns {
			return at, fixed, 0
		}
	}
	from = n
	dollar := from < len(s) && s[from] == '$'
	if dollar {
		from++
	}
	end := from
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end > from {
		r, _, ok := parseCorner(s[from:end])
		if !ok {
			return at, fixed, 0
		}
		at[0], fixed[0], n = r, dollar, end
	}
	if at[0] == open && at[1] == open {
		return at, fixed, 0
	}
	return at, fixed, n
}

func isLetter(c byte) bool { c |= 0x20; return c >= 'a' && c <= 'z' }

// write gives the reference as it is written in a formula.
func (r *reference) write() string {
	out := ""
	if r.hasTitle {
		out = quoteTitle(r.title) + "!"
	}
	corner := func(row, col int, fixedRow, fixedCol bool) string {
		s := ""
		if col != open {
			if fixedCol {
				s = "$"
			}
			s += columnName(col)
		}
		if row != open {
			if fixedRow {
				s += "$"
			}
			s += strconv.Itoa(row + 1)
		}
		return s
	}
	out += corner(r.at.r0, r.at.c0, r.fixed[0], r.fixed[2])
	if r.single {
		return out
	}
	last := func(end int) int {
		if end == open {
			return open
		}
		return end - 1
	}
	return out + ":" + corner(last(r.at.r1), last(r.at.c1), r.fixed[1], r.fixed[3])
}
