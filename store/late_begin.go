package store

import (
	"context"
	"database/sql/driver"
	"errors"
)

// A transaction of a single statement, as most writes of the API are, takes three round trips: BEGIN, the statement, COMMIT. A
// connection of MySQL saves the first where the transaction's context is late: it says nothing when the transaction begins,
// and lets a statement that opens it begin it on the server, as part of itself. Any other statement that comes first is
// preceded by START TRANSACTION.

// late is the key of contexts of transactions that a statement is to begin, opens that of the statement's.
type (
	late  struct{}
	opens struct{}
)

// errNotOpened is the answer to a statement that was to open its transaction and could not: nothing was done, and the
// transaction goes on with other statements.
var errNotOpened = errors.New("the transaction could not be opened by its first statement")

func lateContext(ctx context.Context) context.Context { return context.WithValue(ctx, late{}, true) }

// BeginTx begins a transaction.
func (c *quietConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if ctx.Value(late{}) == nil || options != (driver.TxOptions{}) {
		return c.mysqlConn.BeginTx(ctx, options)
	}
	c.unbegun = true
	return lateTx{c}, nil
}

// begin tells the server of a transaction that it does not know of yet.
func (c *quietConn) begin(ctx context.Context) error {
	if !c.unbegun {
		return nil
	}
	if _, err := c.mysqlConn.ExecContext(ctx, "START TRANSACTION", nil); err != nil {
		return err
	}
	c.unbegun = false
	return nil
}

// open runs a compound statement that begins its transaction. After an error nothing of it is left, and the transaction is
// still to be begun.
func (c *quietConn) open(ctx context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	if !c.unbegun || c.noBlocks || c.kept.refused {
		return nil, errNotOpened
	}
	one, err := c.kept.find(keep(ctx), c.mysqlConn, statement, args)
	if err != nil {
		return nil, err
	}
	if one == nil {
		c.kept.refused, c.noBlocks = false, true
		return nil, errNotOpened
	}
	rows, err := one.QueryContext(ctx, args)
	if err == nil {
		c.unbegun = false
		return rows, nil
	}
	if c.kept.lost(err) {
		return nil, errNotOpened
	}
	c.kept.forget(statement) // the server may have kept what a table or a trigger was like
	if _, broken := c.mysqlConn.ExecContext(ctx, "ROLLBACK", nil); broken != nil {
		_ = c.mysqlConn.Close()
	}
	return nil, err
}

// lateTx is a transaction that the server may not know of.
type lateTx struct{ c *quietConn }

// Commit ends the transaction.
func (t lateTx) Commit() error { return t.end("COMMIT") }

// Rollback ends the transaction and undoes it.
func (t lateTx) Rollback() error { return t.end("ROLLBACK") }

func (t lateTx) end(how string) error {
	if t.c.unbegun {
		t.c.unbegun = false
		return nil
	}
	_, err := t.c.mysqlConn.ExecContext(context.Background(), how, nil)
	return err
}
