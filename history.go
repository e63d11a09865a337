package tandem

import "errors"

// HistoryEnd is how far the history of a link reaches.
type HistoryEnd struct {
	// Newest is the seq of the last change that was added, even where it was pruned since; 0 when none ever was.
	Newest int64
	// Pruned is the last seq that was pruned: what came after it is there, without a gap. 0: nothing was.
	Pruned int64
}

// ErrPruned means that some of the changes that were asked for are no longer in history.
var ErrPruned = errors.New("history was pruned beyond this place")
