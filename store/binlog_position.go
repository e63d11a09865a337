package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
)

// logPosition is a place in the log: all transactions up to it, by their global ids. It is the one thing, with logEnd, that
// MySQL and MariaDB spell differently.
type logPosition struct {
	set  gomysql.GTIDSet
	file logFile // that the last of them stands in; the zero one when that is not known
}

// logFile is a file of the log. Made is when the server began it, in seconds; its names come again after RESET MASTER.
type logFile struct {
	Name string `json:"name,omitempty"`
	Made uint32 `json:"made,omitempty"`
}

// before reports whether other can be the same file of the same log, or a later one.
func (f logFile) before(other logFile) bool {
	base, number := f.split()
	otherBase, otherNumber := other.split()
	return base == otherBase && (number < otherNumber || f == other)
}

func (f logFile) split() (base string, number uint64) {
	dot := strings.LastIndexByte(f.Name, '.')
	number, _ = strconv.ParseUint(f.Name[dot+1:], 10, 64)
	return f.Name[:max(dot, 0)], number
}

// storedPosition is what tandem_positions holds. Token makes each text one of a kind: see logReader.proof.
type storedPosition struct {
	Flavor string  `json:"flavor"`
	GTID   string  `json:"gtid"`
	File   logFile `json:"file,omitzero"`
	Token  string  `json:"token"`
}

// flavor is the server's, as the library names it.
func (s *Store) flavor() string {
	if strings.Contains(s.dialect.server, "MariaDB") {
		return gomysql.MariaDBFlavor
	}
	return gomysql.MySQLFlavor
}

// logEnd returns the position behind everything that is in the log.
func (s *Store) logEnd(ctx context.Context) (logPosition, error) {
	ask := "SELECT @@GLOBAL.gtid_executed"
	if s.flavor() == gomysql.MariaDBFlavor {
		ask = "SELECT @@GLOBAL.gtid_binlog_pos"
	}
	text, err := s.ask(ctx, ask)
	if err != nil {
		return logPosition{}, wrap(err, "ask where the binary log ends")
	}
	return parseLogPosition(s.flavor(), text)
}

// ask returns the one value of a query; "" for NULL, and when there is none.
func (s *Store) ask(ctx context.Context, sql string) (answer string, err error) {
	err = rawQuery(s.db.WithContext(ctx), sql, nil, func(row scanner) error {
		answer, err = scanText(row)
		return err
	})
	return answer, err
}

func parseLogPosition(flavor, text string) (logPosition, error) {
	set, err := gomysql.ParseGTIDSet(flavor, strings.ReplaceAll(text, "\n", ""))
	if err != nil {
		return logPosition{}, fmt.Errorf("position %q in the binary log: %w", text, err)
	}
	return logPosition{set: set}, nil
}

// readStored reads a stored position; an error also when it is of the other kind of server.
func readStored(flavor, text string) (logPosition, error) {
	var stored storedPosition
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return logPosition{}, fmt.Errorf("stored position: %w", err)
	}
	if stored.Flavor != flavor {
		return logPosition{}, fmt.Errorf("the stored position is one of %s, and the server is %s", stored.Flavor, flavor)
	}
	position, err := parseLogPosition(flavor, stored.GTID)
	position.file = stored.File
	return position, err
}

// stored returns what to store; never the same text twice.
func (p logPosition) stored(flavor string) (string, error) {
	data, err := json.Marshal(storedPosition{Flavor: flavor, GTID: p.set.String(), File: p.file, Token: rand.Text()})
	return string(data), err
}

// pass moves the position behind a transaction. MariaDB's is the last id of each domain, whichever server wrote it.
func (p logPosition) pass(id replication.Event) error {
	switch id := id.(type) {
	case *replication.MariadbGTIDEvent:
		last := id.GTID
		p.set.(*gomysql.MariadbGTIDSet).Sets[last.DomainID] = map[uint32]*gomysql.MariadbGTID{last.ServerID: &last}
	case *replication.GTIDEvent:
		next, err := id.GTIDNext()
		if err != nil {
			return err
		}
		return p.set.Update(next.String())
	}
	return nil
}

// behind reports whether everything up to other lies before p.
func (p logPosition) behind(other logPosition) bool {
	mine, isMariaDB := p.set.(*gomysql.MariadbGTIDSet)
	if !isMariaDB {
		return p.set.Contain(other.set)
	}
	for domain, ids := range other.set.(*gomysql.MariadbGTIDSet).Sets {
		for _, id := range ids {
			there := false
			for _, last := range mine.Sets[domain] {
				there = there || last.SequenceNumber >= id.SequenceNumber
			}
			if !there {
				return false
			}
		}
	}
	return true
}
