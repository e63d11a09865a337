package sheets

import (
	"bytes"
	"io"
)

// scanValues reads the answer of values.get; each is called for every row, counted from 0.
func scanValues(from io.Reader, each func(at int, row *cells) error) error {
	s := newValueScanner(from)
	if err := s.valueRange(each); err != nil {
		return err
	}
	return s.finish()
}

// scanRanges reads the answer of values.batchGet and returns how many ranges it has. each is called for every row of every
// range, both counted from 0.
func scanRanges(from io.Reader, each func(n, at int, row *cells) error) (ranges int, err error) {
	s := newValueScanner(from)
	listed := false
	err = s.object(func(name []byte) error {
		switch {
		case bytes.EqualFold(name, []byte("valueRanges")):
			if listed {
				return errTwice
			}
			listed = true
			return s.list(func() error {
				n := ranges
				ranges++
				return s.valueRange(func(at int, row *cells) error { return each(n, at, row) })
			})
		case bytes.EqualFold(name, []byte("spreadsheetId")):
			return s.text()
		}
		return s.skip(1)
	})
	if err != nil {
		return 0, err
	}
	return ranges, s.finish()
}

func (s *valueScanner) valueRange(each func(at int, row *cells) error) error {
	listed := false
	return s.object(func(name []byte) error {
		switch {
		case bytes.EqualFold(name, []byte("values")):
			if listed {
				return errTwice
			}
			listed = true
			at := 0
			return s.list(func() error {
				if err := s.cells(); err != nil {
					return err
				}
				at++
				return each(at-1, &s.row)
			})
		case bytes.EqualFold(name, []byte("range")), bytes.EqualFold(name, []byte("majorDimension")):
			return s.text()
		}
		return s.skip(1)
	})
}
