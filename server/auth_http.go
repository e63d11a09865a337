package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"google.golang.org/grpc/codes"
)

// openPaths are answered without a token: whether the process works, what its API looks like, and the console's files. They show
// nothing of anybody's data. Hints are known by their signature.
var openPaths = map[string]bool{"/healthz": true, "/readyz": true, "/openapi.yaml": true, "/docs": true, "/": true}

func isOpen(r *http.Request) bool {
	path := r.URL.EscapedPath()
	return openPaths[path] || strings.HasPrefix(path, "/console/") || isHook(r)
}

// known lets requests through whose token is good, before anything of their body is read. What a token allows is found by the
// interceptors, whom REST goes through as gRPC does; for /metrics, which shows every link, it is found here.
func (a *auth) known(next http.Handler, openMetrics bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		metrics := r.URL.EscapedPath() == "/metrics"
		if a.off || isOpen(r) || metrics && openMetrics {
			next.ServeHTTP(w, r)
			return
		}
		// What a browser keeps, it must ask about again: the next one to ask may be somebody else.
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Add("Vary", "Authorization")
		known, err := a.identify(r.Context(), r.Header.Values("Authorization"))
		if err == nil && metrics && known.caller().Limited() {
			err = tandem.Errorf(tandem.CodePermission, "PERMISSION_DENIED", "metrics are of all links, and this token is limited to certain ones")
		}
		if err == nil { // before the body: reading one that is no good costs as much
			err = a.take(known)
		}
		if err != nil {
			if api.Status(err).Code() == codes.Internal {
				a.log.Error("token not looked up", "error", err)
			}
			writeError(r.Context(), nil, nil, w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), takenKey{}, true)))
	})
}
