package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/server"
)

// TestFlutterPage sends every request of docs/flutter.md to a running demo, in the order of the page, and compares the
// answers with those of the page.
func TestFlutterPage(t *testing.T) {
	exchanges := fenced(t, "http")
	if len(exchanges) < 10 {
		t.Fatalf("the page has %d exchanges", len(exchanges))
	}
	p := &page{world: &world{t: t, httpAddr: runDemo(t)}, bound: map[string]string{}}
	for _, block := range exchanges {
		p.settled()
		if err := p.exchange(block.text); err != nil {
			t.Fatalf("docs/flutter.md, line %d: %v", block.line, err)
		}
	}
}

// runDemo runs the demo until the test ends, and returns where it serves once it says so.
func runDemo(t *testing.T) string { return runDemoIn(t, "") }

// runDemoIn runs the demo with its database in a folder.
func runDemoIn(t *testing.T, folder string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, logs := &lockedBuffer{grew: make(chan struct{}, 1)}, &lockedBuffer{}
	options := server.DemoOptions{Data: folder, HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", EmulatorAddr: "127.0.0.1:0"}
	done := make(chan error, 1)
	go func() { done <- server.Demo(ctx, options, out, logs) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the demo ended with %v\n%s", err, logs)
		}
	})
	for {
		select {
		case <-out.grew:
			if match := regexp.MustCompile(`http://([^/ ]+)/v1/links/anime`).FindStringSubmatch(out.String()); match != nil {
				return match[1]
			}
		case err := <-done:
			done <- err
			t.Fatalf("the demo ended before it served: %v\n%s", err, logs)
		}
	}
}

// fence is a block of code of the page.
type fence struct {
	line int
	text string
}

// fenced returns the blocks of docs/flutter.md in a language.
func fenced(t *testing.T, language string) (blocks []fence) {
	t.Helper()
	text, err := os.ReadFile("../docs/flutter.md")
	if err != nil {
		t.Fatal(err)
	}
	begun := 0
	var lines []string
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case begun == 0 && line == "```"+language:
			begun, lines = i+1, nil
		case begun > 0 && line == "```":
			blocks = append(blocks, fence{begun, strings.Join(lines, "\n")})
			begun = 0
		case begun > 0:
			lines = append(lines, line)
		}
	}
	return blocks
}

// page is how far a test is with the exchanges of the page.
type page struct {
	*world
	bound map[string]string // what the names in braces stand for
}

// settled waits until what was written has arrived on the other side, as it has when somebody reads the page.
func (p *page) settled() {
	p.t.Helper()
	p.eventually(time.Minute, func() string {
		status, link := p.call("GET", "/v1/links/anime", nil)
		state, _ := link["status"].(map[string]any)
		if status != http.StatusOK || link["state"] != "ACTIVE" || state["pendingRows"] != 0.0 {
			return fmt.Sprintf("the link is not in step: %v", link)
		}
		return ""
	})
}

var (
	names      = regexp.MustCompile(`\{([a-z]+)\}`)
	statusLine = regexp.MustCompile(`(?m)^[1-5]\d\d$`)
	headerLine = regexp.MustCompile(`^([A-Z][A-Za-z-]+): (.*)$`)
)

// exchange sends a request and compares the answer.
func (p *page) exchange(block string) error {
	for _, match := range names.FindAllStringSubmatch(block[:statusAt(block)], -1) {
		if p.bound[match[1]] == "" {
			return fmt.Errorf("no answer before this one holds %s", match[0])
		}
	}
	sent := names.ReplaceAllStringFunc(block[:statusAt(block)], func(name string) string { return p.bound[strings.Trim(name, "{}")] })
	want := strings.Split(block[statusAt(block):], "\n")

	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	request, err := requestOf(ctx, "http://"+p.httpAddr, sent)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	rest, err := compareHead(response, want)
	if err != nil {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 10_000))
		return fmt.Errorf("%w: %s", err, body)
	}
	if request.Header.Get("Accept") == "text/event-stream" {
		return p.compareEvents(response.Body, rest)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if strings.TrimSpace(rest) == "" && len(body) == 0 {
		return nil
	}
	return p.compare(rest, string(body))
}

// statusAt is where the answer begins.
func statusAt(block string) int {
	if at := statusLine.FindStringIndex(block); at != nil {
		return at[0]
	}
	return len(block)
}

// requestOf reads a request: a line, headers, and after an empty line the body.
func requestOf(ctx context.Context, base, text string) (*http.Request, error) {
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	method, path, ok := strings.Cut(lines[0], " ")
	if !ok {
		return nil, fmt.Errorf("%q is no request", lines[0])
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(strings.TrimSpace(body)))
	if err != nil {
		return nil, err
	}
	for _, line := range lines[1:] {
		match := headerLine.FindStringSubmatch(line)
		if match == nil {
			return nil, fmt.Errorf("%q is no header", line)
		}
		request.Header.Set(match[1], match[2])
	}
	return request, nil
}

// compareHead compares status and headers and returns what the page has as body.
func compareHead(response *http.Response, want []string) (string, error) {
	if want[0] != fmt.Sprint(response.StatusCode) {
		return "", fmt.Errorf("status %d, the page has %q", response.StatusCode, want[0])
	}
	for i, line := range want[1:] {
		match := headerLine.FindStringSubmatch(line)
		if match == nil {
			return strings.Join(want[1+i:], "\n"), nil
		}
		if got := response.Header.Get(match[1]); got != match[2] {
			return "", fmt.Errorf("header %s: %q, the page has %q", match[1], got, match[2])
		}
	}
	return "", nil
}

// compareEvents reads events until those of the page came, in their order. Others may stand between them.
func (p *page) compareEvents(body io.Reader, text string) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for _, want := range eventsOf(text) {
		for {
			got, err := nextEvent(lines)
			if err != nil {
				return fmt.Errorf("the stream ended before %v came: %w", want, err)
			}
			if problem := p.compareEvent(want, got); problem == nil {
				break
			} else {
				p.t.Logf("passed over: %v: %v", got, problem)
			}
		}
	}
	return nil
}

func (p *page) compareEvent(want, got map[string]string) error {
	before := maps.Clone(p.bound)
	err := p.match("id", want["id"], got["id"])
	switch {
	case err != nil:
	case want["event"] != got["event"] || (want["data"] == "") != (got["data"] == ""):
		err = errors.New("it is of another kind")
	case want["data"] != "":
		err = p.compare(want["data"], got["data"])
	}
	if err != nil {
		p.bound = before
	}
	return err
}

// eventsOf reads events of a text.
func eventsOf(text string) (events []map[string]string) {
	lines := bufio.NewScanner(strings.NewReader(strings.TrimSpace(text) + "\n\n"))
	for {
		event, err := nextEvent(lines)
		if err != nil {
			return events
		}
		events = append(events, event)
	}
}

// nextEvent reads one event. Comments, and what only says when to call again, are passed over.
func nextEvent(lines *bufio.Scanner) (map[string]string, error) {
	event := map[string]string{}
	for lines.Scan() {
		if lines.Text() == "" {
			if len(event) > 0 {
				return event, nil
			}
			continue
		}
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case field == "" || field == "retry":
		case event[field] != "":
			event[field] += "\n" + value
		default:
			event[field] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}
