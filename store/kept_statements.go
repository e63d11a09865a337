package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

// keptStatements is how many statements a connection keeps prepared. A server counts them for all its clients.
const keptStatements = 24

// keeping is the key of contexts whose statements come again and again, with other arguments: connections of MySQL keep them
// prepared, which saves the server reading the text.
type keeping struct{}

// keptQuery is rawQuery, on a pool or a transaction, for a statement that comes again and again. There must be few of them:
// whatever differs is an argument.
func keptQuery(ctx context.Context, pool gorm.ConnPool, sql string, args []any, visit func(row scanner) error) error {
	return queryPool(keep(ctx), pool, sql, args, visit)
}

func keep(ctx context.Context) context.Context { return context.WithValue(ctx, keeping{}, true) }

// prepared is a statement that a connection keeps.
type prepared interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// kept are the prepared statements of one connection, by their text.
type kept struct {
	statements map[string]prepared
	refused    bool // the server has too many, or a proxy before it knows none
}

// find returns the statement prepared, nil where it is to be sent as it is.
func (k *kept) find(ctx context.Context, conn driver.ConnPrepareContext, statement string, args []driver.NamedValue) (prepared, error) {
	if k.refused || ctx.Value(keeping{}) == nil || slices.ContainsFunc(args, isBytes) {
		return nil, nil
	}
	if one := k.statements[statement]; one != nil {
		return one, nil
	}
	if len(k.statements) >= keptStatements {
		k.drop()
	}
	made, err := conn.PrepareContext(ctx, statement)
	var answer *mysql.MySQLError
	if errors.As(err, &answer) {
		// What is wrong with the statement itself, sending it tells.
		k.refused = answer.Number == tooManyPrepared || answer.Number == unknownCommand || answer.Number == cannotPrepare
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one, ok := made.(prepared)
	if !ok {
		return nil, made.Close()
	}
	if k.statements == nil {
		k.statements = map[string]prepared{}
	}
	k.statements[statement] = one
	return one, nil
}

// Errors of MySQL about prepared statements.
const (
	unknownCommand  = 1047
	unknownPrepared = 1243
	cannotPrepare   = 1295
	tooManyPrepared = 1461
	prepareAnew     = 1615
)

// lost reports whether a statement failed only because it is not prepared any more; it had no effect then.
func (k *kept) lost(err error) bool {
	var answer *mysql.MySQLError
	if !errors.As(err, &answer) || answer.Number != unknownPrepared && answer.Number != prepareAnew {
		return false
	}
	k.drop()
	return true
}

// forget has a statement prepared anew when it comes next.
func (k *kept) forget(statement string) {
	if one := k.statements[statement]; one != nil {
		_ = one.Close()
		delete(k.statements, statement)
	}
}

func (k *kept) drop() {
	for _, one := range k.statements {
		_ = one.Close()
	}
	clear(k.statements)
}

// isBytes reports whether an argument is binary, which a prepared statement would send as text.
func isBytes(arg driver.NamedValue) bool {
	_, is := arg.Value.([]byte)
	return is
}
