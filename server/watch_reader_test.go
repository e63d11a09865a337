package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// watched is one answer of WatchChanges, as any transport gave it.
type watched struct {
	id    string // the resume token
	event string // of Server-Sent Events; "" is the usual one
	data  map[string]any
}

// change is the name of the change, "" when there was none.
func (w watched) change() string {
	change, _ := w.data["change"].(map[string]any)
	name, _ := change["name"].(string)
	return name
}

// reason is why the stream ended.
func (w watched) reason() string {
	details, _ := w.data["details"].([]any)
	for _, d := range details {
		if info, _ := d.(map[string]any); info["reason"] != nil {
			return info["reason"].(string)
		}
	}
	return ""
}

// reader reads an open stream over HTTP.
type reader struct {
	t        testing.TB
	response *http.Response
	lines    *bufio.Reader
	events   bool
	last     string // token
}

// watchHTTP opens a stream. Headers alternate between name and value.
func watchHTTP(ctx context.Context, t testing.TB, client *http.Client, address string, events bool, headers ...string) *reader {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if events {
		request.Header.Set("Accept", "text/event-stream")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("watch: status %d: %s", response.StatusCode, text)
	}
	return &reader{t: t, response: response, lines: bufio.NewReader(response.Body), events: events}
}

// next reads an answer; of Server-Sent Events those without data, too, which browsers take note of and do not show.
func (r *reader) next() (watched, error) {
	if !r.events {
		return r.nextLine()
	}
	var w watched
	for {
		line, err := r.lines.ReadString('\n')
		if err != nil {
			return w, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			w.id, r.last = value, value
		case "event":
			w.event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &w.data); err != nil {
				return w, fmt.Errorf("%w: %q", err, line)
			}
		case "":
			if line == "\n" && w.id != "" {
				return w, nil
			}
		case "retry":
		default:
			return w, fmt.Errorf("unknown line %q", line)
		}
	}
}

func (r *reader) nextLine() (w watched, err error) {
	line, err := r.lines.ReadBytes('\n')
	if err != nil {
		return w, err
	}
	if err := json.Unmarshal(line, &w.data); err != nil {
		return w, fmt.Errorf("%w: %q", err, line)
	}
	if failed, is := w.data["error"].(map[string]any); is {
		return watched{event: "error", data: failed}, nil
	}
	w.id, _ = w.data["resumeToken"].(string)
	r.last = w.id
	return w, nil
}

// must is next for what has to come.
func (r *reader) must() watched {
	r.t.Helper()
	w, err := r.next()
	if err != nil {
		r.t.Fatalf("read a change: %v", err)
	}
	return w
}

// mustChange skips signs of life.
func (r *reader) mustChange() watched {
	r.t.Helper()
	for {
		if w := r.must(); w.event != "" || w.data["change"] != nil {
			return w
		}
	}
}

// narrow returns a client whose connections buffer little, so that a server soon notices when nothing is read.
func narrow() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ReadBufferSize: 4 << 10,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetReadBuffer(256 << 10) // four packets of the loopback device: with less it crawls
			}
			return conn, err
		}}}
}

// newLines reads the lines of one of many streams, in little memory.
func newLines(from io.Reader) *bufio.Reader { return bufio.NewReaderSize(from, 4<<10) }

// nameIn finds the name of the change in an answer's JSON, which would take long to decode two million times.
func nameIn(data string) string {
	_, rest, _ := strings.Cut(data, `"name":`)
	_, rest, _ = strings.Cut(rest, `"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}
