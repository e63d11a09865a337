package store

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
)

// quick is decode for rows of the API: it has escapes in texts, quotes above all, cost little. It returns nil for NULL.
func (a *agreedColumns) quick(data *string) ([]tandem.Value, error) {
	if data == nil {
		return nil, nil
	}
	values, next := make([]tandem.Value, len(a.columns)), 0
	if plainBaseline(*data, func(name, text string, null bool) {
		at := -1
		if next < len(a.columns) && a.columns[next] == name {
			at = next
		} else {
			at = slices.Index(a.columns, name)
		}
		switch next = at + 1; {
		case at < 0:
		case null:
			values[at] = tandem.Null
		default:
			values[at] = tandem.Text(text)
		}
	}) {
		return values, nil
	}
	return a.decode(*data)
}

// plainBaseline visits a baseline whose values are texts and nulls, which nearly all are. It returns false when it is not such
// a one.
func plainBaseline(data string, visit func(name, text string, null bool)) bool {
	rest, ok := strings.CutPrefix(data, "{")
	if !ok || !utf8.ValidString(data) {
		return false
	}
	if rest == "}" {
		return true
	}
	for {
		name, after, ok := plainText(rest)
		if !ok || !strings.HasPrefix(after, ":") {
			return false
		}
		if next, null := strings.CutPrefix(after[1:], "null"); null {
			visit(name, "", true)
			rest = next
		} else if text, next, ok := plainText(after[1:]); ok {
			visit(name, text, false)
			rest = next
		} else {
			return false
		}
		switch {
		case rest == "}":
			return true
		case strings.HasPrefix(rest, ","):
			rest = rest[1:]
		default:
			return false
		}
	}
}

// plainText cuts a text in quotes off the beginning.
func plainText(data string) (text, rest string, ok bool) {
	if !strings.HasPrefix(data, `"`) {
		return "", "", false
	}
	data = data[1:]
	end := strings.IndexByte(data, '"')
	if end < 0 {
		return "", "", false
	}
	if strings.IndexByte(data[:end], '\\') < 0 {
		return data[:end], data[end+1:], true
	}
	return escapedText(data)
}

// escapedText cuts off a text whose opening quote is gone, and decodes it.
func escapedText(data string) (text, rest string, ok bool) {
	var b strings.Builder
	for {
		at := strings.IndexAny(data, `"\`)
		if at < 0 {
			return "", "", false
		}
		b.WriteString(data[:at])
		if data[at] == '"' {
			return b.String(), data[at+1:], true
		}
		data = data[at+1:]
		if data == "" {
			return "", "", false
		}
		c := data[0]
		data = data[1:]
		if c != 'u' {
			plain := strings.IndexByte(`"\/bfnrt`, c)
			if plain < 0 {
				return "", "", false
			}
			b.WriteByte("\"\\/\b\f\n\r\t"[plain])
			continue
		}
		if len(data) < 4 {
			return "", "", false
		}
		n, err := strconv.ParseUint(data[:4], 16, 16)
		if err != nil || utf16.IsSurrogate(rune(n)) { // pairs are never written
			return "", "", false
		}
		b.WriteRune(rune(n))
		data = data[4:]
	}
}
