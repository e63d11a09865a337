package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

// scrapeTimeout is how long a scrape waits for the database; what it cannot tell by then is left out.
const scrapeTimeout = 2 * time.Second

// scraped is what is read at a scrape: what stands in the database, shared by all processes, and what the parts of this
// process know. Google is never called.
type scraped struct {
	metrics  *metrics
	backlogs func(ctx context.Context) ([]tandem.Backlog, error)
	quota    func(ctx context.Context) sheets.Quota
	capture  func() (age time.Duration, ok bool)
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	databaseUp    = gauge("tandem_database_up", "1 when the database told what waits, 0 when it did not; then all that stands in the database is left out.")
	backlogRows   = gauge("tandem_backlog_rows", "Rows and tabs marked to be looked at.", "link")
	backlogWrites = gauge("tandem_backlog_writes", "Writes to the sheet that callers wait for.", "link")
	backlogOldest = gauge("tandem_backlog_oldest_seconds", "How long the oldest of what waits has waited; 0 when nothing does.", "link")
	conflictsOpen = gauge("tandem_conflicts_open", "Rows in conflict that wait for a person.", "link")
	rowErrors     = gauge("tandem_row_errors", "Rows that could not be carried over.", "link")
	linkState     = gauge("tandem_link_state", "1 for the state that the link is in.", "link", "state")
	quotaLeft     = gauge("tandem_quota_left", "Calls to Google that can be made now; all processes of a database share them.", "kind")
	quotaLimit    = gauge("tandem_quota_limit", "Calls to Google that are made in a minute at most; lower while Google turned some down.", "kind")
	quotaWaiting  = gauge("tandem_quota_waiting", "Calls to Google that wait in this process for the budget.", "kind")
	captureAge    = gauge("tandem_capture_position_age_seconds", "How old the last change is that was read from the binary log; only with that capture.")
)

var states = []tandem.State{tandem.StateNew, tandem.StateInitialSync, tandem.StateActive, tandem.StatePaused, tandem.StateHalted}

// Describe names what may be collected.
func (s *scraped) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{databaseUp, backlogRows, backlogWrites, backlogOldest, conflictsOpen, rowErrors, linkState, quotaLeft, quotaLimit, quotaWaiting, captureAge} {
		to <- desc
	}
}

// Collect reads everything anew.
func (s *scraped) Collect(to chan<- prometheus.Metric) {
	tell := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	if age, ok := s.capture(); ok {
		tell(captureAge, age.Seconds())
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	budgets := s.quota(ctx)
	for kind, budget := range map[string]sheets.Budget{"reads": budgets.Reads, "writes": budgets.Writes} {
		if budget.Limit == 0 {
			continue // there is none
		}
		tell(quotaLimit, float64(budget.Limit), kind)
		tell(quotaLeft, float64(budget.Left), kind)
		tell(quotaWaiting, float64(budget.Waiting), kind)
	}
	backlogs, err := s.backlogs(ctx)
	if err != nil {
		tell(databaseUp, 0)
		return
	}
	tell(databaseUp, 1)
	there := make(map[string]bool, len(backlogs))
	for _, b := range backlogs {
		there[b.Link] = true
		tell(backlogRows, float64(b.Marks), b.Link)
		tell(backlogWrites, float64(b.Writes), b.Link)
		var waited time.Duration
		if !b.Oldest.IsZero() {
			waited = max(0, s.metrics.now().Sub(b.Oldest))
		}
		tell(backlogOldest, waited.Seconds(), b.Link)
		tell(conflictsOpen, float64(b.Conflicts), b.Link)
		tell(rowErrors, float64(b.RowErrors), b.Link)
		for _, state := range states {
			is := 0.0
			if b.State == state {
				is = 1
			}
			tell(linkState, is, b.Link, string(state))
		}
	}
	s.metrics.forget(there)
}

// scrape has scrapes show what stands in the database of b, and what its parts know.
func (m *metrics) scrape(b *backend) {
	m.registry.MustRegister(&scraped{metrics: m, backlogs: b.Store.Backlogs, quota: b.sheets.Quota, capture: b.Store.CaptureLag})
}

// googleCalled counts and follows a call to Google.
func (b *backend) googleCalled(ctx context.Context, call sheets.Call) {
	b.metrics.googleCall(call)
	b.traces.googleCall(ctx, call)
}
