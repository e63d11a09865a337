package tandem

import "strings"

// AnyEtag, as what a write is based on, asks that the row is there, whatever it holds.
const AnyEtag = "*"

// EtagFits reports whether a row with the etag current, "" when there is no row, is one that a write was based on. Based is
// "" for nothing in particular, AnyEtag, or one or several etags with commas between them, of which one must be the row's. A
// dot, and what follows it, tells only one answer of a server from another.
func EtagFits(based, current string) bool {
	switch {
	case based == "":
		return true
	case current == "":
		return false
	case based == AnyEtag || based == current:
		return true
	}
	for one := range strings.SplitSeq(based, ",") {
		if one, _, _ = strings.Cut(one, "."); one == current {
			return true
		}
	}
	return false
}
