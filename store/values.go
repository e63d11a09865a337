package store

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// decode returns what the driver read of a column as a value. What cannot be a value of the column's type (a zero date, 2
// in a BOOLEAN, text in an INTEGER of SQLite) is invalid: shown, and never written anywhere.
func (d *dialect) decode(c *tandem.Column, raw any) tandem.Value {
	if raw == nil {
		return tandem.Null
	}
	data, isBytes := raw.([]byte)
	switch c.Type.Kind {
	case tandem.Bytes:
		if !isBytes {
			return tandem.Invalid(fmt.Sprint(raw))
		}
		return tandem.Text(base64.StdEncoding.EncodeToString(data))
	case tandem.String:
		if isBytes && d.scheme == "sqlite" { // a BLOB, not a text
			return tandem.Invalid("0x" + hex.EncodeToString(data[:min(len(data), 40)]))
		}
		text := rawText(raw)
		if !utf8.ValidString(text) {
			return tandem.Invalid(strings.ToValidUTF8(text, "\uFFFD"))
		}
		return tandem.Text(text)
	case tandem.Unknown: // only ever shown in history
		if text := rawText(raw); utf8.ValidString(text) {
			return tandem.Text(text)
		}
		return tandem.Text(base64.StdEncoding.EncodeToString(data))
	}
	text := rawText(raw)
	value, err := c.Type.Parse(d.spelling(c, raw, text))
	if err != nil {
		return tandem.Invalid(text)
	}
	return value
}

// spelling turns the database's spelling of a value into one that Type.Parse reads.
func (d *dialect) spelling(c *tandem.Column, raw any, text string) string {
	switch c.Type.Kind {
	case tandem.Decimal:
		if n, ok := raw.(float64); ok {
			return strconv.FormatFloat(n, 'f', -1, 64)
		}
	case tandem.Float:
		if n, ok := raw.(int64); ok && (n > 1<<53 || n < -1<<53) {
			return "an integer of more than 53 bits" // would be rounded
		}
		if n, err := strconv.ParseFloat(text, 64); err == nil && c.Type.Bits == 32 && !math.IsInf(float64(float32(n)), 0) {
			return strconv.FormatFloat(n, 'g', -1, 32)
		}
	case tandem.Timestamp:
		return strings.Replace(text, " ", "T", 1) + "Z" // every session is in UTC
	case tandem.DateTime:
		if d.scheme == "sqlite" {
			return withoutZone(text)
		}
	case tandem.Date:
		// Programs that know only date-times store dates as midnights.
		if whole, rest, ok := strings.Cut(strings.Replace(text, "T", " ", 1), " "); ok && d.scheme == "sqlite" && strings.Trim(rest, "0:.+Z") == "" {
			return whole
		}
	}
	return text
}

// withoutZone returns the date-time in UTC of a text that names a zone, as Go and JavaScript programs store them.
func withoutZone(text string) string {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Format("2006-01-02T15:04:05.999999999")
		}
	}
	return text
}

// rawText is what the driver gave as text. Drivers give numbers as numbers or as text, depending on the statement.
func rawText(raw any) string {
	switch v := raw.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999999")
	}
	return fmt.Sprint(raw)
}

// encode returns the argument that writes a value into a column, or, in words, why the column cannot hold it.
func (d *dialect) encode(c *tandem.Column, value tandem.Value) (any, error) {
	switch {
	case value.IsInvalid():
		return nil, fmt.Errorf("%q is not a value of type %s", shorten(value.Text()), c.Type.Kind)
	case value.IsNull(), value.IsEmpty() && c.Type.Kind != tandem.String && c.Type.Kind != tandem.Bytes:
		return nil, nil
	}
	canonical, err := c.Type.Parse(value.Text())
	if err != nil {
		return nil, err
	}
	arg, err := argument(&c.Type, canonical.Text())
	if err != nil {
		return nil, err
	}
	return d.bind(c, arg)
}

// argument returns canonical text as what drivers write exactly.
func argument(t *tandem.Type, text string) (any, error) {
	switch t.Kind {
	case tandem.Int, tandem.Year:
		if t.Unsigned {
			return strconv.ParseUint(text, 10, 64)
		}
		return strconv.ParseInt(text, 10, 64)
	case tandem.Float:
		if t.Bits == 32 {
			return strconv.ParseFloat(text, 32)
		}
		return strconv.ParseFloat(text, 64)
	case tandem.Bool:
		if text == "true" {
			return int64(1), nil
		}
		return int64(0), nil
	case tandem.DateTime, tandem.Timestamp:
		return strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "Z"), nil
	case tandem.Bytes:
		return base64.StdEncoding.DecodeString(text)
	}
	return text, nil
}

// bindSQLite turns what SQLite would change in silence into an error, and writes date-times as its own functions do.
func bindSQLite(c *tandem.Column, arg any) (any, error) {
	switch v := arg.(type) {
	case uint64:
		if v > math.MaxInt64 {
			return nil, fmt.Errorf("%d is larger than SQLite's integers", v)
		}
		return int64(v), nil
	case string:
		if c.Type.Kind == tandem.DateTime && len(parseNative(c.Type.Native).numbers) == 0 {
			return strings.TrimSuffix(v, ".000"), nil
		}
	case []byte:
		if len(v) == 0 {
			return []byte{}, nil // nil would be NULL
		}
	}
	return arg, nil
}

// shorten keeps messages short.
func shorten(text string) string {
	if r := []rune(text); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return text
}

// rawQuery runs a SELECT about a linked table. It goes by gorm's connection, not by gorm's Raw, which would take a ? or @
// within a quoted name for the place of an argument.
func rawQuery(tx *gorm.DB, sql string, args []any, visit func(row scanner) error) error {
	return queryPool(tx.Statement.Context, tx.Statement.ConnPool, sql, args, visit)
}

func queryPool(ctx context.Context, pool gorm.ConnPool, sql string, args []any, visit func(row scanner) error) error {
	rows, err := pool.QueryContext(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// rawExec runs a statement about a linked table; see rawQuery. It returns the id that an INSERT generated, if any.
func rawExec(tx *gorm.DB, sql string, args []any) (lastID int64, err error) {
	result, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, sql, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}
