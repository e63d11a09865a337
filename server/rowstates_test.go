package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

func TestSyncState(t *testing.T) {
	both(t, func(s *stand, rows string) {
		s.must("POST", "/v1/links/things:pause", "{}")
		changed := s.must("PATCH", rows+"/2", `{"values": {"title": "changed"}}`)
		if changed["syncState"] != "PENDING" {
			s.Errorf("while the link is paused: %v", changed["syncState"])
		}
		s.must("POST", "/v1/links/things:resume", "{}")
		for _, source := range []string{"database", "sheet"} {
			s.eventually(func() string {
				row := s.must("GET", "/v1/links/things/sources/"+source+"/rows/2?max_staleness=0s", "")
				if row["syncState"] == "IN_SYNC" && row["values"].(map[string]any)["title"] == "changed" {
					return ""
				}
				return fmt.Sprintf("%s: %v", source, row)
			})
		}
	})
}

// Rows that cannot be told by their key are shown, so that a person can put them right.
func TestRowsWithoutUsableKey(t *testing.T) {
	s := newStand(t, "CREATE TABLE films (film_id INT NOT NULL PRIMARY KEY, title VARCHAR(50))", emulator.Tab{Title: "Films",
		Rows: [][]any{{"film_id", "title"}, {7, "seven"}, {1, "one"}, {nil, "no key"}, {3, "three"}, {3, "three again"}, {"x", "bad key"}}})
	s.link("films", "Films")
	type shown struct {
		Name, State string
		Position    float64
	}
	var got []shown
	rows, token := "/v1/links/films/sources/sheet/rows", ""
	// What the sync added to the database is marked there, until the next cycle has seen that it was our own doing.
	for _, key := range []string{"/1", "/7"} {
		s.eventually(func() string {
			if row := s.must("GET", rows+key, ""); row["syncState"] != "IN_SYNC" {
				return fmt.Sprint(row)
			}
			return ""
		})
	}
	for {
		page := s.must("GET", rows+"?page_size=2&max_staleness=0s&page_token="+token, "")
		for _, r := range page["rows"].([]any) {
			row := r.(map[string]any)
			one := shown{fmt.Sprint(row["name"]), fmt.Sprint(row["syncState"]), row["position"].(float64)}
			if one.Name != "" {
				one.Name, one.Position = one.Name[strings.LastIndex(one.Name, "/")+1:], 0
			} else if row["syncError"] == "" {
				s.Errorf("row %v does not say what is wrong", row)
			}
			got = append(got, one)
		}
		if token, _ = page["nextPageToken"].(string); token == "" {
			break
		}
	}
	want := []shown{{"1", "IN_SYNC", 0}, {"7", "IN_SYNC", 0}, {"", "ERROR", 4}, {"", "ERROR", 5}, {"", "ERROR", 6}, {"", "ERROR", 7}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	s.refused(http.StatusBadRequest, "", "GET", rows+"/3", "")
	s.refused(http.StatusNotFound, "", "GET", "/v1/links/films/sources/database/rows/3", "")
}

func TestCheck(t *testing.T) {
	google := emulator.New(emulator.Options{})
	if _, err := google.Create(emulator.Spreadsheet{ID: "shared", Title: "Shared"}); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(google)
	defer listener.Close()
	config := server.Config{DatabaseURL: "sqlite:" + filepath.Join(t.TempDir(), "tandem.db"), SheetsEndpoint: listener.URL}
	check := func(config server.Config, spreadsheets ...string) (string, error) {
		var out strings.Builder
		err := server.Check(context.Background(), config, server.CheckOptions{Spreadsheets: spreadsheets}, &out)
		return out.String(), err
	}
	if out, err := check(config, "shared"); err != nil || strings.Contains(out, "MISSING") || !strings.Contains(out, "can be written to") ||
		strings.Contains(out, "takes the credentials") || !strings.Contains(out, "it has 1 tab\n") || !strings.Contains(out, listener.URL+" answers. It gets no credentials, so none were tried") {
		t.Errorf("with everything there: %v\n%s", err, out)
	}
	if out, err := check(config, "nowhere"); err == nil || !strings.Contains(out, "MISSING  spreadsheet nowhere") {
		t.Errorf("with an unknown spreadsheet: %v\n%s", err, out)
	}
	silent := config
	silent.SheetsEndpoint = "http://127.0.0.1:1/"
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var said strings.Builder
	if err := server.Check(ctx, silent, server.CheckOptions{}, &said); err == nil || !strings.Contains(said.String(), "MISSING  Sheets API at http://127.0.0.1:1/: ") ||
		!strings.Contains(said.String(), "tandem emulator starts one") {
		t.Errorf("with nothing at the endpoint: %v\n%s", err, said.String())
	}
	config.DatabaseURL = "mysql://tandem:secret@127.0.0.1:1/shop"
	if out, err := check(config, "shared"); err == nil || !strings.Contains(out, "MISSING  database") || strings.Contains(out, "secret") {
		t.Errorf("without a database: %v\n%s", err, out)
	}
}
