package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Limits of one statement with many rows: SQLite takes 32,766 variables, MySQL a packet that may be as small as 4 MB, and
// both get slow beyond a few hundred rows.
const (
	maxStatementRows  = 1000
	maxStatementBytes = 1 << 20
)

// scanner is one row of a result.
type scanner interface{ Scan(into ...any) error }

// query returns the rows of a SELECT.
func query[T any](tx *gorm.DB, scan func(row scanner) (T, error), sql string, args ...any) ([]T, error) {
	rows, err := tx.Raw(sql, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// queryOne returns the first row of a SELECT, and whether there was one.
func queryOne[T any](tx *gorm.DB, scan func(row scanner) (T, error), sql string, args ...any) (one T, found bool, err error) {
	all, err := query(tx, scan, sql, args...)
	if err != nil || len(all) == 0 {
		return one, false, err
	}
	return all[0], true, nil
}

// scanText reads a single column of text, NULL as "".
func scanText(row scanner) (string, error) {
	var text *string
	if err := row.Scan(&text); err != nil || text == nil {
		return "", err
	}
	return *text, nil
}

// insertRows runs head + "(?,?),(?,?)…" + tail for all rows, many to a statement. The head ends with VALUES. It goes by
// gorm's connection, since gorm would take the statement apart once more for each argument.
func insertRows(tx *gorm.DB, head string, rows [][]any, tail string) error {
	for len(rows) > 0 {
		n, bytes := 0, 0
		for n < len(rows) && n < maxStatementRows && bytes < maxStatementBytes {
			bytes += sizeOf(rows[n])
			n++
		}
		one := "(" + questionMarks(len(rows[0])) + ")"
		args := make([]any, 0, n*len(rows[0]))
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if _, err := rawExec(tx, head+" "+strings.Repeat(one+",", n-1)+one+tail, args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// questionMarks are the question marks that stand for n arguments.
func questionMarks(n int) string { return strings.Repeat("?,", n-1) + "?" }

func sizeOf(row []any) int {
	size := 0
	for _, value := range row {
		switch v := value.(type) {
		case string:
			size += len(v)
		case *string:
			if v != nil {
				size += len(*v)
			}
		}
	}
	return size
}

// inBatches calls do with a few hundred of all at a time, for statements with IN (?).
func inBatches[T any](all []T, do func(batch []T) error) error {
	for len(all) > 0 {
		n := min(len(all), maxStatementRows)
		if err := do(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// toJSON returns v as JSON text, nil for nil: a NULL in the table.
func toJSON[T any](v *T) (*string, error) {
	if v == nil {
		return nil, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	text := string(data)
	return &text, nil
}

// fromJSON reads what toJSON wrote; nil for NULL.
func fromJSON[T any](text *string) (*T, error) {
	if text == nil {
		return nil, nil
	}
	v := new(T)
	if err := json.Unmarshal([]byte(*text), v); err != nil {
		return nil, fmt.Errorf("decode %T: %w", v, err)
	}
	return v, nil
}

// wrap makes of an error what may leave the package: it is translated, and says what was being done. Errors for users stay
// as they are. It is for the outside of transactions, which must see the driver's own errors.
func wrap(err error, format string, args ...any) error {
	var known *tandem.Error
	if err = translate(err); err == nil || errors.As(err, &known) {
		return err
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
