package server_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// samples are the values of one scrape by name and labels: `tandem_rows_total{link="anime",outcome="landed"}`.
type samples map[string]float64

// scrape reads /metrics as Prometheus does. Histograms give a _count and a _sum.
func (s *stand) scrape() samples {
	s.Helper()
	answer := s.call("GET", "/metrics", "")
	if answer.status != http.StatusOK {
		s.Fatalf("GET /metrics: status %d: %s", answer.status, answer.text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(answer.text))
	if err != nil {
		s.Fatalf("what /metrics says cannot be read: %v", err)
	}
	found := samples{}
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, pair := range metric.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", pair.GetName(), pair.GetValue()))
			}
			sort.Strings(labels)
			suffix := ""
			if len(labels) > 0 {
				suffix = "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case metric.GetHistogram() != nil:
				found[name+"_count"+suffix] = float64(metric.GetHistogram().GetSampleCount())
				found[name+"_sum"+suffix] = metric.GetHistogram().GetSampleSum()
			case metric.GetCounter() != nil:
				found[name+suffix] = metric.GetCounter().GetValue()
			default:
				found[name+suffix] = metric.GetGauge().GetValue()
			}
		}
	}
	return found
}

// grew fails unless a counter is larger by n than before.
func (s *stand) grew(before, after samples, name string, n float64) {
	s.Helper()
	if got := after[name] - before[name]; got != n {
		s.Errorf("%s grew by %v, want %v", name, got, n)
	}
}

// TestMetrics: what a known course of events leaves at /metrics. No scrape calls Google.
func TestMetrics(t *testing.T) {
	s := newStand(t, `CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT, score INT CHECK (score < 1000))`, emulator.Tab{Title: "Films"})
	for id := 1; id <= 20; id++ {
		s.exec(`INSERT INTO film VALUES (?, ?, 1)`, id, fmt.Sprint("Film ", id))
	}
	s.link("film", "Films")
	s.rests("film")
	before := s.scrape()
	if n := before[`tandem_rows_total{link="film",outcome="landed",target="sheet"}`]; n != 20 {
		t.Errorf("%v rows landed in the sheet by the initial sync, want 20", n)
	}
	if n := before[`tandem_lag_seconds_count{link="film",source="database"}`]; n != 0 {
		t.Errorf("the initial sync has %v lags; it carries no single changes over", n)
	}

	s.exec(`UPDATE film SET score = 2 WHERE id <= 3`)
	s.eventually(func() string { return s.shows("Films!C2:C5", "[[2] [2] [2] [1]]") })
	s.must("POST", "/v1/links/film/sources/sheet/rows", `{"values": {"id": 50, "title": "New", "score": 5}}`)
	s.edit(emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Films", A1: "C6", Input: "2000"}})
	s.eventually(func() string {
		if n := s.scrape()[`tandem_row_errors{link="film"}`]; n != 1 {
			return fmt.Sprintf("%v row errors, want the one of the score that the table refuses", n)
		}
		return ""
	})
	s.eventually(func() string {
		if n := s.count(`SELECT COUNT(*) FROM film WHERE id = 50`); n != 1 {
			return "the row made in the sheet is not in the table"
		}
		return ""
	})
	s.call("GET", "/v1/links/none", "")
	s.call("GET", "/nothing/here", "")
	s.rests("film")

	after, stats := samples{}, s.google.Stats()
	s.eventually(func() string { // the worker's own calls may come just then, but not each time
		stats = s.google.Stats()
		after = s.scrape()
		if now := s.google.Stats(); now.Reads != stats.Reads || now.Writes != stats.Writes {
			return fmt.Sprintf("a scrape made calls to Google: %d reads and %d writes", now.Reads-stats.Reads, now.Writes-stats.Writes)
		}
		return ""
	})
	s.grew(before, after, `tandem_rows_total{link="film",outcome="landed",target="sheet"}`, 3)
	s.grew(before, after, `tandem_rows_total{link="film",outcome="landed",target="database"}`, 1)
	s.grew(before, after, `tandem_rows_total{link="film",outcome="refused",target=""}`, 1)
	s.grew(before, after, `tandem_lag_seconds_count{link="film",source="database"}`, 3)
	s.grew(before, after, `tandem_lag_seconds_count{link="film",source="sheet"}`, 1)
	s.grew(before, after, `tandem_calls_total{code="OK",method="/tandem.v1.RowService/CreateRow",transport="rest"}`, 1)
	s.grew(before, after, `tandem_calls_total{code="NotFound",method="/tandem.v1.LinkService/GetLink",transport="rest"}`, 1)
	s.grew(before, after, `tandem_call_duration_seconds_count{method="/tandem.v1.RowService/CreateRow",transport="rest"}`, 1)
	s.grew(before, after, `tandem_http_requests_total{code="404",path="other"}`, 1)
	for name, want := range map[string]float64{
		`tandem_link_state{link="film",state="ACTIVE"}`: 1, `tandem_link_state{link="film",state="HALTED"}`: 0,
		`tandem_backlog_rows{link="film"}`: 0, `tandem_backlog_writes{link="film"}`: 0, `tandem_backlog_oldest_seconds{link="film"}`: 0,
		`tandem_conflicts_open{link="film"}`: 0, `tandem_database_up`: 1,
	} {
		if got, there := after[name]; !there || got != want {
			t.Errorf("%s is %v (there: %v), want %v", name, got, there, want)
		}
	}
	if after[`tandem_cycles_total{link="film",result="ok"}`] <= before[`tandem_cycles_total{link="film",result="ok"}`] {
		t.Error("no cycle was counted")
	}
	const write = "spreadsheets.batchUpdate"
	if made, counted := stats.Calls[write], after[`tandem_google_calls_total{method="`+write+`",status="200"}`]; made == 0 || counted != float64(made) {
		t.Errorf("%v calls of %s are counted, the emulator saw %d", counted, write, made)
	}
	hints := 0.0
	for name, n := range after {
		if strings.HasPrefix(name, `tandem_hints_total{link="film"`) {
			hints += n
		}
	}
	if hints == 0 {
		t.Error("a person's edit became known by no way")
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if math.IsNaN(after[name]) || after[name] <= 0 {
			t.Errorf("%s is %v", name, after[name])
		}
	}
}

// TestMetricsOfHalts: a halt is counted with its reason, and the series of a link go with the link.
func TestMetricsOfHalts(t *testing.T) {
	s := newStand(t, `CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT)`, emulator.Tab{Title: "Films"})
	for id := 1; id <= 30; id++ {
		s.exec(`INSERT INTO film VALUES (?, 'x')`, id)
	}
	s.link("film", "Films")
	s.exec(`DELETE FROM film`)
	s.eventually(func() string {
		if n := s.scrape()[`tandem_halts_total{link="film",reason="TOO_MANY_DELETES"}`]; n != 1 {
			return fmt.Sprintf("%v halts are counted, want 1", n)
		}
		return ""
	})
	seen := s.scrape()
	if seen[`tandem_link_state{link="film",state="HALTED"}`] != 1 || seen[`tandem_cycles_total{link="film",result="halted"}`] != 1 {
		t.Error("the link is halted, and no cycle that halted it is counted")
	}
	s.must("DELETE", "/v1/links/film", "")
	s.eventually(func() string {
		for name := range s.scrape() {
			if strings.Contains(name, `link="film"`) {
				return name + " is still there although the link is gone"
			}
		}
		return ""
	})
}

// TestMetricsOfAFailure: without its database a server still answers a scrape, and says so.
func TestMetricsOfAFailure(t *testing.T) {
	s := newStand(t, `CREATE TABLE film (id INTEGER PRIMARY KEY)`)
	if s.scrape()["tandem_database_up"] != 1 {
		t.Error("the database is there, and tandem_database_up does not say so")
	}
	s.exec(`ALTER TABLE tandem_marks RENAME TO tandem_lost`)
	seen := s.scrape()
	if up, there := seen["tandem_database_up"]; !there || up != 0 {
		t.Errorf("tandem_database_up is %v (there: %v) while a table of ours is gone", up, there)
	}
	if seen["go_goroutines"] <= 0 {
		t.Error("the rest of the metrics is missing")
	}
	s.exec(`ALTER TABLE tandem_lost RENAME TO tandem_marks`)
}

func (s *stand) count(query string) (n int) {
	s.Helper()
	if err := s.db.QueryRowContext(s.Context(), query).Scan(&n); err != nil {
		s.Fatalf("%s: %v", query, err)
	}
	return n
}

// rests waits until a whole look at the tab that began from now on left nothing to do, and no mark waits.
func (s *stand) rests(link string) {
	s.Helper()
	from := time.Now()
	s.eventually(func() string {
		status, _ := s.must("GET", "/v1/links/"+link, "")["status"].(map[string]any)
		equal, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(status["equalAsOf"]))
		if fmt.Sprint(status["pendingRows"]) != "0" || equal.Before(from) {
			return fmt.Sprintf("link %s has not come to rest: %v", link, status)
		}
		return ""
	})
}

// shows compares a block of cells with what the tab shows.
func (s *stand) shows(a1, want string) string {
	request, err := http.NewRequestWithContext(s.Context(), "GET", "http://emulator/v4/spreadsheets/"+standSheet+"/values/"+a1, nil)
	if err != nil {
		s.Fatal(err)
	}
	response, err := s.google.Transport().RoundTrip(request)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ Values [][]string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.Fatal(err)
	}
	if got := fmt.Sprint(answer.Values); got != want {
		return fmt.Sprintf("%s shows %s, want %s", a1, got, want)
	}
	return ""
}
