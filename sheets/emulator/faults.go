package emulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault makes calls go wrong, the next Count of them (0 is one).
type Fault struct {
	// Method is one of Google's ids, such as spreadsheets.batchUpdate, or "*".
	Method string `json:"method"`
	// Kind is before (fails, nothing happened), after (fails, yet it took effect), hang (took effect, the reply
	// is held), drop (the connection breaks, nothing happened) or dropAfter (it breaks, yet it took effect).
	Kind string `json:"kind"`
	// Status is the HTTP status of before and after; 0 is 503.
	Status int `json:"status"`
	Count  int `json:"count"`
	// Reason, with status 403, is why: "" when the file is not shared with the caller, SERVICE_DISABLED when the API is not
	// enabled in the project of the credentials.
	Reason string `json:"reason"`
	// DelayMs ends a hang after that long, with the connection broken; 0 holds until the caller gives up.
	DelayMs int `json:"delayMs"`
}

var faultKinds = []string{"before", "after", "hang", "drop", "dropAfter"}

// AddFault arms a fault. Faults are used up in the order they came.
func (e *Emulator) AddFault(f Fault) error {
	if !slices.Contains(faultKinds, f.Kind) {
		return invalid("kind must be one of before, after, hang, drop, dropAfter, not %q", f.Kind)
	}
	if f.Method != "*" && !slices.ContainsFunc(e.methods, func(m *apiMethod) bool { return m.id == f.Method }) {
		return invalid("method %q is none that the emulator has; use its id, such as spreadsheets.batchUpdate, or *", f.Method)
	}
	if f.Count <= 0 {
		f.Count = 1
	}
	if f.Status == 0 {
		f.Status = http.StatusServiceUnavailable
	}
	if f.Reason != "" && (f.Reason != serviceDisabled || f.Status != http.StatusForbidden) {
		return invalid("reason must be %s, with status 403, or left out; not %q", serviceDisabled, f.Reason)
	}
	if f.Status < 400 || f.Status > 599 {
		return invalid("status must be an HTTP error, not %d", f.Status)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, &f)
	return nil
}

// ClearFaults disarms all faults.
func (e *Emulator) ClearFaults() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = nil
}

// admit charges the call's quota and takes the fault that is due for it, if any.
func (e *Emulator) admit(c *call) (*Fault, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.charge(c); err != nil {
		return nil, err
	}
	for i, f := range e.faults {
		if f.Method != "*" && f.Method != c.method.id {
			continue
		}
		if f.Count--; f.Count == 0 {
			e.faults = slices.Delete(slices.Clone(e.faults), i, i+1)
		}
		due := *f
		return &due, nil
	}
	return nil, nil
}

func (f *Fault) early() bool { return f.Kind == "before" || f.Kind == "drop" }

// fail answers as the fault says. Breaking off is done the way net/http means it: by its ErrAbortHandler.
func (e *Emulator) fail(w http.ResponseWriter, r *http.Request, f *Fault) {
	switch f.Kind {
	case "before", "after":
		if f.Status == http.StatusForbidden && strings.HasPrefix(r.URL.Path, "/drive/") {
			e.answerError(w, r, driveDisabled())
			return
		}
		if f.Reason == serviceDisabled {
			e.answerError(w, r, sheetsDisabled())
			return
		}
		e.answerError(w, r, faultError(f.Status))
		return
	case "hang":
		if f.DelayMs > 0 {
			e.options.Sleep(r.Context(), time.Duration(f.DelayMs)*time.Millisecond)
		} else {
			select {
			case <-r.Context().Done():
			case <-e.closed:
			}
		}
	}
	panic(http.ErrAbortHandler)
}

// driveDisabled is how Google refuses when the Drive API is not enabled in the caller's project.
func driveDisabled() *apiError {
	const page = "https://console.developers.google.com/apis/api/drive.googleapis.com/overview?project=" + projectNumber
	e := driveError(http.StatusForbidden, "accessNotConfigured", "", "Google Drive API has not been used in project "+projectNumber+
		" before or it is disabled. Enable it by visiting "+page+" then retry. If you enabled this API recently, wait a few minutes "+
		"for the action to propagate to our systems and retry.")
	e.drive["domain"], e.drive["extendedHelp"] = "usageLimits", "https://console.developers.google.com"
	e.status = "PERMISSION_DENIED"
	return e
}

const serviceDisabled = "SERVICE_DISABLED"

// sheetsDisabled is how Google refuses when the Sheets API is not enabled in the caller's project.
func sheetsDisabled() *apiError {
	const page = "https://console.developers.google.com/apis/api/sheets.googleapis.com/overview?project=" + projectNumber
	return &apiError{code: http.StatusForbidden, status: "PERMISSION_DENIED",
		message: "Google Sheets API has not been used in project " + projectNumber + " before or it is disabled. Enable it by visiting " + page +
			" then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.",
		details: []any{
			object{"@type": "type.googleapis.com/google.rpc.Help", "links": []any{object{"description": "Google developers console API activation", "url": page}}},
			object{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": serviceDisabled, "domain": "googleapis.com",
				"metadata": object{"consumer": "projects/" + projectNumber, "service": "sheets.googleapis.com"}},
		}}
}

func faultError(status int) *apiError {
	e := &apiError{code: status}
	switch status {
	case http.StatusTooManyRequests:
		return quotaExceeded("Read", true, 60)
	case http.StatusServiceUnavailable:
		e.status, e.message = "UNAVAILABLE", "The service is currently unavailable."
	case http.StatusGatewayTimeout:
		e.status, e.message = "DEADLINE_EXCEEDED", "The deadline expired before the operation could complete."
	case http.StatusForbidden:
		e.status, e.message = "PERMISSION_DENIED", "The caller does not have permission"
	case http.StatusUnauthorized:
		e.status, e.message = "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, "+
			"login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
	case http.StatusNotFound:
		return notFound()
	case http.StatusConflict:
		e.status, e.message = "ABORTED", "The operation was aborted."
	default:
		e.status, e.message = "INTERNAL", "Internal error encountered."
		if status < 500 {
			e.status, e.message = "INVALID_ARGUMENT", "Request contains an invalid argument."
		}
	}
	return e
}
