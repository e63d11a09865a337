package server

import (
	"strings"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// plainlyValid reports whether a request for rows keeps the rules of the contract as far as a look tells: most do, and the
// validator takes as long as the rest of a call in which the database is not asked. It never says so of one that the
// validator would refuse.
func plainlyValid(request any) bool {
	switch r := request.(type) {
	case *tandemv1.GetRowRequest:
		return r.MaxStaleness == nil && plainRow(r.Name)
	case *tandemv1.ListRowsRequest:
		return r.MaxStaleness == nil && r.PageSize >= 0 && len(r.PageToken) <= 20000 && r.Filter == "" && r.OrderBy == "" && plainSource(r.Parent)
	case *tandemv1.CreateRowRequest:
		return r.RequestId == "" && r.Row != nil && r.Row.Name == "" && r.Row.Etag == "" && plainSource(r.Parent)
	}
	return false
}

// plainRow reports whether name is links/{link}/sources/{source}/rows/{row}.
func plainRow(name string) bool {
	source, row, found := strings.Cut(name, "/rows/")
	return found && len(name) <= 10000 && row != "" && strings.IndexByte(row, '/') < 0 && plainSource(source)
}

// plainSource reports whether name is links/{link}/sources/{source}.
func plainSource(name string) bool {
	rest, ok := strings.CutPrefix(name, "links/")
	link, source, found := strings.Cut(rest, "/sources/")
	if !ok || !found || source != "database" && source != "sheet" {
		return false
	}
	n := len(link)
	if n == 0 || n > 40 || link[0] < 'a' || link[0] > 'z' || link[n-1] == '-' {
		return false
	}
	for i := 0; i < n; i++ {
		if c := link[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
