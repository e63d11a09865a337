package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/tandem-sync/tandem"
)

// TryBinlog tries everything that capture by the binary log needs of the server and of the account. It returns in words what
// it found, or an error that says what is missing and how to give it. The store must have been opened with ByBinlog.
func (s *Store) TryBinlog(ctx context.Context) (found []string, err error) {
	if s.binlog == nil {
		return nil, tandem.Errorf(tandem.CodePrecondition, "BINLOG", "capture by the binary log is not asked for; give --capture=binlog")
	}
	settings, err := s.logSettings(ctx)
	if err != nil {
		return nil, wrap(err, "read the server's settings")
	}
	if err := s.logSuits(settings); err != nil {
		return nil, err
	}
	if err := s.logHasDatabase(ctx); err != nil {
		return nil, err
	}
	if err := s.tryReading(ctx); err != nil {
		return nil, err
	}
	found = []string{fmt.Sprintf("on, with rows (binlog_format ROW, binlog_row_image %s), and the account may read it", settings["binlog_row_image"])}
	if settings["binlog_row_metadata"] == "FULL" {
		found = append(found, "names its columns (binlog_row_metadata FULL)")
	} else {
		found = append(found, "does not name its columns (binlog_row_metadata is not FULL): they are taken from the catalog by their order")
	}
	return append(found, retention(settings)), nil
}

func (s *Store) logSettings(ctx context.Context) (map[string]string, error) {
	settings := map[string]string{}
	err := rawQuery(s.db.WithContext(ctx), `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format', 'binlog_row_image', 'binlog_row_metadata',
		'gtid_mode', 'binlog_order_commits', 'expire_logs_days', 'binlog_expire_logs_seconds')`, nil, func(row scanner) error {
		var name, value string
		err := row.Scan(&name, &value)
		settings[strings.ToLower(name)] = strings.ToUpper(value)
		return err
	})
	return settings, err
}

// logSuits checks settings that the reader rests on. That commits become visible in the order of the log is what a mark means.
func (s *Store) logSuits(settings map[string]string) error {
	missing := func(format string, args ...any) error {
		return tandem.Errorf(tandem.CodePrecondition, "BINLOG", "capture by the binary log is not possible: "+format+"; or leave it at --capture=triggers", args...)
	}
	switch {
	case settings["log_bin"] != "ON":
		return missing("the server's binary log is off. Start the server with log_bin (on hosted servers backups turn it on)")
	case settings["binlog_format"] != "" && settings["binlog_format"] != "ROW":
		return missing("binlog_format is %s. SET GLOBAL binlog_format = 'ROW', in the server's configuration too", settings["binlog_format"])
	case s.flavor() == gomysql.MySQLFlavor && settings["gtid_mode"] != "ON":
		return missing("gtid_mode is %s. Turn GTIDs on (gtid_mode = ON, enforce_gtid_consistency = ON)", settings["gtid_mode"])
	case settings["binlog_order_commits"] == "OFF":
		return missing("binlog_order_commits is OFF. SET GLOBAL binlog_order_commits = ON")
	}
	return nil
}

// logHasDatabase fails when filters keep the database's changes out of the log.
func (s *Store) logHasDatabase(ctx context.Context) error {
	database, err := s.ask(ctx, "SELECT DATABASE()")
	if err != nil {
		return wrap(err, "ask for the database's name")
	}
	status := "SHOW MASTER STATUS"
	if s.flavor() == gomysql.MySQLFlavor && !strings.HasPrefix(s.dialect.server, "5.") && !strings.HasPrefix(s.dialect.server, "8.0") {
		status = "SHOW BINARY LOG STATUS"
	}
	var only, without string
	rows, err := s.db.WithContext(ctx).Statement.ConnPool.QueryContext(ctx, status)
	if err != nil {
		return s.notAllowed(translate(err))
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return wrap(err, "read the state of the binary log")
	}
	for rows.Next() {
		values := make([]any, len(columns))
		texts := make([]*string, len(columns))
		for i := range values {
			values[i] = &texts[i]
		}
		if err := rows.Scan(values...); err != nil {
			return wrap(err, "read the state of the binary log")
		}
		for i, name := range columns {
			if texts[i] != nil && name == "Binlog_Do_DB" {
				only = *texts[i]
			}
			if texts[i] != nil && name == "Binlog_Ignore_DB" {
				without = *texts[i]
			}
		}
	}
	if err := rows.Err(); err != nil {
		return wrap(err, "read the state of the binary log")
	}
	if only != "" && !slices.Contains(strings.Split(only, ","), database) || slices.Contains(strings.Split(without, ","), database) {
		return tandem.Errorf(tandem.CodePrecondition, "BINLOG", "the server leaves the database %q out of its binary log (binlog_do_db %q, binlog_ignore_db %q); change that, "+
			"or leave it at --capture=triggers", database, only, without)
	}
	return nil
}

// notAllowed says which privileges the reader needs.
func (s *Store) notAllowed(err error) error {
	return tandem.Errorf(tandem.CodePermission, "BINLOG_PRIVILEGE", "the account may not read the binary log (%v). GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO the account "+
		"that --database-url names; or leave it at --capture=triggers", err)
}

// tryReading connects as a replica does and takes the first event.
func (s *Store) tryReading(ctx context.Context) error {
	end, err := s.logEnd(ctx)
	if err != nil {
		return err
	}
	config, err := s.syncerConfig(ctx)
	if err != nil {
		return err
	}
	syncer := replication.NewBinlogSyncer(config)
	defer syncer.Close()
	streamer, err := syncer.StartSyncGTID(end.set)
	if err == nil {
		wait, cancel := context.WithTimeout(ctx, serverSilent)
		defer cancel()
		_, err = streamer.GetEvent(wait)
	}
	var refused *gomysql.MyError
	switch {
	case err == nil:
		return nil
	case causedBy(err, &refused) && (refused.Code == gomysql.ER_SPECIFIC_ACCESS_DENIED_ERROR || refused.Code == gomysql.ER_ACCESS_DENIED_ERROR):
		return s.notAllowed(refused)
	}
	return fmt.Errorf("read the binary log: %w", err)
}

// retention says how long the server keeps its log, which is how long reading may pause before everything is compared.
func retention(settings map[string]string) string {
	keeps := time.Duration(0)
	if seconds, err := strconv.ParseInt(settings["binlog_expire_logs_seconds"], 10, 64); err == nil && seconds > 0 {
		keeps = time.Duration(seconds) * time.Second
	} else if days, err := strconv.ParseFloat(settings["expire_logs_days"], 64); err == nil && days > 0 {
		keeps = time.Duration(days * 24 * float64(time.Hour))
	}
	if keeps == 0 {
		return "is kept until somebody purges it; after a longer pause of Tandem than that, every link is compared"
	}
	return fmt.Sprintf("is kept for %s; after a longer pause of Tandem, every link is compared", keeps)
}
