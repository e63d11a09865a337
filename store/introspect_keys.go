package store

import "fmt"

// problem says in words why a table cannot be linked; "" when it can.
func (d *dialect) problem(t *foundTable) string {
	switch {
	case len(t.Key) == 0:
		return "it has no primary key, so its rows cannot be told apart; add one"
	case !t.transactional:
		return "its storage engine has no transactions; convert it with ALTER TABLE … ENGINE=InnoDB"
	case t.prefixed:
		return "its primary key holds only the beginning of a column"
	}
	length := len(t.Key) - 1
	for _, name := range t.Key {
		c := t.Column(name)
		if why := d.keyProblem(c); why != "" {
			return fmt.Sprintf("the key column %q %s", name, why)
		}
		length += keyLength(c)
	}
	if length > maxKeyLength {
		return fmt.Sprintf("its key may be %d characters long; rows are kept in step up to %d", length, maxKeyLength)
	}
	return ""
}
