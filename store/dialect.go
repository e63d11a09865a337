package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	neturl "net/url"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/go-sql-driver/mysql"
	"github.com/tandem-sync/tandem"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// dialect is all that differs between databases: values and functions. A further one is a further value of this struct.
type dialect struct {
	scheme  string
	open    func(address string) (*sql.DB, error)
	look    func(address string) (*sql.DB, error) // open, to read only; nil where no database is
	gorm    func(pool *sql.DB) gorm.Dialector
	version string // query
	server  string // its answer

	singleWriter bool   // transactions that write exclude each other
	forUpdate    string // ends a SELECT whose rows stay locked until the transaction ends
	quoteMark    string // around identifiers

	// Our own tables.
	ownTypes      ownTypes
	inlineIndexes bool // indexes are part of CREATE TABLE
	tableSuffix   string
	upsert        func(keys, columns []string) string // ends an INSERT; no columns: what is there stays
	exclusively   func(db *gorm.DB, do func(tx *gorm.DB) error) error

	// Linked tables. Expressions get a quoted reference to a column, and take and give canonical values.
	catalog  string                     // one line for each column, see introspect.go
	indexes  string                     // one line for each column of a unique index; the key's is called PRIMARY
	json     func(server string) string // columns that hold JSON though their type is another; "" for none
	estimate string                     // the rows of each table, one line a table; "" when they have to be counted
	typeOf   func(native string) tandem.Type
	exact    func(c *tandem.Column, ref string) string // reads the column so that no digit is lost
	place    func(c *tandem.Column) string             // stands for a value that is compared with the column
	bind     func(c *tandem.Column, arg any) (any, error)
	// Keys: see fold.go. A collation is "" where the column has none.
	folds    func(c *tandem.Column, collation string) bool               // holds some different texts equal
	asked    func(c *tandem.Column, collation string) string             // stands for a value, with the column's type and collation
	collated func(ref string, c *tandem.Column, collation string) string // the reference as it is compared
	weight   func(server, collation, ref string) string                  // the same for equal texts, and for few others
	shown    func(c *tandem.Column, ref string) string                   // the text that is left of a value that was asked about
	// returning is whether an INSERT can say which row it made.
	clock     string // query of the database's own time, in microseconds since 1970; "" where it is this machine's
	returning func(server string) bool

	// Foreign keys: see foreign_keys.go and cascades.go.
	foreignKeys  string
	foreignRules string // of the foreign keys of one table, where foreignKeys does not tell them
	// cascadesFire is whether what a foreign key changes by itself fires triggers.
	cascadesFire bool

	// Triggers: see capture.go.
	keyText    func(c *tandem.Column, ref string) string // the key column's text whatever the session's settings are
	triggers   func(c *capture) []trigger
	ownCatalog ownCatalog
	existing   string // query of the triggers of the database: name, table, definition
	// quiet makes the triggers of a link ignore what this connection writes from now on; "" where they cannot.
	quiet func(link int64) string
}

// quote quotes an identifier, which must come from introspection.
func (d *dialect) quote(name string) string {
	return d.quoteMark + strings.ReplaceAll(name, d.quoteMark, d.quoteMark+d.quoteMark) + d.quoteMark
}

func (d *dialect) quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = d.quote(name)
	}
	return strings.Join(quoted, ", ")
}

func mysqlDialect() *dialect {
	return &dialect{
		scheme:      "mysql",
		open:        openMySQL,
		look:        openMySQL,
		version:     "SELECT VERSION()",
		forUpdate:   " FOR UPDATE",
		quoteMark:   "`",
		ownTypes:    mysqlTypes,
		tableSuffix: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC",
		gorm: func(pool *sql.DB) gorm.Dialector {
			return gormmysql.New(gormmysql.Config{Conn: pool})
		},
		inlineIndexes: true,
		upsert: func(keys, columns []string) string {
			sets := []string{keys[0] + " = " + keys[0]}
			for _, column := range columns {
				sets = append(sets, column+" = VALUES("+column+")")
			}
			return " ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ")
		},
		exclusively: mysqlExclusively,
		catalog:     mysqlCatalog,
		indexes:     mysqlIndexes,
		json:        mysqlJSON,
		estimate:    "SELECT TABLE_NAME, COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
		typeOf:      mysqlType,
		exact:       mysqlExact,
		place: func(c *tandem.Column) string {
			if c.Type.Kind == tandem.Decimal { // else compared as floats
				return fmt.Sprintf("CAST(? AS DECIMAL(%d,%d))", c.Type.Precision, c.Type.Scale)
			}
			return "?"
		},
		bind:     func(_ *tandem.Column, arg any) (any, error) { return arg, nil },
		folds:    mysqlFolds,
		asked:    mysqlAsked,
		collated: func(ref string, _ *tandem.Column, _ string) string { return ref },
		weight:   mysqlWeight,
		shown: func(_ *tandem.Column, ref string) string {
			return "CONVERT(CAST(" + ref + " AS CHAR) USING utf8mb4)"
		},
		clock:        "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
		returning:    func(server string) bool { return strings.Contains(server, "MariaDB") },
		foreignKeys:  mysqlForeignKeys,
		foreignRules: mysqlForeignRules,
		keyText:      mysqlKeyText,
		triggers:     mysqlTriggers,
		ownCatalog: ownCatalog{
			columns: "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?",
			indexes: "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?",
		},
		existing: `SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION, ' ', ACTION_STATEMENT)
			FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE 'tandem\_%'`,
		quiet: func(link int64) string { return fmt.Sprintf(setQuiet+"%d", link) },
	}
}

// mysqlExclusively runs do while no other process does. The lock's name is the server's, not the database's.
func mysqlExclusively(db *gorm.DB, do func(tx *gorm.DB) error) error {
	return db.Connection(func(tx *gorm.DB) error {
		held, _, err := queryOne(tx, scanNumber, "SELECT COALESCE(GET_LOCK(CONCAT('tandem ', LEFT(MD5(DATABASE()), 16)), 60), 0)")
		if err != nil {
			return err
		}
		if held != 1 {
			return errors.New("another process has been setting up the tables for a minute")
		}
		defer tx.Exec("DO RELEASE_LOCK(CONCAT('tandem ', LEFT(MD5(DATABASE()), 16)))")
		return do(tx)
	})
}

// mysqlExact reads a column such that nothing of it is lost on the way.
func mysqlExact(c *tandem.Column, ref string) string {
	switch c.Type.Kind {
	case tandem.Float:
		return ref + "+0e0" // a FLOAT is shown with 6 digits, its DOUBLE with all
	case tandem.Date, tandem.DateTime, tandem.Timestamp, tandem.Time:
		return "CAST(" + ref + " AS CHAR)" // the driver would lose zero dates, and hours beyond 24
	}
	if strings.HasPrefix(c.Type.Native, "bit") {
		return ref + "+0" // else it comes as bytes
	}
	return ref
}

func sqliteDialect() *dialect {
	return &dialect{
		scheme:       "sqlite",
		open:         openSQLite,
		look:         lookAtSQLite,
		version:      "SELECT sqlite_version()",
		singleWriter: true,
		quoteMark:    `"`,
		ownTypes:     sqliteTypes,
		gorm:         func(pool *sql.DB) gorm.Dialector { return &sqlite.Dialector{Conn: pool} },
		upsert: func(keys, columns []string) string {
			if len(columns) == 0 {
				return " ON CONFLICT (" + strings.Join(keys, ", ") + ") DO NOTHING"
			}
			sets := make([]string, len(columns))
			for i, column := range columns {
				sets[i] = column + " = excluded." + column
			}
			return " ON CONFLICT (" + strings.Join(keys, ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
		},
		exclusively: func(db *gorm.DB, do func(tx *gorm.DB) error) error { return db.Transaction(do) },
		catalog:     sqliteCatalog,
		indexes:     sqliteIndexes,
		json:        func(string) string { return "" },
		typeOf:      sqliteType,
		exact: func(_ *tandem.Column, ref string) string {
			return "+" + ref // without its declared type, from which the driver would guess times
		},
		place: func(*tandem.Column) string { return "?" },
		bind:  bindSQLite,
		folds: func(c *tandem.Column, collation string) bool {
			return c.Type.Kind == tandem.String && collation != "" && !strings.EqualFold(collation, "BINARY")
		},
		asked: func(*tandem.Column, string) string { return "?" },
		collated: func(ref string, c *tandem.Column, collation string) string {
			if c.Type.Kind != tandem.String || collation == "" {
				return ref
			}
			return ref + ` COLLATE "` + strings.ReplaceAll(collation, `"`, `""`) + `"`
		},
		weight: func(_, _, ref string) string {
			return "lower(rtrim(" + ref + "))"
		},
		shown:        func(_ *tandem.Column, ref string) string { return ref },
		returning:    func(string) bool { return true },
		foreignKeys:  sqliteForeignKeys,
		cascadesFire: true,
		keyText:      sqliteKeyText,
		triggers:     sqliteTriggers,
		ownCatalog:   ownCatalog{columns: "SELECT name FROM pragma_table_info(?)", indexes: "SELECT name FROM pragma_index_list(?)"},
		existing:     `SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'tandem\_%' ESCAPE '\'`,
		quiet:        func(int64) string { return "" },
	}
}

// mysqlConfig reads "//USER:PASS@HOST:PORT/DB?…".
func mysqlConfig(address string) (*mysql.Config, error) {
	url, err := neturl.Parse("mysql:" + address)
	if err != nil || url.Host == "" || strings.Trim(url.Path, "/") == "" {
		return nil, errors.New("the database address must look like mysql://USER:PASS@HOST:PORT/DB; write special characters of the password percent-encoded")
	}
	config, err := mysql.ParseDSN("/?" + url.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("parameters of the database address: %w", err)
	}
	config.User = url.User.Username()
	config.Passwd, _ = url.User.Password()
	config.Net, config.Addr, config.DBName = "tcp", url.Host, strings.Trim(url.Path, "/")
	if url.Port() == "" {
		config.Addr += ":3306"
	}
	return config, nil
}

// openMySQL opens the database at an address that mysqlConfig reads.
func openMySQL(address string) (*sql.DB, error) {
	config, err := mysqlConfig(address)
	if err != nil {
		return nil, err
	}
	// RowsAffected counts rows found, not rows that differ.
	config.ClientFoundRows, config.ParseTime, config.Loc = true, true, time.UTC
	config.InterpolateParams = true // one round trip a statement; safe with utf8mb4
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	pool := sql.OpenDB(session{connector})
	pool.SetMaxOpenConns(32)
	pool.SetMaxIdleConns(8)
	pool.SetConnMaxLifetime(3 * time.Minute) // proxies drop older ones
	return pool, nil
}

// session gives every connection the settings that exact reading and writing rest on, whatever the server's are: strict
// mode, else MySQL cuts values in silence, without NO_ZERO_DATE, since such rows must stay editable; ids of 0 as they are;
// UTC. READ COMMITTED, because SELECT … FOR UPDATE and what is read after it must show rows as they now are, and because
// gap locks for rows that are not there would make concurrent inserts deadlock. Waiting for a lock ends soon, that of DDL
// above all: while CREATE TRIGGER waits for a long transaction, every other statement on the table waits behind it.
type session struct{ driver.Connector }

var sessionSettings = []string{
	"SET NAMES utf8mb4",
	`SET SESSION sql_mode = 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION',
		time_zone = '+00:00', lc_messages = 'en_US', innodb_lock_wait_timeout = 10, lock_wait_timeout = 10, foreign_key_checks = 1, unique_checks = 1`,
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
}

// Connect opens a connection.
func (s session) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range sessionSettings {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			conn.Close()
			return nil, err
		}
	}
	if all, ok := conn.(mysqlConn); ok {
		return &quietConn{mysqlConn: all}, nil
	}
	return conn, nil
}
