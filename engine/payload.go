package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/tandem-sync/tandem"
)

// payload is what an intent stores, so that whoever settles it can also commit it.
type payload struct {
	Batch       []byte              `json:"batch,omitempty"`
	Version     int64               `json:"version"`               // of the link's settings
	Columns     []string            `json:"columns"`               // what stands where in the values of settlements
	Settlements []tandem.Settlement `json:"settlements,omitempty"` // aligned with the changes in the batch
	// Writes are the same for writes that callers wait for.
	Writes []tandem.WantedWrite `json:"writes,omitempty"`
}

// storedPayload is a payload as JSON. After it, and a line feed, come the rows that it leaves out, packed, and the batch. A
// payload without a line feed was stored as it is, by an earlier version.
type storedPayload struct {
	payload
	Settlements []*tandem.Settlement `json:"settlements,omitempty"` // nil for rows that are packed
	// Inserted is the history of the packed rows, all but their keys and values: they are new in the sheet, and nothing else is
	// to be settled for them. Their packed form is Packed bytes long.
	Inserted *tandem.Entry `json:"inserted,omitempty"`
	Packed   int           `json:"packed,omitempty"`
}

// encode returns the payload as it is stored.
func (p *payload) encode() ([]byte, error) {
	s := storedPayload{payload: *p}
	s.payload.Batch, s.payload.Settlements = nil, nil
	var packed []byte
	for i := range p.Settlements {
		settlement := &p.Settlements[i]
		entry := insertedAlone(settlement, p.Columns)
		if entry != nil && s.Inserted == nil {
			s.Inserted = &tandem.Entry{Kind: entry.Kind, Source: entry.Source, Cause: entry.Cause, Actor: entry.Actor, At: entry.At}
		}
		if entry == nil || entry.Cause != s.Inserted.Cause || entry.Actor != s.Inserted.Actor {
			s.Settlements = append(s.Settlements, settlement)
			continue
		}
		s.Settlements = append(s.Settlements, nil)
		packed = pack(packText(packed, string(settlement.Key)), settlement.Baseline)
	}
	s.Packed = len(packed)
	head, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{head, append(packed, p.Batch...)}, []byte{'\n'}), nil
}

// insertedAlone returns the history of a settlement that does nothing but insert a row into the sheet, with all that it then
// holds agreed on; nil for any other.
func insertedAlone(s *tandem.Settlement, columns []string) *tandem.Entry {
	if s.Write != nil || s.Forget || s.Conflict != nil || s.CloseConflict || s.Typed != nil || s.CloseTyped || s.Error != nil || s.ClearError ||
		len(s.History) != 1 || len(s.Baseline) != len(columns) {
		return nil
	}
	entry := &s.History[0]
	if entry.Kind != tandem.Insert || entry.Key != s.Key || entry.Before != nil || entry.Removes || entry.Conflict != nil || entry.Seq != 0 {
		return nil
	}
	if !maps.Equal(entry.After, namedBy(columns, s.Baseline)) {
		return nil
	}
	return entry
}

// namedBy gives values their column names.
func namedBy(columns []string, values []tandem.Value) map[string]tandem.Value {
	byName := make(map[string]tandem.Value, len(values))
	for i, value := range values {
		if !value.IsAbsent() {
			byName[columns[i]] = value
		}
	}
	return byName
}

// decodePayload reads what encode returns.
func decodePayload(stored []byte) (p payload, err error) {
	head, rest, found := bytes.Cut(stored, []byte{'\n'})
	if !found {
		return p, json.Unmarshal(stored, &p)
	}
	var s storedPayload
	if err := json.Unmarshal(head, &s); err != nil {
		return p, err
	}
	if s.Packed > len(rest) {
		return p, errors.New("it is cut off")
	}
	packed := string(rest[:s.Packed])
	p = s.payload
	p.Batch = rest[s.Packed:]
	for _, settlement := range s.Settlements {
		if settlement == nil {
			settlement = &tandem.Settlement{}
			if packed, err = s.unpack(packed, settlement); err != nil {
				return p, err
			}
		}
		p.Settlements = append(p.Settlements, *settlement)
	}
	return p, nil
}

// unpack reads one packed row and returns what follows it.
func (s *storedPayload) unpack(packed string, into *tandem.Settlement) (rest string, err error) {
	if s.Inserted == nil {
		return "", fmt.Errorf("the history of its rows is missing")
	}
	key, rest, err := unpackText(packed)
	if err != nil {
		return "", err
	}
	into.Key = tandem.Key(key)
	if into.Baseline, rest, err = unpack(rest, len(s.Columns)); err != nil {
		return "", err
	}
	entry := *s.Inserted
	entry.Key, entry.After = into.Key, namedBy(s.Columns, into.Baseline)
	into.History = []tandem.Entry{entry}
	return rest, nil
}
