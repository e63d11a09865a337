package store

import "strings"

// Server is the kind and version of the database: "MariaDB 10.11.6", "MySQL 8.4.0", "SQLite 3.46.0".
func (s *Store) Server() string {
	version, _, _ := strings.Cut(s.dialect.server, "-")
	switch {
	case s.dialect.singleWriter:
		return "SQLite " + version
	case strings.Contains(s.dialect.server, "MariaDB"):
		return "MariaDB " + version
	}
	return "MySQL " + version
}
