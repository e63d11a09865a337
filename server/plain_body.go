package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// plainBytes is how large the body of a plain request is at most.
const plainBytes = 64 << 10

// plainCreate returns the request for a new row that a POST makes, nil when that takes the gateway to tell, which then finds
// the body as it was.
func plainCreate(r *http.Request, parent string, maxRequest int) *tandemv1.CreateRowRequest {
	kind := r.Header["Content-Type"]
	if r.ContentLength <= 0 || r.ContentLength > int64(min(plainBytes, maxRequest)) || r.Header["If-None-Match"] != nil ||
		len(kind) > 1 || len(kind) == 1 && kind[0] != "application/json" {
		return nil
	}
	body, create := make([]byte, r.ContentLength), &tandemv1.CreateRowRequest{Parent: parent, Row: &tandemv1.Row{}}
	n, err := io.ReadFull(r.Body, body)
	if err == nil && json.Valid(body) && protojson.Unmarshal(body, create.Row) == nil {
		return create
	}
	r.Body = readBefore{io.MultiReader(bytes.NewReader(body[:n]), r.Body), r.Body}
	return nil
}

// readBefore is a body of which something was read.
type readBefore struct {
	io.Reader
	io.Closer
}
