package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// plainBodies are bodies of rows, oddBodies what is none, or looks like none.
var (
	plainBodies = []string{
		`{"values":{}}`, " {\n\t\"values\" : { } }\r\n", `{"values":{"id":1}}`, `{"values":{"id":-0,"a":-1.50,"b":0.1,"c":123456789012345678901234567890}}`,
		`{"values":{"a":"","b":"\"\\\/\b\f\n\r\t","c":"plain, then \"quoted\" and plain","ä":"日本 😀"}}`, `{"values":{"a":true,"b":false,"c":null,"":"no name"}}`,
		`{ "values" : { "a" : "x" , "b" : 2 } }`,
	}
	oddBodies = []string{
		"", "{}", "null", "[]", `"x"`, `{"values":null}`, `{"values":[]}`, `{"values":{}`, `{"values":{}}}`, `{"values":{}} {}`, `{"values":{}}x`, "{\"values\":{}}\x00", `{"values":{},}`,
		`{"values":{},"values":{}}`, `{"values":{},"etag":"x"}`, `{"name":"x","values":{}}`, `{"Values":{}}`, `{"nope":{}}`, `{values:{}}`, "\ufeff" + `{"values":{}}`,
		`{"values":{"a":1,"a":2}}`, `{"values":{"a":"\n","\u0061":2}}`, `{"values":{"a":1,}}`, `{"values":{,"a":1}}`, `{"values":{"a" 1}}`, `{"values":{"a":}}`, `{"values":{"a":1 "b":2}}`,
		`{"values":{"a":01}}`, `{"values":{"a":-}}`, `{"values":{"a":+1}}`, `{"values":{"a":1.}}`, `{"values":{"a":.5}}`, `{"values":{"a":1e5}}`, `{"values":{"a":1E-5}}`, `{"values":{"a":1e}}`, `{"values":{"id":7},"position":3e}`,
		`{"values":{"a":1x}}`, `{"values":{"a":0x10}}`, `{"values":{"a":NaN}}`, `{"values":{"a":` + strings.Repeat("9", 400) + `}}`, `{"values":{"a":truex}}`, `{"values":{"a":tru}}`, `{"values":{"a":True}}`,
		`{"values":{"a":nul}}`, `{"values":{"a":{}}}`, `{"values":{"a":[1]}}`, `{"values":{"a":"\u00e4"}}`, `{"values":{"a":"\ud83d\ude00"}}`, `{"values":{"a":"\ud83d"}}`, `{"values":{"a":"\x"}}`,
		"{\"values\":{\"a\":\"\xff\"}}", "{\"values\":{\"a\":\"line\nline\"}}", "{\"values\":{\"a\":\"\x7f\x01\"}}", `{"values":{"a":"open`, `{"values":{"a":"open\`, `{"values":{'a':1}}`, `{"values":{"a":1}/* */}`,
	}
)

// Whether a request for a new row is a plain one shows nowhere in its answer.
func TestPlainCreate(t *testing.T) {
	everywhere(t, func(s *stand, rows string) {
		for n, body := range append(plainBodies, append(oddBodies, `{"values":{"id":"KEY","title":"a \"row\""}}`, `{"values":{"id":KEY,"title":"x","big":"12","born":"2020-02-29"}}`,
			`{"values":{"id":KEY,"title":null}}`, `{"values":{"id":KEY,"title":"`+strings.Repeat("x", 21)+`"}}`, `{"values":{"id":KEY,"title":"`+strings.Repeat("x", 70_000)+`"}}`,
			`{"values":{"id":KEY,"title":"x","nope":1}}`, `{"values":{"id":KEY,"title":"x","score":"1.005"}}`, `{"values":{"id":1,"title":"twice"}}`)...) {
			var answers [2]string
			var headers [2]http.Header
			for i, header := range [][]string{{}, {"Traceparent", "none"}} {
				key := fmt.Sprint(1000 + 2*n + i)
				response, text := s.raw("POST", rows, strings.ReplaceAll(body, "KEY", key), header...)
				answers[i] = fmt.Sprintln(response.StatusCode, changing.ReplaceAllString(strings.ReplaceAll(text, key, "KEY"), ""))
				headers[i] = response.Header
				for _, varies := range []string{"Date", "Content-Length", "Etag"} {
					headers[i].Del(varies)
				}
			}
			if answers[0] != answers[1] {
				s.Errorf("%.100s: %s\nwant %s", body, answers[0], answers[1])
			}
			if diff := cmp.Diff(headers[1], headers[0]); diff != "" {
				s.Errorf("%.100s: headers (-want +got):\n%s", body, diff)
			}
		}
	})
}

// changing is what two rows do not have in common.
var changing = regexp.MustCompile(`"(etag|updateTime|position)":("[^"]*"|\d+),?`)

// A body is taken as it comes: in pieces, under other headers, and cut off.
func TestPlainCreateBodies(t *testing.T) {
	s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
	s.link("things", "Things")
	const rows = "/v1/links/things/sources/database/rows"
	row := func(id int) string { return fmt.Sprintf(`{"values":{"id":%d,"title":"x"}}`, id) }
	for n, header := range [][]string{{}, {"Content-Type", "application/json"}, {"Content-Type", "application/json; charset=utf-8"}, {"Content-Type", "application/x-www-form-urlencoded"}} {
		if response, text := s.raw("POST", rows, row(500+n), header...); response.StatusCode != http.StatusOK {
			t.Errorf("%q: %d %s", header, response.StatusCode, text)
		}
	}
	if response, text := s.raw("POST", rows, row(600), "If-None-Match", "*"); response.StatusCode != http.StatusBadRequest || !strings.Contains(text, "If-None-Match is for GET alone") {
		t.Errorf("If-None-Match: %d %s", response.StatusCode, text)
	}
	first, _ := s.raw("POST", rows, row(601), "Idempotency-Key", "k-601")
	again, text := s.raw("POST", rows, row(601), "Idempotency-Key", "k-601")
	if first.StatusCode != http.StatusOK || again.StatusCode != http.StatusOK {
		t.Errorf("sent twice: %d, then %d %s", first.StatusCode, again.StatusCode, text)
	}
	if response, text := s.raw("POST", rows+"?validate_only=true", row(602)); response.StatusCode != http.StatusOK {
		t.Errorf("only tried: %d %s", response.StatusCode, text)
	}
	// Without its length, by pieces.
	piped, err := http.NewRequestWithContext(t.Context(), "POST", s.url+rows, io.MultiReader(strings.NewReader(row(602)[:9]), strings.NewReader(row(602)[9:])))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(piped)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("by pieces: %d %s, %v", response.StatusCode, answer.String(), err)
	}
}
