package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tandem-sync/tandem"
)

// keyOf returns the key of a row in the log, in the very spelling of Table. Of a row of which the log has only what changed,
// the rest is before's. An error means that the row cannot be told: the whole table is looked at then.
func (r *logReader) keyOf(ctx context.Context, l *layout, row, before *loggedRow) (tandem.Key, error) {
	values := make([]tandem.Value, len(l.key))
	for i := range l.key {
		c := &l.key[i]
		from := row
		if !row.has(c.at) {
			from = before
		}
		if from == nil || !from.has(c.at) {
			return "", fmt.Errorf("the log has no value of column %q", c.Name)
		}
		value, err := r.decodeLogged(ctx, c, from.values[c.at])
		if err != nil {
			return "", fmt.Errorf("column %q: %w", c.Name, err)
		}
		values[i] = value
	}
	return tandem.MakeKey(values...), nil
}

// loggedRow is one image of a row; what the log left out of it is in without.
type loggedRow struct {
	values  []any
	without []int
}

func (r *loggedRow) has(column int) bool {
	return column < len(r.values) && !slices.Contains(r.without, column)
}

// decodeLogged returns what the library made of a column as a value. The log has numbers without their sign's meaning, texts
// in the column's own character set, and ENUMs as numbers.
func (r *logReader) decodeLogged(ctx context.Context, c *keyColumn, raw any) (tandem.Value, error) {
	var err error
	native := strings.ToLower(c.Type.Native)
	switch c.Type.Kind {
	case tandem.Int, tandem.Bool, tandem.Year:
		raw, err = loggedNumber(c, native, raw)
	case tandem.String:
		raw, err = r.loggedText(ctx, c, native, raw)
	case tandem.Bytes:
		text, ok := raw.(string)
		if !ok {
			return tandem.Absent, fmt.Errorf("%T is not binary", raw)
		}
		if strings.HasPrefix(native, "binary") { // the log leaves zeros at the end out
			text += strings.Repeat("\x00", max(0, c.Type.Length-len(text)))
		}
		raw = []byte(text)
	case tandem.Timestamp:
		if r.packed {
			return tandem.Absent, errors.New("a time in a compressed transaction is in no known zone")
		}
	}
	if err != nil {
		return tandem.Absent, err
	}
	value := r.store.dialect.decode(&c.Column, raw)
	if value.IsInvalid() || value.IsNull() {
		return value, fmt.Errorf("it is not a value of type %s", c.Type.Kind)
	}
	return value, nil
}

// loggedNumber spells a number as the column means it.
func loggedNumber(c *keyColumn, native string, raw any) (any, error) {
	var n int64
	bits := c.Type.Bits
	switch v := raw.(type) {
	case int8:
		n = int64(v)
	case int16:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	case int:
		n = int64(v)
	default:
		return nil, fmt.Errorf("%T is not a number", raw)
	}
	if c.Type.Unsigned && n < 0 || strings.HasPrefix(native, "bit") {
		if bits == 0 || bits >= 64 {
			return strconv.FormatUint(uint64(n), 10), nil
		}
		return strconv.FormatUint(uint64(n)&(1<<bits-1), 10), nil
	}
	return strconv.FormatInt(n, 10), nil
}

func (r *logReader) loggedText(ctx context.Context, c *keyColumn, native string, raw any) (any, error) {
	switch v := raw.(type) {
	case int64:
		switch {
		case len(c.Type.Values) == 0 || v < 0 || v > int64(len(c.Type.Values)):
			return nil, fmt.Errorf("%d is none of its values", v)
		case v == 0:
			return "", nil
		}
		return c.Type.Values[v-1], nil
	case []byte:
		raw = string(v)
	}
	text, ok := raw.(string)
	if !ok {
		return nil, fmt.Errorf("%T is not a text", raw)
	}
	switch native {
	case "uuid":
		if strings.HasPrefix(r.store.dialect.server, "10.7.") || strings.HasPrefix(r.store.dialect.server, "10.8.") || strings.HasPrefix(r.store.dialect.server, "10.9.") {
			return nil, errors.New("early versions of the type are not read from the log")
		}
		return loggedUUID(text)
	case "inet4", "inet6":
		return nil, errors.New("addresses are not read from the log")
	}
	switch {
	case c.charset == "utf8mb4" || c.charset == "utf8mb3" || c.charset == "utf8" || c.charset == "ascii",
		asciiCharsets[c.charset] && isASCII(text):
		return text, nil
	}
	// The server knows its character sets best.
	return r.converted(ctx, c.charset, text)
}

// asciiCharsets have ASCII as their first half.
var asciiCharsets = map[string]bool{"latin1": true, "latin2": true, "latin5": true, "latin7": true, "cp1250": true, "cp1251": true, "cp1256": true, "cp1257": true,
	"cp850": true, "cp852": true, "cp866": true, "koi8r": true, "koi8u": true, "greek": true, "hebrew": true, "macce": true, "macroman": true, "gbk": true,
	"gb2312": true, "gb18030": true, "big5": true, "euckr": true, "ujis": true, "eucjpms": true}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

// converted asks the server for a text in another character set.
func (r *logReader) converted(ctx context.Context, charset, text string) (string, error) {
	if charset == "" || strings.Trim(charset, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return "", fmt.Errorf("its character set %q is not known", charset)
	}
	converted, _, err := queryOne(r.store.db.WithContext(ctx), scanText, "SELECT CONVERT(_"+charset+" x'"+hex.EncodeToString([]byte(text))+"' USING utf8mb4)")
	return converted, wrap(err, "convert from character set %s", charset)
}

// loggedUUID spells a UUID of MariaDB, whose log leaves zeros at the end out.
func loggedUUID(stored string) (string, error) {
	if len(stored) > 16 {
		return "", fmt.Errorf("%d bytes are no UUID", len(stored))
	}
	h := hex.EncodeToString([]byte(stored + strings.Repeat("\x00", 16-len(stored))))
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), nil
}
