package emulator

import (
	"net/http"
	"strconv"
	"time"
)

// Settings are what PUT /emulator/settings takes. A zero is off.
type Settings struct {
	ReadsPerMinutePerUser     int `json:"readsPerMinutePerUser"`
	WritesPerMinutePerUser    int `json:"writesPerMinutePerUser"`
	ReadsPerMinutePerProject  int `json:"readsPerMinutePerProject"`
	WritesPerMinutePerProject int `json:"writesPerMinutePerProject"`
	LatencyMs                 int `json:"latencyMs"`
	LatencyJitterMs           int `json:"latencyJitterMs"`
	// DriveLagMs is how long after a change Drive lists it.
	DriveLagMs int `json:"driveLagMs"`
}

// GoogleSettings are the quotas that Google gives a new project, and a latency like that of its servers.
func GoogleSettings() Settings {
	return Settings{ReadsPerMinutePerUser: 60, WritesPerMinutePerUser: 60, ReadsPerMinutePerProject: 300,
		WritesPerMinutePerProject: 300, LatencyMs: 150, LatencyJitterMs: 50}
}

// Configure sets quotas and latency from now on.
func (e *Emulator) Configure(s Settings) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settings = s
}

// window counts the calls of one minute. Every minute starts anew.
type window struct {
	minute int64
	used   int
}

// spend takes one call out of the quota that key names, or says that none is left.
func (e *Emulator) spend(key string, limit int, minute int64, dry bool) bool {
	w := e.quotas[key]
	if w == nil {
		w = &window{}
		e.quotas[key] = w
	}
	if w.minute != minute {
		w.minute, w.used = minute, 0
	}
	if limit > 0 && w.used >= limit {
		return false
	}
	if !dry {
		w.used++
	}
	return true
}

// charge books a Sheets call on the quotas of its user and of the project. Drive has other quotas, not emulated.
func (e *Emulator) charge(c *call) error {
	if c.method.drive {
		return nil
	}
	kind, perUser, perProject := "Read", e.settings.ReadsPerMinutePerUser, e.settings.ReadsPerMinutePerProject
	if c.method.write {
		kind, perUser, perProject = "Write", e.settings.WritesPerMinutePerUser, e.settings.WritesPerMinutePerProject
	}
	minute := e.now().Unix() / 60
	user := kind + " " + userOf(c.request)
	switch {
	case !e.spend(user, perUser, minute, true):
		e.stats.Rejected++
		return quotaExceeded(kind, true, perUser)
	case !e.spend(kind, perProject, minute, true):
		e.stats.Rejected++
		return quotaExceeded(kind, false, perProject)
	}
	e.spend(user, 0, minute, false)
	e.spend(kind, 0, minute, false)
	if c.method.write {
		e.stats.Writes++
	} else {
		e.stats.Reads++
	}
	return nil
}

// userOf tells callers apart: by quotaUser, else by their credentials.
func userOf(r *http.Request) string {
	if u := r.URL.Query().Get("quotaUser"); u != "" {
		return "user " + u
	}
	if a := r.Header.Get("Authorization"); a != "" {
		return "auth " + a
	}
	return "key " + r.URL.Query().Get("key")
}

const projectNumber = "123456789012"

func quotaExceeded(kind string, perUser bool, limit int) *apiError {
	scope, id, unit := "per minute per user", "PerMinutePerUser", "1/min/{project}/{user}"
	if !perUser {
		scope, id, unit = "per minute", "PerMinutePerProject", "1/min/{project}"
	}
	metric := map[string]string{"Read": "read_requests", "Write": "write_requests"}[kind]
	return &apiError{code: http.StatusTooManyRequests, status: "RESOURCE_EXHAUSTED",
		message: "Quota exceeded for quota metric '" + kind + " requests' and limit '" + kind + " requests " + scope +
			"' of service 'sheets.googleapis.com' for consumer 'project_number:" + projectNumber + "'.",
		details: []any{
			object{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com",
				"metadata": object{"service": "sheets.googleapis.com", "consumer": "projects/" + projectNumber,
					"quota_metric": "sheets.googleapis.com/" + metric, "quota_limit": kind + "Requests" + id,
					"quota_limit_value": strconv.Itoa(limit), "quota_unit": unit, "quota_location": "global"}},
			object{"@type": "type.googleapis.com/google.rpc.Help", "links": []any{object{
				"description": "Request a higher quota limit.",
				"url":         "https://cloud.google.com/docs/quotas/help/request_increase"}}}}}
}

// delay makes the caller wait as the network to Google would.
func (e *Emulator) delay(r *http.Request) {
	e.mu.Lock()
	ms := e.settings.LatencyMs
	if j := e.settings.LatencyJitterMs; j > 0 {
		ms += e.random.IntN(2*j+1) - j
	}
	e.mu.Unlock()
	if ms > 0 {
		e.options.Sleep(r.Context(), time.Duration(ms)*time.Millisecond)
	}
}
