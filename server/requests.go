package server

import (
	"net/http"
	"strconv"
	"strings"
)

// counted counts the requests that next answers.
func (m *metrics) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &answer{ResponseWriter: w, code: http.StatusOK}
		defer func() { m.requests.WithLabelValues(pathClass(r.URL.Path), strconv.Itoa(answer.code)).Inc() }()
		next.ServeHTTP(answer, r)
	})
}

// pathClass is the first part of a path that something is served at, so that strangers who try paths make no series.
func pathClass(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "v1", "hooks", "metrics", "healthz", "readyz", "openapi.yaml", "console":
		return "/" + first
	}
	return "other"
}

// answer notes the status of a response.
type answer struct {
	http.ResponseWriter
	code  int
	begun bool
}

// WriteHeader notes the status that counts, which is the first one that is not informational.
func (a *answer) WriteHeader(code int) {
	if !a.begun && code >= 200 {
		a.code, a.begun = code, true
	}
	a.ResponseWriter.WriteHeader(code)
}

// Flush passes on what streams have so far.
func (a *answer) Flush() {
	if flusher, ok := a.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

// Unwrap lets http.ResponseController reach what is beneath.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
