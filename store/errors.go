package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"regexp"
	"strings"

	gosqlite "github.com/glebarez/go-sqlite"
	"github.com/go-sql-driver/mysql"
	"github.com/tandem-sync/tandem"
)

// Numbers of MySQL's and MariaDB's errors.
const (
	mysqlLockTimeout = 1205
	mysqlDeadlock    = 1213
	mysqlChanged     = 1020 // MariaDB: the record has changed since it was read
	mysqlTriggerLog  = 1419
)

// Primary and extended result codes of SQLite.
const (
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteFull       = 13
	sqliteTooBig     = 18
	sqliteConstraint = 19
	sqliteMismatch   = 20
)

// retryable reports whether the same transaction may well succeed when it is run again.
func retryable(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return my.Number == mysqlDeadlock || my.Number == mysqlLockTimeout || my.Number == mysqlChanged
	}
	var lite *gosqlite.Error
	if errors.As(err, &lite) {
		code := lite.Code() & 0xff
		return code == sqliteBusy || code == sqliteLocked
	}
	return false
}

// translate turns what a caller can do something about into a *tandem.Error; other errors stay as they are.
func translate(err error) error {
	var known *tandem.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if retryable(err) {
		return tandem.Errorf(tandem.CodeUnavailable, "DATABASE_BUSY", "the database is busy with other writes to the same rows; try again")
	}
	var network net.Error
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.As(err, &network) {
		return tandem.Errorf(tandem.CodeUnavailable, "DATABASE_UNREACHABLE", "the database cannot be reached: %v", err)
	}
	var my *mysql.MySQLError
	if !errors.As(err, &my) {
		return err
	}
	switch my.Number {
	case 1040, 1053, 1203: // too many connections, shutting down
		return tandem.Errorf(tandem.CodeUnavailable, "DATABASE_UNREACHABLE", "the database takes no connection: %s", my.Message)
	case 1045, 1698:
		return tandem.Errorf(tandem.CodePermission, "DATABASE_PASSWORD", "the database does not accept the user or the password (%s)", my.Message)
	case 1044, 1142, 1143, 1227, 1370:
		return tandem.Errorf(tandem.CodePermission, "DATABASE_PRIVILEGE", "the database account lacks a privilege: %s", my.Message)
	case 1290, 1836:
		return tandem.Errorf(tandem.CodePrecondition, "DATABASE_READ_ONLY", "the database is read-only: %s", my.Message)
	case mysqlTriggerLog:
		return tandem.Errorf(tandem.CodePrecondition, "TRIGGERS_NOT_ALLOWED", "the server lets only administrators create triggers while its binary log is on (error 1419). "+
			"Set log_bin_trust_function_creators = 1 (on hosted servers in their parameter settings), or GRANT SUPER to the account")
	}
	return err
}

// refusal is why a table will not take a row: in words, and, where known, the column concerned.
type refusal struct {
	err    *tandem.Error
	column string
	// later means that another row may make this one acceptable: a parent that is not there yet, a value still taken.
	later bool
	// taken means that a row with the same primary key is there.
	taken bool
}

// refuse explains an error of a write to t. It returns nil when the error is not about the row: then the transaction has
// failed as a whole.
func (t *Table) refuse(err error) *refusal {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return t.refuseMySQL(my)
	}
	var lite *gosqlite.Error
	if errors.As(err, &lite) {
		return t.refuseSQLite(lite)
	}
	return nil
}

// invalid refuses a row for what it holds itself; trying again is of no use.
func (t *Table) invalid(column, format string, args ...any) *refusal {
	return &refusal{err: fieldError(column, format, args...), column: column}
}

// fieldError names the column as requests of the API do; without one, the whole row is meant.
func fieldError(column, format string, args ...any) *tandem.Error {
	if column == "" {
		return tandem.Errorf(tandem.CodeInvalid, "ROW_REFUSED", "the database refused the row: "+format, args...)
	}
	err := tandem.InvalidField("row.values."+column, format, args...)
	err.Message = "the column " + column + " was refused: " + err.Fields[0].Description
	return err
}

// conflict is a refusal for what other rows hold.
func (t *Table) conflict(code tandem.Code, reason, column, format string, args ...any) *refusal {
	err := tandem.Errorf(code, reason, format, args...)
	if column != "" {
		err.Fields = []tandem.FieldViolation{{Field: "row.values." + column, Description: err.Message}}
	}
	return &refusal{err: err, column: column, later: true}
}

// Only the messages, which our sessions ask for in English, name columns and indexes. One that does not match costs the name,
// not the refusal.
var (
	mysqlColumn  = regexp.MustCompile("(?i)(?:column|field) (?:[`'\"][^`']*[`'\"]\\.)*[`'\"]([^`'\"]+)[`'\"]")
	mysqlIndex   = regexp.MustCompile(`for key '(?:.*\.)?([^']+)'$`)
	mysqlForeign = regexp.MustCompile("FOREIGN KEY \\(`([^`]+)`.* REFERENCES `([^)]+)`")
	mysqlChild   = regexp.MustCompile("\\(`[^`]+`\\.`([^`]+)`")
)

func match(pattern *regexp.Regexp, text string) string {
	if found := pattern.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// refuseMySQL knows the errors that are about one row. What is not listed fails the transaction: a deadlock, a lost
// connection or a full disk must never be taken for a bad row.
func (t *Table) refuseMySQL(err *mysql.MySQLError) *refusal {
	column := match(mysqlColumn, err.Message)
	if t.info.Column(column) == nil {
		column = ""
	}
	switch err.Number {
	case 1048, 1364, 1263: // NOT NULL, no default
		return t.invalid(column, "it may not be empty")
	case 1264, 1690:
		return t.invalid(column, "the value is out of the column's range")
	case 1406:
		return t.invalid(column, "the value is too long")
	case 1265, 1292, 1366, 1411, 1416, 3140, 3141, 3156, 1525, 1367:
		return t.invalid(column, "the column cannot hold the value (%s)", err.Message)
	case 1062, 1022, 1586:
		return t.duplicate(match(mysqlIndex, err.Message))
	case 1452, 1216:
		found := mysqlForeign.FindStringSubmatch(err.Message)
		if found == nil {
			return t.conflict(tandem.CodePrecondition, "FOREIGN_KEY", "", "a row that it refers to is not there")
		}
		return t.conflict(tandem.CodePrecondition, "FOREIGN_KEY", found[1], "the row that %s refers to is not in the table %s",
			found[1], strings.Split(found[2], "`")[0])
	case 1451, 1217:
		return t.conflict(tandem.CodePrecondition, "FOREIGN_KEY", "", "rows of the table %q refer to it", match(mysqlChild, err.Message))
	case 3819, 4025, 1369:
		return t.invalid("", "a rule (CHECK) of the table does not allow it: %s", err.Message)
	case 1644, 1643, 1105:
		return t.invalid("", "%s", err.Message)
	case 1906, 3105:
		return t.invalid(column, "it is computed by the database")
	case 1118, 1153, 1301:
		return t.invalid("", "the row is too large (%s)", err.Message)
	case 1442, 1336, 1305, 1146, 1054: // a trigger of the table that does not work
		return t.invalid("", "%s", err.Message)
	}
	if string(err.SQLState[:]) == "45000" {
		return t.invalid("", "%s", err.Message)
	}
	return nil
}

// duplicate explains that a unique index holds the value already.
func (t *Table) duplicate(index string) *refusal {
	columns := t.unique[index]
	if index == "PRIMARY" || sameColumns(columns, t.info.Key) {
		r := t.conflict(tandem.CodeAlreadyExists, "ROW_EXISTS", t.info.Key[0], "a row with this key is there already")
		r.taken = true
		return r
	}
	if len(columns) == 0 {
		return t.conflict(tandem.CodeAlreadyExists, "DUPLICATE_VALUE", "", "another row has the same values in the unique index %q", index)
	}
	return t.conflict(tandem.CodeAlreadyExists, "DUPLICATE_VALUE", columns[0], "another row has the same %s", strings.Join(columns, " and "))
}

func sameColumns(a, b []string) bool {
	return strings.Join(a, "\x00") == strings.Join(b, "\x00")
}

// refuseSQLite reads "constraint failed: UNIQUE constraint failed: t.a, t.b (2067)".
func (t *Table) refuseSQLite(err *gosqlite.Error) *refusal {
	code, message := err.Code(), err.Error()
	if i := strings.LastIndex(message, " ("); i > 0 {
		message = message[:i]
	}
	_, detail, _ := strings.Cut(message, "constraint failed: ")
	kind, rest, _ := strings.Cut(detail, " constraint failed: ")
	switch {
	case code&0xff == sqliteTooBig:
		return t.invalid("", "the row is too large")
	case code&0xff == sqliteMismatch:
		return t.invalid("", "the key must be a whole number")
	case code&0xff != sqliteConstraint:
		return nil
	}
	switch kind {
	case "UNIQUE", "PRIMARY KEY":
		var columns []string
		for _, name := range strings.Split(rest, ", ") {
			columns = append(columns, strings.TrimPrefix(name, t.info.Name+"."))
		}
		t := *t
		t.unique = map[string][]string{rest: columns}
		return t.duplicate(rest)
	case "NOT NULL":
		return t.invalid(strings.TrimPrefix(rest, t.info.Name+"."), "it may not be empty")
	case "CHECK":
		return t.invalid("", "a rule (CHECK) of the table does not allow it: %s", rest)
	}
	if strings.HasPrefix(detail, "FOREIGN KEY") {
		return t.conflict(tandem.CodePrecondition, "FOREIGN_KEY", "", "a row that it refers to is not there, or other rows refer to it")
	}
	return t.invalid("", "%s", detail)
}
