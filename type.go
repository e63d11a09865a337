package tandem

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is the family of a column's type, one for each line of the type contract.
type Kind uint8

// The kinds, with the canonical text of their values.
const (
	Unknown   Kind = iota // cannot be linked
	Int                   // "-12"
	Decimal               // exactly Scale decimals: "8.50"
	Float                 // shortest text that gives the same number: "0.1", "1e+21"
	Bool                  // "true", "false"
	String                // CHAR, VARCHAR, TEXT, ENUM, SET, UUID and JSON, as they are
	Date                  // "2026-11-21"
	DateTime              // "2026-11-21T07:00:00.123", exactly Fraction digits
	Timestamp             // an instant in UTC: "2026-11-21T07:00:00.123Z", exactly Fraction digits
	Time                  // "-838:59:59.5", exactly Fraction digits
	Year                  // "2026"
	Bytes                 // base64 with padding
)

var kindNames = [...]string{"unknown", "integer", "decimal", "float", "boolean", "text", "date", "date and time", "timestamp", "time", "year", "bytes"}

// String returns the kind in words for people.
func (k Kind) String() string { return kindNames[k] }

// Type is what a column can hold.
type Type struct {
	Kind      Kind
	Native    string   // as the database spells it: "decimal(10,2)"
	Bits      int      // Int: 8, 16, 24, 32 or 64; Float: 32 or 64
	Unsigned  bool     // Int
	Precision int      // Decimal: digits in all
	Scale     int      // Decimal: digits after the point
	Fraction  int      // DateTime, Timestamp, Time: digits of a second's fraction, 0 to 6
	Length    int      // String: characters, Bytes: bytes; 0 when the type names no limit
	Values    []string // ENUM: what is allowed; empty otherwise
	JSON      bool     // String: holds JSON text
}

// Parse returns the canonical Value of text, or an error in words for the person who wrote it. Nothing is rounded, cut
// or guessed: what the type cannot hold exactly is refused.
func (t Type) Parse(text string) (Value, error) {
	canonical, err := t.canonical(text)
	if err != nil {
		return Absent, err
	}
	return Text(canonical), nil
}

func (t Type) canonical(text string) (string, error) {
	switch t.Kind {
	case Int:
		return t.parseInt(text)
	case Decimal:
		return t.parseDecimal(text)
	case Float:
		return t.parseFloat(text)
	case Bool:
		switch strings.ToLower(text) {
		case "true", "1":
			return "true", nil
		case "false", "0":
			return "false", nil
		}
		return "", fmt.Errorf("%s is not true or false", quote(text))
	case String:
		return t.parseString(text)
	case Date:
		if _, err := time.Parse(time.DateOnly, text); err != nil || text < "0001" {
			return "", fmt.Errorf("%s is not a date like 2026-11-21", quote(text))
		}
		return text, nil
	case DateTime:
		return t.parseDateTime(text)
	case Timestamp:
		return t.parseTimestamp(text)
	case Time:
		return t.parseTime(text)
	case Year:
		n, err := strconv.Atoi(text)
		if err != nil || n != 0 && (n < 1901 || n > 2155) {
			return "", fmt.Errorf("%s is not a year from 1901 to 2155", quote(text))
		}
		return fmt.Sprintf("%04d", n), nil
	case Bytes:
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", fmt.Errorf("%s is not base64", quote(text))
		}
		if t.Length > 0 && len(data) > t.Length {
			return "", fmt.Errorf("%d bytes are more than the %d that fit", len(data), t.Length)
		}
		return base64.StdEncoding.EncodeToString(data), nil
	}
	return "", fmt.Errorf("columns of type %s cannot be linked", t.Native)
}

func (t Type) parseInt(text string) (string, error) {
	bits := t.Bits
	if bits == 0 {
		bits = 64
	}
	if t.Unsigned {
		n, err := strconv.ParseUint(text, 10, 64)
		limit := uint64(math.MaxUint64) >> (64 - bits)
		if err != nil || n > limit {
			return "", fmt.Errorf("%s is not a whole number from 0 to %d", quote(text), limit)
		}
		return strconv.FormatUint(n, 10), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	limit := int64(math.MaxInt64) >> (64 - bits)
	if err != nil || n > limit || n < -limit-1 {
		return "", fmt.Errorf("%s is not a whole number from %d to %d", quote(text), -limit-1, limit)
	}
	return strconv.FormatInt(n, 10), nil
}

func (t Type) parseDecimal(text string) (string, error) {
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", fmt.Errorf("%s is not a number", quote(text))
	}
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if len(fraction) > t.Scale {
		return "", fmt.Errorf("%s has more than %d decimals", quote(text), t.Scale)
	}
	if len(whole) > t.Precision-t.Scale {
		return "", fmt.Errorf("%s has more than %d digits before the point", quote(text), t.Precision-t.Scale)
	}
	if negative && whole+fraction != "" {
		whole = "-" + zeroIfEmpty(whole)
	}
	whole = zeroIfEmpty(whole)
	if t.Scale == 0 {
		return whole, nil
	}
	return whole + "." + fraction + strings.Repeat("0", t.Scale-len(fraction)), nil
}

func (t Type) parseFloat(text string) (string, error) {
	bits := 64
	if t.Bits == 32 {
		bits = 32
	}
	n, err := strconv.ParseFloat(text, bits)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || strings.ContainsAny(text, "xX_pP") {
		return "", fmt.Errorf("%s is not a number", quote(text))
	}
	if n == 0 {
		n = 0 // -0 and 0 are one value
	}
	return strconv.FormatFloat(n, 'g', -1, bits), nil
}

func (t Type) parseString(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("the text is not valid UTF-8")
	}
	if t.Length > 0 && len(text) > t.Length {
		if n := utf8.RuneCountInString(text); n > t.Length {
			return "", fmt.Errorf("%d characters are more than the %d that fit", n, t.Length)
		}
	}
	if t.JSON && text != "" && !json.Valid([]byte(text)) {
		return "", fmt.Errorf("%s is not valid JSON", quote(text))
	}
	if len(t.Values) > 0 && text != "" && !contains(t.Values, text) {
		return "", fmt.Errorf("%s is not one of %s", quote(text), strings.Join(t.Values, ", "))
	}
	return text, nil
}

func (t Type) parseDateTime(text string) (string, error) {
	whole, fraction, err := t.splitFraction(strings.Replace(text, " ", "T", 1))
	if err != nil {
		return "", err
	}
	if len(whole) == len("2006-01-02T15:04") {
		whole += ":00"
	}
	if _, err := time.Parse("2006-01-02T15:04:05", whole); err != nil || whole < "0001" {
		return "", fmt.Errorf("%s is not a date and time like 2026-11-21T07:00:00", quote(text))
	}
	return whole + fraction, nil
}

func (t Type) parseTimestamp(text string) (string, error) {
	at, err := time.Parse(time.RFC3339Nano, strings.Replace(text, " ", "T", 1))
	if err != nil {
		return "", fmt.Errorf("%s is not a moment like 2026-11-21T07:00:00Z", quote(text))
	}
	return t.FormatInstant(at)
}

// FormatInstant returns the canonical text of a Timestamp, or an error when at is finer than the column's fraction.
func (t Type) FormatInstant(at time.Time) (string, error) {
	whole, fraction, err := t.splitFraction(at.UTC().Format("2006-01-02T15:04:05.999999999"))
	if err != nil {
		return "", err
	}
	return whole + fraction + "Z", nil
}

func (t Type) parseTime(text string) (string, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, err := t.splitFraction(digits)
	if err != nil {
		return "", err
	}
	var h, m, s int
	if n, err := fmt.Sscanf(whole, "%d:%d:%d", &h, &m, &s); n < 2 || err != nil && n < 2 || strings.Trim(whole, "0123456789:") != "" ||
		strings.Count(whole, ":") > 2 || h > 838 || m > 59 || s > 59 {
		return "", fmt.Errorf("%s is not a time like 23:59:59", quote(text))
	}
	sign := ""
	if negative && (h+m+s > 0 || strings.Trim(fraction, ".0") != "") {
		sign = "-"
	}
	return fmt.Sprintf("%s%02d:%02d:%02d%s", sign, h, m, s, fraction), nil
}

// splitFraction cuts the fraction of a second from text and gives it exactly t.Fraction digits.
func (t Type) splitFraction(text string) (whole, fraction string, err error) {
	whole, fraction, _ = strings.Cut(text, ".")
	fraction = strings.TrimRight(fraction, "0")
	if strings.Trim(fraction, "0123456789") != "" {
		return "", "", fmt.Errorf("%s is not a time", quote(text))
	}
	if len(fraction) > t.Fraction {
		return "", "", fmt.Errorf("%s is finer than the column's %d digits of a second", quote(text), t.Fraction)
	}
	if t.Fraction == 0 {
		return whole, "", nil
	}
	return whole, "." + fraction + strings.Repeat("0", t.Fraction-len(fraction)), nil
}

// quote shows text within an error message, cut so that a message stays a message.
func quote(text string) string {
	if r := []rune(text); len(r) > 40 {
		text = string(r[:40]) + "…"
	}
	return strconv.Quote(text)
}

func zeroIfEmpty(digits string) string {
	if digits == "" {
		return "0"
	}
	return digits
}

func contains(values []string, text string) bool {
	for _, value := range values {
		if value == text {
			return true
		}
	}
	return false
}
