package server_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whether a request for rows is a plain one shows nowhere in its answer.
func TestPlainRows(t *testing.T) {
	everywhere(t, func(s *stand, rows string) {
		first := s.must("GET", rows+"?page_size=1", "")
		moment := regexp.MustCompile(`"snapshotTime":"[^"]*"`)
		for _, path := range []string{rows, rows + "?", rows + "?page_size=2", rows + "?page_size=1&page_token=" + first["nextPageToken"].(string), rows + "?page_token=nonsense",
			rows + "?page_size=x", rows + "?page_size=-1", rows + "?page_size=1&page_size=2", rows + "?page_size=99999999999", rows + "?pageSize=1", rows + "?nope=1", rows + "?page_size=%zz",
			rows + "/1", rows + "/1?", rows + "/%31", rows + "/nope", rows + "/", rows + "/a:b", rows + ":nope", rows + "/1/2", rows + "//1", rows + "/1?read_mask=etag", rows + "/1?max_staleness=0s",
			"/v1/links/nope/sources/database/rows/1", "/v1/links/things/sources/nope/rows", "/v1/links/things/sources/nope/rows/1", "/v1/links/Things/sources/sheet/rows/1"} {
			plain, text := s.raw("GET", path, "")
			other, want := s.raw("GET", path, "", "Traceparent", "none")
			text, want = moment.ReplaceAllString(text, ""), moment.ReplaceAllString(want, "")
			if plain.StatusCode != other.StatusCode || text != want {
				s.Errorf("%s: %d %s\nwant %d %s", path, plain.StatusCode, text, other.StatusCode, want)
			}
			for _, response := range []map[string][]string{plain.Header, other.Header} {
				for _, varies := range []string{"Date", "Content-Length"} {
					delete(response, varies)
				}
			}
			if diff := cmp.Diff(other.Header, plain.Header); diff != "" {
				s.Errorf("%s: headers (-want +got):\n%s", path, diff)
			}
		}
	})
}
