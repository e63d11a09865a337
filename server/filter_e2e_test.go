package server_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

const filmsSchema = `CREATE TABLE films (
	id    INT NOT NULL PRIMARY KEY,
	title VARCHAR(40) NOT NULL,
	score DECIMAL(4,2),
	ok    BOOLEAN,
	seen  DATETIME,
	"odd, name." TEXT
);
INSERT INTO films VALUES
	(1, 'Moon Rise', '8.50', 1, '2026-11-21 07:00:00', 'x'),
	(2, 'the moon', NULL, 0, NULL, ''),
	(3, 'Sun', '9.00', 1, '2026-11-20 07:00:00', NULL),
	(4, 'sun', '-1.00', NULL, '1999-12-31 23:59:59', '100%'),
	(5, 'Älter', '8.50', 0, '2026-11-21 07:00:01', 'a_b'),
	(10, 'MOONLIGHT', '10.00', 1, NULL, 'y');`

// films runs a test on both sources of a link.
func films(t *testing.T, test func(s *stand, rows string)) {
	for _, source := range []string{"database", "sheet"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, filmsSchema, emulator.Tab{Title: "Films"})
			s.link("films", "Films")
			test(s, "/v1/links/films/sources/"+source+"/rows")
		})
	}
}

// list reads all pages of a list, and returns the ids in their order.
func (s *stand) list(rows, filter, order string, size int) string {
	s.Helper()
	var ids []string
	query := url.Values{"filter": {filter}, "order_by": {order}, "page_size": {fmt.Sprint(size)}, "show_total": {"true"}, "read_mask": {"values.id"}}
	for {
		page := s.must("GET", rows+"?"+query.Encode(), "")
		list, _ := page["rows"].([]any)
		for _, row := range list {
			ids = append(ids, row.(map[string]any)["values"].(map[string]any)["id"].(string))
		}
		token, _ := page["nextPageToken"].(string)
		if token == "" {
			if total := page["totalSize"]; total != float64(len(ids)) {
				s.Errorf("filter %s: totalSize %v of %d rows", filter, total, len(ids))
			}
			return strings.Join(ids, " ")
		}
		query.Set("page_token", token)
	}
}

func TestFilteredLists(t *testing.T) {
	films(t, func(s *stand, rows string) {
		for _, c := range []struct{ filter, order, want string }{
			{`score > 8`, "", "1 3 5 10"},
			{`score > 8 AND title:"moon"`, "", "1 10"},
			{`NOT score > 8`, "", "2 4"},
			{`score = null`, "", "2"},
			{`score != 8.5`, "", "2 3 4 10"},
			{`title = "sun"`, "", "4"},
			{`title:SUN`, "", "3 4"},
			{`title:ä`, "", "5"},
			{"`odd, name.` = null", "", "2 3"},
			{"`odd, name.`:\"%\" OR `odd, name.`:\"_\"", "", "4 5"},
			{`ok = true OR id = 2 AND score:*`, "", "1 3 10"},
			{`seen >= "2026-11-21T07:00:00"`, "", "1 5"},
			{`moon -id = 2`, "", "1 10"},
			{`id = 77`, "", ""},
			{``, "score", "2 4 1 5 3 10"},
			{``, "score desc", "10 3 5 1 4 2"},
			{``, "title desc, id", "5 2 3 4 10 1"},
			{``, "ok desc, score", "1 3 10 2 5 4"},
			{`score > 0`, "seen desc", "5 1 3 10"},
			{``, "`odd, name.`, id desc", "3 2 4 5 1 10"},
		} {
			for _, size := range []int{1, 2, 50} {
				if got := s.list(rows, c.filter, c.order, size); got != c.want {
					s.Errorf("filter %s, order %s, pages of %d: %q, want %q", c.filter, c.order, size, got, c.want)
				}
			}
		}
	})
}

// Pages go on where the one before ended while rows come, go and move; rows that stand still come once.
func TestOrderedPagesUnderWrites(t *testing.T) {
	films(t, func(s *stand, rows string) {
		write := func(mutations ...string) {
			for i := range mutations {
				mutations[i] = fmt.Sprintf(`{"mutationId": "%s", %s}`, rand.Text(), mutations[i])
			}
			answer := s.must("POST", rows+":mutate", `{"mutations": [`+strings.Join(mutations, ",")+`]}`)
			for _, result := range answer["results"].([]any) {
				if result.(map[string]any)["status"] != "APPLIED" {
					s.Fatalf("%v", result)
				}
			}
		}
		create := func(id int, score any) string {
			return fmt.Sprintf(`"type": "CREATE", "row": {"values": {"id": "%d", "title": "t%d", "score": %v}}`, id, id, score)
		}
		update := func(id int, score any) string {
			return fmt.Sprintf(`"type": "UPDATE", "row": {"name": "%s/%d", "values": {"score": %v}}`, strings.TrimPrefix(rows, "/v1/"), id, score)
		}
		remove := func(id any) string {
			return fmt.Sprintf(`"type": "DELETE", "row": {"name": "%s/%v"}`, strings.TrimPrefix(rows, "/v1/"), id)
		}
		var still []string
		for id := 100; id < 130; id++ {
			still = append(still, create(id, []any{"null", 1, 5, 5, 9}[id%5]))
		}
		write(still...)
		write(create(200, 4), create(201, 6), create(202, "null"))
		for _, order := range []string{"score", "score desc", "ok desc, score"} {
			query := url.Values{"filter": {"id >= 100"}, "order_by": {order}, "page_size": {"4"}, "max_staleness": {"0s"}, "read_mask": {"values.id"}}
			seen := map[string]int{}
			for page := 0; ; page++ {
				answer := s.must("GET", rows+"?"+query.Encode(), "")
				for _, row := range answer["rows"].([]any) {
					seen[row.(map[string]any)["values"].(map[string]any)["id"].(string)]++
				}
				token, _ := answer["nextPageToken"].(string)
				if token == "" {
					break
				}
				query.Set("page_token", token)
				write(create(300+page, page), update(200, page), update(201, 10-page), remove(202), create(202, page%3))
			}
			for id := 100; id < 130; id++ {
				if times := seen[fmt.Sprint(id)]; times != 1 {
					s.Errorf("order %s: row %d comes %d times", order, id, times)
				}
			}
			for page := range 30 {
				s.must("DELETE", fmt.Sprintf("%s/%d?allow_missing=true", rows, 300+page), "")
			}
		}
	})
}

func TestBadLists(t *testing.T) {
	films(t, func(s *stand, rows string) {
		for filter, want := range map[string]string{`titel = "x"`: `at character 1: the link has no column "titel"`, `score > x`: `at character 9: score: "x" is not a number`,
			`score > 1 AND (ok = true`: `at character 15`, strings.Repeat("é", 10_001): ""} {
			if got := s.refused(http.StatusBadRequest, "filter", "GET", rows+"?filter="+url.QueryEscape(filter), ""); !strings.Contains(got.fields()["filter"], want) {
				s.Errorf("%.40s: %v", filter, got.fields())
			}
		}
		s.refused(http.StatusBadRequest, "order_by", "GET", rows+"?order_by=nope", "")
		token := func(query string) string {
			return s.must("GET", rows+"?page_size=1&"+query, "")["nextPageToken"].(string)
		}
		filtered, ordered := token("filter=score%3E8"), token("order_by=score")
		s.must("GET", rows+"?filter=score%3E8&page_token="+filtered, "")
		for _, query := range []string{"page_token=" + filtered, "filter=score%3E9&page_token=" + filtered, "order_by=id&page_token=" + ordered, "page_token=" + ordered,
			"filter=score%3E8&order_by=score&page_token=" + ordered, "order_by=score&page_token=" + token("")} {
			s.refused(http.StatusBadRequest, "page_token", "GET", rows+"?"+query, "")
		}
	})
}

func TestFilteredListOverGRPC(t *testing.T) {
	films(t, func(s *stand, rows string) {
		client := tandemv1.NewRowServiceClient(s.conn)
		request := &tandemv1.ListRowsRequest{Parent: strings.TrimSuffix(strings.TrimPrefix(rows, "/v1/"), "/rows"), Filter: `title:"moon"`, OrderBy: "score desc", PageSize: 2, ShowTotal: true}
		first, err := client.ListRows(s.Context(), request)
		if err != nil {
			s.Fatal(err)
		}
		request.PageToken = first.GetNextPageToken()
		second, err := client.ListRows(s.Context(), request)
		if err != nil {
			s.Fatal(err)
		}
		var names []string
		for _, row := range append(first.GetRows(), second.GetRows()...) {
			names = append(names, row.GetName()[strings.LastIndex(row.GetName(), "/")+1:])
		}
		if diff := cmp.Diff([]string{"10", "1", "2"}, names); diff != "" || first.GetTotalSize() != 3 || second.GetNextPageToken() != "" {
			s.Errorf("rows (-want +got):\n%s\ntotal %d, last token %q", diff, first.GetTotalSize(), second.GetNextPageToken())
		}
	})
}

// Rows of the sheet without a usable key are filtered as others are, and stand at the end of every order.
func TestFilteredRowsWithoutKey(t *testing.T) {
	s := newStand(t, filmsSchema, emulator.Tab{Title: "Films"})
	s.link("films", "Films")
	rows := "/v1/links/films/sources/sheet/rows"
	s.must("POST", "/v1/links/films:pause", "{}")
	for _, cell := range [][2]string{{"A8", "3"}, {"B8", "moon again"}, {"B9", "moonless"}} {
		if err := s.google.Edit(standSheet, emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Films", A1: cell[0], Input: cell[1]}}); err != nil {
			s.Fatal(err)
		}
	}
	page := s.must("GET", rows+"?max_staleness=0s&show_total=true&order_by=title%20desc&filter=title:moon", "")
	var titles []any
	for _, row := range page["rows"].([]any) {
		titles = append(titles, row.(map[string]any)["values"].(map[string]any)["title"])
	}
	if diff := cmp.Diff([]any{"the moon", "MOONLIGHT", "Moon Rise", "moon again", "moonless"}, titles); diff != "" || page["totalSize"] != 5.0 {
		s.Errorf("titles (-want +got):\n%s\ntotal %v", diff, page["totalSize"])
	}
}

// A hundred phones that list the same tab, each with a filter and order of its own, cost Google one read.
func TestManyListsOfASheetShareARead(t *testing.T) {
	s := newStand(t, filmsSchema, emulator.Tab{Title: "Films"})
	s.link("films", "Films")
	s.must("POST", "/v1/links/films:pause", "{}") // so that nobody else reads
	s.google.ResetStats()
	var phones sync.WaitGroup
	for i := range 100 {
		phones.Go(func() {
			query := url.Values{"filter": {fmt.Sprintf(`score > %d OR title:"moon"`, i%10)}, "order_by": {[]string{"", "title", "score desc"}[i%3]}, "max_staleness": {"60s"}}
			if answer := s.call("GET", "/v1/links/films/sources/sheet/rows?"+query.Encode(), ""); answer.status != http.StatusOK {
				s.Errorf("%s", answer.text)
			}
		})
	}
	phones.Wait()
	if stats := s.google.Stats(); stats.Reads != 1 {
		s.Errorf("%d reads of Google: %v", stats.Reads, stats.Calls)
	}
}
