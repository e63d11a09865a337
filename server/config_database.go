package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// databaseAddress says what is plainly wrong with the address of a database, before it is tried: drivers answer that with an error about
// something else, such as a host whose name is the end of a password.
func databaseAddress(address string) error {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "mysql":
		if u, err := url.Parse(address); err == nil && strings.Contains(u.EscapedPath(), "@") {
			return errors.New("database-url has an @ after its host, so a special character of the password is taken for the end of the host: " +
				"write %2F for /, %40 for @, %3A for :, %3F for ? and %23 for # in the user and the password")
		}
	case "sqlite":
		folder := filepath.Dir(strings.TrimPrefix(rest, "file:"))
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("database-url names a file in the folder %s, which is not there: make the folder first, or name another file", folder)
		}
	default:
		return fmt.Errorf("database-url must begin with sqlite: or mysql:, not %q", scheme+":")
	}
	return nil
}
