package emulator

// Stats is what has been asked of the emulator since the start, or since the counters were set to zero. Reads
// and Writes are Sheets calls that were let in; Rejected are those that a quota refused.
type Stats struct {
	Calls    map[string]int64 `json:"calls"`
	Reads    int64            `json:"reads"`
	Writes   int64            `json:"writes"`
	Rejected int64            `json:"rejected"`
	BytesIn  int64            `json:"bytesIn"`
	BytesOut int64            `json:"bytesOut"`
}

// Stats returns a copy of the counters.
func (e *Emulator) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.stats
	out.Calls = make(map[string]int64, len(e.stats.Calls))
	for id, n := range e.stats.Calls {
		out.Calls[id] = n
	}
	return out
}

// ResetStats sets all counters to zero.
func (e *Emulator) ResetStats() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats = Stats{Calls: map[string]int64{}}
}

func (e *Emulator) count(id string, _ *apiMethod, bytesIn int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Calls[id]++
	e.stats.BytesIn += int64(bytesIn)
}

func (e *Emulator) sent(n int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.BytesOut += n
}
