package sheets

import (
	"bytes"
	"context"
	"io"
	"net/url"
)

// readWhole reads every cell of the tab, unformatted, in one call. each is called for every row, counted from 0; what it saw
// counts only when readWhole succeeds. copied, when given, gets the answer as it arrived. begin is called before each try.
func (t *Tab) readWhole(ctx context.Context, copied io.Writer, begin func(), each func(at int, row *cells) error) error {
	var stopped error
	err := t.withTitle(ctx, func(title string) error {
		begin()
		return t.readValues(ctx, "v4/spreadsheets/{spreadsheetId}/values/{range}", map[string]string{"range": quoteTitle(title)}, url.Values{},
			func(body io.Reader) error {
				counted := &countingReader{from: body}
				if body = counted; copied != nil {
					body = io.TeeReader(counted, copied)
				}
				err := scanValues(body, func(at int, row *cells) error {
					stopped = each(at, row)
					return stopped
				})
				t.known.mu.Lock()
				defer t.known.mu.Unlock()
				t.known.bytes = counted.bytes
				return err
			})
	})
	switch {
	case stopped != nil:
		return stopped
	case err != nil:
		return t.failed(err, "read tab %q", t.title())
	}
	return nil
}

type countingReader struct {
	from  io.Reader
	bytes int
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.from.Read(b)
	r.bytes += n
	return n, err
}

const (
	// spoolLimit is how much of an answer is kept while it is only compared. A larger one is read once more when it turns out
	// to be new.
	spoolLimit = 64 << 20
	spoolChunk = 256 << 10
)

// newSpool returns what keeps the next answer; it does not begin to when the last one was too large.
func (t *Tab) newSpool() *spool {
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	return &spool{over: t.known.bytes > spoolLimit}
}

// spool keeps an answer while it is compared, so that it can be gone through again when it is new.
type spool struct {
	chunks [][]byte
	size   int
	over   bool // the answer was too large, and nothing is kept
}

func (s *spool) reset() {
	if s != nil {
		s.chunks, s.size = nil, 0
	}
}

// Write never fails.
func (s *spool) Write(b []byte) (int, error) {
	if s.size += len(b); s.over || s.size > spoolLimit {
		s.over, s.chunks = true, nil
		return len(b), nil
	}
	for rest := b; len(rest) > 0; {
		n := len(s.chunks)
		if n == 0 || len(s.chunks[n-1]) == spoolChunk {
			s.chunks = append(s.chunks, make([]byte, 0, spoolChunk))
			n++
		}
		last := s.chunks[n-1]
		take := min(len(rest), spoolChunk-len(last))
		s.chunks[n-1] = append(last, rest[:take]...)
		rest = rest[take:]
	}
	return len(b), nil
}

// read returns what was kept, and lets go of it as it is read.
func (s *spool) read() io.Reader {
	readers := make([]io.Reader, len(s.chunks))
	for i, chunk := range s.chunks {
		readers[i] = bytes.NewReader(chunk)
	}
	s.chunks = nil
	return io.MultiReader(readers...)
}
