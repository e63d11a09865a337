package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets"
)

// metrics is what this process counts; docs/operations.md says what each means. Labels are links, methods and the few words
// below, never a key or a value of a row, so that there are as many series as there are links and no more.
type metrics struct {
	registry *prometheus.Registry
	now      func() time.Time

	cycles        *prometheus.CounterVec   // link, result
	cycleDuration *prometheus.HistogramVec // link
	rows          *prometheus.CounterVec   // link, target, outcome
	lag           *prometheus.HistogramVec // link, source
	halts         *prometheus.CounterVec   // link, reason
	hints         *prometheus.CounterVec   // link, path

	googleCalls    *prometheus.CounterVec   // method, status
	googleDuration *prometheus.HistogramVec // method

	calls        *prometheus.CounterVec   // transport, method, code
	callDuration *prometheus.HistogramVec // transport, method
	requests     *prometheus.CounterVec   // path, code

	mu   sync.Mutex
	seen map[string]bool // links that have series
}

// Bounds of the histograms, in seconds. A change should be on the other side in 1.5 s, so the steps are small there.
var (
	lagBounds    = []float64{.1, .25, .5, .75, 1, 1.25, 1.5, 2, 3, 5, 10, 30, 60, 300, 1800}
	cycleBounds  = []float64{.01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 1800}
	googleBounds = []float64{.05, .1, .15, .2, .3, .5, 1, 2, 5, 10, 30, 60, 180}
	callBounds   = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
)

func newMetrics(now func() time.Time) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), now: now, seen: map[string]bool{}}
	m.cycles = m.counter("tandem_cycles_total", "Cycles that ended, by how.", "link", "result")
	m.cycleDuration = m.histogram("tandem_cycle_duration_seconds", "How long cycles took.", cycleBounds, "link")
	m.rows = m.counter("tandem_rows_total", "Rows by what became of them; target is the side that rows which landed were written to.", "link", "target", "outcome")
	m.lag = m.histogram("tandem_lag_seconds", "From a change on source to its arrival on the other side.", lagBounds, "link", "source")
	m.halts = m.counter("tandem_halts_total", "Times that a link halted itself.", "link", "reason")
	m.hints = m.counter("tandem_hints_total", "Changes of tabs that became known, by the way they did.", "link", "path")
	m.googleCalls = m.counter("tandem_google_calls_total", "Calls to Google, each try by itself; status is HTTP's, or none without an answer.", "method", "status")
	m.googleDuration = m.histogram("tandem_google_call_duration_seconds", "How long calls to Google took.", googleBounds, "method")
	m.calls = m.counter("tandem_calls_total", "Calls of the API, over gRPC and REST.", "transport", "method", "code")
	m.callDuration = m.histogram("tandem_call_duration_seconds", "How long calls of the API took.", callBounds, "transport", "method")
	m.requests = m.counter("tandem_http_requests_total", "HTTP requests, those of the API included; path is its first part.", "path", "code")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(vec)
	return vec
}

func (m *metrics) histogram(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, labels)
	m.registry.MustRegister(vec)
	return vec
}

// handler answers scrapes. What one collector cannot tell is left out and counted, and the rest is answered.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 8})
}

// cycle counts one cycle.
func (m *metrics) cycle(r engine.CycleReport) {
	m.know(r.Link)
	result := "ok"
	switch {
	case r.Halted != "":
		result = "halted"
		m.halts.WithLabelValues(r.Link, r.Halted).Inc()
	case errors.Is(r.Err, tandem.ErrFenced) || errors.Is(r.Err, context.Canceled):
		result = "handed_over" // another process goes on
	case r.Err != nil:
		result = "failed"
	}
	m.cycles.WithLabelValues(r.Link, result).Inc()
	m.cycleDuration.WithLabelValues(r.Link).Observe(r.Duration.Seconds())
	for target, n := range r.Written {
		m.rows.WithLabelValues(r.Link, string(target), "landed").Add(float64(n))
	}
	for outcome, n := range map[string]int{"refused": r.Refused, "conflict": r.Conflicts, "moved": r.Moved} {
		if n > 0 {
			m.rows.WithLabelValues(r.Link, "", outcome).Add(float64(n))
		}
	}
	for source, lags := range r.Lags {
		to := m.lag.WithLabelValues(r.Link, string(source))
		for _, lag := range lags {
			to.Observe(lag.Seconds())
		}
	}
}

// hint counts a change of a tab that became known.
func (m *metrics) hint(link string, path tandem.HintPath) {
	m.know(link)
	m.hints.WithLabelValues(link, string(path)).Inc()
}

// googleCall counts one try of a call to Google.
func (m *metrics) googleCall(call sheets.Call) {
	status := "none"
	if call.Status != 0 {
		status = strconv.Itoa(call.Status)
	}
	m.googleCalls.WithLabelValues(call.Method, status).Inc()
	m.googleDuration.WithLabelValues(call.Method).Observe(call.Duration.Seconds())
}

// call counts one call of the API.
func (m *metrics) call(transport, method, code string, duration time.Duration) {
	m.calls.WithLabelValues(transport, method, code).Inc()
	m.callDuration.WithLabelValues(transport, method).Observe(duration.Seconds())
}

func (m *metrics) know(link string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[link] = true
}

// forget drops the series of links that are gone, which would else stay for as long as the process.
func (m *metrics) forget(there map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for link := range m.seen {
		if there[link] {
			continue
		}
		delete(m.seen, link)
		of := prometheus.Labels{"link": link}
		for _, vec := range []interface{ DeletePartialMatch(prometheus.Labels) int }{m.cycles, m.cycleDuration, m.rows, m.lag, m.halts, m.hints} {
			vec.DeletePartialMatch(of)
		}
	}
}
