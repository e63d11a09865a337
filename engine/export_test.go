package engine

import "github.com/tandem-sync/tandem"

// Pack and Unpack are how rows that wait are kept.
func Pack(values []tandem.Value) []byte { return pack(nil, values) }

func Unpack(data string, n int) ([]tandem.Value, string, error) { return unpack(data, n) }

// Payload is what an intent stores.
type Payload = payload

// EncodePayload and DecodePayload store and read it.
func EncodePayload(p Payload) ([]byte, error) { return p.encode() }

func DecodePayload(stored []byte) (Payload, error) { return decodePayload(stored) }

// OrderOf returns the keys of rows as they are kept from one look to the next.
func OrderOf(rows []tandem.Row) []tandem.Key { return newRowOrder(rows).keys() }
