package emulator

import (
	"strconv"
	"strings"
	"unicode"
)

// columnName gives the letters of a column from 0.
func columnName(c int) string {
	var out []byte
	for c++; c > 0; c = (c - 1) / 26 {
		out = append([]byte{byte('A' + (c-1)%26)}, out...)
	}
	return string(out)
}

// columnIndex reads letters; -1 when they are none or more than three.
func columnIndex(letters string) int {
	if letters == "" || len(letters) > 3 {
		return -1
	}
	n := 0
	for i := range len(letters) {
		c := letters[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			return -1
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

// a1Range writes a range the way Google answers it: tab, and corners; one corner for one cell.
func a1Range(s *sheet, b bounds) string {
	return quoteTitle(s.title) + "!" + a1Bounds(b)
}

func a1Bounds(b bounds) string {
	corner := func(r, c int) string {
		out := ""
		if c != open {
			out = columnName(c)
		}
		if r != open {
			out += strconv.Itoa(r + 1)
		}
		return out
	}
	r1, c1 := b.r1, b.c1
	if r1 != open {
		r1--
	}
	if c1 != open {
		c1--
	}
	from, to := corner(b.r0, b.c0), corner(r1, c1)
	if from == to && b.r0 != open && b.c0 != open {
		return from
	}
	return from + ":" + to
}

// quoteTitle puts a title in quotes when it would otherwise not read as one.
func quoteTitle(title string) string {
	plain := title != "" && !(title[0] >= '0' && title[0] <= '9')
	for _, r := range title {
		if r > unicode.MaxASCII || !(r == '_' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r)) {
			plain = false
		}
	}
	if plain {
		if _, ok := parseCorners(title, true); ok {
			plain = false
		} else if _, ok := parseR1C1(title); ok {
			plain = false
		}
	}
	if plain {
		return title
	}
	return "'" + strings.ReplaceAll(title, "'", "''") + "'"
}

// parseRange reads A1 or R1C1 notation, a tab's title or a named range. Bounds not given stay open; the
// caller clips or refuses.
func (b *book) parseRange(text string) (area, error) {
	bad := invalid("Unable to parse range: %s", text)
	title, rest, hasTitle, ok := splitTitle(text)
	if !ok {
		return area{}, bad
	}
	s := b.firstVisible()
	if hasTitle {
		if s = b.titled(title); s == nil {
			return area{}, bad
		}
		if rest == "" {
			return area{}, bad
		}
	} else if strings.HasPrefix(text, "'") && rest == "" {
		if s = b.titled(title); s != nil {
			return area{s, everything}, nil
		}
		return area{}, bad
	}
	if corners, ok := parseCorners(rest, false); ok {
		if !hasTitle {
			if exact := b.exactTitle(rest); exact != nil && strings.Contains(rest, ":") {
				return area{exact, everything}, nil
			}
		}
		return area{s, corners}, nil
	}
	if corners, ok := parseR1C1(rest); ok {
		return area{s, corners}, nil
	}
	for _, n := range b.names {
		if equalFold(n.name, rest) {
			return area{b.sheet(n.sheet), n.at}, nil
		}
	}
	if !hasTitle {
		if s := b.titled(rest); s != nil {
			return area{s, everything}, nil
		}
	}
	return area{}, bad
}

func (b *book) exactTitle(title string) *sheet {
	for _, s := range b.sheets {
		if s.title == title {
			return s
		}
	}
	return nil
}

// splitTitle parts 'Tab'!rest. Without a "!", a quoted text is the title and rest is empty.
func splitTitle(text string) (title, rest string, hasTitle, ok bool) {
	if !strings.HasPrefix(text, "'") {
		if i := strings.LastIndexByte(text, '!'); i >= 0 {
			return text[:i], text[i+1:], true, i > 0
		}
		return "", text, false, text != ""
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != '\'' {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		if i+1 == len(text) {
			return b.String(), "", false, true
		}
		if text[i+1] == '!' {
			return b.String(), text[i+2:], true, true
		}
		return "", "", false, false
	}
	return "", "", false, false
}

// parseCorners reads A1, A1:B2, A:B, 2:5, A2:B, A2:5, with or without $. single asks for one cell only.
func parseCorners(text string, single bool) (bounds, bool) {
	from, to, ranged := strings.Cut(text, ":")
	r0, c0, ok := parseCorner(from)
	if !ok || (!ranged && (r0 == open || c0 == open)) || (single && ranged) {
		return bounds{}, false
	}
	if !ranged {
		return bounds{r0, r0 + 1, c0, c0 + 1}, true
	}
	r1, c1, ok := parseCorner(to)
	if !ok {
		return bounds{}, false
	}
	out := bounds{r0, open, c0, open}
	out.r0, out.r1 = order(r0, r1)
	out.c0, out.c1 = order(c0, c1)
	return out, true
}

// order puts two corners' indexes in order. One that is missing leaves the range open on the far side, for
// A2:B is from row 2 down and B:A2 is the same.
func order(a, b int) (int, int) {
	switch {
	case a == open && b == open:
		return open, open
	case a == open:
		return b, open
	case b == open:
		return a, open
	}
	return min(a, b), max(a, b) + 1
}

func parseCorner(text string) (r, c int, ok bool) {
	r, c = open, open
	text = strings.TrimPrefix(text, "$")
	letters := 0
	for letters < len(text) && (text[letters]|0x20) >= 'a' && (text[letters]|0x20) <= 'z' {
		letters++
	}
	if letters > 0 {
		if c = columnIndex(text[:letters]); c < 0 || c >= maxColumns {
			return 0, 0, false
		}
	}
	digits := text[letters:]
	if letters > 0 {
		digits = strings.TrimPrefix(digits, "$")
	}
	if digits != "" {
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || n == 0 || digits[0] == '+' {
			return 0, 0, false
		}
		r = int(n) - 1
	}
	return r, c, r != open || c != open
}

// parseR1C1 reads R2C3, R2C3:R4C5, R2, C3 and ranges of those. Relative forms such as R[3]C[1] count from A1, for a
// call of the API has no current cell.
func parseR1C1(text string) (bounds, bool) {
	from, to, ranged := strings.Cut(strings.ToUpper(text), ":")
	r0, c0, ok := r1c1Corner(from)
	if !ok {
		return bounds{}, false
	}
	r1, c1 := r0, c0
	if ranged {
		if r1, c1, ok = r1c1Corner(to); !ok {
			return bounds{}, false
		}
	}
	var out bounds
	out.r0, out.r1 = order(r0, r1)
	out.c0, out.c1 = order(c0, c1)
	return out, true
}

func r1c1Corner(text string) (r, c int, ok bool) {
	r, c = open, open
	if rest, isRow := strings.CutPrefix(text, "R"); isRow {
		if r, text, ok = r1c1Number(rest); !ok {
			return 0, 0, false
		}
	}
	if rest, isColumn := strings.CutPrefix(text, "C"); isColumn {
		if c, text, ok = r1c1Number(rest); !ok {
			return 0, 0, false
		}
	}
	return r, c, text == "" && (r != open || c != open)
}

func r1c1Number(text string) (n int, rest string, ok bool) {
	relative := strings.HasPrefix(text, "[")
	text = strings.TrimPrefix(text, "[")
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	v, err := strconv.ParseUint(text[:end], 10, 31)
	if err != nil || v == 0 && !relative {
		return 0, "", false
	}
	if relative {
		rest, closed := strings.CutPrefix(text[end:], "]")
		return int(v), rest, closed
	}
	return int(v) - 1, text[end:], true
}

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }
