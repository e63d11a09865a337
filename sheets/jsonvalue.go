package sheets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// literal consumes null, true or false.
func (s *valueScanner) literal(word string) error {
	if got := s.ahead(len(word)); string(got) != word {
		if len(got) < len(word) {
			return s.broken()
		}
		return fmt.Errorf("the answer is not valid JSON: %q where %s is expected", got, word)
	}
	s.pos += len(word)
	return nil
}

// text consumes a text, or null.
func (s *valueScanner) text() error {
	c, err := s.next()
	if err != nil {
		return err
	}
	if c == 'n' {
		return s.literal("null")
	}
	if err := s.take('"', "where a text is expected"); err != nil {
		return err
	}
	s.name, err = s.quoted(s.name[:0])
	return err
}

// number appends the number that comes to into.
func (s *valueScanner) number(into []byte) ([]byte, error) {
	from := len(into)
	for {
		at := s.pos
		for at < s.end && numberBytes[s.buf[at]] {
			at++
		}
		into = append(into, s.buf[s.pos:at]...)
		s.pos = at
		if at < s.end || !s.fill() {
			break
		}
	}
	if s.pos == s.end {
		return into, s.broken() // a number is never the end
	}
	if !isNumber(into[from:]) {
		if len(into) == from {
			return into, s.unexpected(s.buf[s.pos], "where a value is expected")
		}
		return into, fmt.Errorf("the answer is not valid JSON: %q is not a number", into[from:])
	}
	return into, nil
}

var numberBytes = [256]bool{'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true,
	'9': true, '-': true, '+': true, '.': true, 'e': true, 'E': true}

// isNumber reports whether b is a number as JSON writes it.
func isNumber(b []byte) bool {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch first := i; {
	case i < len(b) && b[i] == '0':
		i++
	default:
		if i = pastDigits(b, i); i == first {
			return false
		}
	}
	if i < len(b) && b[i] == '.' {
		first := i + 1
		if i = pastDigits(b, first); i == first {
			return false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first := i
		if i = pastDigits(b, first); i == first {
			return false
		}
	}
	return i == len(b)
}

func pastDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}

// quoted appends the text up to the closing quote to into. What is not valid UTF-8 becomes U+FFFD, byte by byte.
func (s *valueScanner) quoted(into []byte) ([]byte, error) {
	from, wide := len(into), false
	for {
		at := s.pos
		for at < s.end && plainBytes[s.buf[at]] {
			at++
		}
		into = append(into, s.buf[s.pos:at]...)
		s.pos = at
		if at == s.end {
			if !s.fill() {
				return into, s.broken()
			}
			continue
		}
		switch c := s.buf[at]; {
		case c == '"':
			s.pos++
			if wide && !utf8.Valid(into[from:]) {
				into = append(into[:from], repaired(into[from:])...)
			}
			return into, nil
		case c == '\\':
			var err error
			if into, err = s.escape(into); err != nil {
				return into, err
			}
		case c < ' ':
			return into, s.unexpected(c, "within a text")
		default:
			wide = true
			for at < s.end && s.buf[at] >= utf8.RuneSelf {
				at++
			}
			into = append(into, s.buf[s.pos:at]...)
			s.pos = at
		}
	}
}

// plainBytes are those that stand for themselves within a text.
var plainBytes = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

func repaired(text []byte) []byte {
	var out []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		out = utf8.AppendRune(out, r)
		text = text[size:]
	}
	return out
}

// escape appends what the escape that comes stands for.
func (s *valueScanner) escape(into []byte) ([]byte, error) {
	const longest = 12 // a surrogate pair
	b := s.ahead(longest)
	r, n := escapeIn(b)
	switch {
	case n > 0:
		s.pos += n
		return utf8.AppendRune(into, r), nil
	case len(b) < longest && s.err != nil:
		return into, s.broken()
	}
	return into, fmt.Errorf("the answer is not valid JSON: %q begins with no escape", b)
}

// skip consumes a value that nobody asked for.
func (s *valueScanner) skip(depth int) error { return s.value(depth, nil) }

// copying consumes a value and writes it, as JSON, into raw.
func (s *valueScanner) copying(raw *bytes.Buffer) error { return s.value(3, raw) }

// value consumes a value of any kind at a depth of nesting.
func (s *valueScanner) value(depth int, raw *bytes.Buffer) error {
	if depth > deepest {
		return errors.New("the answer is nested too deep")
	}
	c, err := s.next()
	if err != nil {
		return err
	}
	keep := func(text string) {
		if raw != nil {
			raw.WriteString(text)
		}
	}
	switch c {
	case '"':
		s.pos++
		if s.name, err = s.quoted(s.name[:0]); err == nil && raw != nil {
			err = json.NewEncoder(raw).Encode(string(s.name))
		}
		return err
	case 'n', 't', 'f':
		word := map[byte]string{'n': "null", 't': "true", 'f': "false"}[c]
		keep(word)
		return s.literal(word)
	case '[':
		return s.listValue(depth, raw, keep)
	case '{':
		return s.objectValue(depth, raw, keep)
	}
	if s.name, err = s.number(s.name[:0]); err != nil {
		return err
	}
	keep(string(s.name))
	if raw != nil {
		return inRange64(s.name)
	}
	return nil
}

func (s *valueScanner) listValue(depth int, raw *bytes.Buffer, keep func(string)) error {
	keep("[")
	first := true
	err := s.list(func() error {
		if !first {
			keep(",")
		}
		first = false
		return s.value(depth+1, raw)
	})
	keep("]")
	return err
}

func (s *valueScanner) objectValue(depth int, raw *bytes.Buffer, keep func(string)) error {
	keep("{")
	first := true
	err := s.object(func(name []byte) error {
		if !first {
			keep(",")
		}
		first = false
		if raw != nil {
			if err := json.NewEncoder(raw).Encode(string(name)); err != nil {
				return err
			}
		}
		keep(":")
		return s.value(depth+1, raw)
	})
	keep("}")
	return err
}

// inRange64 refuses a number that is beyond what a float64 can be.
func inRange64(number []byte) error {
	if len(number) <= 300 && bytes.IndexByte(number, 'e') < 0 && bytes.IndexByte(number, 'E') < 0 {
		return nil
	}
	if _, err := strconv.ParseFloat(string(number), 64); err != nil {
		return fmt.Errorf("the answer holds a number that is out of range: %w", err)
	}
	return nil
}
