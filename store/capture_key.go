package store

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
)

// decodeRawKey returns the key that a trigger wrote as the database spells its parts, joined by "~1" with "~" inside a
// part written "~0". It fails when the key's columns are no longer those that the trigger was made for.
func (t *Table) decodeRawKey(raw string) (tandem.Key, error) {
	parts := strings.Split(raw, "~1")
	if len(parts) != len(t.key) {
		return "", fmt.Errorf("the marked key %q has not %d parts", raw, len(t.key))
	}
	values := make([]tandem.Value, len(parts))
	for i, part := range parts {
		c := &t.fields[t.key[i]]
		value, err := t.decodePart(c, strings.ReplaceAll(part, "~0", "~"))
		if err != nil {
			return "", fmt.Errorf("the marked key %q: %s: %w", raw, c.Name, err)
		}
		values[i] = value
	}
	return tandem.MakeKey(values...), nil
}

func (t *Table) decodePart(c *tandem.Column, text string) (tandem.Value, error) {
	switch c.Type.Kind {
	case tandem.String:
		return tandem.Text(text), nil
	case tandem.Bytes: // as HEX
		data, err := hex.DecodeString(text)
		if err != nil {
			return tandem.Absent, err
		}
		return t.store.dialect.decode(c, data), nil
	case tandem.Timestamp: // as UNIX_TIMESTAMP
		seconds, fraction, _ := strings.Cut(text, ".")
		whole, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil {
			return tandem.Absent, err
		}
		nanos, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if err != nil {
			return tandem.Absent, err
		}
		text, err := c.Type.FormatInstant(time.Unix(whole, nanos))
		return tandem.Text(text), err
	case tandem.Decimal: // SQLite writes small and large ones with an exponent
		if n, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, "eE") {
			text = strconv.FormatFloat(n, 'f', -1, 64)
		}
	}
	value := t.store.dialect.decode(c, text)
	if value.IsInvalid() {
		return value, fmt.Errorf("%q is not a value of type %s", text, c.Type.Kind)
	}
	return value, nil
}
