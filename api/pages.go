package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"hash/crc32"
	"strings"

	"github.com/tandem-sync/tandem"
)

// Sizes of a page.
const (
	defaultPage = 50
	maxPage     = 1000
	// maxPageToken is how long a token may be, as the contract has it.
	maxPageToken = 20_000
)

// pageToken says where the next page of a list begins. Callers see it as opaque text.
type pageToken struct {
	// Scope is the list that the token belongs to, such as "links/anime/sources/sheet".
	Scope string `json:"s"`
	// After is the last entry of the page before; Position tells entries apart that have no name of their own.
	After    string `json:"a,omitempty"`
	Position int    `json:"p,omitempty"`
	// Marks are what the last entry was sorted by, where the caller chose the order; see Cursor.
	Marks []string `json:"m,omitempty"`
	// Query is queryDigest of the request that the token was given out for.
	Query string `json:"q,omitempty"`
}

// queryDigest tells requests apart that ask for other rows or another order; "" where all rows are asked for by key.
func queryDigest(filter, order string) string {
	if filter = strings.TrimSpace(filter); filter == "" && strings.TrimSpace(order) == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(filter + "\x00" + strings.TrimSpace(order)))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// encode adds a checksum, which tells a mangled token from a good one. It is no signature: whatever a forged token could
// say, its forger could read anyway.
func (t pageToken) encode() string {
	data, err := json.Marshal(t)
	if err != nil {
		return "" // cannot be: strings and a number
	}
	sum := crc32.ChecksumIEEE(data)
	return base64.RawURLEncoding.EncodeToString(append(data, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)))
}

// parsePage reads a token of the list called scope; the empty token is the list's beginning.
func parsePage(scope, token string) (pageToken, error) {
	page := pageToken{Scope: scope}
	if token == "" {
		return page, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(data) < 4 {
		return page, tandem.InvalidField("page_token", "it is not a token that this server gave out; leave it out to begin with the first page")
	}
	body, tail := data[:len(data)-4], data[len(data)-4:]
	sum := uint32(tail[0])<<24 | uint32(tail[1])<<16 | uint32(tail[2])<<8 | uint32(tail[3])
	if crc32.ChecksumIEEE(body) != sum || json.Unmarshal(body, &page) != nil {
		return page, tandem.InvalidField("page_token", "it is not a token that this server gave out; leave it out to begin with the first page")
	}
	if page.Scope != scope {
		return page, tandem.InvalidField("page_token", "it belongs to the list %s; leave it out to begin with the first page", page.Scope)
	}
	return page, nil
}

func pageSize(asked int32) int {
	if asked <= 0 {
		return defaultPage
	}
	return min(int(asked), maxPage)
}
