package sheets

import (
	"bytes"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// What quickRow and quickCell return instead of an end.
const (
	cutOff   = 0  // the buffer ends before the row does
	notQuick = -1 // not what Google writes, or not in order: the slower way reads it, and says what is wrong
)

// quickRow reads a row that stands in b as a whole, without white space, and returns its end. The texts stay where they are
// unless they hold escapes.
func (s *valueScanner) quickRow(b []byte) (end int) {
	if len(b) < 2 {
		return cutOff
	}
	if b[0] != '[' {
		return notQuick
	}
	if b[1] == ']' {
		return 2
	}
	for i := 1; i < len(b); i++ {
		if i = s.quickCell(b, i); i <= 0 {
			return i
		}
		switch {
		case i >= len(b):
			return cutOff
		case b[i] == ']':
			return i + 1
		case b[i] != ',':
			return notQuick
		}
	}
	return cutOff
}

// quickCell reads the cell that begins at i and returns its end.
func (s *valueScanner) quickCell(b []byte, i int) (end int) {
	switch b[i] {
	case '"':
		return s.quickText(b, i+1)
	case 't':
		return s.quickWord(b, i, "true", cellTrue)
	case 'f':
		return s.quickWord(b, i, "false", cellFalse)
	case 'n':
		return s.quickWord(b, i, "null", cellEmpty)
	}
	end = i
	for end < len(b) && numberBytes[b[end]] {
		end++
	}
	switch {
	case end == len(b):
		return cutOff
	case !isNumber(b[i:end]) || inRange64(b[i:end]) != nil:
		return notQuick
	}
	s.row.add(cellNumber, b[i:end:end])
	return end
}

func (s *valueScanner) quickWord(b []byte, i int, word string, kind cellKind) (end int) {
	if end = i + len(word); end > len(b) {
		return cutOff
	}
	if string(b[i:end]) != word {
		return notQuick
	}
	s.row.add(kind, nil)
	return end
}

// quickText reads a text whose first character is at from.
func (s *valueScanner) quickText(b []byte, from int) (end int) {
	escaped, wide := false, false
	for i := from; i < len(b); i++ {
		c := b[i]
		switch {
		case plainBytes[c]:
		case c == '"':
			return s.quickEnd(b[from:i:i], i+1, escaped, wide)
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return notQuick
		default:
			wide = true
		}
	}
	return cutOff
}

// quickEnd takes a text as it stands in the answer.
func (s *valueScanner) quickEnd(text []byte, end int, escaped, wide bool) int {
	if wide && !utf8.Valid(text) {
		return notQuick
	}
	if escaped {
		from := len(s.side)
		var ok bool
		if s.side, ok = unescaped(s.side, text); !ok {
			return notQuick
		}
		text = s.side[from:]
	}
	s.row.add(cellText, text)
	return end
}

// unescaped appends what a text with escapes stands for; ok is false when one of them is none.
func unescaped(into, text []byte) (out []byte, ok bool) {
	for {
		at := bytes.IndexByte(text, '\\')
		if at < 0 {
			return append(into, text...), true
		}
		into = append(into, text[:at]...)
		r, n := escapeIn(text[at:])
		if n == 0 {
			return into, false
		}
		into = utf8.AppendRune(into, r)
		text = text[at+n:]
	}
}

// escapeIn returns what the escape at the beginning of b stands for, and how long it is; 0 when it is none, or cut off. Half of
// a surrogate pair stands for U+FFFD.
func escapeIn(b []byte) (r rune, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	if b[1] != 'u' {
		if c := escapes[b[1]]; c != 0 {
			return rune(c), 2
		}
		return 0, 0
	}
	r, ok := unit(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if second, ok := unit(b[6:]); ok {
		if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, 6
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unit reads \uXXXX.
func unit(b []byte) (rune, bool) {
	var two [2]byte
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	if _, err := hex.Decode(two[:], b[2:6]); err != nil {
		return 0, false
	}
	return rune(two[0])<<8 | rune(two[1]), true
}
