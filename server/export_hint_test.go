package server

import (
	"net/http"
	"time"

	"github.com/tandem-sync/tandem"
)

// ReadHint reads the body of a hint.
func ReadHint(body []byte, now time.Time) (tandem.Mark, error) { return readHint(body, now) }

// SignatureOf returns the signature of a hint when it is the right one.
func SignatureOf(header http.Header, secret string, body []byte, now time.Time) (string, error) {
	return signatureOf(header, secret, body, now)
}
