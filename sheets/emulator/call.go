package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// call is one request to the emulated API.
type call struct {
	emulator *Emulator
	request  *http.Request
	method   *apiMethod
	params   map[string]string
	query    url.Values
	fields   mask
	payload  []byte
}

// document finds the spreadsheet that the path names.
func (c *call) document() (*document, error) {
	if d := c.emulator.document(c.params["spreadsheetId"]); d != nil {
		return d, nil
	}
	return nil, notFound()
}

func (c *call) flag(name string) bool {
	v := c.query.Get(name)
	return strings.EqualFold(v, "true") || v == "1"
}

// param reads a query parameter by either spelling.
func (c *call) param(name string) string {
	if v := c.query.Get(name); v != "" {
		return v
	}
	return c.query.Get(snakeCase(name))
}

// body reads the JSON body and checks it against its type.
func (c *call) body(s *schema) (object, error) { return c.bodyAt(s, "") }

// bodyAt does the same for a body that stands for one field of the request, which errors then name.
func (c *call) bodyAt(s *schema, path string) (object, error) {
	if len(bytes.TrimSpace(c.payload)) == 0 {
		return object{}, nil
	}
	var raw any
	if err := json.Unmarshal(c.payload, &raw); err != nil {
		m := "Invalid JSON payload received. " + jsonProblem(c.payload, err)
		return nil, invalidFields(m, violation("", m))
	}
	if raw == nil {
		return object{}, nil
	}
	r := &reading{}
	o, _ := r.read(s, raw, path).(object)
	return o, r.err()
}

func jsonProblem(payload []byte, err error) string {
	if s, ok := err.(*json.SyntaxError); ok && int(s.Offset) < len(payload) {
		at := max(int(s.Offset)-1, 0)
		from := max(at-20, 0)
		return "Unexpected token.\n" + string(payload[from:min(at+20, len(payload))]) + "\n" + strings.Repeat(" ", at-from) + "^"
	}
	return "Unexpected end of string. Expected a value.\n\n^"
}

const maxBody = 256 << 20

func readPayload(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(payload) > maxBody {
		return nil, &apiError{code: http.StatusRequestEntityTooLarge, status: "INVALID_ARGUMENT", message: "Request payload size exceeds the limit."}
	}
	return payload, nil
}
