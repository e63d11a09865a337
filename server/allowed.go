package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
)

// restMethods are those of the REST API.
var restMethods = []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete}

// tried is a request that only looks for what would answer it.
type tried struct{ pattern *runtime.Pattern }

type triedKey struct{}

// allowed returns the methods that the gateway has at a request's path, as the header Allow says them.
func allowed(mux *runtime.ServeMux, r *http.Request) string {
	var methods []string
	verb := false
	for _, method := range restMethods {
		found := &tried{}
		try := r.Clone(context.WithValue(r.Context(), triedKey{}, found))
		try.Method = method
		mux.ServeHTTP(nowhere{}, try)
		if found.pattern == nil || verb && found.pattern.Verb() == "" {
			continue
		}
		if !verb && found.pattern.Verb() != "" { // what else takes the path takes the verb for a part of a name
			verb, methods = true, nil
		}
		methods = append(methods, method)
	}
	if at := slices.Index(methods, http.MethodGet); at >= 0 {
		methods = slices.Insert(methods, at+1, http.MethodHead)
	}
	return strings.Join(methods, ", ")
}

// nowhere is where the answer to what is only tried goes.
type nowhere struct{}

func (nowhere) Header() http.Header { return http.Header{} }

func (nowhere) Write(data []byte) (int, error) { return len(data), nil }

func (nowhere) WriteHeader(int) {}
