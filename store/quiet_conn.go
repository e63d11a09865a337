package store

import (
	"context"
	"database/sql/driver"
	"strings"
)

// setQuiet is how a connection is told whose triggers are to ignore what it writes; see dialect.quiet.
const setQuiet = "SET @tandem_link = "

// mysqlConn is all that the driver's connections can do.
type mysqlConn interface {
	driver.Conn
	driver.Pinger
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

// quietConn is a connection that remembers for which link it is quiet, so that it is told once and not before every write.
// Nothing else sets that variable of the session, and a session ends with its connection. So do the statements that it keeps.
type quietConn struct {
	mysqlConn
	quiet    string
	kept     kept
	unbegun  bool // a transaction that the server is not told of yet; see late_begin.go
	noBlocks bool // the server prepares no compound statements
}

// ExecContext runs a statement, unless it would set what is set.
func (c *quietConn) ExecContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	if !strings.HasPrefix(statement, setQuiet) {
		return c.run(ctx, statement, args)
	}
	if c.quiet == statement {
		return nothingDone{}, nil
	}
	c.quiet = ""
	result, err := c.mysqlConn.ExecContext(ctx, statement, args)
	if err == nil {
		c.quiet = statement
	}
	return result, err
}

func (c *quietConn) run(ctx context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	one, err := c.kept.find(ctx, c.mysqlConn, statement, args)
	if err != nil {
		return nil, err
	}
	if one != nil {
		if result, err := one.ExecContext(ctx, args); !c.kept.lost(err) {
			return result, err
		}
	}
	return c.mysqlConn.ExecContext(ctx, statement, args)
}

// QueryContext runs a statement that returns rows.
func (c *quietConn) QueryContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	if ctx.Value(opens{}) != nil {
		return c.open(ctx, statement, args)
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	one, err := c.kept.find(ctx, c.mysqlConn, statement, args)
	if err != nil {
		return nil, err
	}
	if one != nil {
		if rows, err := one.QueryContext(ctx, args); !c.kept.lost(err) {
			return rows, err
		}
	}
	return c.mysqlConn.QueryContext(ctx, statement, args)
}

// nothingDone is the result of a statement that needed not be run.
type nothingDone struct{}

// LastInsertId is none.
func (nothingDone) LastInsertId() (int64, error) { return 0, nil }

// RowsAffected is none.
func (nothingDone) RowsAffected() (int64, error) { return 0, nil }
