package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/tandem-sync/tandem"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// conditional gives what a GET answers an ETag, and answers 304 instead of what the caller has already. The ETag begins with
// the etag of the row or link, for If-Match. That one stands for values or settings alone: what else the answer tells, such as
// whether the row has arrived on the other side, may change while it stays, so a digest of the text follows it.
type conditional struct {
	http.ResponseWriter
	known []string
	drop  bool
	begun bool
}

// conditionally returns where the answer to a request goes.
func conditionally(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if r.Method != http.MethodGet {
		return w
	}
	var known []string
	for _, header := range r.Header.Values("If-None-Match") {
		for tag := range strings.SplitSeq(header, ",") {
			known = append(known, strings.TrimPrefix(strings.TrimSpace(tag), "W/"))
		}
	}
	return &conditional{ResponseWriter: w, known: known}
}

// WriteHeader looks at the ETag that was set.
func (c *conditional) WriteHeader(code int) {
	if c.begun {
		return
	}
	c.begun = code >= 200
	tag := strings.TrimPrefix(c.Header().Get("ETag"), "W/")
	for _, known := range c.known {
		if code == http.StatusOK && tag != "" && (known == tag || known == "*") {
			c.drop, code = true, http.StatusNotModified
			c.Header().Del("Content-Type")
			c.Header().Del("Content-Length")
		}
	}
	c.ResponseWriter.WriteHeader(code)
}

// Write drops the body of a 304.
func (c *conditional) Write(data []byte) (int, error) {
	if !c.begun && c.Header().Get("Content-Length") == strconv.Itoa(len(data)) {
		c.Header().Set("ETag", textTag(c.Header().Get("ETag"), data))
	}
	c.WriteHeader(http.StatusOK)
	if c.drop {
		return len(data), nil
	}
	return c.ResponseWriter.Write(data)
}

// Flush passes on what streams have so far.
func (c *conditional) Flush() {
	if flusher, ok := c.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

// Unwrap lets http.ResponseController reach what is beneath.
func (c *conditional) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// textTag returns the ETag of an answer that shows etag, "" for none. The moment that a list of rows shows, which rowMarshaler
// writes last, is left out: the same rows read later are the same answer, if not to the byte, and their ETag is weak.
func textTag(etag string, text []byte) string {
	weak := ""
	if at := bytes.LastIndex(text, []byte(`,"snapshotTime":"`)); at >= 0 && len(text)-at < 64 {
		text, weak = text[:at], "W/"
	}
	sum := sha256.Sum256(text)
	digest := base64.RawURLEncoding.EncodeToString(sum[:12])
	if etag = strings.Trim(etag, `"`); etag != "" {
		digest = etag + "." + digest
	}
	return weak + strconv.Quote(digest)
}

// unmeant refuses a request with a condition that no service would see: the caller counts on it.
func unmeant(w http.ResponseWriter, r *http.Request) bool {
	for _, name := range []string{"Idempotency-Key", "If-Match"} {
		for _, value := range r.Header.Values(name) {
			// The gateway drops what gRPC does not take as metadata.
			if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
				writeError(r.Context(), nil, nil, w, r, tandem.InvalidField(name, "it holds something else than visible ASCII characters and spaces"))
				return true
			}
		}
	}
	if r.Method == http.MethodPost && r.Header.Get("If-Match") != "" && !strings.HasSuffix(r.URL.Path, ":resolve") {
		writeError(r.Context(), nil, nil, w, r, tandem.InvalidField("If-Match",
			"it is for PATCH, DELETE and :resolve alone; mutations of rows:mutate have an etag each, and a row that is added has none yet"))
		return true
	}
	if r.Method == http.MethodGet || r.Header.Get("If-None-Match") == "" {
		return false
	}
	writeStatus(w, http.StatusBadRequest, withReason(status.Newf(codes.InvalidArgument,
		"If-None-Match is for GET alone; to add a row only if it is not there, POST it, and to change it only as it was read, send If-Match"),
		"INVALID_FIELD"))
	return true
}
