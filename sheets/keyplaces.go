package sheets

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/tandem-sync/tandem"
)

// keyMark stands for a key where many are remembered: 96 bits of its SHA-256, the same in every process. That two of a
// million keys share one has a chance of 1 in 10^17, and nobody can choose keys that do, so equal marks mean equal keys.
type keyMark struct {
	high uint64
	low  uint32
}

func markOf[T string | []byte | tandem.Key](key T) keyMark {
	sum := sha256.Sum256([]byte(key))
	return keyMark{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint32(sum[8:])}
}

// text is the mark as it is stored.
func (m keyMark) text() string { return fmt.Sprintf("%016x%08x", m.high, m.low) }

func (m keyMark) compare(other keyMark) int {
	return cmp.Or(cmp.Compare(m.high, other.high), cmp.Compare(m.low, other.low))
}

// keyPlace is a row that has a key. It takes 16 bytes, so a million of them take 16 MB.
type keyPlace struct {
	high uint64
	low  uint32
	row  int32 // counted from 0
}

func (p keyPlace) mark() keyMark { return keyMark{p.high, p.low} }

func placed(key keyMark, row int) keyPlace { return keyPlace{key.high, key.low, int32(row)} }

func (p keyPlace) compare(other keyPlace) int {
	if p.high != other.high {
		return cmp.Compare(p.high, other.high)
	}
	return cmp.Or(cmp.Compare(p.low, other.low), cmp.Compare(p.row, other.row))
}

// keyPlaces are the rows that have a usable key, sorted by key and then by row. A key that stands more than once is in it
// as often.
type keyPlaces []keyPlace

// sortPlaces returns list in order; list itself is of no use afterwards. Marks are spread evenly, so their first bits put each
// among about eight others.
func sortPlaces(list keyPlaces) keyPlaces {
	const few = 64
	if len(list) < few {
		slices.SortFunc(list, keyPlace.compare)
		return list
	}
	width := bits.Len(uint(len(list) / 8))
	ends := make([]int32, 1<<width)
	for i := range list {
		ends[list[i].high>>(64-width)]++
	}
	end := int32(0)
	for i := range ends {
		end, ends[i] = end+ends[i], end
	}
	sorted := make(keyPlaces, len(list))
	for i := range list {
		at := &ends[list[i].high>>(64-width)]
		sorted[*at] = list[i]
		*at++
	}
	first := int32(0)
	for _, end := range ends {
		if end-first > 1 {
			slices.SortFunc(sorted[first:end], keyPlace.compare)
		}
		first = end
	}
	return sorted
}

// of returns the places of a key.
func (p keyPlaces) of(key keyMark) keyPlaces {
	first, _ := slices.BinarySearchFunc(p, key, func(at keyPlace, key keyMark) int { return at.mark().compare(key) })
	end := first
	for end < len(p) && p[end].mark() == key {
		end++
	}
	return p[first:end]
}

// repeated visits the places of each key that stands more than once.
func (p keyPlaces) repeated(visit func(same keyPlaces)) {
	for first := 0; first < len(p); {
		end := first + 1
		for end < len(p) && p[end].mark() == p[first].mark() {
			end++
		}
		if end > first+1 {
			visit(p[first:end])
		}
		first = end
	}
}

func (p keyPlaces) rows() []int {
	rows := make([]int, len(p))
	for i := range p {
		rows[i] = int(p[i].row)
	}
	return rows
}

// place returns the row of a key that stands once, counted from 0.
func (r *reading) place(key tandem.Key) (row int, ok bool) {
	if key == "" {
		return 0, false
	}
	at := r.places.of(markOf(key))
	if len(at) != 1 {
		return 0, false
	}
	return int(at[0].row), true
}

// doubled returns the rows of a key that stands more than once, nil for any other.
func (r *reading) doubled(key tandem.Key) []int {
	if key == "" {
		return nil
	}
	if at := r.places.of(markOf(key)); len(at) > 1 {
		return at.rows()
	}
	return nil
}

// stands reports whether a key is in the tab, once or more often.
func (r *reading) stands(key tandem.Key) bool {
	return key != "" && len(r.places.of(markOf(key))) > 0
}
