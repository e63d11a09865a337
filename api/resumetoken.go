package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"

	"github.com/tandem-sync/tandem"
)

// Place is a place in the history of one link: right after the change Seq. A link that was deleted and made again under the
// same id has another Number; Created tells apart links of a database that was set up anew.
type Place struct {
	Link    string
	Number  int64
	Created int64 // in microseconds since 1970
	Seq     int64
}

// PlaceIn returns the place after a change of a link.
func PlaceIn(link *tandem.Link, seq int64) Place {
	return Place{Link: link.ID, Number: link.Number, Created: link.Created.UnixMicro(), Seq: seq}
}

// placeForm begins every token, so that a later form can be told from this one.
const placeForm = 1

// Token writes the place as callers get it: opaque text that fits into a header and into a line of an event stream. The
// checksum tells a mangled token from a good one; it is no signature, since whoever forges a token gains nothing by it.
func (p Place) Token() string {
	data := make([]byte, 0, 40+len(p.Link))
	data = append(data, placeForm)
	for _, number := range []int64{p.Number, p.Created, p.Seq} {
		data = binary.AppendVarint(data, number)
	}
	data = append(data, p.Link...)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(data)))
}

// parsePlace reads a token of a link; nil for the empty token.
func parsePlace(link, token string) (*Place, error) {
	if token == "" {
		return nil, nil
	}
	place, ok := readPlace(token)
	if !ok {
		return nil, tandem.InvalidField("resume_token", "it is not a token that WatchChanges gave out; leave it out to begin with the next change")
	}
	if place.Link != link {
		return nil, tandem.InvalidField("resume_token", "it belongs to %s, the request is for %s", linkName(place.Link), linkName(link))
	}
	return &place, nil
}

func readPlace(token string) (place Place, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(data) < 5 || data[0] != placeForm {
		return place, false
	}
	data, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	if crc32.ChecksumIEEE(data) != sum {
		return place, false
	}
	data = data[1:]
	for _, into := range []*int64{&place.Number, &place.Created, &place.Seq} {
		number, n := binary.Varint(data)
		if n <= 0 {
			return place, false
		}
		*into, data = number, data[n:]
	}
	place.Link = string(data)
	return place, place.Seq >= 0 && place.Token() == token
}
