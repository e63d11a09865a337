package store

import "github.com/tandem-sync/tandem"

// FormerFingerprint is what versions before this one stored of a request.
func FormerFingerprint(m tandem.Mutation, columns []string) (string, error) {
	print, err := fingerprint(m, columns)
	return print.former, err
}
