package server

import (
	"compress/gzip"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// compressFrom is the size from which compressing pays: a smaller answer fits one packet either way.
const compressFrom = 1 << 10

// compressible are the types of answers that are sent whole and get smaller. Streams are not among them: what a change
// says must not wait in a compressor for more of its kind.
var compressible = map[string]bool{"application/json": true, "application/yaml": true, "text/html": true, "text/css": true, "text/plain": true,
	"text/javascript": true, "image/svg+xml": true, "application/manifest+json": true}

// gzips are kept for the next answer: a new one takes 800 kB of memory.
var gzips = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return w }}

// compressed answers in gzip who can take it. An ETag becomes a weak one then, for the bytes are others; If-Match and
// If-None-Match take either.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &compressor{ResponseWriter: w, wanted: r.Method != http.MethodHead && takesGzip(r.Header.Values("Accept-Encoding"))}
		next.ServeHTTP(c, r)
		c.end() // not after a panic: an answer that broke off must not look whole
	})
}

// takesGzip reads Accept-Encoding: `gzip`, `*` or neither, and not with a quality of zero.
func takesGzip(accepted []string) bool {
	named, any := -1.0, -1.0
	for coding := range strings.SplitSeq(strings.Join(accepted, ","), ",") {
		name, parameter, _ := strings.Cut(coding, ";")
		quality := 1.0
		if key, value, given := strings.Cut(parameter, "="); given && strings.EqualFold(strings.TrimSpace(key), "q") {
			quality, _ = strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			named = quality
		case "*":
			any = quality
		}
	}
	if named < 0 {
		named = any
	}
	return named > 0
}

// compressor holds an answer's first bytes back until it is known whether there are enough of them.
type compressor struct {
	http.ResponseWriter
	wanted  bool
	code    int // 0: the handler said none yet
	held    []byte
	decided bool
	zip     *gzip.Writer // nil: the answer goes as it is
}

// Unwrap lets http.ResponseController reach what is below.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader keeps the code until it is known how the answer goes. Codes before the last one go at once.
func (c *compressor) WriteHeader(code int) {
	switch {
	case code < http.StatusOK && code != http.StatusSwitchingProtocols:
		c.ResponseWriter.WriteHeader(code)
	case c.code == 0:
		c.code = code
		if code == http.StatusNotModified { // of the answer in either coding
			c.Header().Add("Vary", "Accept-Encoding")
			c.weaken()
		}
		if !c.may() {
			c.decide(false)
		}
	}
}

// may tells whether the answer's type and code let it be compressed, and says to caches that it depends on the caller.
func (c *compressor) may() bool {
	header := c.Header()
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || !compressible[kind] || header.Get("Content-Encoding") != "" || header.Get("Content-Range") != "" {
		return false
	}
	header.Add("Vary", "Accept-Encoding")
	if size, err := strconv.Atoi(header.Get("Content-Length")); err == nil && size < compressFrom {
		return false
	}
	return c.wanted && c.code != http.StatusNoContent && c.code != http.StatusNotModified && c.code != http.StatusPartialContent
}

// decide sends the header and what was held back.
func (c *compressor) decide(zip bool) {
	c.decided = true
	if zip {
		header := c.Header()
		header.Set("Content-Encoding", "gzip")
		header.Del("Content-Length")
		c.weaken()
		c.zip = gzips.Get().(*gzip.Writer)
		c.zip.Reset(c.ResponseWriter)
	}
	if c.code != 0 {
		c.ResponseWriter.WriteHeader(c.code)
	}
	if held := c.held; len(held) > 0 {
		c.held = nil
		_, _ = c.write(held)
	}
}

// weaken says of the ETag that it stands for the same content, and not for the same bytes.
func (c *compressor) weaken() {
	if tag := c.Header().Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		c.Header().Set("ETag", "W/"+tag)
	}
}

// Write compresses once there is enough.
func (c *compressor) Write(data []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.decided {
		return c.write(data)
	}
	if len(c.held)+len(data) < compressFrom {
		c.held = append(c.held, data...)
		return len(data), nil
	}
	c.decide(true)
	return c.write(data)
}

func (c *compressor) write(data []byte) (int, error) {
	if c.zip != nil {
		return c.zip.Write(data)
	}
	return c.ResponseWriter.Write(data)
}

// Flush sends what there is. An answer that is flushed before it is long is one that comes bit by bit, and goes as it is.
func (c *compressor) Flush() {
	if c.code == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if !c.decided {
		c.decide(false)
	}
	if c.zip != nil {
		_ = c.zip.Flush()
	}
	if below, ok := c.ResponseWriter.(http.Flusher); ok {
		below.Flush()
	}
}

// end sends the rest.
func (c *compressor) end() {
	if !c.decided {
		c.decide(false)
	}
	if c.zip != nil {
		_ = c.zip.Close()
		gzips.Put(c.zip)
		c.zip = nil
	}
}
