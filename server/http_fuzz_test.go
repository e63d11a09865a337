package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// target is a server in this process that fuzz tests throw things at, with the links "words" and "things".
type target struct {
	url string
	in  *server.Server
}

func newTarget(f *testing.F) *target {
	f.Helper()
	path := filepath.Join(f.TempDir(), "tandem.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(thingsSchema + "; CREATE TABLE words (word TEXT NOT NULL PRIMARY KEY, note TEXT)"); err != nil {
		f.Fatal(err)
	}
	google := emulator.New(emulator.Options{})
	if _, err := google.Create(emulator.Spreadsheet{ID: standSheet, Tabs: []emulator.Tab{{Title: "things"}, {Title: "words"}}}); err != nil {
		f.Fatal(err)
	}
	listener := httptest.NewServer(google)
	f.Cleanup(func() { google.Close(); listener.Close() })
	s, err := server.New(f.Context(), server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: "sqlite:" + path, SheetsEndpoint: listener.URL,
		Auth: server.AuthNone, PollInterval: time.Hour}, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	f.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			f.Errorf("the server ended with %v", err)
		}
	})
	to := &target{url: "http://" + s.HTTPAddr(), in: s}
	for _, table := range []string{"things", "words"} {
		body := fmt.Sprintf(`{"table": %q, "spreadsheetId": %q, "tab": %q}`, table, standSheet, table)
		if code, answer := to.send(f, "POST", "/v1/links?link_id="+table, []byte(body)); code != http.StatusOK {
			f.Fatalf("link %s: %d %s", table, code, answer)
		}
	}
	return to
}

// send sends a request whose path goes out as it is.
func (to *target) send(t testing.TB, method, path string, body []byte) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, to.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.URL.Opaque = "//" + request.URL.Host + path
	request.Header.Set("Grpc-Timeout", "10S")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s %q is not answered: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// sound checks that a request was answered, or refused in the form of every error; never that the server failed.
func (to *target) sound(t testing.TB, method, path string, body []byte) (int, []byte) {
	t.Helper()
	code, answer := to.send(t, method, path, body)
	var refusal struct {
		Code    int
		Message string
		Details []any
	}
	switch {
	case code < 300 && json.Valid(answer), bytes.HasPrefix(answer, []byte("400 Bad Request")), bytes.HasPrefix(answer, []byte("431 ")): // net/http's own
	case code < 400 || code >= 500 || json.Unmarshal(answer, &refusal) != nil || refusal.Code == 0 || refusal.Message == "" || !utf8.Valid(answer):
		t.Fatalf("%s %.200q %.200q: %d %.1000s", method, path, body, code, answer)
	case len(refusal.Details) == 0:
		t.Fatalf("%s %.200q %.200q: the refusal has no reason: %d %.1000s", method, path, body, code, answer)
	}
	return code, answer
}

var keysInURLs = []string{"1", "", "%", "%2", "%zz", "%00", "%ff", "%C0%80", "%ED%A0%80", "~", "~0", "~~", "~1", "a~b", "a~0b", ".", "..", "%2e", "%2e%2e", "%2F", "a%2Fb", "%252F", "a/b", "//", "/..", "/../..",
	"🐟", "%F0%9F%90%9F", "a:b", "a:mutate", ":mutate", "+", "%20", "?x", "#x", ";x", "a=b&c", "-0", "007", "1e3", "0x1", "99999999999999999999", strings.Repeat("x", 10_000), strings.Repeat("%41", 3000),
	strings.Repeat("~", 1000), "Ａ", "e%CC%81", "%E2%80%8B", "null", "*", "-"}

// FuzzRowInURL puts anything where a row's key stands in a path.
func FuzzRowInURL(f *testing.F) {
	for i, key := range keysInURLs {
		f.Add(uint8(i), key)
	}
	to := newTarget(f)
	f.Fuzz(func(t *testing.T, how uint8, key string) {
		if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			t.Skip() // no request line
		}
		link := []string{"words", "things"}[how&1]
		path := "/v1/links/" + link + "/sources/database/rows/" + key
		switch how >> 1 & 3 {
		case 0:
			to.sound(t, "GET", path, nil)
		case 1:
			to.sound(t, "PATCH", path+"?validate_only=true", []byte(`{"values": {"note": "x"}}`))
		case 2:
			to.sound(t, "DELETE", path+"?validate_only=true&allow_missing=true", nil)
		case 3:
			to.sound(t, "GET", strings.Replace(path, "/sources/database/rows/", "/conflicts/", 1), nil)
		}
	})
}

// FuzzKeyRoundTrip makes a row with any key, and finds it again, whole, under the name that it was given.
func FuzzKeyRoundTrip(f *testing.F) {
	for _, key := range keysInURLs {
		f.Add(key)
		if decoded, err := url.PathUnescape(key); err == nil {
			f.Add(decoded)
		}
	}
	to := newTarget(f)
	rows := "/v1/links/words/sources/database/rows"
	f.Fuzz(func(t *testing.T, key string) {
		if !utf8.ValidString(key) {
			t.Skip()
		}
		body, err := json.Marshal(map[string]any{"values": map[string]any{"word": key}})
		if err != nil {
			t.Fatal(err)
		}
		code, answer := to.sound(t, "POST", rows, body)
		if code == http.StatusConflict { // from an input before
			code, answer = to.sound(t, "PATCH", rows+"/"+url.PathEscape(key), []byte(`{"values": {"note": "x"}}`))
		}
		if code != http.StatusOK {
			return
		}
		var row struct {
			Name   string
			Values map[string]any
		}
		if err := json.Unmarshal(answer, &row); err != nil || row.Values["word"] != key {
			t.Fatalf("%.100q: made %.1000s, %v", key, answer, err)
		}
		if code, answer = to.sound(t, "GET", "/v1/"+row.Name, nil); code != http.StatusOK || !strings.Contains(string(answer), row.Name) {
			t.Fatalf("%.100q: %.100s gives %d %.1000s", key, row.Name, code, answer)
		}
		if code, answer = to.sound(t, "DELETE", "/v1/"+row.Name, nil); code != http.StatusOK {
			t.Fatalf("%.100q: removing %.100s gives %d %.1000s", key, row.Name, code, answer)
		}
	})
}

// FuzzBody sends anything as the body of a write, and as what lists are asked for.
func FuzzBody(f *testing.F) {
	for how := range uint8(6) {
		for _, body := range []string{"", "{}", "null", "[]", `"x"`, `{"values": null}`, `{"values": {}}`, `{"values": {"id": 1e400}}`, `{"values": {"id": -0, "title": "x"}}`, `{"values": {"id": 5, "id": 6, "title": "x"}}`,
			`{"values": {"id": 5, "title": "\ud800"}}`, "{\"values\": {\"id\": 5, \"title\": \"\xff\"}}", `{"values": {"id": 5, "title": "\u0000"}}`, `{"values": ` + strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 301),
			strings.Repeat("[", 100_000), `{"etag": "` + strings.Repeat("x", 300) + `", "values": {"title": "x"}}`, `{"name": "links/a/sources/b/rows/c"}`, `{"values": {"score": 1E9999999}}`, `{"values": {"big": 1e18, "ratio": 1e308}}`,
			`{"mutations": [{"mutationId": "a", "type": "CREATE"}]}`, `{"mutations": [null, {}]}`, `{"mutations": [{"mutationId": "a", "type": 9, "row": {}}]}`, `{"mutations": [{"mutationId": "a", "type": "UPDATE", "row": {"name": "links/things/sources/database/rows/1"}, "updateMask": "values.title"}]}`,
			`{"mutations": [{"mutationId": "a\n", "type": "DELETE", "row": {"name": "links/things/sources/database/rows/%zz"}}], "atomic": true}`, "page_token=eyJzIjoieCJ9", "page_token=AAAA", "read_mask=values.x,values.,*", "page_size=-1",
			"page_size=99999999999", "max_staleness=-1s", "max_staleness=1e9s", "show_total=maybe", "page_size=1&page_size=2", "=&=&%", "read_mask=" + strings.Repeat("a.", 3000)} {
			f.Add(how, []byte(body))
		}
	}
	to := newTarget(f)
	rows := "/v1/links/things/sources/database/rows"
	f.Fuzz(func(t *testing.T, how uint8, body []byte) {
		switch how % 6 {
		case 0:
			to.sound(t, "POST", rows+"?validate_only=true", body)
		case 1:
			to.sound(t, "PATCH", rows+"/1?validate_only=true", body)
		case 2:
			to.sound(t, "POST", rows+":mutate", body)
		case 3:
			to.sound(t, "GET", rows+"?"+url.PathEscape(string(body)), nil)
		case 4:
			to.sound(t, "PATCH", rows+"/1?validate_only=true&update_mask="+url.QueryEscape(string(body)), []byte(`{"values": {"title": "x"}}`))
		case 5:
			to.sound(t, "GET", rows+"?page_token="+url.QueryEscape(string(body)), nil)
		}
	})
}

// unary are the methods of the contract that neither stream, nor wait, nor take the links away that the test needs.
func unary() []protoreflect.MethodDescriptor {
	var methods []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("tandem.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			all := file.Services().Get(i).Methods()
			for j := range all.Len() {
				if m := all.Get(j); !m.IsStreamingServer() && m.Name() != "DeleteLink" {
					methods = append(methods, m)
				}
			}
		}
		return true
	})
	return methods
}

// FuzzMessage calls every method with any message of the type that it takes. What cannot be done is refused; the server never
// fails.
func FuzzMessage(f *testing.F) {
	methods := unary()
	for i, method := range methods {
		f.Add(uint8(i), []byte{})
		fields := method.Input().Fields()
		for j := range fields.Len() {
			if field := fields.Get(j); field.Kind() == protoreflect.StringKind && !field.IsList() {
				for _, name := range []string{"links/things", "links/things/sources/database", "links/things/sources/database/rows/1", "links/things/conflicts/1", "x", "\x00", "tables/things"} {
					message := dynamicpb.NewMessage(method.Input())
					message.Set(field, protoreflect.ValueOfString(name))
					if data, err := proto.Marshal(message); err == nil {
						f.Add(uint8(i), data)
					}
				}
			}
		}
	}
	to := newTarget(f)
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		method := methods[int(which)%len(methods)]
		kind, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := protoregistry.GlobalTypes.FindMessageByName(method.Output().FullName())
		if err != nil {
			t.Fatal(err)
		}
		request := kind.New().Interface()
		if proto.Unmarshal(data, request) != nil {
			t.Skip()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var channel grpc.ClientConnInterface = to.in.Channel()
		err = channel.Invoke(ctx, fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()), request, answer.New().Interface())
		switch status.Code(err) {
		case codes.Internal, codes.Unknown, codes.DataLoss:
			t.Fatalf("%s %v: %v", method.Name(), request, err)
		}
	})
}
