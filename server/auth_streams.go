package server

import (
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
)

// anonymousStreams is how many streams may be open without a token where tokens are asked for: those of health checks.
const anonymousStreams = 100

// streamRetry is when somebody who found no place may try again.
const streamRetry = 5 * time.Second

// streams are the calls that stay: streams, and those that wait for an operation.
type streams struct {
	perToken, inAll int // at most; 0 is any number

	mu    sync.Mutex
	count int
	open  map[string]map[*stream]bool // by token; "" is without
}

type stream struct{ end func(error) }

func newStreams(perToken, inAll int) *streams {
	return &streams{perToken: perToken, inAll: inAll, open: map[string]map[*stream]bool{}}
}

// enter finds a place for a stream of a token, which leave gives back. End is called when the token is gone. Where nobody is
// asked for a token, only the number of all counts.
func (s *streams) enter(token string, off bool, end func(error)) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := s.perToken
	if token == "" {
		most = anonymousStreams
	}
	switch {
	case s.inAll > 0 && s.count >= s.inAll:
		return nil, tooMany("the server has %d streams open, which is all that it takes (--max-streams)", s.count)
	case !off && most > 0 && len(s.open[token]) >= most:
		return nil, tooMany("%d streams are open with this token, which is all that it may have (--max-streams-per-token)", most)
	}
	one := &stream{end}
	if s.open[token] == nil {
		s.open[token] = map[*stream]bool{}
	}
	s.open[token][one] = true
	s.count++
	return func() { s.leave(token, one) }, nil
}

func tooMany(format string, args ...any) error {
	err := tandem.Errorf(tandem.CodeExhausted, "TOO_MANY_STREAMS", format, args...)
	err.RetryAfter = streamRetry
	return err
}

func (s *streams) leave(token string, one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open[token], one)
	if len(s.open[token]) == 0 {
		delete(s.open, token)
	}
	s.count--
}

// tokens returns the tokens that have streams open.
func (s *streams) tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id := range s.open {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// end ends the streams of a token.
func (s *streams) end(token string, why error) {
	s.mu.Lock()
	var all []*stream
	for one := range s.open[token] {
		all = append(all, one)
	}
	s.mu.Unlock()
	for _, one := range all {
		one.end(why)
	}
}
