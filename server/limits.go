package server

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Sizes of requests. A row's name may hold 10,000 characters, a page token 20,000 and a filter 10,000, each of which may be
// percent-encoded.
const (
	defaultRequestBytes = 16 << 20
	maxHeaderBytes      = 128 << 10
	maxGRPCHeaderBytes  = 64 << 10
	maxGRPCStreams      = 1000 // of one connection
)

// How long a connection may take for headers, and rest between requests.
const (
	headersWithin = 10 * time.Second
	idleFor       = 2 * time.Minute
)

// pace is how slowly requests may be sent and answers taken. Who is slower loses the connection, whoever they are: being slow
// costs them nothing, and a server its connections.
type pace struct {
	body, answer time.Duration // and as long as it takes at rate
	rate         time.Duration // bytes a second
}

var usualPace = pace{body: 20 * time.Second, answer: time.Minute, rate: 8 << 10}

// until is when so many bytes have to be through that began at a moment.
func (p pace) until(began time.Time, within time.Duration, bytes int64) time.Time {
	return began.Add(within + time.Duration(bytes)*(time.Second/p.rate))
}

// bucket holds the calls that a token may make at once: two seconds' worth, filled at its rate.
type bucket struct {
	mu   sync.Mutex
	left float64
	at   time.Time // zero: full
}

// take takes one, and returns how long it is until there is one, 0 when there was.
func (b *bucket) take(now time.Time, rate float64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := 2 * rate
	if b.at.IsZero() {
		b.left = most
	} else if passed := now.Sub(b.at); passed > 0 {
		b.left = min(most, b.left+passed.Seconds()*rate)
	}
	if b.at.IsZero() || now.After(b.at) {
		b.at = now
	}
	if b.left >= 1 {
		b.left--
		return 0
	}
	return max(time.Millisecond, time.Duration((1-b.left)/rate*float64(time.Second)))
}

// unhurried gives requests and answers the time that they need and no more. Streams have deadlines of their own.
func unhurried(next http.Handler, p pace) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		connection := http.NewResponseController(w)
		if r.Body != nil && r.Body != http.NoBody {
			// From now on, read or not: what a handler leaves is read away after it.
			body := &timedBody{ReadCloser: r.Body, connection: connection, pace: p, began: time.Now()}
			body.extend()
			r.Body = body
		}
		// The answer before may have left its deadline on the connection.
		_ = connection.SetWriteDeadline(time.Time{})
		if !isStream(r) {
			w = &timedAnswer{ResponseWriter: w, connection: connection, pace: p}
		}
		next.ServeHTTP(w, r)
	})
}

// isStream reports whether the answer to a request has no end.
func isStream(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, ":watch")
}

// timedBody is the body of a request, whose sender must keep pace.
type timedBody struct {
	io.ReadCloser
	connection *http.ResponseController
	pace       pace
	began      time.Time
	read       int64
	ended      bool
}

// extend sets the deadline as far ahead as what came so far allows.
func (b *timedBody) extend() {
	_ = b.connection.SetReadDeadline(b.pace.until(b.began, b.pace.body, b.read))
}

// Read reads. At the end of the body the deadline is taken away: the connection then waits for the caller to leave, or for
// another request.
func (b *timedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	b.read += int64(n)
	switch {
	case b.ended:
	case errors.Is(err, io.EOF):
		b.ended = true
		_ = b.connection.SetReadDeadline(time.Time{})
	case err == nil:
		b.extend()
	}
	return n, err
}

// timedAnswer is an answer that must be taken in time, from its first byte on.
type timedAnswer struct {
	http.ResponseWriter
	connection *http.ResponseController
	pace       pace
	began      time.Time
	written    int64
}

// Write sets the deadline as far ahead as what is written allows.
func (a *timedAnswer) Write(data []byte) (int, error) {
	if a.began.IsZero() {
		a.began = time.Now()
	}
	a.written += int64(len(data))
	_ = a.connection.SetWriteDeadline(a.pace.until(a.began, a.pace.answer, a.written))
	return a.ResponseWriter.Write(data)
}

// Flush passes on what there is so far.
func (a *timedAnswer) Flush() { _ = a.connection.Flush() }

// Unwrap lets http.ResponseController reach what is beneath.
func (a *timedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
