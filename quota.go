package tandem

import (
	"math"
	"time"
)

// CallAsk is a call of the Sheets API that a process wants to make. The processes that share a database share its budget.
type CallAsk struct {
	Project, Credential string // whose budget it is: several credentials may belong to one project
	Process             string
	Write               bool
	PerUser, PerProject int // calls that may be made in any minute; 0 is no limit
	// Share is how much of these limits this kind of work may use up; the rest is kept for people.
	Share float64
	// Unrecorded are calls that this process made since it was last answered.
	Unrecorded int
}

// CallGrant is the answer to a CallAsk.
type CallGrant struct {
	Wait          time.Duration // 0: the call is counted, and may be made; else when to ask again
	User, Project int           // calls of the last minute, this one included
	Processes     int           // that made calls in the last minute, at least 1
	Throttle      Throttle
}

// CallMinute is what was called in one minute.
type CallMinute struct {
	Start                   time.Time
	Reads, Writes, Rejected int
}

// How a limit is lowered when Google turned a call down, and how it recovers.
const (
	throttleBy      = 0.7
	throttleLeast   = 0.1
	throttleRest    = 10 * time.Second // calls that were under way together count as one refusal
	throttleRecover = 10 * time.Minute // from nothing to the whole limit
)

// Throttle lowers a limit after Google turned calls down: by a factor each time, and back little by little. The zero value
// lowers nothing.
type Throttle struct {
	Factor float64 // at the moment At
	At     time.Time
}

// Now returns the share of the limit that holds now.
func (t Throttle) Now(now time.Time) float64 {
	if t.At.IsZero() {
		return 1
	}
	return min(1, t.Factor+float64(max(0, now.Sub(t.At)))/float64(throttleRecover))
}

// Lower returns the throttle after a refusal.
func (t Throttle) Lower(now time.Time) Throttle {
	if !t.At.IsZero() && now.Sub(t.At) < throttleRest {
		return t
	}
	return Throttle{Factor: max(throttleLeast, t.Now(now)*throttleBy), At: now}
}

// Allowed returns how many calls a minute a share of a limit allows, at least one; a limit of 0 allows any number.
func Allowed(limit int, share float64) int {
	if limit <= 0 {
		return math.MaxInt
	}
	return max(1, int(float64(limit)*share+1e-9))
}
