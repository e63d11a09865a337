package server

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// plainRows answers the requests that most are, for a row, a page of rows or a new row and nothing special about it, as the gateway would:
// through the same interceptors, in the same words. It saves what finding and filling in any message takes.
type plainRows struct {
	channel    *channel
	marshaler  rowMarshaler
	maxRequest int // how large a body may be, in bytes
}

// unusual are headers that the gateway heeds, beside Authorization.
var unusual = []string{"If-Match", "Idempotency-Key", "Traceparent", "Tracestate", "Grpc-Timeout", "Te"}

// serve returns false, and has done nothing, when the request is for the gateway.
func (p plainRows) serve(w http.ResponseWriter, r *http.Request) bool {
	for _, name := range unusual {
		if _, has := r.Header[name]; has {
			return false
		}
	}
	var sent metadata.MD
	if token := r.Header["Authorization"]; len(token) > 0 {
		for _, value := range token {
			if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
				return false
			}
		}
		sent = metadata.MD{"authorization": token}
	}
	method, request := p.request(r)
	if request == nil {
		return false
	}
	w, ctx := conditionally(w, r), r.Context()
	answer, _, err := p.channel.run(ctx, method, p.channel.methods[method], sent, request)
	if err != nil {
		writeError(ctx, nil, nil, w, r, err)
		return true
	}
	text, err := p.marshaler.Marshal(answer)
	if err == nil {
		err = setEtag(ctx, w, answer.(proto.Message))
	}
	if err != nil {
		writeError(ctx, nil, nil, w, r, err)
		return true
	}
	w.Header().Set("Content-Type", p.marshaler.ContentType(answer))
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
	return true
}

// request returns the method that a request calls and its message, nil when that takes the gateway to tell.
func (p plainRows) request(r *http.Request) (method string, request proto.Message) {
	creates := r.Method == http.MethodPost && r.URL.RawQuery == ""
	if !creates && (r.Method != http.MethodGet || r.ContentLength != 0) || r.URL.RawPath != "" {
		return "", nil
	}
	name, found := strings.CutPrefix(r.URL.Path, "/v1/")
	// Colons begin verbs, and a path that is not as it was sent was unescaped.
	if !found || strings.IndexByte(name, ':') >= 0 || r.URL.EscapedPath() != r.URL.Path {
		return "", nil
	}
	if !creates && r.URL.RawQuery == "" && plainRow(name) {
		return tandemv1.RowService_GetRow_FullMethodName, &tandemv1.GetRowRequest{Name: name}
	}
	parent, found := strings.CutSuffix(name, "/rows")
	if !found || !plainSource(parent) {
		return "", nil
	}
	if creates {
		if create := plainCreate(r, parent, p.maxRequest); create != nil {
			return tandemv1.RowService_CreateRow_FullMethodName, create
		}
		return "", nil
	}
	list := &tandemv1.ListRowsRequest{Parent: parent}
	if !plainPage(r.URL.RawQuery, list) {
		return "", nil
	}
	return tandemv1.RowService_ListRows_FullMethodName, list
}

// plainPage reads a query that asks for a page and nothing more.
func plainPage(query string, into *tandemv1.ListRowsRequest) bool {
	if query == "" {
		return true
	}
	given, err := url.ParseQuery(query)
	if err != nil {
		return false
	}
	for name, values := range given {
		if len(values) != 1 {
			return false
		}
		switch name {
		case "page_size":
			size, err := strconv.ParseInt(values[0], 10, 32)
			if err != nil {
				return false
			}
			into.PageSize = int32(size)
		case "page_token":
			into.PageToken = values[0]
		default:
			return false
		}
	}
	return true
}
