package server

import (
	"cmp"
	"time"
)

// WatchLimits are those limits of WatchChanges that tests narrow; what is zero stays as it is.
type WatchLimits struct {
	Stall, Behind, Heartbeat time.Duration
	Keep, Bytes, Page        int
}

// LimitWatches narrows the limits of WatchChanges.
func LimitWatches(config *Config, to WatchLimits) {
	usual := usualWatchLimits
	limits := usual
	limits.stall, limits.behind = cmp.Or(to.Stall, usual.stall), cmp.Or(to.Behind, usual.behind)
	limits.keep, limits.bytes, limits.page = cmp.Or(to.Keep, usual.keep), cmp.Or(to.Bytes, usual.bytes), cmp.Or(to.Page, usual.page)
	limits.heartbeat = to.Heartbeat
	config.watch = limits
}
