package server_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

// soakLink is one table and its tab, which has the same name.
type soakLink struct {
	name, key string
	counts    bool     // the table makes its keys
	keep      []string // rows that nobody deletes
	fight     []string // rows that everybody writes and deletes
	writers   []string
}

func (l *soakLink) kept(r *rand.Rand) string { return l.keep[r.IntN(len(l.keep))] }

func (l *soakLink) fought(r *rand.Rand) string { return l.fight[r.IntN(len(l.fight))] }

// newKey makes a key that nobody else uses: those that the table counts begin at 1,000,000.
func (l *soakLink) newKey(who string, serial int) string {
	if !l.counts {
		return fmt.Sprintf("%s row %04d", who, serial)
	}
	return strconv.Itoa(10000*(1+slices.Index(l.writers, who)) + serial)
}

// asKey is a key as JSON wants it.
func (l *soakLink) asKey(key string) any {
	if n, err := strconv.Atoi(key); err == nil && l.counts {
		return n
	}
	return key
}
