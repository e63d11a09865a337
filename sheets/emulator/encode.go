package emulator

import (
	"io"
	"math"
	"sort"
	"strconv"
	"unicode/utf8"
)

// encoder writes an answer as it is made, so that a sheet of millions of cells is never held as JSON.
type encoder struct {
	buf     []byte
	w       io.Writer
	written int64
	err     error
}

// streamed is a part of an answer that knows how to write itself, such as the cells of a range.
type streamed interface {
	encode(e *encoder)
}

const flushAt = 64 << 10

func appendJSON(buf []byte, v any) []byte {
	e := &encoder{buf: buf}
	e.value(v)
	return e.buf
}

func (e *encoder) flush() {
	if e.w == nil || len(e.buf) == 0 {
		return
	}
	n, err := e.w.Write(e.buf)
	e.written += int64(n)
	if e.err == nil {
		e.err = err
	}
	e.buf = e.buf[:0]
}

func (e *encoder) raw(s string) {
	e.buf = append(e.buf, s...)
	if e.w != nil && len(e.buf) >= flushAt {
		e.flush()
	}
}

func (e *encoder) value(v any) {
	switch v := v.(type) {
	case nil:
		e.raw("null")
	case bool:
		e.raw(strconv.FormatBool(v))
	case string:
		e.string(v)
	case float64:
		e.number(v)
	case float32:
		e.buf = strconv.AppendFloat(e.buf, float64(v), 'f', -1, 32)
	case int:
		e.buf = strconv.AppendInt(e.buf, int64(v), 10)
	case int64:
		e.buf = strconv.AppendInt(e.buf, v, 10)
	case object:
		e.object(v)
	case []any:
		e.list(v)
	case streamed:
		v.encode(e)
	default:
		panic("emulator: cannot encode this type of value")
	}
}

func (e *encoder) object(o object) {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	sort.Strings(names)
	e.raw("{")
	for i, name := range names {
		if i > 0 {
			e.raw(",")
		}
		e.string(name)
		e.raw(":")
		e.value(o[name])
	}
	e.raw("}")
}

func (e *encoder) list(l []any) {
	e.raw("[")
	for i, v := range l {
		if i > 0 {
			e.raw(",")
		}
		e.value(v)
	}
	e.raw("]")
}

func (e *encoder) number(n float64) {
	switch {
	case math.IsNaN(n):
		e.raw(`"NaN"`)
	case math.IsInf(n, 0):
		e.raw(`"Infinity"`)
	case n == math.Trunc(n) && math.Abs(n) < 1e15:
		e.buf = strconv.AppendInt(e.buf, int64(n), 10)
	default:
		e.buf = strconv.AppendFloat(e.buf, n, 'g', -1, 64)
	}
}

const hexDigits = "0123456789abcdef"

func (e *encoder) string(s string) {
	e.raw(`"`)
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				e.raw(s[start:i])
				e.raw("\ufffd")
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		e.raw(s[start:i])
		e.escape(c)
		i++
		start = i
	}
	e.raw(s[start:])
	e.raw(`"`)
}

func (e *encoder) escape(c byte) {
	switch c {
	case '"', '\\':
		e.buf = append(e.buf, '\\', c)
	case '\n':
		e.buf = append(e.buf, '\\', 'n')
	case '\r':
		e.buf = append(e.buf, '\\', 'r')
	case '\t':
		e.buf = append(e.buf, '\\', 't')
	default:
		e.buf = append(e.buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}
