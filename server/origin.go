package server

import (
	"fmt"
	"net"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// sameMachine keeps web pages of others away from a server that asks nobody who they are: it listens on loopback, but a
// browser on this machine would call it for any page. Refused are writes from other origins, and names that somebody made
// point to this machine. Hints from spreadsheets come through, under whatever name a proxy gave this server: they are
// known by their signature.
//
// Pages of the origins that the server was told of may call all the same.
func sameMachine(next http.Handler, trusted []string) (http.Handler, error) {
	origins := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("cors-origins: %w", err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isHook(r) {
			next.ServeHTTP(w, r)
			return
		}
		host := r.Host
		if name, _, err := net.SplitHostPort(r.Host); err == nil {
			host = name
		}
		if !loopback(net.JoinHostPort(trimBrackets(host), "0")) {
			writeStatus(w, http.StatusForbidden, status.Newf(codes.PermissionDenied,
				"without authentication only loopback addresses are answered: call this server as localhost, not as %q", host))
			return
		}
		if err := origins.Check(r); err != nil {
			writeStatus(w, http.StatusForbidden, status.New(codes.PermissionDenied,
				"without authentication, pages of other origins cannot write here"))
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// trimBrackets takes the brackets off an IPv6 address that stands without a port.
func trimBrackets(host string) string {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		return host[1 : n-1]
	}
	return host
}
