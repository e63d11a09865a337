package api

import (
	"fmt"
	"strings"
	"unicode"
)

// wordKind is what a word of a filter is.
type wordKind uint8

const (
	endWord      wordKind = iota
	bareWord              // score, 8.5, AND
	quotedWord            // "moon" or 'moon'
	nameWord              // `a column`
	operatorWord          // = != < <= > >= :
	signWord              // ( ) , and - before what it negates
)

// word is one word of a filter or an order.
type word struct {
	kind wordKind
	text string // without quotes
	at   int    // where it begins, in characters from 0
}

// shown is the word for a message.
func (w word) shown() string {
	switch text := []rune(w.text); {
	case w.kind == endWord:
		return "the end"
	case len(text) > 40:
		return fmt.Sprintf("%q", string(text[:40])+"…")
	}
	return fmt.Sprintf("%q", w.text)
}

func (w word) is(kind wordKind, text string) bool { return w.kind == kind && w.text == text }

// wordError is what is wrong with a filter, and where.
type wordError struct {
	at      int
	message string
}

func (e *wordError) Error() string { return fmt.Sprintf("at character %d: %s", e.at+1, e.message) }

func wrongAt(at int, format string, args ...any) error {
	return &wordError{at, fmt.Sprintf(format, args...)}
}

// words takes a filter or an order apart.
type words struct {
	text []rune
	at   int
}

// between are the characters that end a bare word.
const between = "()<>=!,\"'`"

// next returns the next word. A colon belongs to a value, as in 07:00, and ends everything else.
func (w *words) next(value bool) (word, error) {
	for w.at < len(w.text) && unicode.IsSpace(w.text[w.at]) {
		w.at++
	}
	start := w.at
	if start == len(w.text) {
		return word{at: start}, nil
	}
	switch r := w.text[start]; {
	case r == '"' || r == '\'':
		text, err := w.quoted(r)
		return word{quotedWord, text, start}, err
	case r == '`':
		text, err := w.name()
		return word{nameWord, text, start}, err
	case strings.ContainsRune("(),", r), r == '-' && !value:
		w.at++
		return word{signWord, string(r), start}, nil
	case strings.ContainsRune("<>=!:", r):
		return w.operator()
	}
	for w.at < len(w.text) {
		r := w.text[w.at]
		if unicode.IsSpace(r) || strings.ContainsRune(between, r) || r == ':' && !value {
			break
		}
		w.at++
	}
	return word{bareWord, string(w.text[start:w.at]), start}, nil
}

func (w *words) operator() (word, error) {
	start := w.at
	for w.at < len(w.text) && strings.ContainsRune("<>=!", w.text[w.at]) {
		w.at++
	}
	if w.at == start {
		w.at++ // the colon
	}
	switch text := string(w.text[start:w.at]); text {
	case "=", "!=", "<", "<=", ">", ">=", ":":
		return word{operatorWord, text, start}, nil
	default:
		return word{}, wrongAt(start, "%q is none of the comparisons = != < <= > >= :", text)
	}
}

// quoted reads a text between quotes. A backslash takes the character after it as it is, but for \n, \r and \t.
func (w *words) quoted(quote rune) (string, error) {
	start := w.at
	var text strings.Builder
	for w.at++; w.at < len(w.text); w.at++ {
		switch r := w.text[w.at]; r {
		case quote:
			w.at++
			return text.String(), nil
		case '\\':
			if w.at++; w.at == len(w.text) {
				return "", wrongAt(start, "the text in quotes has no end")
			}
			escaped := w.text[w.at]
			switch escaped {
			case 'n', 'r', 't':
				escaped = map[rune]rune{'n': '\n', 'r': '\r', 't': '\t'}[escaped]
			case '\\', '"', '\'', '*':
			default:
				return "", wrongAt(w.at-1, `\%c is none of \\ \" \' \* \n \r \t; a backslash is written \\`, escaped)
			}
			text.WriteRune(escaped)
		default:
			text.WriteRune(r)
		}
	}
	return "", wrongAt(start, "the text in quotes has no end")
}

// name reads the name of a column between backticks; a backtick within is written twice.
func (w *words) name() (string, error) {
	start := w.at
	var name strings.Builder
	for w.at++; w.at < len(w.text); w.at++ {
		if w.text[w.at] == '`' {
			if w.at+1 == len(w.text) || w.text[w.at+1] != '`' {
				w.at++
				return name.String(), nil
			}
			w.at++
		}
		name.WriteRune(w.text[w.at])
	}
	return "", wrongAt(start, "the name in backticks has no end")
}
