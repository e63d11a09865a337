package store_test

import (
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// newMariaDB makes an empty database and returns its address for sql.Open and for store.Open.
func newMariaDB(t *testing.T) (dsn, url string) {
	t.Helper()
	server := mariadbtest.Start(t)
	url = server.CreateDatabase(t)
	return server.DSN(url[strings.LastIndexByte(url, '/')+1:]), url
}
