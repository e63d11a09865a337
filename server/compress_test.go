package server_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// raw makes a call and returns the answer as it came: Go's client asks for gzip by itself, and takes it off unseen.
func (s *stand) raw(method, path, body string, headers ...string) (*http.Response, string) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return response, string(data)
}

func unzipped(t *testing.T, data string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatalf("not gzip: %v", err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// TestCompression asks for what is large and what is small, with and without gzip, and uses the etags that come with it.
func TestCompression(t *testing.T) {
	s := newStand(t, thingsSchema+`INSERT INTO things (id, title, note) VALUES (3, 'long', '`+strings.Repeat("long ", 2000)+`');`,
		emulator.Tab{Title: "Things"})
	s.link("things", "Things")
	rows := "/v1/links/things/sources/database/rows"
	for path, large := range map[string]bool{rows + "/3": true, rows + "/1": false, "/docs": true, "/openapi.yaml": true} {
		plain, text := s.raw("GET", path, "")
		if coding := plain.Header.Get("Content-Encoding"); coding != "" || strings.HasPrefix(plain.Header.Get("ETag"), "W/") {
			t.Errorf("%s: not asked for, answered in %q: %v", path, coding, plain.Header)
		}
		zipped, data := s.raw("GET", path, "", "Accept-Encoding", "br, gzip")
		for _, answer := range []*http.Response{plain, zipped} {
			if answer.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: caches are not told that the answer depends on Accept-Encoding: %v", path, answer.Header)
			}
		}
		if !large {
			if zipped.Header.Get("Content-Encoding") != "" || data != text || zipped.Header.Get("ETag") != plain.Header.Get("ETag") {
				t.Errorf("%s: a short answer is not as it is: %v", path, zipped.Header)
			}
			continue
		}
		if zipped.Header.Get("Content-Encoding") != "gzip" || len(data) > len(text)/2 || unzipped(t, data) != text {
			t.Errorf("%s: %d bytes became %d: %v", path, len(text), len(data), zipped.Header)
		}
		if tag := zipped.Header.Get("ETag"); tag != "W/"+plain.Header.Get("ETag") {
			t.Errorf("%s: ETag %s of other bytes is as strong as %s", path, tag, plain.Header.Get("ETag"))
		}
		for _, accepted := range []string{"", "gzip"} {
			for _, tag := range []string{plain.Header.Get("ETag"), zipped.Header.Get("ETag")} {
				same, rest := s.raw("GET", path, "", "Accept-Encoding", accepted, "If-None-Match", tag)
				if same.StatusCode != http.StatusNotModified || rest != "" || same.Header.Get("Content-Encoding") != "" || same.Header.Get("ETag") != zipped.Header.Get("ETag") {
					t.Errorf("%s: If-None-Match: %s, Accept-Encoding: %s: status %d, %d bytes, %v", path, tag, accepted, same.StatusCode, len(rest), same.Header)
				}
			}
		}
	}

	// A weak ETag, as a phone keeps it, still guards a write.
	read, _ := s.raw("GET", rows+"/3", "", "Accept-Encoding", "gzip")
	weak := read.Header.Get("ETag")
	s.must("PATCH", rows+"/3", `{"values": {"title": "first"}}`, "If-Match", weak)
	s.refused(http.StatusPreconditionFailed, "", "PATCH", rows+"/3", `{"values": {"title": "second"}}`, "If-Match", weak)
}

// TestWhatIsNotCompressed holds the wrapper against handlers that answer in every way a handler can.
func TestWhatIsNotCompressed(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	write := func(kind string, more ...func(w http.ResponseWriter)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			for _, do := range more {
				do(w)
			}
			_, _ = io.WriteString(w, long)
		}
	}
	flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
	for name, test := range map[string]struct {
		handler  http.HandlerFunc
		accepted string
		method   string
		zipped   bool
		body     string
	}{
		"json":                        {write("application/json"), "gzip", "GET", true, long},
		"json with a charset":         {write("application/json; charset=utf-8"), "deflate, gzip;q=0.5", "GET", true, long},
		"anything is accepted":        {write("application/json"), "*", "GET", true, long},
		"in pieces":                   {write("application/json", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "begin ") }), "gzip", "GET", true, "begin " + long},
		"gzip is refused":             {write("application/json"), "gzip;q=0, *", "GET", false, long},
		"only others are accepted":    {write("application/json"), "br", "GET", false, long},
		"events":                      {write("text/event-stream"), "gzip", "GET", false, long},
		"bit by bit":                  {write("application/json", flush), "gzip", "GET", false, long},
		"bit by bit after some bytes": {write("application/json", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "begin ") }, flush), "gzip", "GET", false, "begin " + long},
		"HEAD":                        {write("application/json"), "gzip", "HEAD", false, ""},
		"no type":                     {write(""), "gzip", "GET", false, long},
		"nothing":                     {func(http.ResponseWriter, *http.Request) {}, "gzip", "GET", false, ""},
		"coded already":               {write("application/json", func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "br") }), "gzip, br", "GET", false, long},
		"an error":                    {write("application/json", func(w http.ResponseWriter) { w.WriteHeader(http.StatusConflict) }), "gzip", "GET", true, long},
	} {
		t.Run(name, func(t *testing.T) {
			listener := httptest.NewServer(server.Compressed(test.handler))
			defer listener.Close()
			s := &stand{T: t, url: listener.URL}
			answer, data := s.raw(test.method, "/", "", "Accept-Encoding", test.accepted)
			if zipped := answer.Header.Get("Content-Encoding") == "gzip"; zipped != test.zipped {
				t.Fatalf("compressed: %v, want %v: %v", zipped, test.zipped, answer.Header)
			} else if zipped {
				data = unzipped(t, data)
			}
			if data != test.body {
				t.Errorf("%d bytes arrived, want %d", len(data), len(test.body))
			}
		})
	}
	t.Run("broken off", func(t *testing.T) {
		listener := httptest.NewServer(server.Compressed(write("application/json", func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, long)
			panic(http.ErrAbortHandler)
		})))
		defer listener.Close()
		response, err := http.Get(listener.URL)
		if err == nil {
			_, err = io.ReadAll(response.Body)
			_ = response.Body.Close()
		}
		if err == nil {
			t.Error("an answer that broke off looks whole")
		}
	})
}
