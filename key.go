package tandem

import (
	"fmt"
	"strings"
)

// Key identifies a row within a link: the canonical texts of its key columns in key order, joined by "~", with a "~"
// inside a part written "~0". It is what stands, percent-encoded, in a row's resource name. The empty Key is no key.
//
// Plain joining would read ("a~", "0b") and ("a", "0~b") alike; where a part holds "~" and a later part begins with
// "0", the separator before such a part is therefore tripled ("a~0~~~0b").
type Key string

// MakeKey joins the values of the key columns, in key order. It returns "" when any part is absent, NULL, invalid or
// empty, since such a row cannot be found again in a sheet.
func MakeKey(parts ...Value) Key {
	if len(parts) == 1 && parts[0].state == present && strings.IndexByte(parts[0].text, '~') < 0 {
		return Key(parts[0].text)
	}
	tilde, zero := false, false
	for i, part := range parts {
		if part.state != present || part.text == "" {
			return ""
		}
		tilde = tilde || strings.Contains(part.text, "~")
		zero = zero || i > 0 && part.text[0] == '0'
	}
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte('~')
			if tilde && zero && part.text[0] == '0' {
				b.WriteString("~~")
			}
		}
		b.WriteString(strings.ReplaceAll(part.text, "~", "~0"))
	}
	return Key(b.String())
}

// Parts splits the key into the texts of its n key columns.
func (k Key) Parts(n int) ([]string, error) {
	text := string(k)
	tripled := strings.Contains(text, "~~~")
	certain, possible := 0, 0 // separators for sure; "~0", which is an escape or a separator before "0…"
	for i := 0; i < len(text); i++ {
		if text[i] != '~' {
			continue
		}
		if strings.HasPrefix(text[i+1:], "0") {
			possible++
			continue
		}
		certain++
		if strings.HasPrefix(text[i+1:], "~~") {
			i += 2
		}
	}
	zeroSeparates := !tripled && possible > 0 && certain+possible == n-1
	if !zeroSeparates && certain != n-1 {
		return nil, fmt.Errorf("key %q does not have %d parts joined by \"~\" (a \"~\" inside a part is written \"~0\")", text, n)
	}
	parts, part := make([]string, 0, n), strings.Builder{}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '~':
			part.WriteByte(text[i])
		case strings.HasPrefix(text[i+1:], "0") && !zeroSeparates:
			part.WriteByte('~')
			i++
		default:
			parts = append(parts, part.String())
			part.Reset()
			if strings.HasPrefix(text[i+1:], "~~") {
				i += 2
			}
		}
	}
	return append(parts, part.String()), nil
}
