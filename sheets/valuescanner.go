package sheets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// valueScanner reads the JSON of values.get and values.batchGet row by row, so that a tab of any size is never held as a whole.
// It takes and refuses what encoding/json does, but for two things: null in place of the answer, and a list of rows that is
// there twice, are errors, since nobody may take them for a shorter tab.
//
// What it reported before it failed must not be used: only the end of the answer shows that nothing is missing.
type valueScanner struct {
	from     io.Reader
	buf      []byte
	pos, end int
	err      error // of from
	row      cells
	side     []byte // texts of the row that do not stand in buf as they are
	name     []byte
}

const (
	scanBuffer = 64 << 10
	quickTries = 4     // how often more is read for a row that is cut off, before it is read piece by piece
	deepest    = 10000 // levels of nesting, as in encoding/json
)

func newValueScanner(from io.Reader) *valueScanner {
	return &valueScanner{from: from, buf: make([]byte, scanBuffer)}
}

var errTwice = errors.New("the answer lists its values twice")

// fill reads more, keeping what is not consumed. It reports whether there was more.
func (s *valueScanner) fill() bool {
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	for s.err == nil && s.end < len(s.buf) {
		n, err := s.from.Read(s.buf[s.end:])
		s.end, s.err = s.end+n, err
		if n > 0 {
			return true
		}
	}
	return false
}

// ahead makes n bytes available, or as many as there are.
func (s *valueScanner) ahead(n int) []byte {
	for s.end-s.pos < n && s.fill() {
	}
	return s.buf[s.pos:min(s.end, s.pos+n)]
}

// broken is why there is no more to read.
func (s *valueScanner) broken() error {
	if s.err != nil && s.err != io.EOF {
		return s.err
	}
	return fmt.Errorf("the answer ends early: %w", io.ErrUnexpectedEOF)
}

func (s *valueScanner) unexpected(c byte, where string) error {
	return fmt.Errorf("the answer is not valid JSON: %q %s", c, where)
}

// next returns the next byte that is not white space, without consuming it.
func (s *valueScanner) next() (byte, error) {
	for {
		for ; s.pos < s.end; s.pos++ {
			switch c := s.buf[s.pos]; c {
			case ' ', '\t', '\r', '\n':
			default:
				return c, nil
			}
		}
		if !s.fill() {
			return 0, s.broken()
		}
	}
}

// take consumes the next byte that is not white space, which must be c.
func (s *valueScanner) take(c byte, where string) error {
	got, err := s.next()
	if err != nil {
		return err
	}
	if got != c {
		return s.unexpected(got, where)
	}
	s.pos++
	return nil
}

// finish makes sure that nothing follows, and that the answer was read to its end without a failure.
func (s *valueScanner) finish() error {
	c, err := s.next()
	switch {
	case err == nil:
		return s.unexpected(c, "after the end")
	case s.err == io.EOF:
		return nil
	}
	return err
}

// object reads an object; field is called for every name and consumes its value.
func (s *valueScanner) object(field func(name []byte) error) error {
	if err := s.take('{', "where an object is expected"); err != nil {
		return err
	}
	c, err := s.next()
	if err != nil {
		return err
	}
	if c == '}' {
		s.pos++
		return nil
	}
	for {
		if err := s.take('"', "where a name is expected"); err != nil {
			return err
		}
		if s.name, err = s.quoted(s.name[:0]); err != nil {
			return err
		}
		if err := s.take(':', "after a name"); err != nil {
			return err
		}
		if err := field(s.name); err != nil {
			return err
		}
		if more, err := s.more('}'); err != nil || !more {
			return err
		}
	}
}

// more consumes what follows an element: a comma, or the end of the list or object.
func (s *valueScanner) more(end byte) (bool, error) {
	c, err := s.next()
	if err != nil {
		return false, err
	}
	if c != ',' && c != end {
		return false, s.unexpected(c, "after an element")
	}
	s.pos++
	return c == ',', nil
}

// list reads a list, which null stands for too when it is empty; element consumes one element.
func (s *valueScanner) list(element func() error) error {
	c, err := s.next()
	if err != nil {
		return err
	}
	if c == 'n' {
		return s.literal("null")
	}
	if err := s.take('[', "where a list is expected"); err != nil {
		return err
	}
	if c, err = s.next(); err != nil {
		return err
	}
	if c == ']' {
		s.pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if more, err := s.more(']'); err != nil || !more {
			return err
		}
	}
}

// cells reads one row: the quick way where it stands in the buffer as a whole, written as Google writes.
func (s *valueScanner) cells() error {
	if _, err := s.next(); err != nil {
		return err
	}
	for range quickTries {
		s.row.reset()
		s.side = s.side[:0]
		end := s.quickRow(s.buf[s.pos:s.end])
		if end > 0 {
			s.pos += end
			return nil
		}
		if end == notQuick || !s.fill() {
			break
		}
	}
	s.row.reset()
	s.side = s.side[:0]
	return s.list(s.cell)
}

// cell reads one cell, wherever the buffer ends.
func (s *valueScanner) cell() error {
	c, err := s.next()
	if err != nil {
		return err
	}
	from := len(s.side)
	switch c {
	case '"':
		s.pos++
		if s.side, err = s.quoted(s.side); err == nil {
			s.row.add(cellText, s.side[from:])
		}
		return err
	case 'n':
		s.row.add(cellEmpty, nil)
		return s.literal("null")
	case 't':
		s.row.add(cellTrue, nil)
		return s.literal("true")
	case 'f':
		s.row.add(cellFalse, nil)
		return s.literal("false")
	case '[', '{':
		raw := &bytes.Buffer{}
		err = s.copying(raw)
		s.row.add(cellOther, raw.Bytes())
		return err
	}
	if s.side, err = s.number(s.side); err != nil {
		return err
	}
	s.row.add(cellNumber, s.side[from:])
	return inRange64(s.side[from:])
}
