package tandem

import "errors"

// ErrOutdated means that a link, or its table, may no longer be as it was when its rows were opened. Nothing was done: open
// them anew and repeat.
var ErrOutdated = errors.New("the link or its table is not as it was remembered")
