package emulator

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// ServeHTTP answers Google's API under /v4 and /drive, the emulator's own controls under /emulator, and the
// page that shows the spreadsheets at /.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if strings.HasPrefix(path, "/v4/") || strings.HasPrefix(path, "/drive/") || strings.HasPrefix(path, "/upload/") ||
		strings.HasPrefix(path, "/batch") {
		e.serveAPI(w, r)
		return
	}
	e.mux.ServeHTTP(w, r)
}

func (e *Emulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	payload, err := readPayload(r)
	if err != nil {
		e.answerError(w, r, err)
		return
	}
	verb := r.Method
	if o := r.Header.Get("X-HTTP-Method-Override"); o != "" && verb == http.MethodPost {
		verb = o
	}
	method, params := e.find(verb, decodeVerb(r.URL.EscapedPath()))
	if method == nil {
		e.count("unknown", nil, len(payload))
		e.answerError(w, r, unsupported("%s %s", verb, r.URL.Path))
		return
	}
	c := &call{emulator: e, request: r, method: method, params: params, query: r.URL.Query(), payload: payload}
	e.count(method.id, method, len(payload))
	fault, err := e.admit(c)
	if err != nil {
		e.answerError(w, r, err)
		return
	}
	e.delay(r)
	if fault != nil && fault.early() {
		e.fail(w, r, fault)
		return
	}
	answer, err := e.perform(c)
	if fault != nil {
		e.fail(w, r, fault)
		return
	}
	if err != nil {
		e.answerError(w, r, err)
		return
	}
	e.answer(w, r, http.StatusOK, answer)
}

// perform reads the field mask before the method runs: one that is wrong must refuse the call, not its answer.
func (e *Emulator) perform(c *call) (any, error) {
	if err := c.checkQuery(); err != nil {
		return nil, err
	}
	fields := c.query.Get("fields")
	if fields == "" {
		fields = c.request.Header.Get("X-Goog-FieldMask")
	}
	if fields != "" && c.method.answer != nil {
		m, err := parseMask(fields, c.method.answer)
		if err != nil {
			return nil, err
		}
		c.fields = m
	}
	answer, err := c.method.do(c)
	if err != nil || c.fields == nil {
		return answer, err
	}
	return c.fields.filter(answer), nil
}

// noContent is the answer of calls that answer nothing.
type noContent struct{}

// plain is an answer that is not JSON.
type plain struct{ kind, text string }

func (e *Emulator) answer(w http.ResponseWriter, r *http.Request, code int, v any) {
	switch v := v.(type) {
	case noContent:
		w.WriteHeader(http.StatusNoContent)
		return
	case plain:
		w.Header().Set("Content-Type", v.kind)
		n, _ := io.WriteString(w, v.text)
		e.sent(int64(n))
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Cache-Control", "private")
	w.Header().Add("Vary", "Origin, X-Origin, Referer")
	out := &encoder{w: w}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer func() { _ = z.Close() }()
		out.w = z
	}
	w.WriteHeader(code)
	out.value(v)
	out.raw("\n")
	out.flush()
	e.sent(out.written)
}

func (e *Emulator) answerError(w http.ResponseWriter, r *http.Request, err error) {
	var a *apiError
	if !errors.As(err, &a) {
		a = &apiError{code: http.StatusInternalServerError, status: "INTERNAL", message: "Internal error encountered."}
	}
	e.answer(w, r, a.code, a.document())
}

type transport struct{ emulator *Emulator }

// RoundTrip calls the emulator and returns what it answered, whole.
func (t transport) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				panic(p)
			}
			response, err = nil, io.ErrUnexpectedEOF
			if r.Context().Err() != nil {
				err = r.Context().Err()
			}
		}
	}()
	recorder := httptest.NewRecorder()
	t.emulator.ServeHTTP(recorder, r)
	response = recorder.Result()
	response.Request = r
	return response, nil
}
